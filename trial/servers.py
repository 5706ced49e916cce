"""Servers for a trial on one machine: a Temporal dev server and a mail sink.

In: starting them, knowing when they answer, stopping them.
Not in: anything fit for production: the dev server has one shard and no login, the sink delivers nothing.
"""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.faults import ConfigurationFault, Unavailable

LOCAL = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LEAVING_SECONDS = 3.0
"""How long a port may still belong to a server that is ending."""

RETENTION = "90d"
"""How long closed runs are kept where there is a file; the server's own default is one day."""

SOON = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2"
"""Has a run whose code fails listed after ten seconds, where the server's own default is a minute."""

FAIR = (
    "matching.enableFairness=true",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
)
"""Has creditors take turns at the gate however much each has due; over several partitions only roughly."""

CHOOSE = "choose another"

LEASH = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
parent, command = int(sys.argv[1]), sys.argv[2:]
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
if os.getppid() == parent:
    os.execv(command[0], command)
"""
"""Binds a process to its parent, then becomes the command; where the parent has gone already it ends.

A small program rather than a `preexec_fn`, which is not safe in a process with threads.
"""


@dataclass(frozen=True)
class TemporalServer:
    """Says where a dev server answers: its address, its Web UI (none when headless), its process.

    `gone` is done once the process has ended, whatever ended it.
    """

    address: str
    ui: str | None
    pid: int
    gone: asyncio.Task[int]


def free_port() -> int:
    """Finds a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


def preferred_port(port: int) -> int:
    """Gives a port that people know by heart where it is free, and any free one where it is not."""
    try:
        _claim(port)
    except Unavailable:
        return free_port()
    return port


async def claim(port: int, remedy: str = CHOOSE) -> None:
    """Refuses a port that is taken, after some patience with an owner that is just leaving.

    Raises Unavailable; its sentence ends with the remedy.
    """
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + LEAVING_SECONDS
    while True:
        try:
            return _claim(port, remedy)
        except Unavailable:
            if loop.time() > patient_until:
                raise
        await asyncio.sleep(0.1)


def _claim(port: int, remedy: str = CHOOSE) -> None:
    """Refuses a port that is taken: its owner's answers would pass for those of our server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL, port))
        except OSError as taken:
            msg = f"port {port} of {LOCAL} cannot be used: {taken.strerror}; free it or {remedy}"
            raise Unavailable(msg) from None


def bound(*command: str) -> list[str]:
    """Gives the command that runs the same, under the same process id, but does not outlive its parent.

    Linux ends it when the thread that started it ends, however that ends; elsewhere nothing is changed.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", LEASH, str(os.getpid()), *command]


def temporal_binary() -> str:
    """Finds the temporal command beside this Python or on the PATH; raises ConfigurationFault without one."""
    beside = Path(sys.executable).parent
    found = shutil.which("temporal", path=os.pathsep.join([str(beside), os.environ.get("PATH", os.defpath)]))
    if found is None:
        msg = "the temporal command is missing: `make demo` installs it, or put it on the PATH"
        raise ConfigurationFault(msg)
    return found


@asynccontextmanager
async def temporal_dev_server(
    db_file: Path | None,
    port: int,
    ui_port: int | None,
    log: Path,
    *,
    time_skipping: bool = True,
) -> AsyncIterator[TemporalServer]:
    """Runs a Temporal dev server until the block ends; raises Unavailable where it does not come up.

    Without `db_file` everything is forgotten at the end. A port of 0 takes a free one; without
    `ui_port` there is no Web UI. What the server prints is appended to `log`.
    """
    port = port or free_port()
    if ui_port == 0:
        ui_port = free_port()
    await claim(port)
    if ui_port is not None:
        await claim(ui_port)
    for folder in filter(None, (db_file, log)):
        folder.parent.mkdir(parents=True, exist_ok=True)
    binary = temporal_binary()
    arguments = _arguments(db_file, port, ui_port, time_skipping=time_skipping)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *bound(binary, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone: we stop the server after the worker
        )
    try:
        address = f"{LOCAL}:{port}"
        await _until_it_answers(binary, address, process, log)
        if db_file is not None:
            await _temporal(
                binary, address, "operator", "namespace", "update", "--retention", RETENTION, "-n", "default"
            )
        ui = None if ui_port is None else f"http://{LOCAL}:{ui_port}"
        gone = asyncio.create_task(process.wait())
        try:
            yield TemporalServer(address, ui, process.pid, gone)
        finally:
            gone.cancel()
    finally:
        await _stop(process)


def _arguments(db_file: Path | None, port: int, ui_port: int | None, *, time_skipping: bool) -> list[str]:
    arguments = ["server", "start-dev", "--ip", LOCAL, "--port", str(port), "--log-level", "warn"]
    for value in (SOON, *FAIR):
        arguments += ["--dynamic-config-value", value]
    if ui_port is None:
        arguments += ["--headless"]
    else:
        arguments += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    if db_file is not None:
        arguments += ["--db-filename", str(db_file)]
        arguments += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"]
    if time_skipping:
        arguments += ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    return arguments


async def _until_it_answers(
    binary: str, address: str, process: asyncio.subprocess.Process, log: Path
) -> None:
    """Waits until the default namespace can be used."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                if await _listens(address) and await _temporal(
                    binary, address, "operator", "namespace", "describe", "-n", "default"
                ):
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    msg = f"the Temporal dev server does not answer at {address}; the end of {log} says why:\n{_tail(log)}"
    raise Unavailable(msg)


async def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


async def _temporal(binary: str, address: str, *arguments: str) -> bool:
    """Runs one command against the server; tells whether it succeeded.

    The command is used rather than a client, because a first client would settle the telemetry of the
    whole process.
    """
    command = await asyncio.create_subprocess_exec(
        binary,
        *arguments,
        "--address",
        address,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await command.wait() == 0
    finally:
        if command.returncode is None:
            command.kill()
            await command.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Asks the process to end, and ends it where it does not."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
