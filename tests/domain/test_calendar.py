"""Which day and which hour a step falls on: the seeds' calendar, holidays, daylight saving, far zones."""

import pytest

from domain.calendars import Agenda, is_business_day, subdivision_of
from domain.policy import Anchor, Roll, SendingWindow
from domain.schedule import planned_day
from tests.domain.build import (
    account,
    at,
    creditor,
    day,
    days,
    debtor,
    invoice,
    ladder,
    live,
    paying,
    payment,
    policy,
    preview,
    seed_policy,
    step,
    story,
    utc,
)

SEED_DAYS = {
    Roll.NONE: ("2026-03-21", "2026-03-28", "2026-04-02", "2026-04-30", "2026-05-15"),
    Roll.NEXT: ("2026-03-23", "2026-03-30", "2026-04-02", "2026-04-30", "2026-05-15"),
    Roll.OUTWARD: ("2026-03-20", "2026-03-27", "2026-04-02", "2026-04-30", "2026-05-15"),
}


@pytest.mark.parametrize("roll", SEED_DAYS)
def test_ac01_the_seed_calendar(roll: Roll) -> None:
    """An invoice due on 2026-03-31 has the four dates of the seeds, then the handoff, however days roll."""
    rules = seed_policy(roll)
    lines = preview(account(rules, invoice(due="2026-03-31")), "F-1", rules, "2026-03-01")
    assert tuple(line.step for line in lines) == ("D-10", "D-3", "D+2", "D+30", "handoff")
    assert tuple(line.day.isoformat() for line in lines) == SEED_DAYS[roll]
    assert all(line.late_days == 0 for line in lines)


def test_ac01_never_paid_ends_at_the_handoff() -> None:
    """The seeds' calendar lived through is the calendar announced, and ends handed off, once."""
    rules = seed_policy()
    assert story(live(account(rules, invoice()), rules, "2026-03-01")) == [
        "2026-03-20 F-1 D-10 sent",
        "2026-03-27 F-1 D-3 sent",
        "2026-04-02 F-1 D+2 sent",
        "2026-04-30 F-1 D+30 sent",
        "2026-05-15 F-1 handoff handed_off",
        "2026-05-15 F-1 - settled handed_off",
    ]


def test_ac01_paid_after_the_first_reminder() -> None:
    """Paid on 2026-03-25, only the first message exists and the case closes as paid."""
    rules = seed_policy()
    facts = {"2026-03-25 11:00": paying(payment("100.00", F_1="100.00"))}
    lived = live(account(rules, invoice()), rules, "2026-03-01", facts)
    assert story(lived) == ["2026-03-20 F-1 D-10 sent", "2026-03-25 F-1 - settled paid"]
    assert len(lived.messages) == 1


@pytest.mark.parametrize(
    ("due", "roll", "expected"),
    [
        ("2026-04-29", Roll.NEXT, "2026-05-04"),  # 1 May is a Friday
        ("2026-04-29", Roll.OUTWARD, "2026-05-04"),
        ("2026-04-29", Roll.PREVIOUS, "2026-04-30"),
        ("2026-04-29", Roll.NONE, "2026-05-01"),
        ("2026-04-04", Roll.NEXT, "2026-04-07"),  # Easter Monday
    ],
)
def test_ac02_holidays(due: str, roll: Roll, expected: str) -> None:
    """A step that falls on a French public holiday moves the way its policy says; the due date does not."""
    rules = ladder(2, roll=roll)
    owed = account(rules, invoice(due=due))
    assert days(preview(owed, "F-1", rules, "2026-03-10")) == {"1": expected}
    assert owed.case("F-1").invoice.due_date == day(due)


def test_ac02_rolling_never_puts_two_steps_on_one_day() -> None:
    """Steps +2 and +5 that both land on 2026-05-04 are kept apart by the spacing."""
    rules = ladder(2, 5, roll=Roll.NEXT)
    lines = preview(account(rules, invoice(due="2026-04-29")), "F-1", rules, "2026-04-01")
    assert days(lines) == {"1": "2026-05-04", "2": "2026-05-05"}


@pytest.mark.parametrize(("on", "expected"), [("2026-03-28", "08:00"), ("2026-03-30", "07:00")])
def test_ac03_the_sending_hour_holds_across_daylight_saving(on: str, expected: str) -> None:
    """Nine o'clock in Paris is 08:00Z the day before the switch and 07:00Z the day after it."""
    rules = ladder(1)
    due = day(on).replace(day=day(on).day - 1)
    (line,) = preview(account(rules, invoice(due=due)), "F-1", rules, "2026-03-01")
    assert line.at == utc(f"{on} {expected}")


