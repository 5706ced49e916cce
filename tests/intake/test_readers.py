"""Files as people send them: JSON, NDJSON and CSV, good and bad; every bad row says what is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.caps import TermRule
from domain.events import CreditNoteIssued, DebtorRegistered, Event, InvoiceCreated, PaymentReceived
from domain.fact import Fact
from domain.faults import InputRefused
from intake.readers import text, written
from intake.readers.files import read_file, read_text
from intake.readers.rows import Reading

INVOICE = (
    '{"type": "invoice.created", "creditor": "acme", "number": "F-1", "debtor": "dubois", '
    '"issue_date": "2026-03-01", "total": "100.00"}'
)
FRENCH = (
    "N° facture;Code client;Date de facture;Date d'échéance;Montant TTC;Devise;Observations\r\n"
    "F-2026-001;dubois;01/03/2026;31/03/2026;1\u202f234,56 €;EUR;à relancer\r\n"
)


def file_of(folder: Path, name: str, content: str | bytes) -> Reading:
    """Writes a file and reads it for Acme."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, creditor="acme")


def events(reading: Reading) -> list[Event]:
    """Gives the events of a file that has no bad row."""
    found = [row.event for row in reading.rows]
    good = [event for event in found if not isinstance(event, InputRefused)]
    assert good == found, found
    return good


def refusals(reading: Reading) -> list[tuple[int | None, str, object, str]]:
    """Gives the refusals of a file: line, field, value, remedy."""
    found = [row.event for row in reading.rows]
    return [(one.line, one.field, one.value, one.remedy) for one in found if isinstance(one, InputRefused)]


@pytest.mark.parametrize(
    "content",
    [
        INVOICE,
        f"[{INVOICE}, \n {INVOICE}]",
        f'{{"events": [{INVOICE}]}}',
        f"\ufeff{INVOICE}\n\n{INVOICE}\n",
        INVOICE.replace(", ", ",\n  "),
    ],
)
def test_json_in_any_shape_is_read(tmp_path: Path, content: str) -> None:
    """One event, a list, an envelope and one event per line are all read, whatever the file's name."""
    for name in ("events.json", "events.txt"):
        assert all(isinstance(event, InvoiceCreated) for event in events(file_of(tmp_path, name, content)))


def test_lines_are_counted_in_lists(tmp_path: Path) -> None:
    """Each event of a list knows the line on which it begins."""
    reading = file_of(tmp_path, "x.json", f"[\n{INVOICE},\n\n{INVOICE}\n]")
    assert [row.line for row in reading.rows] == [2, 4]


def test_malformed_json_names_line_and_column(tmp_path: Path) -> None:
    """JSON that breaks off names the line, the column and the place; events before it are read."""
    reading = file_of(tmp_path, "x.json", f'[{INVOICE},\n{{"type": oops}}]')
    rows = list(reading.rows)
    assert isinstance(rows[0].event, InvoiceCreated)
    refusal = rows[1].event
    assert isinstance(refusal, InputRefused)
    assert (refusal.line, refusal.field, refusal.value) == (2, "json", "oops}]")
    assert refusal.remedy.startswith("column 10: the JSON breaks off here")


