"""The figures of the portfolio: what is owed, sold, collected, promised and waiting, each in one query.

In: sums by currency, narrowed to creditors, and the invoices behind a figure.
Not in: what is made of them (domain/dso.py, domain/ageing.py, domain/forecast.py).

Amounts are summed as whole cents. Every query reads from an index alone but for the promises, which are few.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.forecast import Awaiting, Due, Promised
from domain.standing import Standing
from ledger.columns import days_between, in_cents
from ledger.schema import agreements, allocations, credit_notes, debtors, invoices, payments, steps

Creditors = Sequence[str] | None
"""The creditors that a reading is narrowed to; None for all."""

GIVEN_AWAY = ("handed_off", "exhausted")
DONE = ("sent", "task", "handed_off")
LATEST = 1000
"""From how many payments, the latest, the average delay is taken."""

LISTED = 500


class Sum(NamedTuple):
    """States how many and how much."""

    cases: int
    amount: Decimal


class Collected(NamedTuple):
    """States what came in after a step; None where no step had been taken."""

    currency: str
    step: str | None
    times: int
    amount: Decimal


class Kept(NamedTuple):
    """States what was promised and became of it."""

    currency: str
    standing: Standing
    times: int
    amount: Decimal


class Line(NamedTuple):
    """Names an invoice behind a figure."""

    creditor: str
    number: str
    debtor: str
    debtor_name: str
    day: date
    currency: str
    amount: Decimal


def _amount(cents: int | None) -> Decimal:
    return Decimal(cents or 0).scaleb(-2)


def _of(column: sa.ColumnElement[Any], creditors: Creditors) -> list[sa.ColumnElement[bool]]:
    return [] if creditors is None else [column.in_(creditors)]


_TIMES = sa.func.count().label("times")
_I, _P, _A, _S = invoices.c, payments.c, allocations.c, steps.c


async def owed(conn: AsyncConnection, creditors: Creditors) -> list[Due]:
    """Sums what open cases owe by currency and due date."""
    query = (
        sa.select(_I.currency, _I.due_date, _TIMES, sa.func.sum(in_cents(_I.open)).label("cents"))
        .where(_I.ending.is_(None), *_of(_I.creditor, creditors))
        .group_by(_I.due_date, _I.currency)
    )
    rows = await conn.execute(query)
    return [Due(row.currency, row.due_date, row.times, _amount(row.cents)) for row in rows]


async def given_away(conn: AsyncConnection, creditors: Creditors) -> dict[str, Sum]:
    """Sums by currency what is owed of cases that ended without being paid: handed off, or exhausted."""
    query = (
        sa.select(_I.currency, _TIMES, sa.func.sum(in_cents(_I.open)).label("cents"))
        .where(_I.ending.in_(GIVEN_AWAY), in_cents(_I.open) > 0, *_of(_I.creditor, creditors))
        .group_by(_I.currency)
    )
    return {row.currency: Sum(row.times, _amount(row.cents)) for row in await conn.execute(query)}


async def given_away_lines(conn: AsyncConnection, creditors: Creditors, currency: str) -> list[Line]:
    """Lists the invoices that are owed though their cases ended, the oldest first."""
    query = (
        _named(sa.select().select_from(invoices))
        .add_columns(_I.due_date.label("day"), _I.currency, in_cents(_I.open).label("cents"))
        .where(
            _I.ending.in_(GIVEN_AWAY),
            in_cents(_I.open) > 0,
            _I.currency == currency,
            *_of(_I.creditor, creditors),
        )
        .order_by(_I.due_date, _I.number)
        .limit(LISTED)
    )
    return [_line(row) for row in await conn.execute(query)]


async def sold(
    conn: AsyncConnection, creditors: Creditors, since: date, until: date
) -> dict[str, dict[date, Decimal]]:
    """Sums by currency and day what was invoiced between two days, both inclusive, less credit notes."""
    invoiced = (
        sa.select(_I.currency, _I.issue_date, sa.func.sum(in_cents(_I.total)))
        .where(_I.issue_date.between(since, until), *_of(_I.creditor, creditors))
        .group_by(_I.issue_date, _I.currency)
    )
    note = credit_notes.c.facts
    currency, issued = note["currency"].as_string(), note["issue_date"].as_string()
    total = sa.cast(sa.func.replace(note["total"].as_string(), ".", ""), sa.BigInteger)
    credited = sa.select(currency, issued, total).where(
        issued.between(since.isoformat(), until.isoformat()),
        credit_notes.c.cancelled.is_(False),
        *_of(credit_notes.c.creditor, creditors),
    )
    found: dict[str, dict[date, Decimal]] = {}
    for money, day, cents in await conn.execute(invoiced):
        found.setdefault(money, {})[day] = _amount(cents)
    for money, written, cents in await conn.execute(credited):
        day, days = date.fromisoformat(written), found.setdefault(money, {})
        days[day] = days.get(day, Decimal(0)) - _amount(cents)
    return found


def _received(until: date, creditors: Creditors) -> sa.Select[Any]:
    """Selects the parts of payments that came up to a day and were not taken back."""
    whose = (allocations.c.creditor == _P.creditor) & (allocations.c.reference == _P.reference)
    return (
        sa.select()
        .select_from(payments.join(allocations, whose))
        .where(_P.received_on <= until, _P.reversed.is_(False), *_of(_P.creditor, creditors))
    )


_INVOICE = (_I.creditor == _A.creditor) & (_I.number == _A.invoice)


async def delays(conn: AsyncConnection, creditors: Creditors, today: date) -> dict[str, Decimal]:
    """Averages by currency how many days after its due date money came, weighted by amount, lately."""
    part = (
        _received(today, creditors)
        .add_columns(
            _P.currency,
            in_cents(_A.amount).label("cents"),
            days_between(_P.received_on, _I.due_date).label("days"),
        )
        .join(invoices, _INVOICE)
        .order_by(_P.received_on.desc())
        .limit(LATEST)
        .subquery()
    )
    query = sa.select(
        part.c.currency, sa.func.sum(part.c.cents * part.c.days), sa.func.sum(part.c.cents)
    ).group_by(part.c.currency)
    return {money: Decimal(int(days)) / int(cents) for money, days, cents in await conn.execute(query)}


_LAST_STEP = (
    sa.select(_S.step)
    .where(
        _S.creditor == _A.creditor,
        _S.invoice == _A.invoice,
        _S.day <= _P.received_on,
        _S.void == 0,
        _S.outcome.in_(DONE),
    )
    .order_by(_S.day.desc())
    .limit(1)
    .correlate(payments, allocations)
    .scalar_subquery()
)


async def collected(conn: AsyncConnection, creditors: Creditors, since: date, until: date) -> list[Collected]:
    """Sums the money of some days, both inclusive, by the last step that had been taken when it came."""
    step = _LAST_STEP.label("step")
    query = (
        _received(until, creditors)
        .add_columns(_P.currency, step, _TIMES, sa.func.sum(in_cents(_A.amount)).label("cents"))
        .where(_P.received_on >= since)
        .group_by(_P.currency, step)
    )
    rows = await conn.execute(query)
    return [Collected(row.currency, row.step, row.times, _amount(row.cents)) for row in rows]


async def collected_lines(
    conn: AsyncConnection, creditors: Creditors, since: date, until: date, currency: str, step: str | None
) -> list[Line]:
    """Lists the invoices whose money came after a step, the latest first."""
    query = (
        _named(_received(until, creditors).join(invoices, _INVOICE))
        .add_columns(_P.received_on.label("day"), _P.currency, in_cents(_A.amount).label("cents"))
        .where(_P.received_on >= since, _P.currency == currency, _LAST_STEP.is_not_distinct_from(step))
        .order_by(_P.received_on.desc(), _I.number)
        .limit(LISTED)
    )
    return [_line(row) for row in await conn.execute(query)]


def _named(query: sa.Select[Any]) -> sa.Select[Any]:
    whose = (debtors.c.creditor == _I.creditor) & (debtors.c.id == _I.debtor)
    return query.join(debtors, whose).add_columns(_I.creditor, _I.number, _I.debtor, debtors.c.name)


def _line(row: sa.Row[Any]) -> Line:
    day = date.fromisoformat(row.day) if isinstance(row.day, str) else row.day
    return Line(row.creditor, row.number, row.debtor, row.name, day, row.currency, _amount(row.cents))


# Promises: an agreement's currency is that of its first invoice.

_WORDS = ("promise", "plan")
_G = agreements.c
_FIRST = (_I.creditor == _G.creditor) & (_I.number == _G.facts["invoices"][0].as_string())
_MADE = _G.facts["made_on"].as_string()
_CENTS = sa.cast(
    sa.func.replace(
        sa.func.coalesce(_G.facts["amount"].as_string(), _G.facts["owed"].as_string(), "0.00"), ".", ""
    ),
    sa.BigInteger,
)


async def promises(conn: AsyncConnection, creditors: Creditors, since: date) -> list[Kept]:
    """Sums the promises and plans made since a day by what became of them."""
    query = (
        sa.select(_I.currency, _G.standing, _TIMES, sa.func.sum(_CENTS).label("cents"))
        .join(invoices, _FIRST)
        .where(_G.kind.in_(_WORDS), since.isoformat() <= _MADE, *_of(_G.creditor, creditors))
        .group_by(_I.currency, _G.standing)
    )
    rows = await conn.execute(query)
    return [Kept(row.currency, Standing(row.standing), row.times, _amount(row.cents)) for row in rows]


async def promise_lines(
    conn: AsyncConnection, creditors: Creditors, since: date, currency: str, standing: Standing
) -> list[Line]:
    """Lists the first invoice of each promise or plan that stands so, the latest first."""
    query = (
        _named(sa.select().select_from(agreements).join(invoices, _FIRST))
        .add_columns(_MADE.label("day"), _I.currency, _CENTS.label("cents"))
        .where(
            _G.kind.in_(_WORDS),
            since.isoformat() <= _MADE,
            _G.standing == standing.value,
            _I.currency == currency,
            *_of(_G.creditor, creditors),
        )
        .order_by(sa.text("day DESC"), _I.number)
        .limit(LISTED)
    )
    return [_line(row) for row in await conn.execute(query)]


async def promised(conn: AsyncConnection, creditors: Creditors, today: date) -> list[Promised]:
    """Lists what running promises and plans say will come, each instalment to come by itself."""
    query = (
        sa.select(_I.currency, _I.due_date, _G.facts, _CENTS.label("cents"))
        .join(invoices, _FIRST)
        .where(_G.kind.in_(_WORDS), _G.standing == Standing.RUNNING.value, *_of(_G.creditor, creditors))
    )
    found = []
    for row in await conn.execute(query):
        parts = [(row.facts["pay_by"], _amount(row.cents))] if "pay_by" in row.facts else []
        parts += [
            (part["pay_by"], Decimal(part["amount"]))
            for part in row.facts.get("instalments", ())
            if part["pay_by"] >= today.isoformat()
        ]
        found += [
            Promised(row.currency, date.fromisoformat(by), row.due_date, amount) for by, amount in parts
        ]
    return found


async def awaiting(
    conn: AsyncConnection, creditors: Creditors, midnights: Sequence[tuple[datetime, date]]
) -> list[Awaiting]:
    """Counts the cases whose next step is taken on one of some days, each given with the instant it ends.

    What should have been taken before counts for the first day.
    """
    day = sa.case(*((_I.next_at < end, turn) for turn, (end, _) in enumerate(midnights)))
    query = (
        sa.select(_I.creditor, _I.policy, _I.next_step, _I.due_date, day.label("turn"), _TIMES)
        .where(
            _I.ending.is_(None),
            _I.next_at < midnights[-1][0],
            _I.next_kind == "take",
            *_of(_I.creditor, creditors),
        )
        .group_by(_I.creditor, _I.policy, _I.next_step, _I.due_date, day)
    )
    rows = await conn.execute(query)
    return [
        Awaiting(row.creditor, row.policy, row.next_step, row.due_date, midnights[row.turn][1], row.times)
        for row in rows
    ]


async def awaiting_lines(
    conn: AsyncConnection,
    creditors: Creditors,
    between: tuple[datetime | None, datetime],
    taking: Sequence[tuple[str, str]],
) -> list[Line]:
    """Lists the cases whose next step, one of some (policy, step), is taken between two instants."""
    begin, end = between
    query = (
        _named(sa.select().select_from(invoices))
        .add_columns(_I.due_date.label("day"), _I.currency, in_cents(_I.net).label("cents"))
        .where(
            _I.ending.is_(None),
            _I.next_kind == "take",
            _I.next_at < end,
            *([] if begin is None else [_I.next_at >= begin]),
            sa.tuple_(_I.policy, _I.next_step).in_(taking),
            *_of(_I.creditor, creditors),
        )
        .order_by(_I.next_at, _I.number)
        .limit(LISTED)
    )
    return [_line(row) for row in await conn.execute(query)]
