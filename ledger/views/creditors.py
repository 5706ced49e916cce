"""The creditors, for choosing one and for showing what is known of it.

In: reading them, narrowed to those that a person may see. Not in: changing them (intake/parties.py).
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faults import NotFound
from domain.receivable import Creditor
from ledger.schema import creditors


async def known(conn: AsyncConnection, narrowed: Sequence[str] | None) -> list[Creditor]:
    """Lists the creditors by name; `narrowed` to some ids, None for all."""
    query = sa.select(creditors.c.facts)
    if narrowed is not None:
        query = query.where(creditors.c.id.in_(narrowed))
    found = [Creditor.model_validate(row.facts) for row in await conn.execute(query)]
    return sorted(found, key=lambda one: one.legal_name.casefold())


async def find(conn: AsyncConnection, creditor: str) -> Creditor:
    """Reads a creditor; raises NotFound."""
    row = (await conn.execute(sa.select(creditors.c.facts).where(creditors.c.id == creditor))).one_or_none()
    if row is None:
        msg = f"no such creditor: {creditor}"
        raise NotFound(msg)
    return Creditor.model_validate(row.facts)
