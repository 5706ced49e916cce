"""Whose turn it is at the gate: creditors take turns, and the pace of the queue is kept by the server."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.assembly import workflow_runner
from domain.actions import CaseRef, GateAnswer, Outcome
from tests.patience import until
from tests.workflows.world import PATIENCE, close, take
from workflows.invoice import InvoiceDunning
from workflows.ports import Collector, StepOrder, gate_queue
from workflows.told import DunningRun

MANY, FEW = 200, 5


@dataclass
class Turns(Collector):
    """Notes whose turn it was."""

    creditors: list[str] = field(default_factory=list)

    @activity.defn(name="Collector.take")
    async def take(self, order: StepOrder) -> GateAnswer:
        """Closes the case."""
        self.creditors.append(order.case.creditor)
        return GateAnswer(revision=2, next=close(), outcome=Outcome.SETTLED, step=order.step)


async def test_ten_are_not_kept_waiting_by_ten_thousand(temporal: Client) -> None:
    """Behind a backlog of one creditor's steps another one's few are taken among the first."""
    queue, turns = f"fair-{uuid4().hex}", Turns()
    async with AsyncExitStack() as stack:
        runs = Worker(
            temporal, task_queue=queue, workflows=[InvoiceDunning], workflow_runner=workflow_runner()
        )
        await stack.enter_async_context(runs)
        cases = [CaseRef(creditor="large", number=f"L-{uuid4().hex}") for _ in range(MANY)]
        await _all_wait(temporal, queue, cases)
        late = [CaseRef(creditor="small", number=f"S-{uuid4().hex}") for _ in range(FEW)]
        await _all_wait(temporal, queue, late)
        gate = Worker(
            temporal, task_queue=gate_queue(queue), activities=[turns.take], max_concurrent_activities=1
        )
        await stack.enter_async_context(gate)
        await until(lambda: _counts(turns, MANY + FEW), PATIENCE)
    positions = [turn for turn, creditor in enumerate(turns.creditors) if creditor == "small"]
    assert len(positions) == FEW
    assert max(positions) < MANY // 4


async def _all_wait(client: Client, queue: str, cases: list[CaseRef]) -> None:
    """Starts runs whose step is due, and waits until all of them stand before the gate."""
    begun = datetime.now(UTC)
    handles = await asyncio.gather(
        *(
            client.start_workflow(
                InvoiceDunning.run,
                DunningRun(case=case, revision=1, next=take("D+2", begun)),
                id=case.workflow_id,
                task_queue=queue,
            )
            for case in cases
        )
    )

    async def waiting() -> bool:
        described = [(await handle.describe()).raw_description for handle in handles]
        return all(one.pending_activities for one in described)

    await until(waiting, PATIENCE)


async def _counts(turns: Turns, number: int) -> bool:
    return len(turns.creditors) >= number
