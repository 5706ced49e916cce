"""The bank desk at the command line: files, accounts, entries and the answers to them."""

import json
from decimal import Decimal
from typing import Any

import pytest

from terminal import watching
from tests.bank.conftest import SOURCE
from tests.domain import build
from tests.readers_bank import samples as banks
from tests.readers_einvoice import samples as invoices
from tests.terminal.conftest import Terminal, terminal  # noqa: F401 - a fixture

DOUBTFUL = banks.Movement(Decimal("99.05"), text="Facture F-2026-0200", payer="LE VERGER DU SUD SARL")
"""Money that names one customer's invoice and comes from another."""


def facts() -> list[dict[str, Any]]:
    """Gives Acme with its account, two customers and their invoices."""
    owner = build.creditor(policy="seed", banks=[SOURCE])
    return [
        {"type": "creditor.registered", "creditor": owner.model_dump(mode="json")},
        *(
            {"type": "debtor.registered", "debtor": debtor.model_dump(mode="json")}
            for debtor in (
                build.debtor(id="verger", legal_name="Le Verger du Sud SARL"),
                build.debtor(id="martin", legal_name="Martin Frères SA"),
            )
        ),
        *(
            {
                "type": "invoice.created",
                "creditor": "acme",
                "number": number,
                "debtor": name,
                "issue_date": "2026-10-01",
                "due_date": "2026-12-20",
                "total": total,
            }
            for number, name, total in (
                ("F-2026-0117", "verger", "1840.00"),
                ("F-2026-0200", "martin", "99.05"),
            )
        ),
    ]


@pytest.fixture
def till(terminal: Terminal) -> Terminal:  # noqa: F811
    """Gives a command line with Acme's facts."""
    terminal.done("import", terminal.file("facts.json", json.dumps(facts())))
    return terminal


def test_import_says_what_it_understood(till: Terminal) -> None:
    """The report names the kind, the account, the days, and what became of the entries; in French too."""
    file = till.file("camt.xml", banks.camt053())
    first = till.done("import", file)
    assert "camt.xml: bank file, 3 taken, 0 known already, 0 waiting for their invoice, 0 refused" in first
    assert f"of account {banks.IBAN}, 2026-11-18 to 2026-11-20: 3 entries: 1 booked" in first
    assert "payments on this account are known up to 2026-11-20" in first
    again = till.done("import", file, "--lang", "fr")
    assert "fichier bancaire, 0 pris, 3 déjà connus" in again
    [told] = till.told("import", file)["files"][0]["statements"]
    assert (told["known"], told["booked"], told["known_to"]) == (3, 0, "2026-11-20")


def test_bank_lists_the_accounts(till: Terminal) -> None:
    """The list says up to which day each account is known, and whom to ask for which file."""
    before = till.told("bank")["sources"]
    assert [(one["source"], one["booked_to"], one["owner"]) for one in before] == [
        ("main", None, "treasury@acme.example")
    ]
    assert "never" in till.done("bank")
    till.done("import", till.file("camt.xml", banks.camt053()))
    [after] = till.told("bank")["sources"]
    assert after["booked_to"] == "2026-11-20"
    assert after["unseen_days"] is not None
    assert "comptes bancaires" in till.done("bank", "--lang", "fr")


def test_an_entry_is_explained_and_booked(till: Terminal) -> None:
    """An entry that waits is listed with its candidates and reasons, booked by hand, undone and ignored."""
    till.done("import", till.file("camt.xml", banks.camt053([DOUBTFUL])))
    [kept] = till.told("bank", "entries")["entries"]
    listed = till.done("bank", "entries")
    assert "Martin Frères SA: F-2026-0200" in listed
    assert "its text names F-2026-0200" in listed
    assert "son libellé nomme F-2026-0200" in till.done("bank", "entries", "--lang", "fr")
    short = kept["id"][:8]
    booked = till.told("bank", "book", short, "--to", "F-2026-0200=99.05")
    assert (booked["debtor"], booked["payment"]) == ("martin", f"bank:{kept['id']}")
    assert till.told("bank", "entries")["entries"] == []
    assert till("bank", "ignore", short, "--reason", "x").exit_code == 5
    till.done("bank", "undo", short, "--reason", "wrong")
    assert till.told("bank", "book", short, "--debtor", "verger")["payment"].endswith("#2")
    till.done("bank", "undo", short, "--reason", "wrong again")
    assert till.told("bank", "book", short, "--candidate", "1")["payment"].endswith("#3")
    till.done("bank", "undo", short, "--reason", "and again")
    till.done("bank", "ignore", short, "--reason", "a refund of the tax office")
    [line] = till.told("bank", "entries", "--state", "not_ours")["entries"]
    assert line["resolved_by"] == "anna"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--to", "F-2026-0200=1.00", "--candidate", "1"), 2),
        (("--to", "F-2026-0200=200.00"), 3),
        (("--to", "F-2026-0117=1.00", "--to", "F-2026-0200=1.00"), 3),
        (("--to", "F-2026-9999=1.00"), 4),
        (("--candidate", "99"), 3),
        (("--returned", "VIR-1"), 4),
    ],
)
def test_an_answer_that_cannot_be_meant(till: Terminal, options: tuple[str, ...], code: int) -> None:
    """Wrong answers end with their exit code and one sentence; the entry still waits."""
    till.done("import", till.file("camt.xml", banks.camt053([DOUBTFUL])))
    [kept] = till.told("bank", "entries")["entries"]
    result = till("bank", "book", kept["id"], *options)
    assert result.exit_code == code, result.output
    assert len(till.told("bank", "entries")["entries"]) == 1


