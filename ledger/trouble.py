"""What the faults of a database mean for the person who runs Relance.

In: which faults pass by themselves, which need a hand, and the remedy in words.
Not in: connections (database.py).
"""

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.faults import ConfigurationFault, RelanceError, Unavailable

Meaning = tuple[type[RelanceError], str]

CONNECTING: tuple[type[Exception], ...] = (
    DBAPIError,
    PoolTimeout,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
"""What connecting raises; PostgreSQL's driver is not always wrapped there."""

SQLITE: dict[str, Meaning] = {
    "database is locked": (
        Unavailable,
        "another program is writing to it; wait or stop that program, then try again",
    ),
    "database table is locked": (Unavailable, "another program is writing to it; try again"),
    "database or disk is full": (Unavailable, "the disk is full; free some space, then try again"),
    "unable to open database file": (
        Unavailable,
        "it cannot be opened; check that its folder exists and may be written to",
    ),
    "attempt to write a readonly database": (
        Unavailable,
        "it may not be written to; give this user the right to write",
    ),
    "disk I/O error": (Unavailable, "the disk fails; check it, then try again"),
    "file is not a database": (ConfigurationFault, "the file is not a SQLite database; check database_url"),
    "database disk image is malformed": (
        ConfigurationFault,
        "the file is damaged; restore the latest backup",
    ),
    "no such table": (ConfigurationFault, "its schema is missing or old; migrate it"),
}
"""Phrases in which SQLite states its faults; it has no finer codes in this driver."""

POSTGRES: dict[str, Meaning] = {
    "08": (Unavailable, "the connection failed; try again"),
    "28": (ConfigurationFault, "the server refuses this user or password; check database_url"),
    "3D": (ConfigurationFault, "the database does not exist; create it, or check database_url"),
    "40": (Unavailable, "another transaction came in the way; try again"),
    "42P01": (ConfigurationFault, "its schema is missing or old; migrate it"),
    "53": (Unavailable, "the server is short of disk, memory or connections; help it, then try again"),
    "55P03": (Unavailable, "another transaction holds the account; try again"),
    "57": (Unavailable, "the server is stopping or starting; try again"),
    "58": (Unavailable, "the server's disk fails; check it, then try again"),
}
"""SQLSTATE codes or their classes."""


def explained(fault: Exception, url: URL) -> RelanceError | None:
    """Translates a fault of the database; None where it is a mistake of this program."""
    where = f"the database {url.render_as_string(hide_password=True)}"
    found = _meaning(fault)
    if found is None:
        return None
    kind, remedy = found
    return kind(f"{where}: {remedy}")


def _meaning(fault: Exception) -> Meaning | None:
    if isinstance(fault, PoolTimeout):
        return Unavailable, "all its connections are in use; try again"
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if isinstance(code, str):
        return POSTGRES.get(code) or POSTGRES.get(code[:2])
    if isinstance(cause, OSError):
        why = cause.strerror or type(cause).__name__
        return Unavailable, f"it cannot be reached ({why}); start it, or check database_url"
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return Unavailable, "the connection was lost; try again"
    words = str(cause)
    return next((meaning for phrase, meaning in SQLITE.items() if phrase in words), None)
