"""The post book: what left this house, kept beside the evidence and outside the database.

In: one small file a message, written before it may leave and again once its fate is known.
Not in: what to conclude from it (activities/gate.py after a kill, intake/reconciling.py after a backup).

The record is copied at some instant; messages go on leaving after it. What a restored record has
forgotten stands here. An entry is believed only where it is present: that one is missing proves nothing,
because nothing here waits for the disk.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from heapq import nlargest
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from domain.fact import Fact, Instant
from domain.faults import ConfigurationFault
from domain.policy import Channel
from domain.reminder import Reminder

FOLDER = "postbook"
"""The name of the book's folder within that of the evidence."""

RECENT_SHARDS = 16
"""How many of the 256 shards, the last written to, are looked through for the newest entries."""


class PostEntry(Fact):
    """States that one attempt to send a message was about to be made, and what came of it.

    `attempt` and `claim` are those of the message's row. Without a fate nobody wrote one down: the
    attempt may have come to anything. `answer` is a code or a short word, never a server's text.
    """

    message: str
    attempt: int
    claim: str
    reminder: Reminder
    channel: Channel
    evidence: str
    sha256: str
    digest: str
    header: str
    prepared_at: Instant
    fate: Literal["accepted", "refused", "not_now", "unknown"] | None = None
    answer: str | None = None
    answered_at: Instant | None = None

    @property
    def left(self) -> bool:
        """Tells whether the message certainly left."""
        return self.fate == "accepted"

    @property
    def may_have_left(self) -> bool:
        """Tells whether the message left, or may have: only a refusal or a deferral rules that out."""
        return self.fate not in {"refused", "not_now"}


class Unreadable(Fact):
    """Names an entry that cannot be read: the message by its id, the file, and what is wrong with it."""

    message: str
    file: str
    problem: str


class PostBook:
    """Keeps the entries in a folder of their own within that of the evidence."""

    def __init__(self, evidence: Path) -> None:
        """Takes the folder of the evidence; nothing is written before the first entry."""
        self._folder = evidence / FOLDER

    def write(self, entry: PostEntry) -> None:
        """Writes an entry in place of an earlier one of the same message, whole or not at all.

        Raises OSError where the folder cannot be written to: then nothing may leave.
        """
        path = self._path(entry.message)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        content = entry.model_dump_json(exclude_none=True)
        try:
            draft.write_text(content, "utf-8")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(content, "utf-8")
        draft.replace(path)

    def find(self, message: str) -> PostEntry | None:
        """Finds the entry of a message by its id; raises ConfigurationFault for one that cannot be read."""
        match _read(self._path(message)):
            case Unreadable() as broken:
                msg = (
                    f"the post book's entry {broken.file} cannot be read: {broken.problem}; "
                    "put it back from a copy, or move it away once you know whether the message left"
                )
                raise ConfigurationFault(msg)
            case entry:
                return entry

    def entries(self, since: datetime | None = None) -> Iterator[PostEntry | Unreadable]:
        """Reads every entry in no particular order, or those whose file was written since an instant.

        One that cannot be read is reported in its place.
        """
        after = since.timestamp() if since is not None else 0.0
        for shard in self._shards():
            for file in _files(shard):
                if not after or file.stat().st_mtime >= after:
                    found = _read(Path(file.path))
                    if found is not None:
                        yield found

    def newest(self, limit: int) -> Iterator[PostEntry | Unreadable]:
        """Reads the entries written last, the newest first: some of them, but always the very newest."""
        recent = nlargest(RECENT_SHARDS, self._shards(), key=lambda shard: shard.stat().st_mtime)
        timed = ((file.stat().st_mtime, file.path) for shard in recent for file in _files(shard))
        for _, path in nlargest(limit, timed):
            found = _read(Path(path))
            if found is not None:
                yield found

    def _path(self, message: str) -> Path:
        """Places a message's file; only an id of ours can name one."""
        name = str(UUID(message))
        return self._folder / name[:2] / f"{name}.json"

    def _shards(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as found:
                return [one for one in found if one.is_dir()]
        except FileNotFoundError:
            return []


def _files(shard: os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """Lists a shard's entries; drafts begin with a dot."""
    with os.scandir(shard.path) as found:
        return [one for one in found if one.name.endswith(".json") and not one.name.startswith(".")]


def _read(path: Path) -> PostEntry | Unreadable | None:
    """Reads an entry; None where there is none."""
    try:
        entry = PostEntry.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as fault:
        return Unreadable(message=path.stem, file=path.name, problem=fault.strerror or type(fault).__name__)
    except ValidationError as fault:
        # What stands in it may name people: only the place is told.
        place = ".".join(str(part) for part in fault.errors(include_input=False)[0]["loc"]) or "it"
        return Unreadable(message=path.stem, file=path.name, problem=f"{place} is not as it was written")
    if entry.message != path.stem:
        return Unreadable(message=path.stem, file=path.name, problem="it speaks of another message")
    return entry
