"""Copies of the record, and what is to be done when one was put back.

In: `backup`, `reconcile`.
Not in: how a copy is put back, which is done while nothing runs (docs/backup.md).
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.engine import URL, make_url

from config.settings import load
from correspondence.postbook import PostBook
from domain.faults import ConfigurationFault, InputRefused, NotAllowed, RecordBroken, Unavailable
from intake.reconciling import Reconciled, Reconciler
from intake.temporal import connect
from ledger.database import Database
from terminal.options import Author, Machine
from terminal.record import PATIENCE_SECONDS, opened
from terminal.screen import clean, give, say, table
from terminal.shell import run

TEMPORAL = "temporal.sqlite3"
"""The file of the Temporal dev server that `make up` runs, within the folder `var`."""

BUSY_SECONDS = 10.0
SHOWN = 50
"""How many lines of each kind a person is shown; --json gives them all."""

BECOMES = {
    "sent": "restored as sent",
    "answered": "on record as sent: the mail server's answer was kept",
    "ambiguous": "restored; a person is asked whether it left",
    "waiting": "kept until its invoice is imported again",
    "elsewhere": "nothing: its invoice is on another customer's account",
}

Copy = Annotated[
    Path, typer.Argument(metavar="FILE", help="Where the copy of the record goes.", show_default=False)
]
TemporalCopy = Annotated[
    Path | None,
    typer.Option(
        "--temporal",
        metavar="FILE",
        help="Copy what the Temporal server of `make up` keeps, too.",
        show_default=False,
    ),
]
Rehearsal = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def backup(file: Copy, *, temporal: TemporalCopy = None, machine: Machine = False) -> None:
    """Copy the record while everything runs, and check the copy."""
    settings = load()
    targets = [file] if temporal is None else [file, temporal]
    _refuse_taken(targets)

    async def version() -> str | None:
        async with await Database.open(settings.database_url) as database:
            await database.check()
            return await database.version()

    place = make_url(settings.database_url)
    if place.get_backend_name() != "sqlite":
        raise NotAllowed(_recipe(place, file))
    source = Path(str(place.database))
    if not source.exists():
        msg = "there is no record yet: begin with `starter.py import FILE`, or `starter.py migrate`"
        raise ConfigurationFault(msg)
    schema = run(version())
    # The record comes first: what leaves while the others are copied stands in a later post book, never
    # the other way round.
    _copy(source, file)
    found = _schema(file)
    if found != schema:
        file.unlink()
        msg = f"the copy has schema {found}, the record {schema}: it was migrated meanwhile; copy it again"
        raise Unavailable(msg)
    if temporal is not None:
        _copy(settings.folders.var / TEMPORAL, temporal)
    document = {
        "record": str(file),
        "bytes": file.stat().st_size,
        "schema": schema,
        "temporal": None if temporal is None else str(temporal),
        "next": str(settings.folders.evidence),
    }
    also = "" if temporal is None else f" and what Temporal keeps to {temporal}"
    words = (
        f"the record is copied to {file}{also}; the copy is whole (schema {schema}).",
        f"now copy {settings.folders.evidence} (cp -a, rsync -a): it must be newer than the record.",
    )
    give(document, say(*words), machine=machine)


def reconcile(*, author: Author, rehearsal: Rehearsal = False, machine: Machine = False) -> None:
    """Make the record, what left, and the runs agree after a copy was put back; nothing leaves twice."""

    async def work() -> tuple[Reconciled, bool]:
        client = await connect(patience=PATIENCE_SECONDS)
        async with opened() as record:
            reconciler = Reconciler(
                database=record.database,
                postbook=PostBook(record.settings.folders.evidence),
                author=author,
                now=record.now,
                wall=record.now,
                rehearsal=rehearsal,
                shelf=record.shelf,
            )
            found = await reconciler.reconcile(client, record.settings.task_queue)
            return found, rehearsal or await record.deliver()

    found, delivered = run(work())
    document = found.model_dump(mode="json") | {"behind": found.behind, "delivered": delivered}
    give(document, lambda screen: _show(screen, found), machine=machine)


def _show(screen: Console, found: Reconciled) -> None:
    def tell(sentence: str, style: str = "") -> None:
        screen.print(clean(sentence), style=style, soft_wrap=True)

    if found.rehearsal:
        tell("a rehearsal: nothing is written, and no run is told anything.", "yellow")
    tell(f"{found.entries} entries of the post book read.")
    if found.forgotten:
        rows = [
            (
                one.creditor,
                ", ".join(one.numbers),
                one.step,
                f"{one.at:%Y-%m-%d %H:%M}Z",
                BECOMES[one.becomes],
            )
            for one in found.forgotten[:SHOWN]
        ]
        columns = ("creditor", "invoices", "step", "left", "what becomes of it")
        screen.print(table(f"{len(found.forgotten)} message(s) that the record had forgotten", columns, rows))
    for one in found.unreadable[:SHOWN]:
        tell(
            f"message {one.message}: {one.file} cannot be read ({one.problem}); put it back from a copy",
            "red",
        )
    runs = found.runs
    tell(f"runs: {runs.started} to start, {runs.woken} woken to ask what comes next, {runs.ended} to end.")
    for names, what in (
        (runs.finished, "open cases had come to an end; the record has forgotten why"),
        (
            runs.astray,
            f"runs of task queue {runs.task_queue} are terminated: the record does not know their invoices",
        ),
    ):
        if names:
            more = " ..." if len(names) > SHOWN else ""
            tell(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}", "yellow")
    if found.behind:
        ends = f" on {found.record_ends:%Y-%m-%d %H:%M}Z" if found.record_ends else ""
        tell(
            f"the record ends{ends}: import again what came in since, payments above all, before a worker "
            "starts; until then it would remind of what is paid.",
            "bold yellow",
        )
    elif not found.unreadable:
        tell("the record knows of everything that left.", "green")


def _refuse_taken(files: list[Path]) -> None:
    for file in files:
        if file.exists():
            raise InputRefused(
                "FILE", str(file), "exists already; a copy replaces nothing, name another file"
            )
        if not file.parent.is_dir():
            raise InputRefused("FILE", str(file), f"the folder {file.parent} does not exist; make it first")


def _recipe(place: URL, file: Path) -> str:
    """Says how PostgreSQL copies itself; the password stays where pg_dump looks for it."""
    plain = URL.create(
        "postgresql", place.username, None, place.host, place.port, place.database, place.query
    ).render_as_string()
    return (
        "the record lies in PostgreSQL, which copies itself while everything runs: "
        f'pg_dump --format=custom --no-owner --file="{file}" "{plain}" '
        "(the password goes in ~/.pgpass or PGPASSWORD); docs/backup.md has the whole recipe"
    )


def _copy(source: Path, target: Path) -> None:
    """Copies a SQLite file as of one instant, while others write to it; the copy appears whole or not at all.

    Raises Unavailable where it cannot be copied, RecordBroken where the copy is damaged.
    """
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        # It holds what the record holds: nobody else may read it.
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as original,
            closing(sqlite3.connect(draft)) as copy,
        ):
            original.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            problem = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        _sync(draft)
        if problem == "ok":
            _refuse_taken([target])  # somebody may have been faster
            draft.replace(target)
            _sync(target.parent)
    except (OSError, sqlite3.Error) as fault:
        msg = f"{source} cannot be copied to {target}: {fault}; see that both folders can be written to"
        raise Unavailable(msg) from fault
    finally:
        draft.unlink(missing_ok=True)
    if problem != "ok":
        msg = f"{source} is damaged ({problem}): keep the earlier copies, and restore the latest whole one"
        raise RecordBroken(msg)


def _schema(file: Path) -> str | None:
    with closing(sqlite3.connect(file)) as copy:
        row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
