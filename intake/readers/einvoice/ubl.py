"""UBL 2.1 (OASIS) Invoice and CreditNote, with the paths of EN 16931 (CEN/TS 16931-3-2).

In: which element holds which business term. Not in: single values (fields.py), totals (reading.py).
"""

import re
from datetime import date
from typing import Any

from lxml import etree

from intake.readers import xml
from intake.readers.einvoice import fields
from intake.readers.einvoice.model import InvoiceNote, TradeAddress, TradeParty
from intake.readers.einvoice.payment_terms import TERMS, Amounts, Discount, PaymentTerm

NAMESPACES = {
    "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2": "Invoice",
    "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2": "CreditNote",
}
SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
"""How a note carries its subject (BT-21) in UBL."""

TOTALS = "LegalMonetaryTotal"


def profile(root: etree._Element) -> str | None:
    """Gives the specification that the invoice follows (BT-24)."""
    return fields.text(root, "CustomizationID", "BT-24 specification")


def header(root: etree._Element) -> dict[str, Any]:
    """Reads what the invoice is and what it amounts to."""
    kind = xml.local(root)
    currency = fields.needed(root, "DocumentCurrencyCode", "BT-5 currency")
    return {
        "syntax": f"UBL {kind}",
        "number": fields.needed(root, "ID", "BT-1 number"),
        "issue_date": _needed_day(root, "IssueDate", "BT-2 issue date"),
        "type_code": fields.needed(root, f"{kind}TypeCode", "BT-3 type code"),
        "currency": currency,
        "total": fields.amount(root, f"{TOTALS}/TaxInclusiveAmount", "BT-112 total with VAT", currency),
        "prepaid": fields.amount(root, f"{TOTALS}/PrepaidAmount", "BT-113 paid amount", currency),
        "rounding": fields.amount(root, f"{TOTALS}/PayableRoundingAmount", "BT-114 rounding", currency),
        "due": fields.amount(root, f"{TOTALS}/PayableAmount", "BT-115 amount due", currency),
    }


def details(root: etree._Element) -> dict[str, Any]:
    """Reads parties, references, notes and means of payment."""
    preceding = "BillingReference/InvoiceDocumentReference/ID"
    accounts = fields.texts(root, "PaymentMeans/PayeeFinancialAccount/ID", "BT-84 account")
    delivered = _days(root, "Delivery/ActualDeliveryDate", "BT-72 delivery date")
    return {
        "delivered_on": max(delivered, default=None),
        "payment_references": fields.texts(root, "PaymentMeans/PaymentID", "BT-83 remittance information"),
        "ibans": tuple(dict.fromkeys(fields.account(each) for each in accounts)),
        "means": fields.texts(root, "PaymentMeans/PaymentMeansCode", "BT-81 means of payment"),
        "buyer_reference": fields.first(root, "BuyerReference", "BT-10 buyer reference"),
        "order_reference": fields.first(root, "OrderReference/ID", "BT-13 order"),
        "despatch_reference": fields.first(root, "DespatchDocumentReference/ID", "BT-16 despatch advice"),
        "receipt_reference": fields.first(root, "ReceiptDocumentReference/ID", "BT-15 receiving advice"),
        "preceding": fields.texts(root, preceding, "BT-25 preceding invoice"),
        "notes": tuple(_note(fields.value(each, "BT-22 note")) for each in xml.children(root, "Note")),
        "seller": _party(root, "AccountingSupplierParty/Party", "BT-27 seller name"),
        "buyer": _party(root, "AccountingCustomerParty/Party", "BT-44 buyer name"),
        "payee": fields.first(root, "PayeeParty/PartyName/Name", "BT-59 payee name"),
    }


def payment_terms(root: etree._Element, known: Amounts, currency: str) -> list[PaymentTerm]:
    """Lists the payment terms; a due date of the invoice as a whole wins over those of single terms.

    A credit note carries its due date with the means of payment. Amounts, days and discounts of single
    terms are UBL's own, beyond EN 16931.
    """
    terms = [_term(each, known, currency) for each in xml.children(root, "PaymentTerms")]
    field = "BT-9 due date"
    dues = _days(root, "DueDate", field) or _days(root, "PaymentMeans/PaymentDueDate", field)
    if not dues or sum(term.amount is not None for term in terms) > 1:
        return terms
    texts = [PaymentTerm(text=term.text, amount=term.amount, discount=term.discount) for term in terms]
    return texts + [PaymentTerm(due_date=day) for day in sorted(dues)]


