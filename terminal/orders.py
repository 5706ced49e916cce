"""Orders about one open case: its run is asked, and answers with what comes next.

In: `hold`, `resume`, `skip`, `send-now`, `approve`.
Not in: holds on a whole debtor or creditor (holding.py), facts (feeding.py).

The order's words are kept in the record as a note, whose id is also the order's own: the same order
sent twice is carried out once. Names and reasons stay out of workflow histories.
"""

import asyncio
from datetime import date
from typing import Annotated, Any

import typer
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef, NextAction
from domain.explanation import explain
from domain.faults import NotAllowed, Unavailable
from intake.temporal import connect
from ledger import desk
from terminal import words
from terminal.options import Author, Lang, Machine, Number, OfCreditor, Reason, Speech
from terminal.record import PATIENCE_SECONDS, Record, opened
from terminal.screen import give, say
from terminal.shell import run
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

ANSWER_SECONDS = 20
"""How long a run may take to carry an order out; it is done by the worker."""

Step = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="The step, as D+2; by default the next one.", show_default=False),
]
Why = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept in the record.", show_default=False)
]


def skip(
    number: Number,
    reason: Reason,
    step: Step = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Leave the next step out; the one after it keeps its distance."""
    run(
        _order(Verb.SKIP, number, creditor, OperatorOrder(step=step), (author, reason), lang, machine=machine)
    )


def send_now(
    number: Number,
    reason: Why = "",
    step: Step = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Take the next step at once, as soon as the sending window allows."""
    run(
        _order(
            Verb.SEND_NOW, number, creditor, OperatorOrder(step=step), (author, reason), lang, machine=machine
        )
    )


def approve(
    number: Number,
    reason: Why = "",
    step: Step = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Approve the step that waits for a person."""
    order = OperatorOrder(step=step)
    run(_order(Verb.APPROVE, number, creditor, order, (author, reason), lang, machine=machine))


async def hold_case(
    number: str, creditor: str | None, until: date, by: tuple[str, str], lang: Speech, *, machine: bool
) -> None:
    """Suspends one case until a day, inclusive; `by` is the author and the reason."""
    await _order(Verb.HOLD, number, creditor, OperatorOrder(until=until), by, lang, machine=machine)


async def resume_case(
    number: str, creditor: str | None, by: tuple[str, str], lang: Speech, *, machine: bool
) -> None:
    """Lifts every hold on one case."""
    await _order(Verb.RESUME, number, creditor, OperatorOrder(), by, lang, machine=machine)


async def _order(
    verb: Verb,
    number: str,
    creditor: str | None,
    order: OperatorOrder,
    by: tuple[str, str],
    lang: Speech,
    *,
    machine: bool,
) -> None:
    async with opened() as record:
        line = await record.find(number, creditor)
        if line.ending is not None:
            msg = f"the case of invoice {number} is closed ({line.ending.value}): nothing more will be sent"
            raise NotAllowed(msg)
        case = CaseRef(creditor=line.creditor, number=line.number)
        client = await _connected(record)
        async with record.database.writing() as conn:
            note = await desk.write_note(conn, *by, record.now)
        state = await _ask(client, case, verb, order.model_copy(update={"note": note}))
    give(
        document_of(state, note),
        say(
            f"{verb.value.replace('_', '-')}: done.",
            words.said("next", sentence(state.next, lang), lang),
        ),
        machine=machine,
    )


async def _connected(record: Record) -> Client:
    """Connects before anything is written, and starts the runs that have not been started yet."""
    try:
        await record.relay_all()
        return await connect(patience=PATIENCE_SECONDS)
    except Unavailable as fault:
        msg = f"{fault}. Nothing was changed; give the order again then"
        raise Unavailable(msg) from fault


async def _ask(client: Client, case: CaseRef, verb: Verb, order: OperatorOrder) -> CaseState:
    """Sends the order to the case's run and waits for what it says."""
    handle = client.get_workflow_handle(case.workflow_id)
    try:
        # The client asks again for ever while no worker answers: its own timeout is for one call.
        async with asyncio.timeout(ANSWER_SECONDS):
            state: CaseState = await handle.execute_update(
                verb.value, order, id=order.note, result_type=CaseState
            )
    except WorkflowUpdateFailedError as refused:
        raise NotAllowed(_words_of(refused)) from refused
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as silent:
        raise Unavailable(_silence(case)) from silent
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            msg = f"invoice {case.number} has no run: it has just ended, or is being started; see `show`"
            raise NotAllowed(msg) from fault
        if fault.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
            raise Unavailable(_silence(case)) from fault
        msg = f"Temporal did not pass the order on ({fault.message}); see `show {case.number}` first"
        raise Unavailable(msg) from fault
    return state


def _silence(case: CaseRef) -> str:
    return (
        f"no worker answered within {ANSWER_SECONDS} s: start it (make up). "
        f"The order may still be carried out once it runs; see `show {case.number}` before giving it again"
    )


def _words_of(refused: WorkflowUpdateFailedError) -> str:
    fault: BaseException | None = refused.cause
    while fault is not None and not isinstance(fault, ApplicationError):
        fault = fault.__cause__
    return fault.message if isinstance(fault, ApplicationError) else str(refused.cause)


def sentence(action: NextAction, language: str) -> str:
    """Says in one sentence what comes next and why."""
    why = explain(action.because, language)
    if action.kind == "take" and action.day is not None:
        return f"{action.step}, {words.on(action.day, language)} ({why})"
    if action.kind == "close" and action.ending is not None:
        return words.said("closed", why, language)
    return why


def document_of(state: CaseState, note: str) -> dict[str, Any]:
    """Writes the answer of a run out for a machine."""
    return {
        "creditor": state.case.creditor,
        "number": state.case.number,
        "note": note,
        "revision": state.revision,
        "next": state.next,
    }
