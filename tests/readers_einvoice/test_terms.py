"""Payment terms: maturities with amounts, discounts in both shapes, and due dates in words."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import Maturity
from domain.faults import InputRefused
from domain.receivable import EarlyDiscount
from intake.readers.einvoice.payment_terms import in_words
from intake.readers.einvoice.reading import read
from tests.readers_einvoice.samples import (
    EXTENDED,
    cii,
    cii_day,
    cii_term,
    day,
    tag,
    ubl,
    ubl_means,
    ubl_term,
)


def discount(percent: str, until: str) -> EarlyDiscount:
    """Makes the discount that is expected."""
    return EarlyDiscount(percent=Decimal(percent), until=day(until))


# Maturities


def test_terms_with_amounts_are_maturities() -> None:
    """Several terms that give an amount each make the maturities, in the order of their days."""
    expected = (
        Maturity(due_date=day("2026-03-31"), amount="50.00"),
        Maturity(due_date=day("2026-04-30"), amount="70.00"),
    )
    terms = cii_term("solde", "2026-04-30", "70.00") + cii_term("acompte", "2026-03-31", "50.00")
    found = read(cii(profile=EXTENDED, terms=terms))
    assert (found.maturities, found.due_dates) == (expected, ())
    terms = ubl_term("solde", None, "70.00", "2026-04-30") + ubl_term("x", None, "50.00", "2026-03-31")
    assert read(ubl(terms=terms)).maturities == expected


def test_what_was_paid_counts_for_the_first_maturity() -> None:
    """Parts that make what is due grow, the first one, by what was paid: they make the whole."""
    terms = cii_term(None, "2026-03-31", "40.00") + cii_term(None, "2026-04-30", "60.00")
    found = read(cii(profile=EXTENDED, terms=terms, prepaid="20.00", due="100.00"))
    assert [part.amount for part in found.maturities] == [Decimal("60.00"), Decimal("60.00")]
    assert sum(part.amount for part in found.maturities) == found.asked


def test_parts_of_one_day_are_one_maturity() -> None:
    """Two parts due on one day are due together."""
    terms = cii_term(None, "2026-03-31", "40.00") * 2 + cii_term(None, "2026-04-30", "40.00")
    found = read(cii(profile=EXTENDED, terms=terms))
    assert [part.amount for part in found.maturities] == [Decimal("80.00"), Decimal("40.00")]


@pytest.mark.parametrize(
    "terms",
    [
        cii_term(None, "2026-03-31", "60.00") + cii_term(None, "2026-04-30", "59.00"),
        cii_term(None, "2026-03-31", "60.00") + cii_term(None, None, "60.00"),
        cii_term(None, "2026-03-31", "130.00") + cii_term(None, "2026-04-30", "-10.00"),
        cii_term(None, "2026-03-31", "60.00"),
    ],
)
def test_parts_that_do_not_make_the_amount_are_refused(terms: str) -> None:
    """Parts that make up another amount, have no day or are below zero are refused."""
    with pytest.raises(InputRefused) as refusal:
        read(cii(profile=EXTENDED, terms=terms))
    assert refusal.value.field == "BT-20 payment terms"


def test_due_dates_without_amounts_are_all_kept() -> None:
    """Without amounts there are no maturities: every due date is kept, those of discounts apart."""
    terms = cii_term(None, "2026-04-30") + cii_term(None, "2026-03-31")
    assert read(cii(profile=EXTENDED, terms=terms)).due_dates == (day("2026-03-31"), day("2026-04-30"))
    offer = '<ram:BasisPeriodMeasure unitCode="DAY">10</ram:BasisPeriodMeasure>' + tag(
        "ram:CalculationPercent", "2"
    )
    terms = cii_term("2 %", "2026-03-11", None, offer) + cii_term("net", "2026-03-31")
    found = read(cii(profile=EXTENDED, terms=terms))
    assert found.due_dates == (day("2026-03-31"),)
    assert found.discounts == (discount("2", "2026-03-11"),)
    means = ubl_means(due="2026-04-15")
    assert read(ubl(due_date=None, means=means, terms="")).due_dates == (day("2026-04-15"),)


# Discounts


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#SKONTO#TAGE=14#PROZENT=2.25#", (discount("2.25", "2026-03-15"),)),
        (
            "#SKONTO#TAGE=7#PROZENT=3.00#\n#SKONTO#TAGE=14#PROZENT=2.00#BASISBETRAG=120.00#\n",
            (discount("3", "2026-03-08"), discount("2", "2026-03-15")),
        ),
        ("Merci\n#VERZUG#TAGE=30#PROZENT=8.00#", ()),
        ("2 % discount if paid within 2 days", ()),
    ],
)
def test_discounts_coded_in_the_terms_are_read(line: str, expected: tuple[EarlyDiscount, ...]) -> None:
    """XRechnung's coded discounts are read in both syntaxes, each for its days; words are not guessed at."""
    for data in (cii(terms=cii_term(line, "2026-03-31")), ubl(terms=ubl_term(line))):
        found = read(data)
        assert found.discounts == expected
        assert found.remarks == ()


@pytest.mark.parametrize(
    "line",
    [
        "#SKONTO#TAGE=14#PROZENT=zwei#",
        "#SKONTO#TAGE=14#",
        "#SKONTO#TAGE=14#PROZENT=2.00#BASISBETRAG=60.00#",
        "#SKONTO#TAGE=14#PROZENT=50.00#",
    ],
)
def test_discounts_that_are_not_understood_are_left_out_and_said(line: str) -> None:
    """A discount on a part, out of bounds or garbled is left out: too little is asked of nobody by it."""
    found = read(cii(terms=cii_term(line, "2026-03-31")))
    assert found.discounts == ()
    assert "discount" in found.remarks[0]


