"""An account as the rules see it, read from the record.

In: loading the account of one debtor at its present revision, with or without its lock.
Not in: changing it (book.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account, Case, Contacted, Underway
from domain.actions import NextAction, StepTaken
from domain.agreements import Hold
from domain.faults import NotFound
from domain.receivable import Allocation, CreditNote, Creditor, Debtor, Invoice, Payment
from ledger import switches
from ledger.schema import (
    allocations,
    credit_notes,
    creditors,
    debtors,
    holds,
    invoices,
    messages,
    payments,
    steps,
)

LEFT = ("sent", "voided")
"""States of a message that reached the debtor: voiding one later does not unsend it."""

UNDERWAY = ("reserved", "handing_over", "ambiguous")
"""States of a message that may reach the debtor, or may have."""


class Stored(NamedTuple):
    """Remembers what an invoice's row says of its plan and its balance."""

    next: NextAction | None
    open: Any
    net: Any
    version: int


class Loaded(NamedTuple):
    """Holds an account, the head of its journal, and its rows' plans by number."""

    account: Account
    head: str
    stored: dict[str, Stored]


async def load(conn: AsyncConnection, creditor: str, debtor: str, *, lock: bool = False) -> Loaded:
    """Loads an account; `lock` keeps every other writer out until the transaction ends.

    Raises NotFound for an unknown creditor or debtor.
    """
    query = sa.select(debtors).where(debtors.c.creditor == creditor, debtors.c.id == debtor)
    # The lock comes first: what is read after it cannot change any more.
    row = (await conn.execute(query.with_for_update() if lock else query)).one_or_none()
    # Shared, so that a feed of payments commits before this account is read or finds what it decided.
    owned = sa.select(creditors).where(creditors.c.id == creditor)
    owner = (await conn.execute(owned.with_for_update(read=True) if lock else owned)).one_or_none()
    if owner is None:
        msg = f"no creditor {creditor!r}; register it first"
        raise NotFound(msg)
    if row is None:
        msg = f"no debtor {debtor!r} of creditor {creditor!r}; register it first"
        raise NotFound(msg)
    of = {"creditor": creditor, "debtor": debtor}
    rows = await _all(conn, sa.select(invoices).filter_by(**of).order_by(invoices.c.number))
    taken = await _taken(conn, creditor, debtor)
    account = Account(
        creditor=Creditor.model_validate(owner.facts),
        debtor=Debtor.model_validate(row.facts),
        cases=tuple(_case(one, tuple(taken[one.number])) for one in rows),
        credit_notes=await _credit_notes(conn, of),
        payments=await _payments(conn, creditor, debtor),
        holds=await _holds(conn, creditor, debtor),
        contacts=await _contacts(conn, of),
        underway=await _underway(conn, of),
        payments_as_of=owner.payments_as_of,
        stops=tuple(await switches.stopped(conn, creditor)),
        revision=row.revision,
    )
    stored = {
        one.number: Stored(
            NextAction.model_validate(one.next) if one.next is not None else None,
            one.open,
            one.net,
            one.version,
        )
        for one in rows
    }
    return Loaded(account, row.journal_head, stored)


