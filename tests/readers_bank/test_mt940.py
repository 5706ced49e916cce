"""MT940: fields, pages, the ways of filling field 86, and what another reader makes of the same file."""

from datetime import date
from decimal import Decimal

import mt940 as package
import pytest
from mt940.models import Transactions

from domain.bank import UNSTATED, BankEntry, BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read, recognise
from tests.readers_bank.samples import CLOSED, IBAN, MOVEMENTS, OTHER_IBAN, Movement, mt940, only, refusals


def message(*lines: str, opening: str = "60F:C261101EUR100,00", closing: str = "62F:C261120EUR150,00") -> str:
    """Writes a message around its movements."""
    return "\n".join([":20:REF1", f":25:{IBAN}", ":28C:7/1", f":{opening}", *lines, f":{closing}", "-", ""])


def one(line: str = "2611181118C50,00NTRFNONREF//B1", *details: str) -> BankEntry:
    """Reads the only movement of a message."""
    (found,) = only(message(f":61:{line}", *details)).entries
    return found


def test_a_statement_is_read_whole() -> None:
    """Account, number, balances, days and movements are what the fields say."""
    found = only(mt940())
    assert (found.format, found.account, found.currency) == ("MT940", IBAN, "EUR")
    assert (found.id, found.number, found.booked_to) == ("REF1", "7/1", CLOSED)
    assert (found.opening, found.closing) == (Decimal("100.00"), Decimal("2026.65"))
    assert [(each.signed, each.booked_on) for each in found.entries] == [
        (each.amount, each.on) for each in MOVEMENTS
    ]
    first = found.entries[0]
    assert (first.bank_reference, first.end_to_end, first.code) == ("B001", "E2E-1", "166")
    assert (first.text, first.payer) == ("FACTURE F-2026-0117 GUTSCHRIFT", "LE VERGER DU SUD")
    assert first.payer_account == OTHER_IBAN


def test_the_package_reads_the_same_where_it_reads_right() -> None:
    """Amounts, days and texts of a plain statement are those that the mt-940 package finds."""
    theirs = Transactions(options=package.Options.all())
    theirs.parse(mt940())
    told = [(each.data["amount"].amount, each.data["entry_date"], each.data["purpose"]) for each in theirs]
    ours = [
        (each.signed, each.booked_on, each.text.removesuffix(" GUTSCHRIFT")) for each in only(mt940()).entries
    ]
    assert told == ours


@pytest.mark.parametrize(
    ("mark", "sign", "reversal"),
    [("C", 1, False), ("D", -1, False), ("RC", -1, True), ("RD", 1, True), ("CR", 1, False)],
)
def test_marks_tell_side_and_reversal(mark: str, sign: int, *, reversal: bool) -> None:
    """The reversal of a credit goes out, that of a debit comes in; a letter behind is the currency's."""
    closing = f"62F:C261120EUR{100 + 50 * sign},00"
    (entry,) = only(message(f":61:2611181118{mark}50,00NTRFNONREF", closing=closing)).entries
    assert (entry.signed, entry.reversal) == (Decimal(50 * sign), reversal)


@pytest.mark.parametrize(
    ("value", "booked", "day"),
    [
        ("261118", "1119", date(2026, 11, 19)),
        ("261118", "", date(2026, 11, 18)),
        ("261118", "    ", date(2026, 11, 18)),
        ("270101", "1231", date(2026, 12, 31)),
        ("261231", "0102", date(2027, 1, 2)),
        ("240228", "0229", date(2024, 2, 29)),
    ],
)
def test_the_booking_day_is_the_nearest_to_the_value_date(value: str, booked: str, day: date) -> None:
    """A booking day has no year: it is the nearest to the value date, or that day itself."""
    assert one(f"{value}{booked}C50,00NTRFNONREF").booked_on == day


def test_an_entry_without_type_is_an_entry() -> None:
    """A movement that has no type is money all the same, and its text stays its own."""
    lines = [":61:2611181118C20,00", ":86:one", ":61:2611181118C30,00NTRFNONREF", ":86:two"]
    found = only(message(*lines))
    assert [(each.amount, each.text) for each in found.entries] == [
        (Decimal(20), "one"),
        (Decimal(30), "two"),
    ]


