"""An electronic invoice as its semantic model has it (EN 16931), whatever syntax it came in.

In: the business terms (BT) that following an invoice needs, and the checks that its amounts pass.
Not in: the syntaxes (cii.py, ubl.py), and what is to be taken in (events.py).
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field

from domain.events import Maturity
from domain.fact import ZERO, Amount, Currency, Fact
from domain.receivable import EarlyDiscount

Syntax = Literal["CII", "UBL Invoice", "UBL CreditNote"]


class Identifier(Fact):
    """Holds an identifier and the scheme that it is of (ISO 6523: 0002 SIREN, 0009 SIRET), where stated."""

    id: str
    scheme: str | None = None


class TradeAddress(Fact):
    """Holds a postal address as far as it is given."""

    lines: tuple[str, ...] = ()
    postcode: str | None = None
    city: str | None = None
    country: str | None = None


class TradeParty(Fact):
    """Names the seller (BG-4) or the buyer (BG-7).

    `legal_id` is the registration (BT-30, BT-47), `vat` is normalised (BT-31, BT-48), `ids` are the other
    identifiers (BT-29, BT-46), `endpoint` is the electronic address (BT-34, BT-49).
    """

    name: str
    legal_id: Identifier | None = None
    vat: str | None = None
    ids: tuple[Identifier, ...] = ()
    endpoint: Identifier | None = None
    contact: str | None = None
    email: str | None = None
    phone: str | None = None
    address: TradeAddress = TradeAddress()


class InvoiceNote(Fact):
    """Holds a note (BG-1) with its subject: PMT costs of recovery, PMD penalties, AAB discount..."""

    subject: str | None
    text: str


class EInvoice(Fact):
    """States what an electronic invoice or credit note says, amounts with the sign that it gives them.

    `total` includes VAT (BT-112); `due` is what is left to pay (BT-115), which is `total` - `prepaid`
    (BT-113) + `rounding` (BT-114). `maturities` are payment terms that give an amount, `due_dates` (BT-9)
    the days of those that give none. `discounts` are the early-payment discounts that were understood;
    `remarks` says what was not, and what was concluded. `embedded` names the XML inside a PDF.
    """

    syntax: Syntax
    profile: str
    embedded: str | None = None
    number: str
    issue_date: date
    type_code: str
    currency: Currency
    total: Amount
    prepaid: Amount = ZERO
    rounding: Amount = ZERO
    due: Amount
    due_dates: tuple[date, ...] = ()
    maturities: tuple[Maturity, ...] = ()
    terms: str | None = None
    discounts: tuple[EarlyDiscount, ...] = ()
    delivered_on: date | None = None
    payment_reference: str | None = None
    ibans: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    buyer_reference: str | None = None
    order_reference: str | None = None
    despatch_reference: str | None = None
    receipt_reference: str | None = None
    preceding: tuple[str, ...] = ()
    notes: tuple[InvoiceNote, ...] = ()
    seller: TradeParty
    buyer: TradeParty
    payee: str | None = Field(default=None, description="BT-59, where another than the seller is to be paid")
    remarks: tuple[str, ...] = ()

    @property
    def asked(self) -> Decimal:
        """Gives what the invoice asks for in all, what was paid before included (BT-115 + BT-113)."""
        return self.due + self.prepaid
