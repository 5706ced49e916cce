"""What may be sought in lists of invoices, and the conditions that follow.

In: filters, the states of an invoice as a list knows them, conditions on the tables.
Not in: the lists themselves (lists.py, debtors.py).
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.ageing import Age, due_dates
from domain.concluding import UNDER_WAY
from domain.fact import Amount, Currency, Fact, Key
from ledger.columns import in_cents
from ledger.schema import agreements, creditors, debtors, holds, invoices

Seen = tuple[str, ...] | None
"""The creditors that somebody may see; None for all."""


class State(StrEnum):
    """Names the states that a list of invoices can be narrowed to."""

    OPEN = "open"
    OVERDUE = "overdue"
    HELD = "held"
    DISPUTED = "disputed"
    PROMISED = "promised"
    APPROVAL = "approval"
    AMBIGUOUS = "ambiguous"
    CLOSED = "closed"


class Sought(Fact):
    """Says which invoices are wanted; everything given must hold. Amounts are of what is open."""

    q: str | None = Field(default=None, max_length=100)
    creditor: Key | None = None
    debtor: Key | None = None
    state: State | None = None
    age: Age | None = None
    next_step: str | None = Field(default=None, max_length=40)
    policy: str | None = Field(default=None, max_length=64)
    currency: Currency | None = None
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    due_from: date | None = None
    due_to: date | None = None


def among(
    keys: Collection[tuple[str, str]], creditor: sa.ColumnElement[str], name: sa.ColumnElement[str]
) -> sa.ColumnElement[bool]:
    """Finds rows by keys of a creditor and a name; each part stands alone too, or SQLite uses no index."""
    owners, names = {one for one, _ in keys}, {one for _, one in keys}
    return sa.and_(creditor.in_(owners), name.in_(names), sa.tuple_(creditor, name).in_(list(keys)))


async def days(conn: AsyncConnection, now: datetime) -> dict[str, date]:
    """Tells the civil day of each creditor."""
    zone = creditors.c.facts["time_zone"].as_string().label("zone")
    zones = await conn.execute(sa.select(creditors.c.id, zone))
    return {row.id: now.astimezone(ZoneInfo(row.zone)).date() for row in zones}


class Asked(NamedTuple):
    """Holds what the conditions of a list depend on beside what is sought."""

    seen: Seen
    today: Mapping[str, date]
    dialect: str


async def asked(conn: AsyncConnection, seen: Seen, now: datetime) -> Asked:
    """Reads what the conditions of a list depend on."""
    return Asked(seen, await days(conn, now), conn.dialect.name)


def _by_day(where: Asked, condition: Callable[[date], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """States a condition on each creditor's own day; nearly always all have the same."""
    apart = sorted(set(where.today.values()))
    if len(apart) == 1:
        return condition(apart[0])
    of = {day: [one for one, its in where.today.items() if its == day] for day in apart}
    return sa.or_(sa.false(), *(sa.and_(invoices.c.creditor.in_(of[day]), condition(day)) for day in apart))


def overdue(where: Asked) -> sa.ColumnElement[bool]:
    """Finds open invoices whose due date has passed."""
    late = _by_day(where, lambda day: invoices.c.due_date < day)
    return sa.and_(invoices.c.ending.is_(None), late)


def _held(where: Asked) -> sa.ColumnElement[bool]:
    def on(day: date) -> sa.ColumnElement[bool]:
        whose = sa.or_(holds.c.debtor == invoices.c.debtor, holds.c.debtor.is_(None))
        about = holds.c.facts["invoice"].as_string()
        return sa.exists().where(
            holds.c.creditor == invoices.c.creditor,
            whose,
            sa.or_(about == invoices.c.number, about.is_(None)),
            holds.c.lifted_on.is_(None),
            holds.c.facts["starts_on"].as_string() <= day.isoformat(),
            holds.c.facts["until"].as_string() >= day.isoformat(),
        )

    return sa.and_(invoices.c.ending.is_(None), _by_day(where, on))


