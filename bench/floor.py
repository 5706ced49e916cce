"""The floor as an arm: the bare skeleton, with real sends or with none.

In: lives of the same timers and sends as those of Relance. Not in: the worker's program (courier.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta

from temporalio.client import Client

from bench import portfolio
from bench.arms import ALL, Arm, each
from bench.courier import QUEUE
from bench.journey import Journey, Leg
from bench.processes import environment, first_line, program
from bench.skeleton import Skeleton
from bench.stage import Stage

CALENDAR = (("D-10", -10), ("D-3", -3), ("D+2", 2), ("D+30", 30), ("handoff", 37))
"""The steps of the seed policy; the last sends nothing."""

NINE = time(9, tzinfo=UTC)


class Floor(Arm):
    """Makes the same timers and the same sends, and nothing else."""

    name = "floor"

    def __init__(self, stage: Stage, *, stub: bool = False) -> None:
        """Takes the stage; with `stub` the sends do nothing."""
        super().__init__(stage)
        self.stub = stub
        self.prepared: list[Journey] = []
        self._known = 0

    async def prepare(self, count: int) -> None:
        """Writes the lives down, in memory."""
        due = datetime.combine(datetime.now(UTC).date() + portfolio.DUE_IN, NINE)
        legs = tuple(
            Leg(step=step, at=due + timedelta(days=days), sends=step != "handoff") for step, days in CALENDAR
        )
        places = range(self._known, self._known + count)
        self.prepared = [Journey(number=portfolio.number(place), legs=legs) for place in places]
        self._known += count

    def run_id(self, place: int) -> str:
        """Names the run of the invoice at a place."""
        return f"floor:{portfolio.number(place)}"

    def first_due(self) -> datetime:
        """Tells when the first steps are due."""
        return self.prepared[0].legs[0].at

    async def start(self, client: Client, places: slice = ALL) -> None:
        """Starts the runs of the prepared invoices, many at a time."""

        async def start(journey: Journey) -> None:
            run = f"floor:{journey.number}"
            await client.start_workflow(Skeleton.run, journey, id=run, task_queue=QUEUE)

        await each(self.prepared[places], start)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[int]:
        """Runs the floor's worker."""
        log = self.stage.folder / "courier.log"
        mailbox = "stub" if self.stub else str(self.stage.port)
        command = ("-m", "bench.courier", self.stage.address, mailbox)
        async with program(*command, env=environment(), folder=self.stage.folder, log=log) as process:
            await first_line(process, log)
            yield process.pid
