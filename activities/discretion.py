"""Discretion: what goes wrong in an activity is told to Temporal without naming anybody.

In: the interceptor that replaces unforeseen faults by their bare kind; the log keeps the rest.
Not in: faults that are raised for Temporal on purpose, which say nothing personal already.
"""

from typing import Any

import structlog
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.faults import Unavailable

log = structlog.get_logger()


class Discretion(Interceptor):
    """Keeps the texts of faults, which may quote names and addresses, out of workflow histories."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Puts the screen around each activity."""
        return _Screen(next)


class _Screen(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        """Runs the activity; a fault goes on as its kind, so that Temporal tries again."""
        try:
            return await super().execute_activity(input)
        except ApplicationError:
            raise
        except Unavailable as fault:
            raise ApplicationError(str(fault), type="Unavailable") from None
        except Exception as fault:
            log.exception("activity_failed")
            kind = type(fault).__name__
            msg = f"{kind}: the worker's log has the details"
            raise ApplicationError(msg, type=kind) from None
