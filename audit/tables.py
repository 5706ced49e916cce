"""The tables of some accounts, read for comparison: never more than a batch of them at a time.

In: which accounts make a batch, and their rows by debtor.
Not in: what is made of them (comparing.py, waiting.py), and the journal (chains.py).
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.schema import (
    agreements,
    allocations,
    bank_entries,
    credit_notes,
    debtors,
    holds,
    invoices,
    messages,
    payments,
    steps,
    tasks,
)

ACCOUNTS, ENTRIES = 500, 20_000
"""How many accounts, and entries of their journals, make a batch at most; one account always does."""

Row = Any
"""A row of a table, by the names of its columns; SQLAlchemy's own type does not know them."""


@dataclass
class Rows:
    """Holds the rows of one account."""

    account: Row
    invoices: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    parts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    credit_notes: list[Row] = field(default_factory=list)
    holds: list[Row] = field(default_factory=list)
    agreements: list[Row] = field(default_factory=list)
    bank_entries: list[Row] = field(default_factory=list)


async def batches(conn: AsyncConnection, creditor: str) -> AsyncIterator[dict[str, Rows]]:
    """Reads a creditor's accounts, batch after batch, by the ids of their debtors."""
    after = ""
    columns = (debtors.c.id, debtors.c.revision, debtors.c.journal_head, debtors.c.facts)
    query = sa.select(*columns).where(debtors.c.creditor == creditor).order_by(debtors.c.id)
    while found := (await conn.execute(query.where(debtors.c.id > after).limit(ACCOUNTS))).all():
        batch: dict[str, Rows] = {}
        entries = 0
        for row in found:
            if batch and entries + row.revision > ENTRIES:
                break
            batch[row.id] = Rows(row)
            entries += row.revision
        await _fill(conn, creditor, batch)
        yield batch
        after = next(reversed(batch))


async def _fill(conn: AsyncConnection, creditor: str, batch: dict[str, Rows]) -> None:
    first, last = next(iter(batch)), next(reversed(batch))

    def of(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.creditor == creditor, table.c.debtor.between(first, last)

    paid = (allocations.c.creditor == payments.c.creditor) & (allocations.c.reference == payments.c.reference)
    owed = (steps.c.creditor == invoices.c.creditor) & (steps.c.invoice == invoices.c.number)
    queries: dict[str, sa.Select[Any]] = {
        "invoices": sa.select(*_without(invoices, "approved", "blocked", "next")).where(*of(invoices)),
        "messages": sa.select(*_without(messages, "reminder", "recipients", "error")).where(*of(messages)),
        "steps": sa.select(*steps.c, invoices.c.debtor).join(invoices, owed).where(*of(invoices)),
        "tasks": sa.select(tasks.c.debtor, tasks.c.kind, tasks.c.key, tasks.c.invoice).where(
            *of(tasks), tasks.c.closed_at.is_(None)
        ),
        "payments": sa.select(*_without(payments, "stated")).where(*of(payments)),
        "parts": sa.select(*allocations.c, payments.c.debtor).join(payments, paid).where(*of(payments)),
        "credit_notes": sa.select(*_without(credit_notes, "facts")).where(*of(credit_notes)),
        "holds": sa.select(holds).where(*of(holds)),
        "agreements": sa.select(agreements).where(*of(agreements)),
        "bank_entries": sa.select(*_without(bank_entries, "facts", "proposal", "holds")).where(
            *of(bank_entries)
        ),
    }
    for name, query in queries.items():
        for row in (await conn.execute(query)).all():
            rows = batch[row.debtor]
            if name == "parts":
                rows.parts[row.reference].append(row)
            else:
                getattr(rows, name).append(row)


def _without(table: sa.Table, *names: str) -> list[sa.Column[Any]]:
    return [column for column in table.c if column.name not in names]
