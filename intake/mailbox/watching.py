"""Watching a mailbox: every mail in it is taken, and then put away.

In: one pass over a mailbox, and the passes that follow one another while a worker runs.
Not in: the conversation with a server (imap.py), and what follows from a mail (taking.py).

A mail is put away after what follows from it is committed. A crash between the two leaves it where it
was; it is then fetched again, and known. What one mail suffers from stops no other.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import structlog

from domain.fact import Fact
from domain.faults import RelanceError, Unavailable
from intake.mailbox.taking import take
from intake.readers.mail import read
from ledger.database import Database
from ledger.policies import Shelf

LONGEST_REST = 900.0
"""The most seconds between two attempts at a mailbox that does not answer."""

log = structlog.get_logger(__name__)


class Mailbox:
    """Gives out the mails that arrived; a pass lists them, fetches and archives each, and closes the box.

    Mails are named by marks that are valid until the box is closed. Every method raises Unavailable where
    the mailbox does not answer.
    """

    async def arrived(self) -> list[str]:
        """Lists the marks of the mails that have not been put away, the oldest first."""
        raise NotImplementedError

    async def fetch(self, mark: str) -> bytes | None:
        """Gives a mail as it came, the header fields alone if it is too large; None where it is gone."""
        raise NotImplementedError

    async def archive(self, mark: str) -> None:
        """Puts a mail away, so that it is not listed again."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends the pass; the next call begins another one."""
        raise NotImplementedError


class Looked(Fact):
    """Counts what became of the mails of a pass; `unknown` ones are among those taken."""

    taken: int = 0
    unknown: int = 0
    known: int = 0
    failed: int = 0


async def look(
    box: Mailbox, database: Database, shelf: Shelf, now: datetime, stop: asyncio.Event | None = None
) -> Looked:
    """Takes every mail that arrived and puts it away; told to stop, it ends after the mail at hand.

    Raises Unavailable where the mailbox or the database does not answer; what was taken until then is.
    """
    counts: Counter[str] = Counter()
    try:
        for mark in await box.arrived():
            if stop is not None and stop.is_set():
                break
            # A fault that nobody foresaw is one mail's own: it must not keep the others from being taken.
            (result,) = await asyncio.gather(
                _take(box, database, shelf, mark, now, counts), return_exceptions=True
            )
            if isinstance(result, Unavailable):
                raise result
            if isinstance(result, BaseException):
                counts["failed"] += 1
                log.error("mail_failed", fault=type(result).__name__)
    finally:
        await box.close()
    return Looked(**counts)


async def _take(
    box: Mailbox, database: Database, shelf: Shelf, mark: str, now: datetime, counts: Counter[str]
) -> None:
    data = await box.fetch(mark)
    if data is None:
        return
    mail = await asyncio.to_thread(read, data)
    state = await take(database, shelf, mail, now)
    counts["known" if state is None else "taken"] += 1
    counts["unknown"] += state == "unknown"
    log.info("mail_taken", incoming=mail.id, kind=mail.kind.value, state=state.value if state else "known")
    await box.archive(mark)


async def keep_looking(box: Mailbox, database: Database, stop: asyncio.Event, every: float) -> None:
    """Looks every so many seconds until told to stop; rests longer while the mailbox does not answer."""
    shelf, rest = Shelf(), every
    while not stop.is_set():
        try:
            await look(box, database, shelf, datetime.now(UTC), stop)
        except RelanceError as fault:
            if rest == every:
                log.warning("mailbox_waits", reason=str(fault))
            rest = min(rest * 2, max(LONGEST_REST, every))
        else:
            if rest != every:
                log.info("mailbox_resumed")
            rest = every
        try:
            await asyncio.wait_for(stop.wait(), rest)
        except TimeoutError:
            continue
