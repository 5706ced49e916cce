"""The one statement that the two databases spell differently.

In: inserting a row unless its key is taken.
Not in: anything about what the row means.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_once(conn: AsyncConnection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Inserts a row; False where one of its unique keys is taken and nothing was written."""
    result = await conn.execute(_statement(conn.dialect.name, table), dict(row))
    return result.rowcount == 1


@cache
def _statement(dialect: str, table: sa.Table) -> sa.Insert:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return build(table).on_conflict_do_nothing()
