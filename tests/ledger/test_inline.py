"""SQLite inline: tasks, programs and cancellations at once, and an event loop that goes on meanwhile."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from domain.faults import Unavailable
from ledger import parties
from ledger.database import Database
from ledger.schema import creditors
from tests.domain import build
from tests.ledger.conftest import NOON

ROOT = Path(__file__).resolve().parents[2]
REVISION = sa.select(creditors.c.revision).where(creditors.c.id == "acme")
ENDLESS = sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
ENDLESS_COUNT = sa.text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
)

WRITERS = 8
TURNS = 5

OTHER_PROGRAM = """
import asyncio, sys
from tests.ledger.test_inline import count_up
from ledger.database import Database

async def main():
    async with await Database.open(sys.argv[1], patience=60) as database:
        print("ready", flush=True)
        sys.stdin.readline()
        await count_up(database)

asyncio.run(main())
"""


@pytest.fixture
def database_kind() -> str:
    """Takes SQLite alone: the driver is for no other."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def ledger(database: Database) -> AsyncIterator[Database]:
    """Gives a database with one creditor, whose revision is 1."""
    async with database.writing() as conn:
        await parties.put_creditor(conn, build.creditor(), NOON)
    yield database


async def revision(database: Database) -> int:
    """Reads the creditor's revision."""
    async with database.reading() as conn:
        return int((await conn.execute(REVISION)).scalar_one())


async def add_one(database: Database) -> None:
    """Reads the creditor's revision, lets others run, and writes one more: a lost update would show."""
    async with database.writing() as conn:
        found = (await conn.execute(REVISION)).scalar_one()
        await asyncio.sleep(0)
        await conn.execute(sa.update(creditors).values(revision=found + 1))


async def count_up(database: Database) -> None:
    """Adds one, by many tasks in several turns each."""

    async def writer() -> None:
        for _ in range(TURNS):
            await add_one(database)
            await revision(database)

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


async def test_many_tasks_of_two_programs_lose_nothing(ledger: Database, database_url: str) -> None:
    """Tasks of two programs that read and write at once take turns, and every write counts."""
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROGRAM, database_url, cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        async with asyncio.timeout(90), await Database.open(database_url, patience=60) as patient:
            assert await other.stdout.readline() == b"ready\n"
            other.stdin.write(b"go\n")
            await other.stdin.drain()
            await count_up(patient)
            assert await other.wait() == 0
    finally:
        if other.returncode is None:
            other.kill()
            await other.wait()
    assert await revision(ledger) == 1 + 2 * WRITERS * TURNS


async def test_cancelled_anywhere_a_transaction_is_whole_or_absent(ledger: Database) -> None:
    """Wherever a writer is cancelled, both its rows are written or neither, and the next one can write."""
    async with ledger.writing() as conn:
        await parties.put_creditor(conn, build.creditor(id="beta"), NOON)

    async def both() -> None:
        async with ledger.writing() as conn:
            for name in ("acme", "beta"):
                where = creditors.c.id == name
                more = {"revision": creditors.c.revision + 1}
                await conn.execute(sa.update(creditors).where(where).values(more))

    done = 0
    found: Sequence[int] = ()
    async with asyncio.timeout(60):
        for steps in range(40):
            task = asyncio.create_task(both())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            done += not task.cancelled()
            async with ledger.reading() as conn:
                found = (await conn.execute(sa.select(creditors.c.revision))).scalars().all()
            assert len(set(found)) == 1
            assert found[0] >= 1 + done
        await both()
    assert await revision(ledger) == found[0] + 1


async def test_a_writer_that_waits_can_be_cancelled(ledger: Database, database_url: str) -> None:
    """A task that waits for another program's lock gives up when told, and its connection serves others."""
    async with await Database.open(database_url, patience=60) as second:
        async with ledger.writing(), asyncio.timeout(30):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await add_one(second)
            assert await revision(second) == 1
        await add_one(second)
    assert await revision(ledger) == 2


async def test_a_reader_keeps_its_patience_after_a_writer_gave_up(
    ledger: Database, database_url: str
) -> None:
    """A connection on which the wait for the lock was in vain waits inside SQLite again when it reads."""
    async with await Database.open(database_url, patience=0.3) as hasty:
        async with ledger.writing():
            with pytest.raises(Unavailable):
                await add_one(hasty)
        async with hasty.reading() as conn:
            assert (await conn.exec_driver_sql("PRAGMA busy_timeout")).scalar_one() == 300


async def test_a_long_answer_stops_nobody_and_can_be_broken_off(ledger: Database) -> None:
    """While an endless question is asked, others go on; its task ends when told, and so does the question."""

    async def ask() -> None:
        async with ledger.reading() as conn:
            await conn.execute(ENDLESS_COUNT)

    async with asyncio.timeout(60):
        task = asyncio.create_task(ask())
        for _ in range(3):
            await add_one(ledger)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await revision(ledger) == 4


async def test_a_stream_is_read_in_parts(ledger: Database) -> None:
    """A stream gives the rows of an endless answer one after the other, while others write."""
    seen = 0
    async with asyncio.timeout(60), ledger.reading() as conn:
        stream = await conn.stream(ENDLESS)
        async for row in stream:
            seen += 1
            assert row.i == seen
            if seen % 1000 == 0:
                await add_one(ledger)
            if seen == 5000:
                break
        await stream.close()
    assert await revision(ledger) == 6


async def test_rows_stay_as_they_were_asked_for(ledger: Database) -> None:
    """What a statement found is kept, whatever later statements of the same transaction do to the table."""
    async with ledger.writing() as conn:
        for name in ("beta", "gamma"):
            await parties.put_creditor(conn, build.creditor(id=name), NOON)
        names = []
        for row in await conn.execute(sa.select(creditors.c.id).order_by(creditors.c.id)):
            names.append(row.id)
            await conn.execute(sa.delete(creditors).where(creditors.c.id != "acme"))
    assert names == ["acme", "beta", "gamma"]


async def test_a_fault_leaves_the_connection_to_others(ledger: Database) -> None:
    """After a statement that fails, its transaction is undone and the next one works."""
    with pytest.raises(sa.exc.OperationalError, match="no such column"):  # noqa: PT012 - undone as a whole
        async with ledger.writing() as conn:
            await conn.execute(sa.update(creditors).values(revision=99))
            await conn.exec_driver_sql("UPDATE creditors SET weather = 1")
    await add_one(ledger)
    assert await revision(ledger) == 2
