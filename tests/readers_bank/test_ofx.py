"""OFX: SGML and XML, signs, accounts, days, and movements that are broken."""

from datetime import date
from decimal import Decimal

import pytest

from domain.bank import BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read
from tests.readers_bank.samples import MOVEMENTS, Movement, ofx, only, refusals


@pytest.mark.parametrize("xml", [False, True])
def test_a_download_is_read_whole(*, xml: bool) -> None:
    """Account, closing balance, days and movements are what the tags say, closed or not."""
    found = only(ofx(xml=xml))
    assert (found.format, found.account, found.currency) == ("OFX", "300060000112345678901", "EUR")
    assert (found.opening, found.closing) == (None, Decimal("2026.65"))
    assert (found.booked_from, found.booked_to) == (date(2026, 11, 1), date(2026, 11, 20))
    assert [(each.signed, each.booked_on) for each in found.entries] == [
        (each.amount, each.on) for each in MOVEMENTS
    ]
    first = found.entries[0]
    assert (first.bank_reference, first.payer, first.code) == ("B001", "LE VERGER DU SUD", "CREDIT")
    assert first.text == "LE VERGER DU SUD FACTURE F-2026-0117"


def test_names_of_tags_may_be_small() -> None:
    """Tags are the same in small letters."""
    data = ofx()
    for name in ("STMTRS", "STMTTRN", "TRNAMT", "FITID", "LEDGERBAL", "BALAMT", "CURDEF"):
        data = data.replace(f"<{name}>", f"<{name.lower()}>").replace(f"</{name}>", f"</{name.lower()}>")
    assert only(data) == only(ofx())


@pytest.mark.parametrize(
    ("told", "amount"), [("-12,40", "-12.40"), ("+7.5", "7.50"), (".50", "0.50"), ("08", "8")]
)
def test_amounts_are_written_in_these_ways(told: str, amount: str) -> None:
    """A comma parts cents as a point does; a sign may stand before."""
    data = ofx([Movement(Decimal("99.05"))]).replace("<TRNAMT>99.05", f"<TRNAMT>{told}")
    assert only(data.replace("<TRNTYPE>CREDIT", "<TRNTYPE>OTHER")).entries[0].signed == Decimal(amount)


@pytest.mark.parametrize(
    "told", ["1,250", "1,234.56", "1.234,56", "12..4", "", "x", "- 5", "--5", "5-", "1e3", "0.001"]
)
def test_a_garbled_amount_refuses_its_movement_alone(told: str) -> None:
    """An amount that is garbled, or could be thousands, is refused with its line; the others are read."""
    refusal, found = read(ofx().replace("<TRNAMT>99.05", f"<TRNAMT>{told}").encode(), "x")
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == ("TRNAMT", 25)
    assert isinstance(found, BankStatement)
    assert len(found.entries) == 2


def test_a_sign_against_the_type_is_refused() -> None:
    """A debit above zero, or a credit below, may mean either: it is refused."""
    (refusal,) = refusals(ofx().replace("<TRNAMT>-12.40", "<TRNAMT>12.40"))
    assert "wrong sign for a debit" in refusal.remedy


def test_a_correction_is_refused() -> None:
    """A movement that corrects an earlier one cannot be taken by itself."""
    (refusal,) = refusals(ofx().replace("<FITID>B003", "<FITID>B003<CORRECTFITID>B001"))
    assert (refusal.field, refusal.value) == ("CORRECTFITID", "B001")


def test_empty_values_take_nothing_from_others() -> None:
    """A value that is left empty does not hold those after it."""
    found = only(ofx().replace("<NAME>LE VERGER DU SUD", "<NAME>"))
    assert (found.entries[0].payer, found.entries[0].text) == (None, "FACTURE F-2026-0117")


def test_values_inside_others_stay_there() -> None:
    """The name of a payee, the account of another party and a movement's own currency are kept apart."""
    inside = "<PAYEE><NAME>DUPONT</PAYEE><BANKACCTTO><ACCTID>999</BANKACCTTO>"
    inside += "<CURRENCY><CURRATE>1<CURSYM>USD</CURRENCY>"
    data = ofx([Movement(Decimal("5.00"), payer="")]).replace("<NAME>", inside)
    (entry,) = only(data).entries
    assert (entry.payer, entry.payer_account, entry.currency) == ("DUPONT", "999", "USD")


def test_entities_and_sections_are_text() -> None:
    """Escaped letters, numbered ones and character data sections are read as what they stand for."""
    data = (
        ofx(xml=True)
        .replace("FACTURE F-2026-0117", "<![CDATA[A & B <1>]]>")
        .replace("FACT 12", "D&amp;O &#233;t&eacute;")
    )
    texts = [entry.text for entry in only(data).entries]
    assert "A & B <1>" in texts[0]
    assert "D&O été" in texts[2]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_accents_are_read_in_any_code_page(encoding: str) -> None:
    """Accents are read as they were written, whatever the header says."""
    data = ofx([Movement(Decimal("5.00"), payer="Société Générale")])
    assert only(data.encode(encoding)).entries[0].payer == "Société Générale"


def test_the_last_day_is_the_surest() -> None:
    """A download covers what both its balance and its list cover, and at least its movements."""
    assert only(ofx().replace("<DTEND>20261120", "<DTEND>20991231")).booked_to == date(2026, 11, 20)
    assert only(ofx().replace("<DTEND>20261120", "<DTEND>20261101")).booked_to == date(2026, 11, 20)
    assert (
        only(ofx().replace("<DTASOF>20261120", "<DTASOF>20261121").replace("DTEND", "DTX")).booked_to.day
        == 21
    )


def test_announced_movements_are_counted() -> None:
    """Movements that are announced are counted and left out."""
    data = ofx().replace(
        "</BANKTRANLIST>", "</BANKTRANLIST><BANKTRANLISTP><STMTTRNP><TRNAMT>5</STMTTRNP></BANKTRANLISTP>"
    )
    found = only(data)
    assert (len(found.entries), found.pending) == (3, 1)


def test_cards_are_refused() -> None:
    """The statement of a card is no statement of an account."""
    (refusal,) = refusals(ofx().replace("STMTRS>", "CCSTMTRS>"))
    assert "give that of the bank account" in refusal.remedy


def test_a_file_that_is_cut_short_is_refused() -> None:
    """A statement that is not closed is refused; one before it is read."""
    good, refusal = read((ofx() + ofx()[:-200]).encode(), "x")
    assert isinstance(good, BankStatement)
    assert isinstance(refusal, InputRefused)
    assert "cut short" in refusal.remedy


def test_open_tags_cost_no_more_than_their_length() -> None:
    """Tens of thousands of tags that are never closed are read through once."""
    for name in ("STMTTRN", "PAYEE", "STMTRS", "![CDATA["):
        data = ofx().replace("<NAME>", f"<{name}>" * 20_000 + "<NAME>", 1)
        assert read(data.encode(), "x")
