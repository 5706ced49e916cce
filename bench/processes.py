"""Processes of the bench: started, asked whether they are ready, measured, ended.

In: child processes that do not outlive us, their processor time and memory as Linux counts them.
Not in: what runs in them (stage.py, relance.py, floor.py).
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.faults import Unavailable
from trial.household import healthy
from trial.servers import bound

READY_SECONDS = 60.0
STOP_SECONDS = 60.0
REST_SECONDS = 600.0
RESTING = 0.1
"""Seconds of processor time within a second below which a process rests."""

PYTHON = sys.executable
ROOT = Path(__file__).resolve().parent.parent
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
FOREIGN = ("RELANCE_", "TEMPORAL_")
"""Settings of the person at the terminal: none of them reaches a process of the bench."""


@dataclass(frozen=True)
class Usage:
    """States what a process has used: seconds of processor time, bytes of memory now and at most."""

    cpu: float
    resident: int
    peak: int


def usage(pid: int) -> Usage:
    """Reads what a process has used so far; raises Unavailable where it has ended or this is not Linux."""
    try:
        # The name of the command may hold spaces and brackets: the fields begin after the last bracket.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        msg = f"process {pid} cannot be measured: it has ended, or this is not Linux"
        raise Unavailable(msg) from None
    sizes = {line.partition(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith("kB")}
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Usage(cpu, int(sizes["VmRSS"]) * 1024, int(sizes["VmHWM"]) * 1024)


@dataclass(frozen=True)
class Spent:
    """States what a stretch of the bench took: seconds by the clock, and of processor time by process."""

    wall: float
    cpu: Mapping[str, float]

    @property
    def total(self) -> float:
        """Adds the processor time of all processes up."""
        return sum(self.cpu.values())


class Meter:
    """Measures a stretch, from its making to `read`."""

    def __init__(self, **pids: int) -> None:
        """Starts to measure the processes, each under its name."""
        self._pids = pids
        self._cpu = {name: usage(pid).cpu for name, pid in pids.items()}
        self._began = time.perf_counter()

    def read(self) -> Spent:
        """Tells what was spent so far."""
        wall = time.perf_counter() - self._began
        return Spent(wall, {name: usage(pid).cpu - self._cpu[name] for name, pid in self._pids.items()})


async def until_idle(pid: int) -> None:
    """Waits until a process has nothing to do for two seconds; raises Unavailable where it never rests."""
    quiet, before = 0, usage(pid).cpu
    for _ in range(int(REST_SECONDS)):
        await asyncio.sleep(1)
        now = usage(pid).cpu
        quiet, before = quiet + 1 if now - before < RESTING else 0, now
        if quiet == 2:  # noqa: PLR2004 - two seconds
            return
    msg = f"process {pid} does not come to rest within {REST_SECONDS:.0f} s"
    raise Unavailable(msg)


def environment(**more: str) -> dict[str, str]:
    """Gives a child its environment: ours without any setting of Relance or Temporal, and what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull, "PYTHONPATH": str(ROOT)} | more


@asynccontextmanager
async def program(
    *command: str, env: Mapping[str, str], folder: Path, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs a Python program in a folder until the block ends; what it prints as an error goes to `log`."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *bound(PYTHON, *command),
            env=dict(env),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """Asks a process to end, and ends it where it does not."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def first_line(process: asyncio.subprocess.Process, log: Path, seconds: float = READY_SECONDS) -> str:
    """Reads the line with which a program says that it is ready; raises Unavailable where none comes."""
    if process.stdout is None:
        msg = "the program's output is not connected"
        raise Unavailable(msg)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError:
        line = b""
    if not line:
        raise Unavailable(_silent(log))
    return line.decode().strip()


async def until_healthy(process: asyncio.subprocess.Process, bind: str, log: Path) -> None:
    """Waits until a worker answers that it is well; raises Unavailable where it does not."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while process.returncode is None:
                if await healthy(bind):
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    raise Unavailable(_silent(log))


def _silent(log: Path) -> str:
    end_of_log = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
    return f"a program of the bench does not come up; the end of its log says why:\n{end_of_log}"
