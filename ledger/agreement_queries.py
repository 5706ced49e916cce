"""Agreements looked up across accounts.

In: whose an agreement is, which accounts have any, which ones time has overtaken.
Not in: the agreements of one account, which come with it (accounts.py), and changing them (agreements.py).
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import AGREEMENT, Agreement
from domain.concluding import UNDER_WAY, turns
from domain.faults import InputRefused, NotFound
from domain.receivable import Creditor
from ledger.schema import agreements, creditors, invoices

OF_ITS_OWN = {"approved", "ended_on", "ended_how"}
"""What has a column of its own, beside the facts."""


def read(row: sa.Row[Any]) -> Agreement:
    """Reads an agreement from its row."""
    return AGREEMENT.validate_python(row.facts | {name: getattr(row, name) for name in OF_ITS_OWN})


async def whose(conn: AsyncConnection, name: str, creditor: str | None = None) -> tuple[str, str]:
    """Finds the account (creditor, debtor) of an agreement, also of one that was divided into parts.

    Raises NotFound, and InputRefused where several creditors have one of that id and none is named.
    """
    either = (agreements.c.id == name) | agreements.c.id.startswith(f"{name}/", autoescape=True)
    query = sa.select(agreements.c.creditor, agreements.c.debtor).where(either).distinct()
    if creditor is not None:
        query = query.where(agreements.c.creditor == creditor)
    found = (await conn.execute(query.order_by(agreements.c.creditor))).all()
    if not found:
        msg = f"no agreement {name!r}" + (f" of creditor {creditor!r}" if creditor else "")
        raise NotFound(msg)
    if len(found) > 1:
        names = ", ".join(row.creditor for row in found)
        remedy = f"several creditors have an agreement {name}: name one of {names}"
        raise InputRefused(field="creditor", value=None, remedy=remedy)
    return found[0].creditor, found[0].debtor


async def parts(conn: AsyncConnection, creditor: str, name: str) -> list[tuple[str, str]]:
    """Lists the (id, debtor) of an agreement: itself, or its parts by maturity, `name/1`, `name/2`..."""
    either = (agreements.c.id == name) | agreements.c.id.startswith(f"{name}/", autoescape=True)
    query = sa.select(agreements.c.id, agreements.c.debtor).where(agreements.c.creditor == creditor, either)
    rows = (await conn.execute(query.order_by(agreements.c.id))).all()
    exact = [(row.id, row.debtor) for row in rows if row.id == name]
    return exact or [(row.id, row.debtor) for row in rows if row.id.removeprefix(f"{name}/").isdecimal()]


async def accounts_with(
    conn: AsyncConnection, creditor: str | None = None, debtor: str | None = None
) -> list[tuple[str, str]]:
    """Lists the accounts (creditor, debtor) that have an agreement."""
    query = sa.select(agreements.c.creditor, agreements.c.debtor).distinct()
    for column, value in ((agreements.c.creditor, creditor), (agreements.c.debtor, debtor)):
        query = query if value is None else query.where(column == value)
    rows = await conn.execute(query.order_by(agreements.c.creditor, agreements.c.debtor))
    return [(row.creditor, row.debtor) for row in rows]


async def overtaken(conn: AsyncConnection, now: datetime) -> list[tuple[str, str]]:
    """Lists the accounts with an agreement that was noted as under way, and one of whose days has passed.

    Settling such an account notes what became of it, also where no step of its runs is near.
    """
    query: sa.Select[Any] = (
        sa.select(agreements, creditors.c.facts.label("owner"))
        .join(creditors, creditors.c.id == agreements.c.creditor)
        .where(agreements.c.standing.in_([one.value for one in UNDER_WAY]))
        .order_by(agreements.c.creditor, agreements.c.debtor)
    )
    found: dict[tuple[str, str], None] = {}
    for row in await conn.execute(query):
        owner = Creditor.model_validate(row.owner)
        today = now.astimezone(ZoneInfo(owner.time_zone)).date()
        if any(day < today for day in turns(read(row), owner.grace_days)):
            found[row.creditor, row.debtor] = None
    return list(found)


async def accounts_of(
    conn: AsyncConnection, number: str, creditor: str | None = None
) -> list[tuple[str, str]]:
    """Lists the accounts with an invoice, or a document of several maturities, of that number."""
    either = (invoices.c.number == number) | (invoices.c.document == number)
    query = sa.select(invoices.c.creditor, invoices.c.debtor).where(either).distinct()
    if creditor is not None:
        query = query.where(invoices.c.creditor == creditor)
    rows = await conn.execute(query.order_by(invoices.c.creditor, invoices.c.debtor))
    return [(row.creditor, row.debtor) for row in rows]
