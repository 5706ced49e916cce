"""Who owes what to whom: the parties, the invoices, and what reduces them.

In: creditors, debtors and their contacts, invoices, credit notes, payments with their allocations.
Not in: what remains to be paid (account.py), and how it is asked for (policy.py, schedule.py).
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.caps import Sector, TermRule
from domain.fact import (
    ZERO,
    Amount,
    Country,
    Currency,
    DocumentName,
    Fact,
    Instant,
    Key,
    Language,
    PositiveAmount,
)


class PostalAddress(Fact):
    """Names the place where letters reach a party."""

    lines: tuple[str, ...] = Field(min_length=1, max_length=4)
    postcode: str = Field(max_length=12)
    city: str = Field(max_length=80)
    country: Country = "FR"


class BankSource(Fact):
    """Declares an account of the creditor whose statements tell what has been paid.

    `account` is the IBAN, or the number by which the bank's files call it. Payments count as known while
    at most `fresh_within_days` business days have passed unseen since the last day booked. `file` says
    which file to fetch where, `owner` whom to ask for it.
    """

    key: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    account: str = Field(min_length=1, max_length=64)
    currency: Currency = "EUR"
    fresh_within_days: int = Field(default=1, ge=0, le=31)
    file: str | None = Field(default=None, max_length=140)
    owner: str | None = Field(default=None, max_length=140)


class Tolerance(Fact):
    """Bounds the differences with which a payment still settles an invoice.

    `cents` is a slip in either direction; `charges` what banks on the way may have kept of a payment from
    abroad; `discount_days` how many days after the end of an early-payment discount its taking is accepted.
    """

    cents: Amount = Field(default=Decimal("0.05"), ge=0, le=5)
    charges: Amount = Field(default=Decimal("15.00"), ge=0, le=50)
    discount_days: int = Field(default=3, ge=0, le=15)


class Creditor(Fact):
    """Names the company that is owed and in whose name every message leaves.

    `payment_freshness_hours` bounds the age of the payment data behind a message; None says that
    payments are pushed as they are booked, so that they are known up to the moment of sending.
    `contact_cap_days` is the least number of days between two messages to one debtor; `daily_cap` the
    greatest number of messages that leave in this creditor's name on one civil day, none by default.
    `country` and `subdivision` choose the public holidays (`holidays` codes: 6AE Alsace, 57 Moselle).
    `grace_days` is how many civil days after the day agreed money may still be on the bank's way.
    """

    id: Key
    legal_name: str = Field(min_length=1, max_length=140)
    siren: str | None = None
    vat: str | None = None
    address: PostalAddress
    time_zone: str = "Europe/Paris"
    language: Language = "fr"
    subdivision: str | None = None
    email: str
    reply_to: str | None = None
    phone: str | None = None
    signatory: str | None = None
    iban: str | None = None
    bic: str | None = None
    policy: str = "french-b2b"
    payment_freshness_hours: int | None = Field(default=None, ge=1, le=240)
    contact_cap_days: int = Field(default=3, ge=1, le=30)
    daily_cap: int | None = Field(default=None, ge=1, le=1_000_000)
    terms_days: int | None = Field(default=None, ge=0, le=120)
    agency: str | None = None
    banks: tuple[BankSource, ...] = ()
    grace_days: int = Field(default=3, ge=0, le=15)
    tolerance: Tolerance = Tolerance()
    sector: Sector | None = None

    @property
    def country(self) -> str:
        """Tells the country whose public holidays the creditor keeps."""
        return self.address.country


class Contact(Fact):
    """Names a person or a mailbox at the debtor's that receives reminders.

    `role` says what they do there, in words. `bounced_on` is the day on which the address turned out not to
    exist; nothing is sent to it any more.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    bounced_on: date | None = None
    role: str | None = Field(default=None, max_length=60)


