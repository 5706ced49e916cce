"""What the pages of payments show: bank accounts and how fresh they are, entries, files.

In: queries that only read, narrowed to the creditors that somebody may see (None: all).
Not in: money without a use (unused.py), what an entry may be for (domain/candidates.py), answers (intake/).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from domain.faults import NotFound
from domain.gate import unseen_days
from domain.receivable import BankSource, Creditor
from ledger import bank
from ledger.bank import Kept, State
from ledger.columns import in_cents
from ledger.schema import (
    bank_accounts,
    bank_entries,
    creditors,
    journal,
)

Seen = tuple[str, ...] | None


def narrowed(column: sa.ColumnElement[Any], seen: Seen) -> sa.ColumnElement[bool]:
    """Keeps rows to the creditors that somebody may see."""
    return sa.true() if seen is None else column.in_(seen)


# Accounts


class Source(Fact):
    """States how far an account of a creditor is known; `behind` says that reminders wait for its file.

    An account without a declaration is known by its statements alone: it holds nothing up.
    """

    creditor: str
    creditor_name: str
    account: str
    declared: BankSource | None
    booked_to: date | None
    unseen: int | None

    @property
    def behind(self) -> bool:
        """Tells whether payments on the account count as known."""
        if self.declared is None:
            return False
        return self.unseen is None or self.unseen > self.declared.fresh_within_days


async def sources(conn: AsyncConnection, whose: Iterable[Creditor], today: date) -> list[Source]:
    """Lists the accounts that are declared, or that files told of; those that are behind come first."""
    owners = {one.id: one for one in whose}
    query = sa.select(bank_accounts.c.creditor, bank_accounts.c.account, bank_accounts.c.booked_to)
    known: dict[str, dict[str, date]] = {name: {} for name in owners}
    for row in await conn.execute(query.where(bank_accounts.c.creditor.in_(list(owners)))):
        known[row.creditor][row.account] = row.booked_to
    found = [one for name, owner in owners.items() for one in _sources(owner, known[name], today)]
    return sorted(found, key=lambda one: not one.behind)


def _sources(creditor: Creditor, known: dict[str, date], today: date) -> list[Source]:
    declared = {"".join(one.account.split()).upper(): one for one in creditor.banks}
    return [
        Source(
            creditor=creditor.id,
            creditor_name=creditor.legal_name,
            account=account,
            declared=declared.get(account),
            booked_to=known.get(account),
            unseen=unseen_days(creditor, known[account], today) if account in known else None,
        )
        for account in dict.fromkeys((*declared, *known))
    ]


# Entries


class Wanted(Fact):
    """Narrows a list of entries; every part given must hold."""

    state: State | None = None
    text: str | None = None
    account: str | None = None
    since: date | None = None
    until: date | None = None


class Page(Fact):
    """Holds a part of a list of entries; `more` says that others follow."""

    entries: tuple[Kept, ...]
    more: bool


async def counted(conn: AsyncConnection, seen: Seen) -> dict[State, int]:
    """Counts entries by what became of them."""
    columns = bank_entries.c
    query = sa.select(columns.state, sa.func.count().label("entries")).where(narrowed(columns.creditor, seen))
    rows = await conn.execute(query.group_by(columns.state))
    return {State(row.state): row.entries for row in rows}


async def entries(conn: AsyncConnection, seen: Seen, wanted: Wanted, *, page: int, size: int) -> Page:
    """Lists entries, the latest first; those that wait are listed with the largest sums first."""
    columns = bank_entries.c
    # Only the keys are sorted: an entry's facts are long.
    keys = sa.select(columns.creditor, columns.id).where(
        narrowed(columns.creditor, seen), *_conditions(wanted)
    )
    keys = keys.order_by(*_order(wanted)).limit(size + 1).offset(page * size)
    found = (await conn.execute(keys)).all()
    shown = await _read(conn, [(row.creditor, row.id) for row in found[:size]])
    return Page(entries=tuple(shown), more=len(found) > size)


def _order(wanted: Wanted) -> tuple[sa.ColumnElement[Any], ...]:
    columns = bank_entries.c
    latest = (columns.booked_on.desc(), columns.id)
    if wanted.state is State.ASKED:
        return (sa.func.abs(in_cents(columns.amount)).desc(), *latest)
    return latest


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    columns = bank_entries.c
    found: list[sa.ColumnElement[bool]] = []
    if wanted.state is not None:
        found.append(columns.state == wanted.state.value)
    if wanted.account is not None:
        found.append(columns.account == wanted.account)
    if wanted.since is not None:
        found.append(columns.booked_on >= wanted.since)
    if wanted.until is not None:
        found.append(columns.booked_on <= wanted.until)
    if wanted.text is not None:
        found.append(sa.or_(*_saying(wanted.text)))
    return found


def _saying(text: str) -> list[sa.ColumnElement[bool]]:
    """Finds a text in what the bank told of an entry, or its amount however it is written."""
    columns = bank_entries.c
    told = [
        columns.facts[("entry", name)].as_string() for name in ("payer", "text", "references", "documents")
    ]
    found = [one.icontains(text, autoescape=True) for one in told]
    found.append(columns.id.startswith(text.lower(), autoescape=True))
    bare = "".join(text.split())
    found.append(columns.payer_account.startswith(bare.upper(), autoescape=True))
    try:
        amount = round(abs(Decimal(bare.replace(",", "."))), 2)
    except InvalidOperation:
        return found
    return [*found, columns.amount.in_([amount, -amount])]


async def _read(conn: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Kept]:
    columns = bank_entries.c
    query = sa.select(bank_entries).where(sa.tuple_(columns.creditor, columns.id).in_(keys))
    found = {(row.creditor, row.id): bank.kept_of(row) for row in await conn.execute(query)} if keys else {}
    return [found[key] for key in keys if key in found]


async def entry(conn: AsyncConnection, creditor: str, name: str) -> Kept:
    """Reads an entry; raises NotFound."""
    found = await _read(conn, [(creditor, name)])
    if not found:
        msg = f"no bank entry {name!r}"
        raise NotFound(msg)
    return found[0]


async def entry_of(conn: AsyncConnection, creditor: str, payment: str) -> str | None:
    """Names the entry that a payment was booked from; None for one that came otherwise."""
    columns = bank_entries.c
    query = sa.select(columns.id).where(
        columns.creditor == creditor,
        columns.payment == payment,
        columns.state.in_((State.BOOKED.value, State.ON_ACCOUNT.value)),
    )
    name: str | None = (await conn.execute(query.limit(1))).scalar_one_or_none()
    return name


async def of_file(
    conn: AsyncConnection, creditor: str, account: str, days: tuple[date, date], read_at: Instant, limit: int
) -> list[Kept]:
    """Lists the entries that a statement brought, the largest sums first."""
    columns = bank_entries.c
    query = sa.select(bank_entries).where(
        columns.creditor == creditor,
        columns.account == account,
        columns.booked_on.between(*days),
        columns.read_at == read_at,
    )
    order = (sa.func.abs(in_cents(columns.amount)).desc(), columns.id)
    return [bank.kept_of(row) for row in await conn.execute(query.order_by(*order).limit(limit))]


# Files


class File(Fact):
    """States a file that somebody handed in, and what was said of it."""

    scope: str
    revision: int
    at: Instant
    facts: dict[str, Any]


def _files(seen: Seen, me: str) -> sa.Select[Any]:
    columns = journal.c
    mine = columns.facts["author"].as_string() == me
    scope = sa.true() if seen is None else sa.or_(columns.creditor.in_(seen), (columns.creditor == "") & mine)
    every = sa.select(columns.creditor, columns.revision, columns.at, columns.facts)
    # Every one who can be meant is named: what is nobody's customer's is found by its key, not by looking
    # through all that was ever written.
    anyone = sa.or_(columns.creditor == "", columns.creditor.in_(sa.select(creditors.c.id)))
    return every.where(columns.debtor == "", columns.kind == "file.taken", anyone, scope)


def _file(row: sa.Row[Any]) -> File:
    return File(scope=row.creditor, revision=row.revision, at=row.at, facts=row.facts)


async def files(conn: AsyncConnection, seen: Seen, me: str, *, page: int, size: int) -> list[File]:
    """Lists the files that were handed in, the latest first; one more than asked where others follow.

    Whoever does not see every creditor sees, of the files that are nobody's for certain, their own.
    """
    query = _files(seen, me).order_by(journal.c.at.desc(), journal.c.revision.desc())
    return [_file(row) for row in await conn.execute(query.limit(size + 1).offset(page * size))]


async def file(conn: AsyncConnection, seen: Seen, me: str, scope: str, revision: int) -> File:
    """Reads what is remembered of a file; raises NotFound."""
    where = (journal.c.creditor == scope, journal.c.revision == revision)
    row = (await conn.execute(_files(seen, me).where(*where))).first()
    if row is None:
        msg = f"no file {revision}"
        raise NotFound(msg)
    return _file(row)
