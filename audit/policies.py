"""Policies as the auditor reads them: plain JSON, as it was stored with the cases.

In: the order of the steps, which of them may never be jumped over, which want an approval, their tones,
    the first day on which each may be taken, the minimum.
Not in: public holidays and hours: a day is judged no closer than can be said without them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.schema import policies

GRAVE = {"formal", "recovery"}
"""Tones of steps to which the contact cap does not apply."""


CLOSED = timedelta(days=14)
"""Longer than any two countries stop working at a stretch: a step is not rolled back by more."""

ONE_DAY = timedelta(days=1)

READ_FIRST = timedelta(days=3)
"""How long after it has been delivered an invoice is not asked for."""


@dataclass(frozen=True)
class Timing:
    """Holds from which date of an invoice a step counts, how far, and which way it is rolled."""

    anchor: str
    offset: timedelta
    back: bool
    before_due: bool


@dataclass(frozen=True)
class Ladder:
    """Holds what an audit needs to know of one version of a policy."""

    id: str
    rungs: Mapping[str, int]
    required: frozenset[str]
    grave: frozenset[str]
    approval: frozenset[str]
    timing: Mapping[str, Timing]
    days: frozenset[int]
    minimum: Mapping[str, Decimal]

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> "Ladder":
        """Reads a stored policy."""
        steps = source["steps"]
        return cls(
            id=source["id"],
            rungs={step["key"]: rung for rung, step in enumerate(steps)},
            required=frozenset(step["key"] for step in steps if _is_required(step, source["catch_up"])),
            grave=frozenset(step["key"] for step in steps if step["tone"] in GRAVE),
            approval=frozenset(step["key"] for step in steps if step.get("approval")),
            timing={step["key"]: _timing(step, source.get("roll", "outward")) for step in steps},
            days=frozenset(source.get("window", {}).get("days", (1, 2, 3, 4, 5))),
            minimum={currency: Decimal(least) for currency, least in source.get("minimum", {}).items()},
        )

    def jumped(self, step: str, recorded: Iterable[str], standing: Iterable[str]) -> list[str]:
        """Lists the required steps below one that have no record, above the highest one that stands."""
        if step not in self.rungs:
            return []
        floor = max((self.rungs[one] for one in standing if one in self.rungs), default=-1)
        known = set(recorded)
        between = (key for key, rung in self.rungs.items() if floor < rung < self.rungs[step])
        return [key for key in between if key in self.required and key not in known]

    def earliest(self, step: str, stated: Mapping[str, Any], broken_on: date | None = None) -> date | None:
        """Gives a day before which a step of an invoice is surely too early; None for an unknown step.

        A step that is rolled back goes to the last day of the window on which both parties work. A broken
        promise brings a step forward, but no grave one, and none to before the day after the due date.
        """
        timing = self.timing.get(step)
        if timing is None:
            return None
        day = date.fromisoformat(stated[timing.anchor]) + timing.offset
        if timing.back:
            day -= CLOSED
            while day.isoweekday() not in self.days:
                day -= ONE_DAY
        if broken_on is not None and step not in self.grave and not timing.before_due:
            day = min(day, max(broken_on, date.fromisoformat(stated["due_date"]) + ONE_DAY))
        delivered = stated.get("delivered_on")
        if delivered is None or timing.before_due:
            return day
        return max(day, date.fromisoformat(delivered) + READ_FIRST)


def _timing(step: Mapping[str, Any], roll: str) -> Timing:
    before_due = step.get("anchor", "due") == "due" and step["offset_days"] < 0
    how = step.get("roll") or roll
    return Timing(
        anchor="due_date" if step.get("anchor", "due") == "due" else "issue_date",
        offset=timedelta(days=step["offset_days"]),
        back=how == "previous" or (how == "outward" and before_due),
        before_due=before_due,
    )


def _is_required(step: Mapping[str, Any], catch_up: str) -> bool:
    """Tells whether a step always has to be taken; one under a condition may be passed over."""
    if step.get("when") is not None:
        return False
    if step.get("required") is not None:
        return bool(step["required"])
    before_due = step.get("anchor", "due") == "due" and step["offset_days"] < 0
    return not before_due and catch_up == "next_required"


async def read_ladders(conn: AsyncConnection) -> dict[str, Ladder]:
    """Reads every stored policy, by its version."""
    rows = await conn.execute(sa.select(policies.c.version, policies.c.source))
    return {row.version: Ladder.of(row.source) for row in rows}
