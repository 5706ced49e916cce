"""The journal: one chain for each account, and no change goes unseen."""

import pytest
import sqlalchemy as sa

from domain.agreements import Stop
from ledger import journal, parties, switches
from ledger.database import Database
from ledger.schema import debtors
from ledger.schema import journal as table
from tests.domain import build
from tests.ledger.conftest import Clerk


async def breaks(database: Database) -> list[tuple[str, int, str]]:
    """Verifies every chain."""
    async with database.reading() as conn:
        return [(one.debtor, one.revision, one.problem) async for one in journal.verify(conn)]


@pytest.fixture
async def busy(clerk: Clerk) -> Clerk:
    """Gives a clerk with a few entries in every kind of chain."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2", total="50.00"))
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    async with clerk.database.writing() as conn:
        await parties.payments_known(conn, "acme", clerk.now, clerk.now)
        await switches.stop(conn, Stop(creditor="acme"), "ann", "wrong file", clerk.now)
        await switches.stop(conn, Stop(), "ann", "drill", clerk.now)
        await switches.resume(conn, Stop(), "ann", clerk.now)
    return clerk


async def test_untouched_chains_add_up(busy: Clerk) -> None:
    """What was written by books verifies, and the revision counts the entries."""
    assert await breaks(busy.database) == []
    async with busy.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "dubois")
    assert [entry.kind for entry in entries] == [
        "debtor.registered",
        "invoice.opened",
        "invoice.opened",
        "payment.received",
        "case.closed",
    ]
    assert [entry.revision for entry in entries] == [1, 2, 3, 4, 5]
    assert (await busy.account()).revision == 5


async def test_a_changed_entry_is_found(busy: Clerk) -> None:
    """Changing one amount in one entry is seen at that entry."""
    async with busy.database.writing() as conn:
        where = (table.c.debtor == "dubois") & (table.c.revision == 4)
        facts = (await conn.execute(sa.select(table.c.facts).where(where))).scalar_one()
        facts["stated"]["amount"] = "1.00"
        await conn.execute(sa.update(table).where(where).values(facts=facts))
    assert await breaks(busy.database) == [("dubois", 4, "the entry has been changed since it was written")]


async def test_a_removed_entry_is_found(busy: Clerk) -> None:
    """Removing an entry from the middle leaves a gap."""
    async with busy.database.writing() as conn:
        await conn.execute(sa.delete(table).where(table.c.debtor == "dubois", table.c.revision == 3))
    assert ("dubois", 4, "revision 3 is missing") in await breaks(busy.database)


async def test_a_cut_tail_is_found(busy: Clerk) -> None:
    """Removing the last entries is seen by the head that the account remembers."""
    async with busy.database.writing() as conn:
        await conn.execute(sa.delete(table).where(table.c.debtor == "dubois", table.c.revision > 3))
    found = [("dubois", 3, "the chain ends at revision 3, but the account remembers revision 5")]
    assert await breaks(busy.database) == found


async def test_a_removed_chain_is_found(busy: Clerk) -> None:
    """Removing every entry of an account is seen too."""
    async with busy.database.writing() as conn:
        await conn.execute(sa.delete(table).where(table.c.debtor == "martin"))
    assert await breaks(busy.database) == [("martin", 1, "every entry is missing")]


async def test_a_rewritten_tail_is_found(busy: Clerk) -> None:
    """An entry rewritten with a fitting hash does not fit the one after it."""
    async with busy.database.writing() as conn:
        where = (table.c.debtor == "dubois") & (table.c.revision == 4)
        row = dict((await conn.execute(sa.select(table).where(where))).mappings().one())
        row["kind"] = "payment.reversed"
        values = {"kind": row["kind"], "hash": journal.digest(row)}
        await conn.execute(sa.update(table).where(where).values(values))
    assert await breaks(busy.database) == [("dubois", 5, "the entry does not follow the one before it")]


async def test_a_forged_head_is_found(busy: Clerk) -> None:
    """An account whose head was moved no longer agrees with its chain."""
    async with busy.database.writing() as conn:
        await conn.execute(sa.update(debtors).where(debtors.c.id == "dubois").values(journal_head="0" * 64))
    assert len(await breaks(busy.database)) == 1
