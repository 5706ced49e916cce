"""What is taken in and should be looked at all the same: said once, in words, wherever facts come in."""

import json

from tests.terminal import sample
from tests.terminal.conftest import Terminal

LATE = sample.invoice("F-77", "2099-12-31")
"""An invoice that is due a year after its day."""

CUSTOMERS = "code client;raison sociale;siret\nverger;Le Verger;73282932000075\ndupont;Dupont Frères;\n"


def test_a_file_says_what_to_look_at(loaded: Terminal) -> None:
    """A term beyond the law is said with its line and invoice, in both languages, and not again."""
    file = loaded.file("late.ndjson", json.dumps(LATE) + "\n")
    shown = loaded.done("import", file)
    assert shown.count("look at this") == 1
    assert "look at this: line 1, F-77: due 2099-12-31, beyond the lawful" in shown
    assert "look at this" not in loaded.done("import", file)
    french = loaded.done(
        "import", loaded.file("b.json", json.dumps(LATE | {"number": "F-78"})), "--lang", "fr"
    )
    assert "à vérifier : ligne 1, F-78 : échéance 2099-12-31 au-delà du maximum légal" in french


def test_a_program_gets_the_sentences(loaded: Terminal) -> None:
    """In JSON each warning has its place, its field and its sentences; a wrong number and a new name too."""
    answer = loaded.told("import", loaded.file("clients.csv", CUSTOMERS), "--creditor", "atelier")
    [wrong, name] = answer["files"][0]["warnings"]
    assert (wrong["line"], wrong["about"], wrong["concern"]) == (2, "verger", "siret")
    assert wrong["sentences"]["fr"].startswith("SIRET 73282932000075 invalide")
    assert (name["line"], name["field"], name["known"]) == (3, "debtor.legal_name", "Dupont & Fils")


def test_one_event_says_what_to_look_at(loaded: Terminal) -> None:
    """`take` says it below its answer, of parties too; a program gets it with the admission."""
    owner = sample.creditor()
    owner["creditor"] |= {"banks": [{"key": "main", "account": "FR7630006000011234567890188"}]}
    shown = loaded.done("take", said=json.dumps(owner))
    assert "look at this: account FR7630006000011234567890188 is no IBAN" in shown
    assert "no bank source is declared" in shown
    shown = loaded.done("take", "--lang", "fr", said=json.dumps(LATE))
    assert shown.count("à vérifier") == 1
    [warned] = loaded.told("take", said=json.dumps(LATE | {"number": "F-79"}))["warnings"]
    assert warned["sentences"]["en"].startswith("due 2099-12-31")


def test_a_watched_folder_says_what_to_look_at(loaded: Terminal) -> None:
    """A file that arrives in a watched folder is told of with its warnings, for people and programs."""
    inbox = loaded.folder / "inbox"
    inbox.mkdir()
    loaded.file("inbox/clients.csv", CUSTOMERS)
    shown = loaded.done("watch", str(inbox), "--once", "--creditor", "atelier")
    assert shown.count("look at this") == 2
    loaded.file("inbox/late.json", json.dumps(LATE))
    moved = loaded.told("watch", str(inbox), "--once")
    assert moved["report"]["warnings"][0]["about"] == "F-77"


def test_many_warnings_are_cut(loaded: Terminal) -> None:
    """Twenty warnings of a file are printed, the rest are counted."""
    rows = [json.dumps(LATE | {"number": f"F-8{turn:02}"}) for turn in range(25)]
    shown = loaded.done("import", loaded.file("many.ndjson", "\n".join(rows)))
    assert shown.count("look at this") == 20
    assert "... and 5 more to look at" in shown


def test_a_mended_row_says_what_to_look_at(loaded: Terminal) -> None:
    """A row that is mended and tried again says it as well."""
    bad = loaded.file("bad.json", json.dumps(LATE | {"total": "12,50"}))
    row = loaded.told("import", bad, code=3)["files"][0]["refused"][0]["kept"]
    shown = loaded.done("refused", "retry", str(row), "--with", loaded.file("good.json", json.dumps(LATE)))
    assert "look at this: due 2099-12-31" in shown
