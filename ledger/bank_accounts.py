"""Up to which day each account of a creditor is known, and what the creditor's journal says of its banks.

In: the table bank_accounts, the entries of the journal from which gaps between statements are seen, and
whom to ask for what is missing.
Not in: whether a statement goes on where an account is known to (intake/bank/coverage.py).
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account
from domain.fact import Amount, Fact
from domain.faults import NotFound
from domain.gate import stale_source
from ledger import journal
from ledger.schema import bank_accounts, creditors
from ledger.schema import journal as entries
from ledger.writing import insert_once

MOVED = "bank.booked"
"""The kind of journal entry that says how far an account is known."""


class Known(Fact):
    """States up to which day an account is known, and the balance from which its next statement goes on."""

    account: str
    booked_to: date
    closing: Amount | None = None
    statement: str | None = None


class Covered(Fact):
    """States the days that one statement covered, and the balances between which it led."""

    first: date
    last: date
    opening: Amount | None = None
    closing: Amount | None = None
    statement: str | None = None


async def known(conn: AsyncConnection, creditor: str) -> dict[str, Known]:
    """Tells how far each account of a creditor is known."""
    columns = [bank_accounts.c[name] for name in Known.model_fields]
    rows = await conn.execute(sa.select(*columns).where(bank_accounts.c.creditor == creditor))
    return {row.account: Known.model_validate(row._asdict()) for row in rows}


async def covered(conn: AsyncConnection, creditor: str, account: str, since: date) -> list[Covered]:
    """Lists what statements of an account covered up to a day or beyond, as the journal remembers them."""
    told = sa.select(entries.c.facts).where(
        entries.c.creditor == creditor,
        entries.c.debtor == "",
        entries.c.kind == MOVED,
        entries.c.facts["account"].as_string() == account,
    )
    rows = (await conn.execute(told.order_by(entries.c.revision))).scalars()
    found = [Covered.model_validate(facts["covered"]) for facts in rows]
    return [one for one in found if one.last >= since]


def missing_file(account: Account, now: datetime) -> dict[str, Any]:
    """Says whom to ask for which file, where a bank of the creditor has not been read as it should be."""
    source = stale_source(account, now)
    if source is None:
        return {}
    booked_to = account.booked_to.get(source.key)
    told = {
        "source": source.key,
        "owner": source.owner,
        "file": source.file,
        "booked_to": booked_to.isoformat() if booked_to is not None else None,
    }
    return {name: value for name, value in told.items() if value is not None}


async def move(
    conn: AsyncConnection, creditor: str, present: Known, told: Covered, now: datetime, **more: Any
) -> None:
    """Writes down what a statement covered, and up to which day its account is known since."""
    facts = {
        "account": present.account,
        "booked_to": present.booked_to.isoformat(),
        "covered": told.model_dump(mode="json", exclude_none=True),
    }
    await log(conn, creditor, now, MOVED, **facts, **more)
    row = dict(present) | {"creditor": creditor, "read_at": now}
    if not await insert_once(conn, bank_accounts, row):
        same = (bank_accounts.c.creditor == creditor, bank_accounts.c.account == present.account)
        await conn.execute(sa.update(bank_accounts).where(*same).values(row))


async def lock(conn: AsyncConnection, creditor: str) -> sa.Row[Any]:
    """Keeps others from writing about a creditor as a whole until the transaction ends; raises NotFound."""
    head = [creditors.c.revision, creditors.c.journal_head]
    query = sa.select(*head).where(creditors.c.id == creditor)
    row: sa.Row[Any] | None = (await conn.execute(query.with_for_update())).one_or_none()
    if row is None:
        msg = f"no creditor {creditor!r}; register it first"
        raise NotFound(msg)
    return row


async def log(conn: AsyncConnection, creditor: str, now: datetime, kind: str, **facts: Any) -> None:
    """Appends an entry about a bank to the creditor's own journal; raises NotFound."""
    row = await lock(conn, creditor)
    await journal.append(
        conn,
        account=(creditor, ""),
        revision=row.revision + 1,
        previous=row.journal_head,
        at=now,
        kind=kind,
        invoice=None,
        facts=facts,
    )
