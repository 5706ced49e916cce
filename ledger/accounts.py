"""An account as the rules see it, read from the record.

In: loading the account of one debtor at its present revision, with or without its lock; going on with one
    that a transaction before knew, where nobody wrote meanwhile.
Not in: changing it (book.py), and the statements themselves (account_queries.py).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account, Case, Contacted, Underway
from domain.actions import NextAction, StepTaken
from domain.agreements import Agreement, Hold, Stop
from domain.fact import ZERO
from domain.faults import NotFound
from domain.receivable import Allocation, CreditNote, Creditor, Debtor, Invoice, Payment
from ledger import account_queries as ask
from ledger import agreement_queries, switches

Query = sa.Select[Any] | sa.CompoundSelect[Any]


class Stored(NamedTuple):
    """Remembers what an invoice's row says of its plan and its balance."""

    next: NextAction | None
    open: Any
    net: Any
    version: int


class Loaded(NamedTuple):
    """Holds an account, the head of its journal, and its rows' plans by number.

    `owner_head` is that of the creditor's own journal; `has_tasks` tells whether a task is open.
    """

    account: Account
    head: str
    stored: dict[str, Stored]
    owner_head: str
    has_tasks: bool


async def load(
    conn: AsyncConnection, creditor: str, debtor: str, *, lock: bool = False, known: Loaded | None = None
) -> Loaded:
    """Loads an account; `lock` keeps every other writer out until the transaction ends.

    `known` is the same account as a transaction before left it, or found it: where nothing has been
    written on it since, nor on its creditor, its plans alone are read. Raises NotFound for an unknown
    creditor or debtor.
    """
    of = {"of_creditor": creditor, "of_debtor": debtor}
    # The lock comes first: what is read after it cannot change any more.
    row = (await conn.execute(ask.DEBTOR_LOCKED if lock else ask.DEBTOR, of)).one_or_none()
    # Shared, so that a feed of payments commits before this account is read or finds what it decided.
    owner = (await conn.execute(ask.CREDITOR_LOCKED if lock else ask.CREDITOR, of)).one_or_none()
    if owner is None:
        msg = f"no creditor {creditor!r}; register it first"
        raise NotFound(msg)
    if row is None:
        msg = f"no debtor {debtor!r} of creditor {creditor!r}; register it first"
        raise NotFound(msg)
    found = (await conn.execute(ask.PRESENT, of)).one()
    stops: tuple[Stop, ...] = tuple(await switches.stopped(conn, creditor)) if found.stops else ()
    if known is not None and lock and _is_current(known, row.journal_head, owner.journal_head, stops):
        return known._replace(stored=_stored(await _all(conn, ask.PLANS, of)), has_tasks=bool(found.tasks))
    whose = Creditor.model_validate(owner.facts)
    rows = await _all(conn, ask.INVOICES, of)
    taken = _taken(await _all(conn, ask.STEPS, of)) if found.steps else {}
    contacts, underway = _messages(await _all(conn, ask.MESSAGES, of)) if found.messages else ((), ())
    account = Account(
        creditor=whose,
        debtor=Debtor.model_validate(row.facts),
        cases=tuple(_case(one, tuple(taken.get(one.number, ()))) for one in rows),
        credit_notes=_credit_notes(await _all(conn, ask.CREDIT_NOTES, of)) if found.credit_notes else (),
        payments=await _payments(conn, of) if found.payments else (),
        holds=_holds(await _all(conn, ask.HOLDS, of)) if found.holds else (),
        agreements=_agreements(await _all(conn, ask.AGREEMENTS, of)) if found.agreements else (),
        contacts=contacts,
        underway=underway,
        payments_as_of=owner.payments_as_of,
        booked_to=_booked_to(whose, await _all(conn, ask.BOOKED_TO, of)) if whose.banks else {},
        stops=stops,
        revision=row.revision,
    )
    return Loaded(account, row.journal_head, _stored(rows), owner.journal_head, bool(found.tasks))


def _is_current(known: Loaded, head: str, owner_head: str, stops: tuple[Stop, ...]) -> bool:
    """Tells whether an account is as it was: whatever is written on it or its creditor leaves an entry.

    A hash is compared, not a revision: two transactions of which one was undone have the same revision.
    """
    # What is stopped for every creditor is in no creditor's journal.
    return (known.head, known.owner_head, known.account.stops) == (head, owner_head, stops)


async def _all(conn: AsyncConnection, query: Query, of: Mapping[str, str]) -> Sequence[sa.Row[Any]]:
    rows: Sequence[sa.Row[Any]] = (await conn.execute(query, of)).all()
    return rows


def _stored(rows: Sequence[sa.Row[Any]]) -> dict[str, Stored]:
    return {
        one.number: Stored(
            NextAction.model_validate(one.next) if one.next is not None else None,
            one.open,
            one.net,
            one.version,
        )
        for one in rows
    }


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


def _taken(rows: Sequence[sa.Row[Any]]) -> dict[str, list[StepTaken]]:
    found: dict[str, list[StepTaken]] = defaultdict(list)
    for row in rows:
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


def _credit_notes(rows: Sequence[sa.Row[Any]]) -> tuple[CreditNote, ...]:
    return tuple(CreditNote.model_validate(row.facts | {"cancelled": row.cancelled}) for row in rows)


async def _payments(conn: AsyncConnection, of: Mapping[str, str]) -> tuple[Payment, ...]:
    parts: dict[str, list[Allocation]] = defaultdict(list)
    for row in await _all(conn, ask.ALLOCATIONS, of):
        parts[row.reference].append(
            Allocation(
                invoice=row.invoice,
                amount=row.amount,
                allowed=row.allowed or ZERO,
                allowance=row.allowance,
            )
        )
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
        for row in await _all(conn, ask.PAYMENTS, of)
    )


def _holds(rows: Sequence[sa.Row[Any]]) -> tuple[Hold, ...]:
    return tuple(Hold.model_validate(row.facts | {"lifted_on": row.lifted_on}) for row in rows)


def _agreements(rows: Sequence[sa.Row[Any]]) -> tuple[Agreement, ...]:
    return tuple(agreement_queries.read(row) for row in rows)


def _booked_to(creditor: Creditor, rows: Sequence[sa.Row[Any]]) -> dict[str, date]:
    """Tells up to which day each bank source of a creditor is known; banks write accounts in groups."""
    known = {_bare(row.account): row.booked_to for row in rows}
    return {one.key: known[_bare(one.account)] for one in creditor.banks if _bare(one.account) in known}


def _bare(account: str) -> str:
    return "".join(account.split()).upper()


def _messages(rows: Sequence[sa.Row[Any]]) -> tuple[tuple[Contacted, ...], tuple[Underway, ...]]:
    """Tells the messages that left, in the order in which they did, from those that may have."""
    left = [
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
        if row.state in ask.LEFT
    ]
    underway = [Underway(message=row.id, day=row.day) for row in rows if row.state not in ask.LEFT]
    return (
        tuple(sorted(left, key=lambda one: (one.at, one.message))),
        tuple(sorted(underway, key=lambda one: one.message)),
    )


async def debtor_of(conn: AsyncConnection, creditor: str, number: str) -> str:
    """Finds whose account an invoice is on; raises NotFound for an unknown invoice."""
    of = {"of_creditor": creditor, "of_number": number}
    debtor: str | None = (await conn.execute(ask.DEBTOR_OF, of)).scalar_one_or_none()
    if debtor is None:
        msg = f"creditor {creditor!r} has no invoice {number!r}"
        raise NotFound(msg)
    return debtor
