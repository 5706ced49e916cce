"""The care of the record, and the program as it is really run."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import sample
from tests.terminal.conftest import Terminal

STARTER = Path(__file__).resolve().parents[2] / "starter.py"


def test_verify_finds_what_was_changed(loaded: Terminal) -> None:
    """A whole journal passes; one changed letter is found, named, and gives the code 8."""
    assert loaded.told("verify") == {"whole": True, "breaks": []}
    with sqlite3.connect("var/relance.sqlite3") as record:
        record.execute("UPDATE journal SET kind = 'invoice.closed' WHERE invoice = 'F-1'")
    record.close()
    answer = loaded.told("verify", code=8)
    assert [(one["debtor"], one["problem"]) for one in answer["breaks"]] == [
        ("dupont", "the entry has been changed since it was written")
    ]


def test_status_says_what_answers(loaded: Terminal) -> None:
    """The database answers, Temporal and mail do not, the counts are there, and the code is 7."""
    answer = loaded.told("status", code=7)
    assert answer["reachable"] == {"database": True, "temporal": False, "mail": False}
    assert (answer["counts"]["open"], answer["counts"]["errands"]) == (3, 3)


def test_migrate_makes_a_record_once(terminal: Terminal) -> None:
    """The first time the schema comes into being; the second time nothing changes."""
    first, second = terminal.told("migrate"), terminal.told("migrate")
    assert first["before"] is None
    assert second["before"] == second["after"] == first["after"]
    assert terminal.told("list") == {"cases": [], "total": 0}


def test_settings_that_cannot_be_used_are_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting gives the code 6, with the variable and the remedy."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", "mysql://somewhere")
    result = terminal("list")
    assert result.exit_code == 6
    assert "RELANCE_DATABASE_URL" in result.stderr


def test_a_database_that_is_away_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL server that does not answer gives the code 7 and no traceback."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", "postgresql://relance:secret@127.0.0.1:1/relance")
    result = terminal("list")
    assert result.exit_code == 7
    assert "secret" not in result.output
    assert "Traceback" not in result.output


def test_the_program_itself(terminal: Terminal) -> None:
    """As a process: answers on standard output, words on standard error, and the exit code of the command."""
    file = terminal.file("all.json", json.dumps(sample.EVENTS))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, str(STARTER), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )

    taken = run("import", file, "--json")
    assert (taken.returncode, json.loads(taken.stdout)["files"][0]["taken"]) == (0, 6)
    assert taken.stderr.startswith("warning: Temporal does not answer")
    missing = run("show", "X")
    assert (missing.returncode, missing.stdout) == (4, "")
    assert missing.stderr == "error: no invoice 'X'\n"
    assert run("shwo").returncode == 2
