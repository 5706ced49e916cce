"""What lies ahead: the cash of the coming weeks, the steps of the coming days.

In: when open invoices fall due and when their money can be expected; how many steps fall on which day.
Not in: what really leaves, which each case's own plan says (schedule.py).

Both are estimates for people who plan their weeks: money comes as late as it has come lately, and nobody
pays before a step is taken.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from domain.calendars import ONE_DAY, Agenda
from domain.fact import ZERO
from domain.policy import Anchor, Channel, DunningPolicy, DunningStep, Roll

WEEK = timedelta(days=7)


class Due(NamedTuple):
    """States what is owed in one currency of invoices that fall due on a day."""

    currency: str
    due_date: date
    cases: int
    amount: Decimal


class Promised(NamedTuple):
    """States what was promised by a day for invoices that fell due on another."""

    currency: str
    pay_by: date
    due_date: date
    amount: Decimal


class Week(NamedTuple):
    """States what falls due in seven days and what can be expected in them, promises included."""

    first: date
    last: date
    falls_due: Decimal
    expected: Decimal
    promised: Decimal


class Cash(NamedTuple):
    """States the cash of some weeks; `undated` should have come already and was not promised."""

    weeks: tuple[Week, ...]
    undated: Decimal
    later: Decimal


def cash(owed: Iterable[Due], promised: Iterable[Promised], late: timedelta, today: date, weeks: int) -> Cash:
    """Spreads what is owed in one currency over weeks from today.

    What was promised is expected on its day; the rest `late` after its due date, as customers have paid
    on average.
    """
    falls_due, expected, of_promises = Counter[int](), Counter[int](), Counter[int]()
    cents: Counter[date] = Counter()
    for one in owed:
        cents[one.due_date] += _cents(one.amount)
        falls_due[_week(one.due_date, today)] += _cents(one.amount)
    for word in promised:
        kept = min(_cents(word.amount), cents[word.due_date])
        cents[word.due_date] -= kept
        of_promises[_week(max(word.pay_by, today), today)] += kept
    for due, amount in cents.items():
        expected[_week(due + late, today)] += amount
    expected += of_promises
    return Cash(
        weeks=tuple(
            Week(
                first=today + turn * WEEK,
                last=today + turn * WEEK + 6 * ONE_DAY,
                falls_due=_amount(falls_due[turn]),
                expected=_amount(expected[turn]),
                promised=_amount(of_promises[turn]),
            )
            for turn in range(weeks)
        ),
        undated=_amount(sum(amount for turn, amount in expected.items() if turn < 0)),
        later=_amount(sum(amount for turn, amount in expected.items() if turn >= weeks)),
    )


def _week(day: date, today: date) -> int:
    return (day - today).days // 7


def _cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def _amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2) if cents else ZERO


class Awaiting(NamedTuple):
    """States how many cases of a creditor, due on one day, take the same step next on the same day."""

    creditor: str
    policy: str
    step: str
    due_date: date
    day: date
    cases: int


def steps_ahead(
    waiting: Iterable[Awaiting],
    policies: Mapping[str, DunningPolicy],
    agendas: Mapping[str, Agenda],
    last: date,
) -> Counter[tuple[date, Channel]]:
    """Counts the steps of each day and channel up to a last day: each case's next one, and those after it.

    `policies` are by version, `agendas` by creditor.
    """
    found: Counter[tuple[date, Channel]] = Counter()
    for group in waiting:
        policy, agenda = policies[group.policy], agendas[group.creditor]
        for day, channel in _walk(group, policy, agenda, last):
            found[day, channel] += group.cases
    return found


def _walk(
    group: Awaiting, policy: DunningPolicy, agenda: Agenda, last: date
) -> Iterator[tuple[date, Channel]]:
    rung, day = policy.index(group.step), group.day
    while day <= last:
        step = policy.steps[rung]
        yield day, step.channel
        rung += 1
        if rung == len(policy.steps):
            return
        day = _following(step, day, policy.steps[rung], group.due_date, policy, agenda)


def _following(
    before: DunningStep, day: date, step: DunningStep, due: date, policy: DunningPolicy, agenda: Agenda
) -> date:
    """Gives the day of the step after one taken on a day: its own, or later for spacing and deadline."""
    if step.anchor is not Anchor.DUE:  # when these invoices were issued is not known here
        return date.max
    own = agenda.roll(
        due + timedelta(days=step.offset_days),
        step.roll or policy.roll,
        policy.window,
        before_due=step.lapses_when_due,
    )
    free = day + timedelta(days=max(policy.spacing_days, (before.payment_period_days or -1) + 1))
    return max(own, agenda.roll(free, Roll.NEXT, policy.window, before_due=False))