def test_a_malformed_line_stops_no_other(tmp_path: Path) -> None:
    """A bad line of NDJSON is refused alone."""
    rows = list(file_of(tmp_path, "x.ndjson", f"{INVOICE}\n{{nope\n{INVOICE}\n").rows)
    assert [(row.line, isinstance(row.event, InputRefused)) for row in rows] == [
        (1, False),
        (2, True),
        (3, False),
    ]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (INVOICE.replace('"total": "100.00"', '"total": "1.00", "total": "2.00"'), "total"),
        (INVOICE.replace('"2026-03-01"', "1772323200"), "issue_date"),
        (INVOICE.replace('"2026-03-01"', '"1772323200"'), "issue_date"),
        (INVOICE.replace('"100.00"', "1" * 5000), "total"),
        (INVOICE.replace('"100.00"', "NaN"), "total"),
        ("[" * 100_000, "json"),
        ("[1]", "event"),
        ("[]", "events"),
        (INVOICE + " trailing", "json"),
    ],
)
def test_json_that_says_something_else_is_refused(content: str, field: str) -> None:
    """Fields given twice, numbers for dates, endless numbers and endless nesting are refused by name."""
    assert refusals(read_text(content, source="x.json"))[-1][1] == field


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.json", b"\xef\xbb\xbf \n", "is empty"),
        ("photo.csv", b"abc\x00def", "is binary"),
        ("facture.pdf", b"%PDF-1.7", "is a PDF"),
        ("book.xlsx", b"PK\x03\x04....", "save it as CSV"),
        ("wide.csv", "n;d\n".encode("utf-16"), "is UTF-16"),
        ("odd.csv", b"num\x81;\xff", "neither UTF-8 nor Windows-1252"),
        ("header.csv", b"number;debtor;issue date;total\n", "has a header but no row"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, remedy: str) -> None:
    """Empty, binary and foreign files are refused as a whole, by name, with the remedy."""
    [(line, field, value, said)] = refusals(file_of(tmp_path, name, content))
    assert (line, field, value) == (1, "file", name)
    assert remedy in said


def test_files_that_are_not_there_say_so(tmp_path: Path) -> None:
    """A missing file and a folder are refused by name."""
    assert "does not exist" in refusals(read_file(tmp_path / "no.csv"))[0][3]
    assert "is a folder" in refusals(read_file(tmp_path))[0][3]


