"""Resuming: cases that wait for a stop of sending which has been lifted are planned anew.

In: finding them, a transaction for each account.
Not in: lifting a stop (ledger/switches.py); the command that does plans them itself, unless it is cut short.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from domain.actions import Rule
from domain.faults import Unavailable
from ledger import queries
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf

EVERY = 60.0
"""Seconds between two looks."""

log = structlog.get_logger(__name__)


async def replan_the_stopped(database: Database, shelf: Shelf, now: datetime) -> int:
    """Plans every account anew that waits for a stop, and returns how many cases go on."""
    async with database.reading() as conn:
        waiting = await queries.open_accounts(conn, rule=Rule.SENDING_STOPPED)
    freed = 0
    for creditor, debtor in waiting:
        async with database.writing() as conn:
            book = await Book.open(conn, creditor, debtor, now, shelf)
            freed += len(await book.settle())
    return freed


async def keep_resuming(database: Database, stop: asyncio.Event, every: float = EVERY) -> None:
    """Looks for such cases until told to stop."""
    shelf = Shelf()
    while not stop.is_set():
        try:
            freed = await replan_the_stopped(database, shelf, datetime.now(UTC))
        except Unavailable:
            freed = 0  # the relay says that the database is away; the next look is soon enough
        if freed:
            log.info("cases_resumed", cases=freed)
        try:
            await asyncio.wait_for(stop.wait(), every)
        except TimeoutError:
            continue
