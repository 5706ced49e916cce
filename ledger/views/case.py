"""All that is on record about one case, as its page shows it.

In: the case with its account, what was written about it, its messages and tasks, what its run has not heard.
Not in: what happened on one day (days.py), how any of it reads (console/).
"""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account, Case
from domain.actions import CaseRef
from domain.policy import DunningPolicy
from ledger import accounts, troubles
from ledger.journal import Entry
from ledger.messages import MessageRecord
from ledger.policies import Shelf
from ledger.queries import CaseLine, Task
from ledger.schema import journal, messages, outbox, tasks
from ledger.troubles import Trouble

HOLDS = ("hold.placed", "hold.lifted")


class CaseView(NamedTuple):
    """Gathers what stands on record about one case; `untold` counts errands that its run waits for."""

    line: CaseLine
    account: Account
    policies: dict[str, DunningPolicy]
    entries: tuple[Entry, ...]
    messages: tuple[MessageRecord, ...]
    tasks: tuple[Task, ...]
    trouble: Trouble | None
    untold: int

    @property
    def case(self) -> Case:
        """Gives the case as the rules see it."""
        return self.account.case(self.line.number)

    @property
    def policy(self) -> DunningPolicy:
        """Gives the policy that the case follows."""
        return self.policies[self.line.policy]


async def view(conn: AsyncConnection, line: CaseLine, shelf: Shelf) -> CaseView:
    """Reads everything about a case that was found."""
    loaded = await accounts.load(conn, line.creditor, line.debtor)
    of = {"creditor": line.creditor, "debtor": line.debtor}
    sent = await conn.execute(
        sa.select(messages)
        .filter_by(**of)
        .where(_names(messages.c.invoices, line.number))
        .order_by(messages.c.planned_at, messages.c.id)
    )
    given = await conn.execute(
        sa.select(tasks).filter_by(**of, invoice=line.number).order_by(tasks.c.opened_at, tasks.c.id)
    )
    return CaseView(
        line=line,
        account=loaded.account,
        policies=await shelf.get_all(conn, {case.policy for case in loaded.account.cases}),
        entries=await _entries(conn, line),
        messages=tuple(MessageRecord.of(row) for row in sent if line.number in row.invoices),
        tasks=tuple(
            Task.model_validate({name: getattr(row, name) for name in Task.model_fields}) for row in given
        ),
        trouble=await troubles.find(conn, CaseRef(creditor=line.creditor, number=line.number)),
        untold=await untold(conn, line),
    )


async def untold(conn: AsyncConnection, line: CaseLine) -> int:
    """Counts what the run of a case has not been told yet."""
    waiting = sa.select(sa.func.count()).where(
        outbox.c.creditor == line.creditor, outbox.c.number == line.number, outbox.c.delivered_at.is_(None)
    )
    return int((await conn.execute(waiting)).scalar_one())


def _names(column: sa.ColumnElement[object], number: str) -> sa.ColumnElement[bool]:
    """Finds a number in a list of JSON without reading the rest of the row."""
    return sa.cast(column, sa.Text).contains(f'"{number}"', autoescape=True)


async def _entries(conn: AsyncConnection, line: CaseLine) -> tuple[Entry, ...]:
    """Reads the entries about the case, the oldest first, among those of a large account."""
    about = (
        (journal.c.invoice == line.number) | journal.c.kind.in_(HOLDS) | _names(journal.c.facts, line.number)
    )
    of = (journal.c.creditor == line.creditor, journal.c.debtor == line.debtor)
    rows = await conn.execute(sa.select(journal).where(*of, about).order_by(journal.c.revision))
    found = (Entry.model_validate(dict(row._mapping)) for row in rows)  # noqa: SLF001 - SQLAlchemy's public way
    return tuple(one for one in found if one.concerns(line.number))


class Chain(NamedTuple):
    """Holds everything written about an account, and every policy that its cases have followed."""

    entries: tuple[Entry, ...]
    policies: dict[str, DunningPolicy]


async def chain(conn: AsyncConnection, line: CaseLine, shelf: Shelf) -> Chain:
    """Reads everything written about the account of a case, its creditor and the installation."""
    either = ((journal.c.creditor == line.creditor) & journal.c.debtor.in_((line.debtor, ""))) | (
        (journal.c.creditor == "") & (journal.c.debtor == "")
    )
    rows = await conn.execute(sa.select(journal).where(either))
    found = tuple(Entry.model_validate(dict(row._mapping)) for row in rows)  # noqa: SLF001 - see above
    versions = {one.facts["policy"] for one in found if one.kind in {"invoice.opened", "case.policy_moved"}}
    return Chain(found, await shelf.get_all(conn, versions))
