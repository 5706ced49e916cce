"""A command line with a record of its own: a fresh SQLite file, and a Temporal server that is away."""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from terminal.application import assemble
from tests.terminal import sample
from trial.servers import free_port


@dataclass
class Terminal:
    """Runs commands in a folder."""

    folder: Path

    def __call__(self, *arguments: str, said: str | None = None) -> Result:
        """Runs one command; `said` is its standard input."""
        return CliRunner().invoke(assemble(), list(arguments), input=said, catch_exceptions=False)

    def done(self, *arguments: str, said: str | None = None) -> str:
        """Runs a command that must succeed, and gives what it answers."""
        result = self(*arguments, said=said)
        assert result.exit_code == 0, result.output
        return result.stdout

    def told(self, *arguments: str, said: str | None = None, code: int = 0) -> Any:
        """Runs a command with --json and reads its answer."""
        result = self(*arguments, "--json", said=said)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def file(self, name: str, content: str) -> str:
        """Writes a file and gives its path."""
        path = self.folder / name
        path.write_text(content, "utf-8")
        return str(path)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Gives a command line with an empty folder, no record and no Temporal server."""
    for name in os.environ:
        if name.startswith(("RELANCE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("RELANCE_SMTP__PORT", str(free_port()))
    monkeypatch.setenv("USER", "anna")
    monkeypatch.setenv("LOGNAME", "anna")
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield Terminal(tmp_path)
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names a folder in which the sample's record is kept, so that it is made once."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def loaded(terminal: Terminal, kept: Path) -> Terminal:
    """Gives a command line whose record holds the sample: one creditor, two customers, three invoices."""
    if not (kept / "var").exists():
        terminal.done("import", terminal.file("sample.json", json.dumps(sample.EVENTS)))
        shutil.copytree(terminal.folder / "var", kept / "var")
    shutil.copytree(kept / "var", terminal.folder / "var", dirs_exist_ok=True)
    return terminal
