"""Whole lives through a restore: the record and Temporal put back from different instants, then reconciled.

Two customers; one has two invoices and gets one message for both. Four messages a customer is right.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from config.sections import Folders, Smtp
from config.settings import Settings
from correspondence.postbook import PostBook
from domain.actions import CaseRef, Ending
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated, PaymentReceived
from intake.reconciling import Reconciled, Reconciler
from ledger import journal, queries
from ledger.database import Database
from terminal.restoring import _copy
from tests.databases import Server
from tests.domain import build
from tests.intake.copies import Copies
from tests.patience import until
from trial.mail import MailSink, mail_sink
from trial.servers import temporal_dev_server
from trial.world import World, real_now, world

DAY = timedelta(days=1)
DUE = 30
"""Days from the beginning to every due date; the messages leave on the days 20, 27, 32 and 60 or near."""

COPIED, LOST, END = 23 * DAY, 36 * DAY, 120 * DAY
"""When the copy is made (after the first message), when things break (after the third), when all is over."""

PATIENCE = 100.0
FIRST = {"F-1": "dubois", "F-2": "dubois", "M-1": "martin"}


def next_monday(now: datetime) -> datetime:
    """Gives the first Monday from now on: counts of messages hang on which days are business days.

    What is imported on day 24, a Thursday, is late for its first message and a day before its second.
    """
    return now + (7 - now.weekday()) % 7 * DAY


@dataclass
class Life:
    """Holds what outlives a restore: the mailbox, the folders, the names, the day on which it began."""

    settings: Settings
    sink: MailSink
    owner: str
    begin: datetime = field(default_factory=lambda: next_monday(real_now()))

    @asynccontextmanager
    async def lived(self, client: Client, database: Database) -> AsyncIterator[World]:
        """Runs a worker until the block ends."""
        async with world(client, self.settings, database) as lives:
            yield lives

    async def register(self, lives: World) -> None:
        """Registers the creditor and its customers."""
        creditor = build.creditor(id=self.owner, policy="seed")
        await lives.admit(CreditorRegistered(creditor=creditor), self.begin)
        for name in ("dubois", "martin"):
            facts = {"creditor": self.owner, "id": name, "contacts": ({"email": f"compta@{name}.example"},)}
            await lives.admit(DebtorRegistered(debtor=build.debtor(**facts)), self.begin)

    async def bill(self, lives: World, invoices: dict[str, str], at: datetime) -> None:
        """Imports invoices, by number and customer; all fall due on the same day."""
        today = self.begin.date()
        dated = {"issue_date": today, "due_date": today + DUE * DAY, "total": "100.00"}
        for number, debtor in invoices.items():
            facts = {"creditor": self.owner, "number": number, "debtor": debtor}
            await lives.admit(InvoiceCreated.model_validate(facts | dated), at)

    async def pay(self, lives: World, number: str, at: datetime) -> None:
        """Imports the payment of an invoice."""
        await lives.admit(
            PaymentReceived.model_validate(
                {
                    "creditor": self.owner,
                    "reference": f"VIR-{number}",
                    "amount": "100.00",
                    "received_on": at.date(),
                    "invoice": number,
                }
            ),
            at,
        )

    async def live(self, lives: World, to: timedelta) -> None:
        """Lives on to a day of the story."""
        await asyncio.wait_for(lives.live((), self.begin + to), PATIENCE)

    async def reconcile(self, database: Database, client: Client) -> Reconciled:
        """Reconciles as the command does, while no worker runs."""
        now = self.begin + LOST
        book = PostBook(self.settings.folders.evidence)
        reconciler = Reconciler(database, book, "anna", now, real_now())
        return await asyncio.wait_for(reconciler.reconcile(client, self.settings.task_queue), PATIENCE)

    def copies(self) -> Counter[str]:
        """Counts the messages that each customer received."""
        return Counter(received.recipients[0].split("@")[1].split(".")[0] for received in self.sink.received)

    def subjects(self) -> int:
        """Counts the different messages in the mailbox."""
        return len({str(received.message["Message-ID"]) for received in self.sink.received})

    async def endings(self, database: Database) -> dict[str, Ending | None]:
        """Reads how every case ended, and that the journal is whole."""
        async with database.reading() as conn:
            assert [broken async for broken in journal.verify(conn)] == []
            return {line.number: line.ending for line in await queries.cases(conn)}

    async def running(self, client: Client) -> list[str]:
        """Lists the runs that have not ended."""
        queue = f"TaskQueue = '{self.settings.task_queue}' AND ExecutionStatus = 'Running'"
        return [one.id async for one in client.list_workflows(queue)]


@asynccontextmanager
async def life(folder: Path) -> AsyncIterator[Life]:
    """Begins a life with a mailbox and names of its own."""
    async with mail_sink(folder / "mail" / "Maildir", 0) as sink:
        name = uuid4().hex[:8]
        settings = Settings(
            folders=Folders(var=folder / "var"),
            smtp=Smtp(port=sink.port),
            task_queue=f"restore-{name}",
            lease_seconds=10,
        )
        yield Life(settings, sink, f"acme-{name}")


@asynccontextmanager
async def server(folder: Path, file: Path | None) -> AsyncIterator[Client]:
    """Runs a Temporal server of our own, on a file or without memory."""
    async with temporal_dev_server(file, 0, None, folder / f"{uuid4().hex}.log") as started:
        yield await Client.connect(started.address, data_converter=pydantic_data_converter)


@pytest.fixture
def copying(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Copies:
    """Makes copies of this kind of database."""
    pg: Server | None = None
    if database_kind == "postgresql":
        pg = request.getfixturevalue("postgres_server")
    return Copies(tmp_path, pg)


async def visible(seen: Callable[[], Awaitable[list[str]]], count: int) -> None:
    """Waits until the server lists so many runs: its lists lag behind."""

    async def agreed() -> bool:
        return len(await seen()) == count

    await until(agreed, 30)


@pytest.mark.timeout(400)
async def test_the_record_is_older_than_temporal(
    temporal: Client, database: Database, database_url: str, copying: Copies, tmp_path: Path
) -> None:
    """What left after the copy is not sent again, what was imported after it is asked for, all cases end."""
    async with life(tmp_path) as one:
        async with one.lived(temporal, database) as lives:
            await one.register(lives)
            await one.bill(lives, FIRST, one.begin)
            await one.live(lives, COPIED)
            copy = await copying.make(database_url)
            await one.bill(lives, {"M-2": "martin"}, one.begin + COPIED + DAY)
            await one.live(lives, LOST)
            await one.pay(lives, "F-2", one.begin + LOST)
            await lives.settled(CaseRef(creditor=one.owner, number="F-2"))
        assert one.copies() == {"dubois": 3, "martin": 3}
        async with copying.put_back(copy) as (back, _):
            await visible(lambda: one.running(temporal), 3)
            found = await one.reconcile(back, temporal)
            assert [forgotten.becomes for forgotten in found.forgotten] == ["sent"] * 4
            assert found.runs.model_dump() == {
                "task_queue": one.settings.task_queue,
                "started": 1,
                "woken": 2,
                "ended": 0,
                "finished": (f"F-2 of {one.owner}",),
                "astray": (f"M-2 of {one.owner}",),
            }
            async with one.lived(temporal, back) as lives:
                # What came in since the copy is imported again, before anything falls due.
                await one.pay(lives, "F-2", one.begin + LOST)
                await one.bill(lives, {"M-2": "martin"}, one.begin + LOST)
                await one.live(lives, END)
            assert one.copies() == {"dubois": 4, "martin": 4}
            assert one.subjects() == 8
            assert await one.endings(back) == {
                "F-1": Ending.HANDED_OFF,
                "F-2": Ending.PAID,
                "M-1": Ending.HANDED_OFF,
                "M-2": Ending.HANDED_OFF,
            }
            await visible(lambda: one.running(temporal), 0)


@pytest.mark.timeout(400)
async def test_temporal_is_older_than_the_record(database: Database, tmp_path: Path) -> None:
    """Runs put back from before three facts and two messages catch up with the record, and repeat nothing."""
    async with life(tmp_path) as one:
        file = tmp_path / "temporal.sqlite3"
        async with server(tmp_path, file) as client, one.lived(client, database) as lives:
            await one.register(lives)
            await one.bill(lives, FIRST, one.begin)
            await one.live(lives, COPIED)
            await asyncio.to_thread(_copy, file, tmp_path / "copy.sqlite3")
            await one.bill(lives, {"M-2": "martin"}, one.begin + COPIED + DAY)
            await one.live(lives, LOST)
            await one.pay(lives, "F-2", one.begin + LOST)
        async with server(tmp_path, tmp_path / "copy.sqlite3") as client:
            await visible(lambda: one.running(client), 3)
            found = await one.reconcile(database, client)
            assert found.forgotten == ()
            assert found.runs.model_dump() == {
                "task_queue": one.settings.task_queue,
                "started": 1,
                "woken": 2,
                "ended": 1,
                "finished": (),
                "astray": (),
            }
            async with one.lived(client, database) as lives:
                await lives.deliver()
                await one.live(lives, END)
            assert one.copies() == {"dubois": 4, "martin": 4}
            assert set((await one.endings(database)).values()) == {Ending.HANDED_OFF, Ending.PAID}
            await visible(lambda: one.running(client), 0)


@pytest.mark.timeout(400)
async def test_temporal_is_lost_and_the_record_is_old(
    temporal: Client, database: Database, database_url: str, copying: Copies, tmp_path: Path
) -> None:
    """With no run left and a record that forgot two messages a customer, all goes on; twice is as once."""
    async with life(tmp_path) as one:
        async with one.lived(temporal, database) as lives:
            await one.register(lives)
            await one.bill(lives, FIRST, one.begin)
            await one.live(lives, COPIED)
            copy = await copying.make(database_url)
            await one.live(lives, LOST)
        async with copying.put_back(copy) as (back, _), server(tmp_path, None) as client:
            found = await one.reconcile(back, client)
            assert (len(found.forgotten), found.runs.started, found.runs.finished) == (4, 3, ())
            again = await one.reconcile(back, client)
            assert (again.forgotten, again.runs.started, again.behind) == ((), 0, False)
            async with one.lived(client, back) as lives:
                await lives.deliver()
                await one.live(lives, END)
            assert one.copies() == {"dubois": 4, "martin": 4}
            assert set((await one.endings(back)).values()) == {Ending.HANDED_OFF}
            await visible(lambda: one.running(client), 0)
