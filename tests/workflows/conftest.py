"""What the workflow tests share: a lab on the real server, and the keeper of recorded histories."""

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from tests.workflows.world import Lab, lab

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = ROOT / "tests" / "histories"


def release() -> str:
    """Names the release that is being made: the first heading of CHANGELOG.md."""
    found = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert found is not None, "CHANGELOG.md names no release"
    return found[1]


Keeper = Callable[[str, WorkflowHistory], None]


@pytest_asyncio.fixture(loop_scope="session")
async def bench(temporal: Client) -> AsyncIterator[Lab]:
    """Opens a lab on the real server, with clocks that can be moved."""
    skipper = TimeSkipper(temporal, config=TimeSkippingConfig(enabled=False))
    async with lab(skipper.client, skipper) as opened:
        yield opened


@pytest.fixture
def keep(pytestconfig: pytest.Config) -> Keeper:
    """Writes a history to the folder of the release being made, with --record-histories."""

    def write(name: str, history: WorkflowHistory) -> None:
        if not pytestconfig.getoption("--record-histories"):
            return
        document = {"workflowId": history.workflow_id} | json.loads(history.to_json())
        text = json.dumps(document, indent=1, ensure_ascii=False).replace(f"{ROOT}/", "")
        folder = HISTORIES / release()
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")

    return write
