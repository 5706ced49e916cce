"""CSV files of banks: headers, columns, sides, accounts, and rows that are broken."""

from datetime import date
from decimal import Decimal

import pytest

from domain.bank import BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read, recognise
from tests.readers_bank.samples import IBAN, MOVEMENTS, only, refusals, sheet

ABOUT: dict[str, str | None] = {"account": IBAN, "currency": "EUR"}
HEADER = "Date;Libellé;Débit;Crédit"


def csv_of(*rows: str, header: str = HEADER) -> str:
    """Writes a file."""
    return "\n".join([header, *rows]) + "\n"


def row(text: str, header: str = HEADER) -> tuple[Decimal, date, str]:
    """Reads the only row of a file: amount, day and text."""
    (entry,) = only(csv_of(text, header=header), **ABOUT).entries
    return entry.signed, entry.booked_on, entry.text


def test_a_file_is_read_below_what_stands_before_it() -> None:
    """Rows about the account before the header are passed over; debits may have their sign."""
    found = only(sheet(), **ABOUT)
    assert (found.format, found.account, found.currency) == ("CSV", IBAN, "EUR")
    assert (found.opening, found.closing, found.booked_to) == (None, None, date(2026, 11, 20))
    assert [(each.signed, each.booked_on) for each in found.entries] == [
        (each.amount, each.on) for each in MOVEMENTS
    ]
    assert found.entries[0].text == "LE VERGER DU SUD FACTURE F-2026-0117"


def test_an_account_must_be_named() -> None:
    """A file that does not say whose it is is refused, with how to say it; the same for its currency."""
    (refusal,) = refusals(sheet(), currency="EUR")
    assert (refusal.field, "--account" in refusal.remedy) == ("account", True)
    (refusal,) = refusals(sheet(), account=IBAN)
    assert (refusal.field, "--currency" in refusal.remedy) == ("currency", True)


@pytest.mark.parametrize(
    ("header", "text", "amount"),
    [
        ("Date;Libellé;Montant", "02/04/2026;X;-1 234,56", "-1234.56"),
        ("Date;Libellé;Montant(EUROS)", "02/04/2026;X;1.234,56", "1234.56"),
        ("Date opération;Libellé;Débit euros;Crédit euros", "2026-04-02;X;12,34;", "-12.34"),
        ("Date de comptabilisation;Libelle simplifie;Debit;Credit", "02/04/2026;X;;+500,00", "500"),
        ("Date,Description,Amount,Balance", '02/04/2026,X,"1,234.56",0', "1234.56"),
        ("Booking date\tDetails\tPaid out\tPaid in", "2026-04-02\tX\t5.00\t", "-5"),
        ("dateOp;dateVal;label;amount", "2026-04-02;2026-04-03;X;1'234.56", "1234.56"),
        ("Date;Libellé;Montant;Sens", "02/04/2026;X;12,34;D", "-12.34"),
        ("Date;Libellé;Montant;Sens", "02/04/2026;X;12,34;Crédit", "12.34"),
        ("Completed Date,Description,Amount,State", "2026-04-02 10:22:33,X,12.00,COMPLETED", "12"),
    ],
)
def test_headers_of_many_banks_are_known(header: str, text: str, amount: str) -> None:
    """French and English names, separators and ways of writing amounts are read."""
    assert recognise(csv_of(text, header=header).encode(), "x.csv") == "CSV"
    assert row(text, header) == (Decimal(amount), date(2026, 4, 2), "X")


def test_the_currency_of_a_header_or_column_needs_no_other() -> None:
    """A currency that the file names is taken from there."""
    data = csv_of("02/04/2026;X;5,00", header="Date;Libellé;Montant en euros")
    assert only(data, account=IBAN).entries[0].currency == "EUR"
    data = csv_of("02/04/2026;X;5,00;CHF", header="Date;Libellé;Montant;Devise")
    assert only(data, account=IBAN, currency="EUR").currency == "CHF"


def test_what_is_written_is_gathered_from_all_its_columns() -> None:
    """Label, details and reference are text; the bank's own reference and the parties stand apart."""
    header = "Date;Libellé;Référence;Informations complémentaires;Référence bancaire;Contrepartie;Montant"
    (entry,) = only(csv_of("02/04/2026;VIR;F-12;merci;B77;DUPONT;5,00", header=header), **ABOUT).entries
    assert (entry.text, entry.bank_reference, entry.payer) == ("VIR F-12 merci", "B77", "DUPONT")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("02/04/2026;X;5,00;6,00", "amount"),
        ("02/04/2026;X;;-6,00", "credit"),
        ("02/04/2026;X;1,234;", "debit"),
        ("02/04/2026;X;douze;", "debit"),
        ("31/02/2026;X;5,00;", "date"),
        ("02/04/26;X;5,00;", "date"),
        (";X;5,00;", "date"),
        ('02/04/2026;"X;5,00;', "line"),
        ("02/04/2026;X;5,00;;;;y", "line"),
        ("02/04/2026;X;5,001;", "debit"),
    ],
)
def test_a_broken_row_stops_no_other(text: str, field: str) -> None:
    """A row that can be read in two ways, or not at all, is refused with its line; the others are read."""
    good = "03/04/2026;X;1,00;"
    found, refusal = read(csv_of(good, text, good).encode(), "x.csv", **ABOUT)
    assert isinstance(found, BankStatement)
    assert len(found.entries) == 2
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == (field, 3)


