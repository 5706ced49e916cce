"""Everything that runs on this machine for long: a Temporal server, a mailbox, the worker, the console.

In: starting them in order, keeping them alive, stopping them in the other order.
Not in: virtual time (world.py), the command (standalone.py).

What they know lies under the settings' `var` and outlives them. The worker and the console are the
production processes, worker.py and `starter.py serve`, told by their environment where everything is.
Settings are heeded except where mail goes and which Temporal server is meant: a trial writes to nobody.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from config.catalogue import load_policies
from config.settings import PREFIX, Settings
from domain.faults import ConfigurationFault, Unavailable
from intake.door import Door
from intake.loading import LoadReport, load
from ledger.database import Database
from trial.mail import mail_sink
from trial.sample.company import write
from trial.sample.story import day_of
from trial.schedules import AT_NIGHT, schedule_nightly_audit
from trial.servers import CHOOSE, LOCAL, TemporalServer, bound, claim, free_port, temporal_dev_server

TEMPORAL_PORT = 7233
WEB_UI_PORT = 8233
SMTP_PORT = 1025
CONSOLE_PORT = 8000
HERE = Path(__file__).resolve().parent.parent
WORKER, STARTER = HERE / "worker.py", HERE / "starter.py"
STOP_SECONDS = 40.0
"""How long the worker may take to finish what it is handing over."""

LONGEST_REST = 30.0
STEADY_SECONDS = 60.0
"""A worker that lived so long did not die of its start: it is started again at once."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """Says where everything listens on this machine."""

    temporal: int = TEMPORAL_PORT
    web_ui: int = WEB_UI_PORT
    smtp: int = SMTP_PORT
    console: int = CONSOLE_PORT

    async def claim(self) -> None:
        """Raises Unavailable for a port that is taken; its sentence names the option for another."""
        wanted = {
            "temporal": self.temporal,
            "web-ui": self.web_ui,
            "mail": self.smtp,
            "console": self.console,
        }
        for option, port in wanted.items():
            await claim(port, f"{CHOOSE}: .venv/bin/python standalone.py up --{option}-port NUMBER")


async def household(
    settings: Settings, say: Say, *, sample: bool = False, ports: Ports | None = None
) -> None:
    """Runs everything until cancelled, then stops it in order.

    Raises Unavailable for a port that is taken or a Temporal server that never comes up,
    ConfigurationFault for a worker that refuses its configuration.
    """
    ports = ports or Ports()
    await ports.claim()
    var = settings.folders.var
    async with (
        _serving(var, ports, say) as server,
        mail_sink(var / "mail" / "Maildir", ports.smtp, readable=var / "mail") as sink,
    ):
        report = await _prepare(settings, sample=sample)
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        zone = await schedule_nightly_audit(client, settings.task_queue)
        health = settings.health_bind or f"{LOCAL}:{free_port()}"
        address = f"{LOCAL}:{ports.console}"
        public = settings.console.public_url or f"http://{address}"
        environment = environment_of(server.address, sink.port, health, public, server.ui or "")
        worker = Child("worker", (str(WORKER),), environment, health)
        console = Child("console", (str(STARTER), "serve", "--bind", address), environment, address)
        _introduce(say, settings, server, report)
        say(f"console       http://{address}")
        say(f"audit         every night at {AT_NIGHT} ({zone}), reports in {settings.folders.audits}")
        await _all_of(_keep_alive(worker, say), _keep_alive(console, say))


@asynccontextmanager
async def _serving(var: Path, ports: Ports, say: Say) -> AsyncIterator[TemporalServer]:
    """Runs the Temporal server, on the same file and ports again whenever it dies; gives the first one."""
    first: asyncio.Future[TemporalServer] = asyncio.get_running_loop().create_future()
    keeping = asyncio.create_task(_keep_serving(var, ports, first, say))
    try:
        either: set[asyncio.Future[Any]] = {keeping, first}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        yield first.result() if first.done() else keeping.result()
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


async def _keep_serving(
    var: Path, ports: Ports, first: "asyncio.Future[TemporalServer]", say: Say
) -> NoReturn:
    """Starts the Temporal server again whenever it dies; raises Unavailable where it never came up."""
    loop, rest = asyncio.get_running_loop(), 1.0
    while True:
        born = loop.time()
        try:
            async with temporal_dev_server(
                var / "temporal.sqlite3",
                ports.temporal,
                ports.web_ui,
                var / "temporal.log",
                time_skipping=False,
            ) as server:
                if first.done():
                    say(f"Temporal      {server.address}, again")
                else:
                    first.set_result(server)
                ended = _ended(await asyncio.shield(server.gone))
        except Unavailable:
            if not first.done():
                raise
            ended = f"{var / 'temporal.log'} says why"
        rest = 1.0 if loop.time() - born > STEADY_SECONDS else min(rest * 2, LONGEST_REST)
        say(f"the Temporal server has ended ({ended}); it is started again in {rest:.0f} s")
        await asyncio.sleep(rest)


async def _prepare(settings: Settings, *, sample: bool) -> LoadReport | None:
    """Brings the database up to date and imports the sample, dated from the day of its first import."""
    file = settings.folders.var / "sample.ndjson"
    async with await Database.open(settings.database_url) as database:
        await database.migrate()
        if not sample:
            return None
        now = datetime.now(UTC)
        if not file.exists():
            write(file, day_of(now))
        return await load(Door(database, load_policies(settings.folders.policies)), file, now=now)


def _introduce(say: Say, settings: Settings, server: TemporalServer, report: LoadReport | None) -> None:
    var = settings.folders.var
    say(f"Temporal      {server.address}, its Web UI at {server.ui}")
    say(f"mailbox       {var / 'mail'}: every e-mail is kept there, none is delivered")
    say(f"records       {var}: they outlive a restart of everything")
    if report is not None:
        counts = f"{report.taken} events taken, {report.known} known already, {report.waiting} waiting"
        say(f"sample        {counts}")
    told = "" if server.address == f"{LOCAL}:{TEMPORAL_PORT}" else f"TEMPORAL_ADDRESS={server.address} "
    say(f"feed it       {told}.venv/bin/python starter.py import FILE")
    say(f"look at it    {told}.venv/bin/python starter.py list")
    say("stop it       Ctrl-C")


def environment_of(temporal: str, smtp_port: int, health: str, public: str, web_ui: str) -> dict[str, str]:
    """Gives both processes their environment: ours, but with this machine's Temporal server and mailbox."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEMPORAL_", f"{PREFIX}SMTP__"))
    }
    return kept | {
        "TEMPORAL_ADDRESS": temporal,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        f"{PREFIX}SMTP__HOST": LOCAL,
        f"{PREFIX}SMTP__PORT": str(smtp_port),
        f"{PREFIX}SMTP__TLS": "none",
        f"{PREFIX}HEALTH_BIND": health,
        f"{PREFIX}CONSOLE__PUBLIC_URL": public,
        f"{PREFIX}CONSOLE__TEMPORAL_UI": web_ui,
    }


