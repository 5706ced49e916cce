"""What a command on an invoice has at hand: the person, the invoice as it stands, the ways in.

In: facts through the door, orders to the run, sentences in the person's language.
Not in: any command (facts.py, agreeing.py, steering.py), their forms' looks (templates/case/).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote

from console.forms import Form
from console.seats import Seat
from console.speech import dated, day, money, speech
from domain.account import Account
from domain.actions import Because
from domain.calendars import Agenda
from domain.events import Event
from domain.explanation import explain
from domain.faults import InputRefused, Unavailable
from domain.policy import DunningStep
from intake.admission import Admission
from ledger.people import Role
from ledger.queries import CaseLine
from ledger.views.case import CaseView
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

A_WHILE = timedelta(minutes=15)
"""How long a worker may be behind before people are told."""

AWAY = (
    "Temporal does not answer, and this order needs the run: nothing was changed. What you wrote is kept "
    "below: give the order again once it is back. Payments, disputes and other facts can be recorded all "
    "the same; the run hears of them later."
)
SILENT = (
    "The run did not answer: Temporal or every worker is away. The order may still be carried out once they "
    "are back: look at the invoice before you give it again."
)


def home(creditor: str, number: str) -> str:
    """Gives the address of an invoice's page."""
    return f"/invoices/{quote(creditor, safe='')}/{quote(number, safe='')}"


@dataclass(frozen=True)
class Desk:
    """Holds the seat and the invoice that a command is about."""

    seat: Seat
    view: CaseView

    @property
    def line(self) -> CaseLine:
        """Gives the invoice's line."""
        return self.view.line

    @property
    def home(self) -> str:
        """Gives the address of the invoice's page."""
        return home(self.line.creditor, self.line.number)

    @property
    def account(self) -> Account:
        """Gives the account as the rules see it."""
        return self.view.account

    @property
    def open(self) -> Decimal:
        """Tells what the books show as unpaid."""
        return self.account.balance(self.line.number).open

    @property
    def today(self) -> date:
        """Gives the civil day in the creditor's zone."""
        return Agenda.of(self.account.creditor, self.account.debtor).today(self.seat.now)

    @property
    def overdue(self) -> bool:
        """Tells whether the next step should have been taken a while ago: nobody is there to take it."""
        action = self.line.next
        if action is None or action.kind != "take" or action.at is None or self.line.ending is not None:
            return False
        return action.at < self.seat.now - A_WHILE

    @property
    def next_step(self) -> DunningStep | None:
        """Gives the step that the case waits to take, approve or send; None where there is none."""
        blocked = self.view.case.blocked
        key = self.line.next.step if self.line.next is not None else None
        key = key or (blocked.reference if blocked is not None else None)
        return next((step for step in self.view.policy.steps if step.key == key), None)

    def say(self, sentence: str, **facts: Any) -> str:
        """Says a sentence in the person's language; dates and amounts in it as the language has them."""
        said = speech(self.seat.language).gettext(sentence)
        return said % {name: self._written(value) for name, value in facts.items()} if facts else said

    def _written(self, value: Any) -> str:
        if isinstance(value, date):
            return day(value, self.seat.language)
        if isinstance(value, Decimal):
            return money(value, self.line.currency, self.seat.language)
        return str(value)

    def explain(self, because: Because) -> str:
        """Says a reason of the rules."""
        return dated(explain(because, self.seat.language), self.seat.language)

    def refuse(self, field: str, sentence: str, **facts: Any) -> InputRefused:
        """Makes a refusal whose sentence stands beside a field, in the person's language."""
        return InputRefused(field, None, self.say(sentence, **facts))

    async def admit(self, event: Event) -> Admission:
        """Takes a fact in and tells the runs, now or once Temporal is back."""
        return await self.seat.office.admit(event, self.seat.now, self.seat.person.id)

    async def order(self, verb: Verb, order: OperatorOrder, reason: str) -> CaseState:
        """Gives the run an order; raises NotAllowed, and Unavailable that says what that means."""
        office = self.seat.office
        try:
            await office.temporal()
        except Unavailable:
            raise Unavailable(self.say(AWAY)) from None
        by = (self.seat.person.id, reason)
        try:
            return await office.order(self.line, verb, order, by=by, now=self.seat.now)
        except Unavailable:
            raise Unavailable(self.say(SILENT)) from None


Deed = Callable[[Desk, Any], Awaitable[str]]
"""Does what a form says, and tells in a sentence what was done."""


class Command(NamedTuple):
    """States a command: its form, who may give it, what it does, whether it makes sense now.

    `about` names what the form is about beside the invoice (an agreement, a message), where it needs one.
    """

    form: type[Form]
    role: Role
    deed: Deed
    offered: Callable[[Desk], bool]
    about: str = ""
