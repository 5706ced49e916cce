"""The cases that do not go on: those on record with a fault of their own, and runs whose own code fails.

In: listing both with what to do, and having one tried again at once.
Not in: asking Temporal (troubled.py), noting faults (ledger/troubles.py).
"""

from enum import StrEnum

from temporalio.client import Client

from domain.actions import CaseRef
from domain.fact import Fact, Instant
from intake import troubled
from intake.troubled import Retrying, StuckRun
from ledger import troubles
from ledger.database import Database
from ledger.troubles import Trouble

REPORT = "report the fault; once a release mends it, it goes on within"


class Remedy(StrEnum):
    """Names what helps a case that fails."""

    MEND = "mend what the fault names; then `retry`"
    ACTIVITY = (
        "report the fault; once a release mends it, it goes on within 10 minutes, or at once with `retry`"
    )
    RUN = "report the fault; once a release mends it, it goes on within minutes, by itself"


REMEDIES = dict.fromkeys(("NotPrepared", "ConfigurationFault", "NotFound"), Remedy.MEND)

DOING = {
    "Collector.take": "taking a step",
    "Ledger.record_payment": "writing down a payment",
    "Ledger.obey": "carrying out an order",
    "Planner.next": "planning",
}
RUN = "running its code"


class Failing(Fact):
    """States of a case what it was doing when it failed, why, how often, since when, and what to do."""

    creditor: str
    number: str
    doing: str
    step: str | None
    fault: str
    detail: str
    attempts: int
    first_at: Instant | None
    last_at: Instant | None
    next_at: Instant | None
    remedy: Remedy


async def on_record(database: Database, limit: int) -> list[Failing]:
    """Lists what is on record alone: what is left where Temporal cannot be asked."""
    async with database.reading() as conn:
        return [_of(one, None) for one in await troubles.listed(conn, limit)]


async def failing(database: Database, client: Client, limit: int) -> list[Failing]:
    """Lists the cases that fail, and forgets those that have gone on unnoticed; raises Unavailable."""
    async with database.reading() as conn:
        listed = await troubles.listed(conn, limit)
    retried = await troubled.retrying(client, [one.case for one in listed])
    stuck = await troubled.stuck_runs(client, limit)
    over = [one for one in listed if retried[one.case] is None]
    if over:
        async with database.writing() as conn:
            for one in over:
                await troubles.forget(conn, one.case, unless_after=one.last_at)
    known = [_of(one, retried[one.case]) for one in listed if one not in over]
    return [*known, *(_stuck(one) for one in stuck)]


def _of(one: Trouble, retried: Retrying | None) -> Failing:
    facts = one.model_dump() | {
        "doing": DOING.get(one.doing, one.doing),
        "next_at": retried.next_at if retried is not None else None,
        "remedy": REMEDIES.get(one.fault, Remedy.ACTIVITY),
    }
    return Failing.model_validate(facts)


def _stuck(one: StuckRun) -> Failing:
    return Failing(
        creditor=one.creditor,
        number=one.number,
        doing=RUN,
        step=None,
        fault=one.fault,
        detail=one.detail,
        attempts=one.attempts,
        first_at=one.since,
        last_at=None,
        next_at=None,
        remedy=Remedy.RUN,
    )


async def retry(database: Database, client: Client, case: CaseRef) -> int:
    """Has a case tried again at once; returns how many activities were waiting. Raises Unavailable."""
    # Forgotten first: what fails again is noted again, what succeeds has nothing to take back.
    async with database.writing() as conn:
        await troubles.forget(conn, case)
    return await troubled.retry_now(client, case)
