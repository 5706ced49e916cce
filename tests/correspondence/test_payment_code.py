"""References and codes of SEPA transfers, against published vectors."""

import io
from decimal import Decimal
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from segno import helpers
from stdnum.iso11649 import is_valid

from correspondence.payment_code import checked_iban, creditor_reference, payment_code, reference_of
from correspondence.samples import samples
from domain.faults import InputRefused

IBAN = "FR7630006000011234567890189"


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        ("539007547034", "RF18539007547034"),
        ("F20260023", "RF97F20260023"),
        ("FA-2026-0001", "RF26FA20260001"),
        ("20260000123", "RF4920260000123"),
    ],
)
def test_reference_vectors(number: str, reference: str) -> None:
    """The check digits of a reference are those of ISO 11649."""
    assert creditor_reference(number) == reference


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._/#-]{0,62}[A-Za-z0-9]", fullmatch=True))
def test_every_number_gives_a_valid_reference(number: str) -> None:
    """Whatever the invoice number, its reference is valid and at most 25 characters long."""
    assert is_valid(creditor_reference(number))


def test_long_numbers_stay_apart() -> None:
    """Two long numbers that begin alike have different references."""
    stem = "FACTURE-TRAVAUX-2026-LYON-"
    assert creditor_reference(stem + "1") != creditor_reference(stem + "2")


def test_several_invoices_have_a_reference_of_their_own() -> None:
    """A transfer for several invoices is not quoted under the number of one of them."""
    one, several = (samples("overdue", "fr")[shape] for shape in ("one", "several"))
    assert reference_of(one) == creditor_reference("F2026-0023")
    assert reference_of(several) != reference_of(one)
    assert is_valid(reference_of(several))


def test_code_vector() -> None:
    """The code reads back, line by line, as the published EPC vector."""
    code = payment_code(
        name="VENDEUR SAS", iban=IBAN, amount=Decimal("1280.71"), currency="EUR", reference="RF97F20260023"
    )
    assert code is not None
    read = zxingcpp.read_barcodes(Image.open(io.BytesIO(code.png)))[0].text
    assert read == f"BCD\n002\n1\nSCT\n\nVENDEUR SAS\n{IBAN}\nEUR1280.71\n\nRF97F20260023"


TRANSFERS = st.fixed_dictionaries(
    {
        "name": st.text(st.sampled_from("aZ9 &.-\u00e9\u0153\u682a"), min_size=1, max_size=70).filter(
            str.strip
        ),
        "amount": st.decimals("0.01", "999999999.99", places=2),
        "reference": st.from_regex(r"[A-Z0-9]{1,21}", fullmatch=True).map(creditor_reference),
        "bic": st.sampled_from((None, "AGRIFRPP", "AGRIFRPP882")),
    }
)


@given(transfer=TRANSFERS)
@settings(max_examples=40, deadline=None)
def test_screen_and_print_carry_the_librarys_text(transfer: dict[str, Any]) -> None:
    """The picture scans to the text of the QR library's own EPC code; the drawing is that very code."""
    code = payment_code(iban=IBAN, currency="EUR", **transfer)
    assert code is not None
    known = helpers.make_epc_qr(iban=IBAN, encoding="utf-8", **transfer | {"name": transfer["name"].strip()})
    drawn = known.svg_inline(scale=1, border=2, dark="#000", light="#fff")
    assert code.svg.partition("<path")[2].strip() == drawn.partition("<path")[2].strip()
    page = io.BytesIO()
    known.save(page, kind="png", scale=5)
    expected, read = (
        zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))[0] for png in (page.getvalue(), code.png)
    )
    assert read.text == expected.text
    assert read.ec_level == "M"


def test_picture_is_small_and_has_its_margin() -> None:
    """The picture is a sound PNG of black and white alone, five pixels a module, four modules of margin."""
    code = payment_code(
        name="VENDEUR SAS", iban=IBAN, amount=Decimal(1), currency="EUR", reference="RF97F20260023"
    )
    assert code is not None
    Image.open(io.BytesIO(code.png)).verify()
    picture = Image.open(io.BytesIO(code.png))
    assert picture.mode == "1"
    assert len(code.png) < 1000
    dark = picture.convert("L").point(lambda value: 255 - value).getbbox()
    assert dark == (20, 20, picture.width - 20, picture.height - 20)
    assert (picture.width - 40) % 5 == 0


@pytest.mark.parametrize(
    ("amount", "currency"), [("10.00", "USD"), ("0.00", "EUR"), ("1000000000.00", "EUR")]
)
def test_no_code_where_none_can_carry_it(amount: str, currency: str) -> None:
    """No code is drawn for another currency, for nothing, or above the largest SEPA amount."""
    drawn = payment_code(
        name="A", iban=IBAN, amount=Decimal(amount), currency=currency, reference="RF97F20260023"
    )
    assert drawn is None


def test_long_and_foreign_names_fit() -> None:
    """A name of the greatest length in a script of three bytes a letter still makes a code."""
    code = payment_code(
        name="株" * 140,
        iban=IBAN,
        amount=Decimal("999999999.99"),
        currency="EUR",
        reference=creditor_reference("9" * 21),
    )
    assert code is not None


@pytest.mark.parametrize("iban", ["FR7630006000011234567890188", "A", "FR76 3000 6000 0112 3456 7890 188"])
def test_wrong_iban_is_refused(iban: str) -> None:
    """An IBAN whose check digits are wrong is refused, with its field and a remedy."""
    with pytest.raises(InputRefused, match=r"creditor\.iban = .*copy the IBAN"):
        checked_iban(iban)


def test_wrong_bic_is_refused() -> None:
    """A BIC of a wrong form is refused, with its field."""
    with pytest.raises(InputRefused, match=r"creditor\.bic"):
        payment_code(
            name="A", iban=IBAN, amount=Decimal(1), currency="EUR", reference="RF97F20260023", bic="XX"
        )
