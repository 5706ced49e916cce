"""The outbox: what runs have to be told, written with the facts and delivered after them.

In: writing errands, listing those that wait, marking what came of them.
Not in: the delivery itself (intake/).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import CaseRef, NextAction, Plan
from domain.fact import Fact
from ledger.schema import outbox


class Errand(Fact):
    """Asks for a run to be started, or to be woken with its new plan."""

    id: int
    case: CaseRef
    kind: Literal["start", "wake"]
    plan: Plan
    attempts: int


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
    query = sa.select(outbox).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.attempts, outbox.c.id)
    return [
        Errand(
            id=row.id,
            case=CaseRef(creditor=row.creditor, number=row.number),
            kind=row.kind,
            plan=Plan(revision=row.revision, next=NextAction.model_validate(row.next)),
            attempts=row.attempts,
        )
        for row in await conn.execute(query.limit(limit))
    ]


async def delivered(conn: AsyncConnection, ids: Iterable[int], at: datetime) -> None:
    """Records that errands were delivered."""
    await conn.execute(sa.update(outbox).where(outbox.c.id.in_(list(ids))).values(delivered_at=at))


async def failed(conn: AsyncConnection, errand: int, error: str) -> None:
    """Records that an errand could not be delivered; it stays in the outbox."""
    await conn.execute(
        sa.update(outbox)
        .where(outbox.c.id == errand)
        .values(attempts=outbox.c.attempts + 1, last_error=error[:2000])
    )
