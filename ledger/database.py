"""The database: connections that read, transactions that write, and the state of the schema.

In: opening SQLite or PostgreSQL with the settings that Relance's promises need, migrations.
Not in: what is read and written (queries.py, book.py), what faults mean (trouble.py), tables (schema.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.faults import ConfigurationFault, Unavailable
from ledger.inline import WRITING, Driver
from ledger.trouble import CONNECTING, explained

PATIENCE_SECONDS = 10.0
"""How long a writer waits for another one before it gives up."""

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
MIGRATING = 7_203_402
"""The advisory lock that keeps two programs from migrating one PostgreSQL database at once."""


class Database:
    """Gives out connections to one database; faults of the server surface as Unavailable.

    SQLite: write-ahead log, one writer at a time, and `synchronous=FULL`, because a claim that a power
    cut forgets would let a message leave twice. PostgreSQL: read committed, and locks on rows.
    """

    def __init__(self, engine: AsyncEngine, patience: float) -> None:
        """Takes an engine; use `open` to get one with the right settings."""
        self._engine = engine
        self._patience = patience
        # Waiting in line here is fair and prompt; SQLite's own waiting is by sleep and retry.
        self._line = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    async def open(cls, url: str, *, patience: float = PATIENCE_SECONDS) -> Self:
        """Opens a database by its URL; `patience` is in seconds.

        Raises ConfigurationFault for a URL that names no supported database, Unavailable where it
        cannot be reached.
        """
        place = _place(url)
        if place.get_backend_name() == "sqlite":
            engine = _sqlite(place, patience)
        else:
            engine = create_async_engine(
                place,
                pool_pre_ping=True,
                pool_timeout=patience,
                connect_args={
                    "timeout": patience,
                    "server_settings": {
                        "lock_timeout": f"{int(patience * 1000)}ms",
                        "application_name": "relance",
                    },
                },
            )
        database = cls(engine, patience)
        try:
            async with database.reading() as conn:
                await conn.execute(sa.text("SELECT 1"))
        except BaseException:
            await engine.dispose()
            raise
        return database

    async def close(self) -> None:
        """Closes every connection."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def dialect(self) -> str:
        """Names the kind of database: sqlite or postgresql."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Gives a connection whose transaction reads only; what it writes is rolled back."""
        async with self._connected(writing=False) as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Gives a connection whose transaction is committed at the end, or rolled back by an exception.

        Raises Unavailable where another writer holds the database longer than the patience. Never open
        one inside another.
        """
        if self._line is None:
            async with self._connected(writing=True) as conn:
                yield conn
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._line.acquire()
        except TimeoutError:
            msg = f"the database was busy for {self._patience:g} s with another write; try again"
            raise Unavailable(msg) from None
        try:
            async with self._connected(writing=True) as conn:
                yield conn
        finally:
            self._line.release()

    @asynccontextmanager
    async def _connected(self, *, writing: bool) -> AsyncIterator[AsyncConnection]:
        try:
            conn = await self._engine.connect()
        except CONNECTING as fault:
            self._explain(fault)
            raise
        try:
            await conn.execution_options(relance_writing=writing)
            await conn.begin()
            yield conn
            if writing:
                await conn.commit()
        except DBAPIError as fault:
            self._explain(fault)
            raise
        finally:
            with suppress(*CONNECTING):  # a connection that died in use has nothing left to be undone
                await asyncio.shield(conn.close())

    def _explain(self, fault: Exception) -> None:
        """Raises the fault in the words of Relance; returns where it is a mistake of this program."""
        meaning = explained(fault, self._engine.url)
        if meaning is not None:
            raise meaning from fault

    async def migrate(self) -> None:
        """Brings the schema to the version that this program needs."""
        await self._alembic("upgrade", "head")

    async def downgrade(self, revision: str) -> None:
        """Takes the schema back to an earlier version; `base` removes every table and what is in it."""
        await self._alembic("downgrade", revision)

    async def _alembic(self, verb: str, revision: str) -> None:
        def run(conn: Connection) -> None:
            if conn.dialect.name == "postgresql":
                conn.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            config = _config()
            config.attributes["connection"] = conn
            getattr(command, verb)(config, revision)

        async with self.writing() as conn:
            await conn.run_sync(run)

    async def version(self) -> str | None:
        """Tells the version of the schema in the database; None where there is none."""
        async with self.reading() as conn:
            return await conn.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())

    async def check(self) -> None:
        """Raises ConfigurationFault where the schema is not the one that this program needs."""
        needed = ScriptDirectory.from_config(_config()).get_current_head()
        found = await self.version()
        if found != needed:
            msg = (
                f"the database has schema {found or 'none'}, this program needs {needed}; "
                "migrate it, or run the release that matches it"
            )
            raise ConfigurationFault(msg)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _place(url: str) -> URL:
    try:
        place = make_url(url)
    except ArgumentError as fault:
        # The text may hold a password: it is not repeated.
        msg = "database_url cannot be read; write sqlite+aiosqlite:///path or postgresql+asyncpg://user@host/name"
        raise ConfigurationFault(msg) from fault
    backend = place.drivername.partition("+")[0]
    if backend not in DRIVERS:
        msg = f"database_url names {backend!r}; use sqlite+aiosqlite or postgresql+asyncpg"
        raise ConfigurationFault(msg)
    return place.set(drivername=DRIVERS[backend])


def _sqlite(place: URL, patience: float) -> AsyncEngine:
    if place.database in {None, "", ":memory:"}:
        msg = "database_url names no file; a record kept in memory would be lost at the end"
        raise ConfigurationFault(msg)
    try:
        Path(str(place.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        msg = f"the folder of the database {place.database} cannot be made: {fault.strerror}"
        raise ConfigurationFault(msg) from fault
    engine = create_async_engine(place, module=Driver(patience), pool_timeout=patience)

    @event.listens_for(engine.sync_engine, "connect")
    def settings(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(conn: Connection) -> None:
        writes = conn.get_execution_options().get("relance_writing", False)
        conn.exec_driver_sql(WRITING if writes else "BEGIN")

    return engine
