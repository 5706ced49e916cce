"""Electronic invoices as they are read: each business term, in each syntax, and what is refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import facturx
import pytest

from domain.faults import InputRefused
from intake.readers.einvoice.model import Identifier, InvoiceNote
from intake.readers.einvoice.reading import read, recognise
from tests.readers_einvoice.samples import (
    BUYER_SIREN,
    BUYER_VAT,
    CII_BUYER,
    EXTENDED,
    IBAN,
    MINIMUM,
    UBL_BUYER,
    cii,
    cii_day,
    cii_means,
    cii_term,
    day,
    tag,
    ubl,
    ubl_means,
    ubl_term,
)

Sample = Callable[..., bytes]
BOTH = pytest.mark.parametrize("sample", [cii, ubl])


def refused(data: bytes) -> InputRefused:
    """Expects a refusal and gives it."""
    with pytest.raises(InputRefused) as refusal:
        read(data)
    return refusal.value


@pytest.mark.parametrize(
    "data",
    [
        cii(),
        cii(profile=EXTENDED, terms=cii_term("à parts égales", "2026-03-31", "60.00") * 2, prepaid="0.00"),
        cii(rounding="0.05", total="119.95", preceding=("F-1",)),
        ubl(),
        ubl(kind="CreditNote", preceding=("F-1", "F-2"), means=ubl_means(due="2026-03-31")),
        ubl(notes=("#PMD#x",), rounding="0.00", terms=ubl_term("x", "2.00", "120.00", "2026-03-31")),
    ],
)
def test_the_samples_keep_to_the_schemas(data: bytes) -> None:
    """What these tests read is valid by the schemas of the standard."""
    assert facturx.xml_check_xsd(data)


@BOTH
def test_every_business_term_is_read(sample: Sample) -> None:
    """Both syntaxes say the same: numbers, days, amounts, references, accounts and parties."""
    found = read(sample(preceding=("F-2026-1", "F-2026-2")))
    assert (found.number, found.type_code, found.currency) == ("F-2026-7", "380", "EUR")
    assert (found.issue_date, found.due_dates, found.delivered_on) == (
        day("2026-03-01"),
        (day("2026-03-31"),),
        day("2026-02-26"),
    )
    assert [found.total, found.prepaid, found.rounding, found.due] == [120, 0, 0, 120]
    assert (found.payment_reference, found.ibans, found.means) == ("RF97F20260023", (IBAN,), ("30",))
    assert (found.buyer_reference, found.order_reference) == ("SERVICE-1", "BC-4471")
    assert (found.despatch_reference, found.preceding) == ("BL-9", ("F-2026-1", "F-2026-2"))
    assert found.terms == "30 jours net"
    assert found.seller.legal_id == Identifier(id="732829320", scheme="0002")
    assert found.seller.ids == (Identifier(id="73282932000074", scheme="0009"),)
    buyer = found.buyer
    assert (buyer.name, buyer.vat, buyer.ids) == (
        "Le Verger du Sud SARL",
        BUYER_VAT,
        (Identifier(id="C-0042"),),
    )
    assert (buyer.contact, buyer.email) == ("Service comptabilité", "factures@verger.example")
    assert buyer.legal_id == Identifier(id=BUYER_SIREN, scheme="0002")
    assert (buyer.address.lines, buyer.address.postcode) == (("4 rue des Oliviers",), "13001")
    assert (buyer.address.city, buyer.address.country) == ("Marseille", "FR")


def test_notes_keep_their_subject() -> None:
    """Penalties (PMD), costs (PMT) and discounts (AAB) are told apart in both syntaxes."""
    expected = (
        InvoiceNote(subject="PMD", text="Trois fois le taux légal"),
        InvoiceNote(subject="PMT", text="40 €"),
        InvoiceNote(subject=None, text="Merci"),
    )
    notes = "".join(
        tag(
            "ram:IncludedNote",
            tag("ram:Content", note.text) + tag("ram:SubjectCode", note.subject),
        )
        for note in expected
    )
    assert read(cii(notes=notes)).notes == expected
    assert read(ubl(notes=("#PMD#Trois fois le taux légal", "#PMT#40 €", "Merci"))).notes == expected


@BOTH
def test_the_kind_is_recognised(sample: Sample) -> None:
    """Invoices are recognised by their root, also behind a byte order mark and when cut off."""
    data = sample()
    kind = recognise(data)
    assert kind in {"CII", "UBL Invoice"}
    assert recognise(b"\xef\xbb\xbf" + data) == recognise(data[:700]) == kind
    assert read(b"\xef\xbb\xbf" + data) == read(data)


def test_other_files_are_not_recognised() -> None:
    """Bank statements, life-cycle messages, orders, tables and nothing are no invoices."""
    others = [
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>',
        b"<rsm:CrossDomainAcknowledgementAndResponse/>",
        b"<rsm:SCRDMCCBDACIOMessageStructure/>",
        b"number;debtor;total\n",
        b'{"type": "invoice.created"}',
        b"",
    ]
    assert [recognise(data) for data in others] == [None] * len(others)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (
            b'<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"/>',
            "ZUGFeRD 1.0",
            "ZUGFeRD 2",
        ),
        (b'<Invoice xmlns="http://www.ebinterface.at/schema/6p1/"/>', "XML Invoice", "UBL 2.1"),
        (b"<CreditNote/>", "XML CreditNote", "UBL 2.1"),
        (b'<a:CrossIndustryInvoice xmlns:a="urn:other"/>', "XML CrossIndustryInvoice", "CII"),
    ],
)
def test_strange_roots_are_refused_with_a_remedy(data: bytes, kind: str, words: str) -> None:
    """An invoice in a format that is not read is recognised as one, and refused by what can be sent."""
    assert recognise(data) == kind
    assert words in refused(data).remedy


@BOTH
@pytest.mark.parametrize("profile", ["urn:peppol:pint:billing-1@jp-1", "OIOUBL-2.02", None])
def test_unknown_profiles_are_refused(sample: Sample, profile: str | None) -> None:
    """A specification that is not of EN 16931 is refused by name, and so is none."""
    refusal = refused(sample(profile=profile))
    assert (refusal.field, refusal.value) == ("BT-24 specification", profile or "")


@pytest.mark.parametrize(
    "profile",
    [
        "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
        "urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
        "urn:cen.eu:en16931:2017:compliant:factur-x.eu:1p0:basic",
        "urn:factur-x.eu:1p0:basicwl",
        "urn:zugferd.de:2p0:minimum",
    ],
)
def test_profiles_of_the_standard_are_read(profile: str) -> None:
    """Core, extension and part of EN 16931 are read, in the spellings of France and Germany."""
    assert read(cii(profile=profile)).profile == profile


# Amounts


@BOTH
def test_totals_that_do_not_agree_are_refused_with_the_figures(sample: Sample) -> None:
    """An amount due that total, paid and rounding do not make is refused, and the remedy has all of them."""
    refusal = refused(sample(total="120.00", prepaid="20.00", rounding="0.05", due="100.00"))
    assert (refusal.field, refusal.value) == ("BT-115 amount due", "100.00")
    for figure in ("120.00", "20.00", "0.05", "100.05"):
        assert figure in refusal.remedy


@BOTH
def test_a_cent_of_rounding_is_borne(sample: Sample) -> None:
    """One cent between the totals is rounding; two are not."""
    assert read(sample(total="120.00", due="120.01")).due == Decimal("120.01")
    assert refused(sample(total="120.00", due="120.02")).field == "BT-115 amount due"


@BOTH
def test_paid_and_rounding_make_the_amount_due(sample: Sample) -> None:
    """What was paid before and a rounding lead from the total to what is due, below zero too."""
    found = read(sample(total="120.00", prepaid="20.00", rounding="-0.05", due="99.95"))
    assert (found.prepaid, found.rounding, found.due, found.asked) == (
        Decimal("20.00"),
        Decimal("-0.05"),
        Decimal("99.95"),
        Decimal("119.95"),
    )
    assert read(sample(total="120.00", prepaid="300.00", due="-180.00")).asked == Decimal("120.00")


@pytest.mark.parametrize("written", ["1 234.56", "1,234.56", "12..34", "1e3", "NaN", "١٢", "120.001", "0x10"])
@BOTH
def test_garbled_amounts_are_refused(sample: Sample, written: str) -> None:
    """An amount that is not one is refused with its text and its line, never mended."""
    refusal = refused(sample(due=written))
    assert (refusal.field, refusal.value) == ("BT-115 amount due", written)
    assert refusal.line is not None


@BOTH
def test_trailing_zeros_are_no_decimals(sample: Sample) -> None:
    """120.0000 and 120 are 120.00."""
    assert read(sample(total="120", due="120.0000")).due == Decimal("120.00")


def test_amounts_of_another_currency_are_refused() -> None:
    """An amount due in another currency than the invoice's is refused."""
    data = ubl().replace(b'PayableAmount currencyID="EUR"', b'PayableAmount currencyID="USD"')
    assert refused(data).value == "USD"


