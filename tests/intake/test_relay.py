"""The relay on a real Temporal server: runs are started, woken and started again, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from domain.actions import CaseRef, Ending, Rule
from domain.faults import Unavailable
from intake.relay import Relay
from ledger import outbox as errands
from ledger import parties
from ledger.book import Book
from ledger.policies import Shelf
from ledger.schema import outbox
from tests.domain import build
from tests.intake.conftest import Porter
from trial.servers import free_port, temporal_dev_server
from workflows.invoice import InvoiceDunning
from workflows.told import CaseEnded, CaseState

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])
FAR: dict[str, Any] = {"issue_date": "2090-01-01", "due": "2090-03-01"}
"""Days so far away that no step comes due while a test runs."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Runs a Temporal dev server for these tests."""
    log = tmp_path_factory.mktemp("temporal") / "log"
    async with temporal_dev_server(None, 0, None, log) as server:
        yield server.address


@pytest_asyncio.fixture(loop_scope="session")
async def client(address: str) -> Client:
    """Connects to the server."""
    return await Client.connect(address, data_converter=pydantic_data_converter)


@pytest_asyncio.fixture(loop_scope="session")
async def queue(client: Client) -> AsyncIterator[str]:
    """Runs a worker without activities, for runs that only sleep and close."""
    name = f"relay-{uuid4().hex}"
    async with Worker(client, task_queue=name, workflows=[InvoiceDunning]):
        yield name


class Carrier:
    """Delivers the porter's errands about one invoice and looks at its run."""

    def __init__(self, porter: Porter, client: Client, queue: str) -> None:
        """Takes a number that no other test uses, because the server remembers closed runs."""
        self.porter = porter
        self.client = client
        self.number = f"F-{uuid4().hex[:12]}"
        self.relay = Relay(porter.database, client, queue)

    @property
    def handle(self) -> WorkflowHandle[InvoiceDunning, CaseEnded]:
        """Names the latest run."""
        ref = CaseRef(creditor="acme", number=self.number)
        return self.client.get_workflow_handle_for(InvoiceDunning.run, ref.workflow_id)

    async def bill(self, **more: Any) -> None:
        """Hands in the invoice, or a later version of it."""
        await self.porter.bill(self.number, **{**FAR, **more})

    async def state(self) -> CaseState:
        """Asks the run where it stands."""
        return await self.handle.query(InvoiceDunning.state)

    async def run_id(self) -> str | None:
        """Identifies the latest run."""
        return (await self.handle.describe()).run_id

    async def signals(self) -> int:
        """Counts the signals that the run received."""
        kind = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        return sum([event.event_type == kind async for event in self.handle.fetch_history_events()])

    async def forget(self) -> None:
        """Puts every errand back into the outbox, as if a crash had come between delivery and record."""
        async with self.porter.database.writing() as conn:
            await conn.execute(sa.text(f"INSERT INTO outbox ({COLUMNS}) SELECT {COLUMNS} FROM kept"))  # noqa: S608 - our own names
            await conn.execute(sa.text("DELETE FROM kept"))


COLUMNS = ", ".join(column.name for column in outbox.columns if column.name != "id")
OLD = ", ".join(f"OLD.{name}" for name in COLUMNS.split(", "))


@pytest_asyncio.fixture(loop_scope="session")
async def carrier(porter: Porter, client: Client, queue: str) -> Carrier:
    """Gives a carrier with an invoice number of its own; what is taken out of the outbox is kept aside."""
    async with porter.database.writing() as conn:
        await conn.execute(sa.text(f"CREATE TABLE kept AS SELECT {COLUMNS} FROM outbox WHERE 0"))  # noqa: S608 - our own names
        trigger = f"BEGIN INSERT INTO kept ({COLUMNS}) VALUES ({OLD}); END"  # noqa: S608 - our own names
        await conn.execute(sa.text(f"CREATE TRIGGER keep AFTER DELETE ON outbox {trigger}"))
    return Carrier(porter, client, queue)


async def test_a_new_case_starts_its_run(carrier: Carrier) -> None:
    """A new case's run is started once, with its plan and a summary of number and due date."""
    await carrier.bill()
    assert await carrier.relay.deliver() == 1
    assert (await carrier.state()).next == await carrier.porter.next(carrier.number)
    assert (
        await (await carrier.handle.describe()).static_summary()
        == f"invoice {carrier.number}, due 2090-03-01"
    )
    assert await carrier.relay.deliver() == 0


async def test_a_later_version_wakes_the_run_with_its_plan(carrier: Carrier) -> None:
    """Of several changes before a delivery only the newest plan is told, by one signal."""
    await carrier.bill()
    await carrier.relay.deliver()
    await carrier.bill(due="2090-04-01", version=2)
    await carrier.bill(due="2090-05-01", version=3)
    assert await carrier.relay.deliver() == 2
    assert (await carrier.state()).next == await carrier.porter.next(carrier.number)
    assert await carrier.signals() == 1


