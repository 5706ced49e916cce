"""Whole lives per second: every timer skipped at once, so that only the work is left.

In: the measurement of one arm. Not in: the table (table.py).
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from audit.auditing import audit
from bench.arms import Arm
from bench.portfolio import SENDS
from bench.processes import Meter, Spent
from bench.relance import Relance
from domain.faults import Unavailable

SKIPPING = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}
"""What skipping time leaves in a history, and real time would not."""

WARM = 20
"""Lives that go before: what a process does once in its own life is no part of an invoice's."""

AFTERWARDS = timedelta(days=120)
"""When the audit looks back: all lives are over by then."""


class Size(NamedTuple):
    """States how long a history is."""

    events: int
    size: int


@dataclass(frozen=True)
class Lives:
    """States what it took to live through so many invoices."""

    count: int
    spent: Spent
    history: Size
    temporal_bytes: float

    @property
    def per_second(self) -> float:
        """Tells how many lives were lived in a second."""
        return self.count / self.spent.wall

    def cpu_ms(self, *names: str) -> float:
        """Tells the processor time of one life, of some processes or of all."""
        seconds = sum(self.spent.cpu[name] for name in names) if names else self.spent.total
        return 1000 * seconds / self.count


async def live(arm: Arm, count: int, *, sends: int = SENDS) -> Lives:
    """Lives through so many invoices; raises Unavailable where not every message arrived exactly once."""
    stage = arm.stage
    client = stage.skipping()
    await arm.prepare(WARM + count)
    async with arm.working() as worker:
        await arm.start(client, slice(WARM))
        await stage.until_ended()
        before = stage.temporal_bytes()
        meter = Meter(server=stage.server, worker=worker, mailbox=stage.mailbox)
        await arm.start(client, slice(WARM, None))
        await stage.until_ended()
        spent = meter.read()
    names = [name for _, name in stage.arrivals()]
    due, different = (WARM + count) * sends, len(set(names))
    if not len(names) == different == due:
        msg = f"{arm.name}: {len(names)} messages, {different} different, where {due} were due"
        raise Unavailable(msg)
    size = await _history(stage.client.get_workflow_handle(arm.run_id(0)))
    return Lives(count, spent, size, (stage.temporal_bytes() - before) / count)


async def _history(run: WorkflowHandle[Any, Any]) -> Size:
    """Measures a history as it would be in real time."""
    history = await run.fetch_history()
    events = [event for event in history.events if event.event_type not in SKIPPING]
    return Size(len(events), sum(event.ByteSize() for event in events))


@dataclass(frozen=True)
class Kept:
    """States what a life leaves in the ledger and in the folder of evidence, and what auditing it takes."""

    ledger_bytes: float
    evidence_bytes: float
    audit_seconds: float

    @classmethod
    async def of(cls, arm: Relance, count: int) -> "Kept":
        """Measures what so many lives have left; raises Unavailable where the audit finds anything."""
        count += WARM
        ledger = await arm.ledger_bytes()
        evidence = arm.evidence_bytes()
        began = time.perf_counter()
        report = await audit(
            arm.database,
            now=datetime.now(UTC) + AFTERWARDS,
            all_closed=True,
            evidence=arm.folders.evidence,
        )
        seconds = time.perf_counter() - began
        if report.findings:
            msg = f"the audit of the lives finds {len(report.findings)} faults: {report.findings[0]}"
            raise Unavailable(msg)
        return cls(ledger / count, evidence / count, seconds / count)
