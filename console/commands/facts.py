"""Facts that an operator records about an invoice: money, credit, a write-off.

In: their forms, and the events that they become.
Not in: agreements (agreeing.py), orders to the run (steering.py).
"""

from datetime import date

from pydantic import Field

from console.commands.desk import Command, Desk
from console.forms import Form, Text, TypedAmount
from domain.actions import Ending
from domain.events import CreditNoteIssued, InvoiceWrittenOff, PaymentReceived
from domain.fact import ZERO
from intake.admission import Status
from ledger.people import Role


class Paid(Form):
    """States money that came; without an amount all that is open, without a day today."""

    amount: TypedAmount | None = None
    received_on: date | None = None
    reference: Text | None = Field(default=None, max_length=128)


class Credited(Form):
    """States a credit note on the invoice."""

    amount: TypedAmount
    note: Text = Field(min_length=1, max_length=64)
    issued_on: date | None = None


class GivenUp(Form):
    """States why an invoice is given up, or is not any more."""

    reason: Text = Field(min_length=1, max_length=200)


async def _pay(desk: Desk, form: Paid) -> str:
    line, owed, day = desk.line, desk.open, form.received_on or desk.today
    amount = form.amount or owed
    if amount <= ZERO:
        raise desk.refuse("amount", "Nothing is owed: give the amount if money came all the same.")
    if day > desk.today:
        raise desk.refuse("received_on", "This day lies ahead: record the money once it is there.")
    event = PaymentReceived(
        creditor=line.creditor,
        reference=form.reference or f"console:{line.number}:{day}:{amount:.2f}",
        amount=amount,
        currency=line.currency,
        received_on=day,
        invoice=line.number,
    )
    admission = await desk.admit(event)
    if admission.status is Status.KNOWN:
        return desk.say(
            "This payment was on record already: nothing has changed. A second one of the same amount and "
            "day needs a reference of its own."
        )
    if amount > owed:
        return desk.say(
            "%(amount)s recorded; %(rest)s of it stay on the customer's account until they are given to an "
            "invoice.",
            amount=amount,
            rest=amount - owed,
        )
    if amount == owed:
        return desk.say("%(amount)s recorded: the invoice is paid, and nothing more leaves.", amount=amount)
    rest = owed - amount
    return desk.say("%(amount)s recorded; %(rest)s are still open.", amount=amount, rest=rest)


async def _credit(desk: Desk, form: Credited) -> str:
    line = desk.line
    event = CreditNoteIssued(
        creditor=line.creditor,
        number=form.note,
        invoice=line.number,
        issue_date=form.issued_on or desk.today,
        currency=line.currency,
        total=form.amount,
    )
    admission = await desk.admit(event)
    if admission.status is Status.KNOWN:
        return desk.say("This credit note was on record already: nothing has changed.")
    return desk.say("Credit note %(note)s of %(amount)s recorded.", note=form.note, amount=form.amount)


async def _give_up(desk: Desk, form: GivenUp) -> str:
    event = InvoiceWrittenOff(creditor=desk.line.creditor, number=desk.line.number, reason=form.reason)
    await desk.admit(event)
    return desk.say("The invoice is written off: nobody is reminded of it any more.")


async def _take_back(desk: Desk, form: GivenUp) -> str:
    event = InvoiceWrittenOff(
        creditor=desk.line.creditor, number=desk.line.number, written_off=False, reason=form.reason
    )
    await desk.admit(event)
    return desk.say("The write-off is taken back: the reminders go on.")


def _is_open(desk: Desk) -> bool:
    return desk.open > ZERO and desk.line.ending is not Ending.WRITTEN_OFF


FACTS = {
    "pay": Command(Paid, Role.OPERATOR, _pay, lambda _: True),
    "credit": Command(Credited, Role.OPERATOR, _credit, lambda desk: desk.open > ZERO),
    "write-off": Command(GivenUp, Role.MANAGER, _give_up, _is_open),
    "reinstate": Command(
        GivenUp, Role.MANAGER, _take_back, lambda desk: desk.line.ending is Ending.WRITTEN_OFF
    ),
}
