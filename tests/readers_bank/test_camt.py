"""ISO 20022: versions, statuses, batches, parties, returns, balances, and what may be broken."""

from datetime import date
from decimal import Decimal

import pytest

from domain.bank import UNSTATED, BankEntry
from domain.faults import InputRefused
from intake.readers.bank import camt, read
from tests.readers_bank.samples import (
    CLOSED,
    IBAN,
    MOVEMENTS,
    OTHER_IBAN,
    Movement,
    balance,
    camt053,
    camt054,
    document,
    ntry,
    only,
    party,
    refusals,
    stmt,
    tag,
)

PAID = Movement(Decimal("300.00"), reference="B1")


def statement_of(*entries: str, moved: str = "300.00") -> str:
    """Writes a statement that opens at 100."""
    return document(stmt("".join(entries), Decimal(100), Decimal(100) + Decimal(moved)))


def one(*details: str, movement: Movement = PAID, more: str = "") -> BankEntry:
    """Reads the only entry of a statement with these details."""
    data = statement_of(ntry(movement, *details, more=more), moved=str(movement.amount))
    (found,) = only(data).entries
    return found


def part(amount: str | None, name: str = "DUPONT", end: str = "E1", more: str = "") -> str:
    """Writes one transaction of an entry."""
    return tag(
        "TxDtls",
        tag("Refs", tag("EndToEndId", end)),
        tag("Amt", amount, Ccy="EUR"),
        tag("RltdPties", tag("Dbtr", tag("Nm", name))),
        more,
    )


def test_a_statement_is_read_whole() -> None:
    """Account, number, balances, days and entries of a statement are what it says."""
    found = only(camt053())
    assert (found.format, found.account, found.currency) == ("camt.053.001.02", IBAN, "EUR")
    assert (found.id, found.number, found.booked_to) == ("S-1", "7", CLOSED)
    assert (found.opening, found.closing) == (Decimal("100.00"), Decimal("2026.65"))
    assert [entry.signed for entry in found.entries] == [each.amount for each in MOVEMENTS]
    first = found.entries[0]
    assert (first.booked_on, first.bank_reference, first.end_to_end) == (date(2026, 11, 18), "B001", "E2E-1")
    assert (first.payer, first.payer_account) == ("LE VERGER DU SUD", OTHER_IBAN)
    assert (first.text, first.returned, first.reversal) == ("FACTURE F-2026-0117", None, False)


def test_later_versions_say_the_same_in_other_places() -> None:
    """A status as a code and a name under Pty, as version 8 has them, are read like those of version 2."""
    related = tag("RltdPties", tag("Dbtr", tag("Pty", tag("Nm", "DUPONT"))))
    entry = ntry(PAID, tag("TxDtls", related), status="<Sts><Cd>BOOK</Cd></Sts>")
    data = document(stmt(entry, Decimal(0), Decimal(300)), version="camt.053.001.08")
    found = only(data)
    assert (found.format, found.entries[0].payer) == ("camt.053.001.08", "DUPONT")


def test_only_booked_entries_are_money() -> None:
    """Announced entries are counted and left out, informing ones are left out and said."""
    states = ["BOOK", "PDNG", "FUTR", "INFO"]
    entries = "".join(ntry(PAID, status=f"<Sts>{state}</Sts>") for state in states)
    inside = stmt(entries, None, None, name="Rpt")
    found = only(document(inside, message="BkToCstmrAcctRpt", version="camt.052.001.02"))
    assert (len(found.entries), found.pending) == (1, 2)
    assert found.notes == ("an entry of status INFO is left out: it moves no money",)


def test_an_unknown_status_is_refused() -> None:
    """An entry that is neither booked nor announced in known words is refused with its line."""
    (refusal,) = refusals(statement_of(ntry(PAID, status="<Sts><Prtry>SOON</Prtry></Sts>")))
    assert (refusal.field, refusal.line) == ("Sts", 2)


