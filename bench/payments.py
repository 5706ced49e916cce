"""Thousands of payments from one import, until the last run has heard of them and ended.

In: the measurement of Relance by a file through the door, of the floor by bare signals.
Not in: the table (table.py).
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bench import portfolio
from bench.arms import Arm, each
from bench.floor import Floor
from bench.processes import Meter, Spent, until_idle
from bench.relance import Relance
from bench.skeleton import Skeleton
from domain.faults import Unavailable
from intake.loading import load


@dataclass(frozen=True)
class Paid:
    """States what it took to tell so many runs that they are paid; `told` is when the last was told."""

    count: int
    told: float
    spent: Spent

    @property
    def per_second(self) -> float:
        """Tells how many runs ended in a second, from the first payment to the last end."""
        return self.count / self.spent.wall


async def pay(arm: Arm, count: int) -> Paid:
    """Pays so many sleeping invoices and waits until every run has ended."""
    stage = arm.stage
    await arm.prepare(count)
    async with arm.working() as worker:
        await arm.start(stage.client)
        await until_idle(worker)
        meter = Meter(server=stage.server, worker=worker, mailbox=stage.mailbox)
        began = time.perf_counter()
        if isinstance(arm, Relance):
            await _import(arm, count)
        elif isinstance(arm, Floor):
            await _signal(arm)
        told = time.perf_counter() - began
        await stage.until_ended()
        return Paid(count, told, meter.read())


async def _import(arm: Relance, count: int) -> None:
    """Imports a file of payments, as `starter.py import` does; the worker's relay wakes the runs."""
    now = datetime.now(UTC)
    report = await load(arm.door, _file(arm.stage.folder, count, now.date()), now=now)
    if report.taken != count:
        msg = f"Relance: {report.taken} of {count} payments were taken"
        raise Unavailable(msg)


def _file(folder: Path, count: int, today: date) -> Path:
    file = folder / "payments.ndjson"
    lines = (f"{payment.model_dump_json()}\n" for payment in portfolio.payments(count, today))
    file.write_text("".join(lines), encoding="utf-8")
    return file


async def _signal(arm: Floor) -> None:
    async def tell(place: int) -> None:
        handle = arm.stage.client.get_workflow_handle(arm.run_id(place))
        await handle.signal(Skeleton.pay)

    await each(range(len(arm.prepared)), tell)
