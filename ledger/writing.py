"""The one statement that the two databases spell differently.

In: inserting a row unless its key is taken.
Not in: anything about what the row means.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_once(conn: AsyncConnection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Inserts a row; False where one of its unique keys is taken and nothing was written."""
    build = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    result = await conn.execute(build(table).values(dict(row)).on_conflict_do_nothing())
    return result.rowcount == 1
