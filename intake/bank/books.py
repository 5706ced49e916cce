"""The books that bank entries are held against, read from the record once for many entries.

In: open and recently settled items, payers with the accounts they paid from, payments without an entry.
Not in: how entries are matched (domain/matching.py), and what is written (booking.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from correspondence.payment_code import creditor_reference
from domain.actions import Ending
from domain.openitems import Directory, OpenItem, Payer, Recorded
from domain.receivable import Creditor
from ledger.account_queries import LEFT, UNDERWAY
from ledger.bank import State
from ledger.schema import bank_entries, debtors, invoices, messages, payments

REMEMBERED = timedelta(days=400)
"""How long a settled invoice stays in the books, so that a second payment of it is recognised."""

LATEST_PAYMENTS = timedelta(days=60)
"""How long a payment on record may wait for its bank entry."""

SETTLED = (Ending.PAID.value, Ending.CREDITED.value, Ending.WRITTEN_OFF.value)
"""The endings after which nothing is owed; what is exhausted or handed over still is."""


ITEM = ("number", "document", "debtor", "currency", "total", "open", "due_date", "ending", "facts")


@dataclass
class Books:
    """Holds the directory of a creditor, and the revision of each account that it was read at or before."""

    directory: Directory
    revisions: dict[str, int]
    recorded: dict[str, Recorded]

    def link(self, payment: str) -> None:
        """Leaves a payment on record out, once its entry is known."""
        if (record := self.recorded.pop(payment, None)) is not None:
            self.directory.linked(record)


async def books_of(conn: AsyncConnection, creditor: Creditor, since: date, now: datetime) -> Books:
    """Reads the books of a creditor for entries booked on a day or later."""
    # Revisions first: what is written meanwhile makes an account look older than it is, never newer.
    owners = (await conn.execute(sa.select(debtors).where(debtors.c.creditor == creditor.id))).all()
    recorded = await _recorded(conn, creditor.id, since - LATEST_PAYMENTS)
    directory = Directory(
        await _items(conn, creditor.id, now),
        await _payers(conn, creditor.id, owners),
        recorded,
        country=creditor.country,
    )
    return Books(
        directory, {row.id: row.revision for row in owners}, {one.reference: one for one in recorded}
    )


async def _items(conn: AsyncConnection, creditor: str, now: datetime) -> list[OpenItem]:
    columns = invoices.c
    wanted = [columns[name] for name in ITEM]
    owed = sa.or_(columns.ending.is_(None), ~columns.ending.in_(SETTLED))
    query = sa.select(*wanted).where(
        columns.creditor == creditor, sa.or_(owed, columns.closed_at > now - REMEMBERED)
    )
    asked = await _asked_under(conn, creditor, now)
    return [_item(row, tuple(asked.get(row.number, ()))) for row in await conn.execute(query)]


def _item(row: sa.Row[Any], asked: tuple[str, ...]) -> OpenItem:
    return OpenItem(
        number=row.number,
        document=row.document,
        debtor=row.debtor,
        currency=row.currency,
        total=row.total,
        open=row.open,
        issue_date=row.facts["issue_date"],
        due_date=row.due_date,
        reference=row.facts.get("reference"),
        asked_under=asked,
        discounts=row.facts.get("discounts", ()),
        closed=row.ending in SETTLED,
    )


async def _asked_under(conn: AsyncConnection, creditor: str, now: datetime) -> dict[str, list[str]]:
    """Finds the payment references of messages that asked for several invoices at once."""
    columns = messages.c
    query = sa.select(columns.key, columns.invoices).where(
        columns.creditor == creditor,
        columns.state.in_(LEFT + UNDERWAY),
        columns.day > (now - REMEMBERED).date(),
        sa.func.json_array_length(columns.invoices) > 1,
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in await conn.execute(query.order_by(columns.id)):
        reference = creditor_reference(f"REL{uuid5(NAMESPACE_URL, f'relance:{row.key}').hex[:12]}")
        for number in row.invoices:
            found[number].append(reference)
    return found


async def _payers(conn: AsyncConnection, creditor: str, owners: Sequence[sa.Row[Any]]) -> list[Payer]:
    """Lists the debtors, with the accounts from which money came that went to their invoices."""
    columns = bank_entries.c
    query = (
        sa.select(columns.debtor, columns.payer_account)
        .where(
            columns.creditor == creditor,
            columns.payer_account.is_not(None),
            columns.debtor.is_not(None),
            columns.state == State.BOOKED.value,
        )
        .distinct()
    )
    accounts: dict[str, list[str]] = defaultdict(list)
    for row in await conn.execute(query.order_by(columns.debtor, columns.payer_account)):
        accounts[row.debtor].append(row.payer_account)
    return [
        Payer(
            debtor=row.id,
            legal_name=row.name,
            ibans=tuple(accounts.get(row.id, ())),
            siren=row.facts.get("siren"),
        )
        for row in owners
    ]


async def _recorded(conn: AsyncConnection, creditor: str, since: date) -> list[Recorded]:
    """Lists the payments that another way than a bank file told of, and no entry is linked to."""
    linked = sa.exists().where(
        bank_entries.c.creditor == payments.c.creditor, bank_entries.c.payment == payments.c.reference
    )
    query = sa.select(payments).where(
        payments.c.creditor == creditor,
        payments.c.received_on >= since,
        payments.c.reversed.is_(False),
        ~linked,
    )
    return [
        Recorded(
            reference=row.reference,
            debtor=row.debtor,
            amount=row.amount,
            currency=row.currency,
            received_on=row.received_on,
            invoices=tuple(part["invoice"] for part in row.stated["allocations"]),
        )
        for row in await conn.execute(query.order_by(payments.c.reference))
    ]