def _agreed(where: Asked, *which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Finds the open invoices that an agreement names."""
    facts: Any = agreements.c.facts
    numbers = (
        sa.func.json_each(facts, "$.invoices")
        if where.dialect == "sqlite"
        else sa.func.json_array_elements_text(facts["invoices"])
    ).table_valued("value")
    named = sa.select(agreements.c.creditor, numbers.c.value).where(*which)
    named = named.select_from(agreements.join(numbers, sa.true()))
    key = sa.tuple_(invoices.c.creditor, invoices.c.number)
    return sa.and_(invoices.c.ending.is_(None), key.in_(named))


def _waits(rule: Rule) -> sa.ColumnElement[bool]:
    return sa.and_(invoices.c.ending.is_(None), invoices.c.next_rule == rule.value)


def _disputed(where: Asked) -> sa.ColumnElement[bool]:
    return _agreed(where, agreements.c.kind == "dispute", agreements.c.ended_on.is_(None))


def _promised(where: Asked) -> sa.ColumnElement[bool]:
    under_way = agreements.c.standing.in_([one.value for one in UNDER_WAY])
    return _agreed(where, agreements.c.kind != "dispute", under_way)


_STATES: Mapping[State, Callable[[Asked], sa.ColumnElement[bool]]] = {
    State.OPEN: lambda _where: invoices.c.ending.is_(None),
    State.CLOSED: lambda _where: invoices.c.ending.is_not(None),
    State.OVERDUE: overdue,
    State.HELD: _held,
    State.DISPUTED: _disputed,
    State.PROMISED: _promised,
    State.APPROVAL: lambda _where: _waits(Rule.APPROVAL),
    State.AMBIGUOUS: lambda _where: _waits(Rule.AMBIGUOUS),
}


def _aged(age: Age, where: Asked) -> sa.ColumnElement[bool]:
    def on(day: date) -> sa.ColumnElement[bool]:
        first, last = due_dates(age, day)
        bounds = [invoices.c.due_date >= first] if first is not None else []
        return sa.and_(*bounds, *([invoices.c.due_date <= last] if last is not None else []))

    return sa.and_(invoices.c.ending.is_(None), _by_day(where, on))


def conditions(sought: Sought, where: Asked) -> list[sa.ColumnElement[bool]]:
    """States what is sought as conditions on invoices and their debtors."""
    wanted: list[sa.ColumnElement[bool]] = []
    if where.seen is not None:
        wanted.append(invoices.c.creditor.in_(where.seen))
    if sought.state is not None:
        wanted.append(_STATES[sought.state](where))
    if sought.age is not None:
        wanted.append(_aged(sought.age, where))
    equal = {
        invoices.c.creditor: sought.creditor,
        invoices.c.debtor: sought.debtor,
        invoices.c.next_step: sought.next_step,
        invoices.c.currency: sought.currency,
    }
    wanted.extend(column == value for column, value in equal.items() if value is not None)
    if sought.policy is not None:
        exact = invoices.c.policy == sought.policy
        wanted.append(exact | invoices.c.policy.startswith(f"{sought.policy}@", autoescape=True))
    if sought.q is not None:
        named = sa.select(debtors.c.creditor, debtors.c.id).where(
            sa.or_(
                *(column.icontains(sought.q, autoescape=True) for column in (debtors.c.name, debtors.c.id))
            )
        )
        of = sa.tuple_(invoices.c.creditor, invoices.c.debtor)
        wanted.append(invoices.c.number.icontains(sought.q, autoescape=True) | of.in_(named))
    owed = in_cents(invoices.c.open)
    if sought.amount_from is not None:
        wanted.append(owed >= int(sought.amount_from.scaleb(2)))
    if sought.amount_to is not None:
        wanted.append(owed <= int(sought.amount_to.scaleb(2)))
    if sought.due_from is not None:
        wanted.append(invoices.c.due_date >= sought.due_from)
    if sought.due_to is not None:
        wanted.append(invoices.c.due_date <= sought.due_to)
    return wanted


def called(text: str) -> sa.ColumnElement[bool]:
    """Finds debtors by a part of their name or their id."""
    return sa.or_(*(column.icontains(text, autoescape=True) for column in (debtors.c.name, debtors.c.id)))
