"""Orders about an invoice: to its run, and about the messages that it sent.

In: hold, resume, skip, send now, approve, hand off; void a message, judge an ambiguous one.
Not in: how a run is asked (intake/orders.py), the whole customer (pages/debtors.py).
"""

from datetime import date

from pydantic import Field

from console.commands.desk import Command, Desk
from console.forms import Form, Text
from correspondence.postbook import PostBook
from domain.actions import Rule
from domain.agreements import LONGEST_HOLD, HoldScope
from domain.faults import Unavailable
from domain.policy import Channel, DunningStep
from domain.schedule import steps_above
from intake import tasks as answered
from ledger.people import Role
from workflows.ports import OperatorOrder, Verb

LONGEST_REASON = 64
HALF_WAY = (
    "The run stopped answering: %(count)s steps before the handoff are left out already, the handoff itself "
    "is not asked for yet. Give the order again once it is back."
)


class Held(Form):
    """States until when nobody is reminded, and why."""

    until: date
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class Resumed(Form):
    """States why the reminders go on, where there is something to say."""

    reason: Text = Field(default="", max_length=200)


class OfStep(Resumed):
    """Names the step that the person saw; another one that has come next meanwhile is left alone."""

    step: str


class Skipped(OfStep):
    """Names the step to leave out, and why."""

    reason: Text = Field(min_length=1, max_length=200)


class HandedOff(Form):
    """States why a case goes to the agency at once."""

    reason: Text = Field(min_length=1, max_length=200)


class Voided(Form):
    """Names a message that should not have left, and why."""

    message: str
    reason: Text = Field(min_length=1, max_length=200)


class Judged(Voided):
    """States whether a message of which nobody knows reached the customer."""

    delivered: bool


async def _hold(desk: Desk, form: Held) -> str:
    if not desk.today <= form.until <= desk.today + LONGEST_HOLD:
        sentence = "Give a day from today on, at most %(days)s days ahead; what is given up is written off."
        raise desk.refuse("until", sentence, days=LONGEST_HOLD.days)
    await desk.order(Verb.HOLD, OperatorOrder(until=form.until), form.reason)
    return desk.say("No reminders until %(day)s, that day included.", day=form.until)


async def _resume(desk: Desk, form: Resumed) -> str:
    await desk.order(Verb.RESUME, OperatorOrder(), form.reason)
    return desk.say("The hold is lifted: the reminders go on.")


async def _skip(desk: Desk, form: Skipped) -> str:
    await desk.order(Verb.SKIP, OperatorOrder(step=form.step), form.reason)
    return desk.say("The step is left out; the next one keeps its distance.")


async def _send(desk: Desk, form: OfStep) -> str:
    await desk.order(Verb.SEND_NOW, OperatorOrder(step=form.step), form.reason)
    return desk.say("It leaves as soon as the sending window allows.")


async def _approve(desk: Desk, form: OfStep) -> str:
    await desk.order(Verb.APPROVE, OperatorOrder(step=form.step), form.reason)
    return desk.say("Approved: it leaves as soon as the sending window allows.")


def handoff_of(desk: Desk) -> DunningStep | None:
    """Finds the handoff that the case has not come to yet."""
    if desk.line.ending is not None:
        return None
    coming = steps_above(desk.view.case, desk.view.policy)
    return next((step for step in coming if step.channel is Channel.HANDOFF), None)


async def _hand_off(desk: Desk, form: HandedOff) -> str:
    """Skips what comes before the handoff and asks for it at once, each by an order of its own."""
    wanted = handoff_of(desk)
    if wanted is None:
        raise desk.refuse("reason", "The policy of this invoice has no handoff to come.")
    left_out, upcoming = 0, desk.next_step
    try:
        while upcoming is not None and upcoming.channel is not Channel.HANDOFF:
            state = await desk.order(Verb.SKIP, OperatorOrder(step=upcoming.key), form.reason)
            left_out, key = left_out + 1, state.next.step
            upcoming = next((step for step in desk.view.policy.steps if step.key == key), None)
        await desk.order(Verb.SEND_NOW, OperatorOrder(step=wanted.key), form.reason)
    except Unavailable:
        if not left_out:
            raise
        raise Unavailable(desk.say(HALF_WAY, count=left_out)) from None
    return desk.say("It is handed over as soon as the sending window allows and, where needed, approved.")


async def _void(desk: Desk, form: Voided) -> str:
    async with desk.seat.office.book(desk.line.creditor, desk.line.debtor, desk.seat.now) as book:
        await book.void_message(form.message, form.reason, desk.seat.person.id)
    return desk.say("Voided: its steps are open again. What was sent stays sent, and on record.")


async def _judge(desk: Desk, form: Judged) -> str:
    postbook = PostBook(desk.seat.office.settings.folders.evidence)
    async with desk.seat.office.book(desk.line.creditor, desk.line.debtor, desk.seat.now) as book:
        await answered.judge(
            book,
            postbook,
            form.message,
            delivered=form.delivered,
            reason=form.reason,
            author=desk.seat.person.id,
        )
    if form.delivered:
        return desk.say("It counts as delivered.")
    return desk.say("It counts as not delivered and is taken again.")


def _is_held(desk: Desk) -> bool:
    mine = (one for one in desk.account.holds if one.scope is HoldScope.INVOICE)
    return any(one.covers(desk.line.number, desk.today) for one in mine)


def _is_climbing(desk: Desk) -> bool:
    return desk.line.next is not None and desk.line.next.kind == "take"


def _awaits_approval(desk: Desk) -> bool:
    blocked = desk.view.case.blocked
    return desk.line.ending is None and blocked is not None and blocked.rule is Rule.APPROVAL


ORDERS = {
    "hold": Command(Held, Role.OPERATOR, _hold, lambda desk: desk.line.ending is None),
    "resume": Command(Resumed, Role.OPERATOR, _resume, _is_held),
    "skip": Command(Skipped, Role.OPERATOR, _skip, lambda desk: _is_climbing(desk) or _awaits_approval(desk)),
    "send": Command(OfStep, Role.OPERATOR, _send, _is_climbing),
    "approve": Command(OfStep, Role.MANAGER, _approve, _awaits_approval),
    "hand-off": Command(HandedOff, Role.OPERATOR, _hand_off, lambda desk: handoff_of(desk) is not None),
    "void": Command(Voided, Role.OPERATOR, _void, lambda _: True, about="message"),
    "judge": Command(Judged, Role.OPERATOR, _judge, lambda _: True, about="message"),
}
