"""The database: its schema, its transactions, its faults in words."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from domain.faults import ConfigurationFault, Unavailable
from ledger import parties, switches
from ledger.database import Database
from ledger.schema import METADATA, creditors, payments
from tests.databases import Server
from tests.domain import build
from tests.ledger.conftest import NOON, RULES, Clerk


def differences(conn: Connection) -> list[object]:
    """Compares a database with the tables that the program expects."""
    return list(compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), METADATA))


async def test_migrations_make_the_tables_of_the_program(database: Database) -> None:
    """The migrated schema is the one in schema.py, and `check` accepts it."""
    async with database.reading() as conn:
        assert await conn.run_sync(differences) == []
        indexes = await conn.run_sync(
            lambda sync: {one["name"] for one in sa.inspect(sync).get_indexes("messages")}
        )
    assert "uq_messages_key" in indexes
    await database.check()


async def test_a_missing_schema_is_named(empty_database: Database) -> None:
    """A database without the schema is refused by `check`, and by a query, with the remedy."""
    with pytest.raises(ConfigurationFault, match=r"needs [0-9]{4}; migrate it"):
        await empty_database.check()
    with pytest.raises(ConfigurationFault, match="migrate it"):
        async with empty_database.reading() as conn:
            await conn.execute(sa.select(creditors))


async def test_upgrade_and_downgrade(empty_database: Database) -> None:
    """The schema goes up, down to nothing, and up again; a second upgrade changes nothing."""
    await empty_database.migrate()
    await empty_database.migrate()
    await empty_database.downgrade("base")
    async with empty_database.reading() as conn:
        left = await conn.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    await empty_database.migrate()
    await empty_database.check()


async def test_a_stop_outlives_the_migrations(empty_database: Database) -> None:
    """A stop of the first release stays its creditor's; going back, one of a channel stops the creditor."""
    await empty_database.migrate()
    await empty_database.downgrade("0001")
    row = {"scope": "acme", "at": "2026-04-02T07:00:00.000000+00:00", "by": "ann", "why": "wrong letterhead"}
    if empty_database.dialect == "postgresql":
        row["at"] = build.at("2026-04-02 09:00")  # type: ignore[assignment]
    async with empty_database.writing() as conn:
        insert = 'INSERT INTO switches (scope, stopped_at, "by", reason) VALUES (:scope, :at, :by, :why)'
        await conn.execute(sa.text(insert), row)
    await empty_database.migrate()
    async with empty_database.reading() as conn:
        (stop,) = await switches.stopped(conn)
    assert (stop.creditor, stop.policy, stop.channel, stop.by) == ("acme", None, None, "ann")
    assert stop.stopped_at == build.at("2026-04-02 09:00")
    async with empty_database.writing() as conn:
        await conn.execute(sa.text("UPDATE switches SET channel = 'letter'"))
    await empty_database.downgrade("0001")
    async with empty_database.reading() as conn:
        assert (await conn.execute(sa.text("SELECT scope FROM switches"))).scalars().all() == ["acme"]


async def test_two_programs_migrate_at_once(empty_database_url: str) -> None:
    """Two programs that start together migrate one database once."""
    async with await Database.open(empty_database_url) as one, await Database.open(empty_database_url) as two:
        await asyncio.gather(one.migrate(), two.migrate())
        await two.check()
        assert await one.version() == await two.version() is not None


async def test_money_and_instants_come_back_exactly(clerk: Clerk) -> None:
    """Amounts keep their cents and instants their microseconds, in UTC, on both databases."""
    clerk.now = build.at("2026-03-29 03:00:00.123456")
    async with clerk.book() as book:
        await book.put_payment(build.payment("0.10"))
        await book.put_payment(build.payment("999999999999.99", reference="VIR-2"))
    async with clerk.database.reading() as conn:
        rows = (await conn.execute(sa.select(payments).order_by(payments.c.reference))).all()
    assert [row.amount for row in rows] == [build.money("0.10"), build.money("999999999999.99")]
    assert rows[0].recorded_at == clerk.now
    assert str(rows[0].recorded_at.tzinfo) == "UTC"


async def test_a_naive_instant_is_refused(clerk: Clerk) -> None:
    """An instant without a zone never reaches the database."""
    naive = clerk.now.replace(tzinfo=None)
    with pytest.raises(sa.exc.StatementError, match="has no time zone"):
        async with clerk.database.writing() as conn:
            await conn.execute(sa.update(creditors).values(payments_as_of=naive))


