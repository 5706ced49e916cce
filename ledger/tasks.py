"""Tasks: what only a person can do, given once and closed with an answer.

In: opening and closing tasks of an account.
Not in: listing them (queries.py).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from domain.faults import NotFound
from ledger.folio import Folio
from ledger.schema import tasks
from ledger.writing import insert_once

REPORTED = ("missing-piece", "factored", "new-account", "status-claimed", "cashed-differs")
CLAIMED = ("claimed-paid", "claimed-contact", "claimed-missing")
"""What a debtor answered without proof; what it holds ends with its task."""

ABOUT_OPEN = ("call", "approve", "claimed-paid", "claimed-missing", *REPORTED)
"""The tasks that nobody is to do once the case is closed."""

_OPEN_BY_KEY = sa.select(tasks.c.id).where(tasks.c.key == sa.bindparam("of_key"), tasks.c.closed_at.is_(None))


def task_id(key: str) -> str:
    """Derives a task's id from its key."""
    return str(uuid5(NAMESPACE_URL, f"relance:task:{key}"))


async def open_task(
    folio: Folio, kind: str, key: str, number: str | None, due_on: date, detail: Mapping[str, Any]
) -> str:
    """Opens a task, once by its key, and returns its id."""
    task = task_id(key)
    row = {
        "id": task,
        "kind": kind,
        "creditor": folio.creditor,
        "debtor": folio.debtor,
        "invoice": number,
        "key": key,
        "opened_at": folio.now,
        "due_on": due_on,
        "detail": dict(detail),
    }
    folio.has_tasks = True
    if await insert_once(folio.conn, tasks, row):
        await folio.log(
            "task.opened", number, task=task, task_kind=kind, due_on=due_on.isoformat(), detail=dict(detail)
        )
    return task


async def ask_again(
    folio: Folio, kind: str, key: str, number: str | None, due_on: date, detail: Mapping[str, Any]
) -> str:
    """Opens a task, or opens it anew where the same question was answered before; returns its id."""
    task = await open_task(folio, kind, key, number, due_on, detail)
    where = (tasks.c.id == task, tasks.c.closed_at.is_not(None))
    anew = {"opened_at": folio.now, "due_on": due_on, "detail": dict(detail)}
    closed = {"closed_at": None, "resolution": None, "closed_by": None}
    if (await folio.conn.execute(sa.update(tasks).where(*where).values(anew | closed))).rowcount:
        await folio.log("task.reopened", number, task=task, task_kind=kind, due_on=due_on.isoformat())
    return task


async def close_task(folio: Folio, task: str, resolution: str, by: str) -> bool:
    """Closes a task; False where it is closed already. Raises NotFound."""
    of = (tasks.c.id == task, tasks.c.creditor == folio.creditor, tasks.c.debtor == folio.debtor)
    row = (await folio.conn.execute(sa.select(tasks).where(*of))).one_or_none()
    if row is None:
        msg = f"no task {task!r} on the account of debtor {folio.debtor!r}"
        raise NotFound(msg)
    if row.closed_at is not None:
        return False
    values = {"closed_at": folio.now, "resolution": resolution, "closed_by": by}
    await folio.conn.execute(sa.update(tasks).where(*of).values(values))
    await folio.log("task.closed", row.invoice, task=task, resolution=resolution, author=by)
    return True


async def close_kinds(folio: Folio, number: str, kinds: tuple[str, ...], resolution: str) -> None:
    """Closes the open tasks of some kinds about an invoice: nobody is to do them any more."""
    if not folio.has_tasks:
        return
    query = sa.select(tasks.c.id).where(
        tasks.c.creditor == folio.creditor,
        tasks.c.debtor == folio.debtor,
        tasks.c.invoice == number,
        tasks.c.kind.in_(kinds),
        tasks.c.closed_at.is_(None),
    )
    for task in (await folio.conn.execute(query.order_by(tasks.c.id))).scalars().all():
        await close_task(folio, task, resolution, "relance")


async def close_about(folio: Folio, kind: str, name: str, value: str, resolution: str, by: str) -> None:
    """Closes the debtor's open tasks of a kind that are about one thing, by its name in their detail."""
    query = sa.select(tasks.c.id).where(
        tasks.c.creditor == folio.creditor,
        tasks.c.debtor == folio.debtor,
        tasks.c.kind == kind,
        tasks.c.detail[name].as_string() == value,
        tasks.c.closed_at.is_(None),
    )
    for task in (await folio.conn.execute(query.order_by(tasks.c.id))).scalars().all():
        await close_task(folio, task, resolution, by)


async def kind_of(folio: Folio, task: str) -> tuple[str, str | None]:
    """Tells the kind of a task and its invoice; raises NotFound."""
    of = (tasks.c.id == task, tasks.c.creditor == folio.creditor, tasks.c.debtor == folio.debtor)
    row = (await folio.conn.execute(sa.select(tasks.c.kind, tasks.c.invoice).where(*of))).one_or_none()
    if row is None:
        msg = f"no task {task!r} on the account of debtor {folio.debtor!r}"
        raise NotFound(msg)
    return row.kind, row.invoice


async def held_by(folio: Folio, task: str) -> str | None:
    """Names what a task's answer holds; None for a task that holds nothing."""
    query = sa.select(tasks.c.kind, tasks.c.detail).where(tasks.c.id == task)
    row = (await folio.conn.execute(query)).one()
    return str(row.detail["hold"]) if row.kind in CLAIMED else None


async def close_if_open(folio: Folio, key: str, resolution: str, by: str) -> None:
    """Closes the task of a key where there is an open one."""
    if not folio.has_tasks:
        return
    found = (await folio.conn.execute(_OPEN_BY_KEY, {"of_key": key})).scalar_one_or_none()
    if found is not None:
        await close_task(folio, found, resolution, by)
