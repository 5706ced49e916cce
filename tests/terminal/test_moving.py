"""`policy move`: looked at first, then done, then kept; one broken account stops no other."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from domain.policy import DunningPolicy
from ledger.book import Book
from terminal import moving as command
from tests.terminal import sample
from tests.terminal.conftest import Terminal

GENTLE = """
id = "gentle"
title = { fr = "Bons clients", en = "Good customers" }
languages = ["fr", "en"]
spacing_days = 5
catch_up = "next_required"

[[steps]]
key = "later"
offset_days = 5
channel = "email"
tone = "courteous"
message = "overdue"
title = { fr = "Rappel", en = "Reminder" }
"""


@pytest.fixture
def shop(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Gives a command line with its own folder of policies, and a record of three invoices under seed."""
    folder = terminal.folder / "policies"
    folder.mkdir()
    seed = Path(command.__file__).parents[1] / "config" / "policies" / "seed.toml"
    (folder / "seed.toml").write_text(seed.read_text("utf-8"), "utf-8")
    (folder / "gentle.toml").write_text(GENTLE, "utf-8")
    monkeypatch.setenv("RELANCE_FOLDERS__POLICIES", str(folder))
    terminal.done("import", terminal.file("near.json", json.dumps(sample.nearby())))
    return terminal


def rows(query: str) -> list[tuple[Any, ...]]:
    """Asks the record itself."""
    with sqlite3.connect("var/relance.sqlite3") as record:
        found = record.execute(query).fetchall()
    record.close()
    return found


def under() -> dict[str, str]:
    """Reads which policy each invoice is under, without the version."""
    return {
        number: policy.partition("@")[0] for number, policy in rows("SELECT number, policy FROM invoices")
    }


def test_a_dry_run_lists_and_writes_nothing(shop: Terminal) -> None:
    """The dry run names each open invoice with its old and new next action; the record stays as it was."""
    before = rows("SELECT count(*) FROM journal"), rows("SELECT count(*) FROM policies")
    answer = shop.told("policy", "move", "seed", "gentle", "--dry-run")
    assert (answer["dry_run"], answer["counts"]) == (True, {"changes": 3})
    first = {one["number"]: one for one in answer["cases"]}["F-1"]
    assert (first["before"]["step"], first["after"]["step"]) == ("D-10", "later")
    assert first["after"]["at"] > first["before"]["at"]
    assert "its day" in first["after_reason"]
    assert under() == {"F-1": "seed", "F-2": "seed", "L-1": "seed"}
    assert before == (rows("SELECT count(*) FROM journal"), rows("SELECT count(*) FROM policies"))
    assert "Nothing was written" in shop.done("policy", "move", "seed", "gentle", "--dry-run")


def test_the_move_does_what_the_dry_run_listed(shop: Terminal) -> None:
    """The move lists what the dry run listed, keeps it as a file, and is in the journal case by case."""
    planned = shop.told("policy", "move", "seed", "gentle", "--dry-run", "--record", "plan.json")
    done = shop.told("policy", "move", "seed", "gentle", "--as", "anna", "--record", "done.json")
    assert done["cases"] == planned["cases"]
    assert json.loads(Path("done.json").read_text("utf-8"))["cases"] == done["cases"]
    assert json.loads(Path("plan.json").read_text("utf-8"))["dry_run"] is True
    assert set(under().values()) == {"gentle"}
    for one in done["cases"]:
        assert shop.told("show", one["number"])["next"] == one["after"]
    assert "moved to the policy gentle@" in shop.done("show", "F-1")
    assert shop.told("verify")["whole"] is True


def test_a_second_move_finds_nothing_left(shop: Terminal) -> None:
    """The same command again changes nothing and says so; the wake-ups wait once for each changed plan."""
    shop.done("policy", "move", "seed", "gentle")
    entries = rows("SELECT count(*) FROM journal")
    said = shop.done("policy", "move", "seed", "gentle")
    assert "no open invoice is left to move" in said
    assert rows("SELECT count(*) FROM journal") == entries
    assert rows("SELECT count(*) FROM outbox WHERE kind = 'wake'") == [(3,)]


def test_only_those_named_are_moved(shop: Terminal) -> None:
    """--debtor and --creditor narrow the move to one customer or creditor."""
    shop.done("policy", "move", "seed", "gentle", "--creditor", "atelier", "--debtor", "leroy")
    assert under() == {"F-1": "seed", "F-2": "seed", "L-1": "gentle"}
    assert shop.told("policy", "move", "seed", "gentle", "--creditor", "nobody")["cases"] == []


