"""Patience: a piece of work done again and again, while what it needs is being killed and restarted.

In: which faults pass by themselves, and for how long they are believed to.
Not in: the faults that say no (InputRefused, NotAllowed, NotFound).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.faults import Unavailable

LONGEST = 150.0
"""Seconds of real time after which something must have happened, whatever befell it."""

FINAL = {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.ALREADY_EXISTS}

Result = TypeVar("Result")


async def patiently(work: Callable[[], Awaitable[Result]], longest: float = LONGEST) -> Result:
    """Does the work, again after every fault that passes; raises the last one when patience ends."""
    until = time.monotonic() + longest
    pause = 0.1
    while True:
        try:
            return await work()
        except (Unavailable, TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            _heed_cancellation()
            if time.monotonic() > until:
                raise
        except RPCError as fault:
            _heed_cancellation()
            if fault.status in FINAL or time.monotonic() > until:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, 1.0)


def _heed_cancellation() -> None:
    """Goes on being cancelled: Temporal's client turns a cancellation into a fault of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
