"""PDFs of invoices, copied to where reminders find them.

In: a name that is safe and free, the copy, taking it back.
Not in: how reminders attach them (activities/dispatch.py).
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from domain.faults import Unavailable

UNSAFE = re.compile(r"[^A-Za-z0-9._ -]+")
SHORTEST = 5
"""The shortest name that the documents folder takes, its end included."""


@dataclass(frozen=True)
class Attached:
    """Names a document; `made` tells whether it was not there before."""

    folder: Path
    name: str
    made: bool

    def take_back(self) -> None:
        """Removes the copy again, if it was made now."""
        if self.made:
            (self.folder / self.name).unlink(missing_ok=True)


def attach(folder: Path, number: str, content: bytes) -> Attached:
    """Copies a PDF into the documents folder under the number of its invoice.

    A document of that name with another content is left alone: the copy gets a name of its own. Raises
    Unavailable where the folder cannot be written to.
    """
    stem = UNSAFE.sub("-", number).strip(". ") or "invoice"
    turn = 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{os.getpid()}-{stem}.part"
        draft.write_bytes(content)
        try:
            while True:
                name = f"{stem}.pdf" if turn == 1 else f"{stem}-{turn}.pdf"
                made = _made(draft, folder / name)
                if made or (folder / name).read_bytes() == content:
                    return Attached(folder, name, made)
                turn += 1
        finally:
            draft.unlink(missing_ok=True)
    except OSError as fault:
        msg = f"the document cannot be copied to {folder}: {fault.strerror}; make room and rights, try again"
        raise Unavailable(msg) from fault


def _made(draft: Path, place: Path) -> bool:
    """Gives a complete file its name, unless the name is taken: nobody ever sees a part of it."""
    try:
        place.hardlink_to(draft)
    except FileExistsError:
        return False
    except OSError:
        # Some file systems have no second names for a file.
        if place.exists():
            return False
        draft.replace(place)
    return True
