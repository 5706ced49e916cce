"""Electronic invoices: recognised, read, and refused where they are not what they should be.

In: XML and PDF to an EInvoice, and the check that its totals agree.
Not in: single syntaxes (cii.py, ubl.py), and what is to be taken in (events.py).
"""

from decimal import Decimal
from types import ModuleType
from typing import Any

from lxml import etree
from pydantic import ValidationError

from domain.fact import CENT, ZERO
from domain.faults import InputRefused
from intake.readers import xml
from intake.readers.einvoice import cii, ubl
from intake.readers.einvoice.model import EInvoice
from intake.readers.einvoice.payment_terms import Amounts, settled
from intake.readers.rows import explained, shown

PROFILES = ("urn:cen.eu:en16931:2017", "urn:factur-x.eu:1p0:", "urn:zugferd.de:2p0:")
"""How the specifications begin that keep to EN 16931 or, as Factur-X MINIMUM, to a part of it (BT-24)."""

BT_24, BT_112, BT_115 = "BT-24 specification", "BT-112 total with VAT", "BT-115 amount due"
OLD_ZUGFERD = "CrossIndustryDocument"
OURS = {"CrossIndustryInvoice", OLD_ZUGFERD, "Invoice", "CreditNote"}


def recognise(data: bytes) -> str | None:
    """Tells what kind of electronic invoice the bytes look like; None where they look like none.

    What is recognised need not be readable: `read` says why it is not.
    """
    if _is_pdf(data):
        return "PDF"
    found = xml.root_name(data)
    if found is None or found[1] not in OURS:
        return None
    namespace, name = found
    if namespace in ubl.NAMESPACES:
        return f"UBL {name}"
    if name == OLD_ZUGFERD:
        return "ZUGFeRD 1.0"
    return "CII" if namespace == cii.NAMESPACE else f"XML {name}"


def read(data: bytes) -> EInvoice:
    """Reads an electronic invoice out of XML or out of a PDF that holds it.

    Raises InputRefused, naming the business term, its value and the line of the XML.
    """
    if not _is_pdf(data):
        return _of_xml(data, None)
    from intake.readers.einvoice.pdf import embedded_xml  # noqa: PLC0415 - pypdf takes its time to load

    name, content = embedded_xml(data)
    try:
        return _of_xml(content, name)
    except InputRefused as refusal:
        field = f"{name}: {refusal.field}"
        raise InputRefused(field, refusal.value, refusal.remedy, line=refusal.line) from refusal


def _is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


def _of_xml(data: bytes, embedded: str | None) -> EInvoice:
    root = xml.parse(data, "invoice")
    syntax = _syntax(root)
    profile = syntax.profile(root)
    if profile is None or not profile.startswith(PROFILES):
        remedy = "is not a profile of EN 16931; send the invoice as Factur-X, UBL 2.1 or CII of that standard"
        raise InputRefused(BT_24, shown(profile or ""), remedy, line=xml.line(root))
    facts = syntax.header(root)
    remarks = _agreed(facts, profile, xml.line(root))
    known = Amounts(facts["issue_date"], facts["due"], facts["prepaid"])
    facts |= settled(syntax.payment_terms(root, known, facts["currency"]), known)
    facts |= syntax.details(root)
    references = facts.pop("payment_references")
    facts["payment_reference"] = references[0] if len(references) == 1 else None
    if len(references) > 1:
        remarks.append(
            f"several payment references (BT-83) are stated: {shown(', '.join(references))}; none is kept"
        )
    facts["remarks"] = (*remarks, *facts["remarks"])
    try:
        return EInvoice.model_validate({"profile": profile, "embedded": embedded, **facts})
    except ValidationError as fault:
        raise explained(fault, model=EInvoice) from fault


def _syntax(root: etree._Element) -> ModuleType:
    namespace, name = xml.namespace(root), xml.local(root)
    if namespace == cii.NAMESPACE and name == "CrossIndustryInvoice":
        return cii
    if ubl.NAMESPACES.get(namespace) == name:
        return ubl
    remedy = "is not an invoice that is read; send Factur-X, UBL 2.1 or CII (EN 16931)"
    if name == OLD_ZUGFERD:
        remedy = "is ZUGFeRD 1.0, which is not read; have the invoice made as Factur-X or ZUGFeRD 2"
    raise InputRefused("invoice", shown(f"{{{namespace}}}{name}"), remedy, line=xml.line(root))


def _agreed(facts: dict[str, Any], profile: str, line: int | None) -> list[str]:
    """Completes the totals and checks that they agree (BR-CO-16); gives what was concluded.

    The profile MINIMUM has no field for what was paid before: the difference says it.
    """
    for name, field in (("total", BT_112), ("due", BT_115)):
        if facts[name] is None:
            raise InputRefused(field, None, "is missing; an invoice must state it", line=line)
    total, due = facts["total"], facts["due"]
    rounding = facts["rounding"] = facts["rounding"] or ZERO
    if facts["prepaid"] is None and profile.endswith(":minimum") and ZERO < due < total:
        facts["prepaid"] = total - due
        return [f"the profile MINIMUM does not state what was paid: {total} less {due} makes {total - due}"]
    prepaid: Decimal = facts["prepaid"] or ZERO
    facts["prepaid"] = prepaid
    if abs(total - prepaid + rounding - due) > CENT:
        made = total - prepaid + rounding
        remedy = (
            f"is not total {total} (BT-112) less {prepaid} paid (BT-113) plus rounding {rounding} (BT-114), "
            f"which make {made}; have the invoice corrected"
        )
        raise InputRefused(BT_115, str(due), remedy, line=line)
    return []
