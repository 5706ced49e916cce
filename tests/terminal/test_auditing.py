"""`audit`: its verdict, its exit code, and what `status` says of the night."""

from datetime import UTC, datetime

import sqlalchemy as sa

from audit.findings import Kind, Tally
from audit.keeping import keep
from domain.faults import AuditFailed
from ledger.schema import invoices
from tests.terminal.conftest import Terminal


def tamper(terminal: Terminal, statement: sa.Update) -> None:
    """Changes the record behind the back of the journal."""
    engine = sa.create_engine(f"sqlite:///{terminal.folder / 'var' / 'relance.sqlite3'}")
    with engine.begin() as conn:
        conn.execute(statement)
    engine.dispose()


def test_a_clean_record(loaded: Terminal) -> None:
    """A record without findings answers with its counts and exit code 0, to people and to programs."""
    assert "nothing found." in loaded.done("audit", "--evidence")
    document = loaded.told("audit", "--from", "2026-01-01", "--creditor", "atelier")
    assert (document["clean"], document["found"], document["findings"]) == (True, 0, [])
    assert (document["counts"]["accounts"], document["counts"]["open"]) == (2, 3)
    assert set(document["totals"]) == {kind.value for kind in Kind}


def test_a_record_with_a_finding(loaded: Terminal) -> None:
    """What is found is told with its place, and the exit code says so."""
    tamper(loaded, sa.update(invoices).where(invoices.c.number == "F-2").values(version=9))
    document = loaded.told("audit", code=AuditFailed.exit_code)
    (finding,) = document["findings"]
    assert (finding["kind"], finding["debtor"], finding["invoice"]) == ("differs", "dupont", "F-2")
    assert document["totals"]["differs"] == document["found"] == 1
    result = loaded("audit")
    assert result.exit_code == AuditFailed.exit_code
    assert "differs" in result.stdout
    assert "F-2" in result.stdout


def test_what_an_audit_refuses(loaded: Terminal) -> None:
    """An unknown creditor is not found; open runs cannot be looked at while Temporal is away."""
    assert loaded("audit", "--creditor", "nobody").exit_code == 4
    assert loaded("audit", "--runs").exit_code == 7


def test_status_tells_of_the_last_night(loaded: Terminal) -> None:
    """`status` says when the last audit of the night was made and what it found."""
    assert "no audit of the night yet" in loaded("status").stdout
    tally = Tally()
    tally.find(Kind.PAID, "a sentence")
    keep(loaded.folder / "var" / "audits", tally.report(datetime(2026, 5, 2, 1, 30, tzinfo=UTC), lambda: 1.0))
    assert "last audit of the night 2026-05-02 01:30Z: 1 paid" in loaded("status").stdout
    told = loaded.told("status", code=7)["last_audit"]
    assert (told["clean"], told["totals"]) == (False, {"paid": 1})