@dataclass(frozen=True)
class Child:
    """Describes a process that is kept alive; `health` is where it answers `/health`, host:port."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: str


async def _all_of(*kept: Coroutine[Any, Any, NoReturn]) -> None:
    """Runs all until one refuses to go on or we are cancelled; then the others are stopped first."""
    tasks = [asyncio.create_task(one) for one in kept]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in ended:
        task.result()


async def _keep_alive(child: Child, say: Say) -> NoReturn:
    """Starts a process again whenever it dies, later each time that it dies young."""
    loop, rest = asyncio.get_running_loop(), 1.0
    while True:
        born = loop.time()
        async with _running(child) as process:
            ready = asyncio.create_task(_until_ready(child, process, say))
            try:
                code = await process.wait()
            finally:
                ready.cancel()
        if code == ConfigurationFault.exit_code:
            msg = f"the {child.name} refuses its configuration, as it says above"
            raise ConfigurationFault(msg)
        rest = 1.0 if loop.time() - born > STEADY_SECONDS else min(rest * 2, LONGEST_REST)
        say(f"the {child.name} has ended ({_ended(code)}); it is started again in {rest:.0f} s")
        await asyncio.sleep(rest)


@asynccontextmanager
async def _running(child: Child) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs a process; at the end of the block it may finish what it is handing over."""
    process = await asyncio.create_subprocess_exec(
        *bound(sys.executable, *child.command),
        env=dict(child.environment),
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches us alone: it is asked before its servers go
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_ready(child: Child, process: asyncio.subprocess.Process, say: Say) -> None:
    while not await healthy(child.health):  # noqa: ASYNC110 - another process comes up, no event tells
        await asyncio.sleep(0.2)
    said = "process {}, http://{}/health" if child.name == "worker" else "process {}, http://{}"
    say(f"{child.name} ready".ljust(14) + said.format(process.pid, child.health))


async def healthy(health: str) -> bool:
    """Tells whether a worker answers at its address (host:port) that it is well."""
    host, _, port = health.rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def _ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
