"""The audit: one pass over the whole record, in one snapshot of it, that reads and never writes.

In: the order in which everything is read; no more than a batch of accounts is ever kept in memory.
Not in: each question (judging.py, comparing.py, waiting.py), the mailbox (mailbox.py), the runs (runs.py).

Nothing here is shared with the rooms that decide and send: what they believe is worked out anew, from the
journal's entries and the bare tables.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import comparing
from audit.chains import Chain, Entry, chain_query
from audit.creditors import LEEWAY, Owner
from audit.findings import Kind, Report, Tally
from audit.judging import Judge, Setting
from audit.policies import Ladder, read_ladders
from audit.tables import Row, Rows, batches
from audit.waiting import Excuses, Watch
from domain.faults import NotFound
from ledger.database import Database
from ledger.schema import bank_accounts, creditors, debtors, holds, journal, outbox, switches, troubles

GRACE = timedelta(hours=24)
"""How long a next action may be overdue."""

UNDELIVERED = timedelta(hours=1)
"""How long a wake-up may wait in the outbox."""

ROWS = 1000
NONSENSE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, IndexError, AssertionError)
"""What reading an entry may raise that no room of this release has written."""

Progress = Callable[[int], None]
"""Is told how many accounts have been read."""


@dataclass
class _Audit:
    """Holds what one audit works with."""

    conn: AsyncConnection
    tally: Tally
    now: datetime
    grace: timedelta
    leeway: timedelta
    all_closed: bool
    evidence: Path | None
    progress: Progress
    ladders: dict[str, Ladder]
    excuses: Excuses
    everybody: Owner


async def audit(
    database: Database,
    *,
    now: datetime,
    since: datetime | None = None,
    creditor: str | None = None,
    grace: timedelta = GRACE,
    leeway: timedelta = LEEWAY,
    all_closed: bool = False,
    evidence: Path | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """Audits the record, or one creditor's part of it; raises NotFound for an unknown creditor.

    `since` leaves earlier findings out, `grace` is how long a next action may be overdue, `leeway` the
    doubt that clears what other chains say (creditors.py). `all_closed` wants every case to have an ending,
    `evidence` is the folder of kept messages to be compared, `progress` hears of every batch.
    """
    began = perf_counter()
    tally = Tally(since)
    async with _snapshot(database) as conn:
        owners = (await conn.execute(sa.select(creditors).order_by(creditors.c.id))).all()
        if creditor is not None:
            owners = [row for row in owners if row.id == creditor]
            if not owners:
                msg = f"no creditor {creditor!r}"
                raise NotFound(msg)
        everybody = Owner(leeway)
        await _own_chain(conn, "", everybody, tally)
        excuses = await _excuses(conn)
        if everybody.believed:
            comparing.compare_stops("", everybody, excuses.switches, tally)
        work = _Audit(
            conn,
            tally,
            now,
            grace,
            leeway,
            all_closed,
            evidence,
            progress,
            await read_ladders(conn),
            excuses,
            everybody,
        )
        for row in owners:
            await _creditor(work, row)
        await _without_account(conn, creditor, tally)
        await _undelivered(conn, creditor, now, tally)
    return tally.report(now, lambda: perf_counter() - began, creditor=creditor)


@asynccontextmanager
async def _snapshot(database: Database) -> AsyncIterator[AsyncConnection]:
    """Opens a transaction that sees one state of the record, however long it reads."""
    async with database.reading() as conn:
        if database.dialect == "postgresql":
            await conn.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        yield conn


async def _excuses(conn: AsyncConnection) -> Excuses:
    pending = sa.select(outbox.c.creditor, outbox.c.number).where(outbox.c.delivered_at.is_(None)).distinct()
    troubled = sa.select(troubles.c.creditor, troubles.c.number)
    return Excuses(
        switches=list((await conn.execute(sa.select(switches))).all()),
        troubled=frozenset((row.creditor, row.number) for row in await conn.execute(troubled)),
        errands=frozenset((row.creditor, row.number) for row in await conn.execute(pending)),
    )


async def _entries(conn: AsyncConnection, query: sa.Select[Any]) -> AsyncIterator[Entry]:
    stream = await conn.stream(query)
    async for rows in stream.partitions(ROWS):
        for row in rows:
            yield Entry(*row)


async def _own_chain(conn: AsyncConnection, creditor: str, owner: Owner, tally: Tally) -> Chain:
    """Reads the chain of a creditor, or of the whole installation."""
    chain = Chain(creditor, "", tally)
    async for entry in _entries(conn, chain_query(creditor, "")):
        chain.follow(entry)
        try:
            owner.read(entry)
        except NONSENSE:
            _nonsense(chain, entry)
    owner.believed = not chain.broken
    return chain


def _nonsense(chain: Chain, entry: Entry) -> None:
    """Takes down an entry that cannot be understood; one is enough where the chain is broken anyway."""
    if not chain.broken:
        chain.tally.find(
            Kind.CHAIN,
            f"entry {entry.revision} ({entry.kind}) makes no sense after those before it",
            creditor=chain.creditor or None,
            debtor=chain.debtor or None,
            revision=entry.revision,
        )
    chain.broken = True


async def _creditor(work: _Audit, row: Row) -> None:
    """Audits a creditor's own chain, then the accounts of all its debtors."""
    owner = Owner(work.leeway)
    chain = await _own_chain(work.conn, row.id, owner, work.tally)
    chain.end(row.revision, row.journal_head)
    owner.believed = not chain.broken
    if owner.believed:
        everybodys = sa.select(holds).where(holds.c.creditor == row.id, holds.c.debtor.is_(None))
        on_hold = (await work.conn.execute(everybodys)).all()
        banks = sa.select(bank_accounts).where(bank_accounts.c.creditor == row.id)
        known = (await work.conn.execute(banks)).all()
        comparing.compare_owner(row, owner, on_hold, known, work.tally)
        comparing.compare_stops(row.id, owner, work.excuses.switches, work.tally)
    setting = Setting(row.id, owner, work.everybody, work.ladders, work.tally)
    async for batch in batches(work.conn, row.id):
        accounts = {debtor: (Chain(row.id, debtor, work.tally), Judge(debtor, setting)) for debtor in batch}
        async for entry in _entries(work.conn, chain_query(row.id, *batch)):
            if entry.debtor in accounts:
                _read(entry, *accounts[entry.debtor])
        for debtor, rows in batch.items():
            _conclude(work, setting, rows, *accounts[debtor])
        if work.evidence is not None:
            await asyncio.to_thread(_prove, work, row.id, batch, work.evidence)
        work.progress(work.tally.counts["accounts"])
    setting.pace.judge(row.id, owner, work.tally)


