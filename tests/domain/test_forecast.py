"""What lies ahead: the cash of the coming weeks and the steps of the coming days.

In: pure functions. Not in: reading what they begin with (tests/console/test_overview.py).
"""

from datetime import date, timedelta
from decimal import Decimal

from domain.calendars import Agenda
from domain.forecast import Awaiting, Due, Promised, cash, steps_ahead
from domain.policy import Channel
from tests.domain import build

TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
LATE = timedelta(days=10)


def due(days: int, amount: str) -> Due:
    """Owes an amount in so many days."""
    return Due("EUR", TODAY + days * DAY, 1, Decimal(amount))


def test_money_is_expected_as_late_as_it_has_come() -> None:
    """What falls due this week comes next week where customers pay ten days late on average."""
    found = cash([due(0, "100.00"), due(6, "20.50"), due(7, "3.00")], (), LATE, TODAY, 3)
    assert [week.falls_due for week in found.weeks] == [Decimal("120.50"), Decimal("3.00"), Decimal("0.00")]
    assert [week.expected for week in found.weeks] == [0, Decimal("100.00"), Decimal("23.50")]
    assert [week.first for week in found.weeks] == [TODAY, TODAY + 7 * DAY, TODAY + 14 * DAY]


def test_what_should_have_come_has_no_date_and_what_comes_later_is_counted() -> None:
    """Nothing is lost: weeks, what is overdue beyond the average, and what lies further ahead add up."""
    owed = [due(-40, "7.00"), due(-3, "5.00"), due(400, "11.00")]
    found = cash(owed, (), LATE, TODAY, 2)
    assert (found.undated, found.later) == (Decimal("7.00"), Decimal("11.00"))
    assert sum(week.expected for week in found.weeks) + found.undated + found.later == Decimal("23.00")


def test_a_promise_is_expected_on_its_day() -> None:
    """What was promised leaves its due date for the day promised, and never more than is owed."""
    words = [Promised("EUR", TODAY + 15 * DAY, TODAY - 40 * DAY, Decimal("50.00"))]
    found = cash([due(-40, "70.00")], [*words, *words], LATE, TODAY, 3)
    assert [found.weeks[2].promised, found.weeks[2].expected, found.undated] == [70, 70, 0]


def test_a_promise_within_its_grace_is_expected_now() -> None:
    """A promise whose day has just gone by, and which still counts, is money of this week."""
    words = [Promised("EUR", TODAY - 2 * DAY, TODAY - 40 * DAY, Decimal("70.00"))]
    assert cash([due(-40, "70.00")], words, LATE, TODAY, 1).weeks[0].promised == 70


RULES = build.policy(
    build.step("before", -3, "commercial"),
    build.step("first", 2),
    build.step("call", 10, "firm", "call"),
    build.step("second", 30, "firm"),
    spacing_days=5,
)
AGENDAS = {"acme": Agenda.of(build.creditor(), build.debtor())}


def ahead(step: str, due_in: int, on: int, last: int) -> dict[tuple[str, Channel], int]:
    """Walks one group of four cases."""
    waiting = Awaiting("acme", RULES.version, step, TODAY + due_in * DAY, TODAY + on * DAY, 4)
    found = steps_ahead([waiting], {RULES.version: RULES}, AGENDAS, TODAY + last * DAY)
    return {(f"{day:%a %d}", channel): cases for (day, channel), cases in found.items()}


def test_the_steps_after_the_next_one_are_counted_too() -> None:
    """A case takes its next step on its day, and those after it on theirs, rolled onto business days."""
    assert ahead("before", 3, 0, 14) == {
        ("Tue 24", Channel.EMAIL): 4,
        ("Mon 30", Channel.EMAIL): 4,
        ("Mon 07", Channel.CALL): 4,
    }


def test_late_steps_keep_their_spacing() -> None:
    """Where the ladder is behind, steps follow one another at the policy's spacing."""
    assert ahead("first", -60, 0, 13) == {
        ("Tue 24", Channel.EMAIL): 4,
        ("Mon 30", Channel.CALL): 4,
        ("Mon 07", Channel.EMAIL): 4,
    }


def test_nothing_is_counted_beyond_the_last_day() -> None:
    """A step whose day lies further ahead is not of these days."""
    assert ahead("second", 0, 30, 14) == {}
