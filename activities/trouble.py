"""Trouble: a case that fails for a reason of its own is written on a list, until it goes on.

In: the interceptor that keeps the list, and which faults are a case's own.
Not in: trying again, which Temporal does for ever (workflows/invoice.py), and the list itself (ledger/).

Keeping the list is best effort: what is wrong with the record itself must not hide what was wrong with
the activity. An activity that succeeds at once costs no statement.
"""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.desk import wall_clock
from domain.actions import CaseRef
from domain.faults import RelanceError, Unavailable
from ledger import troubles
from ledger.database import Database
from workflows.ports import OperatorCommand, StepOrder

log = structlog.get_logger()

EVERYBODYS = frozenset({"Unavailable", "ClaimLost", "NotNow"})
"""Kinds of faults that say nothing about a case: servers that are away, facts that moved meanwhile."""

TOLERATED = 1
"""Failed attempts that are not worth a line: the next one, two seconds later, may well succeed."""

SECONDS = 3.0
"""How long the list may keep an activity from answering."""

ROOT = Path(__file__).resolve().parent.parent


class Troubles(Interceptor):
    """Keeps the list of cases in trouble around every activity of a case."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = wall_clock) -> None:
        """Takes the record, and the real clock: what is late for people is so by theirs."""
        self._database = database
        self._clock = clock
        self._known: set[CaseRef] = set()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Puts the watch around each activity."""
        return _Watch(next, self)

    async def fails(self, attempt: "Attempt", fault: Exception) -> None:
        """Notes that an attempt failed for a reason of the case's own."""
        try:
            async with asyncio.timeout(SECONDS), self._database.writing() as conn:
                await troubles.note(
                    conn,
                    attempt.case,
                    doing=attempt.doing,
                    step=attempt.step,
                    fault=kind_of(fault),
                    detail=detail_of(fault),
                    attempts=attempt.count,
                    now=self._clock(),
                )
        except (RelanceError, SQLAlchemyError, OSError, TimeoutError) as other:
            log.warning("trouble_not_noted", fault=type(other).__name__)
        else:
            self._known.add(attempt.case)

    async def goes_on(self, attempt: "Attempt") -> None:
        """Takes a case off the list where it is on it; asks only where it may be."""
        if attempt.count == 1 and attempt.case not in self._known:
            return
        try:
            async with asyncio.timeout(SECONDS):
                async with self._database.reading() as conn:
                    listed = await troubles.find(conn, attempt.case)
                if listed is not None:
                    async with self._database.writing() as conn:
                        await troubles.forget(conn, attempt.case)
        except (RelanceError, SQLAlchemyError, OSError, TimeoutError) as other:
            # The list is checked against Temporal when it is read: a line too many goes then.
            log.warning("trouble_not_forgotten", fault=type(other).__name__)
        else:
            self._known.discard(attempt.case)


@dataclass(frozen=True)
class Attempt:
    """Watches one attempt at one activity of a case."""

    troubles: Troubles
    case: CaseRef
    doing: str
    step: str | None
    count: int

    async def __aenter__(self) -> None:
        """Watches from here on."""

    async def __aexit__(
        self, _: type[BaseException] | None, fault: BaseException | None, __: TracebackType | None
    ) -> None:
        """Notes how the attempt ended; whatever was raised goes on its way."""
        if fault is None or _is_an_answer(fault):
            await self.troubles.goes_on(self)
        elif isinstance(fault, Exception) and self.count > TOLERATED and _is_own(fault):
            await self.troubles.fails(self, fault)


class _Watch(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, kept: Troubles) -> None:  # noqa: A002 - Temporal's name
        super().__init__(next)
        self._kept = kept

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        """Runs the activity and keeps the list; an activity of no case is left alone."""
        info = activity.info()
        try:
            case = CaseRef.from_workflow_id(info.workflow_id or "")
        except ValueError:
            return await super().execute_activity(input)
        async with Attempt(self._kept, case, info.activity_type, _step(input), info.attempt):
            return await super().execute_activity(input)


def _step(input: ExecuteActivityInput) -> str | None:  # noqa: A002 - Temporal's name
    match input.args:
        case [StepOrder() as order]:
            return order.step
        case [OperatorCommand() as command]:
            return command.order.step
        case _:
            return None


def _is_an_answer(fault: BaseException) -> bool:
    """Tells whether a fault is the activity's last word, such as an order refused to an operator."""
    return isinstance(fault, ApplicationError) and fault.non_retryable


def _is_own(fault: Exception) -> bool:
    """Tells whether a fault is the case's own, and not one that every case meets."""
    return not isinstance(fault, Unavailable) and kind_of(fault) not in EVERYBODYS


def kind_of(fault: Exception) -> str:
    """Names a fault by its kind, as histories do."""
    return (fault.type if isinstance(fault, ApplicationError) else None) or type(fault).__name__


def detail_of(fault: Exception) -> str:
    """Says what went wrong, and where in our own code, for the record alone.

    What is raised for Temporal says less on purpose: the fault behind it has the words.
    """
    behind = fault.__context__ if isinstance(fault, ApplicationError) else None
    cause = behind if isinstance(behind, Exception) else fault
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if _is_ours(Path(frame.filename))]
    place = f" (at {Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
    return f"{type(cause).__name__}: {cause}{place}"


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(ROOT) and "site-packages" not in file.parts
