"""The account of one debtor: its cases, and what each of them still owes.

In: the open balance of an invoice, the presumed share of unallocated money, what has been said when.
Not in: what to do about it (schedule.py, gate.py), and how the account is stored (ledger/).
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from domain.actions import Because, Ending, Rule, StepOutcome, StepTaken
from domain.agreements import Hold, Stop
from domain.fact import ZERO, Amount, Fact, Instant
from domain.policy import Channel, NamedTone, Tone
from domain.receivable import CreditNote, Creditor, Debtor, Invoice, Payment

WORKED_OUT = {
    "_balances": frozenset({"cases", "credit_notes", "payments"}),
    "_by_age": frozenset({"cases"}),
    "_by_number": frozenset({"cases"}),
}
"""What an account works out once, and the facts that it follows from."""


class Balance(Fact):
    """States what one invoice still owes.

    `open` is the total less its credit notes and the payments allocated to it. `presumed` is the share
    of the debtor's unallocated money that would fall to it; `net` is what can honestly be asked for.
    """

    total: Amount
    credited: Amount
    paid: Amount
    presumed: Amount

    @property
    def open(self) -> Decimal:
        """Tells what the books show as unpaid; never below zero."""
        return max(ZERO, self.total - self.credited - self.paid)

    @property
    def net(self) -> Decimal:
        """Tells what remains once unallocated money is taken into account."""
        return self.open - self.presumed


class Case(Fact):
    """Follows one invoice up its ladder, under the version of the policy it started with.

    `approved` names steps that an operator has approved; `hurried` the step to be sent at once.
    `postponed_to` is the day on which the case has its place among the creditor's messages of a day.
    """

    invoice: Invoice
    policy: str
    cycle: int = 1
    taken: tuple[StepTaken, ...] = ()
    approved: tuple[str, ...] = ()
    hurried: str | None = None
    postponed_to: date | None = None
    blocked: Because | None = None
    ending: Ending | None = None

    @property
    def standing(self) -> tuple[StepTaken, ...]:
        """Lists the steps of this cycle that count: voided ones have been reopened."""
        return tuple(
            step for step in self.taken if step.cycle == self.cycle and step.outcome is not StepOutcome.VOIDED
        )

    def has_taken(self, key: str) -> bool:
        """Tells whether a step of this cycle stands."""
        return any(step.step == key for step in self.standing)


class Contacted(Fact):
    """Records a written message that really left, and for which invoices it spoke."""

    message: str
    day: date
    at: Instant
    channel: Channel
    tone: NamedTone
    wording: str
    invoices: tuple[str, ...]
    overdue: bool


class Underway(Fact):
    """Records a message that is leaving, or of which nobody knows whether it left."""

    message: str
    day: date


class Account(Fact):
    """Gathers everything that is known of one debtor of one creditor at one revision."""

    creditor: Creditor
    debtor: Debtor
    cases: tuple[Case, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    payments: tuple[Payment, ...] = ()
    holds: tuple[Hold, ...] = ()
    contacts: tuple[Contacted, ...] = ()
    underway: tuple[Underway, ...] = ()
    payments_as_of: Instant | None = None
    stops: tuple[Stop, ...] = ()
    revision: int = 0

    def having(self, **changes: Any) -> "Account":
        """Gives the account with some of its facts replaced; what follows from them is worked out anew."""
        fresh = Account.model_construct(
            **{name: getattr(self, name) for name in type(self).model_fields} | changes
        )
        for name, follows_from in WORKED_OUT.items():
            if name in self.__dict__ and follows_from.isdisjoint(changes):
                fresh.__dict__[name] = self.__dict__[name]
        return fresh

    def having_cases(self, changes: Mapping[str, Mapping[str, Any]]) -> "Account":
        """Gives the account with some cases changed, by number; unknown numbers change nothing."""
        fresh = self.having(
            cases=tuple(
                case.model_copy(update=changes[case.invoice.number])
                if case.invoice.number in changes
                else case
                for case in self.cases
            )
        )
        if "_balances" in self.__dict__ and not any(
            "invoice" in change or self._written_off_by(number, change) for number, change in changes.items()
        ):
            fresh.__dict__["_balances"] = self._balances
        return fresh

    def _written_off_by(self, number: str, change: Mapping[str, Any]) -> bool:
        """Tells whether a change gives an invoice up or takes that back."""
        if "ending" not in change or number not in self._by_number:
            return False
        return Ending.WRITTEN_OFF in {self._by_number[number].ending, change["ending"]}

    def case(self, number: str) -> Case:
        """Finds the case of an invoice; raises KeyError where the account has none."""
        return self._by_number[number]

    @cached_property
    def _by_number(self) -> dict[str, Case]:
        return {case.invoice.number: case for case in self.cases}

    @property
    def contact_cap_days(self) -> int:
        """Gives the least number of days between two messages to this debtor."""
        return self.debtor.contact_cap_days or self.creditor.contact_cap_days

    def balance(self, number: str) -> Balance:
        """States what an invoice of the account still owes."""
        return self._balances[number]

    @cached_property
    def _balances(self) -> dict[str, Balance]:
        """Balances every invoice, presuming that unallocated money pays the oldest due date first.

        Where the debtor has not said what a payment is for, it is imputed to the debts that are due,
        the oldest first (Code civil 1342-10).
        """
        free: dict[str, Decimal] = {}
        for payment in self.payments:
            free[payment.currency] = free.get(payment.currency, ZERO) + payment.unallocated
        for note in self.credit_notes:
            if note.invoice is None and not note.cancelled:
                free[note.currency] = free.get(note.currency, ZERO) + note.total
        balances: dict[str, Balance] = {}
        credited, paid = self._credited(), self._paid()
        for case in self._by_age:
            invoice = case.invoice
            balance = Balance(
                total=invoice.total,
                credited=credited.get(invoice.number, ZERO),
                paid=paid.get(invoice.number, ZERO),
                presumed=ZERO,
            )
            surplus = balance.credited + balance.paid - balance.total
            if surplus > ZERO:
                free[invoice.currency] = free.get(invoice.currency, ZERO) + surplus
            balances[invoice.number] = balance
        for case in self._by_age:
            invoice = case.invoice
            balance = balances[invoice.number]
            share = min(free.get(invoice.currency, ZERO), balance.open)
            if share > ZERO and case.ending is not Ending.WRITTEN_OFF:
                free[invoice.currency] -= share
                balances[invoice.number] = balance.model_copy(update={"presumed": share})
        return balances

    @cached_property
    def _by_age(self) -> tuple[Case, ...]:
        return tuple(sorted(self.cases, key=lambda case: (case.invoice.due_date, case.invoice.number)))

    def _credited(self) -> dict[str, Decimal]:
        """Sums the credit notes on each invoice."""
        sums: dict[str, Decimal] = {}
        for note in self.credit_notes:
            if note.invoice is not None and not note.cancelled:
                sums[note.invoice] = sums.get(note.invoice, ZERO) + note.total
        return sums

    def _paid(self) -> dict[str, Decimal]:
        """Sums what payments give to each invoice."""
        sums: dict[str, Decimal] = {}
        for payment in self.payments:
            for part in payment.allocations if not payment.reversed else ():
                sums[part.invoice] = sums.get(part.invoice, ZERO) + part.amount
        return sums

    def settlement(self, number: str) -> Rule | None:
        """Tells by what an invoice is settled: money, or credit notes alone; None while it is open."""
        balance = self.balance(number)
        if balance.open > ZERO:
            return None
        return Rule.PAID if balance.paid > ZERO else Rule.CREDITED

    def hold_on(self, number: str, day: date) -> Hold | None:
        """Finds the hold that suspends an invoice on a day, the longest where there are several."""
        holds = [hold for hold in self.holds if hold.covers(number, day)]
        return max(holds, key=lambda hold: hold.until, default=None)

    def stopped(self, policy: str, channel: Channel | None = None) -> bool:
        """Tells whether sending is stopped under a policy: by one channel, or altogether."""
        return any(stop.covers(policy, channel) for stop in self.stops)

    def open_numbers(self) -> tuple[str, ...]:
        """Lists the invoices whose case is open, the oldest due date first."""
        return tuple(case.invoice.number for case in self._by_age if case.ending is None)

    def last_contact(self) -> date | None:
        """Gives the day of the latest message that left or may be leaving."""
        left = (contact.day for contact in self.contacts)
        return max((*left, *(message.day for message in self.underway)), default=None)

    def remembered(self, day: date, memory_days: int) -> Contacted | None:
        """Gives the sternest message of the last days whose debt has not been cleared since.

        Paying the oldest invoice alone does not soften the tone of the next message; clearing every
        invoice that the message spoke of does. Formal steps are not remembered: they are taken once.
        """
        recent = [
            contact
            for contact in self.contacts
            if contact.overdue
            and (day - contact.day).days <= memory_days
            and contact.tone < Tone.FORMAL
            and any(self._still_owed(number, contact.day) for number in self._owed_when(contact))
        ]
        return max(recent, key=lambda contact: (contact.tone, contact.at), default=None)

    def _owed_when(self, contact: Contacted) -> tuple[str, ...]:
        return tuple(case.invoice.number for case in self.cases if case.invoice.due_date < contact.day)

    def _still_owed(self, number: str, since: date) -> bool:
        case = self.case(number)
        return (
            case.ending in {None, Ending.EXHAUSTED, Ending.HANDED_OFF}
            and case.invoice.due_date < since
            and self.balance(number).net > ZERO
        )

    def now_known(self, now: datetime) -> datetime:
        """Tells up to which moment payments are known: always now where they are pushed."""
        if self.creditor.payment_freshness_hours is None or self.payments_as_of is None:
            return now
        return min(now, self.payments_as_of)
