"""All that is on record about one debtor, as its page shows it.

In: the account with its plans, what was said to and by him, what waits for people.
Not in: lists (debtors.py), one invoice (case.py), what follows from the account (domain/).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account
from domain.actions import NextAction
from domain.policy import DunningPolicy
from ledger import accounts
from ledger.policies import Shelf
from ledger.queries import Task
from ledger.schema import incoming, messages, tasks


class Mail(NamedTuple):
    """States a message that went out or came in; `kind` is its channel, or reply, bounce..."""

    id: str
    out: bool
    kind: str
    at: datetime
    day: date | None
    subject: str
    text: str
    who: tuple[str, ...]
    state: str
    tone: str | None
    invoices: tuple[str, ...]
    asked: Decimal | None
    currency: str | None


class DebtorView(NamedTuple):
    """Gathers what stands on record about one debtor; `mails` are the latest, `more` tells of others."""

    account: Account
    policies: dict[str, DunningPolicy]
    plans: dict[str, NextAction | None]
    mails: tuple[Mail, ...]
    more: bool
    tasks: tuple[Task, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Gives the creditor and the debtor."""
        return self.account.creditor.id, self.account.debtor.id


async def view(conn: AsyncConnection, creditor: str, debtor: str, shelf: Shelf, *, mails: int) -> DebtorView:
    """Reads everything about a debtor, and so many of the latest mails; raises NotFound."""
    loaded = await accounts.load(conn, creditor, debtor)
    of = {"creditor": creditor, "debtor": debtor}
    given = await conn.execute(
        sa.select(tasks).filter_by(**of, closed_at=None).order_by(tasks.c.due_on, tasks.c.id)
    )
    both = [*await _sent(conn, of, mails + 1), *await _came(conn, of, mails + 1)]
    latest = sorted(both, key=lambda one: (one.at, one.id), reverse=True)
    return DebtorView(
        account=loaded.account,
        policies=await shelf.get_all(conn, {case.policy for case in loaded.account.cases}),
        plans={number: stored.next for number, stored in loaded.stored.items()},
        mails=tuple(latest[:mails]),
        more=len(latest) > mails,
        tasks=tuple(
            Task.model_validate({name: getattr(row, name) for name in Task.model_fields}) for row in given
        ),
    )


_SENT = (
    *("id", "channel", "step", "state", "tone", "invoices", "asked", "currency", "sent_at", "planned_at"),
    *("day", "recipients"),
)


async def _sent(conn: AsyncConnection, of: dict[str, Any], most: int) -> list[Mail]:
    columns = [messages.c[name] for name in _SENT]
    query = sa.select(*columns).filter_by(**of).order_by(messages.c.planned_at.desc(), messages.c.id)
    return [
        Mail(
            id=row.id,
            out=True,
            kind=row.channel,
            at=row.sent_at or row.planned_at,
            day=row.day,
            subject=row.step,
            text="",
            who=tuple(row.recipients),
            state=row.state,
            tone=row.tone,
            invoices=tuple(row.invoices),
            asked=row.asked,
            currency=row.currency,
        )
        for row in await conn.execute(query.limit(most))
    ]


async def _came(conn: AsyncConnection, of: dict[str, Any], most: int) -> list[Mail]:
    query = sa.select(incoming).filter_by(**of).order_by(incoming.c.at.desc(), incoming.c.id)
    return [
        Mail(
            id=row.id,
            out=False,
            kind=row.kind,
            at=row.received_at or row.at,
            day=None,
            subject=row.subject,
            text=row.text,
            who=(row.sender,) if row.sender else (),
            state=row.state,
            tone=None,
            invoices=tuple(row.invoices),
            asked=None,
            currency=None,
        )
        for row in await conn.execute(query.limit(most))
    ]
