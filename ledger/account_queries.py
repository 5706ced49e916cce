"""The statements that read an account, made once: making one anew costs more than SQLite takes to run it.

In: what is read of the account of one debtor, by the parameters of_creditor and of_debtor.
Not in: what is made of the rows (accounts.py).
"""

import sqlalchemy as sa

from ledger.schema import (
    agreements,
    allocations,
    bank_accounts,
    credit_notes,
    creditors,
    debtors,
    holds,
    invoices,
    messages,
    payments,
    steps,
    switches,
    tasks,
)

LEFT = ("sent", "voided")
"""States of a message that reached the debtor: voiding one later does not unsend it."""

UNDERWAY = ("reserved", "handing_over", "ambiguous")
"""States of a message that may reach the debtor, or may have."""

CREDITOR_ID = sa.bindparam("of_creditor", type_=sa.String)
DEBTOR_ID = sa.bindparam("of_debtor", type_=sa.String)


def _plain(column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Orders by a column's value rather than along its index.

    SQLite keeps no statistics of its own accord: to have a debtor's little in order, it would walk through
    everything that the creditor has.
    """
    return column + sa.literal_column("''", sa.String)


def _of(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.creditor == CREDITOR_ID, table.c.debtor == DEBTOR_ID)


DEBTOR = sa.select(debtors.c.facts, debtors.c.revision, debtors.c.journal_head).where(
    debtors.c.creditor == CREDITOR_ID, debtors.c.id == DEBTOR_ID
)
DEBTOR_LOCKED = DEBTOR.with_for_update()

CREDITOR = sa.select(creditors.c.facts, creditors.c.journal_head, creditors.c.payments_as_of).where(
    creditors.c.id == CREDITOR_ID
)
CREDITOR_LOCKED = CREDITOR.with_for_update(read=True)

DEBTOR_OF = sa.select(invoices.c.debtor).where(
    invoices.c.creditor == CREDITOR_ID, invoices.c.number == sa.bindparam("of_number", type_=sa.String)
)

_HELD = sa.and_(
    holds.c.creditor == CREDITOR_ID, sa.or_(holds.c.debtor == DEBTOR_ID, holds.c.debtor.is_(None))
)
_OF_STEPS = sa.and_(
    steps.c.creditor == CREDITOR_ID, steps.c.invoice.in_(sa.select(invoices.c.number).where(_of(invoices)))
)
_OF_ALLOCATIONS = sa.and_(
    allocations.c.creditor == CREDITOR_ID,
    allocations.c.reference.in_(sa.select(payments.c.reference).where(_of(payments))),
)

PRESENT = sa.select(
    sa.exists().where((switches.c.creditor == "") | (switches.c.creditor == CREDITOR_ID)).label("stops"),
    sa.exists().where(_HELD).label("holds"),
    sa.exists().where(_of(agreements)).label("agreements"),
    sa.exists().where(_of(credit_notes)).label("credit_notes"),
    sa.exists().where(_of(payments)).label("payments"),
    sa.exists().where(_of(messages)).label("messages"),
    sa.exists().where(_OF_STEPS).label("steps"),
    sa.exists().where(_of(tasks), tasks.c.closed_at.is_(None)).label("tasks"),
)
"""Tells which small things an account has: most have none of most of them, and need not be asked twice."""

PLANS = (
    sa.select(invoices.c.number, invoices.c.next, invoices.c.open, invoices.c.net, invoices.c.version)
    .where(_of(invoices))
    .order_by(_plain(invoices.c.number))
)
INVOICES = PLANS.add_columns(
    invoices.c.facts,
    invoices.c.policy,
    invoices.c.cycle,
    invoices.c.approved,
    invoices.c.hurried,
    invoices.c.postponed_to,
    invoices.c.blocked,
    invoices.c.ending,
)
STEPS = (
    sa.select(
        steps.c.invoice,
        steps.c.step,
        steps.c.cycle,
        steps.c.outcome,
        steps.c.day,
        steps.c.deadline,
        steps.c.message,
        steps.c.late_days,
    )
    .where(_OF_STEPS)
    .order_by(_plain(steps.c.invoice), steps.c.cycle, steps.c.day, steps.c.step, steps.c.void.desc())
)
CREDIT_NOTES = (
    sa.select(credit_notes.c.facts, credit_notes.c.cancelled)
    .where(_of(credit_notes))
    .order_by(_plain(credit_notes.c.number))
)
PAYMENTS = (
    sa.select(*(column for column in payments.c if column.name != "stated"))
    .where(_of(payments))
    .order_by(_plain(payments.c.reference))
)
ALLOCATIONS = (
    sa.select(
        allocations.c.reference,
        allocations.c.invoice,
        allocations.c.amount,
        allocations.c.allowed,
        allocations.c.allowance,
    )
    .where(_OF_ALLOCATIONS)
    .order_by(_plain(allocations.c.reference), allocations.c.position)
)
AGREEMENTS = (
    sa.select(agreements.c.facts, agreements.c.approved, agreements.c.ended_on, agreements.c.ended_how)
    .where(_of(agreements))
    .order_by(_plain(agreements.c.id))
)
BOOKED_TO = sa.select(bank_accounts.c.account, bank_accounts.c.booked_to).where(
    bank_accounts.c.creditor == CREDITOR_ID
)
HOLDS = sa.select(holds.c.facts, holds.c.lifted_on).where(_HELD).order_by(holds.c.id)
MESSAGES = sa.select(
    messages.c.id,
    messages.c.state,
    messages.c.day,
    messages.c.sent_at,
    messages.c.channel,
    messages.c.tone,
    messages.c.wording,
    messages.c.invoices,
    messages.c.overdue,
).where(_of(messages), messages.c.state.in_(LEFT + UNDERWAY))
"""Not what they said: that is long, and grows with the account."""
