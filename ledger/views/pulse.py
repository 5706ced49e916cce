"""The pulse of the record: a few numbers that change whenever somebody should look again.

In: one cheap query. Not in: what has changed.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.schema import bank_entries, creditors, debtors, messages, quarantine, switches, tasks

_PULSE = sa.select(
    # Every entry of the journal counts its account up; instants would not do, as clocks may stand still.
    sa.select(sa.func.sum(debtors.c.revision)).scalar_subquery(),
    sa.select(sa.func.sum(creditors.c.revision)).scalar_subquery(),
    sa.select(sa.func.count()).where(tasks.c.closed_at.is_(None)).scalar_subquery(),
    sa.select(sa.func.count()).where(bank_entries.c.state == "asked").scalar_subquery(),
    sa.select(sa.func.max(quarantine.c.id)).scalar_subquery(),
    sa.select(sa.func.count()).where(quarantine.c.resolved_at.is_(None)).scalar_subquery(),
    sa.select(sa.func.count()).where(messages.c.state == "ambiguous").scalar_subquery(),
    sa.select(sa.func.count()).select_from(switches).scalar_subquery(),
)


async def pulse(conn: AsyncConnection) -> tuple[object, ...]:
    """Reads the pulse."""
    return tuple((await conn.execute(_PULSE)).one())
