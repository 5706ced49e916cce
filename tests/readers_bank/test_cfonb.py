"""CFONB 120: signs in the last digit, complements, balances, and records that are broken."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bank import BankEntry, BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read, recognise
from tests.readers_bank.samples import (
    CLOSED,
    MOVEMENTS,
    OPENED,
    Movement,
    balance_record,
    cfonb120,
    only,
    overpunched,
    record,
    refusals,
)

ON = date(2026, 11, 18)


def complement(key: str, text: str) -> str:
    """Writes a record 05."""
    return record("05", ON, middle=f"     {key}{text:<70}")


def one(*complements: str, amount: str = "300.00", reject: str = "  ") -> BankEntry:
    """Reads the only movement of a statement with these complements."""
    value = Decimal(amount)
    movement = record(
        "04", ON, middle=f"{reject}181126{'LABEL':<32} 0000000  {overpunched(value)}REF-IN-ZONE"
    )
    lines = [
        balance_record("01", Decimal(0), OPENED),
        movement,
        *complements,
        balance_record("07", value, CLOSED),
    ]
    (found,) = only("\n".join(lines)).entries
    return found


def test_a_statement_is_read_whole() -> None:
    """Account, balances, days and movements are what the records say."""
    found = only(cfonb120())
    assert (found.format, found.account, found.currency) == ("CFONB120", "300060000112345678901", "EUR")
    assert (found.opening, found.closing, found.booked_to) == (Decimal("100.00"), Decimal("2026.65"), CLOSED)
    assert [(each.signed, each.booked_on) for each in found.entries] == [
        (each.amount, each.on) for each in MOVEMENTS
    ]
    first, fee, _ = found.entries
    assert (first.payer, first.bank_reference, first.end_to_end) == ("LE VERGER DU SUD", "B001", "E2E-1")
    assert first.text == "VIR SEPA FACTURE F-2026-0117 B001 E2E-1"
    assert (fee.payer, fee.credit, fee.code) == ("LA BANQUE", False, "05")


@given(st.decimals(min_value=-999_999_999, max_value=999_999_999, places=2))
def test_signs_in_the_last_digit_are_read(amount: Decimal) -> None:
    """Any amount is read with the sign that its last character holds; balances may be zero of either sign."""
    lines = [balance_record("01", amount, OPENED), balance_record("07", amount, CLOSED)]
    found = only("\n".join(lines))
    assert found.opening == found.closing == amount


@pytest.mark.parametrize(
    ("last", "cents"), [("{", "0"), ("A", "1"), ("I", "9"), ("}", "-0"), ("J", "-1"), ("R", "-9")]
)
def test_the_standard_names_these_signs(last: str, cents: str) -> None:
    """The signs are those of the standard: 322J with two decimals is -32.21."""
    amount = Decimal(f"{'-' if '-' in cents else ''}32.2{cents.removeprefix('-')}")
    lines = [balance_record("01", amount, OPENED), balance_record("07", amount, CLOSED)]
    assert only("\n".join(lines).replace(overpunched(amount), f"0000000000322{last}")).opening == amount


@pytest.mark.parametrize(
    "amount", ["00000000003000", "0000000000300a", "00000000 0300{", "000000000x300{", " " * 14]
)
def test_a_garbled_amount_refuses_its_statement(amount: str) -> None:
    """An amount without sign, or with anything but digits, is refused with its line."""
    (refusal,) = refusals(cfonb120().replace(overpunched(Decimal("99.05")), amount))
    assert (refusal.field, refusal.line) == ("amount", 10)


@pytest.mark.parametrize("day", ["310226", " 11126", "+11126", "1a1126", "      ", "000000"])
def test_a_day_that_is_none_refuses_its_statement(day: str) -> None:
    """A date of anything but six digits, or one that the calendar does not have, is refused with its line."""
    (refusal,) = refusals(cfonb120().replace("05191126", f"05{day}"))
    assert (refusal.field, refusal.line) == ("booking date", 7)


def test_amounts_may_be_padded_with_spaces() -> None:
    """Zeros before an amount may be spaces."""
    padded = overpunched(Decimal("99.05")).lstrip("0").rjust(14)
    assert only(cfonb120().replace(overpunched(Decimal("99.05")), padded)) == only(cfonb120())


def test_remittance_goes_on_where_its_line_ended() -> None:
    """The second line of a remittance continues the first without a space where that is full."""
    entry = one(complement("LCC", "x" * 66 + "F-20"), complement("LC2", "26-0117 MERCI"))
    assert "F-2026-0117 MERCI" in entry.text


def test_structured_remittance_is_a_reference() -> None:
    """A structured remittance stands by itself."""
    assert one(complement("LCS", "RF18539007547034")).references == ("RF18539007547034",)


def test_what_has_figures_of_another_kind_is_passed_over() -> None:
    """Amounts in other currencies and fees are no text in which numbers are looked for."""
    assert (
        one(complement("MMO", "USD200000000012345"), complement("FEE", "EUR12345")).text
        == "LABEL REF-IN-ZONE"
    )


@pytest.mark.parametrize(
    ("reject", "told", "why"),
    [
        ("51", [], "51"),
        ("00", [], None),
        ("51", [("RET", "AM04 PROVISION")], "AM04"),
        ("51", [("RET", "?")], "51"),
    ],
)
def test_a_returned_debit_says_why(reject: str, told: list[tuple[str, str]], why: str | None) -> None:
    """The reject code marks a return; the reason of ISO 20022 stands for it where the bank gives one."""
    entry = one(
        complement("NPY", "LE PAYEUR"), *(complement(*each) for each in told), amount="-300.00", reject=reject
    )
    assert (entry.returned, entry.payer) == (why, "LE PAYEUR")


def test_records_may_follow_one_another_without_lines() -> None:
    """A file without line ends is cut every 120 characters."""
    assert only(cfonb120().replace("\r\n", "")) == only(cfonb120())


def test_trailing_spaces_may_be_lost() -> None:
    """Records whose spaces at the end an editor took away are read."""
    assert only("\n".join(line.rstrip() for line in cfonb120().splitlines())) == only(cfonb120())


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-8-sig"])
def test_accents_are_read_in_any_code_page(encoding: str) -> None:
    """Accents are read as they were written, and move no other field."""
    data = cfonb120([Movement(Decimal("5.00"), payer="SOCIÉTÉ GÉNÉRALE")]).encode(encoding)
    assert only(data).entries[0].payer == "SOCIÉTÉ GÉNÉRALE"


def test_one_file_holds_many_statements() -> None:
    """A statement that does not add up is refused with its figures, those around it are read."""
    wrong = cfonb120().replace(overpunched(Decimal("99.05")), overpunched(Decimal("99.06")))
    first, refusal, last = read((cfonb120() + wrong + cfonb120()).encode(), "x")
    assert first == last
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == ("closing balance", 15)
    assert "lead to 2026.66, not to closing 2026.65" in refusal.remedy


def test_a_statement_without_end_is_refused() -> None:
    """A file that breaks off refuses its last statement, and reads those before."""
    lines = cfonb120().splitlines()
    good, refusal = read("\n".join([*lines, *lines[:-1]]).encode(), "x")
    assert isinstance(good, BankStatement)
    assert isinstance(refusal, InputRefused)
    assert (refusal.line, "cut short" in refusal.remedy) == (15, True)


def test_a_new_statement_before_the_end_of_another_refuses_that() -> None:
    """A statement that begins inside another refuses the other."""
    lines = cfonb120().splitlines()
    refusal, good = read("\n".join([*lines[:-1], *lines]).encode(), "x")
    assert (type(refusal), type(good)) == (InputRefused, BankStatement)


def test_records_outside_of_a_statement_are_refused() -> None:
    """A movement before any opening balance belongs to nobody."""
    lines = cfonb120().splitlines()
    found = read("\n".join([lines[1], *lines]).encode(), "x")
    assert [type(each) for each in found] == [InputRefused, BankStatement]


@pytest.mark.parametrize(("place", "text"), [(21, "99999999999"), (16, "USD")])
def test_a_movement_of_another_account_refuses_its_statement(place: int, text: str) -> None:
    """A movement of another account or currency than the opening balance is not added up with it."""
    lines = cfonb120().splitlines()
    lines[1] = lines[1][:place] + text + lines[1][place + len(text) :]
    (refusal,) = refusals("\n".join(lines))
    assert refusal.field == {21: "account", 16: "currency"}[place]


def test_a_movement_naming_another_bank_is_said() -> None:
    """Another code of the bank beside the same account is said, not refused: banks merge."""
    lines = cfonb120().splitlines()
    lines[1] = lines[1][:2] + "30007" + lines[1][7:]
    assert only("\n".join(lines)).notes == ("a movement names the bank 30007 instead of 30006",)


def test_an_unknown_record_refuses_its_statement() -> None:
    """A record of an unknown kind, or one that is too long, refuses the statement around it."""
    lines = cfonb120().splitlines()
    for line in ("06" + lines[1][2:], lines[1] + "xx"):
        (refusal,) = refusals("\n".join([lines[0], line, *lines[1:]]))
        assert (refusal.field, refusal.line) == ("record", 2)


def test_an_account_without_currency_needs_one() -> None:
    """A bank that leaves the currency blank is read in the currency that is named, and refused without."""
    blank = cfonb120().replace("EUR2", "   2")
    (refusal,) = refusals(blank)
    assert refusal.field == "currency"
    assert only(blank, currency="EUR").entries == only(cfonb120()).entries


def test_records_of_240_characters_are_recognised_and_refused() -> None:
    """CFONB 240 is known for what it is and not read, with what to ask for instead."""
    data = ("31" + "00".ljust(238) + "\r\n" + "34".ljust(240)).encode()
    assert recognise(data, "x") == "CFONB240"
    (refusal,) = refusals(data)
    assert "ask the bank for CFONB 120 or camt.053" in refusal.remedy
