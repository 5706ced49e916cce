"""Sleeping invoices by the thousand: what one costs in memory and on disk.

In: the measurement at growing sizes, of the worker, the Temporal server and its file.
Not in: the ledger, whose growth the lives show (lifecycles.py); the table (table.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench import portfolio
from bench.arms import each
from bench.processes import Meter, until_idle, usage
from bench.relance import QUEUE, Relance
from domain.actions import Because, CaseRef, NextAction, Rule
from workflows.invoice import InvoiceDunning
from workflows.told import DunningRun

FAR = timedelta(days=400)


@dataclass(frozen=True)
class Population:
    """States what so many sleeping invoices take, in bytes beyond none; and the worker's time for one."""

    count: int
    start_cpu_ms: float
    server: int
    worker: int
    temporal: int


async def populate(arm: Relance, sizes: Sequence[int]) -> list[Population]:
    """Lets the population grow to each size in turn; the runs are those of Relance, without a ledger."""
    stage = arm.stage
    found: list[Population] = []
    async with arm.working() as worker:
        await until_idle(worker)
        server_before, worker_before = usage(stage.server).resident, usage(worker).resident
        file_before, known = stage.temporal_bytes(), 0
        for size in sizes:
            meter = Meter(server=stage.server, worker=worker)
            await each(range(known, size), lambda place: _start(arm, place))
            await until_idle(worker)
            cpu = meter.read().cpu["worker"] / (size - known)
            known = size
            found.append(
                Population(
                    count=size,
                    start_cpu_ms=1000 * cpu,
                    server=usage(stage.server).resident - server_before,
                    worker=usage(worker).resident - worker_before,
                    temporal=stage.temporal_bytes() - file_before,
                )
            )
    return found


async def _start(arm: Relance, place: int) -> None:
    at = datetime.now(UTC) + FAR
    case = CaseRef(creditor=portfolio.CREDITOR, number=portfolio.number(place))
    because = Because(rule=Rule.CALENDAR, planned=at.date())
    sleeping = NextAction(kind="take", step="D-10", at=at, day=at.date(), because=because)
    await arm.stage.client.start_workflow(
        InvoiceDunning.run,
        DunningRun(case=case, revision=1, next=sleeping),
        id=case.workflow_id,
        task_queue=QUEUE,
        static_summary=f"invoice {case.number}",
    )
