"""The Temporal dev server of a trial: it answers, keeps its state, ends with its block."""

import os
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from domain.faults import ConfigurationFault, Unavailable
from trial.servers import TemporalServer, free_port, temporal_binary, temporal_dev_server


async def retention_days(server: TemporalServer) -> float:
    """Asks the server how long it keeps closed runs."""
    client = await Client.connect(server.address)
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    return answer.config.workflow_execution_retention_ttl.ToTimedelta().days


def alive(pid: int) -> bool:
    """Tells whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_state_survives_a_restart_and_nothing_stays_running(tmp_path: Path) -> None:
    """With a file a started workflow is still there after a restart, for 90 days, and the process is gone."""
    file = tmp_path / "var" / "temporal.sqlite3"
    log = tmp_path / "var" / "temporal.log"
    async with temporal_dev_server(file, 0, None, log) as first:
        client = await Client.connect(first.address)
        await client.start_workflow("Anything", id="kept", task_queue="nobody")
        assert first.ui is None
    assert not alive(first.pid)
    async with temporal_dev_server(file, 0, None, log) as second:
        client = await Client.connect(second.address)
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "Anything"
        assert await retention_days(second) == 90
    assert not alive(second.pid)


async def test_a_server_ends_when_its_block_fails(tmp_path: Path) -> None:
    """A fault inside the block does not leave the server behind."""
    started: list[TemporalServer] = []

    async def fail() -> None:
        async with temporal_dev_server(None, 0, 0, tmp_path / "temporal.log") as server:
            started.append(server)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert str(started[0].ui).startswith("http://127.0.0.1:")
    assert not alive(started[0].pid)


async def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    """A second server on the same port is refused before it starts, with a remedy."""
    port = free_port()
    async with temporal_dev_server(None, port, None, tmp_path / "first.log"):
        with pytest.raises(Unavailable, match="choose another"):
            async with temporal_dev_server(None, port, None, tmp_path / "second.log"):
                pass


def test_a_missing_command_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the temporal command the fault says how to get it."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationFault, match="make demo"):
        temporal_binary()
