"""A portfolio read from events: the accounts as they begin, and the dated facts that befall them.

In: what each event means for accounts held in memory, for simulation.
Not in: the walk through time (simulation.py), bytes and rows (intake/), the record (ledger/).

Facts take effect at the start of their civil day, in the creditor's zone; an event that carries no date
(a reversal, a cancelled credit note, a write-off) counts from the beginning. Money that names an invoice
waits for it. Payments are taken to be known at once unless the events say how far they are known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.account import Account, Case
from domain.actions import Ending, Rule
from domain.allotment import allocated, parts_of
from domain.events import (
    CreditNoteCancelled,
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    InvoiceWrittenOff,
    PaymentReceived,
    PaymentReversed,
    PaymentsKnown,
)
from domain.faults import InputRefused
from domain.policy import DunningPolicy
from domain.receivable import CreditNote, Creditor, Debtor, Invoice, Payment
from domain.simulation import Change

AFTER_INVOICES = timedelta(seconds=1)
"""Money of a day comes after the invoices of that day, which it may pay."""

LONG_ENOUGH = timedelta(days=1100)
"""Longer than any ladder with its spacings and holds."""

STATED_OTHERWISE = "it is stated twice with different facts; correct one of them"

Key = tuple[str, str]
"""A creditor, and a debtor or a number of its own."""


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
    reading = _Reading(catalogue, policy, approve=approve)
    for event in events:
        reading.sort(event)
    return reading.portfolio()


class _Reading:
    """Sorts events by what they are about, then makes them into facts."""

    def __init__(self, catalogue: Mapping[str, DunningPolicy], policy: str | None, *, approve: bool) -> None:
        self.catalogue = catalogue
        self.policy = policy
        self.approve = approve
        self.creditors: dict[str, Creditor] = {}
        self.debtors: dict[Key, Debtor] = {}
        self.invoices: dict[Key, InvoiceCreated] = {}
        self.payments: dict[Key, PaymentReceived] = {}
        self.credits: dict[Key, CreditNoteIssued] = {}
        self.given_up: dict[Key, bool] = {}
        self.undone: set[Key] = set()
        self.known: list[PaymentsKnown] = []
        self.opened: dict[Key, list[Invoice]] = {}
        self.facts: list[tuple[datetime, str, Change]] = []
        self.policies: dict[str, DunningPolicy] = {}
        self.refused: list[InputRefused] = []

    def sort(self, event: Event) -> None:  # noqa: C901 - one arm for each event
        match event:
            case CreditorRegistered(creditor=creditor):
                self.creditors[creditor.id] = creditor
            case DebtorRegistered(debtor=debtor):
                self.debtors[debtor.creditor, debtor.id] = debtor
            case InvoiceCreated():
                self.keep_invoice(event)
            case PaymentReceived():
                if self.payments.setdefault((event.creditor, event.reference), event) != event:
                    self.refuse("reference", event.reference, STATED_OTHERWISE)
            case CreditNoteIssued():
                if self.credits.setdefault((event.creditor, event.number), event) != event:
                    self.refuse("number", event.number, STATED_OTHERWISE)
            case PaymentReversed():
                self.undone.add((event.creditor, event.reference))
            case CreditNoteCancelled():
                self.undone.add((event.creditor, event.number))
            case InvoiceWrittenOff():
                self.given_up[event.creditor, event.number] = event.written_off
            case PaymentsKnown():
                self.known.append(event)

    def keep_invoice(self, event: InvoiceCreated) -> None:
        key = (event.creditor, event.number)
        before = self.invoices.get(key)
        if before is None or event.version > before.version:
            self.invoices[key] = event
        elif event.version == before.version and event != before:
            self.refuse("version", f"{event.number} version {event.version}", STATED_OTHERWISE)

    def refuse(self, name: str, value: str, remedy: str) -> None:
        self.refused.append(InputRefused(name, value, remedy))

    def portfolio(self) -> Portfolio:
        for invoice in self.invoices.values():
            self.open_invoice(invoice)
        for payment in self.payments.values():
            self.receive(payment)
        for note in self.credits.values():
            self.credit(note)
        for known in self.known:
            self.know(known)
        fed = {known.creditor for known in self.known}
        dues = [invoice.due_date for parts in self.opened.values() for invoice in parts]
        return Portfolio(
            accounts=tuple(
                Account(creditor=_pushed(self.creditors[creditor], fed), debtor=debtor)
                for (creditor, _), debtor in self.debtors.items()
                if creditor in self.creditors
            ),
            facts=tuple(self.facts),
            policies=self.policies,
            refused=tuple(self.refused),
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
        self.opened[event.creditor, event.number] = parts
        given_up = self.given_up.get((event.creditor, event.number), False)
        cases = tuple(
            Case(
                invoice=part,
                policy=policy.version,
                approved=tuple(step.key for step in policy.steps if step.approval and self.approve),
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

    def receive(self, event: PaymentReceived) -> None:
        limits = {part.invoice: part.amount for part in event.allocations}
        named = [event.invoice] if event.invoice is not None else list(limits)
        debtor, invoices = self.whose(event.creditor, event.debtor, named)
        if debtor is None or (event.creditor, event.reference) in self.undone:
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
            parts = allocated(account, event.amount, invoices, limits)
            return account.having(
                payments=(*account.payments, bare.model_copy(update={"allocations": parts}))
            )

        day = max([event.received_on, *(invoice.issue_date for invoice in invoices)])
        self.fact(self.midnight(event.creditor, day) + AFTER_INVOICES, event.creditor, debtor, change)

    def credit(self, event: CreditNoteIssued) -> None:
        debtor, invoices = self.whose(event.creditor, event.debtor, [event.invoice] if event.invoice else [])
        if debtor is None or (event.creditor, event.number) in self.undone:
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