async def _all(conn: AsyncConnection, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    rows: Sequence[sa.Row[Any]] = (await conn.execute(query)).all()
    return rows


def _case(row: sa.Row[Any], taken: tuple[StepTaken, ...]) -> Case:
    return Case(
        invoice=Invoice.model_validate(row.facts),
        policy=row.policy,
        cycle=row.cycle,
        taken=taken,
        approved=tuple(row.approved),
        hurried=row.hurried,
        postponed_to=row.postponed_to,
        blocked=row.blocked,
        ending=row.ending,
    )


async def _taken(conn: AsyncConnection, creditor: str, debtor: str) -> dict[str, list[StepTaken]]:
    query = (
        sa.select(steps)
        .join(invoices, (invoices.c.creditor == steps.c.creditor) & (invoices.c.number == steps.c.invoice))
        .where(invoices.c.creditor == creditor, invoices.c.debtor == debtor)
        .order_by(steps.c.invoice, steps.c.cycle, steps.c.day, steps.c.step, steps.c.void.desc())
    )
    found: dict[str, list[StepTaken]] = defaultdict(list)
    for row in await _all(conn, query):
        found[row.invoice].append(
            StepTaken(
                step=row.step,
                cycle=row.cycle,
                outcome=row.outcome,
                day=row.day,
                deadline=row.deadline,
                message=row.message,
                late_days=row.late_days,
            )
        )
    return found


async def _credit_notes(conn: AsyncConnection, of: dict[str, str]) -> tuple[CreditNote, ...]:
    rows = await _all(conn, sa.select(credit_notes).filter_by(**of).order_by(credit_notes.c.number))
    return tuple(CreditNote.model_validate(row.facts | {"cancelled": row.cancelled}) for row in rows)


async def _payments(conn: AsyncConnection, creditor: str, debtor: str) -> tuple[Payment, ...]:
    key = (allocations.c.creditor == payments.c.creditor) & (allocations.c.reference == payments.c.reference)
    of = (payments.c.creditor == creditor, payments.c.debtor == debtor)
    parts: dict[str, list[Allocation]] = defaultdict(list)
    query = sa.select(allocations).join(payments, key).where(*of)
    for row in await _all(conn, query.order_by(allocations.c.reference, allocations.c.position)):
        parts[row.reference].append(Allocation(invoice=row.invoice, amount=row.amount))
    rows = await _all(conn, sa.select(payments).where(*of).order_by(payments.c.reference))
    return tuple(
        Payment(
            creditor=row.creditor,
            reference=row.reference,
            debtor=row.debtor,
            received_on=row.received_on,
            currency=row.currency,
            amount=row.amount,
            allocations=tuple(parts[row.reference]),
            recorded_at=row.recorded_at,
            reversed=row.reversed,
        )
        for row in rows
    )


async def _holds(conn: AsyncConnection, creditor: str, debtor: str) -> tuple[Hold, ...]:
    of = (holds.c.creditor == creditor, (holds.c.debtor == debtor) | holds.c.debtor.is_(None))
    rows = await _all(conn, sa.select(holds).where(*of).order_by(holds.c.id))
    return tuple(Hold.model_validate(row.facts | {"lifted_on": row.lifted_on}) for row in rows)


async def _contacts(conn: AsyncConnection, of: dict[str, str]) -> tuple[Contacted, ...]:
    left = messages.c.state.in_(LEFT)
    rows = await _all(
        conn, sa.select(messages).filter_by(**of).where(left).order_by(messages.c.sent_at, messages.c.id)
    )
    return tuple(
        Contacted(
            message=row.id,
            day=row.day,
            at=row.sent_at,
            channel=row.channel,
            tone=row.tone,
            wording=row.wording,
            invoices=tuple(row.invoices),
            overdue=row.overdue,
        )
        for row in rows
    )


async def _underway(conn: AsyncConnection, of: dict[str, str]) -> tuple[Underway, ...]:
    of_states = messages.c.state.in_(UNDERWAY)
    rows = await _all(
        conn,
        sa.select(messages.c.id, messages.c.day).filter_by(**of).where(of_states).order_by(messages.c.id),
    )
    return tuple(Underway(message=row.id, day=row.day) for row in rows)


async def debtor_of(conn: AsyncConnection, creditor: str, number: str) -> str:
    """Finds whose account an invoice is on; raises NotFound for an unknown invoice."""
    query = sa.select(invoices.c.debtor).where(invoices.c.creditor == creditor, invoices.c.number == number)
    debtor: str | None = (await conn.execute(query)).scalar_one_or_none()
    if debtor is None:
        msg = f"creditor {creditor!r} has no invoice {number!r}"
        raise NotFound(msg)
    return debtor
