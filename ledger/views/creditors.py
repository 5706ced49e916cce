"""The creditors, for choosing one and for showing what is known of it.

In: reading them, narrowed to those that a person may see, their open cases, their banks.
Not in: changing them (intake/parties.py).
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bank import same_account
from domain.faults import NotFound
from domain.receivable import BankSource, Creditor
from ledger import bank_accounts
from ledger.schema import creditors, invoices


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


async def open_cases(conn: AsyncConnection) -> dict[str, int]:
    """Counts the open cases of each creditor that has any."""
    query = sa.select(invoices.c.creditor, sa.func.count()).where(invoices.c.ending.is_(None))
    return {row[0]: row[1] for row in await conn.execute(query.group_by(invoices.c.creditor))}


class KnownBank(NamedTuple):
    """States a declared source, or an account that only its statements name, and how far it is known."""

    account: str
    source: BankSource | None
    booked_to: date | None


async def banks(conn: AsyncConnection, creditor: Creditor) -> list[KnownBank]:
    """Lists the accounts of a creditor: those declared, then those of which only statements tell."""
    known = dict(await bank_accounts.known(conn, creditor.id))
    found = []
    for source in creditor.banks:
        name = next((one for one in known if same_account(one, source.account)), None)
        told = known.pop(name) if name is not None else None
        found.append(KnownBank(source.account, source, told.booked_to if told else None))
    return [*found, *(KnownBank(name, None, told.booked_to) for name, told in known.items())]
