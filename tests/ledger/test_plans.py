"""How SQLite finds the rows of an account: by its key, never by looking through all of the creditor's."""

from typing import Any

import pytest
import sqlalchemy as sa

from ledger import account_queries
from ledger.account_queries import CREDITOR_ID, DEBTOR_ID
from ledger.database import Database

SMALL = ("switches", "bank_accounts")
"""Tables with few rows for each creditor, read as a whole."""

OF = {CREDITOR_ID.key: "acme", DEBTOR_ID.key: "dubois", "of_number": "F-1"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_account_is_read_from_its_own_rows_alone(database: Database) -> None:
    """No statement that reads an account searches a large table by the creditor alone, or scans one."""
    statements = {
        name: one
        for name, one in vars(account_queries).items()
        if isinstance(one, sa.Select | sa.CompoundSelect) and not name.startswith("_")
    }
    assert len(statements) > 10
    async with database.reading() as conn:
        asked: list[tuple[str, Any]] = []

        def note(_conn: Any, _cursor: Any, text: str, given: Any, *_: Any) -> None:
            asked.append((text, given))

        sa.event.listen(conn.sync_connection, "before_cursor_execute", note)
        for name, statement in statements.items():
            await conn.execute(statement, OF)
            text, given = asked.pop()
            plan = await conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
            steps = [step for *_, step in plan if not any(one in step for one in SMALL)]
            wide = [step for step in steps if step.startswith("SCAN ") or step.endswith("(creditor=?)")]
            assert wide in ([], ["SCAN CONSTANT ROW"]), f"{name}: {wide}"
