"""The letter: a PDF/A-3 that is the same every time, fits the envelope and can be paid by scanning it."""

import io

import pypdfium2  # type: ignore[import-untyped] # shipped without types
import pytest
import zxingcpp
from pypdf import PdfReader

from correspondence.letter import render_letter
from correspondence.samples import samples
from correspondence.wording import Wording

WRITTEN = (
    "pre-reminder",
    "term-approaching",
    "due-soon",
    "overdue",
    "firm-reminder",
    "final-notice",
    "formal-notice",
)
POINTS_PER_MM = 72 / 25.4


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("message", WRITTEN)
def test_letter_is_pdf_a_3_and_reproducible(wording: Wording, message: str, language: str) -> None:
    """Every letter declares PDF/A-3b, carries an output intent, a title and a date, and is the same twice."""
    sample = samples(message, language)["several"]
    letter = render_letter(sample, wording)
    assert letter == render_letter(sample, wording)
    reader = PdfReader(io.BytesIO(letter.pdf))
    assert reader.xmp_metadata is not None
    xmp = reader.xmp_metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert "/OutputIntents" in reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == letter.subject
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == sample.day


@pytest.mark.parametrize("shape", ["one", "mixed"])
def test_code_scans_from_the_printed_page(wording: Wording, shape: str) -> None:
    """The code is read from the page as printed at 200 dots per inch."""
    sample = samples("final-notice", "fr")[shape]
    document = pypdfium2.PdfDocument(render_letter(sample, wording).pdf)
    found = [
        code.text
        for page in document
        for code in zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil())
    ]
    assert len(found) == 1
    assert found[0].startswith("BCD\n002\n1\nSCT\n")
    assert "FR7630006000011234567890189" in found[0]


def test_address_lies_in_the_window(wording: Wording) -> None:
    """The address lies in the window of a folded French letter: 100 to 190 mm across, 50 to 85 mm down."""
    page = pypdfium2.PdfDocument(render_letter(samples("overdue", "fr")["one"], wording).pdf)[0]
    text = page.get_textpage()
    height = page.get_height()
    for part in ("Boulangerie du Pont SARL", "38000 Grenoble"):
        index, count = text.search(part).get_next() or (0, 0)
        left, bottom, _, top = text.get_charbox(index)
        right = text.get_charbox(index + count - 1)[2]
        assert 100 * POINTS_PER_MM <= left < right <= 190 * POINTS_PER_MM
        assert 50 * POINTS_PER_MM <= height - top < height - bottom <= 85 * POINTS_PER_MM


def test_formal_notice_has_what_a_formal_notice_needs(wording: Wording) -> None:
    """The formal notice names itself, the parties, the sum, the deadline, the law and what follows."""
    letter = render_letter(samples("formal-notice", "fr")["one"], wording)
    pages = PdfReader(io.BytesIO(letter.pdf)).pages
    text = " ".join(
        " ".join(page.extract_text() for page in pages).replace("\u00a0", " ").replace("\u202f", " ").split()
    )
    for part in (
        "MISE EN DEMEURE DE PAYER",
        "Lettre recommandée avec avis de réception",
        "SIREN 732 829 320",
        "Boulangerie du Pont SARL",
        "commande BC-4471",
        "1 280,71 €",
        "au plus tard le 20/10/2026",
        "L. 441-10",
        "juridiction compétente",
        "Lyon, le 12 octobre 2026",
        "Claire Martin",
        "courriel du 22/09/2026",
    ):
        assert part in text


def test_single_invoice_fits_on_one_page(wording: Wording) -> None:
    """A letter about one invoice is one sheet, in every message and language."""
    for language in wording.languages:
        for message in WRITTEN:
            letter = render_letter(samples(message, language)["one"], wording)
            assert len(PdfReader(io.BytesIO(letter.pdf)).pages) == 1, (language, message)
