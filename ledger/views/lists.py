"""Invoices as a list: narrowed, sorted, a page at a time, with what they sum to.

In: pages, totals, whole lists for export.
Not in: what may be sought (sought.py), debtors (debtors.py), one invoice (queries.py).

Sums are made by the database in whole cents. Keys are found first and lines read by them: rows are long.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Ending, NextAction
from domain.agreements import Hold
from domain.concluding import UNDER_WAY
from domain.fact import Fact
from ledger.columns import in_cents
from ledger.schema import agreements, creditors, debtors, holds, invoices, policies
from ledger.views.sought import Asked, Seen, Sought, State, among, conditions

PAGE = 50
AT_ONCE = 500


class InvoiceLine(Fact):
    """States one invoice in a list."""

    creditor: str
    number: str
    debtor: str
    debtor_name: str
    issue_date: date
    due_date: date
    currency: str
    total: Decimal
    open: Decimal
    policy: str
    next: NextAction | None
    ending: Ending | None


class Sum(Fact):
    """Counts invoices of one currency and sums them; `total` is left out where all of them are open."""

    currency: str
    count: int
    total: Decimal | None
    open: Decimal


class Choices(Fact):
    """Lists what can be chosen: creditors with their names, policies, steps."""

    creditors: dict[str, str]
    policies: tuple[str, ...]
    steps: tuple[str, ...]


SORTS: Mapping[str, sa.ColumnElement[Any]] = {
    "due": invoices.c.due_date,
    "number": invoices.c.number,
    "customer": debtors.c.name,
    "total": in_cents(invoices.c.total),
    "open": in_cents(invoices.c.open),
    "next": invoices.c.next_at,
}
"""What a list of invoices can be sorted by; `-due` sorts the other way."""

_OWNER = sa.and_(debtors.c.creditor == invoices.c.creditor, debtors.c.id == invoices.c.debtor)


def money(cents: Any) -> Decimal:
    """Makes an amount of a sum of cents."""
    return Decimal(int(cents or 0)).scaleb(-2)


def _order(sort: str) -> list[sa.ColumnElement[Any]]:
    column = SORTS.get(sort.removeprefix("-"), SORTS["due"])
    by = column.desc() if sort.startswith("-") else column.asc()
    # Spelled out where it matters, because the two databases place what is unknown at different ends.
    unknown = [column.is_(None)] if column is invoices.c.next_at else []
    return [*unknown, by, invoices.c.creditor, invoices.c.number]


async def invoice_sums(conn: AsyncConnection, sought: Sought, where: Asked) -> list[Sum]:
    """Counts and sums the invoices sought, by currency."""
    # What open invoices owe is summed from an index alone; their totals would need every row.
    whole = sought.state in {None, State.CLOSED}
    total = sa.func.sum(in_cents(invoices.c.total)) if whole else sa.null()
    query = (
        sa.select(
            invoices.c.currency,
            sa.func.count().label("count"),
            total.label("total"),
            sa.func.sum(in_cents(invoices.c.open)).label("open"),
        )
        .where(*conditions(sought, where))
        .group_by(invoices.c.currency)
    )
    found = [
        Sum(
            currency=row.currency,
            count=row._mapping["count"],  # noqa: SLF001 - a row's own `count` is a method
            total=money(row.total) if whole else None,
            open=money(row.open),
        )
        for row in await conn.execute(query)
    ]
    return sorted(found, key=lambda one: (-one.count, one.currency))


async def invoice_keys(
    conn: AsyncConnection, sought: Sought, where: Asked, *, sort: str, limit: int | None, offset: int = 0
) -> list[tuple[str, str]]:
    """Lists the keys (creditor, number) of the invoices sought, in order."""
    query = (
        sa.select(invoices.c.creditor, invoices.c.number)
        .select_from(invoices.join(debtors, _OWNER) if "customer" in sort else invoices)
        .where(*conditions(sought, where))
        .order_by(*_order(sort))
    )
    rows = await conn.execute(query.limit(limit).offset(offset))
    return [(row.creditor, row.number) for row in rows]


async def invoice_lines(conn: AsyncConnection, keys: list[tuple[str, str]]) -> list[InvoiceLine]:
    """Reads the lines of invoices, in the order of their keys."""
    if not keys:
        return []
    which = among(keys, invoices.c.creditor, invoices.c.number)
    query = sa.select(
        *(invoices.c[name] for name in InvoiceLine.model_fields if name in invoices.c),
        debtors.c.name.label("debtor_name"),
    ).join(debtors, _OWNER)
    known = {(row.creditor, row.number): row for row in await conn.execute(query.where(which))}
    return [
        InvoiceLine.model_validate({name: getattr(known[key], name) for name in InvoiceLine.model_fields})
        for key in keys
        if key in known
    ]


async def marks(
    conn: AsyncConnection, lines: Iterable[InvoiceLine], where: Asked
) -> dict[tuple[str, str], set[State]]:
    """Tells which of some open invoices are held, disputed or promised."""
    still = {(one.creditor, one.number): one.debtor for one in lines if one.ending is None}
    accounts = {(creditor, debtor) for (creditor, _), debtor in still.items()}
    found: dict[tuple[str, str], set[State]] = {key: set() for key in still}
    of = among(accounts, agreements.c.creditor, agreements.c.debtor)
    agreed = sa.select(agreements).where(of, agreements.c.ended_on.is_(None))
    for row in await conn.execute(agreed):
        dispute = row.kind == "dispute"
        if dispute or row.standing in UNDER_WAY:
            for number in row.facts["invoices"]:
                if (row.creditor, number) in found:
                    found[row.creditor, number].add(State.DISPUTED if dispute else State.PROMISED)
    owners = {creditor for creditor, _ in accounts}
    whose = among(accounts, holds.c.creditor, holds.c.debtor) | (
        holds.c.creditor.in_(owners) & holds.c.debtor.is_(None)
    )
    for row in await conn.execute(sa.select(holds).where(whose, holds.c.lifted_on.is_(None))):
        hold = Hold.model_validate(row.facts)
        for (creditor, number), debtor in still.items():
            theirs = creditor == row.creditor and row.debtor in {None, debtor}
            if theirs and hold.covers(number, where.today[creditor]):
                found[creditor, number].add(State.HELD)
    return found


async def all_lines(
    conn: AsyncConnection, sought: Sought, where: Asked, sort: str
) -> AsyncIterator[list[InvoiceLine]]:
    """Reads every invoice sought, some hundred at a time."""
    keys = await invoice_keys(conn, sought, where, sort=sort, limit=None)
    for start in range(0, len(keys), AT_ONCE):
        yield await invoice_lines(conn, keys[start : start + AT_ONCE])


async def choices(conn: AsyncConnection, seen: Seen) -> Choices:
    """Reads what a list can be narrowed by."""
    names = sa.select(creditors.c.id, creditors.c.facts["legal_name"].as_string().label("name"))
    if seen is not None:
        names = names.where(creditors.c.id.in_(seen))
    stored = (await conn.execute(sa.select(policies.c.id, policies.c.source).order_by(policies.c.id))).all()
    return Choices(
        creditors={row.id: row.name for row in await conn.execute(names.order_by(creditors.c.id))},
        policies=tuple(dict.fromkeys(row.id for row in stored)),
        steps=tuple(dict.fromkeys(step["key"] for row in stored for step in row.source["steps"])),
    )
