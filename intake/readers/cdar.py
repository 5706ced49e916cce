"""Life-cycle messages of French e-invoicing: what a platform or the buyer reports of an invoice.

In: CDAR messages (UN/CEFACT; AFNOR XP Z12-012), read by the rules BR-FR-CDV, and the event each becomes.
Not in: what a status sets going (intake/lifecycle.py).

One message may speak of several invoices: a reference that cannot be read does not stop the others. The
instants of these messages carry no zone; they are read as Paris time, the reform being French.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree
from pydantic import Field, ValidationError

from domain.events import StatusReported
from domain.fact import ZERO, Amount, Currency, Fact, Instant, Key
from domain.faults import InputRefused
from domain.receivable import Creditor
from intake.readers import xml
from intake.readers.rows import explained, shown

ROOT = "CrossDomainAcknowledgementAndResponse"
WHAT = "life-cycle message"
PARIS = ZoneInfo("Europe/Paris")
SIREN_SCHEME = "0002"

CODES = frozenset(
    f"{code}"
    for code in (*range(200, 215), 220, 221, *range(224, 229), 250, 251, 300, 301, 400, 401, 500, 501, 601)
)
"""The statuses that exist (BR-FR-CDV-CL-06)."""

NEEDS_REASON = frozenset({"206", "207", "208", "210", "213", "501"})
"""The statuses that mean nothing without a reason (BR-FR-CDV-15)."""

CREDIT_NOTES = frozenset({"261", "262", "381", "396", "502", "503"})
"""The types of documents that are credit notes, of which no status changes what is owed."""

RECEIVED, PAID, CONTESTED, APPROVED = "MEN", "MPA", "MNATTC", "MAPTTC"
"""Amounts: cashed, paid, not approved and approved with VAT; the others say nothing that dunning needs."""

TOLD = {"212": RECEIVED, "211": PAID, "206": CONTESTED}
"""The amount that each status tells."""

FORMATS = {8: ("102", "%Y%m%d"), 12: ("203", "%Y%m%d%H%M"), 14: ("204", "%Y%m%d%H%M%S")}
"""How dates and times are written (UN/CEFACT 2379), by their length."""

FIRST_YEAR, LAST_YEAR = 2000, 2099

AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,2}0*)?")
CODE = re.compile(r"[A-Z0-9_]{1,40}")
LONGEST_TEXT = 500


class ReportedAmount(Fact):
    """States one amount of a status: its type, what it is worth, and the VAT rate or the day with it."""

    type_code: str
    value: Amount | None = None
    currency: Currency | None = None
    percent: Decimal | None = None
    day: date | None = None


class LifecycleMessage(Fact):
    """States what was reported of one invoice, before anybody knows whose it is.

    `id` is the message's, `at` the instant of the status. `reporter` is the role of who reports it: BY the
    buyer, SE the seller, WK a platform, DL a factor...
    """

    id: str = Field(min_length=1, max_length=140)
    seller_siren: str
    number: Key
    issue_date: date | None
    type_code: str | None
    code: str
    at: Instant
    reporter: str | None = Field(default=None, max_length=8)
    reasons: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    amounts: tuple[ReportedAmount, ...] = ()
    text: str | None = None


def recognise(data: bytes) -> bool:
    """Tells whether bytes are a life-cycle message, well-formed or not."""
    return xml.looks_like_xml(data) and ROOT.encode() in data[:65_536].replace(b"\0", b"")


def read(data: bytes) -> list[LifecycleMessage | InputRefused]:
    """Reads what a message says of each invoice; a reference that cannot be read is a refusal among them.

    Raises InputRefused where the message as a whole cannot be read.
    """
    root = xml.parse(data, WHAT)
    if xml.local(root) != ROOT:
        raise InputRefused(WHAT, xml.local(root), f"is not a life-cycle message; its root is {ROOT}", line=1)
    name = _needed(root, "ExchangedDocument/ID")
    at = _instant(root, "AcknowledgementDocument/IssueDateTime/DateTimeString")
    reporter = xml.text(root, "ExchangedDocument/IssuerTradeParty/RoleCode")
    found: list[LifecycleMessage | InputRefused] = []
    for reference in xml.children(root, "AcknowledgementDocument/ReferenceReferencedDocument"):
        try:
            found.append(_message(root, reference, {"id": name, "at": at, "reporter": reporter}))
        except InputRefused as refusal:
            found.append(refusal)
    if not found:
        raise InputRefused("ReferenceReferencedDocument", None, "is missing: the message is about no invoice")
    return found


def to_event(message: LifecycleMessage, creditors: Sequence[Creditor]) -> StatusReported:
    """Makes the event of a message; raises InputRefused where its seller is no creditor, or not one alone.

    `amount` is what was cashed (212), paid (211), or not approved (206), VAT included.
    """
    owners = [one for one in creditors if _siren(one) == message.seller_siren]
    if len(owners) != 1:
        remedy = "is the SIREN of several creditors; give each its own invoices' messages in JSON"
        if not owners:
            remedy = "is the SIREN of no creditor; register it (creditor.registered), or leave the file out"
        raise InputRefused("seller", message.seller_siren, remedy)
    if message.type_code in CREDIT_NOTES:
        remedy = "is the status of a credit note, which changes nothing that is owed; leave the file out"
        raise InputRefused("TypeCode", message.type_code, remedy)
    told = [one for one in message.amounts if one.type_code == TOLD.get(message.code)]
    approved = [one for one in message.amounts if (message.code, one.type_code) == ("206", APPROVED)]
    facts = message.model_dump(exclude={"id", "seller_siren", "type_code", "amounts"})
    facts |= {
        "creditor": owners[0].id,
        "message": message.id,
        "amount": sum((one.value or ZERO for one in told), ZERO) or None,
        "approved": sum((one.value or ZERO for one in approved), ZERO) or None,
        "currency": next((one.currency for one in (*told, *approved) if one.currency), None),
        "effective_on": max((one.day for one in told if one.day), default=None),
    }
    try:
        return StatusReported.model_validate(facts)
    except ValidationError as fault:
        raise explained(fault, model=StatusReported) from fault


def _siren(creditor: Creditor) -> str:
    """Gives a creditor's SIREN, which French VAT numbers end with; empty where neither is known."""
    number = creditor.siren or (creditor.vat or "")[-9:]
    return "".join(number.split())


