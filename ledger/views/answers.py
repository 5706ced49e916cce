"""What debtors sent with their answers, as pages ask for it.

In: whose a file is. Not in: the file itself (console/answers/uploads.py).
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.schema import agreements


async def creditors_of(conn: AsyncConnection, document: str) -> frozenset[str]:
    """Names the creditors of the disputes with which a file was sent."""
    named = agreements.c.facts["document"].as_string() == document
    query = sa.select(agreements.c.creditor).where(agreements.c.kind == "dispute", named).distinct()
    return frozenset((await conn.execute(query)).scalars())
