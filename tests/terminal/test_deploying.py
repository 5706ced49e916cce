"""`deploy`: which build gets the work is shown, said where it is none of ours, and changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker import Worker
from typer.testing import Result

from activities.deployment import deployment
from config.settings import Settings
from tests.patience import until
from tests.terminal.conftest import Terminal
from tests.workflows.world import FakeCollector
from trial.servers import TemporalServer
from workflows.ports import gate_queue


class Yard:
    """Starts workers of builds, and runs the command beside them."""

    def __init__(self, terminal: Terminal, client: Client, name: str, queue: str) -> None:
        """Takes the command line, the server, and a deployment and queue of this test's own."""
        self.terminal, self.client, self.name, self.queue = terminal, client, name, queue

    async def deploy(self, *arguments: str) -> Result:
        """Runs the command, whose own loop needs a thread of its own."""
        return await asyncio.wait_for(asyncio.to_thread(self.terminal, "deploy", *arguments), 60)

    @asynccontextmanager
    async def build(self, number: str, *, gate: bool = True) -> AsyncIterator[None]:
        """Runs the workers of a build, with or without those of the gate."""
        config = deployment(Settings(deployment_name=self.name, build_id=number))
        async with AsyncExitStack() as stack:
            for queue in (self.queue, *([gate_queue(self.queue)] if gate else [])):
                worker = Worker(
                    self.client,
                    task_queue=queue,
                    activities=[FakeCollector().take],
                    deployment_config=config,
                )
                await stack.enter_async_context(worker)
            await until(lambda: self.asks(number, 2 if gate else 1), 60)
            yield

    async def asks(self, number: str, queues: int) -> bool:
        """Tells whether a build is seen to ask for work on so many queues."""
        told = await self.deploy("--json")
        builds = {one["id"]: one for one in json.loads(told.stdout).get("builds", ())}
        return number in builds and len(builds[number]["polls"]) == queues


@pytest_asyncio.fixture(loop_scope="session")
async def yard(
    terminal: Terminal,
    temporal_server: TemporalServer,
    temporal: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> Yard:
    """Gives a command line whose settings name build 1 of a new deployment on the session's server."""
    name, queue = f"relance-{uuid4().hex[:8]}", f"queue-{uuid4().hex[:8]}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("RELANCE_DEPLOYMENT_NAME", name)
    monkeypatch.setenv("RELANCE_BUILD_ID", "1")
    monkeypatch.setenv("RELANCE_TASK_QUEUE", queue)
    return Yard(terminal, temporal, name, queue)


async def test_a_build_without_work_is_said_and_mended(yard: Yard) -> None:
    """Ours gets no work until it is made current: code 5 and the remedy before, code 0 after."""
    async with yard.build("1"):
        before = await yard.deploy()
        assert before.exit_code == 5
        assert f"build 1 of deployment {yard.name} gets no work" in before.stdout
        assert "starter.py deploy 1" in before.stdout
        after = await yard.deploy("1", "--json")
        assert after.exit_code == 0, after.output
        assert json.loads(after.stdout)["current"] == "1"
        assert "build 1 gets the work" in (await yard.deploy()).stdout
        async with yard.build("2"):
            moved = await yard.deploy("2", "--json")
            assert moved.exit_code == 0, moved.output
            assert json.loads(moved.stdout)["current"] == "2"
            assert (await yard.deploy()).exit_code == 5
            back = await yard.deploy("--unversioned", "--json")
            assert back.exit_code == 0, back.output
            assert json.loads(back.stdout)["current"] is None


async def test_a_build_without_workers_is_not_made_current(yard: Yard) -> None:
    """A build nobody runs is not found; one whose gate has no worker is refused, and named."""
    unknown = await yard.deploy()
    assert unknown.exit_code == 4
    assert "start one with RELANCE_DEPLOYMENT_NAME" in unknown.stderr
    async with yard.build("1", gate=False):
        missing = await yard.deploy("1")
        assert missing.exit_code == 5
        assert f"asks for work on {gate_queue(yard.queue)}: start its workers first" in missing.stderr
        assert (await yard.deploy("9")).exit_code == 4


def test_unversioned_workers_have_nothing_to_show(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a deployment the command says what to set; one setting without the other is refused."""
    assert terminal("deploy").exit_code == 6
    assert "RELANCE_DEPLOYMENT_NAME is not set" in terminal("deploy").stderr
    assert terminal("deploy", "1", "--unversioned").exit_code == 3
    monkeypatch.setenv("RELANCE_BUILD_ID", "1")
    refused = terminal("deploy")
    assert refused.exit_code == 6
    assert "RELANCE_BUILD_ID" in refused.stderr
    assert "set both, or none" in refused.stderr
