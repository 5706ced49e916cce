"""Debtors as a list: what each owes, what is overdue, when he is next heard from, how he pays.

In: pages, the count, whole lists for export.
Not in: one debtor (debtor.py), invoices (lists.py).

What is open is what the books show; unallocated money is not taken off. Amounts of different currencies are
never added: a list is sorted by the largest of them. How a debtor pays is worked out for one page alone.
"""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Amount, Fact, Instant, Key
from domain.habits import Lateness, Paid, lateness, year_back
from domain.receivable import Debtor
from ledger.columns import in_cents
from ledger.schema import agreements, allocations, debtors, invoices, payments
from ledger.views.lists import AT_ONCE, money
from ledger.views.sought import Asked, among, called, overdue


class DebtorsSought(Fact):
    """Says which debtors are wanted: those who owe, those with something overdue, or all."""

    q: str | None = Field(default=None, max_length=100)
    creditor: Key | None = None
    state: Literal["owing", "overdue"] | None = None


class Owed(Fact):
    """States what a debtor owes in one currency."""

    currency: str
    open: Amount
    overdue: Amount


class DebtorLine(Fact):
    """States one debtor in a list; `oldest_days` counts since the oldest due date that has passed."""

    debtor: Debtor
    count: int = 0
    owed: tuple[Owed, ...] = ()
    oldest_days: int | None = None
    next_at: Instant | None = None
    next_step: str | None = None
    late: Lateness | None = None
    broken: int = 0

    @property
    def of_limit(self) -> Decimal | None:
        """Tells which share of the credit limit is open; None without a limit above zero."""
        limit = self.debtor.credit_limit
        if not limit:
            return None
        there = (one.open for one in self.owed if one.currency == self.debtor.credit_currency)
        return sum(there, Decimal(0)) / limit


ACCOUNT = (invoices.c.creditor, invoices.c.debtor)
_OPEN = in_cents(invoices.c.open)


def _per_currency(where: Asked) -> sa.Select[Any]:
    late = sa.case((overdue(where), _OPEN), else_=0)
    late_since = sa.case((overdue(where), invoices.c.due_date))
    return (
        sa.select(
            *ACCOUNT,
            invoices.c.currency,
            sa.func.count().label("count"),
            sa.func.sum(_OPEN).label("open"),
            sa.func.sum(late).label("overdue"),
            sa.func.min(late_since).label("oldest"),
            sa.func.min(invoices.c.next_at).label("next_at"),
        )
        .where(invoices.c.ending.is_(None))
        .group_by(*ACCOUNT, invoices.c.currency)
    )


def _narrowed(sought: DebtorsSought, where: Asked, column: sa.ColumnElement[str]) -> list[Any]:
    seen = [column.in_(where.seen)] if where.seen is not None else []
    return seen + ([column == sought.creditor] if sought.creditor is not None else [])


def _query(sought: DebtorsSought, where: Asked, by: str) -> tuple[sa.Select[Any], sa.ColumnElement[Any]]:
    """Joins debtors with what each owes, where that is asked for; gives the column to sort by too."""
    query = sa.select(debtors.c.creditor, debtors.c.id)
    if sought.q is not None:
        query = query.where(called(sought.q))
    query = query.where(*_narrowed(sought, where, debtors.c.creditor))
    if sought.state is None and by not in OWED:
        return query, debtors.c.name
    each = _per_currency(where).where(*_narrowed(sought, where, invoices.c.creditor)).subquery()
    whole = (
        sa.select(
            each.c.creditor,
            each.c.debtor,
            sa.func.max(each.c.open).label("open"),
            sa.func.max(each.c.overdue).label("overdue"),
            sa.func.min(each.c.oldest).label("oldest"),
            sa.func.min(each.c.next_at).label("next"),
        )
        .group_by(each.c.creditor, each.c.debtor)
        .subquery()
    )
    same = sa.and_(whole.c.creditor == debtors.c.creditor, whole.c.debtor == debtors.c.id)
    query = query.select_from(debtors.join(whole, same, isouter=sought.state is None))
    if sought.state == "overdue":
        query = query.where(whole.c.overdue > 0)
    return query, whole.c[by] if by in OWED else debtors.c.name


OWED = ("open", "overdue", "oldest", "next")
"""What a list of debtors can be sorted by beside the name; `-open` sorts the other way."""


async def debtor_keys(
    conn: AsyncConnection,
    sought: DebtorsSought,
    where: Asked,
    *,
    sort: str,
    limit: int | None,
    offset: int = 0,
) -> tuple[list[tuple[str, str]], int]:
    """Lists the keys (creditor, id) of the debtors sought, in order, and counts them all.

    What is unknown comes last.
    """
    query, column = _query(sought, where, sort.removeprefix("-"))
    by = column.desc() if sort.startswith("-") else column.asc()
    query = query.order_by(column.is_(None), by, debtors.c.creditor, debtors.c.id)
    # Counted in the same pass: what everybody owes is summed up once.
    counted = query.add_columns(sa.func.count().over().label("all"))
    rows = (await conn.execute(counted.limit(limit).offset(offset))).all()
    return [(row.creditor, row.id) for row in rows], rows[0].all if rows else 0


