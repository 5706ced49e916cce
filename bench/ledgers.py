"""Fresh ledgers for the bench: a file for each measurement, or a database on a server of our own.

In: giving out addresses of empty databases. Not in: schemas and what is written (relance.py).
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count

from domain.faults import ConfigurationFault, InputRefused
from tests.databases import postgresql, programs

KINDS = ("sqlite", "postgresql")

NewLedger = Callable[[], Awaitable[str | None]]
"""Gives the address of an empty ledger; None for a file beside the measurement's other files."""


@contextmanager
def ledgers(kind: str) -> Iterator[NewLedger]:
    """Gives out empty ledgers of one kind while the block runs."""
    if kind not in KINDS:
        remedy = f"write one of {', '.join(KINDS)}"
        raise InputRefused("DATABASE", kind, remedy)
    if kind == "sqlite":

        async def beside() -> None:
            return None

        yield beside
        return
    binaries = programs()
    if binaries is None:
        msg = "there is no PostgreSQL on this machine: install the package postgresql, or leave DATABASE out"
        raise ConfigurationFault(msg)
    numbers = count(1)
    with postgresql(binaries) as server:

        async def on_server() -> str:
            name = f"bench_{next(numbers)}"
            await server.command(f"CREATE DATABASE {name} TEMPLATE template0")
            return server.url(name)

        yield on_server
