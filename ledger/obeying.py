"""What an operator's order does to a case: hold, resume, skip, send now, approve.

In: one order carried out on an open book, the same whether a run passes it on or many cases are steered.
Not in: how a run is asked (intake/orders.py), many cases (intake/steering.py), the rows (commands.py).
"""

from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from domain.actions import Rule
from domain.agreements import Hold, HoldScope
from domain.explanation import explain
from domain.faults import NotAllowed
from domain.gate import needs_approval
from ledger.book import Book
from workflows.ports import OperatorCommand, Verb


async def carry_out(book: Book, command: OperatorCommand, author: str, reason: str) -> bool:
    """Carries out an order; False where the record says so already.

    Raises NotAllowed where the facts forbid it, NotFound for a step that the policy has not; nothing is
    written then.
    """
    number, order = command.case.number, command.order
    blocked = book.case(number).blocked
    waiting = blocked.reference if blocked is not None and blocked.rule is Rule.APPROVAL else None
    step = order.step or book.plan(number).next.step or waiting or ""
    if command.verb in {Verb.SKIP, Verb.SEND_NOW} and not step:
        waits = explain(book.plan(number).next.because)
        msg = f"invoice {number} has no step to take now: {waits}"
        raise NotAllowed(msg)
    match command.verb:
        case Verb.HOLD:
            return await book.place_hold(_hold(book, command, reason), author)
        case Verb.RESUME:
            held = [
                one.id
                for one in book.account.holds
                if one.scope is HoldScope.INVOICE and one.covers(number, book.today)
            ]
            return any([await book.lift_hold(one, author) for one in held])
        case Verb.SKIP:
            return await book.skip_step(number, step, reason, author)
        case Verb.SEND_NOW:
            return await book.hurry(number, step, author)
        case Verb.APPROVE:
            return await book.approve_step(number, _approvable(book, number, step), author)


def _hold(book: Book, command: OperatorCommand, reason: str) -> Hold:
    if command.order.until is None:
        msg = "a hold needs its last day"
        raise NotAllowed(msg)
    try:
        return Hold(
            id=command.order.note or str(uuid5(NAMESPACE_URL, command.model_dump_json())),
            scope=HoldScope.INVOICE,
            invoice=command.case.number,
            starts_on=book.today,
            until=command.order.until,
            reason=reason[:64] or "stated in Temporal",
        )
    except ValidationError as refused:
        msg = "; ".join(error["msg"].removeprefix("Value error, ") for error in refused.errors())
        raise NotAllowed(msg) from None


def _approvable(book: Book, number: str, step: str) -> str:
    case = book.case(number)
    if case.blocked is not None and case.blocked.rule is Rule.APPROVAL and case.blocked.reference:
        step = case.blocked.reference
    policy = book.policies[case.policy]
    if not any(one.key == step and needs_approval(book.account, number, one) for one in policy.steps):
        msg = f"step {step!r} of policy {policy.id} needs no approval"
        raise NotAllowed(msg)
    return step
