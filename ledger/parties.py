"""Facts about a creditor as a whole, and the first word of a debtor.

In: creditors, new debtors, how far payments are known, holds on all of a creditor's debtors.
Not in: one account (book.py). What is written here may change the plan of every account of the
creditor: open and settle each of `queries.open_accounts` afterwards, a transaction for each.
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import Hold, HoldScope
from domain.faults import NotAllowed, NotFound
from domain.receivable import Creditor, Debtor
from ledger import journal
from ledger.schema import creditors, debtors, holds
from ledger.writing import insert_once


async def put_creditor(
    conn: AsyncConnection, creditor: Creditor, now: datetime, author: str = "intake"
) -> bool:
    """Registers a creditor or replaces what is known of it; False where nothing changes."""
    facts = creditor.model_dump(mode="json")
    new = await insert_once(conn, creditors, {"id": creditor.id, "facts": facts})
    row = await _lock(conn, creditor.id)
    if not new:
        # Compared as facts: what an earlier release stored lacks the fields that have come since.
        if Creditor.model_validate(row.facts) == creditor:
            return False
        await conn.execute(sa.update(creditors).where(creditors.c.id == creditor.id).values(facts=facts))
    await _log(
        conn, row, now, "creditor.registered" if new else "creditor.revised", stated=facts, author=author
    )
    return True


async def put_debtor(conn: AsyncConnection, debtor: Debtor, now: datetime) -> bool:
    """Registers a debtor; False for one that is known, whatever its facts: revise it through its book.

    Raises NotFound for an unknown creditor.
    """
    known = sa.select(creditors.c.id).where(creditors.c.id == debtor.creditor)
    if (await conn.execute(known)).first() is None:
        msg = f"no creditor {debtor.creditor!r}; register it first"
        raise NotFound(msg)
    facts = debtor.model_dump(mode="json")
    row = {"creditor": debtor.creditor, "id": debtor.id, "name": debtor.legal_name, "facts": facts}
    if not await insert_once(conn, debtors, row):
        return False
    await journal.append(
        conn,
        account=(debtor.creditor, debtor.id),
        revision=1,
        previous="",
        at=now,
        kind="debtor.registered",
        invoice=None,
        facts={"stated": facts},
    )
    return True


async def payments_known(conn: AsyncConnection, creditor: str, as_of: datetime, now: datetime) -> bool:
    """Records up to when payments have been fed in; False for a moment that is not later than known."""
    row = await _lock(conn, creditor)
    if row.payments_as_of is not None and row.payments_as_of >= as_of:
        return False
    await conn.execute(sa.update(creditors).where(creditors.c.id == creditor).values(payments_as_of=as_of))
    await _log(conn, row, now, "payments.known", as_of=as_of.isoformat())
    return True


async def hold_all(conn: AsyncConnection, creditor: str, hold: Hold, author: str, now: datetime) -> bool:
    """Suspends every debtor of a creditor; False for a hold that is in place already."""
    if hold.scope is not HoldScope.CREDITOR:
        msg = f"a hold on a {hold.scope.value} is placed through the debtor's book"
        raise NotAllowed(msg)
    row = await _lock(conn, creditor)
    facts = hold.model_dump(mode="json", exclude={"lifted_on"})
    if not await insert_once(
        conn, holds, {"id": hold.id, "creditor": creditor, "debtor": None, "facts": facts}
    ):
        return False
    await _log(conn, row, now, "hold.placed", hold=facts, author=author)
    return True


async def lift_all(
    conn: AsyncConnection, creditor: str, hold: str, author: str, day: date, now: datetime
) -> bool:
    """Ends a hold on every debtor of a creditor on a day; False where there is none to end."""
    row = await _lock(conn, creditor)
    where = (
        holds.c.id == hold,
        holds.c.creditor == creditor,
        holds.c.debtor.is_(None),
        holds.c.lifted_on.is_(None),
    )
    if not (await conn.execute(sa.update(holds).where(*where).values(lifted_on=day))).rowcount:
        return False
    await _log(conn, row, now, "hold.lifted", hold=hold, author=author)
    return True


async def _lock(conn: AsyncConnection, creditor: str) -> sa.Row[Any]:
    row = (
        await conn.execute(sa.select(creditors).where(creditors.c.id == creditor).with_for_update())
    ).one_or_none()
    if row is None:
        msg = f"no creditor {creditor!r}; register it first"
        raise NotFound(msg)
    return row


async def _log(conn: AsyncConnection, row: sa.Row[Any], now: datetime, kind: str, **facts: Any) -> None:
    await journal.append(
        conn,
        account=(row.id, ""),
        revision=row.revision + 1,
        previous=row.journal_head,
        at=now,
        kind=kind,
        invoice=None,
        facts=facts,
    )
