"""Cases as programs list them: all that fit, in an order that does not change while they page.

In: one page of cases by creditor and number.
Not in: lists for people, who want the urgent first (ledger/queries.py).
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.queries import CaseLine, Filters, conditions, line_of, lines
from ledger.schema import invoices


async def page(
    conn: AsyncConnection,
    filters: Filters,
    *,
    creditors: Iterable[str] | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[CaseLine]:
    """Lists the cases after one (creditor, number); `creditors` None means those of all creditors."""
    key = (invoices.c.creditor, invoices.c.number)
    query = lines().where(*conditions(filters)).order_by(*key).limit(limit)
    if creditors is not None:
        query = query.where(invoices.c.creditor.in_(sorted(creditors)))
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after)))
    return [line_of(row) for row in await conn.execute(query)]