def test_structured_discounts_are_read_once() -> None:
    """Discounts in CII and UBL terms are read, from their own first day too; one said twice is one."""
    offer = tag("ram:BasisDateTime", cii_day("2026-03-05"))
    offer += '<ram:BasisPeriodMeasure unitCode="DAY">10</ram:BasisPeriodMeasure>'
    offer += tag("ram:BasisAmount", "120.00") + tag("ram:CalculationPercent", "2.50")
    found = read(
        cii(profile=EXTENDED, terms=cii_term("#SKONTO#TAGE=14#PROZENT=2.50#", "2026-03-31", discount=offer))
    )
    assert found.discounts == (discount("2.5", "2026-03-15"),)
    period = '<cbc:DurationMeasure unitCode="DAY">14</cbc:DurationMeasure>'
    assert read(ubl(terms=ubl_term("x", "2.5", period=period))).discounts == found.discounts
    ended = tag("cbc:EndDate", "2026-03-15")
    assert read(ubl(terms=ubl_term("x", "2.5", period=ended))).discounts == found.discounts


@pytest.mark.parametrize(
    "offer",
    [
        tag("ram:CalculationPercent", "2.00"),
        '<ram:BasisPeriodMeasure unitCode="MON">1</ram:BasisPeriodMeasure>'
        + tag("ram:CalculationPercent", "2"),
        '<ram:BasisPeriodMeasure unitCode="DAY">10</ram:BasisPeriodMeasure>'
        + tag("ram:ActualDiscountAmount", "2.40"),
    ],
)
def test_discounts_without_days_or_percent_are_left_out(offer: str) -> None:
    """Without an end in days, or without a percentage, a discount is not one that can be followed."""
    found = read(cii(profile=EXTENDED, terms=cii_term("x", "2026-03-31", discount=offer)))
    assert found.discounts == ()
    assert len(found.remarks) == 1


def test_a_discount_on_what_is_left_is_no_percentage_of_the_whole() -> None:
    """Where a part was paid before, a discount on the rest is left out: it would be taken too large."""
    terms = cii_term("#SKONTO#TAGE=14#PROZENT=2.00#", "2026-03-31")
    assert read(cii(terms=terms, prepaid="20.00", due="100.00")).discounts == ()


# Words


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("30 jours net", 30),
        ("PAIEMENT 30 JOURS NET", 30),
        ("Règlement à 45 jours date de facture", 45),
        ("Délai de paiement : 60 jours nets", 60),
        ("30j", 30),
        ("30 days net", 30),
        ("Net 30", 30),
        ("Payment within 14 days of the invoice date", 14),
        ("Terms: net 15 days", 15),
        ("Zahlbar innerhalb von 30 Tagen netto ab Rechnungsdatum", 30),
        ("14 Tage netto\n#SKONTO#TAGE=7#PROZENT=2.00#", 14),
        ("0 jours", 0),
    ],
)
def test_plain_terms_are_days_from_the_invoice(words: str, days: int) -> None:
    """A number of days, with nothing else said, counts from the invoice date."""
    found = in_words(words, day("2026-03-01"))
    assert found is not None
    assert found.due_date == day("2026-03-01") + timedelta(days=days)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "30",
        "2 % à 10 jours, 30 jours net",
        "30 jours fin de mois le 10",
        "45 jours fin de mois le 15",
        "30 jours à réception",
        "30 days after receipt",
        "50% prepaid, 50% within one month",
        "à réception de facture",
        "30 jours sauf litige",
        "pas avant 30 jours",
        "30 jours ouvrés",
        "30 jours net " * 40,
    ],
)
def test_terms_that_are_not_plain_are_left_to_others(words: str) -> None:
    """Terms with a second number, a receipt, a day of the month or a word too many are not guessed at."""
    assert in_words(words, day("2026-03-01")) is None


@pytest.mark.parametrize(
    ("issued", "due", "first"),
    [
        ("2026-01-02", "2026-03-17", True),
        ("2026-01-15", "2026-03-31", False),
        ("2026-01-31", "2026-03-31", False),
        ("2024-01-15", "2024-03-16", True),
        ("2026-12-31", "2027-02-28", False),
    ],
)
@pytest.mark.parametrize(
    "words", ["45 jours fin de mois", "45 j. FDM", "paiement à 45 jours fin de mois", "45 days end of month"]
)
def test_end_of_month_takes_the_later_lawful_reading(
    words: str, issued: str, due: str, *, first: bool
) -> None:
    """Terms of 45 days end of month are read to the later of two lawful days, and say by which reading."""
    found = in_words(words, day(issued))
    assert found is not None
    assert found.due_date == day(due)
    assert found.read_as.startswith("end of month" if first else "45 days")


@pytest.mark.parametrize(
    "words", ["fin de mois 45 jours", "Fin de mois + 45 jours", "45 days from end of month"]
)
def test_end_of_month_first_is_one_reading(words: str) -> None:
    """Terms that begin with the end of the month have that reading alone."""
    found = in_words(words, day("2026-01-15"))
    assert found is not None
    assert found.due_date == day("2026-03-17")


@given(st.text(max_size=250), st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_any_terms_leave_a_day_that_is_not_before_the_invoice(words: str, issued: date) -> None:
    """Whatever the words, they are read as a day on or after the invoice's, or not at all."""
    found = in_words(words, issued)
    assert found is None or found.due_date >= issued