def test_huge_files_and_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file above the limit is refused whole, a line above its limit alone."""
    lines = f"{INVOICE}\n" + '{"type": "' + "x" * text.LONGEST_LINE + f'"}}\n{INVOICE}\n'
    found = file_of(tmp_path, "x.ndjson", lines)
    assert [(line, field) for line, field, *_ in refusals(found)] == [(2, "line")]
    monkeypatch.setattr(text, "LARGEST_FILE", 1000)
    assert refusals(file_of(tmp_path, "x.ndjson", lines))[0][3] == "has 1 MB, more than 0; split it"


def test_a_french_csv_is_read(tmp_path: Path) -> None:
    """A French file with semicolons, French dates and amounts is read, and says what it did not use."""
    reading = file_of(tmp_path, "factures.csv", FRENCH)
    [invoice] = events(reading)
    assert isinstance(invoice, InvoiceCreated)
    assert (invoice.number, str(invoice.due_date), str(invoice.total)) == (
        "F-2026-001",
        "2026-03-31",
        "1234.56",
    )
    assert reading.notes == ["columns not used: Observations"]


def test_an_old_encoding_is_read_and_said(tmp_path: Path) -> None:
    """A Windows-1252 file is read, and the report says so."""
    content = FRENCH.replace("\u202f", "\xa0").encode("cp1252")
    reading = file_of(tmp_path, "factures.csv", content)
    assert len(events(reading)) == 1
    assert reading.notes[0] == "the file is not UTF-8; it was read as Windows-1252: check the accents"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_an_english_csv_is_read_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    """Commas, semicolons and tabs are told apart; amounts with an English thousands comma are read."""
    rows = [
        ["Invoice number", "Customer", "Invoice date", "Total"],
        ["F-1", "dubois", "2026-03-01", '"1,234.56"'],
    ]
    content = "\ufeff" + "\n".join(delimiter.join(row) for row in rows)
    [invoice] = events(file_of(tmp_path, "x.csv", content))
    assert isinstance(invoice, InvoiceCreated)
    assert str(invoice.total) == "1234.56"


def test_the_columns_decide_the_kind() -> None:
    """Debtors, payments and credit notes are told apart by their columns."""
    debtors = read_text(
        "Code client;Raison sociale;SIRET;Email;Adresse;CP;Ville;Pays;Langue\n"
        "dubois;Dubois SARL;73282932000074;a@d.fr, b@d.fr;2 quai Bas;69003;Lyon;Belgique;Français\n",
        source="x.csv",
        creditor="acme",
    )
    [event] = events(debtors)
    assert isinstance(event, DebtorRegistered)
    assert event.debtor.siren == "732829320"
    assert event.debtor.emails == ("a@d.fr", "b@d.fr")
    assert (event.debtor.country, event.debtor.language) == ("BE", "fr")
    payments = "Référence;Facture;Montant;Date\nVIR 1;F-1;12,00;02/03/2026\n"
    [paid] = events(read_text(payments, source="x.csv", creditor="acme"))
    assert isinstance(paid, PaymentReceived)
    assert (paid.reference, paid.invoice) == ("VIR 1", "F-1")
    credits_ = "Créancier,N° avoir,Facture,Date,Montant\nacme,A-1,F-1,2026-03-02,-12.00\n"
    [note] = events(read_text(credits_, source="x.csv"))
    assert isinstance(note, CreditNoteIssued)
    assert str(note.total) == "12.00"


def test_what_was_agreed_with_a_customer_has_columns() -> None:
    """Limits, the rule of the terms, the order asked for and the establishment are read from cells."""
    content = (
        "Code client;Raison sociale;SIRET;Encours autorisé;Commande obligatoire;Règle de délai;"
        "Plafond d'impayés;Tolérance d'impayés\n"
        "d;Dubois;35600000049837;10 000,00;oui;45 jours puis fin de mois;500;5\n"
    )
    [event] = events(read_text(content, source="x.csv", creditor="acme"))
    assert isinstance(event, DebtorRegistered)
    debtor = event.debtor
    assert (debtor.siren, debtor.siret) == ("356000000", "35600000049837")
    assert (debtor.credit_limit, debtor.unpaid_limit, debtor.unpaid_margin_days) == (
        Decimal(10000),
        Decimal(500),
        5,
    )
    assert (debtor.requires_order, debtor.terms_rule) == (True, TermRule.EOM_LAST)


def test_what_an_invoice_offers_has_columns() -> None:
    """A discount, its reference, its delivery and its way of payment are read from cells."""
    content = (
        "number;debtor;issue date;total;discount percent;discount until;direct debit;delivered on;"
        "remittance reference\nF1;d;2026-03-01;5,00;2,5 %;10/03/2026;non;02/03/2026;RF18539007547034\n"
    )
    [event] = events(read_text(content, source="x.csv", creditor="acme"))
    assert isinstance(event, InvoiceCreated)
    [offered] = event.discounts
    assert (str(offered.percent), str(offered.until)) == ("2.5", "2026-03-10")
    assert (event.direct_debit, str(event.delivered_on)) == (False, "2026-03-02")
    assert event.reference == "RF18539007547034"


@pytest.mark.parametrize(
    ("content", "line", "field", "value", "remedy"),
    [
        ("a|b\n1|2", 1, "header", "a|b", "these columns are not known"),
        ("number|debtor|issue date|total\nF|d|x|1", 1, "delimiter", "|", "use a semicolon, a comma or a tab"),
        (
            "number;debtor;total\nF;d;1",
            1,
            "header",
            "number, debtor, total",
            "to be read as invoices, it lacks",
        ),
        (
            "number;number;debtor;issue date;total\nF;F;d;x;1",
            1,
            "header",
            "number",
            "stands over two columns",
        ),
        ("number;debtor;issue date;total\nF;d;03/31/2026;1", 2, "issue date", "03/31/2026", "the day first"),
        ("number;debtor;issue date;total\nF;d;1/3/26;1", 2, "issue date", "1/3/26", "all four"),
        ("number;debtor;issue date;total\nF;d;2026-03-01;1,234", 2, "total", "1,234", "in two ways"),
        ("number;debtor;issue date;total\nF;d;2026-03-01;-5", 2, "total", "-5", "credit note"),
        (
            "number;debtor;issue date;total\nF;d;2026-03-01;5;6",
            2,
            "line",
            "F;d;2026-03-01;5;6",
            "5 cells under 4",
        ),
        ("number;debtor;issue date;total\nF;;2026-03-01;5", 2, "debtor", None, "is missing"),
        (
            "number;debtor;issue date;total;discount percent;discount until\nF;d;2026-03-01;5;2;",
            *(2, "discount until", None, "is missing"),
        ),
        (
            "number;debtor;issue date;total;discount percent;discount until\nF;d;2026-03-01;5;0;2026-03-09",
            *(2, "discount percent", "0", "is no discount"),
        ),
        (
            "number;debtor;issue date;total;discount percent;discount until\nF;d;2026-03-01;5;30;2026-03-09",
            *(2, "discount percent", "30.0", "at most 20"),
        ),
        ("code client;name;credit limit\nd;D;-5", 2, "credit limit", "-5", "at least 0"),
        ("code client;name;requires order\nd;D;?", 2, "requires order", "?", "neither yes nor no"),
        (
            "code client;name;terms rule\nd;D;45 jours fin de mois",
            2,
            "terms rule",
            "45 jours fin de mois",
            "two ways",
        ),
        ('number;debtor;issue date;total\nF;"d;2026-03-01;5', 2, "line", 'F;"d;2026-03-01;5', "never closed"),
    ],
)
def test_a_bad_csv_names_line_field_value_and_remedy(
    content: str, line: int, field: str, value: str | None, remedy: str
) -> None:
    """A wrong delimiter, header, date, amount or quote is refused by line, column and value."""
    [found] = refusals(read_text(content, source="x.csv", creditor="acme"))
    assert found[:3] == (line, field, value)
    assert remedy in found[3]


def test_without_a_creditor_a_csv_is_refused() -> None:
    """Rows that do not say whose they are, loaded without a creditor, are refused."""
    [found] = refusals(read_text("number;debtor;issue date;total\nF;d;2026-03-01;5", source="x.csv"))
    assert found[1] == "creditor"


def test_an_open_quote_costs_its_own_line_only() -> None:
    """A quote that is never closed does not swallow the rows after it."""
    rows = "\n".join(f"F-{index};d;2026-03-01;5" for index in range(100))
    reading = read_text(
        f'number;debtor;issue date;total\nX;"d;2026-03-01;5\n{rows}', source="x.csv", creditor="a"
    )
    found = [isinstance(row.event, InputRefused) for row in reading.rows]
    assert (sum(found), len(found)) == (1, 101)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1 234,56", "1234.56"), ("1\u202f234,56", "1234.56"), ("1\xa0234,5", "1234.5"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"), ("1234", "1234"), ("1.234.567", "1234567"), ("€ 12.00", "12.00"),
        ("12,00 EUR", "12.00"), ("-12,00", "-12.00"), ("(12,00)", "-12.00"), ("1'234.50", "1234.50"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(said: str, meant: str) -> None:
    """Spaces of every width, commas, points, signs and parentheses are understood."""
    assert written.amount(said) == meant


@pytest.mark.parametrize(
    "said", ["1.234", "1,234", "12,3,4", "1e5", "٣٤", "12 34", "1,23,456.00", "", "--1", "0x1F"]
)
def test_amounts_that_could_mean_two_things_are_refused(said: str) -> None:
    """What is no amount, or could be two, is refused rather than guessed."""
    with pytest.raises(ValueError, match=r"amount|two ways"):
        written.amount(said)


ALPHABET = st.sampled_from(
    [*list("abF1-;,\t\n\r\"'{}[]:\\ 0.é\u202f\x0b\u2028/"), "number", "total", "debtor"]
)
HEADERS = st.sampled_from(
    ["", "number;debtor;issue date;total\n", "[", '{"events": [', INVOICE + "\n", "ref,montant\n"]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=HEADERS, tail=st.lists(ALPHABET | st.text(max_size=3), max_size=40).map("".join))
def test_no_text_is_too_strange(head: str, tail: str) -> None:
    """Whatever a text holds, reading it yields events or refusals with a line and a remedy, never a fault."""
    for name in ("x.csv", "x.json", "x.ndjson", "x"):
        for row in read_text(head + tail, source=name, creditor="acme").rows:
            assert not isinstance(row.event, InputRefused) or (row.event.line and row.event.remedy)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_are_too_strange(tmp_path: Path, content: bytes) -> None:
    """Whatever bytes a file holds, reading it yields events or refusals, never a fault."""
    for name in ("x.csv", "x.json"):
        for row in file_of(tmp_path, name, content).rows:
            assert isinstance(row.event, InputRefused | Fact)
