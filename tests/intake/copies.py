"""Copies of the record, made and put back as docs/backup.md says, for tests that restore.

In: SQLite by `starter.py backup`'s own copy, PostgreSQL by pg_dump and pg_restore.
Not in: what is reconciled afterwards.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy.engine import make_url

from ledger.database import Database
from terminal.restoring import _copy
from tests.databases import Server, programs

PATIENCE = 60.0


@dataclass(frozen=True)
class Copies:
    """Copies one kind of database; `server` is PostgreSQL's."""

    folder: Path
    server: Server | None

    async def make(self, url: str) -> Path:
        """Copies a record while it is used, and gives the copy."""
        copy = self.folder / f"copy-{uuid4().hex}"
        if self.server is None:
            await asyncio.to_thread(_copy, Path(str(make_url(url).database)), copy)
        else:
            await _run("pg_dump", "--format=custom", "--no-owner", f"--file={copy}", _plain(url))
        return copy

    @asynccontextmanager
    async def put_back(self, copy: Path) -> AsyncIterator[tuple[Database, str]]:
        """Opens a record as it was when the copy was made, and gives its address too."""
        if self.server is None:
            file = self.folder / f"restored-{uuid4().hex}.sqlite3"
            shutil.copyfile(copy, file)
            url = f"sqlite+aiosqlite:///{file}"
            async with await Database.open(url) as database:
                yield database, url
            return
        name = f"restored_{uuid4().hex}"
        await self.server.command(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            url = self.server.url(name)
            options = ("--exit-on-error", "--single-transaction", "--no-owner")
            await _run("pg_restore", *options, f"--dbname={_plain(url)}", str(copy))
            async with await Database.open(url) as database:
                yield database, url
        finally:
            await self.server.command(f"DROP DATABASE {name} WITH (FORCE)")


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _run(program: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's programs; it must succeed."""
    folder = programs()
    assert folder is not None
    process = await asyncio.create_subprocess_exec(
        folder / program, *arguments, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
