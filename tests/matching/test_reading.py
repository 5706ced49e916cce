"""What is read in texts and names: references, numbers, slips, days, companies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso11649 import is_valid

from correspondence.payment_code import creditor_reference
from domain.payers import name_of
from domain.remittance import (
    checked,
    compact,
    dated,
    fold,
    loose_forms,
    one_slip,
    reference_body,
    references_in,
    slips,
)
from tests.domain.build import day

quick = settings(max_examples=60, deadline=None, database=None)
numbers = st.from_regex(r"[A-Z]{0,4}[-/ ]?[0-9]{2,4}[-/ ]?[0-9]{1,12}", fullmatch=True)


@quick
@given(numbers)
def test_the_reference_of_a_number_is_found_again(number: str) -> None:
    """The reference that is printed for a number is right, and holds what is looked for."""
    reference = creditor_reference(number)
    assert checked(reference)
    assert reference[4:] == reference_body(number)
    assert reference in set(references_in(f"VIR SEPA {reference} MERCI"))


@quick
@given(st.from_regex(r"RF[0-9]{2}[A-Z0-9]{1,21}", fullmatch=True))
def test_check_digits_are_those_of_the_standard(reference: str) -> None:
    """References are told from others as a well-known library tells them."""
    assert checked(reference) == is_valid(reference)


@quick
@given(numbers, st.integers(4, 9))
def test_a_reference_printed_in_groups_is_found(number: str, size: int) -> None:
    """Spaces anywhere do not hide a reference."""
    reference = creditor_reference(number)
    grouped = " ".join(reference[start : start + size] for start in range(0, len(reference), size))
    assert reference in set(references_in(grouped))


@quick
@given(st.text(max_size=200))
def test_any_text_is_folded_to_what_banks_carry(text: str) -> None:
    """Folding leaves capitals and signs of ASCII alone, and does so once and for all."""
    folded = fold(text)
    assert folded.isascii()
    assert fold(folded) == folded
    assert compact(text).isalnum() or compact(text) == ""


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Été à Bœuf & Cie", "ETE A BOEUF & CIE"),
        ("Straße Łódź Ørsted", "STRASSE LODZ ORSTED"),
        ("n° 12", "N  12"),
    ],
)
def test_accents_and_ligatures_become_plain_letters(text: str, folded: str) -> None:
    """Letters lose their accents; what no bank carries becomes a space."""
    assert fold(text) == folded


@quick
@given(numbers)
def test_one_slip_is_told_both_ways(number: str) -> None:
    """Every number that one slip makes is known as one slip away, from either side."""
    whole = compact(number)
    near = slips(whole)
    assert whole not in near
    assert all(one_slip(other, whole) and one_slip(whole, other) for other in near)


def test_two_slips_are_two() -> None:
    """Numbers that differ twice, or not at all, are not one slip away."""
    assert not one_slip("FA20260412", "FA20260412")
    assert not one_slip("FA20260412", "FA20261413")
    assert not one_slip("FA20260412", "FA202604")
    assert one_slip("FA20260412", "FA20260421")


def test_what_people_write_for_a_number() -> None:
    """Zeros and prefixes are left out; what has fewer than four digits stands for nothing."""
    assert loose_forms("FA-2026-0042") == {"FA|2026|42", "2026|42", "20260042"}
    assert loose_forms("F-42") == frozenset()


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20261112", True),
        ("12112026", True),
        ("121126", True),
        ("261112", True),
        ("202611", True),
        ("112026", True),
        ("20261312", False),
        ("20190101", False),
        ("104512", False),
        ("33000", False),
    ],
)
def test_digits_that_may_be_a_day(digits: str, expected: bool) -> None:  # noqa: FBT001 - a table of answers
    """Six or eight digits are a day in any usual order, if it lies within two years."""
    assert dated(digits, day("2026-11-12")) is expected


SAME = [
    ("LE VERGER DU SUD SARL", "Le Verger du Sud SARL"),
    ("SARL VERGER SUD", "Le Verger du Sud SARL"),
    ("ETS MUELLER S.A.S.", "Établissements Müller SAS"),
    ("S A S DUPONT ET FILS", "Dupont & Fils S.A.S."),
    ("SPEDITION GROESSE GMBH + CO KG", "Spedition Größe GmbH & Co. KG"),
    ("BOEUF FRERES SA", "Bœuf Frères SA"),
    ("HARBOUR FOODS LIMITED", "Harbour Foods Ltd"),
]


@pytest.mark.parametrize(("written", "legal"), SAME)
def test_a_full_name_is_known_as_banks_write_it(written: str, legal: str) -> None:
    """Accents, umlauts, short forms and the place of the legal form do not matter."""
    assert name_of(written).same(name_of(legal))


OTHERS = [
    ("DUPONT SARL", "Dupont SAS"),
    ("DUPONT ET FILS SAS", "Dupont SAS"),
    ("DUPONT", "Dupont"),
    ("LE VERGER DU SUD", "Le Verger du Sud SARL"),
    ("", "Dupont SAS"),
]


@pytest.mark.parametrize(("written", "legal"), OTHERS)
def test_a_name_that_is_not_the_full_one_is_not_the_same(written: str, legal: str) -> None:
    """Another legal form, none, another word, or a surname alone is not the full legal name."""
    assert not name_of(written).same(name_of(legal))


ALIKE = [
    ("ETABLISSEMENTS DURAND MECANI", "Établissements Durand Mécanique SARL"),
    ("TRAN NOEL DIST SAS", "Transports Noël Distribution SAS"),
    ("LE VERGER DU SUD", "Le Verger du Sud SARL"),
]


@pytest.mark.parametrize(("written", "legal"), ALIKE)
def test_a_name_cut_or_abbreviated_is_alike(written: str, legal: str) -> None:
    """Names are alike when a bank has cut one, or people have shortened its words."""
    assert name_of(written).alike(name_of(legal))


@pytest.mark.parametrize(
    ("written", "legal"),
    [("GARAGE MARTIN", "Garage Petit SAS"), ("SA", "Dupont SA"), ("AXA", "Transports Noël SAS")],
)
def test_a_common_word_makes_no_likeness(written: str, legal: str) -> None:
    """One word of several, or a legal form, does not make two names alike."""
    assert not name_of(written).alike(name_of(legal))