def test_a_changed_file_is_moved_to_by_its_id(shop: Terminal) -> None:
    """`policy move seed seed` brings the cases of every older version to the file as it stands, and back."""
    old = shop.told("policy", "show", "seed")["version"]
    file = shop.folder / "policies" / "seed.toml"
    file.write_text(file.read_text("utf-8").replace("spacing_days = 2", "spacing_days = 4"), "utf-8")
    answer = shop.told("policy", "move", "seed", "seed")
    new = shop.told("policy", "show", "seed")["version"]
    assert new != old
    assert (answer["from"], answer["to"], answer["counts"]) == ([old], new, {"same": 3})
    assert shop.told("policy", "move", new, old)["counts"] == {"same": 3}
    assert {policy for (policy,) in rows("SELECT policy FROM invoices")} == {old}


def test_the_list_is_kept_as_a_sheet(shop: Terminal) -> None:
    """A .csv has a row for each invoice; a file that exists or has another ending is refused beforehand."""
    shop.done("policy", "move", "seed", "gentle", "--record", "moved.csv")
    with Path("moved.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [(one["number"], one["before_step"], one["after_step"]) for one in found] == [
        ("F-1", "D-10", "later"),
        ("F-2", "D-10", "later"),
        ("L-1", "D-10", "later"),
    ]
    assert all(one["after_at"] and one["after_reason"] and one["verdict"] == "changes" for one in found)
    for name, why in (
        ("moved.csv", "exists already"),
        ("moved.txt", ".json or .csv"),
        ("no/a.csv", "written"),
    ):
        refused = shop("policy", "move", "seed", "gentle", "--record", name)
        assert (refused.exit_code, why in refused.stderr) == (3, True)


def test_a_broken_account_stops_no_other(shop: Terminal) -> None:
    """An account whose facts cannot be read is listed and stays; the others move; mended, it moves too."""
    with sqlite3.connect("var/relance.sqlite3") as record:
        (facts,) = record.execute("SELECT facts FROM invoices WHERE number = 'F-2'").fetchone()
        record.execute("UPDATE invoices SET facts = '{}' WHERE number = 'F-2'")
    record.close()
    answer = shop.told("policy", "move", "seed", "gentle", "--dry-run", code=3)
    assert [one["debtor"] for one in answer["failed"]] == ["dupont"]
    answer = shop.told("policy", "move", "seed", "gentle", code=3)
    assert [(one["debtor"], "cannot be read" in one["problem"]) for one in answer["failed"]] == [
        ("dupont", True)
    ]
    assert under() == {"F-1": "seed", "F-2": "seed", "L-1": "gentle"}
    with sqlite3.connect("var/relance.sqlite3") as record:
        record.execute("UPDATE invoices SET facts = ? WHERE number = 'F-2'", (facts,))
    record.close()
    assert shop.told("policy", "move", "seed", "gentle")["counts"] == {"changes": 2}


def test_an_account_moves_whole_or_not_at_all(shop: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move cut short within an account leaves it as it was and keeps its list; the next one does it."""

    async def dies(book: Book, number: str, version: str, author: str) -> bool:
        if number == "F-2":
            raise KeyboardInterrupt
        return await original(book, number, version, author)

    original = Book.move_policy
    with monkeypatch.context() as patched:
        patched.setattr(Book, "move_policy", dies)
        shop("policy", "move", "seed", "gentle", "--record", "cut.csv")
    assert set(under().values()) == {"seed"}
    assert Path("cut.csv").read_text("utf-8").startswith("creditor,customer,number")
    assert shop.told("policy", "move", "seed", "gentle")["counts"] == {"changes": 3}


def test_missing_words_stop_the_move_before_it_begins(shop: Terminal) -> None:
    """A policy whose wording does not exist moves nobody; the code is 6, and the wording is named."""
    file = shop.folder / "policies" / "gentle.toml"
    file.write_text(GENTLE.replace('"overdue"', '"unwritten"'), "utf-8")
    refused = shop("policy", "move", "seed", "gentle")
    assert refused.exit_code == 6
    assert "unwritten" in refused.stderr
    assert set(under().values()) == {"seed"}


@pytest.mark.parametrize(
    ("source", "target"), [("nowhere", "gentle"), ("seed", "nowhere"), ("seed", "seed@000000000000")]
)
def test_unknown_policies_are_not_found(shop: Terminal, source: str, target: str) -> None:
    """A policy never followed, one without a file, a version never stored: each gives the code 4."""
    assert shop("policy", "move", source, target).exit_code == 4


def test_the_list_reads_in_french(shop: Terminal) -> None:
    """A French reader finds French reasons."""
    assert "son jour" in shop.done("policy", "move", "seed", "gentle", "--dry-run", "--lang", "fr")


def test_the_policy_of_this_test_is_one(shop: Terminal) -> None:
    """What is moved to is the file as `policy show` reads it."""
    shown = shop.told("policy", "show", "gentle")
    rules = DunningPolicy.model_validate(
        {name: value for name, value in shown.items() if name not in {"version", "sample"}}
    )
    assert shop.told("policy", "move", "seed", "gentle", "--dry-run")["to"] == rules.version
