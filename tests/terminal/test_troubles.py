"""What does not go on by itself, at the terminal, while Temporal is away (tests/gate has the rest)."""

import sqlite3
from typing import Any

import pytest

from tests.terminal.conftest import Terminal

TROUBLE: dict[str, Any] = {
    "creditor": "acme",
    "number": "F-1",
    "doing": "Collector.take",
    "step": "D+2",
    "fault": "NotPrepared",
    "detail": "NotFound: there is no PDF scan.pdf",
    "attempts": 3,
    "first_at": "2026-03-02 11:00:00.000000",
    "last_at": "2026-03-02 11:10:00.000000",
}


@pytest.fixture
def troubled(loaded: Terminal) -> Terminal:
    """Gives the sample with one case in trouble."""
    with sqlite3.connect("var/relance.sqlite3") as record:
        creditor = record.execute("SELECT creditor FROM invoices WHERE number = 'F-1'").fetchone()[0]
        row = TROUBLE | {"creditor": creditor}
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        record.execute(f"INSERT INTO troubles ({names}) VALUES ({marks})", row)  # noqa: S608 - our own names
    record.close()
    return loaded


def test_what_is_on_record_is_listed_without_temporal(troubled: Terminal) -> None:
    """The case is listed with what it was doing, the fault and the remedy; the rest is said to be missing."""
    answer = troubled.told("troubles")
    [line] = answer["troubles"]
    assert (line["number"], line["doing"], line["step"]) == ("F-1", "taking a step", "D+2")
    assert (line["fault"], line["detail"], line["attempts"]) == (
        "NotPrepared",
        "NotFound: there is no PDF scan.pdf",
        3,
    )
    assert "`retry`" in line["remedy"]
    assert answer["temporal"].startswith("Temporal does not answer")
    said = troubled("troubles")
    assert "there is no PDF scan.pdf" in said.stdout
    assert "runs whose own code fails are not" in said.stderr


def test_the_case_itself_and_the_count_tell_of_it(troubled: Terminal) -> None:
    """`show` has the trouble of its case and of no other; `status` counts it."""
    assert troubled.told("show", "F-1")["trouble"]["attempts"] == 3
    assert "in trouble: NotFound: there is no PDF scan.pdf" in troubled.done("show", "F-1")
    assert troubled.told("show", "F-2")["trouble"] is None
    assert troubled.told("status", code=7)["counts"]["troubles"] == 1


def test_retry_needs_temporal_and_forgets_nothing_without_it(troubled: Terminal) -> None:
    """With Temporal away the code is 7, and the case stays on the list."""
    assert troubled.told("retry", "F-1", code=7)["exit_code"] == 7
    assert len(troubled.told("troubles")["troubles"]) == 1


@pytest.mark.parametrize("arguments", [(), ("F-1", "--all")])
def test_retry_wants_one_invoice_or_all(troubled: Terminal, arguments: tuple[str, ...]) -> None:
    """Neither, or both, is refused with the remedy."""
    answer = troubled.told("retry", *arguments, code=3)
    assert answer["error"]["remedy"] == "name one invoice, or say --all; not both, and not neither"


def test_the_outbox_lists_what_waits(loaded: Terminal) -> None:
    """Each wake-up that Temporal has not heard of is there, with its attempts and the last error."""
    waiting = loaded.told("outbox")["waiting"]
    assert sorted(one["number"] for one in waiting) == ["F-1", "F-2", "L-1"]
    assert {one["kind"] for one in waiting} == {"start"}
    assert "F-2" in loaded.done("outbox")
    assert len(loaded.told("outbox", "--limit", "1")["waiting"]) == 1


def test_an_empty_record_has_neither(terminal: Terminal) -> None:
    """Where nothing is wrong, both say so."""
    terminal.done("migrate")
    assert "no case is in trouble" in terminal.done("troubles")
    assert "no wake-up waits" in terminal.done("outbox")
