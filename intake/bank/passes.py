"""Entries of the bank matched, pass by pass, until nothing more can be decided.

In: every entry of a creditor that nobody has decided about: new ones, and those that are asked about.
Not in: one decision (deciding.py), and how it is written (booking.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby

from domain.matching import takes_back
from domain.receivable import Creditor
from intake.bank.booking import Teller
from intake.bank.books import Books, books_of
from intake.bank.deciding import Decided, decide, returnable
from intake.visit import Visit
from ledger import bank_queries
from ledger.bank import Kept, State
from ledger.database import Database
from ledger.policies import Shelf

Progress = Callable[[int, int], None]
"""Hears how many entries have been decided about, and of how many."""

ASKED_AGAIN = timedelta(days=60)
"""How long an entry that nobody has looked at is matched again with what has come since."""

BATCH = 5000
AT_ONCE = 4
"""How many accounts are written at a time."""

PASSES = 4
"""How often entries are matched anew, with what was learnt from others or was written meanwhile."""


@dataclass
class _Pass:
    """Goes once through the entries of one creditor that nobody has decided about.

    What is certain is written at once. Questions are kept to the end: what is booked meanwhile may answer
    them, for `learnt` tells that money came from an account that nobody had paid from before.
    """

    teller: Teller
    creditor: Creditor
    books: Books
    states: dict[str, State]
    questions: list[Decided] = field(default_factory=list)
    postponed: int = 0
    learnt: bool = False
    reopened: bool = False

    async def batch(self, kept: list[Kept]) -> None:
        """Decides about a batch, a day with returns after the days before it: they may take those back."""
        segment: list[Kept] = []
        for _, of_day in groupby(kept, lambda one: one.entry.booked_on):
            day = list(of_day)
            back = [one for one in day if takes_back(one.entry)]
            segment += [one for one in day if one not in back]
            if back:
                await self._decide(segment)
                await self._decide(back)
                segment = []
        await self._decide(segment)

    async def _decide(self, kept: list[Kept]) -> None:
        """Decides about entries; what concerns one account is written in one transaction."""
        if not kept:
            return
        async with self.teller.database.reading() as conn:
            payments = await returnable(conn, self.creditor.id, [one.entry for one in kept])
            if self.reopened:
                self.books = await books_of(conn, self.creditor, kept[0].entry.booked_on, self.teller.now)
                self.reopened = False
        accounts: dict[str, list[Decided]] = {}
        others: list[Decided] = []
        for one in kept:
            decided = decide(one, self.books, self.creditor.tolerance, payments)
            if decided.state is State.ASKED:
                self.questions.append(decided)
            elif decided.debtor is None:
                others.append(decided)
            else:
                accounts.setdefault(decided.debtor, []).append(decided)
        await together([partial(self._book, *one) for one in accounts.items()])
        await self._note(others)

    async def _book(self, debtor: str, decisions: list[Decided]) -> None:
        before = self.books.revisions[debtor]
        since = await self.teller.book(self.creditor.id, debtor, decisions, before)
        if since is None:
            self.postponed += len(decisions)
            return
        self.books.revisions[debtor] = since
        for decided in decisions:
            self.states[decided.kept.id] = decided.state
            self.reopened |= decided.state is State.RETURNED
            account = decided.kept.entry.payer_account
            if decided.state is State.BOOKED and account is not None:
                self.learnt |= debtor not in self.books.directory.with_account(account)

    async def _note(self, decisions: list[Decided]) -> None:
        if decisions:
            await self.teller.note(self.creditor.id, decisions)
        self.states.update({decided.kept.id: decided.state for decided in decisions})

    @property
    def may_go_on(self) -> bool:
        """Tells whether another pass could decide about more."""
        return self.postponed > 0 or (self.learnt and bool(self.questions))

    async def ask(self) -> None:
        """Gives people the questions that remain."""
        for decided in self.questions:
            if decided.debtor is not None or decided.likely:
                await self.teller.ask(self.creditor.id, decided)
                self.states[decided.kept.id] = decided.state
        await self._note([one for one in self.questions if one.debtor is None and not one.likely])


async def together(works: list[Callable[[], Awaitable[None]]]) -> None:
    """Does several things, a few at a time: one uses the processor while another waits for the database.

    After a fault nothing more is begun; what has begun comes to its end, then the fault is raised.
    """
    left = list(reversed(works))

    async def work() -> None:
        while left:
            try:
                await left.pop()()
            except BaseException:
                left.clear()
                raise

    results = await asyncio.gather(*(work() for _ in range(AT_ONCE)), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def match_waiting(
    database: Database, creditor: Creditor, *, now: datetime, progress: Progress | None = None
) -> dict[str, State]:
    """Matches every entry of a creditor that nobody has decided about; gives what became of each."""
    teller = Teller(database, Shelf(), now)
    states: dict[str, State] = {}
    for turn in range(PASSES):
        through = await _go_through(teller, creditor, states, progress)
        if through is None:
            break
        if turn == PASSES - 1 or not through.may_go_on:
            await through.ask()
            break
    return states


async def _go_through(
    teller: Teller, creditor: Creditor, states: dict[str, State], progress: Progress | None
) -> _Pass | None:
    since = teller.now.date() - ASKED_AGAIN
    through: _Pass | None = None
    after: tuple[date, str] | None = None
    while True:
        async with teller.database.reading() as conn:
            kept = await bank_queries.unmatched(conn, creditor.id, since, after=after, limit=BATCH)
            if not kept:
                return through
            if through is None:
                books = await books_of(conn, creditor, kept[0].entry.booked_on, teller.now)
                through = _Pass(teller, creditor, books, states)
        after = (kept[-1].entry.booked_on, kept[-1].id)
        await through.batch(kept)
        if progress is not None:
            progress(len(states), len(states) + len(through.questions) + through.postponed)


async def match_all_waiting(database: Database, *, now: datetime) -> None:
    """Matches what waits for any creditor, after invoices have come that it may be the money for."""
    async with database.reading() as conn:
        waiting = await bank_queries.creditors_unmatched(conn, now.date() - ASKED_AGAIN)
        creditors = [await Visit(conn, now, {}, Shelf()).creditor(one) for one in waiting]
    for creditor in creditors:
        await match_waiting(database, creditor, now=now)