def test_a_batch_is_split_where_its_parts_sum_to_it() -> None:
    """Transactions that sum to their entry become entries that share a batch, each with its own payer."""
    parts = [part("100.00", "A", "E1"), part("120.00", "B", "E2"), part("80.00", "C", "E3")]
    found = only(statement_of(ntry(PAID, *parts)))
    assert [(entry.amount, entry.payer, entry.end_to_end) for entry in found.entries] == [
        (Decimal("100.00"), "A", "E1"),
        (Decimal("120.00"), "B", "E2"),
        (Decimal("80.00"), "C", "E3"),
    ]
    assert {entry.batch for entry in found.entries} == {"B1#1"}
    assert not found.notes


def test_a_part_may_go_the_other_way() -> None:
    """A transaction of the other side counts against the entry, and is an entry of that side."""
    parts = [part("350.00"), part("50.00", more=tag("CdtDbtInd", "DBIT"))]
    found = only(statement_of(ntry(PAID, *parts)))
    assert [entry.signed for entry in found.entries] == [Decimal("350.00"), Decimal("-50.00")]


@pytest.mark.parametrize("amounts", [("100.00", "100.00"), ("300.00", None), ("100.00", "2x0.00")])
def test_a_batch_that_does_not_sum_stays_whole(amounts: tuple[str, str | None]) -> None:
    """Details that do not sum to their entry leave it one entry, whose payer is nobody's alone."""
    found = only(statement_of(ntry(PAID, part(amounts[0], "A", "E1"), part(amounts[1], "B", "E2"))))
    (entry,) = found.entries
    assert (entry.amount, entry.payer, entry.end_to_end, entry.batch) == (Decimal("300.00"), None, None, None)
    assert found.notes == ("an entry has details that do not sum to it; it is kept as one",)


def test_the_amount_is_that_of_the_entry() -> None:
    """The amount of a single transaction, in another currency or wrong, never replaces that of its entry."""
    foreign = tag("TxDtls", tag("Amt", "9999.99", Ccy="SEK"))
    assert one(foreign).amount == Decimal("300.00")
    assert one(part("105.750")).amount == Decimal("300.00")


def test_structured_remittance_is_kept_apart_from_text() -> None:
    """Creditor references and document numbers stand by themselves, all the rest is text."""
    structured = tag(
        "Strd",
        tag("RfrdDocInf", tag("Nb", "F-2026-0117")),
        tag("CdtrRefInf", tag("Ref", "RF18539007547034")),
        tag("AddtlRmtInf", "second half"),
    )
    entry = one(part(None, more=tag("RmtInf", tag("Ustrd", "thank you"), structured)))
    assert (entry.references, entry.documents) == (("RF18539007547034",), ("F-2026-0117",))
    assert entry.text == "thank you second half"


@pytest.mark.parametrize("told", ["NOTPROVIDED", "notprovided", "NOT PROVIDED", "NONREF", "000"])
def test_what_stands_for_no_reference_is_none(told: str) -> None:
    """The words that banks write where there is no reference are not taken for one."""
    assert one(part(None, end=told)).end_to_end is None


def test_the_other_party_of_a_debit_is_the_creditor() -> None:
    """Who was paid is the other party of a debit, who paid that of a credit."""
    both = tag("TxDtls", tag("RltdPties", tag("Dbtr", tag("Nm", "US")), tag("Cdtr", tag("Nm", "THEM"))))
    assert one(both, movement=Movement(Decimal("-10.00"))).payer == "THEM"
    assert one(both.replace("Dbtr", "X").replace("Cdtr", "Dbtr").replace("X", "Cdtr")).payer == "THEM"


@pytest.mark.parametrize("roles", [("Dbtr", "Cdtr"), ("Cdtr", "Dbtr")])
def test_our_own_account_is_never_the_other_party(roles: tuple[str, str]) -> None:
    """A party whose account is the statement's own is passed over, whatever its role."""
    both = tag("TxDtls", tag("RltdPties", party(roles[0], "US", IBAN), party(roles[1], "THEM", OTHER_IBAN)))
    assert one(both).payer == one(both, movement=Movement(Decimal("-10.00"))).payer == "THEM"


def test_ourselves_alone_are_not_the_other_party() -> None:
    """Where only our own side is named, nobody knows the other."""
    us = tag("TxDtls", tag("RltdPties", tag("Cdtr", tag("Nm", "US"))))
    assert one(us).payer is None
    assert one(us.replace("Cdtr", "Dbtr"), movement=Movement(Decimal("-10.00"))).payer is None


