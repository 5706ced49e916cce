"""The spike: thousands of steps that fall due in the same second, and how long until all have left.

In: the measurement of one arm, with the worker up or after an outage.
Not in: the table (table.py).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.arms import Arm
from bench.processes import Meter, Spent, until_idle
from bench.stage import percentile
from domain.faults import Unavailable

STARTS_PER_SECOND = 30
"""A pace of starting that every machine keeps: the clocks are set so that the spike comes after it."""

MARGIN = timedelta(seconds=30)
OUTAGE = timedelta(seconds=10)
"""How long before the spike the worker goes, and how long after it nothing works."""


@dataclass(frozen=True)
class Drain:
    """States when the messages of a spike arrived, in seconds after it, or after the end of the outage."""

    waits: Sequence[float]
    spent: Spent

    @property
    def seconds(self) -> float:
        """Tells when the last one arrived."""
        return max(self.waits)

    @property
    def per_second(self) -> float:
        """Tells how many arrived in a second."""
        return len(self.waits) / self.seconds

    def within(self, part: float) -> float:
        """Tells when so large a part had arrived."""
        return percentile(self.waits, part)


async def drain(arm: Arm, count: int, *, outage: bool = False) -> Drain:
    """Lets the first step of so many invoices fall due in one second of the real clock.

    The runs' clocks are ahead of ours by the same span, so that they wake together. Raises Unavailable
    where the runs were not all asleep in time, or a message did not arrive exactly once.
    """
    stage = arm.stage
    await arm.prepare(count)
    spike = datetime.now(UTC) + timedelta(seconds=count / STARTS_PER_SECOND) + MARGIN
    ahead = arm.first_due() - spike
    # A working worker keeps the runs in its memory; the outage empties it.
    async with arm.working() as worker:
        began = await _sleeping(arm, worker, spike, ahead)
        if not outage:
            meter = Meter(server=stage.server, worker=worker, mailbox=stage.mailbox)
            await stage.until_arrived(count)
            return _drained(arm, count, began, meter.read())
    await asyncio.sleep(max(0.0, (spike + OUTAGE).timestamp() - time.time()))
    async with arm.working() as worker:
        began = time.time()
        meter = Meter(server=stage.server, worker=worker, mailbox=stage.mailbox)
        await stage.until_arrived(count)
        return _drained(arm, count, began, meter.read())


async def _sleeping(arm: Arm, worker: int, spike: datetime, ahead: timedelta) -> float:
    """Starts the runs and waits until they sleep, shortly before the spike; gives its instant."""
    # Each run is started a moment later, and its clock is moved by the same span.
    await arm.start(arm.stage.shifted(ahead))
    await until_idle(worker)
    left = spike.timestamp() - time.time() - 3.0
    if left < 0:
        msg = f"{arm.name}: the runs were started too slowly for the spike; make STARTS_PER_SECOND smaller"
        raise Unavailable(msg)
    await asyncio.sleep(left)
    if arm.stage.arrivals():
        msg = f"{arm.name}: messages arrived before the spike"
        raise Unavailable(msg)
    return spike.timestamp()


def _drained(arm: Arm, count: int, began: float, spent: Spent) -> Drain:
    arrivals = arm.stage.arrivals()
    different = len({name for _, name in arrivals})
    if not len(arrivals) == different == count:
        msg = f"{arm.name}: {len(arrivals)} messages, {different} different, for a spike of {count}"
        raise Unavailable(msg)
    return Drain([at - began for at, _ in arrivals], spent)
