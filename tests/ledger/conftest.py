"""What the ledger's tests share: a database with parties in it, and one short way to write a book.

In: the desk of a clerk who opens books. Not in: facts (tests/domain/build.py).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from domain.account import Account
from domain.gate import judge
from domain.policy import DunningPolicy
from domain.receivable import Invoice
from domain.reminder import Reminder
from ledger import accounts, claims, outbox, parties, policies
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from tests.domain import build

NOON = build.at("2026-03-01 12:00")
RULES = build.seed_policy()


class Clerk:
    """Writes books for the tests; `now` is the instant at which all of it happens."""

    def __init__(self, database: Database) -> None:
        """Takes a database in which the parties are registered."""
        self.database = database
        self.shelf = Shelf()
        self.now: datetime = NOON

    @asynccontextmanager
    async def book(self, debtor: str = "dubois", *, settle: bool = True) -> AsyncIterator[Book]:
        """Opens a book, and settles it at the end."""
        async with self.database.writing() as conn:
            book = await Book.open(conn, "acme", debtor, self.now, self.shelf)
            yield book
            if settle:
                await book.settle()

    async def bill(self, *invoices: Invoice, rules: DunningPolicy = RULES) -> None:
        """Opens cases."""
        async with self.book() as book:
            for invoice in invoices:
                await book.open_case(invoice, rules.version)

    async def account(self, debtor: str = "dubois") -> Account:
        """Reads the account as it stands on record."""
        async with self.database.reading() as conn:
            return (await accounts.load(conn, "acme", debtor)).account

    async def errands(self) -> list[tuple[str, str]]:
        """Takes every errand out of the outbox, as (kind, number)."""
        async with self.database.writing() as conn:
            found = await outbox.pending(conn)
            await outbox.delivered(conn, found)
        return sorted((errand.kind, errand.case.number) for errand in found)

    async def reminder(self, number: str, when: str) -> Reminder:
        """Moves to an hour of Paris and asks the gate, which must let a message leave."""
        self.now = build.at(when)
        account = await self.account()
        verdict = judge(account, number, {RULES.version: RULES}, self.now)
        assert isinstance(verdict, Reminder), verdict
        return verdict

    async def reserve(self, number: str, when: str) -> str:
        """Reserves the message that the gate lets leave at an hour of Paris."""
        reminder = await self.reminder(number, when)
        async with self.book() as book:
            return await book.reserve(reminder, "claim-1", self.now)

    async def hand_over(
        self, message: str, claim: str, *, database: Database | None = None, revision: int | None = None
    ) -> bool:
        """Asks to hand a message over a second before its lease ends, knowing the account as it stands."""
        known = (await self.account()).revision if revision is None else revision
        async with (database or self.database).writing() as conn:
            attempt = await claims.begin_hand_over(
                conn, message, claim, self.now, wall=self.now - timedelta(seconds=1), revision=known
            )
        return attempt is not None

    async def send(self, number: str, when: str) -> str:
        """Sends the message that the gate lets leave at an hour of Paris."""
        message = await self.reserve(number, when)
        async with self.book() as book:
            await confirm(book, message)
        return message


async def confirm(book: Book, message: str) -> None:
    """Confirms a message with some evidence."""
    await book.confirm(
        message,
        sent_at=book.now,
        sha256="a" * 64,
        digest="b" * 64,
        evidence_path="messages/1.eml",
        message_id_header="<1@acme.example>",
    )


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(database: Database) -> Clerk:
    """Gives a clerk, a creditor, two debtors and two policies, on each kind of database in turn."""
    async with database.writing() as conn:
        await parties.put_creditor(conn, build.creditor(), NOON)
        await parties.put_debtor(conn, build.debtor(), NOON)
        await parties.put_debtor(conn, build.debtor(id="martin", legal_name="Martin SA"), NOON)
        await policies.store(conn, RULES, NOON)
    return Clerk(database)


@pytest.fixture
def other_rules() -> Callable[..., DunningPolicy]:
    """Makes a policy that is not stored yet."""
    return build.ladder
