"""Bank entries on record: each once, and what became of it.

In: writing entries down, finding them, and their state.
Not in: up to which day an account is known (bank_accounts.py), and whose money it is (intake/bank/).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bank import BankEntry, BankStatement, booking_of
from domain.fact import Fact, Instant
from domain.faults import InputRefused, NotFound
from ledger.schema import bank_entries

LONGEST_SOURCE = 255
IN_ONE_QUERY = 500


class State(StrEnum):
    """Names what became of an entry.

    READ is not matched yet; BOOKED gave its money to invoices; ON_ACCOUNT is the debtor's, for no invoice
    yet; SAME was on record already; ASKED waits for a person; NOT_OURS is no customer's; RETURNED took a
    payment back; REVERSED came back itself.
    """

    READ = "read"
    BOOKED = "booked"
    ON_ACCOUNT = "on_account"
    SAME = "same"
    ASKED = "asked"
    NOT_OURS = "not_ours"
    RETURNED = "returned"
    REVERSED = "reversed"


class HeldFor(Fact):
    """Names a hold that was placed because an entry may be the payment of what it holds."""

    debtor: str
    hold: str


class Kept(Fact):
    """States an entry on record; `like` is one of the same day and amount that another kind of file told."""

    creditor: str
    id: str
    account: str
    entry: BankEntry
    format: str
    source: str
    state: State
    like: str | None = None
    debtor: str | None = None
    payment: str | None = None
    proposal: dict[str, Any] | None = None
    holds: tuple[HeldFor, ...] = ()
    read_at: Instant
    resolved_at: Instant | None = None
    resolved_by: str | None = None


class Counted(NamedTuple):
    """Names the entries of a statement that are new, and counts those that were known."""

    new: frozenset[str]
    known: int


def _kept(row: sa.Row[Any]) -> Kept:
    facts = row.facts
    return Kept(
        creditor=row.creditor,
        id=row.id,
        account=row.account,
        entry=BankEntry.model_validate(facts["entry"]),
        format=facts["format"],
        source=row.source,
        state=State(row.state),
        like=facts.get("like"),
        debtor=row.debtor,
        payment=row.payment,
        proposal=row.proposal,
        holds=tuple(HeldFor.model_validate(one) for one in row.holds or ()),
        read_at=row.read_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
    )


async def keep(
    conn: AsyncConnection, creditor: str, statement: BankStatement, source: str, now: datetime
) -> Counted:
    """Writes the entries of a statement down that are not on record; each waits to be matched.

    What another kind of file tells of the same day and amount is not the same entry for certain: such an
    entry remembers the other one.
    """
    seen = await _of_days(conn, creditor, statement)
    bookings = {booking_of(one.id) for one in seen}
    others: dict[tuple[date, str, Decimal], str] = {
        (one.booked_on, one.currency, one.amount): one.id for one in seen if one.format != statement.format
    }
    told = list(statement.identified())
    rows: list[dict[str, Any]] = [
        {
            "creditor": creditor,
            "id": identity,
            "account": statement.account,
            "booked_on": entry.booked_on,
            "currency": entry.currency,
            "amount": entry.signed,
            "payer_account": entry.payer_account,
            "facts": _facts(statement.format, entry, others),
            "source": source[:LONGEST_SOURCE],
            "state": State.READ.value,
            "read_at": now,
        }
        for identity, entry in told
        if booking_of(identity) not in bookings
    ]
    if rows:
        # Another process may read the same file at this moment: its rows are as good as ours.
        build = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
        await conn.execute(build(bank_entries).on_conflict_do_nothing(), rows)
    return Counted(frozenset(row["id"] for row in rows), len(told) - len(rows))


def _facts(format_: str, entry: BankEntry, others: Mapping[tuple[date, str, Decimal], str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "format": format_,
        "entry": entry.model_dump(mode="json", exclude_defaults=True),
    }
    like = others.get((entry.booked_on, entry.currency, entry.signed))
    return facts | ({"like": like} if like else {})


async def _of_days(conn: AsyncConnection, creditor: str, statement: BankStatement) -> Sequence[sa.Row[Any]]:
    """Finds what is on record of an account for the days of a statement's entries."""
    days = [entry.booked_on for entry in statement.entries]
    if not days:
        return []
    columns = bank_entries.c
    form = columns.facts["format"].as_string().label("format")
    wanted = [*(columns[name] for name in ("id", "booked_on", "currency", "amount")), form]
    query = sa.select(*wanted).where(
        columns.creditor == creditor,
        columns.account == statement.account,
        columns.booked_on.between(min(days), max(days)),
    )
    found: Sequence[sa.Row[Any]] = (await conn.execute(query)).all()
    return found


async def unmatched(
    conn: AsyncConnection, creditor: str, since: date, *, after: tuple[date, str] | None, limit: int
) -> list[Kept]:
    """Lists the entries of a creditor that nobody has decided about, the oldest first.

    Those that are asked about come again while no person has looked at them, if they were booked after
    `since`: the invoice that they pay may have come meanwhile. `after` is the last one of the list before.
    """
    columns = bank_entries.c
    query = sa.select(bank_entries).where(columns.creditor == creditor, _undecided(since))
    if after is not None:
        query = query.where(sa.tuple_(columns.booked_on, columns.id) > sa.tuple_(*after))
    rows = await conn.execute(query.order_by(columns.booked_on, columns.id).limit(limit))
    return [_kept(row) for row in rows]


async def creditors_unmatched(conn: AsyncConnection, since: date) -> list[str]:
    """Names the creditors that have such entries."""
    query = sa.select(bank_entries.c.creditor).where(_undecided(since)).distinct()
    return list((await conn.execute(query.order_by(bank_entries.c.creditor))).scalars())


