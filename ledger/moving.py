"""Cases moved from one version of a policy to another: foreseen first, then carried out, account by account.

In: which accounts have such cases, what would become of them, the move of one account in one transaction.
Not in: the rule (domain/succession.py), the move of one case (invoices.py), the command (terminal/).
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account, Case
from domain.actions import NextAction
from domain.fact import Fact
from domain.policy import DunningPolicy
from domain.succession import Succession, foresee, succession
from ledger import accounts
from ledger.book import Book
from ledger.policies import Shelf, left_behind
from ledger.schema import invoices


class Move(Fact):
    """States what moving does to one case: its next action before and after, and what else changes.

    `passed` is the step of the new policy that counts as said, `said_as` the step that said it, `dropped` the
    steps whose approval or send-now does not carry over. With an `obstacle` the case has not moved.
    """

    creditor: str
    debtor: str
    number: str
    was: str
    to: str
    before: NextAction | None
    after: NextAction | None
    passed: str | None = None
    said_as: str | None = None
    dropped: tuple[str, ...] = ()
    obstacle: str | None = None

    @property
    def verdict(self) -> str:
        """Says in a word what becomes of the case: stays, closes, changes or same."""
        if self.obstacle is not None or self.after is None:
            return "stays"
        if self.after.closes:
            return "closes"
        return "same" if _gist(self.before) == _gist(self.after) else "changes"


def _gist(action: NextAction | None) -> tuple[object, ...] | None:
    """Takes from an action what somebody would notice: what is done and when, not why."""
    return None if action is None else (action.kind, action.step, action.at, action.ending)


async def accounts_under(
    conn: AsyncConnection, versions: Collection[str], creditor: str | None, debtor: str | None
) -> list[tuple[str, str]]:
    """Lists the accounts (creditor, debtor) that have an open case under one of the versions."""
    query = (
        sa.select(invoices.c.creditor, invoices.c.debtor)
        .where(invoices.c.ending.is_(None), invoices.c.policy.in_(versions))
        .distinct()
    )
    if creditor is not None:
        query = query.where(invoices.c.creditor == creditor)
    if debtor is not None:
        query = query.where(invoices.c.debtor == debtor)
    rows = await conn.execute(query.order_by(invoices.c.creditor, invoices.c.debtor))
    return [(row.creditor, row.debtor) for row in rows]


async def foreseen(
    conn: AsyncConnection,
    account: tuple[str, str],
    versions: Collection[str],
    policy: DunningPolicy,
    now: datetime,
    shelf: Shelf,
) -> list[Move]:
    """Says what would become of the cases of one account, without writing anything or locking anybody out."""
    loaded = await accounts.load(conn, *account)
    how = await _successions(conn, loaded.account, versions, policy, shelf)
    known = await shelf.get_all(conn, {case.policy for case in loaded.account.cases})
    plans = foresee(loaded.account, how, policy.version, known | {policy.version: policy}, now)
    return [
        _move(loaded.account.case(number), policy, one, loaded.stored[number].next, plans.get(number))
        for number, one in how.items()
    ]


async def carried_out(
    conn: AsyncConnection,
    account: tuple[str, str],
    versions: Collection[str],
    policy: DunningPolicy,
    author: str,
    now: datetime,
    shelf: Shelf,
    only: Collection[str] | None = None,
) -> list[Move]:
    """Moves the cases of one account, plans them anew, and puts the wake-ups of their runs in the outbox.

    `only` names the invoices that move; all of them otherwise.
    """
    book = await Book.open(conn, *account, now, shelf)
    found = await _successions(conn, book.account, versions, policy, shelf)
    how = {number: one for number, one in found.items() if only is None or number in only}
    cases = {number: book.case(number) for number in how}
    before = {number: book.stored[number].next for number in how}
    for number, one in how.items():
        if one.obstacle is None:
            await book.move_policy(number, policy.version, author)
    await book.settle()
    return [
        _move(cases[number], policy, one, before[number], book.plan(number).next)
        for number, one in how.items()
    ]


async def _successions(
    conn: AsyncConnection, account: Account, versions: Collection[str], policy: DunningPolicy, shelf: Shelf
) -> dict[str, Succession]:
    """Works out for each open case under the versions how it enters the policy, the oldest due date first."""
    left = await left_behind(conn, account.creditor.id, account.debtor.id)
    found: dict[str, Succession] = {}
    for number in account.open_numbers():
        case = account.case(number)
        if case.policy in versions and case.policy != policy.version:
            names = [case.policy, *left.get(number, [])]
            known = await shelf.get_all(conn, names)
            found[number] = succession(case, [known[name] for name in names], policy)
    return found


def _move(
    case: Case, policy: DunningPolicy, how: Succession, before: NextAction | None, after: NextAction | None
) -> Move:
    return Move(
        creditor=case.invoice.creditor,
        debtor=case.invoice.debtor,
        number=case.invoice.number,
        was=case.policy,
        to=policy.version,
        before=before,
        after=after if how.obstacle is None else before,
        passed=how.passed.step if how.passed is not None else None,
        said_as=how.said_as,
        dropped=how.dropped,
        obstacle=how.obstacle,
    )
