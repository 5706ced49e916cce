"""What all tests share: databases, one Temporal server with virtual time, and a calm end.

In: the session's dev server and a client of it, the switch that records histories anew.
Not in: what one room's tests share (its own conftest.py).
"""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import settings
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from trial.servers import TemporalServer, temporal_dev_server

pytest_plugins = ["tests.databases"]

settings.register_profile("suite", max_examples=50)
settings.load_profile("suite")
"""So many cases of each property in a run of all; `--hypothesis-profile default` tries twice as many."""

IDENTITY = "tests"
"""What clients call themselves in histories, where the default would name this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the switch that records the histories of the main stories."""
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="write the histories of the main stories to tests/histories/ instead of only replaying them",
    )


def pytest_unconfigure() -> None:
    """Lets Temporal's threads end: the interpreter may die while they hold its lock (sdk-python 300)."""
    time.sleep(0.3)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """Runs one Temporal dev server in memory, with time skipping, for the whole session."""
    log = tmp_path_factory.mktemp("temporal") / "server.log"
    async with temporal_dev_server(None, 0, None, log) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal(temporal_server: TemporalServer) -> Client:
    """Connects to the session's server."""
    return await Client.connect(
        temporal_server.address, data_converter=pydantic_data_converter, identity=IDENTITY
    )
