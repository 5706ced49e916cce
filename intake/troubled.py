"""Runs in trouble as Temporal knows them: code that fails, activities that wait for another attempt.

In: finding runs whose own code fails, asking whether a case is tried again and when, trying again now.
Not in: the list of faults that activities leave behind (ledger/troubles.py).

Temporal marks a run by itself once its code has failed several times in a row, and takes the mark away
when it goes on (the search attribute TemporalReportedProblems of recent servers).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState, WorkflowExecutionStatus
from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
    ResetActivityRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef
from domain.fact import Fact, Instant
from domain.faults import Unavailable

AT_ONCE = 20
PATIENCE = timedelta(seconds=10)
LATEST_EVENTS = 20
"""How far back the failure of a run's code is looked for; the first one is among its last events."""

STUCK = (
    "WorkflowType = 'InvoiceDunning' AND ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
)

Answer = TypeVar("Answer")


class StuckRun(Fact):
    """States that the code of a case's run fails: the fault, how often, and since when."""

    creditor: str
    number: str
    fault: str
    detail: str
    attempts: int
    since: Instant | None


class Retrying(Fact):
    """States that an activity of a case failed and is tried again: how often it was, and when it will be."""

    doing: str
    attempts: int
    next_at: Instant | None


async def stuck_runs(client: Client, limit: int = 200) -> list[StuckRun]:
    """Lists the runs whose own code fails; raises Unavailable where Temporal cannot tell."""
    try:
        found = [one.id async for one in client.list_workflows(STUCK, limit=limit, rpc_timeout=PATIENCE)]
    except RPCError as fault:
        raise _explained(fault) from fault
    cases = [CaseRef.from_workflow_id(one) for one in found]
    runs = await _each(cases, lambda case: _stuck(client, case))
    return [run for run in runs.values() if run is not None]


async def _stuck(client: Client, case: CaseRef) -> StuckRun | None:
    described = await _describe(client, case)
    if described is None or not described.HasField("pending_workflow_task"):
        return None  # it has gone on meanwhile
    pending = described.pending_workflow_task
    failed = await _last_failure(client, case)
    failure = failed.failure if failed is not None else None
    return StuckRun(
        creditor=case.creditor,
        number=case.number,
        fault=failure.application_failure_info.type or "WorkflowTaskFailed" if failure else "TimedOut",
        detail=failure.message if failure else "its code gives no answer in time",
        attempts=pending.attempt,
        since=_instant(pending.original_scheduled_time),
    )


async def _last_failure(client: Client, case: CaseRef) -> WorkflowTaskFailedEventAttributes | None:
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=case.workflow_id),
        maximum_page_size=LATEST_EVENTS,
    )
    service = client.workflow_service
    answer = await service.get_workflow_execution_history_reverse(request, timeout=PATIENCE)
    return next(
        (
            event.workflow_task_failed_event_attributes
            for event in answer.history.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        ),
        None,
    )


async def retrying(client: Client, cases: Iterable[CaseRef]) -> Mapping[CaseRef, Retrying | None]:
    """Tells of each case what is tried again; None where nothing is. Raises Unavailable."""

    async def ask(case: CaseRef) -> Retrying | None:
        failing = [one for one in await _activities(client, case) if _has_failed(one)]
        if not failing:
            return None
        worst = max(failing, key=lambda one: one.attempt)
        # The attempt that is counted is the one to come, unless it is under way.
        return Retrying(
            doing=worst.activity_type.name,
            attempts=worst.attempt - 1,
            next_at=_instant(worst.next_attempt_schedule_time),
        )

    try:
        return await _each(cases, ask)
    except RPCError as fault:
        raise _explained(fault) from fault


async def retry_now(client: Client, case: CaseRef) -> int:
    """Has what waits for another attempt tried at once; returns how many activities. Raises Unavailable.

    Their attempts are counted from 1 again. What is under way is left alone.
    """
    waiting = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    try:
        due = [one for one in await _activities(client, case) if _has_failed(one) and one.state == waiting]
        for one in due:
            request = ResetActivityRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=case.workflow_id),
                id=one.activity_id,
                identity=client.identity,
            )
            await client.workflow_service.reset_activity(request, timeout=PATIENCE)
    except RPCError as fault:
        raise _explained(fault) from fault
    return len(due)


async def _activities(client: Client, case: CaseRef) -> list[PendingActivityInfo]:
    """Lists what a run has asked for; nothing where there is no run, or none any more."""
    described = await _describe(client, case)
    return [] if described is None else list(described.pending_activities)


async def _describe(client: Client, case: CaseRef) -> DescribeWorkflowExecutionResponse | None:
    request = DescribeWorkflowExecutionRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=case.workflow_id)
    )
    try:
        described = await client.workflow_service.describe_workflow_execution(request, timeout=PATIENCE)
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    running = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
    return described if described.workflow_execution_info.status == running else None


def _has_failed(pending: PendingActivityInfo) -> bool:
    return pending.attempt > 1 or pending.HasField("last_failure")


def _instant(stamp: Any) -> datetime | None:
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds else None


async def _each(
    cases: Iterable[CaseRef], ask: Callable[[CaseRef], Awaitable[Answer]]
) -> dict[CaseRef, Answer]:
    """Asks about every case, some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: CaseRef) -> Answer:
        async with gate:
            return await ask(case)

    wanted = list(dict.fromkeys(cases))
    return dict(zip(wanted, await asyncio.gather(*(one(case) for case in wanted)), strict=True))


def _explained(fault: RPCError) -> Unavailable:
    return Unavailable(f"Temporal does not say which runs are in trouble ({fault.status.name.lower()})")
