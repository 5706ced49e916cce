"""The runs against the record, on a real server: open cases have one, others have none, none is stuck."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from audit.runs import audit_runs
from tests.audit.forging import Forger

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@workflow.defn(name="InvoiceDunning")
class Broken:
    """Fails as workflow code with a mistake in it does."""

    @workflow.run
    async def run(self) -> None:
        """Makes the mistake."""
        msg = "a mistake"
        raise KeyError(msg)


class Runs:
    """Keeps runs of cases of one creditor of its own, so that no other test's runs are seen."""

    def __init__(self, client: Client, forger: Forger) -> None:
        """Names the creditor."""
        self.client = client
        self.forger = forger
        self.queue = f"nobody-{uuid4().hex}"
        self.creditor = f"own-{uuid4().hex[:8]}"

    async def start(self, number: str, queue: str | None = None) -> None:
        """Starts a run that nobody works on."""
        name = f"invoice:{self.creditor}:{number}"
        await self.client.start_workflow("InvoiceDunning", id=name, task_queue=queue or self.queue)

    async def found(self) -> dict[str, str]:
        """Compares the runs with the record, a while after the last case was opened."""
        now = self.forger.later(hours=1)
        report = await audit_runs(self.forger.house.database, self.client, now=now, creditor=self.creditor)
        return {str(one.invoice): one.kind.value for one in report.findings}

    async def finds(self, expected: dict[str, str]) -> bool:
        """Tells whether this is found in the end; the server's lists lag behind."""
        for _ in range(150):
            if await self.found() == expected:
                return True
            await asyncio.sleep(0.2)
        return False


@pytest_asyncio.fixture(loop_scope="session")
async def runs(temporal: Client, forger: Forger) -> AsyncIterator[Runs]:
    """Gives a creditor with two open cases, and ends every run of it."""
    own = Runs(temporal, forger)
    house = forger.house
    await house.register(creditor={"id": own.creditor})
    await house.debtor("dubois", creditor=own.creditor)
    for number in ("F-1", "F-2"):
        facts = {"debtor": "dubois", "issue_date": "2026-03-01", "due_date": "2026-08-31", "total": "1.00"}
        await house.take("invoice.created", creditor=own.creditor, number=number, **facts)
    await house.errands()
    yield own
    async for run in temporal.list_workflows(f"TaskQueue = '{own.queue}' AND ExecutionStatus = 'Running'"):
        await temporal.get_workflow_handle(run.id).terminate()


async def test_cases_and_runs_match(runs: Runs) -> None:
    """A case without its run and a run without its case are found; where they match, nothing is."""
    assert await runs.finds({"F-1": "without_run", "F-2": "without_run"})
    await runs.start("F-1")
    await runs.start("F-2")
    assert await runs.finds({})
    await runs.start("F-9")
    assert await runs.finds({"F-9": "needless_run"})
    for number in ("F-2", "F-9"):
        await runs.client.get_workflow_handle(f"invoice:{runs.creditor}:{number}").terminate()
    assert await runs.finds({"F-2": "without_run"})


async def test_runs_whose_code_fails(runs: Runs) -> None:
    """A run whose workflow code fails again and again is found."""
    await runs.start("F-1")
    queue = f"{runs.queue}-broken"
    worker = Worker(
        runs.client, task_queue=queue, workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()
    )
    await runs.start("F-2", queue)
    async with worker:
        assert await runs.finds({"F-2": "failing_run"})
    await runs.client.get_workflow_handle(f"invoice:{runs.creditor}:F-2").terminate()