@pytest.mark.parametrize("currency", ["NOK", "DKK", "SEK", "HUF"])
@BOTH
def test_other_currencies_are_read(sample: Sample, currency: str) -> None:
    """An invoice in another currency throughout is read in it."""
    assert read(sample(currency=currency, terms="")).currency == currency


def test_minimum_says_what_was_paid_by_the_difference() -> None:
    """The profile MINIMUM has no paid amount: the difference is taken as paid, and said; no other profile."""
    found = read(cii(profile=MINIMUM, total="671.15", due="470.15"))
    assert (found.prepaid, found.asked) == (Decimal("201.00"), Decimal("671.15"))
    assert "201.00" in found.remarks[0]
    assert refused(cii(total="671.15", due="470.15")).field == "BT-115 amount due"
    assert refused(cii(profile=MINIMUM, total="470.15", due="671.15")).field == "BT-115 amount due"


# What is missing or said twice


@pytest.mark.parametrize(
    ("element", "field"),
    [
        ("ID", "BT-1 number"),
        ("IssueDate", "BT-2 issue date"),
        ("InvoiceTypeCode", "BT-3 type code"),
        ("DocumentCurrencyCode", "BT-5 currency"),
        ("TaxInclusiveAmount", "BT-112 total with VAT"),
        ("PayableAmount", "BT-115 amount due"),
    ],
)
def test_what_an_invoice_must_state_is_missed(element: str, field: str) -> None:
    """A mandatory term that is missing, or empty, is named in the refusal."""
    name = element.encode()
    before, _, rest = ubl().partition(b"<cbc:" + name)
    after = rest.partition(b"</cbc:" + name + b">")[2]
    for data in (before + after, before + b"<cbc:" + name + b"/>" + after):
        assert refused(data).field == field


