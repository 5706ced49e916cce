"""A folder that is watched: complete files are taken in and move aside, refused ones wait with their reason.

In: which files are complete, one look at the folder, and moving without ever losing or replacing a file.
Not in: what is in the files (loading.py), and how long is waited between two looks (the caller).

A file is taken in before it is moved. Killed in between, it is taken again at the next look, which changes
nothing, and moved then.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.fact import Fact
from intake.readers.files import name_of
from intake.reports import LoadReport

TAKEN = "taken"
REFUSED = "refused"
REASON = ".reason.txt"
LONGEST_NAME = 200
UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".download", ".swp", "~")
"""Ends of the names that programs give to files while they write them."""

HIDDEN = (".", "~$")
EMPTY_SECONDS = 60.0
"""How long a file without content is left alone: its writer may have only just begun."""

Take = Callable[[Path], Awaitable[LoadReport]]


class Moved(Fact):
    """Says where a file of the folder went, none where it could not be moved, and what became of it."""

    file: str
    taken: bool
    to: str | None
    report: LoadReport


class _Size(NamedTuple):
    size: int
    changed: int


class Watch:
    """Watches one folder; two of them on the same folder do no harm."""

    def __init__(self, folder: Path, take: Take) -> None:
        """Takes the folder, and what takes a file in."""
        self._folder = folder
        self._take = take
        self._seen: dict[Path, _Size] = {}
        self._stuck: dict[Path, _Size] = {}

    async def look(self, now: datetime) -> list[Moved]:
        """Takes every file in that has not changed since the look before; raises Unavailable.

        A file that cannot be moved is taken once, and again when it changes.
        """
        moved = []
        for path, size in self._complete(now):
            report = await self._take(path)
            taken = not is_refused(report)
            place = self._folder / TAKEN / now.date().isoformat() if taken else self._folder / REFUSED
            to = move(path, place, report, now)
            if to is None:
                self._stuck[path] = size
            name = str((to.parent / name_of(to)).relative_to(self._folder)) if to is not None else None
            moved.append(Moved(file=name_of(path), taken=taken, to=name, report=report))
        return moved

    def _complete(self, now: datetime) -> list[tuple[Path, _Size]]:
        """Lists the files that are as they were at the last look, by name."""
        found = dict(self._files())
        before, self._seen = self._seen, found
        return [
            (path, size)
            for path, size in sorted(found.items())
            if before.get(path) == size
            and self._stuck.get(path) != size
            and (size.size or now.timestamp() - size.changed / 1e9 > EMPTY_SECONDS)
        ]

    def _files(self) -> Iterator[tuple[Path, _Size]]:
        with os.scandir(self._folder) as found:
            for one in found:
                name = one.name.lower()
                if name.startswith(HIDDEN) or name.endswith(UNFINISHED):
                    continue
                try:
                    if not one.is_file(follow_symlinks=False):
                        continue
                    status = one.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # somebody else has just moved it
                yield Path(one.path), _Size(status.st_size, status.st_mtime_ns)


def is_refused(report: LoadReport) -> bool:
    """Tells whether a file must wait: something of it was refused of which the record keeps no copy."""
    return any(row.whole for row in report.refused)


def move(path: Path, folder: Path, report: LoadReport, now: datetime) -> Path | None:
    """Moves a file into a folder under a name that is free, with the reason beside it where there is one.

    None where it is gone or may not be moved.
    """
    reserved: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reserved.append(_reserved(folder, path.name))
        if report.refused:
            short = os.fsencode(reserved[0].name)[:LONGEST_NAME].decode(errors="replace")
            reserved.append(_reserved(folder, short + REASON))
            reserved[1].write_text(reason(name_of(path), report, now), "utf-8", "replace")
        # The name is ours already: what is replaced is the empty file that reserved it.
        path.replace(reserved[0])
    except OSError:
        for one in reserved:
            one.unlink(missing_ok=True)
        return None
    return reserved[0]


def _reserved(folder: Path, name: str) -> Path:
    """Makes an empty file under the first free name: statement.xml, statement-2.xml, statement-3.xml..."""
    stem, dot, end = name.rpartition(".") if "." in name.lstrip(".") else (name, "", "")
    turn = 1
    while True:
        path = folder / (name if turn == 1 else f"{stem}-{turn}{dot}{end}")
        try:
            path.open("xb").close()
        except FileExistsError:
            turn += 1
        else:
            return path


def reason(name: str, report: LoadReport, now: datetime) -> str:
    """Says why a file, or a part of it, was refused, in French and in English."""
    said = "\n".join(
        f"- {f'ligne / line {row.line}: ' if row.line else ''}{row.field} = {row.value!r}: {row.remedy}"
        for row in report.refused
    )
    counts = f"{report.taken} / {report.known} / {len(report.refused)}"
    return (
        f"{name}\n{now:%Y-%m-%d %H:%M %Z}\n\n"
        "Refusé, en tout ou en partie. Corrigez, puis remettez le fichier dans le dossier surveillé :\n"
        "ce qui a déjà été pris ne le sera pas deux fois.\n"
        "Refused, wholly or in part. Mend it, then put the file back into the watched folder:\n"
        "what was taken already is not taken twice.\n\n"
        f"pris / déjà connus / refusés : {counts}\ntaken / known already / refused: {counts}\n\n{said}\n"
    )
