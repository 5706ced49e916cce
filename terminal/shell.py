"""The shell around the commands: their list, and what becomes of a fault.

In: the application that starter.py runs, exit codes, one clear sentence for each fault.
Not in: any command (the other modules of this room).

Exit codes: 0 done, 2 wrong usage, 3 an input or some rows refused, 4 not found, 5 not allowed,
6 configuration, 7 a server is unavailable, 8 the record is broken, 70 a mistake in Relance itself.
"""

import asyncio
import errno
import logging
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from config import logs
from config.sections import HERE
from config.settings import LogFormat, load
from domain.faults import ConfigurationFault, InputRefused, RelanceError
from terminal.options import MACHINE
from terminal.screen import complain, report

QUIET = "warning"
"""How loud a command is by itself: taking in a thousand rows is not worth a thousand lines."""

OUR_MISTAKE = 70
"""The exit code of what nobody foresaw, as sysexits.h has it (EX_SOFTWARE)."""

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
        except Exception as fault:
            if _has_its_own_end(fault) or logging.getLogger().isEnabledFor(logging.DEBUG):
                raise
            report(_unforeseen(fault), type(fault).__name__, OUR_MISTAKE, machine=bool(ctx.meta.get(MACHINE)))
            raise typer.Exit(OUR_MISTAKE) from fault


def _has_its_own_end(fault: Exception) -> bool:
    """Tells whether Typer ends the command itself: wrong usage, an exit, a reader that went away."""
    closed_pipe = isinstance(fault, OSError) and fault.errno == errno.EPIPE
    return closed_pipe or isinstance(fault, TyperException | typer.Exit | typer.Abort)


def _unforeseen(fault: Exception) -> str:
    """Names a fault by its kind and place; its own text may hold personal data and is left out."""
    frames = traceback.extract_tb(fault.__traceback__)
    rooms = [frame for frame in frames if Path(frame.filename).is_relative_to(HERE.parent)]
    own = [frame for frame in rooms if "site-packages" not in frame.filename] or frames
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
    return (
        f"unexpected {type(fault).__name__} at {place}; please report it, "
        "with what RELANCE_LOG_LEVEL=debug shows when you do the same again"
    )


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
