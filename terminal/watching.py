"""A folder watched from the command line.

In: `watch`.
Not in: which files are complete and where they go (intake/watching.py), and what becomes of them.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from domain.faults import InputRefused, Unavailable
from intake.reports import LoadReport
from intake.watching import Moved, Watch
from terminal.bank_words import refusals, said
from terminal.loading import Account, Currency, Told, described, look_again, take
from terminal.options import Lang, Machine, Speech
from terminal.record import Record, opened
from terminal.screen import give, say, warn
from terminal.shell import run, some_refused

SETTLE_SECONDS = 1.0
"""How long a file must not have changed before it is taken with --once."""


def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder that files are put into.", show_default=False)
    ],
    creditor: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who is owed, for CSV rows that do not say.", show_default=False),
    ] = None,
    account: Account = None,
    currency: Currency = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 5.0,
    *,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Take in what is put into a folder: taken files go to taken/, refused ones to refused/ with the reason.

    A file is taken once it has not changed between two looks; names that end in .part or .tmp wait.
    """
    if not folder.is_dir():
        raise InputRefused("FOLDER", str(folder), "there is no such folder; make it, or correct the name")

    async def work() -> list[Moved]:
        async with opened(create=True) as record:
            record.check_words()
            watching = Watching(record, folder, Told(creditor, account, currency))
            if once:
                await watching.look()
                await asyncio.sleep(SETTLE_SECONDS)
                return await watching.look()
            if not machine:
                give({}, say(said("watching", lang, folder=folder)), machine=False)
            while True:
                for one in await watching.look_patiently():
                    _tell(one, lang, machine=machine)
                await asyncio.sleep(every)

    with suppress(KeyboardInterrupt):
        moved = run(work())
        for one in moved:
            _tell(one, lang, machine=machine)
        if not moved and not machine:
            give({}, say(said("nothing", lang, folder=folder)), machine=False)
        some_refused(any(one.report.refused for one in moved))


class Watching:
    """Looks at a folder again and again; each look has an instant of its own."""

    def __init__(self, record: Record, folder: Path, told: Told) -> None:
        """Takes the record, the folder, and what its files may leave out."""
        self._record = record
        self._told = told
        self._watch = Watch(folder, self._take)
        self._away = False

    async def look(self) -> list[Moved]:
        """Takes what is complete, and tells the runs; raises Unavailable where the database is busy."""
        self._record.now = datetime.now(UTC)
        moved = await self._watch.look(self._record.now)
        if moved:
            await look_again(self._record, [one.report for one in moved])
            await self._record.deliver()
        return moved

    async def look_patiently(self) -> list[Moved]:
        """Looks, and where the database is busy or away says so once and waits for the next look."""
        try:
            moved = await self.look()
        except Unavailable as fault:
            if not self._away:
                warn(str(fault))
            self._away = True
            return []
        self._away = False
        return moved

    async def _take(self, path: Path) -> LoadReport:
        return await take(self._record, path, self._told)


def _tell(moved: Moved, language: str, *, machine: bool) -> None:
    """Says what became of a file, as one document for a machine."""
    if moved.to is None:
        where = said("stays", language, file=moved.file)
    else:
        where = said("taken_to" if moved.taken else "refused_to", language, file=moved.file, to=moved.to)
    lines = [where, *described(moved.file, moved.report, language), *refusals(moved.report.refused, language)]
    give(moved.model_dump(mode="json"), say(*lines), machine=machine)
