"""A policy drawn as a line in time, and as the months that an invoice would live through.

In: where each step stands on the line, the days of a month with what happens on them.
Not in: when a step is taken (domain/schedule.py), how it looks (templates/policies/).
"""

from calendar import Calendar
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from babel.dates import get_day_names

from correspondence.formats import locale_of
from domain.calendars import Agenda
from domain.policy import Anchor, DunningPolicy
from domain.schedule import PlannedStep
from domain.trying import USUAL_TERM

WIDTH, LEFT = 960, 40
LABEL = 100
"""How much of the line one label takes."""

MOST_MONTHS = 6


class Mark(NamedTuple):
    """Places a step on the line: from the left, and in which row its label stands."""

    key: str
    day: int
    tone: str
    x: int
    row: int


class Line(NamedTuple):
    """Holds the marks of a policy and the place of the due date."""

    marks: tuple[Mark, ...]
    due: int
    rows: int


def line(policy: DunningPolicy) -> Line:
    """Draws a policy; a step that counts from the invoice's date stands as if it were due in 30 days."""
    days = {
        step.key: step.offset_days - (USUAL_TERM.days if step.anchor is Anchor.ISSUE else 0)
        for step in policy.steps
    }
    first, last = min(0, *days.values()), max(0, *days.values())
    scale = WIDTH / max(last - first, 1)

    def place(day: int) -> int:
        return LEFT + round((day - first) * scale)

    ends: list[int] = []
    marks = []
    for step in sorted(policy.steps, key=lambda one: days[one.key]):
        x = place(days[step.key])
        row = next((row for row, end in enumerate(ends) if x - end >= LABEL), len(ends))
        ends[row : row + 1] = [x]
        marks.append(Mark(step.key, days[step.key], step.tone.name.lower(), x, row))
    return Line(tuple(marks), place(0), len(ends))


class Day(NamedTuple):
    """States a day of a month: whether anybody works, and what falls on it."""

    day: date
    works: bool
    due: bool
    steps: tuple[str, ...]


class Month(NamedTuple):
    """Holds the weeks of a month; None stands for a day of another month."""

    first: date
    weeks: tuple[tuple[Day | None, ...], ...]


def months(lines: Iterable[PlannedStep], due: date, agenda: Agenda) -> list[Month]:
    """Lays the months out from the first step to the last, or to the due date where that is later."""
    taken: dict[date, tuple[str, ...]] = {}
    for one in lines:
        taken[one.day] = (*taken.get(one.day, ()), one.step)
    first, last = min(due, *taken, due), max(due, *taken, due)
    count = min((last.year - first.year) * 12 + last.month - first.month + 1, MOST_MONTHS)
    return [_month(first.year, first.month + turn, taken, due, agenda) for turn in range(count)]


def weekdays(language: str) -> list[str]:
    """Names the days of a week, Monday first."""
    names = get_day_names("short", locale=locale_of(language))
    return [names[place] for place in range(7)]


def _month(year: int, month: int, taken: dict[date, tuple[str, ...]], due: date, agenda: Agenda) -> Month:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    weeks = Calendar().monthdatescalendar(year, month)

    def shown(day: date) -> Day | None:
        if day.month != month:
            return None
        return Day(day, agenda.is_business_day(day), day == due, taken.get(day, ()))

    return Month(date(year, month, 1), tuple(tuple(shown(day) for day in week) for week in weeks))