def test_a_returned_debit_names_its_debtor_and_why() -> None:
    """A debit that comes back keeps its first roles: the debtor is the other party, the reason is kept."""
    back = tag("RtrInf", tag("Rsn", tag("Cd", "MD06")))
    sides = tag("RltdPties", tag("Dbtr", tag("Nm", "THEM")), tag("Cdtr", tag("Nm", "US")))
    entry = one(tag("TxDtls", sides, back), movement=Movement(Decimal("-300.00")))
    assert (entry.returned, entry.payer, entry.credit) == ("MD06", "THEM", False)


def test_a_return_without_reason_is_still_a_return() -> None:
    """A return is known by its code alone, or by an empty reason."""
    code = tag(
        "BkTxCd", tag("Domn", tag("Cd", "PMNT"), tag("Fmly", tag("Cd", "IDDT"), tag("SubFmlyCd", "UPDD")))
    )
    unpaid = one(movement=Movement(Decimal("-300.00")), more=code)
    assert (unpaid.returned, unpaid.code) == (UNSTATED, "PMNT/IDDT/UPDD")
    assert one(part(None, more="<RtrInf><AddtlInf>why</AddtlInf></RtrInf>")).returned == UNSTATED


def test_a_reversal_is_marked_and_keeps_its_side() -> None:
    """The reversal indicator marks an entry; its side is already that of the reversal."""
    entry = one(movement=Movement(Decimal("-300.00")), more="<RvslInd>true</RvslInd>")
    assert (entry.reversal, entry.signed) == (True, Decimal("-300.00"))


@pytest.mark.parametrize(
    "amount",
    ["12..34", "12,34", "1 200.00", "-300.00", "+300.00", "300.001", "3e2", "NaN", "", ".", "٣٠٠", "9" * 13],
)
def test_a_garbled_amount_refuses_its_statement(amount: str) -> None:
    """An amount that is not digits and one point, exact to the cent, is refused with its line."""
    good = statement_of(ntry(PAID))
    (refusal,) = refusals(good.replace('"EUR">300.00', f'"EUR">{amount}'))
    assert (refusal.field, refusal.line) == ("amount", 2)
    assert "(its statement is not taken)" in refusal.remedy


def test_a_value_is_never_half_of_what_is_written() -> None:
    """A comment inside an amount is nothing, an element inside it makes it garbled, not shorter."""
    good = statement_of(ntry(PAID))
    for inside in ("3<!-- x -->00.00", "3<?x y?>00.00", "<![CDATA[300]]>.00", "&#51;00.00"):
        assert only(good.replace(">300.00<", f">{inside}<")) == only(good)
    (refusal,) = refusals(good.replace(">300.00<", ">30<x/>0.00<"))
    assert refusal.field == "amount"


