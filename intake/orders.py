"""Orders about one open case: its run is asked, and answers with what comes next.

In: giving an order (hold, resume, skip, send now, approve) and waiting for what became of it.
Not in: facts, which need no run (door.py), and what an order does (activities/clerk.py).

The order's words are kept in the record as a note, whose id is also the order's own: the same order
sent twice is carried out once. Names and reasons stay out of workflow histories.
"""

import asyncio
from datetime import datetime

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef
from domain.faults import NotAllowed, Unavailable
from ledger import desk
from ledger.database import Database
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

ANSWER_SECONDS = 20
"""How long a run may take to carry an order out; it is done by the worker."""


async def give(
    database: Database,
    client: Client,
    case: CaseRef,
    verb: Verb,
    order: OperatorOrder,
    *,
    by: tuple[str, str],
    now: datetime,
    patience: float = ANSWER_SECONDS,
) -> tuple[CaseState, str]:
    """Gives an order; `by` is the author and the reason. Returns the run's answer and the note's id.

    `patience` is how many seconds the worker may take.

    Raises NotAllowed where the run refuses or there is none, Unavailable where Temporal or the worker does
    not answer: the order may then still be carried out.
    """
    async with database.writing() as conn:
        note = await desk.write_note(conn, *by, now)
    return await _ask(client, case, verb, order.model_copy(update={"note": note}), patience), note


async def _ask(client: Client, case: CaseRef, verb: Verb, order: OperatorOrder, patience: float) -> CaseState:
    """Sends the order to the case's run and waits for what it says."""
    handle = client.get_workflow_handle(case.workflow_id)
    try:
        # The client asks again for ever while no worker answers: its own timeout is for one call.
        async with asyncio.timeout(patience):
            state: CaseState = await handle.execute_update(
                verb.value, order, id=order.note, result_type=CaseState
            )
    except WorkflowUpdateFailedError as refused:
        raise NotAllowed(_words_of(refused)) from refused
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as silent:
        raise Unavailable(_silence(case, patience)) from silent
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            msg = f"invoice {case.number} has no run: it has just ended, or is being started; see `show`"
            raise NotAllowed(msg) from fault
        if fault.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
            raise Unavailable(_silence(case, patience)) from fault
        msg = f"Temporal did not pass the order on ({fault.message}); see `show {case.number}` first"
        raise Unavailable(msg) from fault
    return state


def _silence(case: CaseRef, patience: float) -> str:
    return (
        f"no worker answered within {patience:g} s: start it (make up). "
        f"The order may still be carried out once it runs; see `show {case.number}` before giving it again"
    )


def _words_of(refused: WorkflowUpdateFailedError) -> str:
    fault: BaseException | None = refused.cause
    while fault is not None and not isinstance(fault, ApplicationError):
        fault = fault.__cause__
    return fault.message if isinstance(fault, ApplicationError) else str(refused.cause)
