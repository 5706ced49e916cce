"""Holds on a customer, or on all customers of a creditor: placed and lifted, the cases planned anew.

In: what the command line and the console both do.
Not in: holds on one invoice (orders.py, steering.py), and what a hold does (domain/schedule.py).

A transaction for each account, so that nobody waits for all of them. Wake-ups lie in the outbox afterwards.
"""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import uuid4

from domain.agreements import LONGEST_HOLD, Hold, HoldScope
from domain.calendars import Agenda
from domain.faults import InputRefused
from ledger import accounts, parties
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf

LONGEST_REASON = 64

Account = tuple[str, str]
"""A creditor and a debtor."""


def check_hold(until: date, reason: str, today: date) -> None:
    """Raises InputRefused for a hold without a reason, for one that is over, and for one without an end."""
    if not 0 < len(reason) <= LONGEST_REASON:
        raise InputRefused("reason", reason, f"give a reason of 1 to {LONGEST_REASON} characters")
    if until > today + LONGEST_HOLD:
        remedy = (
            f"a hold lasts {LONGEST_HOLD.days} days at most; give an earlier day, or write the invoice off"
        )
        raise InputRefused("until", until.isoformat(), remedy)
    if until < today:
        raise InputRefused("until", until.isoformat(), f"it lies in the past; give {today} or later")


class Holding:
    """Places and lifts holds on the record, at one instant."""

    def __init__(self, database: Database, shelf: Shelf, now: datetime) -> None:
        """Takes the record and the instant at which everything is written."""
        self._database = database
        self._shelf = shelf
        self._now = now

    async def hold(self, account: Account, until: date, reason: str, author: str) -> Hold:
        """Suspends a customer until a day, inclusive; raises InputRefused and NotFound."""
        placed = await self._placed(account, HoldScope.DEBTOR, until, reason)
        async with self._database.writing() as conn:
            book = await Book.open(conn, *account, self._now, self._shelf)
            await book.place_hold(placed, author)
            await book.settle()
        return placed

    async def lift(self, account: Account, author: str, only: str | None = None) -> list[str]:
        """Lifts the customer's own holds, or one of them, and says which were lifted; raises NotFound."""
        async with self._database.writing() as conn:
            book = await Book.open(conn, *account, self._now, self._shelf)
            held = _standing(book.account.holds, HoldScope.DEBTOR)
            lifted = [one for one in held if only in {None, one} if await book.lift_hold(one, author)]
            await book.settle()
        return lifted

    async def hold_all(self, which: list[Account], until: date, reason: str, author: str) -> Hold:
        """Suspends every customer of a creditor, whose accounts with open cases are `which`."""
        placed = await self._placed(which[0], HoldScope.CREDITOR, until, reason)
        async with self._database.writing() as conn:
            await parties.hold_all(conn, which[0][0], placed, author, self._now)
        await self._settle(which)
        return placed

    async def lift_all(self, which: list[Account], author: str) -> list[str]:
        """Lifts the holds on a creditor as a whole, whose accounts with open cases are `which`."""
        creditor, debtor = which[0]
        today = await self.today(which[0])
        async with self._database.writing() as conn:
            holds = (await accounts.load(conn, creditor, debtor)).account.holds
            lifted = [
                one
                for one in _standing(holds, HoldScope.CREDITOR)
                if await parties.lift_all(conn, creditor, one, author, today, self._now)
            ]
        await self._settle(which)
        return lifted

    async def today(self, account: Account) -> date:
        """Tells the civil day of an account's creditor; raises NotFound."""
        async with self._database.reading() as conn:
            found = (await accounts.load(conn, *account)).account
        return Agenda.of(found.creditor, found.debtor).today(self._now)

    async def _placed(self, account: Account, scope: HoldScope, until: date, reason: str) -> Hold:
        today = await self.today(account)
        check_hold(until, reason, today)
        return Hold(id=str(uuid4()), scope=scope, starts_on=today, until=until, reason=reason)

    async def _settle(self, which: Iterable[Account]) -> None:
        for account in which:
            async with self._database.writing() as conn:
                await (await Book.open(conn, *account, self._now, self._shelf)).settle()


def _standing(holds: Iterable[Hold], scope: HoldScope) -> list[str]:
    return [one.id for one in holds if one.scope is scope and one.lifted_on is None]
