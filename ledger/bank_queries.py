"""Which bank entries nobody has decided about, and how those stand that somebody has.

In: what is to be matched, the states of entries, how many wait for a person.
Not in: writing entries and finding one (bank.py).
"""

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.bank import Kept, State, kept_of
from ledger.schema import bank_entries

IN_ONE_QUERY = 500


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
    return [kept_of(row) for row in rows]


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


async def states(conn: AsyncConnection, creditor: str, entries: Iterable[str]) -> dict[str, State]:
    """Tells the states of entries."""
    columns, wanted = bank_entries.c, sorted(entries)
    found: dict[str, State] = {}
    for start in range(0, len(wanted), IN_ONE_QUERY):
        part = wanted[start : start + IN_ONE_QUERY]
        query = sa.select(columns.id, columns.state).where(columns.creditor == creditor, columns.id.in_(part))
        found |= {row.id: State(row.state) for row in await conn.execute(query)}
    return found


async def waiting(conn: AsyncConnection) -> dict[str, int]:
    """Counts the entries that wait for a person, by creditor."""
    columns = bank_entries.c
    query = sa.select(columns.creditor, sa.func.count().label("entries")).where(
        columns.state == State.ASKED.value
    )
    return {row.creditor: row.entries for row in await conn.execute(query.group_by(columns.creditor))}
