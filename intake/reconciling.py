"""Reconciling: after a backup was put back, the record, the post book and the runs agree again.

In: the whole of it; messages that left and that the record has forgotten.
Not in: how such a message is written down (ledger/restoring.py), runs (aligning.py), copies (terminal/).

The record wins over Temporal, and the post book over the record where it shows that something left. It
may be run at any time, also while a worker runs, and again after it was cut short: a message is restored
once, and a run that is woken without need asks what comes next and sleeps on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal, TypeVar

import sqlalchemy as sa
import structlog
from temporalio.client import Client

from correspondence.postbook import PostBook, PostEntry, Unreadable
from domain.fact import Fact, Instant
from domain.faults import ConfigurationFault
from intake.aligning import Aligner, Runs
from intake.visit import Visit
from ledger import restoring
from ledger.book import Book
from ledger.database import Database
from ledger.messages import State
from ledger.policies import Shelf
from ledger.restoring import Departure
from ledger.schema import journal

BATCH = 200
NUMBERS = 5000
"""How many invoices one query asks for."""

NEWEST = 500
"""How many of the post book's entries a worker compares with the record before it begins."""

OPEN = (State.RESERVED, State.HANDING_OVER)

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Becomes = Literal["sent", "ambiguous", "waiting", "elsewhere"]


class Forgotten(Fact):
    """Names a message that the record had forgotten, and what becomes of it.

    `sent`: restored as sent. `ambiguous`: restored, and a person is asked. `waiting`: kept until its
    invoices arrive. `elsewhere`: they are on another debtor's account now, so nothing is done.
    """

    message: str
    creditor: str
    debtor: str
    step: str
    numbers: tuple[str, ...]
    at: Instant
    becomes: Becomes


class Reconciled(Fact):
    """States what was found, and done unless it was a rehearsal.

    `record_ends` is the instant of the record's last entry before, `entries` counts the post book's.
    """

    rehearsal: bool
    record_ends: Instant | None
    entries: int
    forgotten: tuple[Forgotten, ...]
    unreadable: tuple[Unreadable, ...]
    runs: Runs

    @property
    def behind(self) -> bool:
        """Tells whether anything shows that the record lacks facts that were known before."""
        forgotten = any(one.becomes != "elsewhere" for one in self.forgotten)
        return forgotten or bool(self.runs.finished or self.runs.astray)


@dataclass(frozen=True)
class Lost:
    """Holds a departure that the record has forgotten, with the invoices that it knows and those it lacks.

    `kept` says that it waits already for each that is lacking.
    """

    departure: Departure
    known: tuple[str, ...]
    missing: tuple[str, ...]
    kept: bool

    @property
    def becomes(self) -> Becomes:
        """Says what becomes of it."""
        if self.known:
            return "sent" if self.departure.left else "ambiguous"
        return "waiting" if self.missing else "elsewhere"

    @property
    def calls(self) -> bool:
        """Tells whether something is to be done: not where it waits, or is nobody's any more."""
        return bool(self.known) or (bool(self.missing) and not self.kept)

    @property
    def named(self) -> Forgotten:
        """Names it for a person."""
        creditor, debtor = self.departure.account
        return Forgotten(
            message=self.departure.message,
            creditor=creditor,
            debtor=debtor,
            step=self.departure.reminder.step,
            numbers=self.departure.numbers,
            at=self.departure.at,
            becomes=self.becomes,
        )


async def refuse_if_ahead(database: Database, postbook: PostBook, wall: datetime) -> None:
    """Raises ConfigurationFault where the post book tells of messages that the record has forgotten.

    It looks at the newest entries alone, so that a worker begins at once; `reconcile` reads them all.
    """
    entries = await asyncio.to_thread(lambda: list(postbook.newest(NEWEST)))
    ahead = [one for one in await _lost(database, _departures(entries), wall) if one.calls]
    if ahead:
        latest = max(one.departure.at for one in ahead)
        msg = (
            f"the record is older than the post book: it does not know {len(ahead)} message(s) that left or "
            f"may have left, the latest on {latest:%Y-%m-%d %H:%M}Z; it was restored from an earlier copy. "
            "Run `starter.py reconcile --dry-run`, then `starter.py reconcile`, before a worker starts"
        )
        raise ConfigurationFault(msg)


