"""The servers of the torture run, all its own: killed without warning, and started on what they left.

In: the Temporal dev server on its file, PostgreSQL in its folder, foreign locks on either database.
Not in: when that happens (injector.py), the mail server (mailbox.py).
"""

import asyncio
import grp
import os
import pwd
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

from tests import databases
from trial.servers import LOCAL, TemporalServer, bound, free_port, temporal_dev_server

START_SECONDS = 30.0

DEMOTED = """
import ctypes, os, signal, sys
parent, user, group, command = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
libc = ctypes.CDLL(None)
os.setgroups([])
os.setgid(group)
os.setuid(user)
libc.prctl(1, ctypes.c_ulong(signal.SIGKILL))
if os.getppid() == parent:
    os.execv(command[0], command)
"""
"""Becomes the command as another user, bound to its parent as trial.servers.LEASH binds."""


@dataclass
class Temporal:
    """Holds a Temporal dev server that keeps everything in one file."""

    folder: Path
    port: int = field(default_factory=free_port)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _server: TemporalServer | None = None

    @property
    def address(self) -> str:
        """Gives the address, the same for the whole run."""
        return f"{LOCAL}:{self.port}"

    async def start(self) -> None:
        """Starts the server on what it left."""
        running = temporal_dev_server(
            self.folder / "temporal.sqlite3", self.port, None, self.folder / "temporal.log"
        )
        self._server = await self._stack.enter_async_context(running)

    async def kill(self) -> None:
        """Kills the server as a power cut would."""
        if self._server is not None and not self._server.gone.done():
            os.kill(self._server.pid, signal.SIGKILL)
            await asyncio.wait({self._server.gone})
        await self.stop()

    async def stop(self) -> None:
        """Ends the server, where it has not been killed."""
        await self._stack.aclose()
        self._server = None


@dataclass
class Sqlite:
    """Holds the file of the record."""

    file: Path

    @property
    def url(self) -> str:
        """Gives the address of the record."""
        return f"sqlite+aiosqlite:///{self.file}"

    async def lock(self, seconds: float) -> None:
        """Holds the one writer's lock for a while, as a backup or another program would."""

        def hold() -> sqlite3.Connection:
            conn = sqlite3.connect(self.file, timeout=30, isolation_level=None, check_same_thread=False)
            conn.execute("BEGIN IMMEDIATE")
            return conn

        conn = await asyncio.to_thread(hold)
        try:
            await asyncio.sleep(seconds)
        finally:
            conn.rollback()
            conn.close()


@dataclass
class Postgres:
    """Holds a PostgreSQL server of our own, whose every commit is final even if it is killed."""

    folder: Path
    binaries: Path
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Gives the address of the record."""
        return f"postgresql+asyncpg://postgres@{LOCAL}:{self.port}/postgres"

    async def start(self) -> None:
        """Starts the server on what it left; it recovers from its log."""
        # What only a failing disk could lose need not be waited for; what a killed server could lose must.
        options = {
            "listen_addresses": LOCAL,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "synchronous_commit": "on",
            "max_connections": "80",
            "shared_buffers": "64MB",
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_demoted(str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *flags),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                start_new_session=True,
            )
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            await (await self._connect()).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(host=LOCAL, port=self.port, user="postgres", database="postgres")

    async def stop(self) -> None:
        """Ends the server as `pg_ctl stop -m immediate` does: without a word to anybody."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGQUIT)
            await self._process.wait()

    async def lock(self, seconds: float) -> None:
        """Holds the locks of every account for a while, as a backup or another program would."""
        conn = await self._connect()
        try:
            async with conn.transaction():
                await conn.execute("LOCK TABLE debtors IN EXCLUSIVE MODE")
                await asyncio.sleep(seconds)
        finally:
            await conn.close()


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[Postgres]:
    """Runs PostgreSQL in a folder until the block ends; raises RuntimeError where it is not installed."""
    binaries = databases.programs()
    if binaries is None:
        msg = "no PostgreSQL: install the package postgresql, or run with DATABASE=sqlite"
        raise RuntimeError(msg)
    await asyncio.to_thread(folder.mkdir)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        binaries = databases._reachable(binaries, folder)
    initdb = (
        binaries / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    )
    made = await asyncio.create_subprocess_exec(
        *_demoted(*map(str, initdb)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    if await made.wait():
        msg = f"initdb failed ({made.returncode})"
        raise RuntimeError(msg)
    server = Postgres(folder, binaries)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


def _demoted(*command: str) -> list[str]:
    """Gives a command bound to this process, as nobody where this is root: PostgreSQL refuses root."""
    if os.geteuid() or sys.platform != "linux":
        return bound(*command)
    nobody, nogroup = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid
    return [sys.executable, "-I", "-S", "-c", DEMOTED, str(os.getpid()), str(nobody), str(nogroup), *command]