@BOTH
@pytest.mark.parametrize("side", ["seller", "buyer"])
def test_a_party_without_a_name_is_missed(sample: Sample, side: str) -> None:
    """Seller and buyer must be there, with a name."""
    assert refused(sample(**{side: ""})).field in {"BT-27 seller name", "BT-44 buyer name"}


def test_what_is_said_twice_is_not_chosen_from() -> None:
    """Two numbers, or two amounts due, are refused; the same one twice is harmless."""
    twice = ubl().replace(b"<cbc:ID>F-2026-7</cbc:ID>", b"<cbc:ID>F-1</cbc:ID><cbc:ID>F-2</cbc:ID>")
    assert (refused(twice).field, refused(twice).value) == ("BT-1 number", "F-1, F-2")
    due = b"<ram:DuePayableAmount>120.00</ram:DuePayableAmount>"
    assert refused(cii().replace(due, due + due.replace(b"120", b"119"))).field == "BT-115 amount due"
    assert read(cii().replace(due, due + due)).due == Decimal(120)


def test_a_value_interrupted_by_elements_is_refused() -> None:
    """A number that holds an element is refused: half of it would be another number."""
    refusal = refused(ubl().replace(b"F-2026-7", b"F-2026<cbc:Note>x</cbc:Note>-7"))
    assert (refusal.field, refusal.value) == ("BT-1 number", "F-2026")