def _message(root: etree._Element, reference: etree._Element, facts: dict[str, Any]) -> LifecycleMessage:
    code = _needed(reference, "ProcessConditionCode")
    if code not in CODES:
        raise _refused(reference, "ProcessConditionCode", code, "is not a status of XP Z12-012; correct it")
    reasons = _codes(reference, "ReasonCode")
    if code in NEEDS_REASON and not reasons:
        raise _refused(reference, "ReasonCode", None, f"is missing: status {code} needs a reason")
    characteristics = xml.children(reference, "SpecifiedDocumentStatus/SpecifiedDocumentCharacteristic")
    amounts = tuple(_amount(one) for one in characteristics)
    _check_amounts(reference, code, amounts)
    facts |= {
        "seller_siren": _seller(root, reference, code),
        "number": _needed(reference, "IssuerAssignedID"),
        "issue_date": _issue_date(reference, code),
        "type_code": _plain(xml.text(reference, "TypeCode") or "") or None,
        "code": code,
        "reasons": reasons,
        "actions": tuple(dict.fromkeys(xml.texts(reference, "SpecifiedDocumentStatus/RequestedActionCode"))),
        "amounts": amounts,
        "text": _plain(" ".join(_words(reference)))[:LONGEST_TEXT] or None,
    }
    try:
        return LifecycleMessage.model_validate(facts)
    except ValidationError as fault:
        raise explained(fault, line=xml.line(reference), model=LifecycleMessage) from fault


def _seller(root: etree._Element, reference: etree._Element, code: str) -> str:
    """Finds the seller's SIREN; an inadmissible invoice (501) may leave it to the message's recipients."""
    parties = list(xml.children(reference, "IssuerTradeParty"))
    if code == "501":
        recipients = xml.children(root, "ExchangedDocument/RecipientTradeParty")
        parties += [one for one in recipients if xml.text(one, "RoleCode") == "SE"]
    for party in parties:
        for number in xml.children(party, "GlobalID"):
            digits = "".join((number.text or "").split())
            if number.get("schemeID", SIREN_SCHEME) == SIREN_SCHEME and re.fullmatch(r"[0-9]{9}", digits):
                return digits
    remedy = "is missing: the seller is known by his SIREN (GlobalID with schemeID 0002)"
    raise _refused(reference, "IssuerTradeParty/GlobalID", None, remedy)


def _issue_date(reference: etree._Element, code: str) -> date | None:
    path = "FormattedIssueDateTime/DateTimeString"
    if code == "501" and xml.text(reference, path) is None:
        return None
    return _instant(reference, path).date()