def _read(entry: Entry, chain: Chain, judge: Judge) -> None:
    """Checks and judges one entry; an account is judged no further than its journal can be believed."""
    chain.follow(entry)
    if chain.broken:
        return
    try:
        judge.read(entry)
    except NONSENSE:
        _nonsense(chain, entry)


def _conclude(work: _Audit, setting: Setting, rows: Rows, chain: Chain, judge: Judge) -> None:
    """Ends an account's chain and compares its tables with it."""
    chain.end(rows.account.revision, rows.account.journal_head)
    work.tally.counts["accounts"] += 1
    judge.story.grace = setting.owner.graces(work.now)[0]
    if not chain.broken:
        comparing.Comparison(setting.creditor, chain.debtor, rows, judge.story, work.tally).compare()
    comparing.undecided(rows, setting.creditor, work.tally, work.now)
    resumed = [at for at in (setting.owner.resumed_at, work.everybody.resumed_at) if at is not None]
    Watch(
        creditor=setting.creditor,
        rows=rows,
        story=None if chain.broken else judge.story,
        ladders=work.ladders,
        excuses=work.excuses,
        now=work.now,
        grace=work.grace,
        resumed_at=max(resumed, default=None),
        zone=setting.owner.zone(work.now),
        all_closed=work.all_closed,
        tally=work.tally,
    ).look()


def _prove(work: _Audit, creditor: str, batch: dict[str, Rows], folder: Path) -> None:
    for rows in batch.values():
        comparing.unproven(rows, creditor, work.tally, folder)


async def _without_account(conn: AsyncConnection, creditor: str | None, tally: Tally) -> None:
    """Looks for chains whose account is not on record."""
    of_debtor = (debtors.c.creditor == journal.c.creditor) & (debtors.c.id == journal.c.debtor)
    known = sa.exists().where(of_debtor) | (
        (journal.c.debtor == "")
        & ((journal.c.creditor == "") | sa.exists().where(creditors.c.id == journal.c.creditor))
    )
    first = sa.select(journal.c.creditor, journal.c.debtor).where(journal.c.revision == 1, ~known)
    if creditor is not None:
        first = first.where(journal.c.creditor == creditor)
    for row in (await conn.execute(first.limit(ROWS))).all():
        sentence = "the journal has entries of an account that is not on record"
        tally.find(Kind.CHAIN, sentence, creditor=row.creditor, debtor=row.debtor or None)


async def _undelivered(conn: AsyncConnection, creditor: str | None, now: datetime, tally: Tally) -> None:
    """Looks for wake-ups that wait for too long."""
    query = sa.select(outbox.c.creditor, outbox.c.number, outbox.c.written_at, outbox.c.attempts).where(
        outbox.c.delivered_at.is_(None), outbox.c.written_at < now - UNDELIVERED
    )
    if creditor is not None:
        query = query.where(outbox.c.creditor == creditor)
    async for row in await conn.stream(query):
        sentence = f"a wake-up waits since {row.written_at:%Y-%m-%d %H:%M}Z, after {row.attempts} attempt(s)"
        tally.find(Kind.UNDELIVERED, sentence, creditor=row.creditor, invoice=row.number)
