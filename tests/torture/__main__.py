"""The torture run: hundreds of invoices live their whole life while everything fails around them.

In: the composition of the run, its time, its end; the command that `make torture` runs.
Not in: stories, faults and the verdict, each in a module of its own.

    python -m tests.torture [--seconds 600] [--seed N] [--database sqlite|postgresql] [--only DEBTOR]
        [--figures FILE]

It starts every server itself, on free ports of this machine and in a temporary folder, takes no address
from anywhere, and leaves nothing behind.
"""

import argparse
import asyncio
import json
import logging
import os
import resource
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from rich.console import Console
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

from config import logs
from config.catalogue import load_policies
from config.settings import LogFormat
from intake.door import Door
from ledger.database import Database
from tests.torture.banking import Banking
from tests.torture.board import Board
from tests.torture.child import Orders, settings
from tests.torture.clerk import Clerk
from tests.torture.clocks import Clocks
from tests.torture.deeds import House
from tests.torture.diary import Diary
from tests.torture.injector import Injector, Stage
from tests.torture.mailbox import mailbox
from tests.torture.nursery import nursery
from tests.torture.pulse import Pulse
from tests.torture.sender import Api, key
from tests.torture.servers import Postgres, Sqlite, Temporal, postgres
from tests.torture.stories import tell
from tests.torture.teller import ANSWERS, INBOX
from tests.torture.telling import table, tell_failure
from tests.torture.verdict import API, BANK, STUCK, Verdict, judge
from tests.torture.walker import FAULTS, Walker
from trial.servers import LOCAL, free_port

TASK_QUEUE = "torture"
CLOSING_SECONDS = 15.0
"""How long before its end the faults of a run end, and whatever is open then is paid."""

SECOND_RELEASE = 0.45
OVERTIME = 180.0
"""Seconds after which what has not ended will never."""


@dataclass(frozen=True)
class Options:
    """Says how long, from which seed, on which database, about whom."""

    seconds: float
    seed: int
    database: str
    only: str | None
    figures: Path | None = None
    calm: float = 1.0
    """How many times rarer faults are than usual: the calmer, the more lives."""

    @property
    def again(self) -> str:
        """Gives the command that runs the same again."""
        calm = f" CALM={self.calm:g}" if self.calm != 1 else ""
        return f"make torture SECONDS={self.seconds:.0f} SEED={self.seed} DATABASE={self.database}{calm}"


