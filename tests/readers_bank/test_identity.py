"""Which entries of two files are the same: whole files again, longer exports, batches, equal payments."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bank import BankEntry, BankStatement, booking_of, same_account
from tests.readers_bank.samples import (
    IBAN,
    MOVEMENTS,
    OTHER_IBAN,
    Movement,
    camt053,
    camt054,
    cfonb120,
    document,
    mt940,
    ntry,
    ofx,
    only,
    sheet,
    stmt,
    tag,
)

DAYS = [date(2026, 11, 16) + timedelta(days=number) for number in range(5)]
quick = settings(max_examples=60, deadline=None)


@st.composite
def lives(draw: st.DrawFn) -> list[Movement]:
    """Draws movements over some days, many of them equal, in the order of their days."""
    movement = st.builds(
        Movement,
        amount=st.sampled_from([Decimal("10.00"), Decimal("20.00"), Decimal("-10.00")]),
        on=st.sampled_from(DAYS),
        text=st.sampled_from(["FACTURE 1", "FACTURE 2"]),
        reference=st.sampled_from([None, "R1", "R2"]),
    )
    return sorted(draw(st.lists(movement, max_size=14)), key=lambda each: each.on)


def statement(movements: list[Movement], account: str = IBAN) -> BankStatement:
    """Makes a statement of movements."""
    entries = [
        BankEntry(
            amount=each.size,
            currency="EUR",
            credit=each.amount > 0,
            booked_on=each.on,
            text=each.text,
            bank_reference=each.reference,
        )
        for each in movements
    ]
    return BankStatement(format="test", account=account, booked_to=DAYS[-1], entries=tuple(entries))


def identities(found: BankStatement) -> list[str]:
    """Gives the identities of all entries."""
    return [identity for identity, _ in found.identified()]


@quick
@given(lives())
def test_entries_of_one_statement_are_told_apart(movements: list[Movement]) -> None:
    """However equal two entries are, they are two."""
    found = identities(statement(movements))
    assert len(set(found)) == len(movements)


@quick
@given(lives(), st.integers(0, 4), st.integers(0, 4), st.randoms())
def test_overlapping_exports_tell_of_the_same_entries(
    movements: list[Movement], first: int, last: int, random: object
) -> None:
    """Two exports of whole days know each entry that both hold, in whatever order, and share no other."""
    early = [each for each in movements if each.on <= DAYS[last]]
    late = [each for each in movements if each.on >= DAYS[first]]
    random.shuffle(late)  # type: ignore[attr-defined]
    both = [each for each in movements if DAYS[first] <= each.on <= DAYS[last]]
    shared = set(identities(statement(early))) & set(identities(statement(late)))
    assert len(shared) == len(both)
    assert set(identities(statement(both))) == shared


@quick
@given(lives())
def test_a_day_that_goes_on_adds_only_what_is_new(movements: list[Movement]) -> None:
    """A file that ends in the middle of a day is the beginning of the one that holds the whole day."""
    whole = identities(statement(movements))
    for end in range(len(movements)):
        assert identities(statement(movements[:end])) == whole[:end]


@quick
@given(lives())
def test_another_account_has_other_entries(movements: list[Movement]) -> None:
    """The same movements on two accounts are different ones; spaces in an account's name mean nothing."""
    one, other = identities(statement(movements)), identities(statement(movements, OTHER_IBAN))
    assert not set(one) & set(other)
    spaced = " ".join(IBAN[place : place + 4] for place in range(0, len(IBAN), 4))
    assert identities(statement(movements, spaced)) == one


@pytest.mark.parametrize("write", [camt053, camt054, cfonb120, mt940, ofx])
def test_the_same_file_again_is_known(write: Callable[[], str]) -> None:
    """Reading a file twice finds the same identities."""
    assert identities(only(write())) == identities(only(write()))


def test_the_same_sheet_again_is_known() -> None:
    """A CSV in another order is the same CSV."""
    lines = sheet().splitlines()
    turned = "\n".join([*lines[:3], *reversed(lines[3:])])
    one, other = (only(data, account=IBAN, currency="EUR") for data in (sheet(), turned))
    assert set(identities(one)) == set(identities(other))


