"""The account of one debtor: its cases, and what each of them still owes.

In: the balance of each invoice, what suspends it, what has been said when.
Not in: what to do about it (schedule.py, gate.py), and how the account is stored (ledger/).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import Field

from domain.actions import Because, Ending, Rule, StepOutcome, StepTaken
from domain.agreements import Agreement, Dispute, Hold, Settlement, Stop
from domain.balance import Balance, balances
from domain.fact import ZERO, Fact, Instant
from domain.policy import Channel, NamedTone, Tone
from domain.receivable import CreditNote, Creditor, Debtor, Invoice, Payment
from domain.standing import Came, Standing, Suspension, breaks_on, standing, suspension, unmet

DEBIT_RESULT = timedelta(days=5)
"""How long after the due date the result of a direct debit may take to be known."""

WORKED_OUT = {
    "_receipts": frozenset({"cases", "credit_notes", "payments"}),
    "_balances": frozenset({"cases", "credit_notes", "payments", "agreements", "creditor"}),
    "_suspensions": frozenset({"cases", "credit_notes", "payments", "agreements", "creditor", "holds"}),
    "_by_age": frozenset({"cases"}),
    "_by_number": frozenset({"cases"}),
}
"""What an account works out once, and the facts that it follows from."""


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
    agreements: tuple[Agreement, ...] = ()
    contacts: tuple[Contacted, ...] = ()
    underway: tuple[Underway, ...] = ()
    payments_as_of: Instant | None = None
    booked_to: dict[str, date] = Field(default_factory=dict)
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
        if not any(
            "invoice" in change or self._written_off_by(number, change) for number, change in changes.items()
        ):
            for name in ("_receipts", "_balances", "_suspensions"):
                if name in self.__dict__:
                    fresh.__dict__[name] = self.__dict__[name]
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
        """Balances every invoice, once the settlements that were kept have let their rest go."""
        received = self._receipts
        if not any(isinstance(one, Settlement) for one in self.agreements):
            return received
        kept = {
            number
            for one in self.agreements
            if isinstance(one, Settlement)
            and one.approved
            and one.ended_on is None
            and unmet(one, self._came(one), self._grace) is None
            for number in one.invoices
            if number in received
        }
        return received | {
            number: received[number].model_copy(update={"waived": received[number].net}) for number in kept
        }

    @cached_property
    def _receipts(self) -> dict[str, Balance]:
        """Balances every invoice by receipts alone."""
        return balances(
            {case.invoice.number: case.invoice for case in self._by_age},
            frozenset(case.invoice.number for case in self.cases if case.ending is Ending.WRITTEN_OFF),
            self.payments,
            self.credit_notes,
        )

    @cached_property
    def _by_age(self) -> tuple[Case, ...]:
        return tuple(sorted(self.cases, key=lambda case: (case.invoice.due_date, case.invoice.number)))

    def settlement(self, number: str) -> Rule | None:
        """Tells by what an invoice is settled: money, a settlement or credit notes; None while it is open."""
        balance = self.balance(number)
        if balance.open > ZERO:
            return None
        if balance.waived > ZERO:
            return Rule.WAIVED
        return Rule.PAID if balance.paid > ZERO else Rule.CREDITED

    def suspended_on(self, number: str, day: date) -> Suspension | None:
        """Finds what suspends an invoice on a day, the longest where there is more than one thing."""
        found = [one for one in self._suspensions.get(number, ()) if one.covers(day)]
        if self.claimable(number, day) > ZERO:
            found = [one for one in found if one.amount is None]
        return max(found, key=lambda one: one.until, default=None)

    def claimable(self, number: str, day: date) -> Decimal:
        """Tells what may be asked for on a day: what is owed, less what the debtor contests."""
        net = self.balance(number).net
        parts = (one for one in self._suspensions.get(number, ()) if one.covers(day))
        contested = sum(
            ((net if one.amount is None else one.amount) for one in parts if one.rule is Rule.DISPUTED), ZERO
        )
        return max(ZERO, net - contested)

    def contested(self, number: str) -> bool:
        """Tells whether a dispute about an invoice has not been answered, even if its time has run out."""
        return any(
            isinstance(one, Dispute) and one.ended_on is None and number in one.invoices
            for one in self.agreements
        )

    def standing(self, agreement: Agreement, day: date) -> Standing:
        """Tells how an agreement stands on a day (standing.py)."""
        return standing(agreement, self._came(agreement), day, self._grace)

    def broken_on(self, number: str) -> date | None:
        """Gives the day on which the latest promise or plan about an invoice breaks if no money comes."""
        days = (
            breaks_on(one, self._came(one), self._grace) for one in self.agreements if number in one.invoices
        )
        return max((day for day in days if day is not None), default=None)

    @property
    def _grace(self) -> timedelta:
        return timedelta(days=self.creditor.grace_days)

    def owed(self, numbers: Iterable[str], day: date) -> Decimal:
        """Sums what invoices owed by the money that had been received up to a day."""
        then = self.having(
            payments=tuple(one for one in self.payments if one.received_on <= day),
            credit_notes=tuple(one for one in self.credit_notes if one.issue_date <= day),
        )
        known = then._receipts  # noqa: SLF001 - the same account, on another day
        return sum((known[number].net for number in numbers if number in known), ZERO)

    def _came(self, agreement: Agreement) -> Came:
        """Tells how much came for an agreement's invoices since it was made."""
        return lambda day: (agreement.owed or ZERO) - self.owed(agreement.invoices, day)

    @cached_property
    def _suspensions(self) -> dict[str, tuple[Suspension, ...]]:
        """Lists what suspends each invoice, if no more money comes."""
        found: dict[str, list[Suspension]] = {}
        for hold in self.holds:
            if hold.lifted_on is None:
                held = Suspension(Rule.HOLD, hold.starts_on, hold.until)
                for number in [hold.invoice] if hold.invoice else self._by_number:
                    found.setdefault(number, []).append(held)
        for agreement in self.agreements:
            agreed = suspension(agreement, self._came(agreement), self._grace)
            for number in agreement.invoices if agreed else ():
                found.setdefault(number, []).append(agreed)  # type: ignore[arg-type]
        returned = {
            part.invoice for payment in self.payments if payment.reversed for part in payment.allocations
        }
        for case in self.cases:
            invoice = case.invoice
            if invoice.direct_debit and invoice.number not in returned:
                until = invoice.due_date + DEBIT_RESULT
                debited = Suspension(Rule.DIRECT_DEBIT, invoice.issue_date, until)
                found.setdefault(invoice.number, []).append(debited)
        return {number: tuple(several) for number, several in found.items()}

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
