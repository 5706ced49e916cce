"""The relay: every errand in the outbox reaches its run, at once or in the end.

In: starting runs, waking them, starting them again, and waiting for a Temporal server that is away.
Not in: what errands say (ledger/settling.py), and the connection (temporal.py).

An errand is taken out of the outbox after it was delivered. It may so be delivered twice, after a crash
or by two processes, and errands may overtake one another: the run keeps the plan of the highest revision,
so neither does harm. Facts are committed before any delivery: with Temporal away they are kept, and their
wake-ups wait here. What one errand suffers from stops no other.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef, Plan
from domain.faults import ConfigurationFault, Unavailable
from ledger import outbox
from ledger.database import Database
from ledger.outbox import Errand
from workflows.invoice import InvoiceDunning
from workflows.told import DunningRun, Wake

AT_ONCE = 50
"""How many deliveries are under way at a time."""

BATCH = 500
PATIENCE = timedelta(seconds=10)
"""How long one call may take."""

LONGEST_REST = 256
"""The most rounds that an errand rests between two attempts."""

AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """Holds what one run has to be told: the newest plan of all its errands; None where none can be read.

    A closed case needs no run: one that is there hears of the end, and none is started.
    """

    case: CaseRef
    plan: Plan | None
    starts: bool
    closed: bool
    summary: str
    errands: tuple[Errand, ...]


Failure = tuple[Delivery, BaseException]


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
        told, failed = await self._tell_all(_newest(pending))
        await self._write_down(told, failed)
        away = next((fault for _, fault in failed if _is_away(fault)), None)
        if away is not None:
            state = away.status.name.lower() if isinstance(away, RPCError) else "not connected"
            msg = f"Temporal does not answer ({state}): start it (make up) or set TEMPORAL_ADDRESS"
            raise Unavailable(msg) from away
        return sum(len(delivery.errands) for delivery in told)

    async def _tell_all(self, deliveries: list[Delivery]) -> tuple[list[Delivery], list[Failure]]:
        """Tells every run what it has to know; gives those that were told, and what became of the others."""
        gate, away = asyncio.Semaphore(AT_ONCE), asyncio.Event()

        async def tell(delivery: Delivery) -> bool:
            async with gate:
                if away.is_set():
                    return False  # nobody answers: the others need not wait to find that out
                try:
                    await self._tell(delivery)
                except (RPCError, RuntimeError) as fault:
                    if _is_away(fault):
                        away.set()
                    raise
                return True

        # A fault that nobody foresaw is one errand's own, too: it must not keep the others from leaving.
        results = await asyncio.gather(*(tell(one) for one in deliveries), return_exceptions=True)
        pairs = list(zip(deliveries, results, strict=True))
        told = [delivery for delivery, result in pairs if result is True]
        return told, [(delivery, result) for delivery, result in pairs if isinstance(result, BaseException)]

    def _is_rested(self, errand: Errand) -> bool:
        # A later errand may bear the number of one that is gone, so a new one is never at rest.
        return not errand.attempts or self._resting.get(errand.id, 0) <= self._round

    async def _tell(self, delivery: Delivery) -> None:
        """Starts the run, or wakes it where it runs already; a closed case needs none."""
        if delivery.starts and not delivery.closed and await self._start(delivery, again=False):
            return
        if await self._wake(delivery) or delivery.closed:
            return
        # The case was reopened, or its run is gone: it was terminated, or the server lost it.
        if not await self._start(delivery, again=True):
            await self._wake(delivery)

    async def _start(self, delivery: Delivery, *, again: bool) -> bool:
        """Starts a run; False where there is one, or was one and `again` is not said.

        The conflict is wanted (FAIL rather than USE_EXISTING): a run that exists must hear of the plan.
        """
        if delivery.plan is None:
            msg = f"the plan of invoice {delivery.case.number} cannot be read; state any fact of it anew"
            raise ConfigurationFault(msg)
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
                static_summary=delivery.summary,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _wake(self, delivery: Delivery) -> bool:
        """Wakes the run with its plan; False where none is running."""
        handle = self._client.get_workflow_handle(delivery.case.workflow_id)
        plan = delivery.plan
        wake = Wake() if plan is None else Wake(revision=plan.revision, next=plan.next)
        try:
            await handle.signal(InvoiceDunning.wake, wake, rpc_timeout=PATIENCE)
        except RPCError as fault:
            if fault.status is RPCStatusCode.NOT_FOUND and not _names_namespace(fault):
                return False
            raise
        return True

    async def _write_down(self, told: list[Delivery], failed: list[Failure]) -> None:
        """Records what came of a round; an errand that the server refuses rests longer each time."""
        if not told and not failed:
            return
        async with self._database.writing() as conn:
            await outbox.delivered(conn, (errand for delivery in told for errand in delivery.errands))
            for delivery, fault in failed:
                for errand in delivery.errands:
                    await outbox.failed(conn, errand, _said(fault))
        for errand in (errand for delivery in told for errand in delivery.errands):
            self._resting.pop(errand.id, None)
        for delivery, fault in failed:
            if _is_away(fault):
                continue
            log.error("errand_failed", invoice=delivery.case.number, fault=type(fault).__name__)
            for errand in delivery.errands:
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
    return [_delivery(case, found) for case, found in by_case.items()]


def _delivery(case: CaseRef, found: list[Errand]) -> Delivery:
    newest = max(found, key=lambda errand: (errand.revision, errand.id))
    return Delivery(
        case=case,
        plan=newest.plan,
        starts=any(errand.kind == "start" for errand in found),
        closed=newest.closed,
        summary=f"invoice {case.number}, due {newest.due_date}",
        errands=tuple(found),
    )


def _is_away(fault: BaseException) -> bool:
    """Tells whether a fault says that nobody answers, or that a lazy connection was never made."""
    if isinstance(fault, RPCError):
        return fault.status in AWAY
    return isinstance(fault, RuntimeError) and str(fault).startswith("Failed client connect")


def _said(fault: BaseException) -> str:
    """Says in the record what went wrong."""
    if isinstance(fault, RPCError):
        return f"{fault.status.name}: {fault.message}"
    return f"{type(fault).__name__}: {fault}"


def _names_namespace(fault: RPCError) -> bool:
    return "namespace" in fault.message.lower()