def test_what_follows_the_closing_balance_belongs_to_no_movement() -> None:
    """Field 86 after the closing balance speaks of the account, and adds nothing to the last movement."""
    data = message(":61:2611181118C50,00NTRFNONREF", ":86:two") + ":86:FACT 77\n:64:C261120EUR9,00\n"
    assert only(data).entries[0].text == "two"


def test_subfields_are_put_together() -> None:
    """A full subfield goes on in the next, a shorter one ends a word; keywords begin anew."""
    details = (
        ":86:166?00GUTSCHRIFT?20EREF+EndToEndId TFNR 22 004?21 00001?22SVWZ+Facture F-2026-0117,?23 merci"
    )
    entry = one("2611181118C50,00NTRFNONREF", f"{details}?31{OTHER_IBAN}?32Etablissements Dupont et Fi?33ls")
    assert (entry.end_to_end, entry.text) == (
        "EndToEndId TFNR 22 004 00001",
        "Facture F-2026-0117, merci GUTSCHRIFT",
    )
    assert (entry.payer, entry.payer_account) == ("Etablissements Dupont et Fils", OTHER_IBAN)


def test_lines_are_put_together_as_they_were_cut() -> None:
    """A full line goes on in the next without a space; one that lost its last space had one."""
    head = f"166?00GUTSCHRIFT?20SVWZ+Facture?31{OTHER_IBAN}?32"
    for lost, payer in ((0, "DUPONT"), (1, "DU PONT")):
        line = head.replace("Facture", "Facture".ljust(65 - lost - len(head + "DU") + len("Facture"), "x"))
        assert len(line + "DU") == 65 - lost
        assert one("261118C50,00NTRFNONREF", f":86:{line}DU", "PONT").payer == payer


def test_codes_between_slashes_are_read() -> None:
    """The codes of Dutch banks tell the parties, the references and the purpose apart."""
    sepa = (
        "/TRTP/SEPA OVERBOEKING/IBAN/NL56AGDH9619008421/BIC/AGDHNL2A/NAME/J. JANSEN/REMI/FACTUUR 12/EREF/E-9"
    )
    entry = one("261118C50,00NTRFNONREF", f":86:{sepa}")
    assert (entry.payer, entry.payer_account) == ("J. JANSEN", "NL56AGDH9619008421")
    assert (entry.text, entry.end_to_end, entry.returned) == ("FACTUUR 12", "E-9", None)
    ing = "/EREF/E-9//CNTP/NL56AGDH9619008421/AGDHNL2A/J. JANSEN///REMI/STRD/CUR/RF18539007547034/"
    entry = one("261118C50,00NTRFNONREF", f":86:{ing}")
    assert (entry.payer, entry.references) == ("J. JANSEN", ("RF18539007547034",))


def test_free_text_stays_text() -> None:
    """Text without structure is kept as it is, also where it begins with a slash or holds a plus."""
    for text in ("FACTURE 12 + 13", "/FACTURE 12", "123 rue de la Paix", "EREF+ is what we call it"):
        assert one("261118C50,00NTRFNONREF", f":86:{text}").text == text


@pytest.mark.parametrize(
    ("line", "details", "why"),
    [
        ("261118C50,00NTRFNONREF", "109?00RETOURE?20SVWZ+X?34914", "914"),
        ("261118C50,00NTRFNONREF", "159?00RETOURE?20SVWZ+X", UNSTATED),
        ("261118C50,00NTRFNONREF", "166?00GUTSCHRIFT?20SVWZ+X?34339", None),
        ("261118C50,00NTRFNONREF", "/EREF/E-9/RTRN/MS03/", "MS03"),
        ("261118C50,00NRTINONREF", "a cheque", UNSTATED),
    ],
)
def test_returns_are_known(line: str, details: str, why: str | None) -> None:
    """A return is known by its business code, its reason or its type; an extension alone is none."""
    assert one(line, f":86:{details}").returned == why


def test_pages_of_one_statement_are_put_together() -> None:
    """Messages that go on from an interim balance to the same one are one statement."""
    first = message(":61:261118C20,00NTRFNONREF", closing="62M:C261118EUR120,00")
    second = message(":61:261119C30,00NTRFNONREF", opening="60M:C261118EUR120,00")
    found = only(first + second.replace(":28C:7/1", ":28C:7/2"))
    assert ([each.amount for each in found.entries], found.number) == ([Decimal(20), Decimal(30)], "7")
    assert (found.opening, found.closing) == (Decimal(100), Decimal(150))


