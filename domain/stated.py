"""What a heap of events states, sorted by what it is about: each thing once, in its latest version.

In: the facts of a portfolio by their names, and what contradicts itself.
Not in: what they change and when (portfolio.py).
"""

from collections.abc import Iterable

from domain.events import (
    AgreementEnded,
    AgreementMade,
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
    StatusReported,
)
from domain.faults import InputRefused
from domain.receivable import Creditor, Debtor

TWICE = "it is stated twice with different facts; correct one of them"

Key = tuple[str, str]
"""A creditor, and a debtor or a number of its own."""


class Stated:
    """Holds what events state, by creditor and name; `refused` lists those that cannot be meant."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Sorts events, in any order."""
        self.creditors: dict[str, Creditor] = {}
        self.debtors: dict[Key, Debtor] = {}
        self.invoices: dict[Key, InvoiceCreated] = {}
        self.payments: dict[Key, PaymentReceived] = {}
        self.credits: dict[Key, CreditNoteIssued] = {}
        self.agreements: dict[Key, AgreementMade] = {}
        self.given_up: dict[Key, bool] = {}
        self.undone: set[tuple[str, Key]] = set()
        """What was taken back, by the type of the event that stated it."""
        self.known: list[PaymentsKnown] = []
        self.refused: list[InputRefused] = []
        for event in events:
            self._sort(event)

    def _sort(self, event: Event) -> None:  # noqa: C901, PLR0912 - one arm for each event
        match event:
            case CreditorRegistered(creditor=creditor):
                self.creditors[creditor.id] = creditor
            case DebtorRegistered(debtor=debtor):
                self.debtors[debtor.creditor, debtor.id] = debtor
            case InvoiceCreated():
                self._keep_invoice(event)
            case PaymentReceived():
                if self.payments.setdefault((event.creditor, event.reference), event) != event:
                    self.refuse("reference", event.reference, TWICE)
            case CreditNoteIssued():
                if self.credits.setdefault((event.creditor, event.number), event) != event:
                    self.refuse("number", event.number, TWICE)
            case AgreementMade(agreement=agreement):
                if self.agreements.setdefault((event.creditor, agreement.id), event) != event:
                    self.refuse("agreement.id", agreement.id, TWICE)
            case PaymentReversed():
                self.undone.add(("payment.received", (event.creditor, event.reference)))
            case CreditNoteCancelled():
                self.undone.add(("credit_note.issued", (event.creditor, event.number)))
            case AgreementEnded():
                self.undone.add(("agreement.made", (event.creditor, event.id)))
            case InvoiceWrittenOff():
                self.given_up[event.creditor, event.number] = event.written_off
            case PaymentsKnown():
                self.known.append(event)
            case StatusReported():
                self.refuse("type", event.type, "is not simulated; leave this row out")

    def _keep_invoice(self, event: InvoiceCreated) -> None:
        key = (event.creditor, event.number)
        before = self.invoices.get(key)
        if before is None or event.version > before.version:
            self.invoices[key] = event
        elif event.version == before.version and event != before:
            self.refuse("version", f"{event.number} version {event.version}", TWICE)

    def refuse(self, name: str, value: str, remedy: str) -> None:
        """Notes what cannot be taken."""
        self.refused.append(InputRefused(name, value, remedy))

    def is_undone(self, kind: str, creditor: str, name: str) -> bool:
        """Tells whether a fact stated by a type of event was taken back."""
        return (kind, (creditor, name)) in self.undone
