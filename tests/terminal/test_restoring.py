"""Copies made while everything runs, and reconciling from the command line, cut short and taken up again."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from correspondence.postbook import PostBook, PostEntry
from correspondence.samples import line, reminder
from domain.receivable import Creditor, Debtor
from tests.terminal import sample
from tests.terminal.conftest import Terminal
from trial.servers import TemporalServer

STARTER = Path(__file__).resolve().parents[2] / "starter.py"
RECORD = Path("var/relance.sqlite3")
MANY = 40
SENT = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)


def test_a_copy_is_whole_while_others_write(loaded: Terminal) -> None:
    """Made in the middle of another program's transaction: what was committed is there, and nothing else."""
    with closing(sqlite3.connect(RECORD, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        busy.execute("UPDATE invoices SET facts = '{}'")
        answer = loaded.told("backup", "copy.sqlite3", "--temporal", "t.sqlite3", code=7)
        assert "temporal.sqlite3" in answer["error"]["message"]  # none runs here
        Path("copy.sqlite3").unlink()
        answer = loaded.told("backup", "copy.sqlite3")
        busy.execute("ROLLBACK")
    assert answer["bytes"] == Path("copy.sqlite3").stat().st_size
    assert Path("copy.sqlite3").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in Path().glob("*copy*")) == ["copy.sqlite3"]
    before = loaded.told("list")
    RECORD.unlink()
    shutil.copyfile("copy.sqlite3", RECORD)
    assert loaded.told("list") == before
    assert loaded.told("verify")["whole"]


def test_what_temporal_keeps_is_copied_too(loaded: Terminal) -> None:
    """The file of `make up`'s server is copied by the same way, after the record."""
    with closing(sqlite3.connect("var/temporal.sqlite3")) as server:
        server.execute("CREATE TABLE executions (id)")
    answer = loaded.told("backup", "copy.sqlite3", "--temporal", "temporal-copy.sqlite3")
    assert answer["temporal"] == "temporal-copy.sqlite3"
    with closing(sqlite3.connect("temporal-copy.sqlite3")) as copy:
        assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("executions",)]


def test_a_copy_replaces_nothing(loaded: Terminal) -> None:
    """A file that exists, or a folder that does not, is refused by name, and nothing is written."""
    Path("taken").write_text("precious", "utf-8")
    assert loaded("backup", "taken").exit_code == 3
    assert loaded("backup", "new", "--temporal", "taken").exit_code == 3
    assert loaded("backup", "nowhere/copy").exit_code == 3
    assert Path("taken").read_text("utf-8") == "precious"
    assert not Path("new").exists()


def test_a_damaged_record_makes_no_copy(loaded: Terminal) -> None:
    """Damage is found while copying, says so with code 8 or 6, and leaves no file that looks like a copy."""
    with RECORD.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 6)
    result = loaded("backup", "copy.sqlite3")
    assert result.exit_code in {6, 7, 8}
    assert "damaged" in result.stderr or "malformed" in result.stderr
    assert not Path("copy.sqlite3").exists()


def test_postgresql_copies_itself(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """For PostgreSQL the command gives the exact line, without the password."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", "postgresql://relance:secret@db.example:5433/dunning")
    result = terminal("backup", "copy.dump")
    assert result.exit_code == 5
    line = (
        'pg_dump --format=custom --no-owner --file="copy.dump" "postgresql://relance@db.example:5433/dunning"'
    )
    assert line in result.stderr
    assert "secret" not in result.output


def test_nothing_is_reconciled_without_temporal(loaded: Terminal) -> None:
    """With Temporal away nothing is written, and the code is 7."""
    assert loaded("reconcile", "--dry-run").exit_code == 7


@pytest.mark.timeout(300)
def test_reconciling_is_cut_short_and_taken_up(
    terminal: Terminal, temporal_server: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed among forty messages and run again: each is restored once, and a third time finds nothing."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("RELANCE_TASK_QUEUE", f"cut-{os.getpid()}")
    names = [f"d{place:02}" for place in range(MANY)]
    parties = [sample.creditor("cut"), *(sample.debtor(name, "cut") for name in names)]
    bills = [sample.invoice(f"F-{name}", "2099-03-31", whose=name, creditor="cut") for name in names]
    terminal.done("import", terminal.file("all.json", json.dumps([*parties, *bills])))
    for name in names:
        _write_page(name)
    foreseen = {one["message"] for one in terminal.told("reconcile", "--dry-run")["forgotten"]}
    assert len(foreseen) == MANY
    assert _restored() == []
    process = subprocess.Popen([sys.executable, str(STARTER), "reconcile"])  # noqa: S603 - our own program
    try:
        deadline = time.monotonic() + 60
        while not _restored() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == -signal.SIGKILL
    assert 0 < len(_restored()) < MANY
    result = terminal.told("reconcile", "--as", "anna")
    assert (result["behind"], result["delivered"]) == (True, True)
    assert (len(_restored()), set(_restored())) == (MANY, foreseen)
    assert terminal.told("verify")["whole"]
    last = terminal.told("reconcile")
    assert (last["entries"], last["forgotten"], last["behind"]) == (MANY, [], False)
    cases = terminal.told("list", "--limit", "99")["cases"]
    assert {one["next"]["step"] for one in cases} == {"D-3"}


def _write_page(name: str) -> None:
    """Opens and answers the page of a message of which the record knows nothing."""
    creditor = Creditor.model_validate(sample.creditor("cut")["creditor"])
    debtor = Debtor.model_validate(sample.debtor(name, "cut")["debtor"])
    bill = line(f"F-{name}", -10, "1200.00").model_copy(update={"step": "D-10"})
    page = reminder("term-approaching", "fr", (bill,), creditor=creditor, debtor=debtor)
    PostBook(Path("var/messages")).write(
        PostEntry(
            message=str(page.id),
            attempt=1,
            claim="run/1/1",
            reminder=page,
            channel=page.channel,
            evidence=f"{name}.eml",
            sha256="0" * 64,
            digest="1" * 64,
            header=f"<{page.id}@cut.example>",
            prepared_at=SENT,
            fate="accepted",
            answer="250",
            answered_at=SENT,
        )
    )


def _restored() -> list[str]:
    """Lists the messages that the journal says were restored."""
    with closing(sqlite3.connect(RECORD, timeout=30)) as record:
        rows = record.execute("SELECT facts FROM journal WHERE kind = 'message.restored'").fetchall()
    return [json.loads(facts)["message"] for (facts,) in rows]
