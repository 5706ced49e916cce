"""PDFs with an invoice inside: which attachment is read, and what is refused."""

import io
import zlib

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    EncodedStreamObject,
    NameObject,
    TextStringObject,
)

from domain.faults import InputRefused
from intake.readers import xml
from intake.readers.einvoice.reading import read, recognise
from tests.readers_einvoice.samples import blank_pdf, cii, factur_x, pdf_with, ubl

CIRCULAR = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Names<</EmbeddedFiles 2 0 R>>>>endobj\n"
    b"2 0 obj<</Kids[2 0 R 2 0 R 2 0 R]>>endobj\ntrailer<</Root 1 0 R/Size 3>>\nstartxref\n0\n%%EOF"
)


def refused(data: bytes) -> InputRefused:
    """Expects a refusal and gives it."""
    assert recognise(data) == "PDF"
    with pytest.raises(InputRefused) as refusal:
        read(data)
    return refusal.value


def packed(name: str, content: bytes, *, filters: str = "/FlateDecode", deep: int = 0) -> bytes:
    """Makes a PDF whose attachment is packed as told, below that many more nodes of the tree of names."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    stream = EncodedStreamObject() if filters else DecodedStreamObject()
    stream.set_data(content) if not filters else setattr(stream, "_data", content)
    if filters:
        stream[NameObject("/Filter")] = NameObject(filters)
    specification = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/F"): TextStringObject(name),
            NameObject("/EF"): DictionaryObject({NameObject("/F"): writer._add_object(stream)}),
        }
    )
    tree = DictionaryObject(
        {NameObject("/Names"): ArrayObject([TextStringObject(name), writer._add_object(specification)])}
    )
    for _ in range(deep):
        tree = DictionaryObject({NameObject("/Kids"): ArrayObject([writer._add_object(tree)])})
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/EmbeddedFiles"): tree})
    stream_out = io.BytesIO()
    writer.write(stream_out)
    return stream_out.getvalue()


@pytest.mark.parametrize("content", [cii(), cii(code="381", preceding=("F-1",))])
def test_factur_x_is_read_as_its_xml(content: bytes) -> None:
    """A Factur-X made by the standard's own tool says what its XML says, and which attachment it was."""
    assert read(factur_x(content)) == read(content).model_copy(update={"embedded": "factur-x.xml"})


@pytest.mark.parametrize(
    "name", ["factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "FACTUR-X.XML"]
)
def test_every_name_of_the_standards_is_known(name: str) -> None:
    """The invoice inside has one of the names of Factur-X, ZUGFeRD 2 and XRechnung, in either syntax."""
    data = pdf_with(("conditions.pdf", b"%PDF-1.4"), (name, ubl()), ("annexe.xml", b"<x/>"))
    assert read(data).embedded == name


def test_attachments_deep_in_the_tree_or_only_associated_are_found() -> None:
    """The tree of names may have branches, and PDF/A-3 may name its attachment in /AF alone."""
    content = zlib.compress(cii())
    assert read(packed("factur-x.xml", content, deep=3)).number == "F-2026-7"
    assert read(packed("factur-x.xml", cii(), filters="")).number == "F-2026-7"
    writer = PdfWriter(PdfReader(io.BytesIO(packed("factur-x.xml", content))))
    names = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"]  # type: ignore[index]
    writer.root_object[NameObject("/AF")] = ArrayObject([names[1]])
    del writer.root_object["/Names"]
    stream = io.BytesIO()
    writer.write(stream)
    assert read(stream.getvalue()).number == "F-2026-7"


def test_a_pdf_without_an_invoice_is_refused_with_a_remedy() -> None:
    """A PDF with no attachment, or with others only, is refused by what to ask for."""
    for data in (blank_pdf(), pdf_with(("annexe.xml", cii()))):
        assert "Factur-X" in refused(data).remedy


def test_a_wrong_invoice_inside_is_refused_by_its_place() -> None:
    """What is wrong inside is told by the attachment, the business term and the line."""
    refusal = refused(pdf_with(("factur-x.xml", cii(due="119.00"))))
    assert refusal.field == "factur-x.xml: BT-115 amount due"
    assert refused(pdf_with(("factur-x.xml", b"<a>\n<b></a>"))).line == 2


def test_two_different_invoices_are_not_chosen_from() -> None:
    """Two invoices in one PDF are refused; the same one under two names is one."""
    two = pdf_with(("factur-x.xml", cii()), ("xrechnung.xml", cii(number="F-2026-8")))
    assert refused(two).value == "factur-x.xml, xrechnung.xml"
    again = pdf_with(("factur-x.xml", cii()), ("factur-x.xml", cii(number="F-2026-8")))
    assert "differently" in refused(again).remedy
    assert read(pdf_with(("factur-x.xml", cii()), ("xrechnung.xml", cii()))).number == "F-2026-7"


def test_encrypted_pdfs_are_refused() -> None:
    """An encrypted PDF is refused, whether or not a password is asked for."""
    for password in ("", "secret"):
        writer = PdfWriter(PdfReader(io.BytesIO(factur_x(cii()))))
        writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
        stream = io.BytesIO()
        writer.write(stream)
        assert "encrypted" in refused(stream.getvalue()).remedy


def test_bombs_are_not_unpacked() -> None:
    """An attachment that unpacks beyond the bound is refused, and no more than the bound is unpacked."""
    bomb = zlib.compress(b" " * (3 * xml.LARGEST), 9)
    assert "unpacks" in refused(packed("factur-x.xml", bomb)).remedy
    assert "FlateDecode" in refused(packed("factur-x.xml", bomb, filters="/LZWDecode")).remedy


def test_what_cannot_be_unpacked_exactly_is_refused() -> None:
    """A cut or flipped attachment is refused, not mended: a mended one may say another amount."""
    content = zlib.compress(cii())
    assert refused(packed("factur-x.xml", content[:-20])).remedy
    flipped = content[:200] + bytes([content[200] ^ 0x10]) + content[201:]
    assert refused(packed("factur-x.xml", flipped)).remedy


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7",
        b"%PDF-1.7\n" + b"<<" * 5000,
        b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF",
        CIRCULAR,
        factur_x(cii())[:-600],
    ],
)
def test_broken_pdfs_are_refused(data: bytes) -> None:
    """Cut, empty and circular PDFs are refused."""
    assert refused(data).field == "file"


def test_large_pdfs_are_refused() -> None:
    """A PDF beyond the bound is refused before it is looked into."""
    assert "larger" in refused(b"%PDF-1.7" + b" " * xml.LARGEST).remedy