def test_a_notice_and_a_statement_tell_of_the_same_booking() -> None:
    """An entry of camt.054 is known again in camt.053 by the bank's reference, whatever else is written."""
    noticed = [Movement(Decimal("300.00"), reference="B1", text="all of it", end_to_end="E1")]
    booked = [Movement(Decimal("300.00"), reference="B1", text="")]
    assert identities(only(camt054(noticed))) == identities(only(camt053(booked)))


def batch(*amounts: str, end: str = "E") -> str:
    """Writes a statement of one booking of 300.00, in these parts if there are any."""
    parts = [
        tag("TxDtls", tag("Refs", tag("EndToEndId", f"{end}{number}")), tag("Amt", amount, Ccy="EUR"))
        for number, amount in enumerate(amounts)
    ]
    return document(stmt(ntry(Movement(Decimal("300.00"), reference="B1"), *parts), Decimal(0), Decimal(300)))


def test_a_batch_is_one_booking_whole_or_in_parts() -> None:
    """The parts of a batch name the booking that another file tells as one sum."""
    (whole,) = identities(only(batch()))
    parts = identities(only(batch("100.00", "150.00", "50.00")))
    assert {booking_of(part) for part in parts} == {whole} == {booking_of(whole)}
    assert len({*parts, whole}) == 4


def test_parts_of_a_batch_are_known_in_any_order() -> None:
    """A part is known by its amount and end-to-end reference, equal ones by their turn."""
    one = dict(zip(["a", "b", "c"], identities(only(batch("100.00", "100.00", "100.00"))), strict=True))
    assert len(set(one.values())) == 3
    assert set(identities(only(batch("100.00", "100.00", "100.00")))) == set(one.values())


def test_two_batches_with_one_reference_are_two() -> None:
    """A bank that gives every booking the same reference still booked twice."""
    entry = ntry(Movement(Decimal("300.00"), reference="B1"))
    found = only(document(stmt(entry + entry, Decimal(0), Decimal(600))))
    assert len(set(identities(found))) == 2


def test_identities_fit_where_they_are_kept() -> None:
    """An identity has at most 64 characters."""
    assert all(
        len(each) <= 64 for each in identities(only(batch("100.00", "200.00"))) + identities(only(camt053()))
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (IBAN, "fr76 3000 6000 0112 3456 7890 189", True),
        (IBAN, "300060000112345678901", True),
        (IBAN, "30006 00001 12345678901 89", True),
        (IBAN, "12345678901", True),
        (IBAN, "30006/12345678901", True),
        (IBAN, "300060000112345678902", False),
        (OTHER_IBAN, "37040044/532013000", True),
        (OTHER_IBAN, "37040044/0532013000", True),
        (OTHER_IBAN, "532013000", True),
        (OTHER_IBAN, "37040045/532013000", False),
        (OTHER_IBAN, "000", False),
        (OTHER_IBAN, "37040044/0", False),
        (IBAN, OTHER_IBAN, False),
        ("50000000054910000003", "50000000054910000003", True),
        ("50000000054910000003", "54910000003", False),
    ],
)
def test_accounts_are_called_in_many_ways(one: str, other: str, *, same: bool) -> None:
    """An IBAN and the numbers that it is made of name one account; too little of it names none."""
    assert same_account(one, other) is same_account(other, one) is same


def test_currencies_of_balances_and_entries_must_agree() -> None:
    """A statement whose entries are in another currency than its balances does not add up."""
    with pytest.raises(ValueError, match="are in EUR, USD"):
        BankStatement(
            format="test",
            account=IBAN,
            currency="USD",
            opening=Decimal(0),
            closing=MOVEMENTS[0].amount,
            booked_to=DAYS[0],
            entries=(BankEntry(amount="1840.00", currency="EUR", credit=True, booked_on=DAYS[0]),),
        )
