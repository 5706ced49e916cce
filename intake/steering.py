"""Many cases steered at once: what it would do to each, and doing it.

In: hold, resume, skip, approve and another policy for invoices that somebody has picked.
Not in: one order to one run (orders.py), what an order does (ledger/obeying.py), who may give it.

Foreseeing is doing: each account is opened, steered and planned by the same code, in a transaction that is
undone at its end. Each account has a transaction of its own; what goes wrong with one is said beside its
invoices and stops no other. A second time changes nothing: a step is skipped or approved only while it is
the one that was looked at, and a hold keeps its id.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import CaseRef, NextAction, Rule
from domain.fact import Fact
from domain.faults import NotAllowed, NotFound, RelanceError, Unavailable
from domain.policy import DunningPolicy
from intake.moving import BROKEN, PATIENCE
from ledger import moving, policies
from ledger.book import Book
from ledger.database import Database
from ledger.obeying import carry_out
from ledger.policies import Shelf
from ledger.schema import invoices
from workflows.ports import OperatorCommand, OperatorOrder, Verb

MOST = 1000
"""The most invoices that are steered at once: it is done while a person waits."""

AT_ONCE = 500


class What(StrEnum):
    """Names what can be done with many cases."""

    HOLD = "hold"
    RESUME = "resume"
    SKIP = "skip"
    APPROVE = "approve"
    MOVE = "move"


class Pick(Fact):
    """Names an invoice to steer, and the step that was next when somebody looked."""

    creditor: str
    number: str
    step: str | None = None


class Errand(Fact):
    """States what is to be done: until which day is held, why, under which policy. `id` makes it one."""

    id: str
    what: What
    until: date | None = None
    reason: str = ""


class Steered(Fact):
    """States what becomes of one invoice: its next action before and after, or why nothing does.

    `problem` is a sentence with places for the `facts`, so that it can be said in another language.
    """

    creditor: str
    number: str
    debtor: str = ""
    step: str | None = None
    before: NextAction | None = None
    after: NextAction | None = None
    changed: bool = False
    problem: str | None = None
    facts: dict[str, str] = Field(default_factory=dict)


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[AsyncConnection]:
    """Gives a transaction that writes, and of which nothing stays."""
    async with database.writing() as conn:
        yield conn
        await conn.rollback()


@dataclass
class Steering:
    """Steers picked invoices on the record at one instant; `policy` is the one to move to."""

    database: Database
    shelf: Shelf
    now: datetime
    author: str
    errand: Errand
    policy: DunningPolicy | None = None

    async def foresee(self, picks: Iterable[Pick]) -> list[Steered]:
        """Says what would become of each invoice; nothing stays written."""
        return await self._each(picks, really=False)

    async def carry_out(self, picks: Iterable[Pick]) -> list[Steered]:
        """Does it, and says what became of each invoice; wake-ups lie in the outbox afterwards."""
        return await self._each(picks, really=True)

    async def _each(self, picks: Iterable[Pick], *, really: bool) -> list[Steered]:
        wanted = {(one.creditor, one.number): one for one in picks}
        found = {key: _of(one, problem="there is no such invoice") for key, one in wanted.items()}
        rows = await self._rows(list(wanted))
        by_account: dict[tuple[str, str], list[Pick]] = {}
        for key, row in rows.items():
            if row.ending is None:
                by_account.setdefault((row.creditor, row.debtor), []).append(wanted[key])
            else:
                found[key] = _of(wanted[key], row.debtor, problem="its case is closed")
        away = 0
        for account, chosen in by_account.items():
            problem = "not tried: the database could not be reached"
            done: list[Steered] = []
            try:
                if away < PATIENCE:
                    versions = {rows[account[0], one.number].policy for one in chosen}
                    done, away = await self._account(account, chosen, versions, really=really), 0
            except Unavailable as fault:
                away, problem = away + 1, _plain(str(fault))
            except (RelanceError, *BROKEN) as fault:
                # The text of an unforeseen fault may quote names; its kind is enough to find the account.
                problem = _plain(str(fault) if isinstance(fault, RelanceError) else type(fault).__name__)
            for one in done or [_of(pick, account[1], problem=problem) for pick in chosen]:
                found[one.creditor, one.number] = one
        return list(found.values())

    async def _rows(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], sa.Row[Any]]:
        """Reads whose each picked invoice is, in the order in which they were picked."""
        known: dict[tuple[str, str], sa.Row[Any]] = {}
        columns = (
            invoices.c.creditor,
            invoices.c.number,
            invoices.c.debtor,
            invoices.c.policy,
            invoices.c.ending,
        )
        async with self.database.reading() as conn:
            for start in range(0, len(keys), AT_ONCE):
                which = sa.tuple_(*columns[:2]).in_(keys[start : start + AT_ONCE])
                rows = await conn.execute(sa.select(*columns).where(which))
                known |= {(row.creditor, row.number): row for row in rows}
        return {key: known[key] for key in keys if key in known}

    async def _account(
        self, account: tuple[str, str], picks: list[Pick], versions: set[str], *, really: bool
    ) -> list[Steered]:
        # What is undone must not be remembered: a policy may have been stored only to look.
        shelf = self.shelf if really else Shelf()
        async with self.database.writing() if really else undone(self.database) as conn:
            if self.policy is not None:
                await policies.store(conn, self.policy, self.now)
                numbers = [one.number for one in picks]
                where = (conn, account, versions, self.policy, self.author, self.now, shelf, numbers)
                moves = {one.number: one for one in await moving.carried_out(*where)}
                return [_moved(account[1], one, moves.get(one.number)) for one in picks]
            book = await Book.open(conn, *account, self.now, shelf)
            before = {one.number: book.stored[one.number].next for one in picks}
            told = [await self._one(book, one) for one in picks]
            await book.settle()
            return [
                one.model_copy(update={"before": before[one.number], "after": book.stored[one.number].next})
                for one in told
            ]

    async def _one(self, book: Book, pick: Pick) -> Steered:
        step = pending(book, pick.number)
        if self.errand.what in {What.SKIP, What.APPROVE} and pick.step is not None and pick.step != step:
            return _of(
                pick,
                book.debtor,
                problem="step %(step)s is not its next one any more",
                facts={"step": pick.step},
            )
        order = OperatorOrder(
            note=str(uuid5(NAMESPACE_URL, f"{self.errand.id}:{pick.creditor}:{pick.number}")),
            step=step,
            until=self.errand.until,
        )
        command = OperatorCommand(
            case=CaseRef(creditor=pick.creditor, number=pick.number),
            verb=Verb(self.errand.what.value),
            order=order,
            as_of=self.now,
        )
        try:
            changed = await carry_out(book, command, self.author, self.errand.reason)
        except (NotAllowed, NotFound) as refusal:
            return _of(pick, book.debtor, step=step, **_why(self.errand.what, str(refusal)))
        return _of(pick, book.debtor, changed=changed, step=step)


def pending(book: Book, number: str) -> str | None:
    """Names the step that a case comes to next, also while it waits for approval."""
    blocked, plan = book.case(number).blocked, book.stored[number].next
    if blocked is not None and blocked.rule is Rule.APPROVAL and blocked.reference:
        return blocked.reference
    return plan.step if plan is not None else None


def _of(pick: Pick, debtor: str = "", **more: Any) -> Steered:
    return Steered(creditor=pick.creditor, number=pick.number, debtor=debtor, **more)


def _moved(debtor: str, pick: Pick, move: moving.Move | None) -> Steered:
    if move is None:
        return _of(pick, debtor, problem="it follows this policy already")
    obstacle = _plain(move.obstacle) if move.obstacle is not None else None
    return _of(pick, debtor, before=move.before, after=move.after, changed=obstacle is None, problem=obstacle)


def _why(what: What, refusal: str) -> dict[str, Any]:
    """Says why an order was refused; most often there was nothing for it to be about."""
    usual = {What.SKIP: "it has no step to skip now", What.APPROVE: "its next step needs no approval"}
    return {"problem": usual[what]} if what in usual else {"problem": _plain(refusal)}


def _plain(sentence: str) -> str:
    """Writes a sentence that has no places for facts."""
    return sentence.replace("%", "%%")
