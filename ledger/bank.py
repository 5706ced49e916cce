"""Bank entries on record: each once, and what became of it.

In: writing entries down, finding them, and their states.
Not in: which are to be matched (bank_queries.py), up to which day an account is known (bank_accounts.py),
and whose money it is (intake/bank/).
"""

from collections import defaultdict
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


def kept_of(row: sa.Row[Any]) -> Kept:
    """Reads an entry out of its row."""
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
    entry remembers the other one. It may be a booking as a whole or a part of one, for one kind of file tells
    a batch as one sum and another in its parts.
    """
    seen = await _of_days(conn, creditor, statement)
    bookings = {booking_of(one.id) for one in seen}
    strangers = (
        (one.id, one.booked_on, one.currency, one.amount) for one in seen if one.format != statement.format
    )
    others = {told: name for name, sums in _sums(strangers).items() for told in sums}
    told = list(statement.identified())
    sums = _sums((name, entry.booked_on, entry.currency, entry.signed) for name, entry in told)
    rows: list[dict[str, Any]] = [
        {
            "creditor": creditor,
            "id": identity,
            "account": statement.account,
            "booked_on": entry.booked_on,
            "currency": entry.currency,
            "amount": entry.signed,
            "payer_account": entry.payer_account,
            "facts": _facts(
                statement.format, entry, [others[one] for one in sums[identity] if one in others]
            ),
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


Sum = tuple[date, str, Decimal]


def _sums(entries: Iterable[tuple[str, date, str, Decimal]]) -> dict[str, tuple[Sum, Sum]]:
    """Gives of each entry what the whole booking comes to, and what the entry comes to by itself."""
    told = list(entries)
    wholes: dict[str, Decimal] = defaultdict(Decimal)
    for name, _, _, amount in told:
        wholes[booking_of(name)] += amount
    return {
        name: ((day, currency, wholes[booking_of(name)]), (day, currency, amount))
        for name, day, currency, amount in told
    }


def _facts(format_: str, entry: BankEntry, like: list[str]) -> dict[str, Any]:
    told = entry.model_dump(mode="json", exclude_defaults=True)
    return {"format": format_, "entry": told} | ({"like": like[0]} if like else {})


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
    return kept_of(found[0])


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
    return [kept_of(row) for row in await conn.execute(query.order_by(*order).limit(limit))]
