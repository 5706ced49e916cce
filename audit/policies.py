"""Policies as the auditor reads them: plain JSON, as it was stored with the cases.

In: the order of the steps, which of them may never be jumped over, their tones, the minimum.
Not in: days and hours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.schema import policies

GRAVE = {"formal", "recovery"}
"""Tones of steps to which the contact cap does not apply."""


@dataclass(frozen=True)
class Ladder:
    """Holds what an audit needs to know of one version of a policy."""

    id: str
    rungs: Mapping[str, int]
    required: frozenset[str]
    grave: frozenset[str]
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
