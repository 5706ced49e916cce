"""The outbox: what runs have to be told, written with the facts and delivered after them.

In: writing errands, listing those that wait, taking out those that were delivered.
Not in: the delivery itself (intake/).

An errand leaves the table once it is delivered: the record keeps what happened in its journal, and a
table that only grew would be the largest of all.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import CaseRef, NextAction, Plan
from domain.fact import Fact, Instant
from ledger.schema import invoices, outbox

LONGEST_ERROR = 2000


class Errand(Fact):
    """Asks for a run to be started, or to be woken with its new plan; says what its case is by now.

    `plan` is None where the stored one cannot be read: the run then has to ask for one itself.
    """

    id: int
    case: CaseRef
    kind: Literal["start", "wake"]
    revision: int
    plan: Plan | None
    attempts: int
    due_date: date | None
    closed: bool


class Undelivered(Fact):
    """Shows an errand that waits: since when, how often it was tried, and what went wrong last."""

    creditor: str
    number: str
    kind: str
    written_at: Instant
    attempts: int
    last_error: str | None


async def write(
    conn: AsyncConnection,
    creditor: str,
    revision: int,
    errands: Iterable[tuple[str, str, NextAction]],
    at: datetime,
) -> None:
    """Writes errands (number, kind, plan) as of one revision of their account."""
    rows = [
        {
            "creditor": creditor,
            "number": number,
            "kind": kind,
            "revision": revision,
            "next": plan.model_dump(mode="json", exclude_none=True),
            "written_at": at,
        }
        for number, kind, plan in errands
    ]
    if rows:
        await conn.execute(sa.insert(outbox), rows)


async def pending(conn: AsyncConnection, limit: int = 100) -> list[Errand]:
    """Lists errands not delivered yet: those that failed least first, then the oldest."""
    of = (invoices.c.creditor == outbox.c.creditor) & (invoices.c.number == outbox.c.number)
    query = (
        sa.select(outbox, invoices.c.due_date, invoices.c.ending)
        .join(invoices, of, isouter=True)
        .where(outbox.c.delivered_at.is_(None))
        .order_by(outbox.c.attempts, outbox.c.id)
    )
    return [_errand(row) for row in await conn.execute(query.limit(limit))]


def _errand(row: sa.Row[Any]) -> Errand:
    return Errand(
        id=row.id,
        case=CaseRef(creditor=row.creditor, number=row.number),
        kind=row.kind,
        revision=row.revision,
        plan=_plan(row),
        attempts=row.attempts,
        due_date=row.due_date,
        closed=row.ending is not None,
    )


def _plan(row: sa.Row[Any]) -> Plan | None:
    """Reads the plan of an errand; one that cannot be read must not keep all others from being told."""
    try:
        return Plan(revision=row.revision, next=NextAction.model_validate(row.next))
    except ValidationError:
        return None


async def delivered(conn: AsyncConnection, errands: Iterable[Errand]) -> None:
    """Takes errands out that were delivered."""
    rows = [_key(errand) for errand in errands]
    if rows:
        await conn.execute(sa.delete(outbox).where(*_SAME), rows)


async def failed(conn: AsyncConnection, errand: Errand, error: str) -> None:
    """Records that an errand could not be delivered; it stays in the outbox."""
    counted = {"attempts": outbox.c.attempts + 1, "last_error": error[:LONGEST_ERROR]}
    await conn.execute(sa.update(outbox).where(*_SAME).values(counted), _key(errand))


# SQLite gives the id of a row that was taken out to a later one, and two relays may carry the same
# errand: the id alone might name an errand that nobody has delivered yet.
_SAME = tuple(
    outbox.c[name] == sa.bindparam(f"of_{name}") for name in ("id", "creditor", "number", "revision")
)


def _key(errand: Errand) -> dict[str, object]:
    return {
        "of_id": errand.id,
        "of_creditor": errand.case.creditor,
        "of_number": errand.case.number,
        "of_revision": errand.revision,
    }


async def undelivered(conn: AsyncConnection, limit: int = 200) -> list[Undelivered]:
    """Shows the errands that wait: those that failed most often first, then the oldest."""
    columns = [outbox.c[name] for name in Undelivered.model_fields]
    query = sa.select(*columns).where(outbox.c.delivered_at.is_(None))
    rows = await conn.execute(query.order_by(outbox.c.attempts.desc(), outbox.c.id).limit(limit))
    return [Undelivered.model_validate(row._asdict()) for row in rows]
