"""Simulation from files: every message that would leave, and nothing else."""

import json
from pathlib import Path
from typing import Any

from tests.terminal import sample
from tests.terminal.conftest import Terminal


def told(terminal: Terminal, events: list[sample.Event], *more: str, code: int = 0) -> Any:
    """Simulates events and reads the answer."""
    return terminal.told("simulate", terminal.file("events.json", json.dumps(events)), *more, code=code)


def test_the_four_messages_of_the_seeds(terminal: Terminal) -> None:
    """An invoice never paid gets the four messages of the seeds on their days, and is handed over."""
    answer = told(terminal, sample.SEED)
    assert [(one["day"], one["step"]) for one in answer["messages"]] == [
        ("2026-03-20", "D-10"),
        ("2026-03-27", "D-3"),
        ("2026-04-02", "D+2"),
        ("2026-04-30", "D+30"),
    ]
    assert answer["endings"] == {"handed_off": 1}
    assert {one["asked"] for one in answer["messages"]} == {"1200.00"}


def test_ac01_a_payment_ends_the_messages(terminal: Terminal) -> None:
    """AC-01: paid on 2026-03-25, only the first message exists and the case closes as paid."""
    answer = told(terminal, [*sample.SEED, sample.payment("F-1", "1200.00", "2026-03-25")])
    assert [one["step"] for one in answer["messages"]] == ["D-10"]
    assert answer["endings"] == {"paid": 1}


def test_a_partial_payment_lowers_what_is_asked(terminal: Terminal) -> None:
    """After 200 received on account, the later messages ask for 1,000."""
    answer = told(terminal, [*sample.SEED, sample.payment("F-1", "200.00", "2026-03-25")])
    assert [one["asked"] for one in answer["messages"]] == ["1200.00", "1000.00", "1000.00", "1000.00"]


def test_the_preview_is_what_the_simulation_sends(terminal: Terminal) -> None:
    """The days of the preview are the days of the messages."""
    calendar = terminal.told("preview", "--policy", "french-b2b", "--due", "2026-03-31")["calendar"]
    written = [(line["step"], line["day"]) for line in calendar if line["channel"] in {"email", "letter"}]
    answer = told(terminal, sample.SEED, "--policy", "french-b2b", "--approve")
    assert [(one["step"], one["day"]) for one in answer["messages"]] == written


def test_messages_are_written_to_a_folder(terminal: Terminal) -> None:
    """Every message can be read as it would leave: e-mails as text and HTML, letters as PDF."""
    told(terminal, sample.SEED, "--policy", "french-b2b", "--approve", "--messages-dir", "out")
    names = sorted(path.name for path in Path("out").iterdir())
    assert "2026-03-20_dupont_F-1_D-10.txt" in names
    assert "2026-05-11_dupont_F-1_formal-notice.pdf" in names
    assert "F-1" in Path("out/2026-03-20_dupont_F-1_D-10.txt").read_text("utf-8")


def test_the_text_can_be_printed(terminal: Terminal) -> None:
    """With --text the words of each message follow the list."""
    said = terminal.done("simulate", terminal.file("events.json", json.dumps(sample.SEED)), "--text")
    assert "4 message(s) would leave" in said
    assert "RF98F1" in said


def test_a_bad_row_stops_no_other(terminal: Terminal) -> None:
    """An invoice of an unknown customer is named and left out; the others go on, and the code is 3."""
    answer = told(terminal, [*sample.SEED, sample.invoice("F-9", "2026-03-31", whose="nobody")], code=3)
    assert len(answer["messages"]) == 4
    assert "nobody" in answer["refused"][0]["message"]
    assert "F-9" in answer["refused"][0]["message"]


def test_a_span_of_days_can_be_asked_for(terminal: Terminal) -> None:
    """Between two days only their messages are shown, and a span that ends before it begins is refused."""
    answer = told(terminal, sample.SEED, "--to", "2026-03-31")
    assert [one["step"] for one in answer["messages"]] == ["D-10", "D-3"]
    assert told(terminal, sample.SEED, "--from", "2026-05-01", "--to", "2026-04-01", code=3)["error"]


def test_simulation_touches_no_record(terminal: Terminal) -> None:
    """Nothing is written down: no database comes into being."""
    told(terminal, sample.SEED)
    assert not Path("var").exists()
