"""Orders about one open case: its run is asked, and answers with what comes next.

In: `hold`, `resume`, `skip`, `send-now`, `approve`.
Not in: how a run is asked (intake/orders.py), holds on a whole debtor or creditor (holding.py), facts.
"""

from datetime import date
from typing import Annotated, Any

import typer
from temporalio.client import Client

from domain.actions import CaseRef, NextAction
from domain.explanation import explain
from domain.faults import NotAllowed, Unavailable
from intake import orders
from intake.telling import words
from intake.temporal import connect
from terminal.options import Author, Lang, Machine, Number, OfCreditor, Reason, Speech
from terminal.record import PATIENCE_SECONDS, Record, opened
from terminal.screen import give, say
from terminal.shell import run
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

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
        state, note = await orders.give(record.database, client, case, verb, order, by=by, now=record.now)
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