async def test_everybody_held_and_resumed_reaches_the_run(carrier: Carrier) -> None:
    """A hold on everybody and its end, which leave no fact on the account itself, both wake the run."""
    porter = carrier.porter
    porter.now = build.at("2090-02-01 12:00")
    await carrier.bill()
    await carrier.relay.deliver()
    everybody = build.hold("2090-02-01", "2091-12-31", scope="creditor")
    day = everybody.starts_on
    for lifted in (False, True):
        async with porter.database.writing() as conn:
            if lifted:
                await parties.lift_all(conn, "acme", everybody.id, "ann", day, porter.now)
            else:
                await parties.hold_all(conn, "acme", everybody, "ann", porter.now)
        async with porter.database.writing() as conn:
            book = await Book.open(conn, "acme", "dubois", porter.now, Shelf())
            await book.settle()
        await carrier.relay.deliver()
        state = await carrier.state()
        assert state.next == await porter.next(carrier.number)
        assert (state.next.because.rule is Rule.HOLD) is not lifted


async def test_a_case_that_changed_before_its_start_starts_with_the_newest_plan(carrier: Carrier) -> None:
    """A change before the first delivery costs the run no signal."""
    await carrier.bill()
    await carrier.bill(due="2090-04-01", version=2)
    assert await carrier.relay.deliver() == 2
    assert (await carrier.state()).next == await carrier.porter.next(carrier.number)
    assert await carrier.signals() == 0


async def test_a_paid_case_closes_its_run(carrier: Carrier) -> None:
    """A payment's wake-up ends the run; what is delivered again after a crash starts nothing."""
    await carrier.bill()
    await carrier.relay.deliver()
    await carrier.porter.pay(invoice=carrier.number)
    await carrier.relay.deliver()
    assert (await carrier.handle.result()).ending is Ending.PAID
    run = await carrier.run_id()
    await carrier.forget()
    assert await carrier.relay.deliver() == 2
    assert await carrier.run_id() == run


async def test_a_reopened_case_starts_a_new_run(carrier: Carrier) -> None:
    """A payment that comes back starts a new run of the same id; delivered again it is the same run."""
    await carrier.bill()
    await carrier.relay.deliver()
    await carrier.porter.pay(invoice=carrier.number)
    await carrier.relay.deliver()
    await carrier.handle.result()
    first = await carrier.run_id()
    await carrier.porter.take("payment.reversed", reference="VIR-1")
    assert await carrier.relay.deliver() == 1
    second = await carrier.run_id()
    assert second != first
    await carrier.forget()
    await carrier.relay.deliver()
    assert await carrier.run_id() == second
    assert (await carrier.state()).next.step == "D-10"


async def test_a_case_closed_and_reopened_between_deliveries_keeps_its_run(carrier: Carrier) -> None:
    """A run that never heard of the payment hears of the newest plan and goes on."""
    await carrier.bill()
    await carrier.relay.deliver()
    run = await carrier.run_id()
    await carrier.porter.pay(invoice=carrier.number)
    await carrier.porter.take("payment.reversed", reference="VIR-1")
    await carrier.relay.deliver()
    assert await carrier.run_id() == run
    assert (await carrier.state()).revision == (await carrier.porter.account()).revision


async def test_a_run_that_was_lost_is_started_again(carrier: Carrier) -> None:
    """The run of an open case that was terminated by hand is started again by the next wake-up."""
    await carrier.bill()
    await carrier.relay.deliver()
    await carrier.handle.terminate("by hand")
    await carrier.bill(due="2090-04-01", version=2)
    assert await carrier.relay.deliver() == 1
    assert (await carrier.handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_a_server_that_is_away_keeps_the_errand(carrier: Carrier) -> None:
    """Without Temporal the facts are kept, the errand notes its failure, and a later delivery succeeds."""
    await carrier.bill()
    nowhere = await Client.connect(
        f"127.0.0.1:{free_port()}", data_converter=pydantic_data_converter, lazy=True
    )
    with pytest.raises(Unavailable, match="Temporal does not answer"):
        await Relay(carrier.porter.database, nowhere, "relance").deliver()
    async with carrier.porter.database.reading() as conn:
        [errand] = await errands.pending(conn)
    assert errand.attempts == 1
    assert await carrier.relay.deliver() == 1


async def test_the_loop_outlives_an_outage(porter: Porter, tmp_path: Path) -> None:
    """The loop waits while the server is away, and delivers once it is back."""
    port, log, stop = free_port(), tmp_path / "log", asyncio.Event()
    async with temporal_dev_server(None, port, None, log) as server:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
    await porter.bill(**FAR)
    loop = asyncio.create_task(Relay(porter.database, client, "relance").run(stop, every=0.1))
    try:
        await asyncio.sleep(0.5)
        assert await pending(porter) == 1
        async with temporal_dev_server(None, port, None, log), asyncio.timeout(30):
            while await pending(porter):  # noqa: ASYNC110 - the server signals nothing
                await asyncio.sleep(0.1)
            handle = client.get_workflow_handle(CaseRef(creditor="acme", number="F-1").workflow_id)
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
            stop.set()
            await loop
    finally:
        loop.cancel()


async def pending(porter: Porter) -> int:
    """Counts the errands that wait."""
    async with porter.database.reading() as conn:
        return len(await errands.pending(conn))
