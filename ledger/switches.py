"""The kill switch: nothing leaves, for one creditor or for all.

In: stopping and resuming, and what is stopped.
Not in: the gate, which obeys (domain/gate.py).
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from domain.faults import NotFound
from ledger import journal
from ledger.schema import creditors, switches
from ledger.writing import insert_once

EVERYTHING = ""


class Stop(Fact):
    """States that nothing leaves: `scope` is a creditor, or empty for all."""

    scope: str
    stopped_at: Instant
    by: str
    reason: str


async def stop(conn: AsyncConnection, scope: str, by: str, reason: str, now: datetime) -> bool:
    """Stops sending for a creditor, or for all where `scope` is empty; False where it is stopped."""
    await _check(conn, scope)
    row = {"scope": scope, "stopped_at": now, "by": by, "reason": reason}
    if not await insert_once(conn, switches, row):
        return False
    await _log(conn, scope, now, "sending.stopped", {"author": by, "reason": reason})
    return True


async def resume(conn: AsyncConnection, scope: str, by: str, now: datetime) -> bool:
    """Lets sending go on; False where it was not stopped under this scope."""
    await _check(conn, scope)
    if not (await conn.execute(sa.delete(switches).where(switches.c.scope == scope))).rowcount:
        return False
    await _log(conn, scope, now, "sending.resumed", {"author": by})
    return True


async def stopped(conn: AsyncConnection) -> list[Stop]:
    """Lists what is stopped."""
    rows = await conn.execute(sa.select(switches).order_by(switches.c.scope))
    return [Stop(scope=row.scope, stopped_at=row.stopped_at, by=row.by, reason=row.reason) for row in rows]


async def _check(conn: AsyncConnection, scope: str) -> None:
    query = sa.select(creditors.c.id).where(creditors.c.id == scope).with_for_update()
    if scope != EVERYTHING and (await conn.execute(query)).first() is None:
        msg = f"no creditor {scope!r}"
        raise NotFound(msg)


async def _log(conn: AsyncConnection, scope: str, now: datetime, kind: str, facts: dict[str, str]) -> None:
    revision, previous = await journal.last(conn, scope, "")
    await journal.append(
        conn,
        account=(scope, ""),
        revision=revision + 1,
        previous=previous,
        at=now,
        kind=kind,
        invoice=None,
        facts=facts,
    )