def test_an_unknown_entry_is_not_found(till: Terminal) -> None:
    """An id that no entry has, or several begin with, is refused."""
    assert till("bank", "ignore", "nothing", "--reason", "x").exit_code == 4
    till.done("import", till.file("camt.xml", banks.camt053()))
    assert till("bank", "ignore", "", "--reason", "x").exit_code == 4


def test_days_are_declared_complete(till: Terminal) -> None:
    """A person says that nothing is missing up to a day; an account that nobody declared is refused."""
    said = till.told("bank", "complete", banks.IBAN, "--to", "2026-11-13", "--reason", "no movements")
    assert said["booked_to"] == "2026-11-13"
    assert till("bank", "complete", banks.OTHER_IBAN, "--to", "2026-11-13", "--reason", "x").exit_code == 3
    assert till("bank", "complete", banks.IBAN, "--to", "2999-01-01", "--reason", "x").exit_code == 3


def test_an_export_needs_its_account(till: Terminal) -> None:
    """A bank's CSV is taken with --account, whose currency is declared."""
    file = till.file("export.csv", banks.sheet())
    assert till("import", file).exit_code == 3
    report = till.told("import", file, "--account", banks.IBAN)["files"][0]
    assert (report["taken"], report["refused"]) == (3, [])
    assert till.told("refused") == {"refused": []}


def test_a_file_that_is_listed_as_refused_is_dropped(till: Terminal) -> None:
    """A refused file is listed with its reason; it is not retried as a row, and can be dropped."""
    file = till.file("strange.xml", "<?xml version='1.0'?><catalogue/>")
    assert till("import", file).exit_code == 3
    [row] = till.told("refused")["refused"]
    assert (row["source"], row["problem"]["field"]) == ("strange.xml", "file")
    assert till("refused", "retry", str(row["id"])).exit_code == 5
    till.done("refused", "drop", str(row["id"]), "--reason", "not ours")


def test_money_before_its_invoice_is_found_by_the_same_import(till: Terminal) -> None:
    """A bank file and the invoice that it pays come in one import, in the wrong order."""
    movement = banks.Movement(Decimal("50.00"), text="Facture F-2026-0300", payer="QUI")
    bank_file = till.file("camt.xml", banks.camt053([movement]))
    late = [facts()[3] | {"number": "F-2026-0300", "total": "50.00"}]
    report = till.told("import", bank_file, till.file("late.json", json.dumps(late)))
    assert report["files"][0]["statements"][0]["asked"] == 1
    assert till.told("bank", "entries")["entries"] == []


def test_watch_takes_a_folder_once(till: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bank files, e-invoices and rows are taken and moved; a stranger's statement waits with its reason."""
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.01)
    folder = till.folder / "inbox"
    folder.mkdir()
    (folder / "a.xml").write_text(banks.camt053(), "utf-8")
    (folder / "b.xml").write_text(banks.camt053().replace(banks.IBAN, banks.OTHER_IBAN), "utf-8")
    (folder / "c.part").write_text(banks.camt053(), "utf-8")
    result = till("watch", str(folder), "--once")
    assert result.exit_code == 3, result.output
    assert "a.xml: taken, moved to taken/" in result.stdout
    assert "b.xml: refused, wholly or in part, moved to refused/b.xml" in result.stdout
    assert sorted(path.name for path in (folder / "refused").iterdir()) == ["b.xml", "b.xml.reason.txt"]
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["c.part"]
    again = till("watch", str(folder), "--once", "--lang", "fr")
    assert (again.exit_code, again.stdout.strip()) == (0, f"aucun fichier complet dans {folder}")


def test_watch_attaches_the_pdf_of_an_e_invoice(till: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Factur-X put into the folder is taken, and its PDF lies where reminders find it."""
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.01)
    owner = invoices.CREDITOR.model_copy(update={"policy": "seed"}).model_dump(mode="json")
    maree = json.dumps([{"type": "creditor.registered", "creditor": owner}])
    till.done("import", till.file("maree.json", maree))
    folder = till.folder / "inbox"
    folder.mkdir()
    (folder / "invoice.pdf").write_bytes(invoices.factur_x(invoices.cii()))
    [moved] = [json.loads(till("watch", str(folder), "--once", "--json").stdout)]
    assert (moved["taken"], moved["report"]["kind"], moved["report"]["taken"]) == (True, "invoice", 2)
    assert [path.name for path in (till.folder / "var" / "documents").iterdir()] == ["F-2026-7.pdf"]


def test_watch_needs_a_folder(till: Terminal) -> None:
    """A folder that does not exist is refused before anything happens."""
    assert till("watch", str(till.folder / "nowhere"), "--once").exit_code == 3
