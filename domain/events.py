"""The facts that reach Relance from outside, each as one event.

In: the events, their fields and their bounds; the union that reads any of them by its `type`.
Not in: bytes, files and rows (intake/), and what an event changes (ledger/).
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from domain.agreements import Agreement, HowEnded
from domain.fact import ZERO, Amount, Currency, DocumentName, Fact, Instant, Key, PositiveAmount
from domain.receivable import Allowance, Creditor, Debtor, EarlyDiscount


class CreditorRegistered(Fact):
    """States who is owed; a later one replaces the earlier."""

    type: Literal["creditor.registered"] = "creditor.registered"
    creditor: Creditor


class DebtorRegistered(Fact):
    """States who owes; a later one replaces the earlier."""

    type: Literal["debtor.registered"] = "debtor.registered"
    debtor: Debtor


class Maturity(Fact):
    """States one of several due dates of an invoice, and its part of the total."""

    due_date: date
    amount: PositiveAmount


class InvoiceCreated(Fact):
    """States a new invoice, or a later version of one that is known.

    Without `due_date` the terms decide (terms.py). `maturities` splits the total into several due
    dates, each with a case of its own, numbered `number/1`, `number/2`... A correction carries the
    next `version`; the same version with other facts is refused.
    """

    type: Literal["invoice.created"] = "invoice.created"
    creditor: Key
    number: Key
    debtor: Key
    issue_date: date
    due_date: date | None = None
    terms_days: int | None = Field(default=None, ge=0, le=120)
    maturities: tuple[Maturity, ...] = ()
    currency: Currency = "EUR"
    total: PositiveAmount
    order_reference: str | None = Field(default=None, max_length=64)
    delivery_reference: str | None = Field(default=None, max_length=64)
    policy: str | None = None
    pdf: DocumentName | None = None
    reference: str | None = Field(default=None, max_length=140)
    discounts: tuple[EarlyDiscount, ...] = ()
    direct_debit: bool = False
    delivered_on: date | None = None
    version: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _maturities_make_the_total(self) -> Self:
        if self.maturities and sum(part.amount for part in self.maturities) != self.total:
            parts = sum(part.amount for part in self.maturities)
            msg = f"maturities sum to {parts}, not to the total {self.total}"
            raise ValueError(msg)
        if self.maturities and self.due_date is not None:
            msg = "due_date and maturities exclude each other; keep one"
            raise ValueError(msg)
        return self


class InvoiceWrittenOff(Fact):
    """States that an invoice is given up; `written_off: false` takes that back."""

    type: Literal["invoice.written_off"] = "invoice.written_off"
    creditor: Key
    number: Key
    written_off: bool = True
    reason: str = Field(min_length=1, max_length=200)


class PaymentReceived(Fact):
    """States money received: for one invoice, for several, or for none that is known yet.

    `reference` is the payment's identity: the same reference with the same facts changes nothing.
    Without an invoice, `debtor` says whose account the money is on.
    """

    type: Literal["payment.received"] = "payment.received"
    creditor: Key
    reference: str = Field(min_length=1, max_length=128)
    amount: PositiveAmount
    currency: Currency = "EUR"
    received_on: date
    debtor: Key | None = None
    invoice: Key | None = None
    allocations: tuple["AllocationStated", ...] = ()

    @model_validator(mode="after")
    def _says_whose(self) -> Self:
        if self.debtor is None and self.invoice is None and not self.allocations:
            msg = "a payment names its invoice, its allocations, or at least its debtor"
            raise ValueError(msg)
        if self.invoice is not None and self.allocations:
            msg = "invoice and allocations exclude each other; keep one"
            raise ValueError(msg)
        return self


class AllocationStated(Fact):
    """States which part of a payment is for which invoice, and what is let go together with it."""

    invoice: Key
    amount: PositiveAmount
    allowed: Amount = Field(default=ZERO, ge=0)
    allowance: Allowance | None = None


class PaymentReversed(Fact):
    """States that a payment came back (returned debit, bounced cheque, booking error)."""

    type: Literal["payment.reversed"] = "payment.reversed"
    creditor: Key
    reference: str = Field(min_length=1, max_length=128)
    reason: str | None = Field(default=None, max_length=200)


class CreditNoteIssued(Fact):
    """States a credit note; without `invoice` it reduces the debtor's account as a whole."""

    type: Literal["credit_note.issued"] = "credit_note.issued"
    creditor: Key
    number: Key
    debtor: Key | None = None
    invoice: Key | None = None
    issue_date: date
    currency: Currency = "EUR"
    total: PositiveAmount

    @model_validator(mode="after")
    def _says_whose(self) -> Self:
        if self.debtor is None and self.invoice is None:
            msg = "a credit note names its invoice, or at least its debtor"
            raise ValueError(msg)
        return self


class CreditNoteCancelled(Fact):
    """States that a credit note no longer counts."""

    type: Literal["credit_note.cancelled"] = "credit_note.cancelled"
    creditor: Key
    number: Key


class AgreementMade(Fact):
    """States a dispute, a promise to pay, an instalment plan or a settlement; each once by its id."""

    type: Literal["agreement.made"] = "agreement.made"
    creditor: Key
    agreement: Agreement


class AgreementEnded(Fact):
    """States that people ended an agreement: withdrew it, or answered a dispute."""

    type: Literal["agreement.ended"] = "agreement.ended"
    creditor: Key
    id: Key
    how: HowEnded = HowEnded.WITHDRAWN
    reason: str = Field(min_length=1, max_length=200)


class StatusReported(Fact):
    """States what the e-invoicing network reports of an invoice (life-cycle message, AFNOR XP Z12-012).

    The invoice is known by the seller's SIREN, its number and its issue date. `code` is the status (200 to
    601), `amount` what was paid (211), cashed (212) or not approved (206), `approved` what was approved
    (206), `effective_on` the day of that payment where it is stated. `reasons` and `actions` are the codes
    of the message.
    """

    type: Literal["invoice.status_reported"] = "invoice.status_reported"
    creditor: Key
    number: Key
    issue_date: date | None = None
    code: str = Field(pattern=r"^[0-9]{3}$")
    at: Instant
    message: str = Field(min_length=1, max_length=140)
    reporter: str | None = Field(default=None, max_length=8)
    reasons: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    amount: PositiveAmount | None = None
    approved: PositiveAmount | None = None
    currency: Currency | None = None
    effective_on: date | None = None
    text: str | None = Field(default=None, max_length=500)


class PaymentsKnown(Fact):
    """States up to which moment the creditor's payments have been fed in."""

    type: Literal["payments.known"] = "payments.known"
    creditor: Key
    as_of: Instant


Event = Annotated[
    CreditorRegistered
    | DebtorRegistered
    | InvoiceCreated
    | InvoiceWrittenOff
    | PaymentReceived
    | PaymentReversed
    | CreditNoteIssued
    | CreditNoteCancelled
    | PaymentsKnown
    | AgreementMade
    | AgreementEnded
    | StatusReported,
    Field(discriminator="type"),
]
"""Any event, told apart by its `type`."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes any event."""