def test_an_entry_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry beyond the bound is refused, and so are as many elements that nobody knows."""
    monkeypatch.setattr(camt, "LARGEST_ENTRY", 2_000_000)
    for junk in (b"<NtryDtls>" + b"<x/>" * 1_500_000, b"<x/>" * 1_500_000):
        head, tail = statement_of(ntry(PAID)).encode().split(b"<NtryDtls>")
        (refusal,) = refusals(head + junk + tail)
        assert (refusal.field, refusal.value) == ("entry", "Ntry")


def test_what_stands_between_entries_is_dropped() -> None:
    """Elements between entries are no part of the head, nor of any entry."""
    entries = [ntry(Movement(Decimal("100.00"), reference=f"B{number}")) for number in range(3)]
    assert len(only(statement_of("<x/>".join(entries))).entries) == 3
    no_head = document(tag("Stmt", *entries, tag("Acct", tag("Id", tag("IBAN", IBAN)))))
    assert len(only(no_head.replace("<Stmt>", "<Stmt><CreDtTm>2026-11-21</CreDtTm>")).entries) == 3


def test_trailing_zeros_are_no_third_decimal() -> None:
    """An amount with more zeros than cents is the same amount."""
    assert only(statement_of(ntry(PAID)).replace('"EUR">300.00', '"EUR">0300.000')).entries[0].amount == 300


def test_a_broken_entry_of_a_notice_stops_no_other() -> None:
    """Without balances entries stand by themselves: the broken one is refused, the others are read."""
    found = read(camt054().replace('"EUR">12.40', '"EUR">12..40').encode(), "x.xml")
    assert [type(each) for each in found] == [InputRefused, type(only(camt054()))]
    assert [entry.signed for entry in found[1].entries] == [Decimal("1840.00"), Decimal("99.05")]  # type: ignore[union-attr]


def test_a_statement_that_does_not_add_up_is_refused_with_its_figures() -> None:
    """Entries that do not lead from opening to closing refuse their statement, and no other."""
    wrong = stmt(ntry(PAID), Decimal(100), Decimal("400.01"))
    right = stmt(ntry(PAID), Decimal(100), Decimal(400))
    refusal, good = read(document(wrong, right).encode(), "x.xml")
    assert isinstance(refusal, InputRefused)
    assert refusal.remedy.startswith(
        "opening 100.00 and entries of 300.00 lead to 400.00, not to closing 400.01"
    )
    assert not isinstance(good, InputRefused)


def test_a_balance_below_zero_has_its_sign() -> None:
    """A balance on the debit side is below zero."""
    found = only(document(stmt(ntry(PAID), Decimal("-500.00"), Decimal("-200.00"))))
    assert (found.opening, found.closing) == (Decimal("-500.00"), Decimal("-200.00"))


def test_balances_of_another_currency_are_refused() -> None:
    """A balance in another currency than the account is refused."""
    (refusal,) = refusals(statement_of(ntry(PAID)).replace('"EUR">100', '"SEK">100'))
    assert (refusal.field, refusal.value) == ("OPBD", "100.00 SEK")


def test_entries_of_another_currency_are_refused() -> None:
    """Entries in another currency than the balances cannot be added to them."""
    (refusal,) = refusals(statement_of(ntry(PAID)).replace('"EUR">300', '"SEK">300'))
    assert "are in EUR, SEK" in refusal.remedy


def test_a_page_is_read_without_its_balances() -> None:
    """The balances of one page of several belong to all pages, and are not compared with its entries."""
    head = tag("StmtPgntn", tag("PgNb", "2"), tag("LastPgInd", "true"))
    found = only(document(stmt(ntry(PAID), Decimal(100), Decimal(999), head=head)))
    assert (found.opening, found.closing, found.booked_to) == (None, None, CLOSED)
    assert found.notes[0].startswith("it is a page of several")


def test_a_previous_closing_balance_is_an_opening_one() -> None:
    """Where only the closing balance of the day before is told, it is the opening balance."""
    data = statement_of(ntry(PAID)).replace("OPBD", "PRCD")
    assert only(data).opening == 100


def test_interim_and_available_balances_are_passed_over() -> None:
    """Only booked opening and closing balances count."""
    others = balance("ITAV", Decimal(7), CLOSED) + balance("CLAV", Decimal(8), CLOSED, "SEK")
    assert only(statement_of(others + ntry(PAID))).closing == 400


def test_days_are_the_banks_own() -> None:
    """An instant is booked on the day that the bank wrote, whatever its zone."""
    data = statement_of(ntry(PAID)).replace(
        "<BookgDt><Dt>2026-11-18</Dt>", "<BookgDt><DtTm>2026-11-18T23:30:00.000+02:00</DtTm>"
    )
    assert only(data).entries[0].booked_on == date(2026, 11, 18)


@pytest.mark.parametrize("day", ["2026-02-30", "18.11.2026", "2026-11-18T", "20261118", "2026-11-18 x"])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    """What is not a day of the calendar as ISO writes it is refused."""
    (refusal,) = refusals(statement_of(ntry(PAID)).replace("<BookgDt><Dt>2026-11-18", f"<BookgDt><Dt>{day}"))
    assert (refusal.field, refusal.value) == ("BookgDt", day)


def test_entries_of_zero_are_left_out_and_said() -> None:
    """An entry of zero is no movement."""
    found = only(statement_of(ntry(PAID), ntry(Movement(Decimal("0.00"))), ntry(Movement(Decimal("0.00")))))
    assert (len(found.entries), found.notes) == (1, ("an entry of zero is left out (2 times)",))


def test_an_empty_statement_tells_up_to_which_day_nothing_came() -> None:
    """A statement without entries covers the day of its closing balance."""
    found = only(document(stmt("", Decimal(100), Decimal(100))))
    assert (found.entries, found.booked_to, found.booked_from) == ((), CLOSED, None)


def test_a_file_without_namespace_is_read_and_said() -> None:
    """A message without namespace is read by its elements, with a note."""
    found = only(document(stmt(ntry(PAID), Decimal(100), Decimal(400)), version=""))
    assert (found.format, found.notes) == (
        "camt.053",
        ("it has no namespace; it was read as the message that its elements name",),
    )


def test_prefixes_envelopes_and_encodings_do_not_matter() -> None:
    """A message with prefixed names, in an envelope, in UTF-16 or Latin-1, is the same message."""
    plain = camt053([Movement(Decimal("5.00"), payer="Société Générale")])
    wrapped = plain.replace("<Document", "<Envelope><Header/><Document").replace(
        "</Document>", "</Document></Envelope>"
    )
    latin = plain.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    wide = plain.replace("UTF-8", "UTF-16").encode("utf-16")
    prefixed = plain.replace("</", "</n:").replace("xmlns=", "xmlns:n=")
    prefixed = prefixed.replace("<", "<n:").replace("<n:/n:", "</n:").replace("<n:?", "<?")
    for data in (wrapped, latin, wide, prefixed, "\ufeff" + plain):
        assert only(data).entries == only(plain).entries


def test_a_namespace_that_is_no_address_is_no_crash() -> None:
    """A namespace with braces in it is refused by the parser after what was read before."""
    good, refusal = read(camt053().replace("urn:iso", "{urn}:}iso").encode(), "x.xml")
    assert good == only(camt053())
    assert isinstance(refusal, InputRefused)


def test_a_truncated_file_gives_the_statements_before_the_break() -> None:
    """Statements that end before the place where a file breaks off are read, the rest is refused."""
    whole = document(
        stmt(ntry(PAID), Decimal(100), Decimal(400)), stmt(ntry(PAID), Decimal(400), Decimal(700))
    )
    good, refusal = read(whole[:-250].encode(), "x.xml")
    assert not isinstance(good, InputRefused)
    assert isinstance(refusal, InputRefused)
    assert refusal.remedy.startswith("is not well-formed XML from here on")


def test_a_document_type_is_refused_before_anything_expands() -> None:
    """Entities that grow, or that read files, are never declared: a document type is refused."""
    bomb = "<!DOCTYPE d [" + '<!ENTITY a "aaaaaaaaaa">'
    bomb += (
        "".join(f'<!ENTITY {n} "{f"&{p};" * 10}">' for p, n in zip("abcdefgh", "bcdefghi", strict=True))
        + "]>"
    )
    plain = statement_of(ntry(Movement(Decimal("300.00"), text="&i;")))
    (refusal,) = refusals(plain.replace("<Document", f"{bomb}<Document"))
    assert refusal.value == "<!DOCTYPE"


def test_bottomless_nesting_and_endless_text_are_refused() -> None:
    """Elements without end and texts of many megabytes are refused by the parser's bounds."""
    deep = statement_of(ntry(Movement(Decimal("300.00"), text="<a>" * 5000 + "</a>" * 5000)))
    long = statement_of(ntry(Movement(Decimal("300.00"), text="x" * 11_000_000)))
    for data in (deep, long):
        (refusal,) = refusals(data)
        assert refusal.field == "file"


def test_an_account_that_is_not_named_is_refused() -> None:
    """A statement of no account is refused."""
    (refusal,) = refusals(statement_of(ntry(PAID)).replace(f"<IBAN>{IBAN}</IBAN></Id><Ccy>", "</Id><Ccy>"))
    assert refusal.field == "account"


def test_long_statements_are_read() -> None:
    """Ten thousand entries are read one by one, in their order."""
    movements = [Movement(Decimal(number) / 100, reference=f"R{number}") for number in range(1, 10_001)]
    found = only(camt053(movements))
    assert [entry.signed for entry in found.entries] == [each.amount for each in movements]
