"""What the tests of the bank desk share: a creditor with a bank, and short ways to send statements.

In: the branch. Not in: files of banks (tests/readers_bank/), facts of the domain (tests/domain/build.py).
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest_asyncio

from domain.account import Account
from domain.actions import NextAction
from domain.bank import BankEntry, BankStatement
from domain.events import EVENT, CreditorRegistered, DebtorRegistered, Event
from domain.gate import Verdict, judge
from intake.admission import Admission
from intake.bank.booking import Teller
from intake.door import Door
from intake.statements import StatementReport, take_statement
from ledger import accounts, bank, bank_accounts, journal, outbox, queries
from ledger.bank import Kept, State
from ledger.bank_accounts import Known
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import Task
from tests.domain import build
from tests.gate.conftest import catalogue, house, settings, sink, wording  # noqa: F401 - fixtures
from tests.gate.house import House

IBAN = "FR7630006000011234567890189"
THEIRS = "FR1420041010050500013M02606"
MONDAY = build.at("2026-03-02 12:00")
CATALOGUE = {name: build.seed_policy(id=name) for name in ("seed", "french-b2b")}
SOURCE = {
    "key": "main",
    "account": "FR76 3000 6000 0112 3456 7890 189",
    "fresh_within_days": 1,
    "file": "camt.053 of the main account",
    "owner": "treasury@acme.example",
}


class Branch:
    """Sends statements and bills for the tests; `now` is the instant at which all of it happens."""

    def __init__(self, database: Database) -> None:
        """Takes an empty record."""
        self.database = database
        self.door = Door(database, CATALOGUE)
        self.now: datetime = MONDAY

    @property
    def teller(self) -> Teller:
        """Gives what people's answers are written with."""
        return Teller(self.database, Shelf(), self.now)

    async def admit(self, event: Event) -> Admission:
        """Hands an event to the door."""
        return await self.door.admit(event, now=self.now, source="test")

    async def take(self, kind: str, **facts: Any) -> Admission:
        """Hands in an event of Acme's by its type and its facts."""
        return await self.admit(EVENT.validate_python({"type": kind, "creditor": "acme", **facts}))

    async def bill(self, number: str, due: str = "2026-02-20", **more: Any) -> Admission:
        """Hands in an invoice of 100.00 to Dubois, issued on 1 February."""
        facts = {"debtor": "dubois", "issue_date": "2026-02-01", "due_date": due, "total": "100.00"}
        return await self.take("invoice.created", number=number, **(facts | more))

    async def send(self, *entries: BankEntry, name: str = "a.xml", **more: Any) -> StatementReport:
        """Sends a statement of the entries."""
        return await take_statement(self.database, statement(*entries, **more), now=self.now, source=name)

    async def account(self, debtor: str = "dubois") -> Account:
        """Reads an account as it stands on record."""
        async with self.database.reading() as conn:
            return (await accounts.load(conn, "acme", debtor)).account

    async def open(self, number: str, debtor: str = "dubois") -> str:
        """Reads what an invoice still owes."""
        return f"{(await self.account(debtor)).balance(number).open:.2f}"

    async def next(self, number: str) -> NextAction:
        """Reads the plan of a case."""
        async with self.database.reading() as conn:
            line = await queries.find_case(conn, number, "acme")
        assert line.next is not None
        return line.next

    async def judge(self, number: str, debtor: str = "dubois") -> Verdict:
        """Asks the gate about an invoice."""
        async with self.database.writing() as conn:
            book = await Book.open(conn, "acme", debtor, self.now, Shelf())
            return judge(book.account, number, book.policies, self.now)

    async def kept(self, state: State | None = None) -> list[Kept]:
        """Lists bank entries on record, the oldest first."""
        async with self.database.reading() as conn:
            return (await bank.listed(conn, state=state))[::-1]

    async def states(self) -> list[str]:
        """Lists the states of all entries."""
        return sorted(one.state.value for one in await self.kept())

    async def tasks(self, kind: str | None = None) -> list[Task]:
        """Lists open tasks."""
        async with self.database.reading() as conn:
            return await queries.open_tasks(conn, kind=kind)

    async def known(self) -> Known | None:
        """Tells how far Acme's account is known."""
        async with self.database.reading() as conn:
            return (await bank_accounts.known(conn, "acme")).get(IBAN)

    async def journal(self, debtor: str = "dubois") -> list[str]:
        """Lists the kinds of entries in a journal."""
        async with self.database.reading() as conn:
            return [entry.kind for entry in await journal.entries(conn, "acme", debtor)]

    async def errands(self) -> list[tuple[str, str]]:
        """Takes every errand out of the outbox, as (kind, number)."""
        async with self.database.writing() as conn:
            found = await outbox.pending(conn, limit=1000)
            await outbox.delivered(conn, found)
        return sorted((errand.kind, errand.case.number) for errand in found)

    async def written(self) -> tuple[dict[str, int], list[str], int]:
        """Counts everything in the record that a statement could have left behind."""
        async with self.database.reading() as conn:
            counts = await queries.counts(conn)
            lines = [await journal.entries(conn, "acme", debtor) for debtor in ("", "dubois", "martin")]
        return counts, await self.states(), sum(map(len, lines))


async def send_to(house: House, *entries: BankEntry, **more: Any) -> StatementReport:  # noqa: F811
    """Sends a statement of Acme's account to a house, now."""
    return await take_statement(house.database, statement(*entries, **more), now=house.now)


def entry(amount: str = "100.00", on: str = "2026-03-02", **more: Any) -> BankEntry:
    """Gives money that came in; a text beginning with RF is a structured reference."""
    facts: dict[str, Any] = {"amount": amount, "currency": "EUR", "credit": True, "booked_on": on}
    if more.get("text", "").startswith("RF"):
        more["references"] = (more.pop("text"),)
    return BankEntry.model_validate(facts | more)


def statement(*entries: BankEntry, opening: str | None = None, **more: Any) -> BankStatement:
    """Gives a statement of Acme's account over the days of its entries; with `opening`, with balances."""
    days = [one.booked_on for one in entries] or [date(2026, 3, 2)]
    facts: dict[str, Any] = {
        "format": "camt.053",
        "account": IBAN,
        "currency": "EUR",
        "booked_from": min(days),
        "booked_to": max(days),
        "entries": entries,
    }
    if opening is not None:
        moved = sum(one.signed for one in entries)
        facts |= {"opening": opening, "closing": build.money(opening) + moved}
    return BankStatement.model_validate(facts | more)


def days_of(first: str, count: int) -> Iterable[date]:
    """Lists civil days."""
    return (build.day(first) + timedelta(days=place) for place in range(count))


@pytest_asyncio.fixture(loop_scope="session")
async def branch(database: Database) -> Branch:
    """Gives a branch where Acme has its account, and Dubois and Martin owe, on each kind of database."""
    branch = Branch(database)
    await branch.admit(CreditorRegistered(creditor=build.creditor(iban=IBAN, policy="seed")))
    await branch.admit(DebtorRegistered(debtor=build.debtor()))
    await branch.admit(DebtorRegistered(debtor=build.debtor(id="martin", legal_name="Martin Frères SA")))
    return branch
