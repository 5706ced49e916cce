"""Aligning: every open case has a run that knows its plan, and no run follows what is not on record.

In: runs that are missing, asleep on another plan, left over from closed cases, or astray.
Not in: what the record says (ledger/), and errands as they are delivered every day (relay.py).

The record wins. A run cannot be asked cheaply which plan it sleeps on, so each is woken bare and asks:
that costs a signal and a question, and changes nothing where the plan was right.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef, NextAction
from domain.fact import Fact
from domain.faults import Unavailable
from intake.relay import AT_ONCE, AWAY, PATIENCE
from ledger import outbox
from ledger.database import Database
from ledger.schema import invoices
from ledger.schema import outbox as errands
from workflows.invoice import InvoiceDunning
from workflows.told import Wake

BATCH = 500
WORKFLOW = "InvoiceDunning"
ASTRAY = (
    "the record of task queue {} does not know this invoice: it was restored from an earlier copy "
    "(starter.py reconcile)"
)


class Runs(Fact):
    """Counts the runs by what was done, and names those that know more than the record.

    `started` have an errand in the outbox. `ended` belong to closed cases and were woken to end.
    `finished` are open cases whose run had ended: something settled them after the copy was made.
    `astray` are runs of invoices that the record does not know; they were terminated. All are runs of
    `task_queue`: those of another one belong to another installation, and nothing is done to them.
    """

    task_queue: str = ""

    started: int = 0
    woken: int = 0
    ended: int = 0
    finished: tuple[str, ...] = ()
    astray: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenCase:
    """Holds what a run of an open case is started with."""

    ref: CaseRef
    plan: NextAction
    revision: int


@dataclass
class Aligner:
    """Brings the runs in line with the record; a rehearsal only counts them."""

    database: Database
    client: Client
    task_queue: str
    now: datetime
    rehearsal: bool = False

    async def align(self) -> Runs:
        """Starts, wakes and ends runs; raises Unavailable where Temporal does not answer."""
        try:
            return await self._align()
        except RPCError as fault:
            if fault.status not in AWAY:
                raise
            msg = "Temporal does not answer: start it (make up) or set TEMPORAL_ADDRESS, then reconcile again"
            raise Unavailable(msg) from fault

    async def _align(self) -> Runs:
        starting = await self._starting()
        # Runs are listed before the record is read: what has a run by then is on record by now.
        running = await self._running()
        remembers = bool(running) or (await self.client.count_workflows(self._ours())).count > 0
        missing: list[OpenCase] = []
        woken = 0
        async for batch in self._open_cases():
            asleep = [one.ref.workflow_id for one in batch if one.ref.workflow_id in running]
            awake = set(asleep) - await self._wake_all(asleep)
            running -= set(asleep)
            woken += len(awake)
            missing += [one for one in batch if one.ref.workflow_id not in awake | starting]
        missing, ended = await self._still_missing(missing, seek_ended=remembers)
        finished = [one.ref.workflow_id for one in missing if one.ref.workflow_id in ended]
        await self._start_all(missing)
        closed, astray = await self._left_over(sorted(running))
        await self._wake_all(closed)
        astray = await self._terminate_all(astray)
        return Runs(
            task_queue=self.task_queue,
            started=len(missing),
            woken=woken,
            ended=len(closed),
            finished=tuple(_number(one) for one in finished),
            astray=tuple(_number(one) for one in astray),
        )

    def _ours(self, status: str = "") -> str:
        """Asks for the runs of this installation: others may share the namespace."""
        queue = self.task_queue.replace("'", "''")
        return f"WorkflowType = '{WORKFLOW}' AND TaskQueue = '{queue}'{status}"

    async def _running(self) -> set[str]:
        query = self._ours(" AND ExecutionStatus = 'Running'")
        return {one.id async for one in self.client.list_workflows(query)}

    async def _starting(self) -> set[str]:
        """Lists the runs whose start waits in the outbox: they need nothing more."""
        waiting = (errands.c.kind == "start", errands.c.delivered_at.is_(None))
        query = sa.select(errands.c.creditor, errands.c.number).where(*waiting)
        async with self.database.reading() as conn:
            rows = (await conn.execute(query)).all()
        return {CaseRef(creditor=row.creditor, number=row.number).workflow_id for row in rows}

    async def _open_cases(self) -> AsyncIterator[list[OpenCase]]:
        """Reads the open cases by batches."""
        key = sa.tuple_(invoices.c.creditor, invoices.c.number)
        last = ("", "")
        while True:
            page = _CASES.where(key > last).order_by(invoices.c.creditor, invoices.c.number).limit(BATCH)
            async with self.database.reading() as conn:
                rows = (await conn.execute(page)).all()
            if not rows:
                return
            last = (rows[-1].creditor, rows[-1].number)
            yield [_open_case(row) for row in rows]

    async def _still_missing(
        self, missing: list[OpenCase], *, seek_ended: bool
    ) -> tuple[list[OpenCase], set[str]]:
        """Reads the cases without a run again, which may have closed meanwhile, or may be about to start.

        Gives with them the runs that came to their end before that: a run ends after its case.
        """
        starting = await self._starting()
        ended = await self._ended(missing) if seek_ended else []
        still: list[OpenCase] = []
        for creditor in sorted({one.ref.creditor for one in missing}):
            numbers = [one.ref.number for one in missing if one.ref.creditor == creditor]
            for start in range(0, len(numbers), BATCH):
                still += await self._open_among(creditor, numbers[start : start + BATCH])
        starting |= await self._starting()
        return [one for one in still if one.ref.workflow_id not in starting], set(ended)

    async def _open_among(self, creditor: str, numbers: list[str]) -> list[OpenCase]:
        """Reads those of some cases that are open."""
        query = _CASES.where(invoices.c.creditor == creditor, invoices.c.number.in_(numbers))
        async with self.database.reading() as conn:
            rows = (await conn.execute(query.order_by(invoices.c.number))).all()
        return [_open_case(row) for row in rows]

    async def _ended(self, missing: Iterable[OpenCase]) -> list[str]:
        """Finds the cases whose last run came to its end."""

        async def has_ended(workflow_id: str) -> bool:
            try:
                handle = self.client.get_workflow_handle(workflow_id)
                described = await handle.describe(rpc_timeout=PATIENCE)
            except RPCError as fault:
                if fault.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
            return described.status is WorkflowExecutionStatus.COMPLETED

        return await _those(has_ended, [one.ref.workflow_id for one in missing])

    async def _start_all(self, missing: list[OpenCase]) -> None:
        """Puts the starts in the outbox, which outlives us: the relay starts what ran before, too."""
        if self.rehearsal:
            return
        for start in range(0, len(missing), BATCH):
            async with self.database.writing() as conn:
                for one in missing[start : start + BATCH]:
                    errand = (one.ref.number, "start", one.plan)
                    await outbox.write(conn, one.ref.creditor, one.revision, [errand], self.now)

    async def _left_over(self, ids: list[str]) -> tuple[list[str], list[str]]:
        """Tells runs of closed cases from those of invoices that the record does not know."""
        refs = {one: CaseRef.from_workflow_id(one) for one in ids if one.startswith("invoice:")}
        known: set[str] = set()
        for creditor in {ref.creditor for ref in refs.values()}:
            numbers = [ref.number for ref in refs.values() if ref.creditor == creditor]
            for start in range(0, len(numbers), BATCH):
                known |= await self._known(creditor, numbers[start : start + BATCH])
        return [one for one in refs if one in known], [one for one in refs if one not in known]

    async def _known(self, creditor: str, numbers: list[str]) -> set[str]:
        query = sa.select(invoices.c.number).where(
            invoices.c.creditor == creditor, invoices.c.number.in_(numbers)
        )
        async with self.database.reading() as conn:
            found = (await conn.execute(query)).scalars().all()
        return {CaseRef(creditor=creditor, number=number).workflow_id for number in found}

    async def _wake_all(self, ids: Iterable[str]) -> set[str]:
        """Wakes runs bare; gives those that have ended since they were listed."""

        async def is_gone(workflow_id: str) -> bool:
            handle = self.client.get_workflow_handle(workflow_id)
            return await _is_gone(handle.signal(InvoiceDunning.wake, Wake(), rpc_timeout=PATIENCE))

        return set() if self.rehearsal else set(await _those(is_gone, list(ids)))

    async def _terminate_all(self, ids: list[str]) -> list[str]:
        """Terminates runs, and gives those that were ours to terminate.

        Lists lag behind: by now another installation may have a run of the same name.
        """

        async def is_ours(workflow_id: str) -> bool:
            try:
                described = await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=PATIENCE)
            except RPCError as fault:
                if fault.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
            is_running = described.status is WorkflowExecutionStatus.RUNNING
            if not is_running or described.task_queue != self.task_queue:
                return False
            if self.rehearsal:
                return True
            run = self.client.get_workflow_handle(workflow_id, run_id=described.run_id)
            why = ASTRAY.format(self.task_queue)
            return not await _is_gone(run.terminate(reason=why, rpc_timeout=PATIENCE))

        return await _those(is_ours, ids)


_CASES = sa.select(invoices.c.creditor, invoices.c.number, invoices.c.next, invoices.c.revision).where(
    invoices.c.ending.is_(None), invoices.c.next.is_not(None)
)


def _open_case(row: sa.Row[*tuple[Any, ...]]) -> OpenCase:
    ref = CaseRef(creditor=row.creditor, number=row.number)
    return OpenCase(ref, NextAction.model_validate(row.next), row.revision)


async def _is_gone(call: Awaitable[object]) -> bool:
    """Makes a call to a run; tells whether there was none."""
    try:
        await call
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    return False


async def _those(condition: Callable[[str], Awaitable[bool]], ids: list[str]) -> list[str]:
    """Picks the ids for which a condition holds, so many asked about at a time."""
    picked: list[str] = []
    for some in _chunks(ids):
        answers = await asyncio.gather(*(condition(one) for one in some))
        picked += [one for one, yes in zip(some, answers, strict=True) if yes]
    return picked


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _number(workflow_id: str) -> str:
    """Names a case for a person."""
    ref = CaseRef.from_workflow_id(workflow_id)
    return f"{ref.number} of {ref.creditor}"