def _term(element: etree._Element, known: Amounts, currency: str) -> PaymentTerm:
    field = "BT-9 due date"
    days = _days(element, "InstallmentDueDate", field) or _days(element, "PaymentDueDate", field)
    notes = (fields.value(each, TERMS) for each in fields.stated(element, "Note", TERMS))
    return PaymentTerm(
        text="\n".join(notes) or None,
        due_date=min(days, default=None),
        amount=fields.amount(element, "Amount", "amount of the payment terms", currency),
        discount=_discount(element, known),
    )


def _discount(element: etree._Element, known: Amounts) -> Discount | None:
    """Reads a discount; its period ends on a day, or runs for days from the issue of the invoice."""
    percent = fields.decimal(element, "SettlementDiscountPercent", "discount percent")
    if percent is None and not fields.stated(element, "SettlementDiscountAmount", "discount amount"):
        return None
    until = _days(element, "SettlementPeriod/EndDate", "discount end")
    start = _days(element, "SettlementPeriod/StartDate", "discount start")
    measure = "SettlementPeriod/DurationMeasure"
    span = fields.one(element, measure, "discount days")
    counted = span is not None and span.get("unitCode") == "DAY" and start <= {known.issued}
    days = fields.decimal(element, measure, "discount days") if counted else None
    return Discount(percent, until=min(until, default=None), days=days)


def _days(root: etree._Element, path: str, field: str) -> set[date]:
    return {fields.iso_day(each, field) for each in fields.stated(root, path, field)}


def _needed_day(root: etree._Element, path: str, field: str) -> date:
    element = fields.one(root, path, field)
    if element is None:
        raise fields.missing(root, path, field)
    return fields.iso_day(element, field)


def _note(written: str) -> InvoiceNote:
    found = SUBJECT.fullmatch(written)
    return InvoiceNote(subject=found[1], text=found[2]) if found else InvoiceNote(subject=None, text=written)


def _party(root: etree._Element, path: str, field: str) -> TradeParty:
    party = xml.child(root, path)
    if party is None:
        raise fields.missing(root, path, field)
    name = fields.first(party, "PartyLegalEntity/RegistrationName", field)
    name = name or fields.first(party, "PartyName/Name", field)
    if name is None:
        raise fields.missing(party, "PartyLegalEntity/RegistrationName", field)
    return TradeParty(
        name=name,
        legal_id=next(fields.identifiers(party, "PartyLegalEntity/CompanyID"), None),
        vat=_vat(party),
        ids=tuple(fields.identifiers(party, "PartyIdentification/ID")),
        endpoint=next(fields.identifiers(party, "EndpointID"), None),
        contact=fields.first(party, "Contact/Name", "contact name"),
        email=fields.first(party, "Contact/ElectronicMail", "contact e-mail"),
        phone=fields.first(party, "Contact/Telephone", "contact telephone"),
        address=_address(party),
    )


def _vat(party: etree._Element) -> str | None:
    for scheme in xml.children(party, "PartyTaxScheme"):
        number = fields.first(scheme, "CompanyID", "VAT number")
        if number and fields.first(scheme, "TaxScheme/ID", "tax scheme") == "VAT":
            return fields.account(number)
    return None


def _address(party: etree._Element) -> TradeAddress:
    parts = ("StreetName", "AdditionalStreetName", "AddressLine/Line")
    lines = (fields.first(party, f"PostalAddress/{part}", "address line") for part in parts)
    return TradeAddress(
        lines=tuple(line for line in lines if line),
        postcode=fields.first(party, "PostalAddress/PostalZone", "postcode"),
        city=fields.first(party, "PostalAddress/CityName", "city"),
        country=fields.first(party, "PostalAddress/Country/IdentificationCode", "country"),
    )
