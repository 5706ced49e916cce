"""A portfolio read from events: the accounts as they begin, and the dated facts that befall them.

In: what each event means for accounts held in memory, for simulation.
Not in: the sorting of events (stated.py), the walk through time (simulation.py), the record (ledger/).

Facts take effect at the start of their civil day, in the creditor's zone; an event that carries no date
(a reversal, a cancelled credit note, a write-off, the end of an agreement) counts from the beginning. Money
that names an invoice waits for it, and what is agreed on a day knows the money of that day. Payments are
taken to be known at once unless the events say how far they are known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.account import Account, Case
from domain.actions import Ending, Rule
from domain.agreements import Agreement
from domain.allotment import allocated, parts_of
from domain.concluding import concluded, divided
from domain.events import (
    AgreementMade,
    AllocationStated,
    CreditNoteIssued,
    Event,
    InvoiceCreated,
    PaymentReceived,
    PaymentsKnown,
)
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.policy import DunningPolicy, Tone
from domain.receivable import Allocation, CreditNote, Creditor, Invoice, Payment
from domain.simulation import Change
from domain.stated import Key, Stated

AFTER_INVOICES = timedelta(seconds=1)
"""Money of a day comes after the invoices of that day, which it may pay."""

AFTER_MONEY = 2 * AFTER_INVOICES
"""What is agreed on a day comes after the money of that day."""

LONG_ENOUGH = timedelta(days=1100)
"""Longer than any ladder with its spacings and holds."""


@dataclass
class Portfolio:
    """Holds what a simulation needs; `refused` lists the events that could not be taken."""

    accounts: tuple[Account, ...] = ()
    facts: tuple[tuple[datetime, str, Change], ...] = ()
    policies: dict[str, DunningPolicy] = field(default_factory=dict)
    refused: tuple[InputRefused, ...] = ()
    last_due: date | None = None

    @property
    def start(self) -> datetime:
        """Gives the instant of the first fact."""
        return min((at for at, _, _ in self.facts), default=datetime.min.replace(tzinfo=UTC))

    @property
    def end(self) -> datetime:
        """Gives an instant by which every ladder has come to its end."""
        day = self.last_due or self.start.date()
        return datetime.combine(day, time(), UTC) + LONG_ENOUGH


def accounts_from(
    events: Iterable[Event],
    catalogue: Mapping[str, DunningPolicy],
    *,
    policy: str | None = None,
    approve: bool = False,
) -> Portfolio:
    """Reads events, in any order, into accounts that are still empty and the facts that fill them.

    `catalogue` holds policies by id; `policy` puts every invoice under one of them. `approve` takes every
    step that waits for a person as approved. Events that cannot be taken are listed, the others go on.
    """
    return _Telling(Stated(events), catalogue, policy, approve=approve).portfolio()


class _Telling:
    """Makes what is stated into dated facts."""

    def __init__(
        self, stated: Stated, catalogue: Mapping[str, DunningPolicy], policy: str | None, *, approve: bool
    ) -> None:
        self.stated = stated
        self.catalogue = catalogue
        self.policy = policy
        self.approve = approve
        self.creditors = stated.creditors
        self.debtors = stated.debtors
        self.opened: dict[Key, list[Invoice]] = {}
        self.facts: list[tuple[datetime, str, Change]] = []
        self.policies: dict[str, DunningPolicy] = {}
        self.refuse = stated.refuse

    def portfolio(self) -> Portfolio:
        for invoice in self.stated.invoices.values():
            self.open_invoice(invoice)
        for payment in self.stated.payments.values():
            self.receive(payment)
        for note in self.stated.credits.values():
            self.credit(note)
        for agreed in self.stated.agreements.values():
            self.agree(agreed)
        for known in self.stated.known:
            self.know(known)
        fed = {known.creditor for known in self.stated.known}
        dues = [invoice.due_date for parts in self.opened.values() for invoice in parts]
        return Portfolio(
            accounts=tuple(
                Account(creditor=_pushed(self.creditors[creditor], fed), debtor=debtor)
                for (creditor, _), debtor in self.debtors.items()
                if creditor in self.creditors
            ),
            facts=tuple(self.facts),
            policies=self.policies,
            refused=tuple(self.stated.refused),
            last_due=max(dues, default=None),
        )

    def fact(self, at: datetime, creditor: str, debtor: str, change: Change) -> None:
        """Notes a fact; two creditors may both have a debtor of the same id."""
        self.facts.append(
            (at, debtor, lambda account: change(account) if account.creditor.id == creditor else account)
        )

    def midnight(self, creditor: str, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.creditors[creditor].time_zone)).astimezone(UTC)

    def open_invoice(self, event: InvoiceCreated) -> None:
        creditor, debtor = (
            self.creditors.get(event.creditor),
            self.debtors.get((event.creditor, event.debtor)),
        )
        if creditor is None:
            self.refuse(
                "creditor", event.creditor, f"invoice {event.number}: state this creditor in the same files"
            )
            return
        if debtor is None:
            self.refuse(
                "debtor", event.debtor, f"invoice {event.number}: state this debtor in the same files"
            )
            return
        chosen = self.policy or event.policy or debtor.policy or creditor.policy
        policy = self.catalogue.get(chosen)
        if policy is None:
            self.refuse(
                "policy", chosen, f"invoice {event.number}: use one of {', '.join(sorted(self.catalogue))}"
            )
            return
        parts = parts_of(event, creditor, debtor)
        if parts is None:
            self.refuse(
                "due_date", str(event.due_date), f"invoice {event.number}: it lies before the issue date"
            )
            return
        self.policies[policy.version] = policy
        self.opened |= {(event.creditor, part.number): [part] for part in parts}
        self.opened[event.creditor, event.number] = parts
        given_up = self.stated.given_up.get((event.creditor, event.number), False)
        cases = tuple(
            Case(
                invoice=part,
                policy=policy.version,
                approved=tuple(
                    step.key
                    for step in policy.steps
                    # Grave steps wait too where a dispute has not been answered.
                    if self.approve and (step.approval or step.tone >= Tone.FORMAL)
                ),
                ending=Ending.WRITTEN_OFF if given_up else None,
            )
            for part in parts
        )
        at = self.midnight(event.creditor, event.issue_date)
        self.fact(
            at, event.creditor, event.debtor, lambda account: account.having(cases=(*account.cases, *cases))
        )

    def whose(
        self, creditor: str, stated: str | None, numbers: Iterable[str]
    ) -> tuple[str | None, list[Invoice]]:
        """Finds the debtor of money, and the invoices that it names; notes what cannot be found."""
        invoices: list[Invoice] = []
        for number in numbers:
            found = self.opened.get((creditor, number))
            if found is None:
                self.refuse(
                    "invoice", number, "no such invoice among the events; state it, or leave this row out"
                )
                return None, []
            invoices += found
        debtor = invoices[0].debtor if invoices else stated
        if debtor is None or (creditor, debtor) not in self.debtors:
            self.refuse(
                "debtor", str(debtor), "no such debtor among the events; state it, or leave this row out"
            )
            return None, []
        return debtor, invoices

    def agree(self, event: AgreementMade) -> None:
        """Notes an agreement; one that the account contradicts on its day is not made, as in the live run."""
        stated = event.agreement
        debtor, invoices = self.whose(event.creditor, None, stated.invoices)
        if debtor is None or self.stated.is_undone(event.type, event.creditor, stated.id):
            return
        if any(invoice.debtor != debtor for invoice in invoices):
            self.refuse(
                "agreement.invoices", ", ".join(stated.invoices), "are of different debtors; part them"
            )
            return
        parts = {part.number: part.due_date for part in invoices}
        numbers = tuple(sorted(parts, key=lambda number: (parts[number], number)))
        day = max([stated.made_on, *(invoice.issue_date for invoice in invoices)])
        at = self.midnight(event.creditor, day) + AFTER_MONEY

        def change(account: Account) -> Account:
            made = account
            try:
                for one in divided(account, stated, numbers):
                    decided = self.decided(concluded(made, one, day))
                    made = made.having(agreements=(*made.agreements, decided))
            except (InputRefused, ValidationError):
                return account
            return made

        self.fact(at, event.creditor, debtor, change)

    def decided(self, agreement: Agreement) -> Agreement:
        return agreement.model_copy(update={"approved": self.approve and agreement.needs_approval})

    def receive(self, event: PaymentReceived) -> None:
        let_go = {part.invoice: part for part in event.allocations if part.allowed > ZERO and part.allowance}
        limits = {part.invoice: part.amount for part in event.allocations}
        named = [event.invoice] if event.invoice is not None else list(limits)
        debtor, invoices = self.whose(event.creditor, event.debtor, named)
        if debtor is None or self.stated.is_undone(event.type, event.creditor, event.reference):
            return
        bare = Payment(
            creditor=event.creditor,
            reference=event.reference,
            debtor=debtor,
            received_on=event.received_on,
            currency=event.currency,
            amount=event.amount,
        )

        def change(account: Account) -> Account:
            given = allocated(account, event.amount, invoices, limits)
            parts = tuple(_with(one, let_go, account, invoices) for one in given)
            return account.having(
                payments=(*account.payments, bare.model_copy(update={"allocations": parts}))
            )

        day = max([event.received_on, *(invoice.issue_date for invoice in invoices)])
        self.fact(self.midnight(event.creditor, day) + AFTER_INVOICES, event.creditor, debtor, change)

    def credit(self, event: CreditNoteIssued) -> None:
        debtor, invoices = self.whose(event.creditor, event.debtor, [event.invoice] if event.invoice else [])
        if debtor is None or self.stated.is_undone(event.type, event.creditor, event.number):
            return
        note = CreditNote(
            creditor=event.creditor,
            number=event.number,
            debtor=debtor,
            # The maturities of one document share its credit, the oldest first, as unallocated money is.
            invoice=event.invoice if len(invoices) == 1 else None,
            issue_date=event.issue_date,
            currency=event.currency,
            total=event.total,
        )
        day = max([event.issue_date, *(invoice.issue_date for invoice in invoices)])
        at = self.midnight(event.creditor, day) + AFTER_INVOICES
        self.fact(
            at,
            event.creditor,
            debtor,
            lambda account: account.having(credit_notes=(*account.credit_notes, note)),
        )

    def know(self, event: PaymentsKnown) -> None:
        for creditor, debtor in self.debtors:
            if creditor == event.creditor and creditor in self.creditors:
                self.fact(
                    event.as_of.astimezone(UTC),
                    creditor,
                    debtor,
                    lambda account: _known(account, event.as_of),
                )


def _with(
    part: Allocation, let_go: Mapping[str, AllocationStated], account: Account, invoices: Iterable[Invoice]
) -> Allocation:
    """Lets go with a share of money what was stated with it, and never more than the invoice owes."""
    documents = {invoice.number: invoice.of_document for invoice in invoices}
    stated = let_go.get(part.invoice) or let_go.get(documents[part.invoice])
    if stated is None:
        return part
    allowed = min(stated.allowed, account.balance(part.invoice).open - part.amount)
    return part.model_copy(update={"allowed": allowed, "allowance": stated.allowance}) if allowed else part


def _pushed(creditor: Creditor, fed: set[str]) -> Creditor:
    if creditor.id in fed:
        return creditor
    return creditor.model_copy(update={"payment_freshness_hours": None})


def _known(account: Account, as_of: datetime) -> Account:
    """Takes the payments as known up to an instant, which frees the cases that waited for it."""
    cases = tuple(
        case.model_copy(update={"blocked": None})
        if case.blocked and case.blocked.rule is Rule.STALE
        else case
        for case in account.cases
    )
    return account.having(payments_as_of=max(as_of, account.payments_as_of or as_of), cases=cases)
