"""What the tests of the mailbox share: an office whose messages are answered.

In: sending a message, taking a mail, and what then is on record.
Not in: the mails themselves (samples.py), events and their door (tests/intake/conftest.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest_asyncio
import sqlalchemy as sa

from correspondence.email import message_id
from domain.agreements import Hold
from domain.events import CreditorRegistered
from domain.gate import judge
from domain.reminder import Reminder
from intake.mailbox.reading import KeptMail, mark_read, waiting
from intake.mailbox.taking import State, take
from intake.readers.mail import read
from ledger import journal, queries
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import Task
from ledger.schema import incoming
from tests.domain import build
from tests.intake.conftest import CATALOGUE, Porter


class Office(Porter):
    """Sends messages of Acme's and takes the mails that come back; all of it happens at `now`."""

    def __init__(self, database: Database) -> None:
        """Takes an empty record."""
        super().__init__(database)
        self.shelf = Shelf()

    @asynccontextmanager
    async def book(self, debtor: str = "dubois") -> AsyncIterator[Book]:
        """Opens a book, and settles it at the end."""
        async with self.database.writing() as conn:
            book = await Book.open(conn, "acme", debtor, self.now, self.shelf)
            yield book
            await book.settle()

    async def remind(
        self, number: str = "F-1", when: str = "2026-04-02 10:00", debtor: str = "dubois"
    ) -> Reminder:
        """Sends the message that the gate lets leave at an hour of Paris."""
        self.now = build.at(when)
        rules = {policy.version: policy for policy in CATALOGUE.values()}
        reminder = judge(await self.account(debtor), number, rules, self.now)
        assert isinstance(reminder, Reminder), reminder
        async with self.book(debtor) as book:
            message = await book.reserve(reminder, "claim-1", self.now)
            await book.confirm(
                message,
                sent_at=self.now,
                sha256="a" * 64,
                digest="b" * 64,
                evidence_path="messages/1.eml",
                message_id_header=message_id(reminder),
            )
        return reminder

    async def get(self, data: bytes) -> State | None:
        """Takes a mail."""
        return await take(self.database, self.shelf, read(data), self.now)

    async def read(self, mail: str) -> bool:
        """Reads a mail as a person does."""
        return await mark_read(self.database, self.shelf, mail, "ann", self.now)

    async def holds(self, debtor: str = "dubois") -> tuple[Hold, ...]:
        """Lists the holds of an account."""
        return (await self.account(debtor)).holds

    async def tasks(self, kind: str) -> list[Task]:
        """Lists the open tasks of a kind."""
        async with self.database.reading() as conn:
            return await queries.open_tasks(conn, kind=kind)

    async def entries(self, kind: str, debtor: str = "dubois") -> list[journal.Entry]:
        """Lists the journal's entries of a kind, such as `mail.replied`, or of several: `mail.`."""
        async with self.database.reading() as conn:
            return [one for one in await journal.entries(conn, "acme", debtor) if one.kind.startswith(kind)]

    async def unread(self) -> list[KeptMail]:
        """Lists the mails that wait for a person."""
        async with self.database.reading() as conn:
            return await waiting(conn)

    async def kept(self) -> int:
        """Counts the mails on record."""
        async with self.database.reading() as conn:
            return int((await conn.execute(sa.select(sa.func.count()).select_from(incoming))).scalar_one())


@pytest_asyncio.fixture(loop_scope="session")
async def office(database: Database) -> Office:
    """Gives an office that knows Acme and two debtors, each with an invoice, on each kind of database."""
    office = Office(database)
    await office.admit(CreditorRegistered(creditor=build.creditor()))
    await office.take_debtor("dubois")
    await office.take_debtor("martin", contacts=({"email": "compta@martin.example"},))
    await office.bill("F-1")
    await office.bill("F-2", debtor="martin")
    return office
