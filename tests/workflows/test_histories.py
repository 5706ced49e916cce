"""Sleeping runs survive a new release: recorded histories replay with today's code.

To record them anew after a wanted change: python -m pytest tests/workflows --record-histories
"""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.assembly import workflow_runner
from tests.workflows.conftest import HISTORIES
from tests.workflows.swapped import Swapped
from workflows.invoice import InvoiceDunning

RECORDED = sorted(HISTORIES.glob("*.json"))
LEAST = 8


def recorded(path: Path) -> WorkflowHistory:
    """Reads a recorded history."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(document.pop("workflowId"), document)


def replayer(code: type) -> Replayer:
    """Replays as the worker runs: the same sandbox, the same converter."""
    return Replayer(
        workflows=[code], workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
    )


def test_the_main_stories_are_recorded() -> None:
    """The recorded histories are all there."""
    assert len(RECORDED) >= LEAST


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    """A history recorded by an earlier release replays with the production runner and converter."""
    replayed = await replayer(InvoiceDunning).replay_workflow(recorded(path))
    assert replayed.replay_failure is None


@pytest.mark.parametrize("name", ["full-escalation", "marked-paid"])
async def test_a_swapped_activity_is_noticed(name: str) -> None:
    """A change that would break sleeping runs, one activity in another's place, fails the replay."""
    with pytest.raises(NondeterminismError):
        await replayer(Swapped).replay_workflow(recorded(HISTORIES / f"{name}.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_history_names_no_machine(path: Path) -> None:
    """A recorded history holds no folder of the machine on which it was recorded."""
    text = path.read_text(encoding="utf-8")
    for folder in ("/home/", "/Users/", str(Path.cwd())):
        assert folder not in text
