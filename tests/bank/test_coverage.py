"""Statements that follow one another, and gaps between them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.calendars import is_business_day
from domain.faults import InputRefused
from intake.bank.coverage import Gap, advance, covered_by
from ledger.bank_accounts import Covered, Known
from tests.bank.conftest import IBAN, entry, statement
from tests.domain import build

ACME = build.creditor()
MONDAY = date(2026, 3, 2)


def told(first: str, last: str, opening: str | None = None, closing: str | None = None) -> Covered:
    """Gives what a statement covered."""
    facts = {"first": first, "last": last, "opening": opening, "closing": closing}
    return Covered.model_validate(facts)


def known_to(*statements: Covered) -> tuple[str, Gap | None]:
    """Tells how far the account is known after statements, in the order given, and the gap that remains."""
    known: Known | None = None
    beyond: list[Covered] = []
    gap: Gap | None = None
    for one in statements:
        beyond.append(one)
        since = known.booked_to if known is not None else date.min
        known, gap = advance(ACME, IBAN, known, [other for other in beyond if other.last >= since])
    assert known is not None
    return known.booked_to.isoformat(), gap


def test_the_first_statement_is_the_beginning() -> None:
    """Nothing is missing before the first statement that ever came."""
    assert known_to(told("2026-03-02", "2026-03-06")) == ("2026-03-06", None)


def test_a_weekend_is_no_gap() -> None:
    """Friday's statement goes on with Monday's, balances or none."""
    assert known_to(told("2026-03-06", "2026-03-06"), told("2026-03-09", "2026-03-09"))[1] is None
    meeting = told("2026-03-06", "2026-03-06", "1", "2"), told("2026-03-09", "2026-03-09", "2", "9")
    assert known_to(*meeting) == ("2026-03-09", None)


def test_a_missing_day_is_a_gap_that_an_older_statement_closes() -> None:
    """The account is known up to the gap, and to the end once the missing statement has come."""
    monday, friday = told("2026-03-02", "2026-03-02"), told("2026-03-06", "2026-03-06")
    missing = told("2026-03-03", "2026-03-05")
    assert known_to(monday, friday) == ("2026-03-02", Gap(MONDAY, date(2026, 3, 6), days=3))
    assert known_to(monday, friday, missing) == ("2026-03-06", None)


def test_balances_that_meet_prove_that_nothing_is_missing() -> None:
    """Days on which nothing moved have no statement: the balances say that none is missing."""
    quiet = told("2026-03-02", "2026-03-02", "5", "7"), told("2026-03-10", "2026-03-10", "7", "8")
    assert known_to(*quiet) == ("2026-03-10", None)


def test_balances_that_do_not_meet_are_a_gap_without_a_day_between() -> None:
    """Entries of a day may be missing although every day has its statement."""
    torn = told("2026-03-02", "2026-03-02", "5", "7"), told("2026-03-03", "2026-03-03", "8", "9")
    assert known_to(*torn) == ("2026-03-02", Gap(MONDAY, date(2026, 3, 3), days=0))


def test_an_account_that_is_emptied_every_night_proves_nothing() -> None:
    """Where every statement begins and ends with nothing, a missing business day is a gap all the same."""
    pooled = told("2026-03-02", "2026-03-02", "0", "0"), told("2026-03-05", "2026-03-05", "0", "0")
    assert known_to(*pooled)[0] == "2026-03-02"


def test_several_statements_of_one_day_follow_one_another() -> None:
    """The last of them is the one from which the next day goes on, taken twice or not."""
    pages = told("2026-03-02", "2026-03-02", "5", "7"), told("2026-03-02", "2026-03-02", "7", "4")
    following = told("2026-03-03", "2026-03-03", "4", "9")
    assert known_to(*pages, following) == ("2026-03-03", None)
    assert known_to(*pages, *pages, following) == ("2026-03-03", None)


@given(
    parts=st.lists(st.tuples(st.integers(1, 9), st.integers(-50, 50)), min_size=1, max_size=8),
    balances=st.booleans(),
    data=st.data(),
)
def test_any_order_leads_to_the_end_and_a_missing_one_never_past_it(
    *, parts: list[tuple[int, int]], balances: bool, data: st.DataObject
) -> None:
    """Once all have come, in any order, every day is known; with one missing, none after it is."""
    first, balance = MONDAY, Decimal("1000.00")
    all_: list[Covered] = []
    for length, moved in parts:
        last = first + timedelta(days=length - 1)
        closing = balance + moved
        all_.append(
            Covered(
                first=first,
                last=last,
                opening=balance if balances else None,
                closing=closing if balances else None,
            )
        )
        first, balance = last + timedelta(days=1), closing
    beginning, rest = all_[0], all_[1:]
    order = data.draw(st.permutations(rest))
    assert known_to(beginning, *order) == (all_[-1].last.isoformat(), None)
    if not rest:
        return
    place = data.draw(st.integers(0, len(rest) - 1))
    lost = rest[place]
    reached, gap = known_to(beginning, *(one for one in order if one is not lost))
    days = (lost.first + timedelta(days=day) for day in range((lost.last - lost.first).days + 1))
    seen = any(is_business_day(day, "FR", None) for day in days)
    # A later one that begins with the same balance goes on: days without movement have no statement.
    assume(all(one.opening != lost.opening for one in all_[place + 2 :]) or not balances)
    if seen if not balances else lost.opening != lost.closing:
        assert reached == all_[place].last.isoformat()
        assert (gap is None) == (lost is rest[-1])


def test_a_day_that_is_not_over_does_not_count() -> None:
    """An export made in the middle of a day covers the days before; a statement with its balance, the day."""
    money = entry(on="2026-03-02")
    assert covered_by(statement(money, format="CSV"), MONDAY) is None
    friday = statement(entry(on="2026-02-27"), money, format="OFX")
    assert covered_by(friday, MONDAY) == told("2026-02-27", "2026-03-01")
    whole = covered_by(statement(money, opening="0.00"), MONDAY)
    assert whole == told("2026-03-02", "2026-03-02", "0", "100")
    assert covered_by(statement(money, format="CSV"), date(2026, 3, 3)) == told("2026-03-02", "2026-03-02")


@pytest.mark.parametrize(
    ("days", "field"),
    [
        ({"booked_to": "2026-03-03"}, "booked_to"),
        ({"booked_from": "1026-03-02"}, "booked_from"),
    ],
)
def test_days_that_cannot_be_meant_are_refused(days: dict[str, str], field: str) -> None:
    """A statement of tomorrow, or of a thousand years ago, is refused by its date."""
    with pytest.raises(InputRefused) as refused:
        covered_by(statement(entry(), **days), MONDAY)
    assert refused.value.field == field


def test_a_movement_of_tomorrow_is_refused() -> None:
    """A statement whose entries lie beyond today is refused, whatever its own date says."""
    with pytest.raises(InputRefused, match="future"):
        covered_by(statement(entry(on="2026-03-05"), booked_to="2026-03-02"), MONDAY)


def test_a_statement_with_entries_left_out_covers_no_day() -> None:
    """What could not be read may have been a payment: no day counts as known by such a statement."""
    assert covered_by(statement(entry(), opening="0.00"), MONDAY, whole=False) is None
