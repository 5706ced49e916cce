"""The lawful maximum terms: the day each rule allows at the latest, and which rules a due date exceeds."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caps import Sector, TermRule, caps, end_of_month, end_of_ten_days, exceeding
from tests.domain.build import day

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))

FACTS_1_5 = [
    # issue, 30 net, 60 net, end of month + 45 (there "A"), + 45 end of month (there "B"), 45 net
    ("2026-01-02", "2026-02-01", "2026-03-03", "2026-03-17", "2026-02-28", "2026-02-16"),
    ("2026-01-15", "2026-02-14", "2026-03-16", "2026-03-17", "2026-03-31", "2026-03-01"),
    ("2026-01-31", "2026-03-02", "2026-04-01", "2026-03-17", "2026-03-31", "2026-03-17"),
    ("2024-01-15", "2024-02-14", "2024-03-15", "2024-03-16", "2024-02-29", "2024-02-29"),
    ("2026-12-31", "2027-01-30", "2027-03-01", "2027-02-14", "2027-02-28", "2027-02-14"),
]

AC_57 = [
    # issue, + 45 end of month (there "A"), end of month + 45 (there "B"), 60 net
    ("2014-01-02", "2014-02-28", "2014-03-17", "2014-03-03"),
    ("2025-03-10", "2025-04-30", "2025-05-15", "2025-05-09"),
    ("2025-04-10", "2025-05-31", "2025-06-14", "2025-06-09"),
    ("2011-10-05", "2011-11-30", "2011-12-15", "2011-12-04"),
    ("2011-10-22", "2011-12-31", "2011-12-15", "2011-12-21"),
    ("2025-01-15", "2025-03-31", "2025-03-17", "2025-03-16"),
]


def last_days(issued: str, received: str | None = None, **how: object) -> dict[str, str]:
    """Gives the last day under each rule, as text."""
    found = caps(day(issued), day(received) if received else None, **how)  # type: ignore[arg-type]
    return {cap.rule.value: cap.last_day.isoformat() for cap in found}


@pytest.mark.parametrize(("issued", "net30", "net60", "first", "last", "periodic"), FACTS_1_5)
def test_the_published_examples(
    issued: str, net30: str, net60: str, first: str, last: str, periodic: str
) -> None:
    """Each rule gives the day of the published examples: leap years, ends of months, a new year."""
    assert last_days(issued) == {
        "60_net": net60,
        "45_eom_first": first,
        "45_eom_last": last,
        "30_default": net30,
    }
    assert last_days(issued, periodic=True) == {"45_periodic": periodic}


@pytest.mark.parametrize(("issued", "last", "first", "net60"), AC_57)
def test_ac_57_term_caps(issued: str, last: str, first: str, net60: str) -> None:
    """AC-57: its table holds; what it calls A goes to the end of the month last, B first."""
    found = last_days(issued)
    assert (found["45_eom_last"], found["45_eom_first"], found["60_net"]) == (last, first, net60)


@pytest.mark.parametrize(
    ("due", "exceeded"),
    [
        ("2025-05-20", {"60_net", "45_eom_first", "45_eom_last", "30_default"}),
        ("2025-05-12", {"60_net", "45_eom_last", "30_default"}),
        ("2025-05-09", {"45_eom_last", "30_default"}),
        ("2025-04-30", {"30_default"}),
        ("2025-04-09", set()),
    ],
)
def test_ac_57_which_readings_a_due_date_passes(due: str, exceeded: set[str]) -> None:
    """AC-57: on an invoice of 10 March 2025, 20 May exceeds every reading, 12 May passes only one."""
    found = exceeding(day(due), caps(day("2025-03-10")))
    assert {cap.rule.value for cap in found} == exceeded
    assert all(cap.source == "C. com. L441-10 I" for cap in found)


def test_what_was_agreed_chooses_the_rule() -> None:
    """A reading that the contract fixed is the only one that counts."""
    found = caps(day("2025-03-10"))
    assert exceeding(day("2025-05-12"), found, TermRule.EOM_FIRST) == ()
    assert [cap.rule for cap in exceeding(day("2025-05-12"), found, TermRule.NET_60)] == [TermRule.NET_60]


@pytest.mark.parametrize(
    ("sector", "periodic", "latest"),
    [
        (Sector.PERISHABLE, False, {"30_perishable": "2026-04-04"}),
        (Sector.PERISHABLE, True, {"30_perishable": "2026-04-09"}),
        (Sector.LIVESTOCK, False, {"20_livestock": "2026-03-25"}),
        (Sector.ALCOHOL, False, {"30_alcohol": "2026-04-30"}),
        (Sector.TRANSPORT, False, {"30_transport": "2026-04-08"}),
    ],
)
def test_a_sector_has_its_own_cap(sector: Sector, periodic: bool, latest: dict[str, str]) -> None:  # noqa: FBT001 - a column of the table
    """A sector's cap counts from the delivery, but for transport, and stands alone (L441-11 II)."""
    assert last_days("2026-03-09", "2026-03-05", sector=sector, periodic=periodic) == latest


def test_no_agreement_lengthens_a_sector() -> None:
    """Sixty days agreed for fresh meat are above the cap all the same: it is public order."""
    found = caps(day("2026-03-09"), sector=Sector.LIVESTOCK)
    assert [cap.source for cap in exceeding(day("2026-05-08"), found, TermRule.NET_60)] == [
        "C. com. L441-11 II"
    ]


def test_nothing_agreed_counts_from_the_receipt() -> None:
    """Thirty days run from the receipt of the goods, where it is known."""
    assert last_days("2026-03-09", "2026-03-20")["30_default"] == "2026-04-19"
    assert last_days("2026-03-09")["30_default"] == "2026-04-08"


def test_elsewhere_in_the_eu() -> None:
    """A German debtor has 30 days if nothing was agreed and 60 at most; a Swiss one has no cap of the EU."""
    assert last_days("2026-03-09", country="DE") == {"eu_30_default": "2026-04-08", "eu_60": "2026-05-08"}
    assert last_days("2026-03-09", country="CH") == {}


@given(DAYS)
def test_an_invoice_due_at_once_exceeds_nothing(issued: date) -> None:
    """No cap lies before the issue date, whatever the day."""
    everything = [*caps(issued), *caps(issued, periodic=True), *caps(issued, country="DE")]
    for sector in Sector:
        everything += caps(issued, sector=sector)
    assert exceeding(issued, everything) == ()


@given(DAYS)
def test_the_readings_lie_close_together(issued: date) -> None:
    """End of month first gives 45 to 75 days, end of month last 45 to 75 days too; both end in time."""
    for cap in caps(issued):
        if cap.rule in {TermRule.EOM_FIRST, TermRule.EOM_LAST}:
            assert timedelta(days=45) <= cap.last_day - issued <= timedelta(days=75)


@given(DAYS)
def test_periods_end_in_their_month(issued: date) -> None:
    """A ten-day period ends at most ten days later (eleven in a long month), and never in the next month."""
    end = end_of_ten_days(issued)
    assert issued <= end <= end_of_month(issued)
    assert (end - issued).days <= 10