def _check_amounts(reference: etree._Element, code: str, amounts: tuple[ReportedAmount, ...]) -> None:
    """Refuses a status whose amounts do not say how much was cashed, paid or not approved."""
    told = [one for one in amounts if one.type_code == TOLD.get(code)]
    if code == "212" and not told:
        raise _refused(reference, "MEN", None, "is missing: status 212 says how much was cashed")
    for one in told:
        if one.value is None:
            raise _refused(reference, f"{one.type_code}/ValueAmount", None, "is missing; give the amount")
        if code == "212" and one.percent is None:
            raise _refused(
                reference, "MEN/ValuePercent", None, "is missing: each rate of VAT has its own MEN"
            )
    currencies = sorted({one.currency for one in told if one.currency})
    if len(currencies) > 1:
        remedy = "are several currencies in one status; send a status for each"
        raise _refused(reference, f"{TOLD[code]}/currencyID", ", ".join(currencies), remedy)
    total = sum((one.value or ZERO for one in told), ZERO)
    if told and total <= ZERO:
        remedy = "is not above zero; where money went back, record it with `starter.py reverse`"
        raise _refused(reference, TOLD[code], f"{total:.2f}", remedy)


def _amount(characteristic: etree._Element) -> ReportedAmount:
    value = xml.child(characteristic, "ValueAmount")
    percent = xml.text(characteristic, "ValuePercent")
    written = xml.text(characteristic, "ValueDateTime/DateTimeString")
    facts = {
        "type_code": _needed(characteristic, "TypeCode"),
        "value": _number(characteristic, "ValueAmount") if value is not None else None,
        "currency": value.get("currencyID") if value is not None else None,
        "percent": _number(characteristic, "ValuePercent") if percent else None,
        "day": _instant(characteristic, "ValueDateTime/DateTimeString").date() if written else None,
    }
    try:
        return ReportedAmount.model_validate(facts)
    except ValidationError as fault:
        raise explained(fault, line=xml.line(characteristic), model=ReportedAmount) from fault


def _number(parent: etree._Element, path: str) -> Decimal:
    written = _needed(parent, path)
    if not written.isascii() or not AMOUNT.fullmatch(written):
        raise _refused(parent, path, written, 'is not an amount; write it such as "1234.56"')
    return Decimal(written).quantize(Decimal("0.01"))


def _instant(parent: etree._Element, path: str) -> datetime:
    """Reads a date or a date and time, in Paris time; raises InputRefused for anything else."""
    written = _needed(parent, path)
    element = xml.child(parent, path)
    form = element.get("format") if element is not None else None
    known = FORMATS.get(len(written)) if written.isascii() and written.isdecimal() else None
    found = _moment(written, known[1]) if known and form in {None, known[0]} else None
    if found is None:
        remedy = "is not a date of format 102, 203 or 204; write it such as 20261123 or 20261123180000"
        raise _refused(parent, path, written, remedy)
    return found


def _moment(written: str, form: str) -> datetime | None:
    try:
        found = datetime.strptime(written, form).replace(tzinfo=PARIS)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _codes(reference: etree._Element, name: str) -> tuple[str, ...]:
    """Lists the codes of a kind that a status gives, each once."""
    found = tuple(dict.fromkeys(xml.texts(reference, f"SpecifiedDocumentStatus/{name}")))
    for code in found:
        if not CODE.fullmatch(code):
            raise _refused(reference, name, code, "is not a code; correct it")
    return found


def _words(reference: etree._Element) -> Iterator[str]:
    for path in ("Reason", "RequestedAction", "IncludedNote/Content"):
        yield from xml.texts(reference, f"SpecifiedDocumentStatus/{path}")


def _needed(parent: etree._Element, path: str) -> str:
    """Gives the text of an element; raises InputRefused where it is missing or empty."""
    found = _plain(xml.text(parent, path) or "")
    if not found:
        raise _refused(parent, path, None, "is missing; get the message again from the platform")
    return found


def _plain(text: str) -> str:
    """Brings a text onto one line, without control characters."""
    kept = (letter if unicodedata.category(letter) not in {"Cc", "Cs"} else " " for letter in text)
    return " ".join("".join(kept).split())


def _refused(place: etree._Element, field: str, value: str | None, remedy: str) -> InputRefused:
    given = shown(value) if value is not None else None
    return InputRefused(field, given, remedy, line=xml.line(place))
