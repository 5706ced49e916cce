"""The relay: every errand in the outbox reaches its run, at once or in the end.

In: starting runs, waking them, starting them again, and waiting for a Temporal server that is away.
Not in: what errands say (ledger/settling.py), and the connection (temporal.py).

An errand may be delivered twice, after a crash or by two processes, and errands may overtake one
another: the run keeps the plan of the highest revision, so neither does harm. Facts are committed before
any delivery: with Temporal away they are kept, and their wake-ups wait here.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef, Plan
from domain.fact import Fact
from domain.faults import Unavailable
from ledger import outbox
from ledger.database import Database
from ledger.outbox import Errand
from ledger.schema import invoices
from ledger.schema import outbox as errands
from workflows.invoice import DunningRun, InvoiceDunning, Wake

AT_ONCE = 50
"""How many deliveries are under way at a time."""

BATCH = 500
PATIENCE = timedelta(seconds=10)
"""How long one call may take."""

LONGEST_REST = 256
"""The most rounds that an errand rests between two attempts."""

AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}

log = structlog.get_logger(__name__)


class Standing(Fact):
    """Says of a case what its run needs to be started: whether it ran before, whether it is closed."""

    ran_before: bool
    closed: bool
    summary: str


@dataclass(frozen=True)
class Delivery:
    """Holds what one run has to be told: the newest plan of all its errands."""

    case: CaseRef
    plan: Plan
    starts: bool
    errands: tuple[Errand, ...]


class Relay:
    """Delivers the outbox to Temporal."""

    def __init__(self, database: Database, client: Client, task_queue: str) -> None:
        """Takes the record, the connection, and the queue on which runs are worked."""
        self._database = database
        self._client = client
        self._task_queue = task_queue
        self._round = 0
        self._resting: dict[int, int] = {}

    async def deliver(self, limit: int = BATCH) -> int:
        """Delivers up to `limit` errands and returns how many were delivered.

        An errand that fails is kept with its error and tried again later. Raises Unavailable where
        Temporal does not answer.
        """
        self._round += 1
        async with self._database.reading() as conn:
            pending = [one for one in await outbox.pending(conn, limit) if self._is_rested(one)]
            deliveries = _newest(pending)
            standings = {one.case: await _standing(conn, one.case) for one in deliveries}
        told: list[Delivery] = []
        failed: list[tuple[Delivery, RPCError]] = []
        gate = asyncio.Semaphore(AT_ONCE)

        async def tell(delivery: Delivery) -> None:
            async with gate:
                if _away(failed) is not None:
                    return  # nobody answers: the others need not wait to find that out
                try:
                    await self._tell(delivery, standings[delivery.case])
                except RPCError as fault:
                    failed.append((delivery, fault))
                except RuntimeError as fault:
                    failed.append((delivery, _unconnected(fault)))
                else:
                    told.append(delivery)

        await asyncio.gather(*(tell(delivery) for delivery in deliveries))
        await self._write_down(told, failed)
        away = _away(failed)
        if away is not None:
            state = away.status.name.lower()
            msg = f"Temporal does not answer ({state}): start it (make up) or set TEMPORAL_ADDRESS"
            raise Unavailable(msg) from away
        return sum(len(delivery.errands) for delivery in told)

    def _is_rested(self, errand: Errand) -> bool:
        return self._resting.get(errand.id, 0) <= self._round

    async def _tell(self, delivery: Delivery, standing: Standing) -> None:
        """Starts the run, or wakes it where it runs already; a closed case needs none."""
        if delivery.starts and await self._start(delivery, standing, again=standing.ran_before):
            return
        if await self._wake(delivery) or standing.closed:
            return
        # The run is gone though the case is open: it was terminated, or the server lost it.
        if not await self._start(delivery, standing, again=True):
            await self._wake(delivery)

    async def _start(self, delivery: Delivery, standing: Standing, *, again: bool) -> bool:
        """Starts a run; False where there is one, or was one and `again` is not said.

        The conflict is wanted (FAIL rather than USE_EXISTING): a run that exists must hear of the plan.
        """
        begin = DunningRun(case=delivery.case, revision=delivery.plan.revision, next=delivery.plan.next)
        try:
            await self._client.start_workflow(
                InvoiceDunning.run,
                begin,
                id=delivery.case.workflow_id,
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=(
                    WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
                ),
                static_summary=standing.summary,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _wake(self, delivery: Delivery) -> bool:
        """Wakes the run with its plan; False where none is running."""
        handle = self._client.get_workflow_handle(delivery.case.workflow_id)
        wake = Wake(revision=delivery.plan.revision, next=delivery.plan.next)
        try:
            await handle.signal(InvoiceDunning.wake, wake, rpc_timeout=PATIENCE)
        except RPCError as fault:
            if fault.status is RPCStatusCode.NOT_FOUND and not _names_namespace(fault):
                return False
            raise
        return True

    async def _write_down(self, told: list[Delivery], failed: list[tuple[Delivery, RPCError]]) -> None:
        """Records what came of a round; an errand that the server refuses rests longer each time."""
        if not told and not failed:
            return
        async with self._database.writing() as conn:
            done = [errand.id for delivery in told for errand in delivery.errands]
            if done:
                await outbox.delivered(conn, done, datetime.now(UTC))
            for delivery, fault in failed:
                for errand in delivery.errands:
                    await outbox.failed(conn, errand.id, f"{fault.status.name}: {fault.message}")
                    if fault.status not in AWAY:
                        rest = min(2 ** min(errand.attempts, 30), LONGEST_REST)
                        self._resting[errand.id] = self._round + 1 + rest

    async def run(self, stop: asyncio.Event, every: float = 1.0) -> None:
        """Delivers until told to stop, every so many seconds; says once that a server is away."""
        away = False
        while not stop.is_set():
            try:
                delivered = await self.deliver()
            except Unavailable as fault:
                if not away:
                    log.warning("relay_waits", reason=str(fault))
                away, delivered = True, 0
            else:
                if away:
                    log.info("relay_resumed")
                away = False
            if not delivered:
                await _sleep(stop, every)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _newest(pending: Iterable[Errand]) -> list[Delivery]:
    """Gathers the errands of each run: only the newest plan need be told."""
    by_case: dict[CaseRef, list[Errand]] = {}
    for errand in pending:
        by_case.setdefault(errand.case, []).append(errand)
    return [
        Delivery(
            case=case,
            plan=max(found, key=lambda errand: (errand.plan.revision, errand.id)).plan,
            starts=any(errand.kind == "start" for errand in found),
            errands=tuple(found),
        )
        for case, found in by_case.items()
    ]


async def _standing(conn: AsyncConnection, case: CaseRef) -> Standing:
    """Reads what a start depends on; a reopened case has an older start in the outbox."""
    of = (invoices.c.creditor == case.creditor, invoices.c.number == case.number)
    row = (await conn.execute(sa.select(invoices.c.due_date, invoices.c.ending).where(*of))).one()
    before = sa.select(errands.c.id).where(
        errands.c.creditor == case.creditor,
        errands.c.number == case.number,
        errands.c.kind == "start",
        errands.c.delivered_at.is_not(None),
    )
    return Standing(
        ran_before=(await conn.execute(before.limit(1))).first() is not None,
        closed=row.ending is not None,
        summary=f"invoice {case.number}, due {row.due_date}",
    )


def _away(failed: Iterable[tuple[Delivery, RPCError]]) -> RPCError | None:
    """Finds the fault that says that nobody answers."""
    return next((fault for _, fault in failed if fault.status in AWAY), None)


def _unconnected(fault: RuntimeError) -> RPCError:
    """Reads the fault of a lazy connection that was never made; raises any other again."""
    if not str(fault).startswith("Failed client connect"):
        raise fault
    return RPCError(str(fault), RPCStatusCode.UNAVAILABLE, b"")


def _names_namespace(fault: RPCError) -> bool:
    return "namespace" in fault.message.lower()
