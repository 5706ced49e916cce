"""Files at the command line: what is taken, what is known, what is refused and mended."""

import json
import re
import shutil

import pytest

from config.sections import HERE
from tests.terminal import sample
from tests.terminal.conftest import Terminal


def lines(events: list[sample.Event]) -> str:
    """Writes events one per line."""
    return "".join(json.dumps(event) + "\n" for event in events)


def test_import_reports_and_knows_a_file_again(terminal: Terminal) -> None:
    """Six events are taken; the same file again is known; the wake-ups wait for a worker meanwhile."""
    file = terminal.file("all.ndjson", lines(sample.EVENTS))
    first = terminal("import", file)
    assert first.exit_code == 0
    assert "all.ndjson: 6 taken, 0 known already, 0 waiting for their invoice, 0 refused" in first.stdout
    assert "the wake-ups wait for the worker's relay" in first.stderr
    again = terminal.told("import", file)
    assert (again["files"][0]["taken"], again["files"][0]["known"]) == (0, 6)
    assert terminal.told("status", code=7)["counts"]["errands"] == 3


def test_a_refused_row_is_kept_mended_and_taken(terminal: Terminal) -> None:
    """One bad row gives the code 3 and its line and field; mended, it is taken and leaves the list."""
    bad = sample.invoice("F-9", "2099-03-31", "12,50")
    report = terminal.told("import", terminal.file("bad.ndjson", lines([*sample.EVENTS, bad])), code=3)[
        "files"
    ][0]
    assert report["taken"] == 6
    row = report["refused"][0]
    assert (row["line"], row["field"], row["value"]) == (7, "total", "12,50")
    assert "1 refused row(s)" in terminal.done("refused")
    mended = terminal.file("mended.json", json.dumps(bad | {"total": "12.50"}))
    assert terminal("refused", "retry", str(row["kept"])).exit_code == 3
    assert terminal.told("refused", "retry", str(row["kept"]), "--with", mended)["status"] == "taken"
    assert terminal.told("refused") == {"refused": []}
    assert terminal("refused", "retry", str(row["kept"])).exit_code == 5
    assert terminal("refused", "retry", "99").exit_code == 4


def test_a_refused_row_is_dropped_for_good(terminal: Terminal) -> None:
    """A row that nobody needs leaves the list with a reason, once."""
    bad = sample.invoice("F-9", "2099-03-31", "12,50")
    file = terminal.file("bad.ndjson", lines([*sample.EVENTS, bad]))
    row = str(terminal.told("import", file, code=3)["files"][0]["refused"][0]["kept"])
    assert terminal("refused", "drop", row, "--reason", " ").exit_code == 3
    answer = terminal.told("refused", "drop", row, "--reason", "a test", "--as", "anna")
    assert answer == {"dropped": int(row), "reason": "a test", "by": "anna"}
    assert terminal.told("refused") == {"refused": []}
    assert terminal("refused", "drop", row, "--reason", "again").exit_code == 5
    assert terminal("refused", "drop", "99", "--reason", "r").exit_code == 4


def test_nothing_is_taken_under_a_policy_without_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that names a missing text stops import, take, preview and policy show with the code 6."""
    policies = terminal.folder / "policies"
    shutil.copytree(HERE / "policies", policies)
    seed = (policies / "seed.toml").read_text("utf-8")
    broken = re.sub(r"^languages = .*$", 'languages = ["fr", "en", "sw"]', seed, flags=re.MULTILINE)
    if broken == seed:
        broken = 'languages = ["fr", "en", "sw"]\n' + seed
    (policies / "seed.toml").write_text(broken, "utf-8")
    monkeypatch.setenv("RELANCE_FOLDERS__POLICIES", str(policies))
    own = str(policies / "seed.toml")
    for command in (
        ["import", terminal.file("all.ndjson", lines(sample.EVENTS))],
        ["policy", "show", own],
        ["preview", "--due", "2099-03-31", "--policy", own],
        ["preview", "--due", "2099-03-31", "--policy", "seed"],
    ):
        result = terminal(*command)
        assert result.exit_code == 6, command
        assert "is missing: step" in result.stderr
    assert terminal("take", said=json.dumps(sample.creditor())).exit_code == 6
    assert terminal.told("list")["total"] == 0


def test_csv_rows_belong_to_the_creditor_named(terminal: Terminal) -> None:
    """A French CSV is taken for the creditor of the option, whose own file goes first."""
    owner = terminal.file("owner.json", json.dumps([sample.creditor(), sample.debtor()]))
    table = terminal.file(
        "factures.csv",
        "numéro;client;date de facture;date d'échéance;montant TTC\n"
        "F-7;dupont;02/01/2099;31/03/2099;1 234,56\n",
    )
    report = terminal.told("import", table, "--creditor", "atelier", "--creditor-file", owner)
    assert [one["taken"] for one in report["files"]] == [2, 1]
    assert terminal.told("show", "F-7")["balance"]["open"] == "1234.56"


def test_a_missing_file_takes_nothing(terminal: Terminal) -> None:
    """A file that does not exist is named before anything is taken from the others."""
    good = terminal.file("good.ndjson", lines(sample.EVENTS))
    result = terminal("import", good, "nowhere.json")
    assert result.exit_code == 3
    assert "nowhere.json" in result.stderr
    assert terminal("list").exit_code == 6


def test_take_reads_one_event(terminal: Terminal) -> None:
    """Events come in one at a time from standard input; the second time each is known."""
    for event in (*sample.SEED, sample.payment("F-1", "100.00", "2026-03-25")):
        assert terminal.told("take", said=json.dumps(event))["status"] == "taken"
    assert terminal.told("take", said=json.dumps(sample.SEED[2]))["status"] == "known"
    waiting = terminal.told("take", said=json.dumps(sample.payment("F-2", "1.00", "2026-03-25", "VIR-2")))
    assert waiting["status"] == "waiting"


def test_take_says_what_is_wrong(terminal: Terminal) -> None:
    """Nothing, half a document, two events and an unknown type are each refused in words, with the code 3."""
    for said in ("", '{"type": "invoice.created"', lines(sample.SEED), '{"type": "unheard.of"}'):
        result = terminal("take", said=said)
        assert result.exit_code == 3
        assert result.stderr.startswith("error: ")
        assert "Traceback" not in result.output
