"""Forgotten messages: what left by the post book, and that the record knows nothing of, or too little.

In: picking what left from the pages of the book, holding it against the record, what is to become of it.
Not in: writing it down (ledger/restoring.py), and when that is done (reconciling.py).
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from correspondence.postbook import PostBook, PostEntry, Unreadable
from domain.fact import Fact, Instant
from ledger import departures, restoring
from ledger.database import Database
from ledger.departures import Departure
from ledger.messages import MessageRecord, State

NUMBERS = 5000
"""How many invoices one query asks for."""

NEWEST = 500
"""How many of the post book's entries a worker compares with the record before it begins."""

Becomes = Literal["sent", "answered", "ambiguous", "waiting", "elsewhere"]

UNREMARKABLE = {"answered", "elsewhere"}
"""What a message may become without showing that the record is older than the post book."""


class Forgotten(Fact):
    """Names a message that the record had forgotten, and what becomes of it.

    `sent`: restored as sent. `answered`: it was ambiguous, and its own page says that it left.
    `ambiguous`: restored, and a person is asked. `waiting`: kept until its invoices arrive. `elsewhere`:
    they are on another debtor's account now, so nothing is done.
    """

    message: str
    creditor: str
    debtor: str
    step: str
    numbers: tuple[str, ...]
    at: Instant
    becomes: Becomes


@dataclass(frozen=True)
class Lost:
    """Holds a departure that the record has forgotten, with the invoices that it knows and those it lacks.

    `kept` says that it waits already for each that is lacking. `record` is what is known of the message.
    """

    departure: Departure
    record: MessageRecord | None
    known: tuple[str, ...]
    missing: tuple[str, ...]
    kept: bool

    @property
    def becomes(self) -> Becomes:
        """Says what becomes of it."""
        if self.known and departures.is_unanswered(self.record, self.departure):
            return "answered"
        if self.known:
            return "sent" if self.departure.left else "ambiguous"
        return "waiting" if self.missing else "elsewhere"

    @property
    def calls(self) -> bool:
        """Tells whether something is to be done: not where it waits, or is nobody's any more."""
        return bool(self.known) or (bool(self.missing) and not self.kept)

    @property
    def asked(self) -> bool:
        """Tells whether a person is asked about this attempt already: then nothing can leave unseen."""
        return (
            self.record is not None
            and self.record.state is State.AMBIGUOUS
            and self.record.attempts == self.departure.attempt
        )

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


async def newest(postbook: PostBook) -> list[Departure]:
    """Reads what left by the entries written last."""
    return left_of(await asyncio.to_thread(lambda: list(postbook.newest(NEWEST))))


def left_of(entries: Iterable[PostEntry | Unreadable]) -> list[Departure]:
    """Picks what left or may have left: what was refused or deferred asks for nothing."""
    return [departure_of(one) for one in entries if isinstance(one, PostEntry) and one.may_have_left]


def departure_of(entry: PostEntry) -> Departure:
    """Reads an entry as a departure."""
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


async def find_lost(
    database: Database, left: list[Departure], wall: datetime
) -> tuple[list[Lost], list[Departure]]:
    """Finds the departures that the record has forgotten, apart from those that a person has settled."""
    async with database.reading() as conn:
        known = await departures.records(conn, (one.message for one in left))
        older = [one for one in left if departures.is_forgotten(known.get(one.message), one, wall)]
        settled = [one for one in older if await departures.was_judged(conn, known.get(one.message), one)]
        lost = [one for one in older if one not in settled]
        owners: dict[tuple[str, str], str] = {}
        kept: set[tuple[str, str, str]] = set()
        for creditor in {one.account[0] for one in lost}:
            wanted = {number for one in lost if one.account[0] == creditor for number in one.numbers}
            for numbers in _chunks(sorted(wanted), NUMBERS):
                found = await restoring.owners(conn, creditor, numbers)
                owners |= {(creditor, number): debtor for number, debtor in found.items()}
                kept |= {(creditor, *one) for one in await restoring.kept(conn, creditor, numbers)}
    return [_looked_up(one, known.get(one.message), owners, kept) for one in lost], settled


def _looked_up(
    departure: Departure,
    record: MessageRecord | None,
    owners: dict[tuple[str, str], str],
    kept: set[tuple[str, str, str]],
) -> Lost:
    creditor, debtor = departure.account
    missing = tuple(number for number in departure.numbers if (creditor, number) not in owners)
    return Lost(
        departure=departure,
        record=record,
        known=tuple(number for number in departure.numbers if owners.get((creditor, number)) == debtor),
        missing=missing,
        kept=all((creditor, departure.message, number) in kept for number in missing),
    )


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
