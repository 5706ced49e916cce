"""Aligning on a real Temporal server while the record goes on, and beside another installation's runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.actions import CaseRef, Ending
from domain.events import CreditorRegistered, DebtorRegistered
from intake.aligning import Aligner, Runs
from ledger import queries
from tests.domain import build
from tests.intake.conftest import Porter
from tests.patience import until

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@workflow.defn(name="InvoiceDunning")
class Sleeper:
    """Sleeps under the name of a case's run until it is told to end; a wake-up changes nothing."""

    def __init__(self) -> None:
        """Begins asleep."""
        self._over = False

    @workflow.run
    async def run(self) -> None:
        """Sleeps."""
        await workflow.wait_condition(lambda: self._over)

    @workflow.signal
    def wake(self, _wake: Any) -> None:
        """Goes on sleeping."""

    @workflow.signal
    def end(self) -> None:
        """Ends."""
        self._over = True


@dataclass
class Installation:
    """Holds a record with one open invoice, the queue of its runs and that of somebody else's."""

    porter: Porter
    client: Client
    owner: str
    queue: str
    other: str

    def ref(self, number: str) -> CaseRef:
        """Names a case."""
        return CaseRef(creditor=self.owner, number=number)

    async def start(self, number: str, queue: str) -> WorkflowHandle[Any, Any]:
        """Starts a run on a queue, and waits until it is listed."""
        name = self.ref(number).workflow_id
        handle = await self.client.start_workflow("InvoiceDunning", id=name, task_queue=queue)
        await until(lambda: self.is_listed(name), 30)
        return handle

    async def is_listed(self, name: str) -> bool:
        """Tells whether a run is listed as running."""
        query = f"WorkflowId = '{name}' AND ExecutionStatus = 'Running'"
        return (await self.client.count_workflows(query)).count > 0

    async def pay(self) -> None:
        """Pays the invoice, which closes its case."""
        await self.porter.pay(creditor=self.owner, invoice="F-1")


@pytest_asyncio.fixture(loop_scope="session")
async def here(porter: Porter, temporal: Client) -> AsyncIterator[Installation]:
    """Gives an installation of its own with invoice F-1, and workers for both queues."""
    name = uuid4().hex[:8]
    one = Installation(porter, temporal, f"acme-{name}", f"align-{name}", f"other-{name}")
    await porter.admit(CreditorRegistered(creditor=build.creditor(id=one.owner)))
    await porter.admit(DebtorRegistered(debtor=build.debtor(creditor=one.owner)))
    await porter.bill(creditor=one.owner)
    await porter.errands()
    runner = UnsandboxedWorkflowRunner()
    async with (
        Worker(temporal, task_queue=one.queue, workflows=[Sleeper], workflow_runner=runner),
        Worker(temporal, task_queue=one.other, workflows=[Sleeper], workflow_runner=runner),
    ):
        yield one


class Interrupted(Aligner):
    """Lets the run of F-1 end between the reading of the open cases and the wake; the case closes too."""

    here: Installation
    closes: bool

    async def _wake_all(self, ids: Any) -> set[str]:
        if ids:
            if self.closes:
                await self.here.pay()
            handle = self.client.get_workflow_handle(self.here.ref("F-1").workflow_id)
            await handle.signal("end")
            await handle.result()
        return await super()._wake_all(ids)


@pytest.mark.parametrize("closes", [True, False])
async def test_a_case_that_closes_while_runs_are_aligned(here: Installation, *, closes: bool) -> None:
    """A run that ended with its case is nothing to be told of; one that ended without it is, and starts."""
    await here.start("F-1", here.queue)
    aligner = Interrupted(here.porter.database, here.client, here.queue, here.porter.now)
    aligner.here, aligner.closes = here, closes
    runs = await aligner.align()
    async with here.porter.database.reading() as conn:
        [line] = [one for one in await queries.cases(conn) if one.number == "F-1"]
    assert line.ending is (Ending.PAID if closes else None)
    behind = () if closes else (f"F-1 of {here.owner}",)
    assert (runs.finished, runs.started) == (behind, len(behind))
    assert ("start", "F-1") not in await here.porter.errands() if closes else await here.porter.errands()


class Lagging(Aligner):
    """Sees the runs of a list that lags behind: one of its runs belongs to another queue by now."""

    names: set[str]

    async def _running(self) -> set[str]:
        return await super()._running() | self.names


async def test_runs_of_another_installation_are_left_alone(here: Installation) -> None:
    """Only runs of this task queue are terminated, and they are told which record does not know them."""
    ours, others = await here.start("X-1", here.queue), await here.start("X-2", here.other)
    aligner = Lagging(here.porter.database, here.client, here.queue, here.porter.now, rehearsal=True)
    aligner.names = {here.ref("X-2").workflow_id, here.ref("X-3").workflow_id}
    expected = Runs(task_queue=here.queue, started=1, astray=(f"X-1 of {here.owner}",))
    assert await aligner.align() == expected
    assert (await ours.describe()).status is WorkflowExecutionStatus.RUNNING
    aligner.rehearsal = False
    assert await aligner.align() == expected
    assert (await ours.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert (await others.describe()).status is WorkflowExecutionStatus.RUNNING
    last = [event async for event in ours.fetch_history_events()][-1]
    assert here.queue in last.workflow_execution_terminated_event_attributes.reason
    await others.signal("end")