class Debtor(Fact):
    """Names the company that owes; its contacts are never mixed with another debtor's.

    `terms_days` are the payment terms agreed with this debtor, in days from the invoice date; `terms_rule`
    is the rule that bounds them. `requires_order` says that he asks for an order number on every invoice.
    `credit_limit` bounds what he may owe in all, `unpaid_limit` what may be overdue by more than
    `unpaid_margin_days`, both in `credit_currency`.
    """

    creditor: Key
    id: Key
    legal_name: str = Field(min_length=1, max_length=140)
    siren: str | None = None
    siret: str | None = None
    vat: str | None = None
    address: PostalAddress | None = None
    country: Country = "FR"
    subdivision: str | None = None
    time_zone: str | None = None
    language: Language = "fr"
    contacts: tuple[Contact, ...] = ()
    terms_days: int | None = Field(default=None, ge=0, le=120)
    policy: str | None = None
    contact_cap_days: int | None = Field(default=None, ge=1, le=30)
    tags: tuple[str, ...] = ()
    terms_rule: TermRule | None = None
    requires_order: bool = False
    credit_limit: Amount | None = Field(default=None, ge=0)
    unpaid_limit: Amount | None = Field(default=None, ge=0)
    unpaid_margin_days: int = Field(default=0, ge=0, le=120)
    credit_currency: Currency = "EUR"

    @property
    def emails(self) -> tuple[str, ...]:
        """Lists the addresses that reminders go to, in the order given."""
        return tuple(
            contact.email for contact in self.contacts if contact.email and contact.bounced_on is None
        )

    @property
    def phones(self) -> tuple[str, ...]:
        """Lists the telephone numbers at which the debtor can be called."""
        return tuple(contact.phone for contact in self.contacts if contact.phone)

    def remembering(self, known: "Debtor") -> "Debtor":
        """Gives these facts with the known marks of addresses that bounced, which nobody states anew."""
        marks = {one.email.lower(): one.bounced_on for one in known.contacts if one.email and one.bounced_on}
        contacts = tuple(
            contact.model_copy(update={"bounced_on": contact.bounced_on or marks[contact.email.lower()]})
            if contact.email and contact.email.lower() in marks
            else contact
            for contact in self.contacts
        )
        return self.model_copy(update={"contacts": contacts})


class DueDateSource(StrEnum):
    """Tells where a due date comes from (terms.py)."""

    INVOICE = "invoice"
    TERMS = "terms"
    DEBTOR_TERMS = "debtor_terms"
    CREDITOR_TERMS = "creditor_terms"
    LEGAL_DEFAULT = "legal_default"


class EarlyDiscount(Fact):
    """Offers a discount, in percent of the total, for payment up to a day, that day included."""

    percent: Decimal = Field(gt=0, le=20, max_digits=5, decimal_places=3)
    until: date


class Invoice(Fact):
    """States what one invoice asks for; the total includes VAT.

    An invoice payable in several maturities is one Invoice for each, which share `document`.
    `reference` is the payment reference printed on it. `direct_debit` says that the creditor collects it:
    nobody is reminded while the debit may still arrive. `delivered_on` is the day the debtor received it.
    """

    creditor: Key
    number: Key
    debtor: Key
    issue_date: date
    due_date: date
    due_date_source: DueDateSource = DueDateSource.INVOICE
    currency: Currency = "EUR"
    total: PositiveAmount
    document: str | None = None
    order_reference: str | None = Field(default=None, max_length=64)
    delivery_reference: str | None = Field(default=None, max_length=64)
    policy: str | None = None
    pdf: DocumentName | None = None
    reference: str | None = Field(default=None, max_length=140)
    discounts: tuple[EarlyDiscount, ...] = ()
    direct_debit: bool = False
    delivered_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.due_date < self.issue_date:
            msg = f"due_date {self.due_date} lies before issue_date {self.issue_date}"
            raise ValueError(msg)
        return self

    @property
    def of_document(self) -> str:
        """Tells the number of the document this maturity belongs to."""
        return self.document or self.number


class CreditNote(Fact):
    """Reduces what is owed; without an invoice it reduces the debtor's whole account."""

    creditor: Key
    number: Key
    debtor: Key
    invoice: Key | None = None
    issue_date: date
    currency: Currency = "EUR"
    total: PositiveAmount
    cancelled: bool = False


class Allowance(StrEnum):
    """Says why an invoice is settled by less than it asked for."""

    DISCOUNT = "discount"
    CHARGES = "charges"
    DIFFERENCE = "difference"


class Allocation(Fact):
    """Gives a part of a payment to one invoice.

    `allowed` is what the creditor lets go together with it, and `allowance` why: a discount taken in time,
    charges of banks on the way, a slip of cents. It comes and goes with the money.
    """

    invoice: Key
    amount: PositiveAmount
    allowed: Amount = Field(default=ZERO, ge=0)
    allowance: Allowance | None = None


class Payment(Fact):
    """States money received; what no allocation takes is the debtor's unallocated cash."""

    creditor: Key
    reference: str = Field(min_length=1, max_length=128)
    debtor: Key
    received_on: date
    currency: Currency = "EUR"
    amount: PositiveAmount
    allocations: tuple[Allocation, ...] = ()
    recorded_at: Instant | None = None
    reversed: bool = False

    @model_validator(mode="after")
    def _not_over_allocated(self) -> Self:
        if self.allocated > self.amount:
            msg = f"allocations sum to {self.allocated}, more than the payment's amount {self.amount}"
            raise ValueError(msg)
        return self

    @property
    def allocated(self) -> Amount:
        """Sums what has been given to invoices."""
        return sum((part.amount for part in self.allocations), ZERO)

    @property
    def unallocated(self) -> Amount:
        """Tells what no invoice has received; nothing once the payment is reversed."""
        return ZERO if self.reversed else self.amount - self.allocated