async def test_an_exception_rolls_everything_back(clerk: Clerk) -> None:
    """Where a book fails half-way, neither facts nor journal nor outbox keep anything."""
    before = await clerk.account()
    with pytest.raises(LookupError):  # noqa: PT012 - the block is the transaction that is undone
        async with clerk.book(settle=False) as book:
            await book.open_case(build.invoice(), RULES.version)
            await book.settle()
            raise LookupError
    assert await clerk.account() == before
    assert await clerk.errands() == []


async def test_reading_never_writes(clerk: Clerk) -> None:
    """What is written on a reading connection is gone afterwards."""
    async with clerk.database.reading() as conn:
        await conn.execute(sa.update(creditors).values(revision=99))
    async with clerk.database.reading() as conn:
        assert (await conn.execute(sa.select(creditors.c.revision))).scalar_one() == 1


async def test_two_writers_of_one_account_are_serial(clerk: Clerk, database_url: str) -> None:
    """Two programs that write one account take turns, and no revision is lost."""
    async with await Database.open(database_url) as other:
        second = Clerk(other)

        async def pay(who: Clerk, name: str) -> None:
            for count in range(5):
                async with who.book() as book:
                    await book.put_payment(build.payment("1.00", reference=f"{name}-{count}"))

        await asyncio.gather(pay(clerk, "a"), pay(second, "b"))
    account = await clerk.account()
    assert len(account.payments) == 10
    assert account.revision == 11


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_accounts_do_not_wait_for_each_other(clerk: Clerk) -> None:
    """On PostgreSQL an open book keeps nobody from the book of another debtor."""
    async with clerk.book("dubois"), asyncio.timeout(5), clerk.book("martin") as other:
        await other.put_payment(build.payment("1.00").model_copy(update={"debtor": "martin"}))
    assert [payment.debtor for payment in (await clerk.account("martin")).payments] == ["martin"]


async def test_a_locked_database_is_unavailable(clerk: Clerk, database_url: str) -> None:
    """A writer that waits longer than its patience gets Unavailable and a remedy."""
    async with await Database.open(database_url, patience=0.2) as hasty:
        async with clerk.book():
            with pytest.raises(Unavailable, match="try again"):
                async with Clerk(hasty).book():
                    pass
        async with Clerk(hasty).book():
            pass


async def test_writers_of_one_program_wait_in_line(clerk: Clerk, database_url: str) -> None:
    """Inside one program too, a writer gives up after its patience instead of hanging."""
    async with await Database.open(database_url, patience=0.2) as hasty, Clerk(hasty).book():
        with pytest.raises(Unavailable):
            async with Clerk(hasty).book():
                pass
    del clerk


async def test_a_full_disk_is_unavailable(tmp_path: Path) -> None:
    """A database that cannot grow says that the disk is full."""
    async with await Database.open(f"sqlite:///{tmp_path / 'small.sqlite3'}") as small:
        await small.migrate()
        with pytest.raises(Unavailable, match="free some space"):  # noqa: PT012 - one of many writes fails
            async with small.writing() as conn:
                pages = (await conn.exec_driver_sql("PRAGMA page_count")).scalar_one()
                await conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
                for count in range(500):
                    await parties.put_creditor(conn, build.creditor(id=f"c{count}"), NOON)


async def test_an_unreachable_server_is_unavailable(postgres_server: Server) -> None:
    """A server that does not answer, a wrong database: each is named, and no password is shown."""
    with pytest.raises(Unavailable, match="start it, or check database_url") as fault:
        await Database.open("postgresql://relance:secret@127.0.0.1:1/relance")
    assert "secret" not in str(fault.value)
    with pytest.raises(ConfigurationFault, match="does not exist"):
        await Database.open(postgres_server.url("nowhere"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "names 'mysql'"),
        ("relance.sqlite3", "cannot be read"),
        ("sqlite://", "names no file"),
    ],
)
async def test_a_url_that_names_no_database_is_refused(url: str, words: str) -> None:
    """A URL of another kind, or of none, is refused with the two that work."""
    with pytest.raises(ConfigurationFault, match=words):
        await Database.open(url)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of another kind is never written over."""
    path = tmp_path / "letter.sqlite3"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(ConfigurationFault, match="not a SQLite database"):
        await Database.open(f"sqlite:///{path}")
    assert path.read_text().startswith("Dear Sir")


async def test_sqlite_forgets_nothing_at_a_power_cut(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log, full synchronisation and foreign keys."""
    async with await Database.open(f"sqlite:///{tmp_path / 'new' / 'relance.sqlite3'}") as database:
        await database.migrate()
        async with database.reading() as conn:
            found = [
                (await conn.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("synchronous", "foreign_keys")
            ]
    assert found == [2, 1]
    with sqlite3.connect(tmp_path / "new" / "relance.sqlite3") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()
