"""The work of a day: what waits for people, in the order in which it should be done.

In: open tasks with the money they are about, how many of each kind, holds that end soon, what was done.
Not in: what a task is done with (console/pages/tasks.py).

The order: what is late or due comes before what is for later; within that, questions whose answer sends or
stops a message at once come first, then the most money at risk.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import Hold
from domain.fact import Fact, Instant
from ledger.columns import in_cents
from ledger.schema import debtors, holds, invoices, journal, tasks

PRESSING = ("ambiguous", "payments", "match", "allocate", "reply")
"""Kinds whose answer decides whether somebody is wrongly asked, or wrongly left alone."""

SOON = timedelta(days=3)


class WorkItem(Fact):
    """States a task in the list of the day; `open` is the balance of its invoice, where it has one."""

    id: str
    kind: str
    creditor: str
    debtor: str
    debtor_name: str
    invoice: str | None
    due_on: date
    opened_at: Instant
    detail: dict[str, Any]
    open: Decimal | None
    currency: str | None
    due_date: date | None


class EndingHold(Fact):
    """States a hold that ends soon; `invoice` None means the whole customer."""

    creditor: str
    debtor: str
    debtor_name: str
    invoice: str | None
    until: date
    reason: str


def _seen(column: sa.ColumnElement[str], creditors: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    return [] if creditors is None else [column.in_(creditors)]


async def work(
    conn: AsyncConnection,
    today: date,
    creditors: Sequence[str] | None,
    kinds: Sequence[str] | None = None,
    limit: int = 100,
) -> list[WorkItem]:
    """Lists open tasks in the order of the day, narrowed to creditors one may see and to some kinds."""
    query = (
        sa.select(
            *(tasks.c[name] for name in ("id", "kind", "creditor", "debtor", "invoice", "due_on")),
            tasks.c.opened_at,
            tasks.c.detail,
            debtors.c.name.label("debtor_name"),
            invoices.c.open,
            invoices.c.currency,
            invoices.c.due_date,
        )
        .join(debtors, (debtors.c.creditor == tasks.c.creditor) & (debtors.c.id == tasks.c.debtor))
        .outerjoin(
            invoices, (invoices.c.creditor == tasks.c.creditor) & (invoices.c.number == tasks.c.invoice)
        )
        .where(tasks.c.closed_at.is_(None), *_seen(tasks.c.creditor, creditors))
        .order_by(
            sa.case((tasks.c.due_on <= today, 0), else_=1),
            sa.case((tasks.c.kind.in_(PRESSING), 0), else_=1),
            sa.func.coalesce(in_cents(invoices.c.open), 0).desc(),
            tasks.c.due_on,
            tasks.c.id,
        )
        .limit(limit)
    )
    if kinds is not None:
        query = query.where(tasks.c.kind.in_(kinds))
    return [WorkItem.model_validate(row._asdict()) for row in await conn.execute(query)]


async def counts(conn: AsyncConnection, creditors: Sequence[str] | None) -> dict[str, int]:
    """Counts the open tasks of each kind."""
    query = (
        sa.select(tasks.c.kind, sa.func.count().label("times"))
        .where(tasks.c.closed_at.is_(None), *_seen(tasks.c.creditor, creditors))
        .group_by(tasks.c.kind)
    )
    return {row.kind: row.times for row in await conn.execute(query)}


async def ending_holds(
    conn: AsyncConnection, today: date, creditors: Sequence[str] | None
) -> list[EndingHold]:
    """Lists the holds that end within three days: what they held back goes on by itself then."""
    until = holds.c.facts["until"].as_string()
    query = (
        sa.select(holds.c.creditor, holds.c.debtor, holds.c.facts, debtors.c.name)
        .join(debtors, (debtors.c.creditor == holds.c.creditor) & (debtors.c.id == holds.c.debtor))
        .where(
            holds.c.lifted_on.is_(None),
            until >= today.isoformat(),
            until <= (today + SOON).isoformat(),
            *_seen(holds.c.creditor, creditors),
        )
        .order_by(until)
        .limit(50)
    )
    found = []
    for row in await conn.execute(query):
        hold = Hold.model_validate(row.facts)
        found.append(
            EndingHold(
                creditor=row.creditor,
                debtor=row.debtor,
                debtor_name=row.name,
                invoice=hold.invoice,
                until=hold.until,
                reason=hold.reason,
            )
        )
    return found


async def done_since(
    conn: AsyncConnection, since: datetime, creditors: Sequence[str] | None
) -> dict[str, int]:
    """Counts what the journal says was done since an instant, by kind of entry."""
    query = (
        sa.select(journal.c.kind, sa.func.count().label("times"))
        .where(journal.c.at >= since, *_seen(journal.c.creditor, creditors))
        .group_by(journal.c.kind)
    )
    return {row.kind: row.times for row in await conn.execute(query)}


async def following(
    conn: AsyncConnection, today: date, creditors: Sequence[str] | None, kinds: Sequence[str] | None = None
) -> str | None:
    """Names the task to do next; None where all is done."""
    found = await work(conn, today, creditors, kinds, limit=1)
    return found[0].id if found else None