def _undecided(since: date) -> sa.ColumnElement[bool]:
    columns = bank_entries.c
    asked = (columns.state == State.ASKED.value, columns.resolved_by.is_(None), columns.booked_on >= since)
    return sa.or_(columns.state == State.READ.value, sa.and_(*asked))


async def undecided(conn: AsyncConnection, creditor: str, account: str) -> bool:
    """Tells whether an entry of an account has not been decided about."""
    columns = bank_entries.c
    where = (columns.state == State.READ.value, columns.creditor == creditor, columns.account == account)
    return (await conn.execute(sa.select(columns.id).where(*where).limit(1))).first() is not None


class Outcome(NamedTuple):
    """Says what became of an entry; `by` is the person who decided, none for what follows from the rules.

    Without `proposal` or `holds` the entry keeps those that it has.
    """

    kept: Kept
    state: State
    by: str | None = None
    debtor: str | None = None
    payment: str | None = None
    proposal: Mapping[str, Any] | None = None
    holds: tuple[HeldFor, ...] | None = None

    @property
    def all_holds(self) -> tuple[HeldFor, ...]:
        """Lists every hold that the entry ever had."""
        return self.kept.holds if self.holds is None else self.holds


_SAME = bank_entries.c.creditor == sa.bindparam("of_creditor"), bank_entries.c.id == sa.bindparam("of_id")
_RESOLVE = sa.update(bank_entries).where(*_SAME)


async def claim(conn: AsyncConnection, creditor: str, kept: Iterable[Kept]) -> set[str]:
    """Keeps others from deciding about entries until the transaction ends; gives those that are as they were.

    An entry that somebody has decided about meanwhile is left out.
    """
    wanted = {one.id: one for one in kept}
    columns = bank_entries.c
    query = sa.select(*[columns.id, columns.state, columns.payment]).where(
        columns.creditor == creditor, columns.id.in_(list(wanted))
    )
    return {
        row.id
        for row in await conn.execute(query.order_by(columns.id).with_for_update())
        if (row.state, row.payment) == (wanted[row.id].state.value, wanted[row.id].payment)
    }


async def resolve(conn: AsyncConnection, now: datetime, *outcomes: Outcome) -> None:
    """Writes down what became of entries that were claimed in this transaction."""
    rows = [
        {
            "of_creditor": one.kept.creditor,
            "of_id": one.kept.id,
            "state": one.state.value,
            "debtor": one.debtor,
            "payment": one.payment,
            "proposal": dict(one.proposal) if one.proposal is not None else one.kept.proposal,
            "holds": [held.model_dump() for held in (one.kept.holds if one.holds is None else one.holds)]
            or None,
            "resolved_at": now,
            "resolved_by": one.by,
        }
        for one in outcomes
    ]
    if rows:
        await conn.execute(_RESOLVE, rows)


async def come_back(conn: AsyncConnection, creditor: str, payment: str, now: datetime) -> None:
    """Writes down that the entry behind a payment came back."""
    columns = bank_entries.c
    where = (
        columns.creditor == creditor,
        columns.payment == payment,
        columns.state.in_((State.BOOKED.value, State.ON_ACCOUNT.value, State.SAME.value)),
    )
    values = {"state": State.REVERSED.value, "resolved_at": now}
    await conn.execute(sa.update(bank_entries).where(*where).values(values))


async def find(conn: AsyncConnection, entry: str, creditor: str | None = None) -> Kept:
    """Finds an entry by its id or the beginning of it; raises NotFound, InputRefused where it is unclear."""
    query = sa.select(bank_entries).where(bank_entries.c.id.startswith(entry, autoescape=True))
    if creditor is not None:
        query = query.where(bank_entries.c.creditor == creditor)
    rows = (await conn.execute(query.order_by(bank_entries.c.id).limit(3))).all()
    exact = [row for row in rows if row.id == entry]
    found = exact if len(exact) == 1 else rows
    if not found or not entry:
        msg = f"no bank entry {entry!r}; `bank entries` lists them"
        raise NotFound(msg)
    if len(found) > 1:
        raise InputRefused("ENTRY", entry, "several entries begin so; write more of its id")
    return _kept(found[0])


async def states(conn: AsyncConnection, creditor: str, entries: Iterable[str]) -> dict[str, State]:
    """Tells the states of entries."""
    columns, wanted = bank_entries.c, sorted(entries)
    found: dict[str, State] = {}
    for start in range(0, len(wanted), IN_ONE_QUERY):
        part = wanted[start : start + IN_ONE_QUERY]
        query = sa.select(columns.id, columns.state).where(columns.creditor == creditor, columns.id.in_(part))
        found |= {row.id: State(row.state) for row in await conn.execute(query)}
    return found


async def listed(
    conn: AsyncConnection, *, state: State | None = None, creditor: str | None = None, limit: int = 100
) -> list[Kept]:
    """Lists entries, the latest first, in one state or all."""
    query = sa.select(bank_entries)
    if state is not None:
        query = query.where(bank_entries.c.state == state.value)
    if creditor is not None:
        query = query.where(bank_entries.c.creditor == creditor)
    order = (bank_entries.c.booked_on.desc(), bank_entries.c.id)
    return [_kept(row) for row in await conn.execute(query.order_by(*order).limit(limit))]


async def waiting(conn: AsyncConnection) -> dict[str, int]:
    """Counts the entries that wait for a person, by creditor."""
    columns = bank_entries.c
    query = sa.select(columns.creditor, sa.func.count().label("entries")).where(
        columns.state == State.ASKED.value
    )
    return {row.creditor: row.entries for row in await conn.execute(query.group_by(columns.creditor))}