def test_debits_have_one_sign_in_a_file() -> None:
    """A debit of another sign than those before it could be money coming back: it is refused."""
    (refusal,) = refusals(csv_of("02/04/2026;X;-5,00;", "02/04/2026;X;6,00;"), **ABOUT)
    assert (refusal.field, refusal.line) == ("debit", 3)


def test_a_month_first_puts_every_date_in_doubt() -> None:
    """One date that can only have its month first refuses the whole file."""
    (refusal,) = read(csv_of("03/04/2026;X;5,00;", "03/31/2026;X;5,00;").encode(), "x.csv", **ABOUT)
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == ("date", 3)


def test_rows_that_are_not_booked_are_no_money() -> None:
    """Announced rows are counted, a status that nobody knows is refused."""
    header = "Date;Libellé;Montant;Statut"
    rows = [f"02/04/2026;X;5,00;{status}" for status in ("Exécuté", "En attente", "", "Perdu")]
    found, refusal = read(csv_of(*rows, header=header).encode(), "x.csv", **ABOUT)
    assert isinstance(found, BankStatement)
    assert (len(found.entries), found.pending) == (2, 1)
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.value) == ("status", "Perdu")


def test_rows_of_another_account_are_refused() -> None:
    """Where a column names the account, only rows of the account that was named are taken."""
    header = "Compte;Date;Libellé;Montant"
    rows = ["30006 00001 12345678901;02/04/2026;X;5,00", "30006 00001 99999999999;02/04/2026;X;6,00"]
    found, refusal = read(csv_of(*rows, header=header).encode(), "x.csv", **ABOUT)
    assert isinstance(found, BankStatement)
    assert (found.account, [each.amount for each in found.entries]) == (IBAN, [Decimal("5.00")])
    assert isinstance(refusal, InputRefused)
    assert (refusal.field, refusal.line) == ("account", 3)


def test_a_file_may_name_its_accounts() -> None:
    """A file that names the account of each row makes a statement of each account."""
    header = "Compte;Date;Libellé;Montant"
    data = csv_of(
        "30006 00001 12345678901;02/04/2026;X;5,00", f"{IBAN[:-1]}0;02/04/2026;X;6,00", header=header
    )
    found = read(data.encode(), "x.csv", currency="EUR")
    assert [len(each.entries) for each in found if isinstance(each, BankStatement)] == [1, 1]


def test_sums_below_the_rows_are_left_out() -> None:
    """A row without day and amount is no movement."""
    found = only(csv_of("02/04/2026;X;5,00;", ";Page 1/1;;"), **ABOUT)
    assert (len(found.entries), found.notes) == (1, ("a row without day and amount is left out",))


def test_columns_that_are_not_used_are_said() -> None:
    """Columns whose name nobody knows are named."""
    data = csv_of("02/04/2026;X;5,00;;z", header=f"{HEADER};Pointage")
    assert only(data, **ABOUT).notes == ("columns not used: Pointage",)


def test_two_columns_of_one_name_are_refused() -> None:
    """A name over two columns is refused, for nobody can tell which is meant."""
    (refusal,) = refusals(
        csv_of("02/04/2026;X;5,00;6,00;1", header="Date;Libellé;Débit;Crédit;Débit"), **ABOUT
    )
    assert (refusal.field, refusal.value) == ("header", "Débit")


@pytest.mark.parametrize(
    "header",
    [
        "N° facture;Code client;Date de facture;Montant TTC",
        "Date;Montant;Référence;Facture",
        "Date;Libellé;Montant;Client",
        "Avoir;Date;Montant;Client",
        "Code client;Raison sociale;Email",
        "JournalCode;EcritureDate;CompteNum;EcritureLib;Debit;Credit",
        "date;montant;reference",
    ],
)
def test_files_of_accounting_programs_are_not_banks(header: str) -> None:
    """Invoices, payments, credit notes, customers and ledgers stay what they were read as before."""
    assert recognise(csv_of("a;b;c;d", header=header).encode(), "x.csv") is None


def test_a_file_without_movements_is_refused() -> None:
    """A header alone says neither what came nor up to which day."""
    (refusal,) = refusals(csv_of(), **ABOUT)
    assert refusal.field == "file"


def test_many_refusals_are_counted() -> None:
    """The first hundred refusals are told, the others are counted in one more."""
    found = refusals(csv_of(*["02/04/2026;X;douze;"] * 500), **ABOUT)
    assert len(found) == 101
    assert found[-1].remedy.startswith("has 401 more faults")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_accents_are_read_in_any_code_page(encoding: str) -> None:
    """Headers and texts with accents are read in the code pages of spreadsheets."""
    data = csv_of("02/04/2026;Café;5,00;").encode(encoding)
    assert only(data, **ABOUT).entries[0].text == "Café"
