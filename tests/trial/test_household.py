"""The long-running machine: the worker is the production process, and it is started again when it dies."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from config.settings import Settings, load
from domain.actions import CaseRef
from domain.faults import Unavailable
from ledger import queries
from ledger.database import Database
from ledger.queries import Filters
from trial.household import WORKER, Ports, environment_of, household
from trial.servers import claim, free_port, preferred_port, temporal_dev_server
from workflows.told import CaseState

STANDALONE = WORKER.with_name("standalone.py")
READY = re.compile(r"worker ready +process (\d+)")


class Said(list[str]):
    """Keeps what the household says, and waits for what is to come."""

    async def workers(self, count: int) -> list[int]:
        """Waits until so many workers have become ready; gives their process ids."""
        async with asyncio.timeout(60):
            while len(found := [int(one[1]) for line in self if (one := READY.match(line))]) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return found


def alive(pid: int) -> bool:
    """Tells whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """Lists the processes that a process with one thread of its own has started and that still run."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in listed.split()]


def running(pid: int) -> bool:
    """Tells whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "XZ"


@asynccontextmanager
async def standing(var: Path, ports: Ports) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs `standalone.py up` in a process of its own until its worker is ready; kills it at the end."""
    options: tuple[object, ...] = ("--temporal-port", ports.temporal, "--web-ui-port", ports.web_ui)
    options += ("--mail-port", ports.smtp, "--console-port", ports.console)
    up = await asyncio.create_subprocess_exec(
        sys.executable,
        str(STANDALONE),
        "up",
        *map(str, options),
        env=os.environ | {"RELANCE_FOLDERS__VAR": str(var), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert up.stdout is not None
        async with asyncio.timeout(60):
            while not READY.match(line := (await up.stdout.readline()).decode()):
                assert line, "it ended before its worker was ready"
        yield up
    finally:
        if up.returncode is None:
            up.kill()
        await up.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds a process to its parent")
async def test_a_killed_household_leaves_nobody_behind_and_starts_again(tmp_path: Path) -> None:
    """After SIGKILL no server and no worker stays, and all starts again on the same ports and records."""
    ports = Ports(free_port(), free_port(), free_port(), free_port())
    async with standing(tmp_path, ports) as up:
        left = children(up.pid)
        assert len(left) == 3
        up.kill()
        await up.wait()
        async with standing(tmp_path, ports):
            assert not any(map(running, left))


async def test_a_port_that_is_just_leaving_is_waited_for() -> None:
    """A port whose owner ends within a second is not refused."""
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        asyncio.get_running_loop().call_later(0.5, owner.close)
        await claim(owner.getsockname()[1])
        assert owner.fileno() == -1, "the port was claimed while its owner still held it"


async def test_a_killed_worker_is_started_again_and_all_is_put_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed by SIGKILL is replaced by another; at the end nothing stays, and all is on record."""
    monkeypatch.setenv("RELANCE_FOLDERS__VAR", str(tmp_path))
    said = Said()
    settings = load()
    running = asyncio.create_task(
        household(
            settings,
            said.append,
            sample=True,
            ports=Ports(free_port(), free_port(), preferred_port(1025), free_port()),
        )
    )
    try:
        first = (await said.workers(1))[0]
        os.kill(first, signal.SIGKILL)
        second = (await said.workers(2))[1]
        async with await Database.open(settings.database_url) as database, asyncio.timeout(20):
            while True:
                async with database.reading() as conn:
                    counts = await queries.counts(conn)
                if counts["errands"] == 0:
                    break
                await asyncio.sleep(0.2)
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()
    assert not alive(first)
    assert not alive(second)
    assert (counts["open"], counts["waiting"]) == (21, 1)
    assert any("signal 9" in line for line in said)
    assert any("36 events taken" in line for line in said)


async def test_a_killed_temporal_server_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Temporal server killed by SIGKILL comes back on its file; the worker goes on without a restart."""
    monkeypatch.setenv("RELANCE_FOLDERS__VAR", str(tmp_path))
    said, settings, ports = Said(), load(), Ports(free_port(), free_port(), free_port(), free_port())
    running = asyncio.create_task(household(settings, said.append, sample=True, ports=ports))
    try:
        await said.workers(1)
        client = await Client.connect(f"127.0.0.1:{ports.temporal}", data_converter=pydantic_data_converter)
        async with asyncio.timeout(60):
            while (before := await _open_runs(client)) < 21:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        (server,) = [pid for pid in children(os.getpid()) if str(ports.temporal) in _arguments(pid)]
        os.kill(server, signal.SIGKILL)
        async with asyncio.timeout(60):
            while not any(line.endswith("again") for line in said):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        case = await _an_open_case(settings)
        handle = client.get_workflow_handle(case.workflow_id)
        state = await asyncio.wait_for(handle.query("state", result_type=CaseState), 60)
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert state.case == case
    assert before == 21
    assert len([line for line in said if READY.match(line)]) == 1
    assert any("has ended (signal 9)" in line for line in said)


async def _open_runs(client: Client) -> int:
    return (await client.count_workflows("WorkflowType='InvoiceDunning' AND ExecutionStatus='Running'")).count


def _arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


async def _an_open_case(settings: Settings) -> CaseRef:
    async with await Database.open(settings.database_url) as database, database.reading() as conn:
        (line,) = await queries.cases(conn, Filters(status="open"), limit=1)
    return CaseRef(creditor=line.creditor, number=line.number)


async def test_a_taken_port_is_explained_before_anything_starts(tmp_path: Path) -> None:
    """A port that somebody else uses ends the household with a sentence that names it."""
    port = free_port()
    async with temporal_dev_server(None, port, None, tmp_path / "other.log"):
        with pytest.raises(Unavailable, match=f"port {port} .* choose another: .* --temporal-port"):
            await household(load(), lambda _: None, ports=Ports(temporal=port))
        assert preferred_port(port) != port


def test_the_worker_is_kept_from_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, the worker's mail and its Temporal server are this machine's."""
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cloud.example:7233")
    monkeypatch.setenv("RELANCE_SMTP__HOST", "mail.example")
    monkeypatch.setenv("RELANCE_SMTP__PASSWORD", "secret")
    environment = environment_of("127.0.0.1:1", 2, "127.0.0.1:3", "http://127.0.0.1:8000", "")
    assert "secret" not in environment.values()
    assert environment["TEMPORAL_ADDRESS"] == "127.0.0.1:1"
    assert (environment["RELANCE_SMTP__HOST"], environment["RELANCE_SMTP__PORT"]) == ("127.0.0.1", "2")
