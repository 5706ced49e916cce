"""What waits at the desk: one refused row, events whose invoice is not known yet.

In: reading them for people. Not in: settling them (ledger/desk.py, intake/loading.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faults import NotFound
from ledger.desk import Quarantined
from ledger.schema import quarantine, waiting


class WaitingEvent(NamedTuple):
    """States an event that waits, and for which invoice."""

    creditor: str
    invoice: str
    kind: str
    at: datetime


async def refused_row(conn: AsyncConnection, row: int) -> Quarantined:
    """Reads a refused row that is not settled yet; raises NotFound."""
    columns = [quarantine.c[name] for name in Quarantined.model_fields]
    query = sa.select(*columns).where(quarantine.c.id == row, quarantine.c.resolved_at.is_(None))
    found = (await conn.execute(query)).one_or_none()
    if found is None:
        msg = f"no refused row {row} that waits"
        raise NotFound(msg)
    return Quarantined.model_validate(found._asdict())


async def count_refused(conn: AsyncConnection) -> int:
    """Counts the rows that wait to be mended."""
    query = sa.select(sa.func.count()).where(quarantine.c.resolved_at.is_(None))
    return int((await conn.execute(query)).scalar_one())


async def waiting_events(
    conn: AsyncConnection, narrowed: Sequence[str] | None, limit: int
) -> list[WaitingEvent]:
    """Lists the events that wait for their invoice, the oldest first."""
    query = sa.select(
        waiting.c.creditor, waiting.c.invoice, waiting.c.event["type"].as_string().label("kind"), waiting.c.at
    )
    if narrowed is not None:
        query = query.where(waiting.c.creditor.in_(narrowed))
    rows = await conn.execute(query.order_by(waiting.c.id).limit(limit))
    return [WaitingEvent(row.creditor, row.invoice, row.kind, row.at) for row in rows]
