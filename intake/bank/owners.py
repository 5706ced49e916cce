"""Whose account a statement tells of, among the creditors on record.

In: the creditor who declared the account, and the name under which the account is kept.
Not in: how far the account is known (coverage.py), and whose money its entries are (deciding.py).
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bank import same_account
from domain.faults import InputRefused
from domain.receivable import Creditor
from intake.readers.rows import shown
from ledger.schema import creditors


@dataclass(frozen=True)
class Owned:
    """Names the creditor of an account, and the account as it is declared, without spaces."""

    creditor: Creditor
    account: str
    currency: str | None = None


async def owner(conn: AsyncConnection, account: str, currency: str | None = None) -> Owned:
    """Finds the creditor of an account, by whatever name a bank's file calls it.

    Raises InputRefused for an account that nobody declared, that several did, or of another currency.
    """
    rows = await conn.execute(sa.select(creditors.c.facts).order_by(creditors.c.id))
    known = [Creditor.model_validate(facts) for facts in rows.scalars()]
    found = [
        Owned(creditor, bare(declared), money)
        for creditor in known
        for declared, money in _accounts(creditor)
        if same_account(declared, account)
    ]
    if not found:
        remedy = (
            "another account's statement: no creditor has declared it; add it to `banks` of its creditor "
            "(creditor.registered), and import the file again"
        )
        raise InputRefused("account", shown(account), remedy)
    names = {owned.creditor.id for owned in found}
    if len(names) > 1:
        remedy = f"is declared by several creditors ({', '.join(sorted(names))}); leave it with one of them"
        raise InputRefused("account", shown(account), remedy)
    fits = [one for one in found if None in {currency, one.currency} or currency == one.currency]
    if not fits:
        remedy = f"is not the currency declared for account {shown(account)} ({found[0].currency})"
        raise InputRefused("currency", currency, f"{remedy}; declare the account that has it")
    return fits[0]


def bare(account: str) -> str:
    """Writes an account as it is kept: without spaces, in capitals."""
    return "".join(account.split()).upper()


def _accounts(creditor: Creditor) -> list[tuple[str, str | None]]:
    """Lists a creditor's accounts with their currencies: the declared ones before the printed IBAN."""
    declared: list[tuple[str, str | None]] = [(source.account, source.currency) for source in creditor.banks]
    return [*declared, (creditor.iban, None)] if creditor.iban else declared
