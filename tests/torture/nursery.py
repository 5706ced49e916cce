"""The nursery: a process that has imported everything, and bears workers by forking.

In: the program that forks on request, and the harness's end of it.
Not in: what they do: work (child.py), take bank files in (teller.py), serve the API (porter.py).

    python -m tests.torture.nursery

reads one line of orders for each worker; prints `born PID` and `gone PID STATUS`. A start of Python
would cost two seconds of one core each time. No thread, no event loop and no Temporal runtime exists
here before a fork. Every worker dies with the nursery, and the nursery with the harness.
"""

import asyncio
import ctypes
import gc
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import correspondence.letter
from config.sections import HERE
from correspondence.wording import Wording
from tests.torture.child import Orders, work
from tests.torture.porter import attend
from tests.torture.teller import serve
from trial.servers import bound

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
LOOK_EVERY = 0.05
BIRTH_SECONDS = 60.0
"""Longer than a birth takes where the machine has other work to do; the first one imports everything."""


def main() -> None:
    """Bears workers until its input ends."""
    # Setting a letter starts threads, which a fork does not take along: a child would wait for them.
    with patch.object(correspondence.letter, "typeset", return_value=b""):
        wording = Wording.load(HERE / "wording")
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()
    os.set_blocking(0, False)
    pending = b""
    while True:
        select.select([0], [], [], LOOK_EVERY)
        try:
            read = os.read(0, 65536)
        except BlockingIOError:
            read = None
        if read == b"":
            return
        *lines, pending = (pending + (read or b"")).split(b"\n")
        for line in lines:
            _bear(Orders.read(line.decode()), wording)
        _mourn()


def _bear(orders: Orders, wording: Wording) -> None:
    nursery = os.getpid()
    pid = os.fork()
    if pid:
        os.write(1, f"born {pid}\n".encode())
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != nursery:
        os._exit(1)
    try:
        log = os.open(Path(orders.folder) / "workers.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        silence = os.open(os.devnull, os.O_RDONLY)
        for kept, given in ((0, silence), (1, log), (2, log)):
            os.dup2(given, kept)
        asyncio.run(_duty(orders, wording))
    finally:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


def _duty(orders: Orders, wording: Wording) -> Coroutine[Any, Any, None]:
    match orders.duty:
        case "counter":
            return serve(orders)
        case "door":
            return attend(orders)
        case _:
            return work(orders, wording)


def _mourn() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        os.write(1, f"gone {pid} {os.waitstatus_to_exitcode(status)}\n".encode())


@dataclass(frozen=True, eq=False)
class Worker:
    """Holds one worker: its process, and the future of its exit code."""

    pid: int
    gone: asyncio.Future[int]

    def kill(self) -> bool:
        """Kills it from outside; False where it has died already."""
        if self.gone.done():
            return False
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False  # it has died by itself just now, and the nursery has not said so yet
        return True


@dataclass
class Nursery:
    """Stands for the nursery in the harness."""

    process: asyncio.subprocess.Process
    workers: dict[int, Worker] = field(default_factory=dict)
    _born: asyncio.Queue[Worker] = field(default_factory=asyncio.Queue)

    async def bear(self, orders: Orders) -> Worker:
        """Has a worker born."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{orders.line()}\n".encode())
        await self.process.stdin.drain()
        return await asyncio.wait_for(self._born.get(), BIRTH_SECONDS)

    async def listen(self) -> None:
        """Hears of births and deaths until the nursery ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            what, pid, *status = line.decode().split()
            if what == "born":
                worker = Worker(int(pid), asyncio.get_running_loop().create_future())
                self.workers[worker.pid] = worker
                self._born.put_nowait(worker)
            else:
                self.workers.pop(int(pid)).gone.set_result(int(status[0]))


@asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[Nursery]:
    """Runs a nursery until the block ends, and every worker with it."""
    command = bound(sys.executable, "-m", "tests.torture.nursery")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with (folder / "workers.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    opened = Nursery(process)
    listening = asyncio.create_task(opened.listen())
    try:
        yield opened
    finally:
        for worker in list(opened.workers.values()):
            worker.kill()
        process.kill()
        await process.wait()
        await listening


if __name__ == "__main__":
    main()
