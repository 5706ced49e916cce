"""Customers found by what people know of them, and the money of theirs that no invoice has got.

In: queries that only read, narrowed to the creditors that somebody may see (None: all).
Not in: bank entries (payments.py), giving the money to invoices (book.py).
"""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Amount, Fact
from domain.faults import NotFound
from ledger.columns import in_cents
from ledger.schema import allocations, debtors, invoices, payments
from ledger.views.payments import Seen, narrowed


class Customer(Fact):
    """Names a customer of a creditor."""

    creditor: str
    id: str
    name: str


async def customers(conn: AsyncConnection, creditor: str, text: str, limit: int) -> list[Customer]:
    """Finds customers by their name, their id, or the number of an invoice of theirs."""
    by_number = sa.select(invoices.c.debtor).where(
        invoices.c.creditor == creditor, invoices.c.number.istartswith(text, autoescape=True)
    )
    either = (
        debtors.c.name.icontains(text, autoescape=True),
        debtors.c.id == text,
        debtors.c.id.in_(by_number.limit(limit)),
    )
    query = sa.select(debtors.c.creditor, debtors.c.id, debtors.c.name).where(
        debtors.c.creditor == creditor, sa.or_(*either)
    )
    rows = await conn.execute(query.order_by(debtors.c.name).limit(limit))
    return [Customer.model_validate(row._asdict()) for row in rows]


async def payer(conn: AsyncConnection, creditor: str, reference: str) -> str:
    """Names the customer whose payment has a reference; raises NotFound."""
    columns = payments.c
    query = sa.select(columns.debtor).where(columns.creditor == creditor, columns.reference == reference)
    name: str | None = (await conn.execute(query)).scalar_one_or_none()
    if name is None:
        msg = f"no payment {reference!r}"
        raise NotFound(msg)
    return name


class Unused(Fact):
    """States money of a customer that no invoice has got yet."""

    creditor: str
    debtor: str
    name: str
    currency: str
    amount: Amount
    payments: int
    since: date


async def unused(conn: AsyncConnection, seen: Seen, *, limit: int) -> list[Unused]:
    """Lists the customers who have money that no invoice has got, the largest sums first."""
    columns = payments.c
    given = (
        sa.select(sa.func.sum(in_cents(allocations.c.amount)))
        .where(allocations.c.creditor == columns.creditor, allocations.c.reference == columns.reference)
        .scalar_subquery()
    )
    free = (in_cents(columns.amount) - sa.func.coalesce(given, 0)).label("free")
    each = sa.select(columns.creditor, columns.debtor, columns.currency, columns.received_on, free).where(
        columns.reversed.is_(False), narrowed(columns.creditor, seen)
    )
    left = each.subquery()
    total = sa.func.sum(left.c.free).label("cents")
    summed = (
        sa.select(
            *(left.c[name] for name in ("creditor", "debtor", "currency")),
            total,
            sa.func.count().label("payments"),
            sa.func.min(left.c.received_on).label("since"),
        )
        .where(left.c.free > 0)
        .group_by(left.c.creditor, left.c.debtor, left.c.currency)
        .order_by(total.desc())
        .limit(limit)
        .subquery()
    )
    whose = (debtors.c.creditor == summed.c.creditor) & (debtors.c.id == summed.c.debtor)
    query = sa.select(summed, debtors.c.name).join(debtors, whose).order_by(summed.c.cents.desc())
    return [
        Unused(
            creditor=row.creditor,
            debtor=row.debtor,
            name=row.name,
            currency=row.currency,
            amount=Decimal(int(row.cents)).scaleb(-2),
            payments=row.payments,
            since=row.since,
        )
        for row in await conn.execute(query)
    ]