@pytest.mark.parametrize(
    ("due", "offset", "expected"), [("2026-03-25", 3, "2026-03-28"), ("2026-01-31", 30, "2026-03-02")]
)
def test_ac03_days_do_not_drift(due: str, offset: int, expected: str) -> None:
    """Three and thirty days are counted on the calendar, whatever the clocks do in between."""
    rules = ladder(offset)
    assert days(preview(account(rules, invoice(due=due)), "F-1", rules, "2026-01-01")) == {"1": expected}


@pytest.mark.parametrize(
    ("due", "offset", "postcode", "expected"),
    [
        ("2026-12-25", -10, "69003", "2026-12-15"),
        ("2026-12-25", -3, "69003", "2026-12-22"),
        ("2026-12-25", 2, "69003", "2026-12-28"),
        ("2026-12-25", 30, "69003", "2027-01-25"),
        ("2027-03-29", -3, "69003", "2027-03-26"),
        ("2027-03-29", -3, "67000", "2027-03-25"),  # Good Friday, Strasbourg
        ("2027-03-29", -3, "68100", "2027-03-25"),
        ("2027-03-29", -3, "57000", "2027-03-25"),
    ],
)
def test_calendar_vectors(due: str, offset: int, postcode: str, expected: str) -> None:
    """Before the due date a step moves to the working day before, after it to the next, by department."""
    rules = ladder(offset, roll=Roll.OUTWARD)
    place = {"lines": ("1 place",), "postcode": postcode, "city": "Ville"}
    agenda = Agenda.of(creditor(), debtor(address=place))
    assert planned_day(rules.steps[0], invoice(due=due), rules, agenda) == day(expected)


@pytest.mark.parametrize(
    ("holiday", "everywhere"),
    [
        ("2026-01-01", True),
        ("2026-04-03", False),  # Good Friday
        ("2026-04-06", True),
        ("2026-05-01", True),
        ("2026-05-08", True),
        ("2026-05-14", True),  # Ascension
        ("2026-05-25", True),  # Whit Monday
        ("2026-07-14", True),
        ("2026-08-15", True),
        ("2026-11-01", True),
        ("2026-11-11", True),
        ("2026-12-25", True),
        ("2028-12-26", False),
    ],
)
def test_french_holidays(holiday: str, everywhere: bool) -> None:  # noqa: FBT001 - a column of the table
    """The eleven public holidays close all of France; Good Friday and 26 December only Alsace and Moselle."""
    assert is_business_day(day(holiday), "FR") is not everywhere
    for postcode in ("67000", "68000", "57000"):
        assert not is_business_day(day(holiday), "FR", subdivision_of("FR", postcode))


def test_an_unknown_part_of_a_country_keeps_the_country_s_holidays() -> None:
    """A subdivision that the data does not know costs its own holidays, not those of the whole country."""
    assert not is_business_day(day("2026-05-01"), "FR", "67")
    assert is_business_day(day("2026-05-04"), "FR", "67")


def test_an_unknown_country_works_monday_to_friday() -> None:
    """Where no holidays are known, only the weekend is closed."""
    assert is_business_day(day("2026-12-25"), "ZZ")
    assert not is_business_day(day("2026-12-26"), "ZZ")


def test_a_business_day_is_one_on_which_both_work() -> None:
    """Neither the creditor's nor the debtor's national day sees a message leave."""
    rules = ladder(1, roll=Roll.NEXT)
    german = debtor(country="DE", address=None)
    unity = account(rules, invoice(due="2025-10-02"), debtor=german)
    bastille = account(rules, invoice(due="2026-07-13"), debtor=german)
    assert days(preview(unity, "F-1", rules, "2025-09-10")) == {"1": "2025-10-06"}
    assert days(preview(bastille, "F-1", rules, "2026-07-01")) == {"1": "2026-07-15"}


@pytest.mark.parametrize(
    ("country", "expected"),
    [("FR", "07:00"), ("GB", "08:00"), ("PT", "08:00"), ("FI", "06:00"), ("US", "07:00")],
)
def test_the_window_is_in_the_debtor_s_time(country: str, expected: str) -> None:
    """Nine o'clock is the debtor's, by its country; a country of many zones leaves the creditor's."""
    rules = ladder(1)
    owed = account(rules, invoice(due="2026-06-08"), debtor=debtor(country=country, address=None))
    (line,) = preview(owed, "F-1", rules, "2026-06-01")
    assert line.at == utc(f"2026-06-09 {expected}")


