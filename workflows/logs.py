"""The logger of a workflow: one line per event, none when history is replayed.

In: the logger that workflow code binds and writes to.
Not in: where lines go and what they look like (config/logs.py).

A fault in a logger blocks its workflow for ever, so this one is short and tested on a real server.
"""

import logging
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import structlog
    from structlog.stdlib import BoundLogger, render_to_log_kwargs
    from structlog.typing import EventDict


def workflow_logger(**bound: Any) -> BoundLogger:
    """Gives a logger for workflow code; the ids of the run are added to each of its lines."""
    logger: BoundLogger = structlog.wrap_logger(
        workflow.logger,
        processors=[_drop_unless_enabled, render_to_log_kwargs],
        wrapper_class=BoundLogger,
    )
    return logger.bind(**bound)


def _drop_unless_enabled(logger: Any, method: str, event: EventDict) -> EventDict:
    """Drops the line below the level and during replay; structlog's filter fails on Temporal's adapter."""
    level = logging.getLevelNamesMapping().get(method.upper(), logging.ERROR)
    if not logger.isEnabledFor(level):
        raise structlog.DropEvent
    return event
