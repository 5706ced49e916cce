"""How many open cases run on which version of which policy.

In: queries that only read, narrowed to the creditors that somebody may see (None: all).
Not in: what the versions say (ledger/policies.py), moving cases between them (ledger/moving.py).
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from ledger.schema import invoices, policies
from ledger.views.payments import Seen, narrowed


class Version(Fact):
    """States a version that is on record, since when, and how many open cases run on it."""

    policy: str
    version: str
    stored_at: Instant
    cases: int


async def versions(conn: AsyncConnection, seen: Seen) -> list[Version]:
    """Lists every version on record, the newest first."""
    columns = invoices.c
    query = sa.select(columns.policy, sa.func.count().label("cases")).where(
        columns.ending.is_(None), narrowed(columns.creditor, seen)
    )
    cases = {row.policy: row.cases for row in await conn.execute(query.group_by(columns.policy))}
    stored = sa.select(policies.c.version, policies.c.id, policies.c.stored_at)
    return [
        Version(policy=row.id, version=row.version, stored_at=row.stored_at, cases=cases.get(row.version, 0))
        for row in await conn.execute(stored.order_by(policies.c.stored_at.desc(), policies.c.version))
    ]
