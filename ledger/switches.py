"""The kill switch: nothing leaves, for all or for one creditor, policy or channel.

In: stopping and resuming, what is stopped, and what was about to leave.
Not in: the gate, which obeys (domain/gate.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import Stop
from domain.fact import Instant
from domain.faults import NotFound
from domain.policy import Channel
from ledger import journal
from ledger.schema import creditors, switches
from ledger.writing import insert_once

ANY = ""

_STOPPED = sa.select(switches).order_by(switches.c.creditor, switches.c.policy, switches.c.channel)
_STOPPED_OF = _STOPPED.where(
    (switches.c.creditor == ANY) | (switches.c.creditor == sa.bindparam("of_creditor"))
)


class Stopped(Stop):
    """States what is stopped, since when, by whom and why."""

    stopped_at: Instant
    by: str
    reason: str


async def stop(conn: AsyncConnection, what: Stop, by: str, reason: str, now: datetime) -> bool:
    """Stops sending; False where just this is stopped already. Raises NotFound for an unknown creditor."""
    await _check(conn, what)
    row = _key(what) | {"stopped_at": now, "by": by, "reason": reason}
    if not await insert_once(conn, switches, row):
        return False
    await _log(conn, what, now, "sending.stopped", author=by, reason=reason)
    return True


async def resume(conn: AsyncConnection, what: Stop, by: str, now: datetime) -> bool:
    """Lets sending go on; False where just this was not stopped. Raises NotFound for an unknown creditor."""
    await _check(conn, what)
    if not (await conn.execute(sa.delete(switches).filter_by(**_key(what)))).rowcount:
        return False
    await _log(conn, what, now, "sending.resumed", author=by)
    return True


async def stopped(conn: AsyncConnection, creditor: str | None = None) -> list[Stopped]:
    """Lists what is stopped: everything, or what concerns one creditor."""
    if creditor is None:
        return [_read(row) for row in await conn.execute(_STOPPED)]
    return [_read(row) for row in await conn.execute(_STOPPED_OF, {"of_creditor": creditor})]


def covers(stops: Iterable[Stop], policies: Iterable[str], channel: Channel) -> bool:
    """Tells whether a message is stopped that speaks by a channel for cases under these policies' ids."""
    named = set(policies)
    return any(stop.covers(policy, channel) for stop in stops for policy in named)


def _read(row: sa.Row[Any]) -> Stopped:
    return Stopped(
        creditor=row.creditor or None,
        policy=row.policy or None,
        channel=row.channel or None,
        stopped_at=row.stopped_at,
        by=row.by,
        reason=row.reason,
    )


def _key(what: Stop) -> dict[str, str]:
    channel = what.channel.value if what.channel else ANY
    return {"creditor": what.creditor or ANY, "policy": what.policy or ANY, "channel": channel}


async def _check(conn: AsyncConnection, what: Stop) -> None:
    query = sa.select(creditors.c.id).where(creditors.c.id == what.creditor).with_for_update()
    if what.creditor is not None and (await conn.execute(query)).first() is None:
        msg = f"no creditor {what.creditor!r}"
        raise NotFound(msg)


async def _log(conn: AsyncConnection, what: Stop, now: datetime, kind: str, **facts: str) -> None:
    parts = {name: part for name, part in _key(what).items() if part and name != "creditor"}
    await journal.note(conn, what.creditor or ANY, now, kind, **facts, **parts)
