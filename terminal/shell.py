"""The shell around the commands: their list, and what becomes of a fault.

In: the application that starter.py runs, exit codes, one clear sentence for each fault.
Not in: any command (the other modules of this room).

Exit codes: 0 done, 2 wrong usage, 3 an input or some rows refused, 4 not found, 5 not allowed,
6 configuration, 7 a server is unavailable, 8 the record is broken.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from config import logs
from config.settings import LogFormat, load
from domain.faults import ConfigurationFault, InputRefused, RelanceError
from terminal.options import MACHINE
from terminal.screen import complain

QUIET = "warning"
"""How loud a command is by itself: taking in a thousand rows is not worth a thousand lines."""

Answer = TypeVar("Answer")


class Shell(TyperGroup):
    """Runs commands, and turns each fault of Relance into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was named."""
        _log_to_standard_error()
        try:
            return super().invoke(ctx)
        except RelanceError as fault:
            complain(fault, machine=bool(ctx.meta.get(MACHINE)))
            raise typer.Exit(fault.exit_code) from fault


def _log_to_standard_error() -> None:
    """Sends logs where they do not mix with answers; only warnings, unless the settings say otherwise."""
    try:
        settings = load()
    except ConfigurationFault:
        logs.configure(LogFormat.AUTO, QUIET)  # the command itself will say what is wrong
        return
    chosen = "log_level" in settings.model_fields_set
    logs.configure(settings.log_format, settings.log_level if chosen else QUIET)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs the asynchronous work of a command to its end."""
    return asyncio.run(work)


def leave(code: int) -> None:
    """Ends a command that has answered, with an exit code of its own."""
    if code:
        raise typer.Exit(code)


def some_refused(refused: object) -> None:
    """Ends a command that took the rest but refused some of its input."""
    leave(InputRefused.exit_code if refused else 0)