async def debtor_lines(conn: AsyncConnection, keys: list[tuple[str, str]], where: Asked) -> list[DebtorLine]:
    """Reads the lines of debtors, in the order of their keys."""
    if not keys:
        return []
    which = among(keys, debtors.c.creditor, debtors.c.id)
    facts = {
        (row.creditor, row.id): Debtor.model_validate(row.facts)
        for row in await conn.execute(
            sa.select(debtors.c.creditor, debtors.c.id, debtors.c.facts).where(which)
        )
    }
    owing: dict[tuple[str, str], list[sa.Row[Any]]] = {}
    for row in await conn.execute(_per_currency(where).where(among(keys, *ACCOUNT))):
        owing.setdefault((row.creditor, row.debtor), []).append(row)
    nexts = await _next_steps(conn, keys)
    late = await _late(conn, keys, where)
    broken = await _broken(conn, keys)
    return [
        _line(facts[key], owing.get(key, []), where.today[key[0]]).model_copy(
            update={
                "next_step": nexts.get(key),
                "late": lateness(late.get(key, [])),
                "broken": broken.get(key, 0),
            }
        )
        for key in keys
        if key in facts
    ]


def _line(debtor: Debtor, rows: list[sa.Row[Any]], today: date) -> DebtorLine:
    oldest = min((row.oldest for row in rows if row.oldest is not None), default=None)
    return DebtorLine(
        debtor=debtor,
        count=sum(row._mapping["count"] for row in rows),  # noqa: SLF001 - a row's own `count` is a method
        owed=tuple(
            Owed(currency=row.currency, open=money(row.open), overdue=money(row.overdue))
            for row in sorted(rows, key=lambda row: (-row.open, row.currency))
        ),
        oldest_days=(today - oldest).days if oldest is not None else None,
        next_at=min((row.next_at for row in rows if row.next_at is not None), default=None),
    )


async def _next_steps(conn: AsyncConnection, keys: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Names the step that each debtor hears of next."""
    columns = (invoices.c.ending, invoices.c.next_at, invoices.c.next_step)
    rows = (await conn.execute(sa.select(*ACCOUNT, *columns).where(among(keys, *ACCOUNT)))).all()
    coming = [row for row in rows if row.ending is None and row.next_at is not None and row.next_step]
    later_first = sorted(coming, key=lambda row: row.next_at, reverse=True)
    return {(row.creditor, row.debtor): row.next_step for row in later_first}


async def _late(
    conn: AsyncConnection, keys: list[tuple[str, str]], where: Asked
) -> dict[tuple[str, str], list[Paid]]:
    """Reads what the debtors paid during the last twelve months."""
    since = year_back(max(where.today.values()))
    paid = sa.and_(
        allocations.c.creditor == payments.c.creditor, allocations.c.reference == payments.c.reference
    )
    of = sa.and_(invoices.c.creditor == allocations.c.creditor, invoices.c.number == allocations.c.invoice)
    columns = (*ACCOUNT, invoices.c.number, invoices.c.due_date, invoices.c.currency, invoices.c.total)
    query = (
        sa.select(*columns, sa.func.max(payments.c.received_on).label("paid_on"))
        .select_from(payments.join(allocations, paid).join(invoices, of))
        .where(
            among(keys, payments.c.creditor, payments.c.debtor),
            payments.c.received_on >= since,
            payments.c.reversed.is_(False),
            in_cents(invoices.c.open) == 0,
        )
        .group_by(*columns)
    )
    found: dict[tuple[str, str], list[Paid]] = {}
    for row in await conn.execute(query):
        one = Paid(
            number=row.number,
            due_date=row.due_date,
            paid_on=row.paid_on,
            currency=row.currency,
            amount=row.total,
        )
        found.setdefault((row.creditor, row.debtor), []).append(one)
    return found


async def _broken(conn: AsyncConnection, keys: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Counts the promises and plans that were not kept, or not wholly."""
    query = (
        sa.select(agreements.c.creditor, agreements.c.debtor, sa.func.count().label("broken"))
        .where(
            among(keys, agreements.c.creditor, agreements.c.debtor),
            agreements.c.kind.in_(("promise", "plan")),
            agreements.c.standing.in_(("broken", "partly")),
        )
        .group_by(agreements.c.creditor, agreements.c.debtor)
    )
    return {(row.creditor, row.debtor): row.broken for row in await conn.execute(query)}


async def all_debtors(
    conn: AsyncConnection, sought: DebtorsSought, where: Asked, sort: str
) -> AsyncIterator[list[DebtorLine]]:
    """Reads every debtor sought, some hundred at a time."""
    keys, _ = await debtor_keys(conn, sought, where, sort=sort, limit=None)
    for start in range(0, len(keys), AT_ONCE):
        yield await debtor_lines(conn, keys[start : start + AT_ONCE], where)
