"""What is read for people: lists of cases, the file of one case, open tasks, counts.

In: read models, each a few indexed queries.
Not in: the account as the rules see it (accounts.py), and writing (book.py).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account
from domain.actions import CaseRef, Ending, NextAction, Rule
from domain.fact import Fact, Instant
from domain.faults import InputRefused, NotFound
from ledger import accounts, journal
from ledger.messages import MessageRecord
from ledger.schema import debtors, invoices, messages, outbox, quarantine, tasks, troubles, waiting


class CaseLine(Fact):
    """States one case in a list; `net` takes unallocated money off what is open."""

    creditor: str
    number: str
    debtor: str
    debtor_name: str
    due_date: date
    currency: str
    total: Decimal
    open: Decimal
    net: Decimal
    policy: str
    next: NextAction | None
    ending: Ending | None
    opened_at: Instant
    closed_at: Instant | None


class Task(Fact):
    """States a task."""

    id: str
    kind: str
    creditor: str
    debtor: str
    invoice: str | None
    key: str
    opened_at: Instant
    due_on: date
    detail: dict[str, Any]
    closed_at: Instant | None
    resolution: str | None
    closed_by: str | None


class CaseFile(Fact):
    """Gathers everything on record about one case."""

    line: CaseLine
    account: Account
    entries: tuple[journal.Entry, ...]
    messages: tuple[MessageRecord, ...]
    tasks: tuple[Task, ...]


class Filters(Fact):
    """Narrows a list of cases; every filter given must hold. `overdue_on` is a civil day."""

    status: Literal["open", "closed"] | None = None
    creditor: str | None = None
    debtor: str | None = None
    overdue_on: date | None = None
    next_step: str | None = None
    rule: str | None = None
    ending: Ending | None = None
    text: str | None = None


def lines() -> sa.Select[Any]:
    """Selects every case with the name of its debtor."""
    owner = (debtors.c.creditor == invoices.c.creditor) & (debtors.c.id == invoices.c.debtor)
    return sa.select(invoices, debtors.c.name.label("debtor_name")).join(debtors, owner)


def line_of(row: sa.Row[Any]) -> CaseLine:
    """Reads a row of `lines`."""
    return CaseLine.model_validate({name: getattr(row, name) for name in CaseLine.model_fields})


def conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Says what filters ask of a row of `lines`."""
    wanted: list[sa.ColumnElement[bool]] = []
    if filters.status is not None:
        is_open = invoices.c.ending.is_(None)
        wanted.append(is_open if filters.status == "open" else ~is_open)
    equal = {
        invoices.c.creditor: filters.creditor,
        invoices.c.debtor: filters.debtor,
        invoices.c.next_step: filters.next_step,
        invoices.c.next_rule: filters.rule,
        invoices.c.ending: filters.ending,
    }
    wanted.extend(column == value for column, value in equal.items() if value is not None)
    if filters.overdue_on is not None:
        wanted += [invoices.c.ending.is_(None), invoices.c.due_date < filters.overdue_on]
    if filters.text is not None:
        either = (
            column.icontains(filters.text, autoescape=True) for column in (invoices.c.number, debtors.c.name)
        )
        wanted.append(sa.or_(*either))
    return wanted


async def cases(
    conn: AsyncConnection, filters: Filters | None = None, *, limit: int = 50, offset: int = 0
) -> list[CaseLine]:
    """Lists cases by their next instant, those without one last."""
    query = lines().where(*conditions(filters or Filters()))
    # Without NULLS LAST spelled out, the two databases disagree.
    order = (invoices.c.next_at.is_(None), invoices.c.next_at, invoices.c.due_date, invoices.c.number)
    return [line_of(row) for row in await conn.execute(query.order_by(*order).limit(limit).offset(offset))]


async def leaving(
    conn: AsyncConnection, until: datetime, *, creditor: str | None = None, policy: str | None = None
) -> list[CaseLine]:
    """Lists open cases whose next step is due by an instant, of one creditor or under one policy's id."""
    query = lines().where(
        invoices.c.ending.is_(None), invoices.c.next_kind == "take", invoices.c.next_at <= until
    )
    if creditor is not None:
        query = query.where(invoices.c.creditor == creditor)
    if policy is not None:
        query = query.where(invoices.c.policy.startswith(f"{policy}@", autoescape=True))
    return [line_of(row) for row in await conn.execute(query.order_by(invoices.c.next_at, invoices.c.number))]


async def underway(conn: AsyncConnection, creditor: str | None = None) -> list[str]:
    """Lists the messages that are being handed over, or were when their process died."""
    query = sa.select(messages.c.id).where(messages.c.state == "handing_over")
    if creditor is not None:
        query = query.where(messages.c.creditor == creditor)
    return list((await conn.execute(query.order_by(messages.c.id))).scalars())


async def count_cases(conn: AsyncConnection, filters: Filters | None = None) -> int:
    """Counts the cases that filters let through."""
    owner = (debtors.c.creditor == invoices.c.creditor) & (debtors.c.id == invoices.c.debtor)
    query = sa.select(sa.func.count()).select_from(invoices.join(debtors, owner))
    return int((await conn.execute(query.where(*conditions(filters or Filters())))).scalar_one())


