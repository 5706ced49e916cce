"""Cross Industry Invoice (UN/CEFACT D16B, D22B): Factur-X, ZUGFeRD 2, XRechnung, with the paths of EN 16931.

In: which element holds which business term. Not in: single values (fields.py), totals (reading.py).
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from intake.readers import xml
from intake.readers.einvoice import fields
from intake.readers.einvoice.model import InvoiceNote, TradeAddress, TradeParty
from intake.readers.einvoice.payment_terms import TERMS, Amounts, Discount, PaymentTerm

NAMESPACE = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
DOCUMENT = "ExchangedDocument"
AGREEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"
DELIVERY = "SupplyChainTradeTransaction/ApplicableHeaderTradeDelivery"
SETTLEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
TOTALS = f"{SETTLEMENT}/SpecifiedTradeSettlementHeaderMonetarySummation"
MEANS = f"{SETTLEMENT}/SpecifiedTradeSettlementPaymentMeans"


def profile(root: etree._Element) -> str | None:
    """Gives the specification that the invoice follows (BT-24)."""
    path = "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"
    return fields.text(root, path, "BT-24 specification")


def header(root: etree._Element) -> dict[str, Any]:
    """Reads what the invoice is and what it amounts to."""
    issued = _days(root, f"{DOCUMENT}/IssueDateTime", "BT-2 issue date")
    if not issued:
        raise fields.missing(root, f"{DOCUMENT}/IssueDateTime", "BT-2 issue date")
    currency = fields.needed(root, f"{SETTLEMENT}/InvoiceCurrencyCode", "BT-5 currency")
    return {
        "syntax": "CII",
        "number": fields.needed(root, f"{DOCUMENT}/ID", "BT-1 number"),
        "issue_date": fields.only(issued, "BT-2 issue date"),
        "type_code": fields.needed(root, f"{DOCUMENT}/TypeCode", "BT-3 type code"),
        "currency": currency,
        "total": fields.amount(root, f"{TOTALS}/GrandTotalAmount", "BT-112 total with VAT", currency),
        "prepaid": fields.amount(root, f"{TOTALS}/TotalPrepaidAmount", "BT-113 paid amount", currency),
        "rounding": fields.amount(root, f"{TOTALS}/RoundingAmount", "BT-114 rounding", currency),
        "due": fields.amount(root, f"{TOTALS}/DuePayableAmount", "BT-115 amount due", currency),
    }


def details(root: etree._Element) -> dict[str, Any]:
    """Reads parties, references, notes and means of payment."""
    delivered = f"{DELIVERY}/ActualDeliverySupplyChainEvent/OccurrenceDateTime"
    accounts = fields.texts(root, f"{MEANS}/PayeePartyCreditorFinancialAccount/IBANID", "BT-84 account")
    preceding = f"{SETTLEMENT}/InvoiceReferencedDocument/IssuerAssignedID"
    despatch = f"{DELIVERY}/DespatchAdviceReferencedDocument/IssuerAssignedID"
    receipt = f"{DELIVERY}/ReceivingAdviceReferencedDocument/IssuerAssignedID"
    order = f"{AGREEMENT}/BuyerOrderReferencedDocument/IssuerAssignedID"
    references = fields.texts(root, f"{SETTLEMENT}/PaymentReference", "BT-83 remittance information")
    return {
        "delivered_on": max(_days(root, delivered, "BT-72 delivery date"), default=None),
        "payment_references": references,
        "ibans": tuple(dict.fromkeys(fields.account(each) for each in accounts)),
        "means": fields.texts(root, f"{MEANS}/TypeCode", "BT-81 means of payment"),
        "buyer_reference": fields.first(root, f"{AGREEMENT}/BuyerReference", "BT-10 buyer reference"),
        "order_reference": fields.first(root, order, "BT-13 order"),
        "despatch_reference": fields.first(root, despatch, "BT-16 despatch advice"),
        "receipt_reference": fields.first(root, receipt, "BT-15 receiving advice"),
        "preceding": fields.texts(root, preceding, "BT-25 preceding invoice"),
        "notes": tuple(_notes(root)),
        "seller": _party(root, f"{AGREEMENT}/SellerTradeParty", "BT-27 seller name"),
        "buyer": _party(root, f"{AGREEMENT}/BuyerTradeParty", "BT-44 buyer name"),
        "payee": fields.first(root, f"{SETTLEMENT}/PayeeTradeParty/Name", "BT-59 payee name"),
    }


def payment_terms(root: etree._Element, known: Amounts, currency: str) -> list[PaymentTerm]:
    """Lists the payment terms; several, with amounts and discounts, are of the profile EXTENDED."""
    path = f"{SETTLEMENT}/SpecifiedTradePaymentTerms"
    return [_term(each, known, currency) for each in xml.children(root, path)]


def _term(element: etree._Element, known: Amounts, currency: str) -> PaymentTerm:
    due = _days(element, "DueDateDateTime", "BT-9 due date")
    texts = (fields.value(each, TERMS) for each in fields.stated(element, "Description", TERMS))
    return PaymentTerm(
        text="\n".join(texts) or None,
        due_date=fields.only(due, "BT-9 due date") if due else None,
        amount=fields.amount(element, "PartialPaymentAmount", "amount of the payment terms", currency),
        discount=_discount(element, known, currency),
    )


def _discount(element: etree._Element, known: Amounts, currency: str) -> Discount | None:
    """Reads a discount; its days count from the day that it states, else from the issue of the invoice."""
    offer = xml.child(element, "ApplicableTradePaymentDiscountTerms")
    if offer is None:
        return None
    start = max(_days(offer, "BasisDateTime", "discount start"), default=known.issued)
    span = fields.one(offer, "BasisPeriodMeasure", "discount days")
    days: Decimal | None = None
    if span is not None and span.get("unitCode", "DAY") == "DAY":
        days = fields.decimal(offer, "BasisPeriodMeasure", "discount days")
    if days is not None:
        days += (start - known.issued).days
    percent = fields.decimal(offer, "CalculationPercent", "discount percent")
    basis = fields.amount(offer, "BasisAmount", "discount basis", currency)
    return Discount(percent, days=days, basis=basis)


def _days(root: etree._Element, path: str, field: str) -> set[date]:
    return {fields.compact_day(each, field) for each in xml.children(root, path)}


def _notes(root: etree._Element) -> Iterator[InvoiceNote]:
    for each in xml.children(root, f"{DOCUMENT}/IncludedNote"):
        subject = fields.first(each, "SubjectCode", "BT-21 note subject")
        for content in fields.stated(each, "Content", "BT-22 note"):
            yield InvoiceNote(subject=subject, text=fields.value(content, "BT-22 note"))


def _party(root: etree._Element, path: str, field: str) -> TradeParty:
    party = xml.child(root, path)
    name = None if party is None else fields.first(party, "Name", field)
    if party is None or name is None:
        raise fields.missing(root if party is None else party, f"{path}/Name", field)
    contact = "DefinedTradeContact"
    return TradeParty(
        name=name,
        legal_id=next(fields.identifiers(party, "SpecifiedLegalOrganization/ID"), None),
        vat=_vat(party),
        ids=(*fields.identifiers(party, "ID"), *fields.identifiers(party, "GlobalID")),
        endpoint=next(fields.identifiers(party, "URIUniversalCommunication/URIID"), None),
        contact=fields.first(party, f"{contact}/PersonName", "contact name"),
        email=fields.first(party, f"{contact}/EmailURIUniversalCommunication/URIID", "contact e-mail"),
        phone=fields.first(party, f"{contact}/TelephoneUniversalCommunication/CompleteNumber", "telephone"),
        address=_address(party),
    )


def _vat(party: etree._Element) -> str | None:
    for number in fields.stated(party, "SpecifiedTaxRegistration/ID", "VAT number"):
        if number.get("schemeID") in {"VA", "VAT"}:
            return fields.account(fields.value(number, "VAT number"))
    return None


def _address(party: etree._Element) -> TradeAddress:
    path = "PostalTradeAddress"
    lines = (
        fields.first(party, f"{path}/{part}", "address line") for part in ("LineOne", "LineTwo", "LineThree")
    )
    return TradeAddress(
        lines=tuple(line for line in lines if line),
        postcode=fields.first(party, f"{path}/PostcodeCode", "postcode"),
        city=fields.first(party, f"{path}/CityName", "city"),
        country=fields.first(party, f"{path}/CountryID", "country"),
    )
