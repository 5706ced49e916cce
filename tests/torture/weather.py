"""The weather inside a worker: its database is full, or refuses every connection, while a file says so.

In: the file through which the harness tells its workers, and the hook that heeds it.
Not in: when the weather changes (injector.py), foreign locks and servers that die (servers.py).
"""

import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection

from ledger.database import Database

UNBOUNDED = 4_294_967_294
"""The page count that SQLite takes for no bound."""


class Sky(StrEnum):
    """Names the kinds of weather."""

    CLEAR = "clear"
    FULL = "full"
    AWAY = "away"


class _DiskFull(Exception):
    """Says what PostgreSQL says when its disk is full."""

    sqlstate = "53100"


class Weather:
    """Reads and writes the file that tells the weather."""

    def __init__(self, file: Path) -> None:
        """Knows the file; without it the sky is clear."""
        self._file = file

    def set(self, sky: Sky) -> None:
        """Changes the weather of every worker."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(sky.value, encoding="ascii")
        draft.replace(self._file)

    def now(self) -> Sky:
        """Tells the weather."""
        try:
            return Sky(self._file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return Sky.CLEAR

    def befall(self, database: Database) -> None:
        """Makes the connections of this process suffer from it, each time a transaction begins."""
        engine = database._engine.sync_engine

        @event.listens_for(engine, "begin")
        def begins(conn: Connection) -> None:
            sky = self.now()
            if sky is Sky.AWAY:
                raise sa.exc.OperationalError(
                    "BEGIN", None, sqlite3.OperationalError("unable to open database file")
                )
            if database.dialect == "sqlite":
                _bound(conn, sky)
            elif sky is Sky.FULL and conn.get_execution_options().get("relance_writing", False):
                raise sa.exc.OperationalError("INSERT", None, _DiskFull("no space left on device"))


def _bound(conn: Connection, sky: Sky) -> None:
    """Lets the file grow no further while it is full, exactly as a full disk would."""
    pages: Any = UNBOUNDED
    if sky is Sky.FULL:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
