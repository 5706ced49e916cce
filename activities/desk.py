"""The desk that every activity works at: the record, opened at the account of one case.

In: opening the book of a case, the instant at which an attempt happens, answers to the workflow.
Not in: what is done with the book (gate.py, clerk.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from temporalio import activity

from domain.actions import CaseRef, Plan
from ledger.accounts import Loaded, debtor_of
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf


@dataclass(frozen=True)
class Desk:
    """Opens the book of a case; one database and one shelf of policies serve all activities."""

    database: Database
    shelf: Shelf = field(default_factory=Shelf)

    @asynccontextmanager
    async def book(self, case: CaseRef, now: datetime, known: Loaded | None = None) -> AsyncIterator[Book]:
        """Opens the account of a case for writing; everything written commits together or not at all.

        `known` is the account as an earlier transaction left it: it is loaded anew only where somebody
        wrote on it since.
        """
        async with self.database.writing() as conn:
            debtor = known.account.debtor.id if known else await debtor_of(conn, case.creditor, case.number)
            yield await Book.open(conn, case.creditor, debtor, now, self.shelf, known=known)


async def plan_of(book: Book, number: str) -> Plan:
    """Settles the book and gives the plan of the case whose run is asking."""
    await book.settle(quiet=frozenset({number}))
    return book.plan(number)


def attempt_instant(as_of: datetime) -> datetime:
    """Tells when this attempt happens on the workflow's clock, which virtual time may have moved.

    A step that was ordered in the morning and could be tried again only in the evening is judged by
    the evening's facts and hours.
    """
    info = activity.info()
    return as_of + max(info.started_time - info.scheduled_time, timedelta())


def wall_clock() -> datetime:
    """Reads the real clock: leases bound the life of processes, which virtual time does not move."""
    return datetime.now(UTC)


def claim_token() -> tuple[str, str]:
    """Names this attempt, and the part of the name that all attempts of this activity share.

    The number alone would not do: an attempt counts from 1 again after an operator's `retry`.
    """
    info = activity.info()
    owner = f"{info.workflow_run_id}/{info.activity_id}/"
    return f"{owner}{info.attempt}-{token_hex(4)}", owner