async def find_case(conn: AsyncConnection, number: str, creditor: str | None = None) -> CaseLine:
    """Finds a case by its number.

    Raises NotFound, and InputRefused where several creditors have that number and none is named.
    """
    wanted = [invoices.c.number == number]
    if creditor is not None:
        wanted.append(invoices.c.creditor == creditor)
    rows = (await conn.execute(lines().where(*wanted).order_by(invoices.c.creditor))).all()
    if not rows:
        msg = f"no invoice {number!r}" + (f" of creditor {creditor!r}" if creditor else "")
        raise NotFound(msg)
    if len(rows) > 1:
        names = ", ".join(row.creditor for row in rows)
        raise InputRefused(
            field="creditor",
            value=None,
            remedy=f"several creditors have an invoice {number}: name one of {names}",
        )
    return line_of(rows[0])


async def case_file(conn: AsyncConnection, case: CaseRef) -> CaseFile:
    """Gathers everything on record about one case; raises NotFound."""
    line = await find_case(conn, case.number, case.creditor)
    loaded = await accounts.load(conn, line.creditor, line.debtor)
    entries = await journal.entries(conn, line.creditor, line.debtor)
    of = {"creditor": line.creditor, "debtor": line.debtor}
    sent = await conn.execute(
        sa.select(messages).filter_by(**of).order_by(messages.c.planned_at, messages.c.id)
    )
    open_tasks = await conn.execute(
        sa.select(tasks).filter_by(**of, invoice=line.number).order_by(tasks.c.opened_at)
    )
    return CaseFile(
        line=line,
        account=loaded.account,
        entries=tuple(entry for entry in entries if entry.concerns(line.number)),
        messages=tuple(MessageRecord.of(row) for row in sent if line.number in row.invoices),
        tasks=tuple(_task(row) for row in open_tasks),
    )


def _task(row: sa.Row[Any]) -> Task:
    return Task.model_validate({name: getattr(row, name) for name in Task.model_fields})


async def open_tasks(conn: AsyncConnection, *, kind: str | None = None, limit: int = 200) -> list[Task]:
    """Lists open tasks, the most urgent first."""
    query = sa.select(tasks).where(tasks.c.closed_at.is_(None))
    if kind is not None:
        query = query.where(tasks.c.kind == kind)
    return [_task(row) for row in await conn.execute(query.order_by(tasks.c.due_on, tasks.c.id).limit(limit))]


async def find_message(conn: AsyncConnection, message: str) -> tuple[str, str, MessageRecord]:
    """Finds a message by its id, with its creditor and debtor; raises NotFound."""
    row = (await conn.execute(sa.select(messages).where(messages.c.id == message))).one_or_none()
    if row is None:
        msg = f"no message {message!r}"
        raise NotFound(msg)
    return row.creditor, row.debtor, MessageRecord.of(row)


async def find_task(conn: AsyncConnection, task: str) -> Task:
    """Finds a task by its id; raises NotFound."""
    row = (await conn.execute(sa.select(tasks).where(tasks.c.id == task))).one_or_none()
    if row is None:
        msg = f"no task {task!r}"
        raise NotFound(msg)
    return _task(row)


async def open_accounts(
    conn: AsyncConnection, creditor: str | None = None, *, rule: Rule | None = None
) -> list[tuple[str, str]]:
    """Lists the accounts (creditor, debtor) that have an open case, or one whose plan names a rule."""
    query = sa.select(invoices.c.creditor, invoices.c.debtor).where(invoices.c.ending.is_(None)).distinct()
    if creditor is not None:
        query = query.where(invoices.c.creditor == creditor)
    if rule is not None:
        query = query.where(invoices.c.next_rule == rule.value)
    rows = await conn.execute(query.order_by(invoices.c.creditor, invoices.c.debtor))
    return [(row.creditor, row.debtor) for row in rows]


async def counts(conn: AsyncConnection) -> dict[str, int]:
    """Counts open and closed cases, open tasks, errands pending, events waiting, rows set aside."""
    questions = {
        "open": sa.select(sa.func.count()).select_from(invoices).where(invoices.c.ending.is_(None)),
        "closed": sa.select(sa.func.count()).select_from(invoices).where(invoices.c.ending.is_not(None)),
        "tasks": sa.select(sa.func.count()).select_from(tasks).where(tasks.c.closed_at.is_(None)),
        "troubles": sa.select(sa.func.count()).select_from(troubles),
        "errands": sa.select(sa.func.count()).select_from(outbox).where(outbox.c.delivered_at.is_(None)),
        "waiting": sa.select(sa.func.count()).select_from(waiting),
        "quarantine": sa.select(sa.func.count())
        .select_from(quarantine)
        .where(quarantine.c.resolved_at.is_(None)),
    }
    return {name: int((await conn.execute(question)).scalar_one()) for name, question in questions.items()}
