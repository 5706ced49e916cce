"""What is looked up in the record to understand a file: creditors, debtors like a buyer, an invoice's PDF.

In: reading.
Not in: what is made of it (documents.py, readers/einvoice/identification.py).
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faults import InputRefused
from domain.receivable import Creditor, Debtor
from intake.readers.einvoice import checks
from intake.readers.einvoice.fields import account
from intake.readers.einvoice.identification import new_debtor
from intake.readers.einvoice.model import EInvoice
from intake.readers.written import folded
from ledger.schema import creditors, debtors, invoices

alike = lru_cache(maxsize=100_000)(folded)
"""Folds a name, once: a folder of invoices is held against the same debtors again and again."""


async def all_creditors(conn: AsyncConnection) -> list[Creditor]:
    """Lists every creditor."""
    rows = await conn.execute(sa.select(creditors.c.facts).order_by(creditors.c.id))
    return [Creditor.model_validate(facts) for facts in rows.scalars()]


async def debtors_like(conn: AsyncConnection, creditor: Creditor, invoice: EInvoice) -> list[Debtor]:
    """Lists the debtors of a creditor that the buyer of an invoice could be, by a number, an id or the name.

    The debtor whose id a new one would get is among them, so that it is never replaced.
    """
    buyer, columns = invoice.buyer, debtors.c
    sirens = checks.siren_numbers(buyer)
    ids = {*sirens, *(one.id for one in buyer.ids)}
    with suppress(InputRefused):  # a buyer of which no debtor can be made is refused where one is needed
        ids.add(new_debtor(invoice, creditor, set())[0].id)
    numbers = [columns.facts[name].as_string().label(name) for name in ("siren", "vat")]
    query = sa.select(*[columns.id, columns.name, *numbers]).where(columns.creditor == creditor.id)
    found = [
        row.id
        for row in await conn.execute(query)
        if row.id in ids
        or alike(row.name) == folded(buyer.name)
        or (row.siren and account(row.siren) in sirens)
        or (row.vat and (account(row.vat) == buyer.vat or account(row.vat)[-9:] in sirens))
    ]
    facts = sa.select(columns.facts).where(columns.creditor == creditor.id, columns.id.in_(found))
    rows = await conn.execute(facts.order_by(columns.id))
    return [Debtor.model_validate(one) for one in rows.scalars()]


async def names_of(conn: AsyncConnection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Gives the legal names of debtors (creditor, debtor)."""
    keys = list(wanted)
    query = sa.select(debtors.c.creditor, debtors.c.id, debtors.c.name).where(
        debtors.c.id.in_({debtor for _, debtor in keys}), debtors.c.creditor.in_({owner for owner, _ in keys})
    )
    return {(row.creditor, row.id): row.name for row in await conn.execute(query)}


async def attached_pdf(conn: AsyncConnection, creditor: str, number: str) -> str | None:
    """Names the PDF of an invoice on record, by the number of its document; None where it has none."""
    columns = invoices.c
    query = sa.select(columns.facts["pdf"].as_string()).where(
        columns.creditor == creditor,
        columns.document == number,
        columns.number.in_((number, f"{number}/1")),
    )
    found: str | None = (await conn.execute(query)).scalars().first()
    return found