@dataclass
class Torture:
    """Runs one torture from its beginning to the verdict."""

    options: Options
    stage: Stage
    house: House
    injector: Injector
    board: Board
    clocks: Clocks
    verdict: Verdict
    pulse: Pulse

    async def live(self) -> None:
        """Lets accounts live until the time is over, and those that live then to their end."""
        living: set[asyncio.Task[None]] = set()
        try:
            await self._live(living)
        finally:
            for task in living:
                task.cancel()
            await asyncio.gather(*living, return_exceptions=True)

    async def _live(self, living: set[asyncio.Task[None]]) -> None:
        started, seconds, born, calm = time.monotonic(), self.options.seconds, 0, False
        while born == 0 or living:
            spent = time.monotonic() - started
            self.injector.check()
            if spent > SECOND_RELEASE * seconds and self.injector.release == 1:
                self.injector.deploy(2)
            closing = spent > seconds - CLOSING_SECONDS
            if closing and not calm:
                calm = self.pulse.closing = True
                await self.injector.calm()
            for name in [] if closing else self._names(born, len(living)):
                living.add(asyncio.create_task(self._walk(name)))
                born += 1
            if spent > seconds + OVERTIME:
                return
            done, _ = await asyncio.wait(living, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                living.remove(task)
                task.result()
        if not calm:
            await self.injector.calm()

    def _names(self, born: int, living: int) -> list[str]:
        if self.options.only is not None:
            return [] if born else [self.options.only]
        return [f"d{born + n + 1:05d}" for n in range(self.pulse.accounts - living)]

    async def _walk(self, name: str) -> None:
        story = tell(self.options.seed, name)
        diary = self.stage.diary
        deeds = Banking(self.house, story, datetime.now(UTC))
        letters = self.stage.orders.settings.folders.letters
        clerk = Clerk(deeds, self.stage.mailbox, letters, lambda at, what: diary.tell(name, at, what))
        walker = Walker(story, deeds, clerk, self.clocks, self.board, diary, self.pulse, self.options.seed)
        try:
            await walker.live()
            for flaw in await deeds.flaws():
                self.verdict.find(BANK, name, flaw)
            for flaw in await deeds.sender.found(self.house.database) if deeds.sender else []:
                self.verdict.find(API, name, flaw)
        except FAULTS as fault:
            walker.tell(walker.now, f"{type(fault).__name__}: {fault}")
            self.verdict.find(STUCK, name, f"{type(fault).__name__}: {fault}")


async def main(options: Options, folder: Path, screen: Console) -> int:
    """Runs the torture in a folder and tells its verdict; returns the exit code."""
    diary, verdict = Diary(folder / "diary.log"), Verdict()
    verdict.figures |= {"seed": options.seed, "seconds": 0.0}
    async with AsyncExitStack() as stack:
        record = await stack.enter_async_context(_record(options.database, folder))
        temporal = Temporal(folder)
        await temporal.start()
        stack.push_async_callback(temporal.stop)
        box = await stack.enter_async_context(mailbox(folder / "mail"))
        database = await stack.enter_async_context(await Database.open(record.url))
        await database.migrate()
        client = await Client.connect(
            temporal.address,
            data_converter=pydantic_data_converter,
            identity="torture",
            runtime=Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="error"))),
        )
        given = settings(folder, record.url, box.port, TASK_QUEUE)
        orders = Orders(
            address=temporal.address,
            database_url=record.url,
            folder=str(folder),
            smtp_port=box.port,
            task_queue=TASK_QUEUE,
            release=1,
            lots="",
            odds=0.0,
            port=free_port(),
        )
        for name in (INBOX, ANSWERS):
            (folder / "bank" / name).mkdir(parents=True)
        workers = await stack.enter_async_context(nursery(folder))
        stage = Stage(folder, client, temporal, record, box, workers, diary, orders)
        catalogue = load_policies(given.folders.policies)
        board = Board(database)
        reading = asyncio.create_task(board.run())
        stack.callback(reading.cancel)
        pace = (0.7 if options.seconds < 120 else 1.0) * options.calm
        injector = await stack.enter_async_context(Injector(stage, options.seed, pace))
        caller, token = await key(database)
        calls = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=f"http://{LOCAL}:{orders.port}", headers={"Authorization": f"Bearer {token}"}
            )
        )
        house = House(
            client,
            database,
            Door(database, catalogue),
            catalogue,
            folder / "bank",
            Api(calls, caller),
        )
        pulse = Pulse()
        feeling = asyncio.create_task(pulse.run())
        stack.callback(feeling.cancel)
        torture = Torture(options, stage, house, injector, board, Clocks(client), verdict, pulse)
        await torture.live()
        await judge(database, client, box, given.folders.evidence, verdict)
    verdict.figures |= {
        "seconds": round(diary.second, 1),
        "CPU seconds, harness": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1),
        "CPU seconds, servers and workers": round(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), 1),
        "accounts at a time, last": pulse.accounts,
    }
    deaths = _deaths(folder / "deaths")
    screen.print(table(verdict, diary, deaths))
    if options.figures is not None:
        told = {"figures": verdict.figures, "deaths": deaths, "faults": diary.counts}
        told |= {"ambiguous": verdict.ambiguous, "found": verdict.totals}
        options.figures.write_text(json.dumps(told, indent=1), encoding="utf-8")
    if verdict.findings:
        tell_failure(screen, verdict, diary, options.again)
        return 1
    return 0


@asynccontextmanager
async def _record(kind: str, folder: Path) -> AsyncIterator[Sqlite | Postgres]:
    if kind == "sqlite":
        yield Sqlite(folder / "relance.sqlite3")
        return
    async with postgres(folder / "postgres") as server:
        yield server


def _deaths(record: Path) -> dict[str, int]:
    lines = record.read_text().splitlines() if record.exists() else []
    return Counter(line.split("\t")[2] for line in lines)


def run() -> int:
    """Reads the command line, runs, and leaves the folder behind only where something was found."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", default=None)
    parser.add_argument("--calm", type=float, default=1.0, help="how many times rarer faults are than usual")
    parser.add_argument("--figures", type=Path, default=None, help="write the figures to this file as JSON")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(10**6)
    options = Options(
        seconds=given.seconds,
        seed=seed,
        database=given.database,
        only=given.only or None,
        figures=given.figures and given.figures.absolute(),
        calm=given.calm,
    )
    screen = Console(width=110)
    screen.print(f"{options.again}{f' ONLY={options.only}' if options.only else ''}", soft_wrap=True)
    for name in [name for name in os.environ if name.startswith(("TEMPORAL_", "RELANCE_"))]:
        del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="relance-torture-"))
    folder.chmod(0o755)  # PostgreSQL runs as somebody else
    os.chdir(folder)
    logs.configure(LogFormat.JSON, "error")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # what the sink's clients die of is wanted
    code = 130
    try:
        code = asyncio.run(_interruptible(options, folder, screen))
    finally:
        if code == 1:
            screen.print(f"what is left of it lies in {folder}", soft_wrap=True)
        else:
            os.chdir("/")
            shutil.rmtree(folder, ignore_errors=True)
    return code


async def _interruptible(options: Options, folder: Path, screen: Console) -> int:
    """Runs to the end, or puts everything away at the first signal."""
    task = asyncio.ensure_future(main(options, folder, screen))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    exit_code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter may die while Temporal's threads still hold its lock (sdk-python issue 300).
    os._exit(exit_code)
