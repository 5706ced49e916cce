"""Noticing: what became of an agreement is written down on the day after, and people are told.

In: finding the accounts whose agreements time has overtaken, a transaction for each.
Not in: what follows from it (ledger/agreements.py); a run whose step is due then notices by itself.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from domain.faults import Unavailable
from ledger import agreement_queries
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf

EVERY = 1800.0
"""Seconds between two looks: agreements change by the day."""

log = structlog.get_logger(__name__)


async def notice(database: Database, shelf: Shelf, now: datetime) -> int:
    """Settles every account whose agreements time has overtaken, and returns how many those are."""
    async with database.reading() as conn:
        found = await agreement_queries.overtaken(conn, now)
    for creditor, debtor in found:
        async with database.writing() as conn:
            book = await Book.open(conn, creditor, debtor, now, shelf)
            await book.settle()
    return len(found)


async def keep_noticing(database: Database, stop: asyncio.Event, every: float = EVERY) -> None:
    """Looks for such accounts until told to stop."""
    shelf = Shelf()
    while not stop.is_set():
        try:
            noticed = await notice(database, shelf, datetime.now(UTC))
        except Unavailable:
            noticed = 0  # the relay says that the database is away; the next look is soon enough
        if noticed:
            log.info("agreements_noticed", accounts=noticed)
        try:
            await asyncio.wait_for(stop.wait(), every)
        except TimeoutError:
            continue
