"""What nobody foresaw: one line and a code of its own, and the whole trace only where it is asked for."""

import pytest

import terminal.keeping
from domain.faults import NotAllowed
from tests.terminal.conftest import Terminal


def broken(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Makes the command `migrate` fail."""

    def fail() -> None:
        raise fault

    monkeypatch.setattr(terminal.keeping, "load", fail)


def test_an_unforeseen_fault_is_one_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the kind of fault and its place, not its text, and asks for a report; the code is 70."""
    broken(monkeypatch, KeyError("anna@atelier.example"))
    result = terminal("migrate")
    assert (result.exit_code, result.stdout) == (70, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: unexpected KeyError at ")
    assert "please report" in result.stderr
    assert "anna" not in result.stderr
    answer = terminal.told("migrate", code=70)
    assert (answer["error"]["kind"], answer["exit_code"]) == ("KeyError", 70)


def test_debug_shows_the_trace(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """With RELANCE_LOG_LEVEL=debug the fault comes through as it is."""
    monkeypatch.setenv("RELANCE_LOG_LEVEL", "debug")
    broken(monkeypatch, KeyError("x"))
    with pytest.raises(KeyError):
        terminal("migrate")


def test_other_ends_stay_as_they_are(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of Relance keeps its own sentence and code; wrong usage is still 2, a broken pipe passes."""
    assert terminal("migrate", "--unheard-of").exit_code == 2
    broken(monkeypatch, NotAllowed("the facts forbid it"))
    result = terminal("migrate")
    assert (result.exit_code, result.stderr) == (5, "error: the facts forbid it\n")
    broken(monkeypatch, BrokenPipeError(32, "nobody reads"))
    assert terminal("migrate").exit_code == 1
