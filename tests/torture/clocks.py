"""The clocks of the runs: moved forward, while the server that keeps them is being killed.

In: moving one run to an instant, waiting for the end of a run.
Not in: where the clocks are moved to (walker.py).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from domain.actions import CaseRef
from tests.torture.patience import LONGEST, patiently

ONE_CALL = timedelta(seconds=5)
ONE_MOVE = 20.0
LOOK_EVERY = 0.2
FAR = timedelta(days=200)


class Unmoved(Exception):
    """Says that a run could not be moved within the patience of the test, and what it was doing."""


@dataclass(frozen=True)
class Seen:
    """States how a run was found: whether it is open, whether it is at work, its time."""

    is_open: bool
    is_busy: bool
    now: datetime
    doing: str


class Clocks:
    """Moves the clocks of runs that were started by a client with time skipping."""

    def __init__(self, client: Client) -> None:
        """Takes a client of the server."""
        self._client = client
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))

    async def forward(
        self, case: CaseRef, to: datetime, is_wanted: Callable[[], bool], patience: float = LONGEST
    ) -> datetime | None:
        """Moves a run to an instant once it is at rest; gives its time then, None where it has ended.

        A run that has not been started yet is waited for while it is wanted: a case that closes early
        never gets one. Raises Unmoved where it does not come to rest.
        """
        until = time.monotonic() + patience
        handle = self._client.get_workflow_handle(case.workflow_id)
        doing = "it has never been seen"
        while time.monotonic() < until:
            seen = await self._look(handle)
            if seen is None and not is_wanted():
                return None
            if seen is None or seen.is_busy:
                doing = seen.doing if seen else "it is not there"
            elif not seen.is_open:
                return None
            elif seen.now >= to:
                return seen.now
            else:
                await self._move(handle, to - seen.now)
                continue
            await asyncio.sleep(LOOK_EVERY)
        msg = f"the run of {case.number} does not come to rest: {doing}"
        raise Unmoved(msg)

    async def _move(self, handle: WorkflowHandle[object, object], ahead: timedelta) -> None:
        try:
            async with asyncio.timeout(ONE_MOVE):
                await self._skipper.fast_forward(handle, ahead)
        except (TimeoutError, RPCError, RuntimeError):
            await asyncio.sleep(LOOK_EVERY)  # the server was killed, or the run has ended: look again

    async def ended(self, case: CaseRef, patience: float) -> bool:
        """Waits for a run to end; a run that slept through the news is moved past its timer."""
        until = time.monotonic() + patience
        handle = self._client.get_workflow_handle(case.workflow_id)
        while time.monotonic() < until:
            seen = await self._look(handle)
            if seen is None or not seen.is_open:
                return True
            if not seen.is_busy and time.monotonic() > until - patience * 0.6:
                await self._move(handle, FAR)
            await asyncio.sleep(LOOK_EVERY)
        return False

    async def _look(self, handle: WorkflowHandle[object, object]) -> Seen | None:
        try:
            found = await patiently(lambda: handle.describe(rpc_timeout=ONE_CALL))
        except RPCError as fault:
            if fault.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        raw: DescribeWorkflowExecutionResponse = found.raw_description
        extended = raw.workflow_extended_info
        now = datetime.now(UTC)
        if extended.HasField("time_skipping_info"):
            now = extended.time_skipping_info.current_time.ToDatetime(UTC)
        pending: list[Message] = list(raw.pending_activities)
        return Seen(
            is_open=found.status is WorkflowExecutionStatus.RUNNING,
            is_busy=raw.HasField("pending_workflow_task") or bool(pending),
            now=now,
            doing=" ".join(str(one) for one in [raw.pending_workflow_task, *pending])[:600],
        )
