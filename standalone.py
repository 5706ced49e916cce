"""Everything on this machine: `standalone.py demo` and `standalone.py up`.

In: the two commands, put together from the rooms; ending the process.
Not in: the demonstration (trial/demo.py), the long-running machine (trial/household.py).
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config import logs
from config.settings import LogFormat, Settings, load
from domain.faults import RelanceError
from intake.telling.history import told
from terminal.screen import complain, console
from trial.demo import Watching, demonstration
from trial.household import CONSOLE_PORT, SMTP_PORT, TEMPORAL_PORT, WEB_UI_PORT, Ports, household
from trial.open_house import open_house
from trial.telling import tell_story, tell_verdict
from trial.world import real_now

FOLDER = Path("var/demo")
DIFFERENT = 1
"""The exit code where what happened is not what was predicted."""

INTERRUPTED = 130

application = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Relance on this machine alone: a Temporal dev server, and a mailbox that delivers nothing.",
)


@application.command()
def demo(
    *,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait", help="Keep the Web UI up until Ctrl-C; by default in a terminal only."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what the Temporal server knows in a file.")
    ] = False,
) -> None:
    """Live through the dunning of a sample company in virtual time, and compare it with its prediction."""
    logs.configure(LogFormat.AUTO, "warning")
    watched = sys.stdout.isatty() if wait is None else wait
    raise typer.Exit(_run(lambda: _demo(wait=watched, keep=keep), interrupted=INTERRUPTED))


@application.command()
def up(
    *,
    sample: Annotated[
        bool, typer.Option("--sample", help="Import the sample company; its time is the real one.")
    ] = False,
    temporal_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the Temporal server listens.")
    ] = TEMPORAL_PORT,
    web_ui_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where Temporal's Web UI listens.")
    ] = WEB_UI_PORT,
    mail_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the mailbox takes e-mails.")
    ] = SMTP_PORT,
    console_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the console listens.")
    ] = CONSOLE_PORT,
) -> None:
    """Run everything on this machine; what is recorded lies under var/ and outlives restarts."""
    settings = _settings()
    logs.configure(settings.log_format, "warning")
    ports = Ports(temporal_port, web_ui_port, mail_port, console_port)
    screen = console()

    def say(sentence: str) -> None:
        screen.print(sentence, soft_wrap=True)

    raise typer.Exit(_run(lambda: household(settings, say, sample=sample, ports=ports), interrupted=0))


async def _demo(*, wait: bool, keep: bool) -> int:
    """Tells the demonstration in the terminal; returns the exit code."""
    screen = console()
    runtime = logs.telemetry(Settings())
    with _watching(screen) as (watching, enough):
        async with demonstration(FOLDER, real_now(), keep=keep, watching=watching, runtime=runtime) as lived:
            enough()
            tell_story(screen, lived, lambda entry: told(entry, "en"))
            tell_verdict(screen, lived)
            if wait:
                screen.print("opening the console on a new season of the same company")
                async with open_house(lived) as (address, password):
                    signing = f"console: {address}, sign in as admin@localhost with {password}"
                    screen.print(signing, style="bold", soft_wrap=True)
                    screen.print(
                        f"Temporal Web UI: {lived.web_ui} until Ctrl-C", style="bold", soft_wrap=True
                    )
                    await _until_interrupted()
            else:
                closing = f"Temporal Web UI: it was at {lived.web_ui}; `--wait` keeps it up"
                screen.print(closing, soft_wrap=True)
    return DIFFERENT if lived.differences else 0


async def _until_interrupted() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()


@contextmanager
def _watching(screen: Console) -> Iterator[tuple[Watching, Callable[[], None]]]:
    """Shows how far the demonstration is: a bar in a terminal, a line for each phase elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
    bar = progress.add_task("", total=None)

    def phase(what: str) -> None:
        progress.update(bar, description=what)
        if not screen.is_terminal:
            screen.print(what)

    def lived(at: datetime, done: int, foretold: int) -> None:
        progress.update(bar, description=f"messages, until {at:%Y-%m-%d}", completed=done, total=foretold)

    with progress:
        yield Watching(phase, lived), progress.stop


def _settings() -> Settings:
    try:
        return load()
    except RelanceError as fault:
        complain(fault, machine=False)
        raise typer.Exit(fault.exit_code) from None


def _run(work: Callable[[], Coroutine[Any, Any, int | None]], *, interrupted: int) -> int:
    """Runs work to its end; the first SIGINT or SIGTERM makes it put everything away, more are ignored."""

    async def main() -> int:
        task = asyncio.ensure_future(work())
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, lambda: None)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            return await task or 0
        except asyncio.CancelledError:
            return interrupted

    try:
        return asyncio.run(main())
    except RelanceError as fault:
        complain(fault, machine=False)
        return fault.exit_code


def run() -> int:
    """Runs one command and returns its exit code."""
    try:
        application()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    exit_code = run()
    # The interpreter may die while Temporal's threads still hold its lock (sdk-python issue 300).
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