@dataclass
class Reconciler:
    """Makes the record and the runs agree; with `rehearsal` it only says what it would do.

    `now` is the instant written in the record, `wall` the real clock by which claims are alive.
    """

    database: Database
    postbook: PostBook
    author: str
    now: datetime
    wall: datetime
    rehearsal: bool = False
    shelf: Shelf = field(default_factory=Shelf)

    async def reconcile(self, client: Client, task_queue: str) -> Reconciled:
        """Restores what was forgotten, then sees to the runs; deliver the outbox afterwards.

        Raises Unavailable where the database or Temporal does not answer; what was done is kept.
        """
        ends = await self._record_ends()
        entries, forgotten, unreadable = await self.restore()
        # What left is in the record before any run hears of it: none can ask for it a second time.
        aligner = Aligner(self.database, client, task_queue, self.now, rehearsal=self.rehearsal)
        return Reconciled(
            rehearsal=self.rehearsal,
            record_ends=ends,
            entries=entries,
            forgotten=tuple(forgotten),
            unreadable=tuple(unreadable),
            runs=await aligner.align(),
        )

    async def restore(self) -> tuple[int, list[Forgotten], list[Unreadable]]:
        """Restores every forgotten message, the oldest first.

        Gives how many entries were read, what was forgotten, and what cannot be read.
        """
        read = 0
        forgotten: list[Forgotten] = []
        unreadable: list[Unreadable] = []
        async for batch in _batches(self.postbook.entries(), BATCH):
            read += len(batch)
            lost = await _lost(self.database, _departures(batch), self.wall)
            forgotten += [one.named for one in lost if one.calls or one.becomes == "elsewhere"]
            unreadable += await self._unsettled([one for one in batch if isinstance(one, Unreadable)])
        forgotten.sort(key=lambda one: (one.at, one.message))
        if not self.rehearsal:
            for one in forgotten:
                if one.becomes != "elsewhere":
                    await self._restore(one.message)
        return read, forgotten, unreadable

    async def _restore(self, message: str) -> None:
        """Restores one message in a transaction of its own; keeps it for invoices that are not there."""
        entry = self.postbook.find(message)
        if entry is None or not entry.may_have_left:
            return  # the gate has written another fate meanwhile
        departure = _departure(entry)
        creditor, debtor = departure.account
        async with self.database.writing() as conn:
            # An invoice may arrive at this very moment: it takes its turn too.
            await Visit(conn, self.now, {}, self.shelf).take_turn(creditor, departure.numbers)
            owners = await restoring.owners(conn, creditor, departure.numbers)
            for number in departure.numbers:
                if number not in owners:
                    await restoring.keep(conn, departure, number, self.author, self.now)
            if debtor in owners.values():
                book = await Book.open(conn, creditor, debtor, self.now, self.shelf)
                state = await restoring.restore(book, departure, self.author, self.wall)
                await book.settle()
                log.info("message_restored", message=message, state=state)

    async def _unsettled(self, broken: list[Unreadable]) -> list[Unreadable]:
        """Leaves out the entries whose message the record has settled without them."""
        if not broken:
            return []
        async with self.database.reading() as conn:
            known = await restoring.records(conn, (one.message for one in broken))
        return [one for one in broken if one.message not in known or known[one.message].state in OPEN]

    async def _record_ends(self) -> datetime | None:
        async with self.database.reading() as conn:
            ends: datetime | None = (await conn.execute(sa.select(sa.func.max(journal.c.at)))).scalar_one()
        return ends


def _departures(entries: Iterable[PostEntry | Unreadable]) -> list[Departure]:
    """Picks what left or may have left: what was refused or deferred asks for nothing."""
    return [_departure(one) for one in entries if isinstance(one, PostEntry) and one.may_have_left]


def _departure(entry: PostEntry) -> Departure:
    return Departure(
        message=entry.message,
        attempt=entry.attempt,
        claim=entry.claim,
        reminder=entry.reminder,
        left=entry.left,
        at=entry.answered_at or entry.prepared_at,
        sha256=entry.sha256,
        digest=entry.digest,
        path=entry.evidence,
        header=entry.header,
    )


async def _lost(database: Database, departures: list[Departure], wall: datetime) -> list[Lost]:
    """Finds the departures that the record has forgotten."""
    async with database.reading() as conn:
        known = await restoring.records(conn, (one.message for one in departures))
        lost = [one for one in departures if restoring.is_forgotten(known.get(one.message), one, wall)]
        owners: dict[tuple[str, str], str] = {}
        kept: set[tuple[str, str, str]] = set()
        for creditor in {one.account[0] for one in lost}:
            wanted = {number for one in lost if one.account[0] == creditor for number in one.numbers}
            for numbers in _chunks(sorted(wanted), NUMBERS):
                found = await restoring.owners(conn, creditor, numbers)
                owners |= {(creditor, number): debtor for number, debtor in found.items()}
                kept |= {(creditor, *one) for one in await restoring.kept(conn, creditor, numbers)}
    return [_judged(one, owners, kept) for one in lost]


def _judged(
    departure: Departure, owners: dict[tuple[str, str], str], kept: set[tuple[str, str, str]]
) -> Lost:
    creditor, debtor = departure.account
    missing = tuple(number for number in departure.numbers if (creditor, number) not in owners)
    return Lost(
        departure=departure,
        known=tuple(number for number in departure.numbers if owners.get((creditor, number)) == debtor),
        missing=missing,
        kept=all((creditor, departure.message, number) in kept for number in missing),
    )


async def _batches(items: Iterator[Item], size: int) -> AsyncIterator[list[Item]]:
    """Reads files in a thread, so many at a time."""
    while batch := await asyncio.to_thread(lambda: list(islice(items, size))):
        yield batch


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
