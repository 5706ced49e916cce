"""A driver for SQLite that runs a writer's statements where they are called, without a thread for each.

In: connections for SQLAlchemy's asyncio engine: what takes microseconds runs inline, what may wait does not.
Not in: which transactions write, and the settings of the file (database.py).

Inside a transaction that writes, a statement waits for nobody: the only write lock is held. Handing it to
a thread and back costs many times what SQLite takes for it. What may take long stays off the event loop,
in threads: connecting, closing, committing (it waits for the disk), rolling a writer back, and all that is
read outside a writing transaction, which may be a whole table. Waiting for another program's write lock is
done by asking again after a pause, so that a task that waits can be cancelled at once.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.util import EMPTY_DICT, await_

WRITING = "BEGIN IMMEDIATE"
"""The statement that takes the write lock."""

PAUSES = (0.001, 0.002, 0.005, 0.010, 0.015, 0.020, 0.025)
"""Seconds between two questions whether the write lock is free; the last one repeats."""

ASKED_AGAIN = 0.05
"""Seconds after which a statement that was told to stop is told again."""

THREADS = 32
"""More than the pool gives out connections, so that no connection waits for a thread."""


class _Done:
    """Is waited for without any wait: the engine insists that a statement waits for something."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


DONE = _Done()


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """Connects, in place of the aiosqlite module; `patience` is how long a lock of others is waited for."""

    def __init__(self, patience: float) -> None:
        """Starts no thread before one is needed."""
        super().__init__(sqlite3, sqlite3)
        self.has_stop = True  # connections here can be terminated
        self._patience = patience
        self._threads = ThreadPoolExecutor(THREADS, "sqlite")

    def connect(self, *where: Any, **options: Any) -> "Connection":  # type: ignore[override]
        """Opens a file."""
        options |= {
            "timeout": self._patience,
            "isolation_level": None,  # the driver would begin transactions on its own, and too late
            "check_same_thread": False,  # a connection is used by one thread at a time
        }

        def connected() -> sqlite3.Connection:
            opened: sqlite3.Connection = sqlite3.connect(*where, **options)
            return opened

        return Connection(await_(_aside(self._threads, connected)), self._threads, self._patience)


class Connection(AdaptedConnection):
    """Holds one connection to a file; it is used by one task at a time."""

    __slots__ = ("_patience", "_threads", "sqlite", "writing")

    def __init__(self, sqlite: sqlite3.Connection, threads: ThreadPoolExecutor, patience: float) -> None:
        """Takes an open connection, threads to wait in, and how long to wait for the write lock."""
        self.sqlite = sqlite
        self._connection: Any = sqlite
        self.writing = False
        self._threads = threads
        self._patience = patience

    def create_function(self, *args: Any, **options: Any) -> None:
        """Makes a function known to the connection's statements."""
        self.sqlite.create_function(*args, **options)

    def cursor(self, *, server_side: bool = False) -> "Cursor":
        """Gives a cursor; a server-side one reads its rows in parts."""
        return StreamingCursor(self) if server_side else Cursor(self)

    def run(self, work: Callable[[], Any], operation: str) -> None:
        """Runs a statement: inline where it belongs to a writing transaction or reads nothing."""
        if self.writing or operation == "BEGIN":
            work()
            await_(DONE)
        elif operation == WRITING:
            await_(self._take_lock())
        else:
            self.aside(work)

    def aside(self, work: Callable[[], Any]) -> Any:
        """Runs something in a thread; what only reads is broken off where its task is cancelled."""
        return await_(_aside(self._threads, work, None if self.writing else self.sqlite.interrupt))

    async def _take_lock(self) -> None:
        """Takes the write lock; raises "database is locked" where that takes longer than the patience."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._patience
        self._wait_inside(0.0)
        try:
            for pause in _pauses():
                if self._has_lock(last=clock() >= end):
                    return
                await asyncio.sleep(pause)
        finally:
            if not self.writing:
                self._wait_inside(self._patience)

    def _has_lock(self, *, last: bool) -> bool:
        """Asks for the write lock once; False where another program has it, unless it is the last time."""
        try:
            self.sqlite.execute(WRITING)
        except sqlite3.OperationalError as fault:
            if last or fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        self.writing = True
        return True

    def _wait_inside(self, seconds: float) -> None:
        """Sets how long SQLite itself waits for a lock: not at all where that would stop the event loop."""
        self.sqlite.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def commit(self) -> None:
        """Commits."""
        if self.sqlite.in_transaction:
            self.aside(self.sqlite.commit)
        self._end()

    def rollback(self) -> None:
        """Rolls back; does nothing outside a transaction."""
        if self.sqlite.in_transaction:
            if self.writing:
                self.aside(self.sqlite.rollback)
            else:
                self.sqlite.rollback()
        self._end()

    def _end(self) -> None:
        if self.writing:
            self.writing = False
            self._wait_inside(self._patience)

    def close(self) -> None:
        """Closes; the last connection to a file also empties its write-ahead log, which takes a while."""
        await_(_aside(self._threads, self.sqlite.close))

    def terminate(self) -> None:
        """Closes at once, where nobody can wait any more."""
        self.sqlite.close()


class Cursor(AsyncAdapt_dbapi_cursor):
    """Runs one statement and keeps all its rows, so that another may run before they are looked at."""

    __slots__ = ()
    _awaitable_cursor_close = False
    _adapt_connection: Any
    _cursor: Any

    def __init__(self, connection: Connection) -> None:
        """Opens a cursor of a connection."""
        self._adapt_connection = connection
        self._connection: Any = connection.sqlite
        self._cursor = connection.sqlite.cursor()
        self._rows = deque()
        self._soft_closed_memoized = EMPTY_DICT

    def execute(self, operation: str, parameters: Any = None) -> None:
        """Runs a statement."""
        self._adapt_connection.run(lambda: self._execute(operation, parameters or ()), operation)

    def executemany(self, operation: str, seq_of_parameters: Any) -> None:
        """Runs a statement for each row of parameters."""
        self._adapt_connection.run(lambda: self._cursor.executemany(operation, seq_of_parameters), operation)

    def _execute(self, operation: str, parameters: Any) -> None:
        self._cursor.execute(operation, parameters)
        if self._cursor.description:
            self._rows = deque(self._cursor.fetchall())


class StreamingCursor(Cursor):
    """Reads the rows of a long answer in parts, each in a thread."""

    __slots__ = ()
    server_side = True

    def _execute(self, operation: str, parameters: Any) -> None:
        self._cursor.execute(operation, parameters)

    def fetchone(self) -> Any:
        """Reads the next row."""
        return self._adapt_connection.aside(self._cursor.fetchone)

    def fetchmany(self, size: int | None = None) -> Any:
        """Reads the next rows."""
        size = self.arraysize if size is None else size
        return self._adapt_connection.aside(lambda: self._cursor.fetchmany(size))

    def fetchall(self) -> Any:
        """Reads all rows that are left."""
        return self._adapt_connection.aside(self._cursor.fetchall)

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


async def _aside(
    threads: ThreadPoolExecutor, work: Callable[[], Any], interrupt: Callable[[], None] | None = None
) -> Any:
    """Runs something in a thread, to its end also where the task is cancelled meanwhile.

    A thread cannot be called back, and the connection must not be used again while it is at work.
    """
    future = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            if interrupt is not None:
                interrupt()
            try:
                # Again and again: it may not have begun when it was told to stop.
                await asyncio.wait((future,), timeout=ASKED_AGAIN)
            except asyncio.CancelledError:
                continue
        raise
