"""Electronic invoices cut, flipped and bereft of elements: refused, or read as they stand."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from domain.events import CreditNoteIssued, InvoiceCreated, PaymentReceived
from domain.faults import InputRefused
from intake.readers.einvoice.events import to_events
from intake.readers.einvoice.model import EInvoice
from intake.readers.einvoice.reading import read, recognise
from tests.readers_einvoice.samples import (
    CREDITOR,
    DEBTOR,
    EXTENDED,
    cii,
    cii_term,
    factur_x,
    pdf_with,
    ubl,
    ubl_term,
)

PARTS = cii_term("#SKONTO#TAGE=14#PROZENT=2.25#", "2026-03-31", "60.00")
PARTS += cii_term(None, "2026-04-30", "60.00")
XML = [
    cii(),
    cii(profile=EXTENDED, terms=PARTS),
    cii(prepaid="20.00", rounding="0.05", due="100.05", terms=cii_term("45 jours fin de mois")),
    ubl(prepaid="20.00", due="100.00", terms=ubl_term("#SKONTO#TAGE=7#PROZENT=3.00#", "3.00")),
    ubl(kind="CreditNote", preceding=("F-2026-1",)),
]
PDF = [factur_x(cii()), pdf_with(("factur-x.xml", ubl(prepaid="20.00", due="100.00")))]
Edit = tuple[float, str, bytes]
PLACES = st.floats(0, 1, exclude_max=True)
EDIT = st.tuples(PLACES, st.sampled_from(["flip", "cut", "insert", "repeat"]), st.binary(max_size=9))
EDITS = st.lists(EDIT, min_size=1, max_size=5)
QUIET = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    """Damages a file at some places."""
    for where, how, given_bytes in edits:
        place = int(where * len(data))
        match how:
            case "flip":
                data = data[:place] + given_bytes + data[place + len(given_bytes) :]
            case "cut":
                data = data[:place] + data[place + 7 * len(given_bytes) :]
            case "insert":
                data = data[:place] + given_bytes + data[place:]
            case _:
                data = data[:place] + data[max(0, place - 40) :]
    return data


def stated(data: bytes, name: str) -> set[Decimal]:
    """Gives the amounts that stand in elements of a name, by another way than the reader's."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    found: Any = root.xpath(f"//*[local-name()='{name}']")
    texts = (etree.tostring(each, method="text", encoding="unicode", with_tail=False) for each in found)
    return {Decimal(text.strip()) for text in texts if text.strip()}


def examined(data: bytes) -> EInvoice | None:
    """Reads a file and what it means; whatever comes of it, no amount is made up."""
    recognise(data)
    try:
        invoice = read(data)
    except InputRefused:
        return None
    assert abs(invoice.total - invoice.prepaid + invoice.rounding - invoice.due) <= Decimal("0.01")
    try:
        events = to_events(invoice, [CREDITOR], [DEBTOR]).events
    except InputRefused:
        return invoice
    asked = sum(event.total for event in events if isinstance(event, InvoiceCreated))
    paid = sum(event.amount for event in events if isinstance(event, PaymentReceived))
    credited = sum(event.total for event in events if isinstance(event, CreditNoteIssued))
    assert (asked - paid == invoice.due) or credited == abs(invoice.asked)
    return invoice


@QUIET
@given(st.sampled_from(XML), EDITS)
def test_damaged_xml_is_refused_or_read_as_it_stands(data: bytes, edits: list[Edit]) -> None:
    """Whatever is done to the bytes, the amounts that are read stand there, and only refusals are raised."""
    damaged = edited(data, edits)
    invoice = examined(damaged)
    if invoice is not None:
        due = "DuePayableAmount" if invoice.syntax == "CII" else "PayableAmount"
        total = "GrandTotalAmount" if invoice.syntax == "CII" else "TaxInclusiveAmount"
        assert stated(damaged, due) == {invoice.due}
        assert stated(damaged, total) == {invoice.total}


@QUIET
@given(st.sampled_from(XML), st.lists(PLACES, min_size=1, max_size=3))
def test_missing_elements_are_missed_or_not_needed(data: bytes, places: list[float]) -> None:
    """Without some of its elements an invoice is refused, or says the same amounts as before."""
    root = etree.fromstring(data)
    for place in places:
        elements = list(root.iterdescendants())
        gone = elements[int(place * len(elements))]
        parent = gone.getparent()
        assert parent is not None
        parent.remove(gone)
    invoice = examined(etree.tostring(root))
    if invoice is not None:
        whole = read(data)
        assert (invoice.total, invoice.due, invoice.number) == (whole.total, whole.due, whole.number)


@QUIET
@given(st.sampled_from(PDF), EDITS)
def test_damaged_pdfs_are_refused_or_say_the_same(data: bytes, edits: list[Edit]) -> None:
    """A damaged PDF is refused, or its invoice was not touched; an attachment in plain is as damaged XML."""
    invoice = examined(edited(data, edits))
    if invoice is not None and data is PDF[0]:
        assert invoice == read(data)


@QUIET
@given(st.binary(max_size=400), st.sampled_from([b"", b"%PDF-1.7\n", b"<Invoice ", b"\xff\xfe<\0"]))
def test_any_bytes_are_refused(tail: bytes, head: bytes) -> None:
    """Bytes that are no invoice are refused, whatever they begin with."""
    assert examined(head + tail) is None