@pytest.mark.parametrize(
    ("zone", "window", "opens", "closes"),
    [
        ("America/Los_Angeles", ("09:00", "17:00"), "2026-06-09 16:00", "2026-06-09 22:00"),
        ("Pacific/Auckland", ("09:00", "17:00"), "2026-06-08 22:00", "2026-06-09 05:00"),
        ("Pacific/Auckland", ("09:00", "10:00"), "2026-06-09 21:00", "2026-06-09 22:00"),
    ],
)
def test_a_far_debtor_s_window_is_clipped_to_the_creditor_s_day(
    zone: str, window: tuple[str, str], opens: str, closes: str
) -> None:
    """Nothing leaves before the creditor's day has begun; a window that is over by then opens again later."""
    hours = SendingWindow.model_validate({"opens": window[0], "closes": window[1]})
    agenda = Agenda.of(creditor(), debtor(time_zone=zone))
    assert agenda.window_on(day("2026-06-09"), hours) == (utc(opens), utc(closes))


def test_a_far_debtor_s_saturday_is_not_written_on() -> None:
    """Friday evening in Paris is Saturday in Auckland: the message waits for Monday evening."""
    rules = ladder(1, roll=Roll.NEXT, window={"opens": "09:00", "closes": "10:00"})
    owed = account(rules, invoice(due="2026-06-11"), debtor=debtor(time_zone="Pacific/Auckland"))
    (line,) = preview(owed, "F-1", rules, "2026-06-01")
    assert (line.day, line.at) == (day("2026-06-15"), utc("2026-06-15 21:00"))


def test_opposite_ends_of_the_world_still_meet() -> None:
    """A creditor in Auckland reaches a debtor in Los Angeles, whose day begins when its own is over."""
    rules = ladder(1, roll=Roll.NEXT)
    far = account(
        rules,
        invoice(due="2026-06-09"),
        creditor=creditor(time_zone="Pacific/Auckland"),
        debtor=debtor(time_zone="America/Los_Angeles"),
    )
    (line,) = preview(far, "F-1", rules, "2026-06-01")
    assert (line.day, line.at) == (day("2026-06-10"), utc("2026-06-09 16:00"))


def test_debtors_are_spread_after_the_opening() -> None:
    """With a spread, each debtor has its own minute, always the same, within the minutes given."""
    rules = ladder(1, 2, window={"spread_minutes": 60})
    seen = set()
    for name in ("dubois", "martin", "leroy", "petit"):
        owed = account(rules, invoice(due="2026-06-08", debtor=name), debtor=debtor(id=name))
        first, second = preview(owed, "F-1", rules, "2026-06-01")
        assert at("2026-06-09 09:00") <= first.at < at("2026-06-09 10:00")
        assert (second.at - first.at).total_seconds() == 24 * 3600
        seen.add(first.at)
    assert len(seen) == 4


def test_a_step_after_the_window_waits_for_the_next_one() -> None:
    """What is due on a day whose window has closed leaves at the next opening, late by a day."""
    rules = ladder(1)
    (line,) = preview(account(rules, invoice(due="2026-06-08")), "F-1", rules, "2026-06-09 17:00")
    assert (line.at, line.late_days) == (at("2026-06-10 09:00"), 1)


def test_ac26_reminders_after_the_invoice_date() -> None:
    """Steps at +5, +10 and +15 after the invoice date, then every 14 days, leave at 09:00 in Helsinki."""
    rules = policy(
        *(step(f"+{days_}", days_, anchor=Anchor.ISSUE) for days_ in (5, 10)),
        spacing_days=1,
    ).model_dump(mode="json")
    last = {"key": "+15", "offset_days": 15, "anchor": "issue", "channel": "email", "tone": "courteous"}
    rules["steps"].append(last | {"message": "reminder", "repeat": {"every_days": 14, "times": 2}})
    repeating = policy(*rules["steps"])
    owed = account(
        repeating,
        invoice(issue_date=day("2024-03-01"), due="2024-03-15"),
        debtor=debtor(time_zone="Europe/Helsinki"),
    )
    lived = live(owed, repeating, "2024-03-01 12:00")
    assert [entry.at for entry in lived.entries if entry.step] == [
        utc("2024-03-06 07:00"),
        utc("2024-03-11 07:00"),
        utc("2024-03-16 07:00"),
        utc("2024-03-30 07:00"),
        utc("2024-04-13 06:00"),  # Helsinki has gone over to summer time
    ]
