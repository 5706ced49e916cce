"""The stage of one measurement: a Temporal server and a mailbox of its own, gone at the end.

In: starting both, the clients, what has arrived and when, sizes of files.
Not in: who plays on it (arms.py), processes as such (processes.py).
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.testing._timeskipping import FastForwardConfig

from bench.processes import environment, first_line, program
from domain.faults import Unavailable
from trial.servers import temporal_dev_server

RUNNING = 'ExecutionStatus="Running"'
LOOK_EVERY = 0.5
"""Seconds between two questions whether all is done: the server's answers cost it time, too."""

STALL_SECONDS = 180.0
"""How long nothing may happen before a measurement is given up."""


@dataclass(frozen=True)
class Stage:
    """Holds what a measurement plays on; everything it writes lies in `folder`."""

    folder: Path
    address: str
    server: int
    mailbox: int
    port: int
    client: Client

    def skipping(self) -> Client:
        """Gives a client whose runs skip every timer at once: a whole life takes no longer than its work."""
        return TimeSkipper(self.client, config=TimeSkippingConfig(enabled=True)).client

    def shifted(self, ahead: timedelta) -> Client:
        """Gives a client whose runs live so much ahead of the real clock, at its pace."""
        forward = FastForwardConfig(id="bench", duration=ahead)
        return TimeSkipper(self.client, config=TimeSkippingConfig(fast_forward_config=forward)).client

    def arrivals(self) -> list[tuple[float, str]]:
        """Lists when each message arrived, and its Message-ID."""
        lines = (self.folder / "arrivals").read_text(encoding="utf-8").splitlines(keepends=True)
        whole = (line.rstrip("\n").partition(" ") for line in lines if line.endswith("\n"))
        return [(float(at), name) for at, _, name in whole]

    async def until_ended(self, still_open: int = 0) -> None:
        """Waits until so few runs are open; raises Unavailable where nothing ends for long."""
        before, patience = math.inf, 0.0
        while True:
            running = (await self.client.count_workflows(RUNNING)).count
            if running <= still_open:
                return
            patience = patience + LOOK_EVERY if running >= before else 0.0
            before = running
            if patience > STALL_SECONDS:
                raise Unavailable(_stalled(f"{running} runs are open", self.folder))
            await asyncio.sleep(LOOK_EVERY)

    async def until_arrived(self, count: int) -> None:
        """Waits until so many messages have arrived; raises Unavailable where none does for long."""
        before, patience = -1, 0.0
        while True:
            arrived = len(self.arrivals())
            if arrived >= count:
                return
            patience = patience + LOOK_EVERY if arrived == before else 0.0
            before = arrived
            if patience > STALL_SECONDS:
                raise Unavailable(_stalled(f"{arrived} of {count} messages have arrived", self.folder))
            await asyncio.sleep(LOOK_EVERY)

    def temporal_bytes(self) -> int:
        """Tells how large the server's file is, with what waits to be merged into it."""
        return sum(path.stat().st_size for path in self.folder.glob("temporal.sqlite3*"))


def _stalled(what: str, folder: Path) -> str:
    ends = [
        f"{log.name}: {line}"
        for log in sorted(folder.glob("*.log"))
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
    ]
    return "\n".join([f"the bench stands still: {what}", *ends])


@asynccontextmanager
async def stage(*, in_memory: bool = False) -> AsyncIterator[Stage]:
    """Sets a stage: nothing on it was there before, and nothing stays."""
    with TemporaryDirectory(prefix="relance-bench-") as name:
        folder = Path(name)
        notes = folder / "arrivals"
        notes.touch()
        file = None if in_memory else folder / "temporal.sqlite3"
        log = folder / "mailbox.log"
        async with (
            temporal_dev_server(file, 0, None, folder / "temporal.log") as server,
            program("-m", "bench.sink", str(notes), env=environment(), folder=folder, log=log) as sink,
        ):
            port = int(await first_line(sink, log))
            client = await Client.connect(server.address, data_converter=pydantic_data_converter)
            yield Stage(folder, server.address, server.pid, sink.pid, port, client)


async def server_version(client: Client) -> str:
    """Asks the server which version it is."""
    answer = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return answer.server_version


def percentile(values: Sequence[float], part: float) -> float:
    """Finds the value below which so large a part of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)] if ordered else math.nan
