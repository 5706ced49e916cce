"""New invoices: events through the door, and the start of their runs.

In: the measurements, without a worker: only the way in. Not in: the table (table.py).
"""

import time
from dataclasses import dataclass

from bench.floor import Floor
from bench.relance import Relance

EVENTS = 2
"""Events that make an invoice known: its debtor's and its own."""


@dataclass(frozen=True)
class Opening:
    """States what it took to open a case: its events through the door, the start of its run by the relay."""

    starts_per_second: float
    events_per_second: float
    event_cpu_ms: float
    ledger_bytes: float


async def open_cases(arm: Relance, count: int) -> Opening:
    """Opens so many cases through the door, then lets the relay start their runs."""
    before = await arm.ledger_bytes()
    began, cpu = time.perf_counter(), time.process_time()
    await arm.admit(count)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    grown = await arm.ledger_bytes() - before
    began = time.perf_counter()
    await arm.relay()
    events = count * EVENTS
    return Opening(
        starts_per_second=count / (time.perf_counter() - began),
        events_per_second=events / wall,
        event_cpu_ms=1000 * cpu / events,
        ledger_bytes=grown / count,
    )


async def start_bare(arm: Floor, count: int) -> float:
    """Starts so many runs of the skeleton, and tells how many in a second."""
    await arm.prepare(count)
    began = time.perf_counter()
    await arm.start(arm.stage.client)
    return count / (time.perf_counter() - began)
