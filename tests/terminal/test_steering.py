"""Holds, stops and orders, as far as they go without a worker."""

import json
import sqlite3

import pytest

import intake.stopping
from domain.faults import Unavailable
from tests.terminal import sample
from tests.terminal.conftest import Terminal


def rows(table: str) -> int:
    """Counts the rows of a table of the record."""
    with sqlite3.connect("var/relance.sqlite3") as record:
        count: int = record.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own name
    record.close()
    return count


@pytest.mark.parametrize(
    "command",
    [
        ["hold", "F-1", "--until", sample.near(30), "--reason", "asked"],
        ["resume", "F-1"],
        ["skip", "F-1", "--reason", "asked"],
        ["send-now", "F-1"],
        ["approve", "F-1"],
    ],
)
def test_an_order_needs_temporal(loaded: Terminal, command: list[str]) -> None:
    """Without Temporal an order changes nothing, not even the notes, and says so; the code is 7."""
    result = loaded(*command)
    assert result.exit_code == 7
    assert "Nothing was changed" in result.stderr
    assert rows("notes") == 0


def test_an_order_about_a_closed_case_is_refused(loaded: Terminal) -> None:
    """A paid invoice cannot be held; the code is 5, with or without Temporal."""
    loaded.done("paid", "F-1")
    result = loaded("hold", "F-1", "--until", sample.near(30), "--reason", "asked")
    assert result.exit_code == 5
    assert "closed (paid)" in result.stderr


@pytest.fixture
def busy(terminal: Terminal) -> Terminal:
    """Gives a command line whose record holds invoices of the next months."""
    terminal.done("import", terminal.file("near.json", json.dumps(sample.nearby())))
    return terminal


def test_a_customer_is_held_and_resumed(busy: Terminal) -> None:
    """A hold on a customer moves its invoices, and no other's, past its last day, until resumed."""
    last = sample.near(90)
    busy.done("hold", "--debtor", "dupont", "--until", last, "--reason", "delivery", "--as", "anna")
    assert {one["number"] for one in busy.told("list", "--held")["cases"]} == {"F-1", "F-2"}
    answer = busy.told("show", "F-1")
    assert answer["next"]["day"] > last
    assert answer["reason"] == f"held until {last}, that day included"
    assert "delivery" in busy.done("show", "F-1")
    assert len(busy.told("resume", "--debtor", "dupont", "--as", "anna")["lifted"]) == 1
    assert busy.told("list", "--held")["cases"] == []
    assert "hold lifted by anna" in busy.done("show", "F-1")


def test_everybody_is_held_and_resumed(busy: Terminal) -> None:
    """A hold on a creditor suspends every customer."""
    who = ("--everybody", "--creditor", "atelier")
    busy.done("hold", *who, "--until", sample.near(90), "--reason", "audit")
    assert len(busy.told("list", "--held")["cases"]) == 3
    assert len(busy.told("resume", *who)["lifted"]) == 1
    assert busy.told("list", "--held")["cases"] == []


@pytest.mark.parametrize(
    ("days", "target", "code"),
    [
        (90, [], 2),
        (90, ["F-1", "--debtor", "dupont"], 2),
        (90, ["--everybody"], 2),
        (90, ["--debtor", "nobody"], 5),
        (-400, ["--debtor", "dupont"], 3),
        (800, ["--debtor", "dupont"], 3),
        (90, ["--debtor", "dupont", "--reason", ""], 3),
    ],
)
def test_a_hold_needs_one_target_a_reason_and_a_last_day(
    loaded: Terminal, days: int, target: list[str], code: int
) -> None:
    """No target, two, everybody of nobody, strangers, the past, too far, no reason: each is refused."""
    assert loaded("hold", "--until", sample.near(days), "--reason", "x", *target).exit_code == code


def test_sending_stops_and_goes_on(loaded: Terminal) -> None:
    """The stop shows in the status with its author and reason until it is lifted; each counts once."""
    assert loaded.told("stop-sending", "--reason", "wrong letterhead", "--as", "anna")["changed"] is True
    assert loaded.told("stop-sending", "--reason", "again")["changed"] is False
    stop = loaded.told("status", code=7)["stopped"][0]
    assert (stop["creditor"], stop["by"], stop["reason"]) == (None, "anna", "wrong letterhead")
    assert loaded.told("resume-sending")["changed"] is True
    assert loaded.told("status", code=7)["stopped"] == []


def test_a_stop_lists_what_was_about_to_leave(busy: Terminal) -> None:
    """The kill switch names the steps that it holds back, by creditor, policy and channel, soonest first."""
    far = ["--hours", "8760", "--reason", "wrong letterhead"]
    everything = busy.told("stop-sending", *far)
    numbers = [case["number"] for case in everything["cases"]]
    assert len(numbers) == everything["held_back"] == 3
    instants = [case["next"]["at"] for case in everything["cases"]]
    assert instants == sorted(instants)
    assert busy.told("stop-sending", "--hours", "0", "--reason", "again")["held_back"] == 0
    busy.done("resume-sending")
    policies = {case["policy"].partition("@")[0] for case in everything["cases"]}
    for policy in policies:
        held = busy.told("stop-sending", "--policy", policy, *far)
        assert {case["policy"].partition("@")[0] for case in held["cases"]} == {policy}
        assert f"policy {policy}" in busy("status").stdout
        assert busy.told("resume-sending", "--policy", policy)["still_stopped"] == []
    assert busy.told("stop-sending", "--channel", "letter", *far)["held_back"] == 0
    assert "channel letter" in busy("resume-sending").stdout


@pytest.mark.parametrize(
    ("part", "code"), [(["--policy", "sead"], 4), (["--policy", "seed@1"], 3), (["--creditor", "nobody"], 4)]
)
def test_a_stop_of_nobody_is_refused(loaded: Terminal, part: list[str], code: int) -> None:
    """A misspelt policy or creditor is refused: it would stop nothing, and look as if it did."""
    assert loaded("stop-sending", "--reason", "x", *part).exit_code == code


def test_a_resume_cut_short_is_completed_by_the_next(busy: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where resume-sending lifts the stop and dies, doing it again frees what still waits for it."""
    busy.done("stop-sending", "--reason", "wrong letterhead")
    for customer in ("dupont", "leroy"):
        busy.done("hold", "--debtor", customer, "--until", sample.near(2), "--reason", "plans it anew")
    rules = {one["next"]["because"]["rule"] for one in busy.told("list")["cases"]}
    assert rules == {"sending_stopped"}

    async def die(*_: object) -> None:
        reason = "the record is busy"
        raise Unavailable(reason)

    with monkeypatch.context() as patched:
        patched.setattr(intake.stopping, "settle_all", die)
        assert busy("resume-sending").exit_code == 7
    assert busy.told("resume-sending")["changed"] is False
    cases = busy.told("list")["cases"]
    assert {one["next"]["kind"] for one in cases} == {"take"}
    assert len(cases) == 3


def test_unknown_messages_and_tasks_are_not_found(loaded: Terminal) -> None:
    """Judging, voiding and closing what does not exist gives the code 4."""
    for command in (
        ["judge", "x", "--delivered", "--reason", "r"],
        ["void", "x", "--reason", "r"],
        ["tasks", "--done", "x", "--resolution", "r"],
    ):
        assert loaded(*command).exit_code == 4
    for both in ([], ["--delivered", "--not-delivered"]):
        result = loaded("judge", "x", "--reason", "r", *both)
        assert result.exit_code == 2
        assert "--delivered or --not-delivered" in " ".join(result.stderr.replace("│", " ").split())
    assert loaded("tasks", "--done", "x").exit_code == 3
