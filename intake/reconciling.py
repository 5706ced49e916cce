"""Reconciling: after a backup was put back, the record, the post book and the runs agree again.

In: the whole of it, and the part of it that a worker does before it begins.
Not in: which messages the record has forgotten (forgotten.py), how such a message is written down
    (ledger/restoring.py), runs (aligning.py), copies (terminal/).

The record wins over Temporal, and the post book over the record where it shows that something left. It
may be run at any time, also while a worker runs, and again after it was cut short: a message is restored
once, and a run that is woken without need asks what comes next and sleeps on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa
import structlog
from temporalio.client import Client

from correspondence.postbook import PostBook, Unreadable
from domain.fact import Fact, Instant
from domain.faults import ConfigurationFault
from intake.aligning import Aligner, Runs
from intake.forgotten import UNREMARKABLE, Forgotten, departure_of, find_lost, left_of, newest
from intake.visit import Visit
from ledger import departures, restoring
from ledger.book import Book
from ledger.database import Database
from ledger.departures import Departure
from ledger.messages import State
from ledger.policies import Shelf
from ledger.schema import journal

BATCH = 200

OPEN = (State.RESERVED, State.HANDING_OVER)

log = structlog.get_logger(__name__)

Item = TypeVar("Item")


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
        forgotten = any(one.becomes not in UNREMARKABLE for one in self.forgotten)
        return forgotten or bool(self.runs.finished or self.runs.astray)


async def refuse_if_ahead(database: Database, postbook: PostBook, wall: datetime) -> None:
    """Raises ConfigurationFault where the post book tells of messages that the record has forgotten.

    It looks at the newest entries alone, so that a worker begins at once; `reconcile` reads them all. A
    message about which a person is asked anyway keeps no worker from starting.
    """
    lost, _ = await find_lost(database, await newest(postbook), wall)
    ahead = [one for one in lost if one.calls and not one.asked]
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

    async def complete(self) -> int:
        """Tells the record what the newest pages know of its own attempts; gives how many messages left.

        A worker does so before it begins: the process before it may have died between the two.
        """
        lost, settled = await find_lost(self.database, await newest(self.postbook), self.wall)
        answered = [one.departure.message for one in lost if one.becomes == "answered"]
        for message in answered:
            await self._restore(message)
        await self._catch_up(settled)
        return len(answered)

    async def restore(self) -> tuple[int, list[Forgotten], list[Unreadable]]:
        """Restores every forgotten message, the oldest first.

        Gives how many entries were read, what was forgotten, and what cannot be read.
        """
        read = 0
        forgotten: list[Forgotten] = []
        unreadable: list[Unreadable] = []
        settled: list[Departure] = []
        async for batch in _batches(self.postbook.entries(), BATCH):
            read += len(batch)
            lost, judged = await find_lost(self.database, left_of(batch), self.wall)
            settled += judged
            forgotten += [one.named for one in lost if one.calls or one.becomes == "elsewhere"]
            unreadable += await self._unsettled([one for one in batch if isinstance(one, Unreadable)])
        forgotten.sort(key=lambda one: (one.at, one.message))
        if not self.rehearsal:
            for one in forgotten:
                if one.becomes != "elsewhere":
                    await self._restore(one.message)
            await self._catch_up(settled)
        return read, forgotten, unreadable

    async def _restore(self, message: str) -> None:
        """Restores one message in a transaction of its own; keeps it for invoices that are not there."""
        entry = self.postbook.find(message)
        if entry is None or not entry.may_have_left:
            return  # the gate has written another fate meanwhile
        departure = departure_of(entry)
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

    async def _catch_up(self, settled: list[Departure]) -> None:
        """Lets a message leave again that a person said had not left, without asking a second time."""
        for one in settled:
            async with self.database.writing() as conn:
                await departures.catch_up(conn, one.message, one.attempt)

    async def _unsettled(self, broken: list[Unreadable]) -> list[Unreadable]:
        """Leaves out the entries whose message the record has settled without them."""
        if not broken:
            return []
        async with self.database.reading() as conn:
            known = await departures.records(conn, (one.message for one in broken))
        return [one for one in broken if one.message not in known or known[one.message].state in OPEN]

    async def _record_ends(self) -> datetime | None:
        async with self.database.reading() as conn:
            ends: datetime | None = (await conn.execute(sa.select(sa.func.max(journal.c.at)))).scalar_one()
        return ends


async def _batches(items: Iterator[Item], size: int) -> AsyncIterator[list[Item]]:
    """Reads files in a thread, so many at a time."""
    while batch := await asyncio.to_thread(lambda: list(islice(items, size))):
        yield batch