# Days


@pytest.mark.parametrize("written", ["2026-02-30", "01/03/2026", "2026-3-1", "20260301", "1026-03-01"])
def test_days_that_are_none_are_refused(written: str) -> None:
    """A day that is not of the calendar, of another format, or of another age is refused."""
    assert refused(ubl(issued=written)).field == "BT-2 issue date"


def test_days_in_another_format_are_refused() -> None:
    """CII may write a day in format 102 alone; an empty wrapper is no day either."""
    month = '<udt:DateTimeString format="610">202603</udt:DateTimeString>'
    for inside in (month, "", "<udt:DateTime>2026-03-31T00:00:00</udt:DateTime>"):
        terms = tag("ram:SpecifiedTradePaymentTerms", tag("ram:DueDateDateTime", inside))
        assert refused(cii(terms=terms)).field == "BT-9 due date"
    assert read(cii(terms=cii_term(due="2026-03-31"))).due_dates == (date(2026, 3, 31),)
    assert cii_day("2026-03-31").count("102") == 1


def test_a_day_with_a_time_zone_is_that_day() -> None:
    """UBL may add a time zone to a day; the day stays."""
    assert read(ubl(issued="2026-03-01+01:00", due_date="2026-03-31Z")).due_dates == (day("2026-03-31"),)


def test_a_credit_note_is_due_by_its_means_of_payment() -> None:
    """UBL credit notes carry the due date with the means of payment."""
    found = read(ubl(kind="CreditNote", means=ubl_means(due="2026-04-15")))
    assert (found.syntax, found.due_dates) == ("UBL CreditNote", (day("2026-04-15"),))


# Accounts and references


def test_accounts_are_normalised_and_kept_once() -> None:
    """Spaces and case do not make another IBAN, and what is no IBAN is kept to be warned of."""
    written = ("FR14 2004 1010 0505 0001 3M02 606", IBAN.lower(), "A")
    assert read(cii(means=cii_means("58", *written))).ibans == (IBAN, "A")
    assert read(ubl(means="".join(ubl_means("30", None, each) for each in written))).ibans == (IBAN, "A")


def test_several_payment_references_are_not_chosen_from() -> None:
    """Two different payment references leave none, and are said."""
    found = read(ubl(means=ubl_means("30", "REF-1", IBAN) + ubl_means("30", "REF-2", IBAN)))
    assert found.payment_reference is None
    assert "REF-1, REF-2" in found.remarks[0]


def test_names_of_a_party_have_an_order() -> None:
    """The registered name wins over the trading name, which serves where there is no other."""
    named = "<cac:PartyName><cbc:Name>Verger</cbc:Name></cac:PartyName><cac:PostalAddress>"
    both = UBL_BUYER.replace("<cac:PostalAddress>", named)
    registered = "<cbc:RegistrationName>Le Verger du Sud SARL</cbc:RegistrationName>"
    assert read(ubl(buyer=both)).buyer.name == "Le Verger du Sud SARL"
    assert read(ubl(buyer=both.replace(registered, ""))).buyer.name == "Verger"
    assert read(cii(buyer=CII_BUYER.replace("FR 83 404", "fr.83-404"))).buyer.vat == BUYER_VAT
