"""What the tests of intake share: a door with two parties behind it, and short ways to knock.

In: the porter. Not in: facts of the domain (tests/domain/build.py), files (each test writes its own).
"""

from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from domain.account import Account
from domain.actions import Ending, NextAction
from domain.events import EVENT, CreditorRegistered, DebtorRegistered, Event
from domain.faults import InputRefused
from intake.admission import Admission
from intake.door import Door
from ledger import accounts, desk, journal, outbox, queries
from ledger.database import Database
from tests.domain import build

NOON = build.at("2026-03-02 12:00")
CATALOGUE = {name: build.seed_policy(id=name) for name in ("seed", "french-b2b", "gentle", "hard")}


class Porter:
    """Knocks at the door for the tests; `now` is the instant at which all of it happens."""

    def __init__(self, database: Database) -> None:
        """Takes an empty record."""
        self.database = database
        self.door = Door(database, CATALOGUE)
        self.now: datetime = NOON

    async def admit(self, event: Event) -> Admission:
        """Hands an event to the door."""
        return await self.door.admit(event, now=self.now, source="test")

    async def take(self, kind: str, **facts: Any) -> Admission:
        """Hands in an event of Acme's by its type and its facts."""
        return await self.admit(EVENT.validate_python({"type": kind, "creditor": "acme", **facts}))

    async def take_debtor(self, name: str, **more: Any) -> Admission:
        """Hands in a debtor."""
        return await self.admit(DebtorRegistered(debtor=build.debtor(id=name, **more)))

    async def bill(self, number: str = "F-1", due: str | None = "2026-03-31", **more: Any) -> Admission:
        """Hands in an invoice of 100.00 issued on 1 March."""
        facts = {"number": number, "debtor": "dubois", "issue_date": "2026-03-01", "total": "100.00"}
        return await self.take("invoice.created", **(facts | ({"due_date": due} if due else {}) | more))

    async def pay(self, amount: str = "100.00", reference: str = "VIR-1", **more: Any) -> Admission:
        """Hands in a payment received on 2 March."""
        facts = {"amount": amount, "reference": reference, "received_on": "2026-03-02"}
        return await self.take("payment.received", **(facts | more))

    async def credit(self, total: str = "100.00", number: str = "A-1", **more: Any) -> Admission:
        """Hands in a credit note of 2 March."""
        facts = {"total": total, "number": number, "issue_date": "2026-03-02"}
        return await self.take("credit_note.issued", **(facts | more))

    async def refusal(self, knock: Any) -> tuple[str, object, str]:
        """Expects a refusal with nothing written, and gives its field, value and remedy."""
        before = await self.written()
        with pytest.raises(InputRefused) as refused:
            await knock
        assert await self.written() == before
        return refused.value.field, refused.value.value, refused.value.remedy

    async def written(self) -> tuple[dict[str, int], int]:
        """Counts everything in the record that an event could have left behind."""
        async with self.database.reading() as conn:
            counts = await queries.counts(conn)
            entries = [await journal.entries(conn, "acme", debtor) for debtor in ("", "dubois", "martin")]
        return counts, sum(map(len, entries))

    async def account(self, debtor: str = "dubois") -> Account:
        """Reads an account as it stands on record."""
        async with self.database.reading() as conn:
            return (await accounts.load(conn, "acme", debtor)).account

    async def ending(self, number: str = "F-1", debtor: str = "dubois") -> Ending | None:
        """Reads how a case ended."""
        return (await self.account(debtor)).case(number).ending

    async def next(self, number: str = "F-1") -> NextAction:
        """Reads the stored plan of a case."""
        async with self.database.reading() as conn:
            line = await queries.find_case(conn, number)
        assert line.next is not None
        return line.next

    async def errands(self) -> list[tuple[str, str]]:
        """Takes every errand out of the outbox, as (kind, number)."""
        async with self.database.writing() as conn:
            found = await outbox.pending(conn)
            await outbox.delivered(conn, found)
        return sorted((errand.kind, errand.case.number) for errand in found)

    async def aside(self) -> list[desk.Quarantined]:
        """Lists the rows in quarantine."""
        async with self.database.reading() as conn:
            return await desk.aside(conn)


@pytest_asyncio.fixture(loop_scope="session")
async def porter(database: Database) -> Porter:
    """Gives a porter who knows Acme and its debtors Dubois and Martin, on each kind of database in turn."""
    porter = Porter(database)
    await porter.admit(CreditorRegistered(creditor=build.creditor()))
    for name in ("dubois", "martin"):
        await porter.take_debtor(name)
    return porter