def test_pages_that_do_not_follow_stand_alone() -> None:
    """An interim balance that no page continues closes a statement of its own."""
    first = message(":61:261118C20,00NTRFNONREF", closing="62M:C261118EUR120,00")
    found = read((first + message(":61:261118C50,00NTRFNONREF")).encode(), "x")
    assert [len(each.entries) for each in found if isinstance(each, BankStatement)] == [1, 1]


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ("1118C50,00", "1118C50.00", "entry", 5),
        ("1118C50,00", "1118C5,0,0", "amount", 5),
        ("1118C50,00", "1118C50,005", "amount", 5),
        ("1118C50,00", "1118X50,00", "entry", 5),
        ("2611181118", "2602301118", "value date", 5),
        ("2611181118", "2611180230", "entry", 5),
        ("EUR150,00", "EUR150.75", "closing balance", 6),
        ("EUR150,00", "EUR150,01", "closing balance", 1),
        ("EUR150,00", "USD150,00", "closing balance", 6),
        (":62F:C261120EUR150,00\n", "", "closing balance", 1),
        (":25:" + IBAN, ":25:", "account", 2),
        (":60F:", ":60F:C261101EUR1,00\n:60F:", "opening balance", 5),
    ],
)
def test_a_broken_message_is_refused_by_itself(old: str, new: str, field: str, line: int) -> None:
    """What is garbled, missing, twice there or does not add up is refused with its line, alone."""
    good = message(":61:2611181118C50,00NTRFNONREF")
    assert old in good
    refusal, other = read((good.replace(old, new) + good).encode(), "x")
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == (field, line)
    assert isinstance(other, BankStatement)


@pytest.mark.parametrize("told", [f"{IBAN}EUR", f"{IBAN} EUR", f"BNPAFRPP/{IBAN}", IBAN.lower()])
def test_an_iban_is_found_in_what_surrounds_it(told: str) -> None:
    """The bank before an IBAN and the currency behind it are no part of it."""
    assert only(mt940().replace(f":25:{IBAN}", f":25:{told}")).account == IBAN


def test_headers_between_messages_do_not_matter() -> None:
    """Lines of the network before and between messages, and its braces, are passed over."""
    wrapped = "{1:F01BANKFRPP}{2:I940}{4:\n" + message(":61:261118C50,00NTRFNONREF").replace("-\n", "-}\n")
    old = "BANKNL2A\n940\nBANKNL2A\n" + message(":61:261118C50,00NTRFNONREF")
    for data in (wrapped + wrapped, old + old):
        assert len(read(data.encode(), "x")) == 2
        assert not refusals(data)


def test_a_name_of_a_file_is_no_file() -> None:
    """A text that happens to name a file on this machine is text."""
    assert recognise(__file__.encode(), "x") is None


def test_interim_reports_are_recognised_and_refused() -> None:
    """An MT942 is known for what it is and not read, with what to give instead."""
    data = b":20:REF1\n:25:1/2\n:28C:1\n:34F:EUR0,00\n:13D:2611181200+0100\n:61:261118C50,00NTRFNONREF\n"
    assert recognise(data, "x") == "MT942"
    (refusal,) = refusals(data)
    assert "give the statement of the day (MT940)" in refusal.remedy


def test_a_movement_has_its_own_text_only() -> None:
    """References and lines behind a movement are its text, placeholders are not."""
    entry = one("261118C50,00NTRFREF 25611247//8327", "CARD PAYMENT")
    assert (entry.text, entry.bank_reference) == ("REF 25611247 CARD PAYMENT", "8327")
    assert one("261118C50,00NTRFKREF+//8327").text == ""
    assert one("261118C50,00NTRFNONREF//NONREF").bank_reference is None


def test_long_files_are_read() -> None:
    """Ten thousand movements are read in their order."""
    movements = [Movement(Decimal(number) / 100) for number in range(1, 10_001)]
    assert [each.signed for each in only(mt940(movements)).entries] == [each.amount for each in movements]
