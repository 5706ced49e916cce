"""The days of an account that are known: moved on by statements and by people, and what waited for them.

In: writing down how far an account is known, telling what is missing, planning anew what waited.
Not in: whether a statement goes on (coverage.py).
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.faults import InputRefused
from domain.receivable import Creditor
from intake.bank.coverage import ONE_DAY, Gap, advance
from intake.bank.owners import Owned, bare
from intake.parties import open_accounts, plan_anew
from intake.visit import Visit
from ledger import bank_accounts, bank_queries, parties
from ledger.bank_accounts import Covered, Known
from ledger.database import Database
from ledger.policies import Shelf


async def take_days(
    database: Database, owned: Owned, told: Covered | None, now: datetime
) -> tuple[Known | None, list[str]]:
    """Lets the days of a statement count as known, and says what is missing before them."""
    creditor = owned.creditor
    async with database.writing() as conn:
        await bank_accounts.lock(conn, creditor.id)
        known = (await bank_accounts.known(conn, creditor.id)).get(owned.account)
        if told is None:
            return known, ["no day counts as known by it: none is over, or entries could not be read"]
        if await bank_queries.undecided(conn, creditor.id, owned.account):
            return known, ["some entries could not be booked yet: import the file again"]
        since, gap = await _move(conn, owned, known, told, now)
        return since, _missing(gap)


async def declare_known(
    database: Database, owned: Owned, day: date, now: datetime, *, reason: str, author: str
) -> Known:
    """Lets days count as known because a person says that nothing is missing up to one of them.

    Raises InputRefused for a day that is not over.
    """
    if day >= now.astimezone(ZoneInfo(owned.creditor.time_zone)).date():
        raise InputRefused("to", day.isoformat(), "is not over; give an earlier day")
    async with database.writing() as conn:
        await bank_accounts.lock(conn, owned.creditor.id)
        known = (await bank_accounts.known(conn, owned.creditor.id)).get(owned.account)
        if known is not None and known.booked_to >= day:
            return known
        first = known.booked_to + ONE_DAY if known is not None else day
        told = Covered(first=first, last=day)
        since, _ = await _move(conn, owned, known, told, now, reason=reason, author=author)
    await plan_waiting(database, owned.creditor.id, now)
    assert since is not None
    return since


async def _move(
    conn: AsyncConnection, owned: Owned, known: Known | None, told: Covered, now: datetime, **by: str
) -> tuple[Known | None, Gap | None]:
    creditor, account = owned.creditor, owned.account
    before = known.booked_to if known is not None else date.min
    remembered = await bank_accounts.covered(conn, creditor.id, account, before)
    since, gap = advance(creditor, account, known, [*remembered, told])
    if since is not None:
        is_beyond = told.last > since.booked_to and told not in remembered
        if since != known or is_beyond:
            await bank_accounts.move(conn, creditor.id, since, told, now, **by)
            await _payments_known(conn, creditor, now)
    return since, gap


def _missing(gap: Gap | None) -> list[str]:
    if gap is None:
        return []
    between = f"between {gap.after} and {gap.before}"
    if gap.days:
        what = f"{gap.days} business day(s) are missing {between}"
    else:
        what = f"entries are missing {between}: the balances do not meet"
    return [f"{what}; payments count as known up to {gap.after} until that statement is imported"]


async def _payments_known(conn: AsyncConnection, creditor: Creditor, now: datetime) -> None:
    """Moves on up to when payments are known, where the creditor bounds their age in hours."""
    known = await bank_accounts.known(conn, creditor.id)
    names = {bare(source.account) for source in creditor.banks} or set(known)
    if creditor.payment_freshness_hours is None or not names <= known.keys():
        return
    last = min(known[name].booked_to for name in names)
    over = datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(creditor.time_zone))
    await parties.payments_known(conn, creditor.id, min(over, now), now)


async def plan_waiting(database: Database, creditor: str, now: datetime) -> None:
    """Plans the accounts anew that waited for payments to be known, a transaction for each."""
    async with database.reading() as conn:
        waiting = await open_accounts(conn, creditor, Rule.STALE)
    shelf = Shelf()
    nothing: dict[str, Any] = {}
    for debtor in waiting:
        async with database.writing() as conn:
            await plan_anew(Visit(conn, now, nothing, shelf), creditor, debtor)
