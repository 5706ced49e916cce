"""One event at the door: the transaction it is written in, and what has to be looked up for it.

In: the lookups that turn names into accounts, and the lock that orders events about one invoice.
Not in: what any event changes (parties.py, invoices.py, receipts.py, credits.py).
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.events import Event
from domain.faults import InputRefused, NotFound
from domain.policy import DunningPolicy
from domain.receivable import Creditor
from ledger import desk
from ledger.book import Book
from ledger.policies import Shelf
from ledger.schema import creditors, debtors, invoices, waiting

TURNS = 7_203_403
"""The space of PostgreSQL's advisory locks in which events about one invoice take turns."""


class Known(NamedTuple):
    """Says of an invoice in the record whose it is and which document it belongs to."""

    number: str
    document: str
    debtor: str
    version: int
    due_date: date

    def is_of(self, names: AbstractSet[str]) -> bool:
        """Tells whether the invoice, or its document, has one of these names."""
        return self.number in names or self.document in names


@dataclass(frozen=True)
class Visit:
    """Holds what the handling of one event needs."""

    conn: AsyncConnection
    now: datetime
    catalogue: Mapping[str, DunningPolicy]
    shelf: Shelf

    async def take_turn(self, creditor: str, numbers: Iterable[str]) -> None:
        """Waits until no other transaction handles an event about these invoices.

        A payment for an unknown invoice and that invoice itself may come at the same moment: without
        turns each would miss the other. SQLite has one writer anyway.
        """
        if self.conn.dialect.name != "postgresql":
            return
        lock = sa.text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
        for number in sorted(set(numbers)):
            await self.conn.execute(lock, {"space": TURNS, "key": f"{creditor}:{number}"})

    async def creditor(self, creditor: str, field: str = "creditor") -> Creditor:
        """Finds a creditor; raises InputRefused for an unknown one."""
        query = sa.select(creditors.c.facts).where(creditors.c.id == creditor)
        facts = (await self.conn.execute(query)).scalar_one_or_none()
        if facts is None:
            raise InputRefused(
                field,
                creditor,
                "is not a known creditor; register it first (creditor.registered), or correct the name",
            )
        return Creditor.model_validate(facts)

    async def has_debtor(self, creditor: str, debtor: str) -> bool:
        """Tells whether a creditor has a debtor of that name."""
        query = sa.select(debtors.c.id).where(debtors.c.creditor == creditor, debtors.c.id == debtor)
        return (await self.conn.execute(query)).first() is not None

    async def book(self, creditor: str, debtor: str, field: str = "debtor") -> Book:
        """Opens an account for writing; raises InputRefused for an unknown debtor."""
        try:
            return await Book.open(self.conn, creditor, debtor, self.now, self.shelf)
        except NotFound:
            remedy = f"is not a known debtor of {creditor}; register it (debtor.registered), or correct it"
            raise InputRefused(field, debtor, remedy) from None

    async def known(self, creditor: str, numbers: Iterable[str]) -> list[Known]:
        """Finds invoices by number or by document; the maturities of one document come by due date."""
        wanted = set(numbers)
        # Documents have no index of their own: the first maturity leads to the account, which has one.
        either = wanted | {f"{number}/1" for number in wanted}
        found = [
            one for one in await self._invoices(creditor, invoices.c.number.in_(either)) if one.is_of(wanted)
        ]
        split = [one for one in found if one.number != one.document and one.document in wanted]
        if split:
            owners = invoices.c.debtor.in_({one.debtor for one in split})
            documents = invoices.c.document.in_({one.document for one in split})
            found += await self._invoices(creditor, owners & documents)
        return sorted(set(found), key=lambda one: (one.due_date, one.number))

    async def _invoices(self, creditor: str, which: sa.ColumnElement[bool]) -> list[Known]:
        columns = [getattr(invoices.c, name) for name in Known._fields]
        rows = await self.conn.execute(sa.select(*columns).where(invoices.c.creditor == creditor, which))
        return [Known(*row) for row in rows]

    async def park(self, creditor: str, numbers: Iterable[str], event: Event) -> bool:
        """Keeps an event until one of the invoices arrives; False where it waits already."""
        facts = event.model_dump(mode="json")
        parked = [await desk.park(self.conn, creditor, number, facts, self.now) for number in numbers]
        return any(parked)

    async def parked(self, creditor: str, kind: str, name: str, value: str) -> dict[str, dict[str, Any]]:
        """Finds the waiting events of a type by one of their fields: the event by the invoice waited for."""
        query = sa.select(waiting.c.invoice, waiting.c.event).where(
            waiting.c.creditor == creditor,
            waiting.c.event["type"].as_string() == kind,
            waiting.c.event[name].as_string() == value,
        )
        return {row.invoice: row.event for row in await self.conn.execute(query.order_by(waiting.c.id))}


def closed_as(book: Book, numbers: Iterable[str]) -> str:
    """Says that every case concerned was closed before this event; "" where one was open."""
    endings = [book.case(number).ending for number in numbers]
    if not endings or None in endings:
        return ""
    return f"; the case was already closed ({', '.join(sorted({str(ending) for ending in endings}))})"
