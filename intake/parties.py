"""Creditors and debtors at the door, and how far payments are known.

In: what these facts change, on one account or on all of a creditor's.
Not in: their own fields (identity.py).
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.events import CreditorRegistered, DebtorRegistered, PaymentsKnown
from domain.faults import InputRefused
from domain.gate import staleness
from domain.receivable import Creditor, Debtor
from intake.admission import Admission, Status
from intake.visit import Visit
from intake.warnings import warnings
from ledger import parties
from ledger.book import Book
from ledger.schema import invoices


async def creditor_registered(visit: Visit, event: CreditorRegistered, author: str) -> Admission:
    """Registers a creditor or replaces what is known of it; its accounts are planned anew afterwards."""
    creditor = event.creditor
    check_policy(visit, "creditor.policy", creditor.policy)
    _check_banks(creditor)
    changed = await parties.put_creditor(visit.conn, creditor, visit.now, author)
    doubts = warnings(event, None, None) if changed else ()
    return Admission(
        status=Status.TAKEN if changed else Status.KNOWN,
        event=event.type,
        creditor=creditor.id,
        what=f"creditor {creditor.id} registered" if changed else f"creditor {creditor.id} was known",
        warnings=doubts,
    )


def _check_banks(creditor: Creditor) -> None:
    """Raises InputRefused where two bank sources have one key, or one account."""
    seen: set[str] = set()
    for place, source in enumerate(creditor.banks):
        account = "".join(source.account.split()).upper()
        for field, value in (("key", source.key), ("account", account)):
            if f"{field} {value}" in seen:
                path = f"creditor.banks.{place}.{field}"
                remedy = "is declared twice; declare each bank account once, under a key of its own"
                raise InputRefused(path, value, remedy)
            seen.add(f"{field} {value}")


async def debtor_registered(visit: Visit, event: DebtorRegistered, author: str) -> Admission:
    """Registers a debtor or replaces what is known of it; a new address may set its cases going again."""
    debtor = event.debtor
    await visit.creditor(debtor.creditor, "debtor.creditor")
    check_policy(visit, "debtor.policy", debtor.policy)
    if await parties.put_debtor(visit.conn, debtor, visit.now):
        return _taken(event, f"debtor {debtor.id} registered", None)
    book = await visit.book(debtor.creditor, debtor.id)
    before = book.account.debtor
    debtor = debtor.remembering(before)
    reached = _ways(debtor) - _ways(before)
    if not await book.put_debtor(debtor, author):
        what = f"debtor {debtor.id} was known"
        return Admission(status=Status.KNOWN, event=event.type, creditor=debtor.creditor, what=what)
    freed = await unblock(book, Rule.UNREACHABLE) if reached else ()
    await book.settle()
    what = f"debtor {debtor.id} revised"
    if freed:
        what += f"; {', '.join(freed)} can be reminded again"
    return _taken(event, what, before, freed)


def _taken(
    event: DebtorRegistered, what: str, before: Debtor | None, numbers: tuple[str, ...] = ()
) -> Admission:
    return Admission(
        status=Status.TAKEN,
        event=event.type,
        creditor=event.debtor.creditor,
        numbers=numbers,
        what=what,
        warnings=warnings(event, None, before),
    )


def _ways(debtor: Debtor) -> set[str]:
    """Lists the ways in which a debtor can be reached."""
    address = debtor.address.model_dump_json() if debtor.address else None
    return {*debtor.emails, *debtor.phones, *([address] if address else [])}


async def payments_known(visit: Visit, event: PaymentsKnown) -> Admission:
    """Records how far payments are known; the accounts that waited for it are planned anew afterwards."""
    await visit.creditor(event.creditor)
    if event.as_of > visit.now:
        raise InputRefused(
            field="as_of",
            value=event.as_of.isoformat(),
            remedy="lies in the future; give the moment of the last feed",
        )
    changed = await parties.payments_known(visit.conn, event.creditor, event.as_of, visit.now)
    moment = f"{event.as_of:%Y-%m-%d %H:%M%z}"
    return Admission(
        status=Status.TAKEN if changed else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        what=f"payments are known up to {moment}"
        if changed
        else f"payments were known up to {moment} or later",
    )


async def open_accounts(conn: AsyncConnection, creditor: str, waiting_for: Rule | None) -> list[str]:
    """Lists the debtors of a creditor that have an open case; only those that wait for a rule, if given."""
    columns = invoices.c
    query = sa.select(columns.debtor).where(columns.creditor == creditor, columns.ending.is_(None))
    if waiting_for is not None:
        query = query.where(columns.next_rule == waiting_for.value)
    return list((await conn.execute(query.distinct().order_by(columns.debtor))).scalars())


async def plan_anew(visit: Visit, creditor: str, debtor: str) -> None:
    """Plans one account anew after a fact about its creditor."""
    book = await visit.book(creditor, debtor)
    if staleness(book.account, visit.now) is None:
        await unblock(book, Rule.STALE)
    await book.settle()


async def unblock(book: Book, rule: Rule) -> tuple[str, ...]:
    """Lets the open cases go on that were blocked by a rule, and lists them."""
    blocked = [
        case.invoice.number
        for case in book.account.cases
        if case.ending is None and case.blocked is not None and case.blocked.rule is rule
    ]
    for number in blocked:
        await book.unblock(number)
    return tuple(blocked)


def check_policy(visit: Visit, field: str, policy: str | None) -> None:
    """Raises InputRefused for a policy that is not on offer."""
    if policy is not None and policy not in visit.catalogue:
        known = ", ".join(sorted(visit.catalogue)) or "none is loaded"
        raise InputRefused(field, policy, f"is not a known policy; use one of: {known}")
