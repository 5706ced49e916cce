"""Sleeping runs survive a new release: the recorded histories of every release replay with today's code.

To record those of the release being made: python -m pytest tests/workflows --record-histories
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.assembly import workflow_runner
from tests.workflows.conftest import HISTORIES, release
from tests.workflows.swapped import Swapped
from workflows.invoice import InvoiceDunning

RECORDED = sorted(HISTORIES.glob("*/*.json"))
LEAST = 8
SWAPPED = {"full-escalation", "marked-paid"}
"""The stories that come by an activity which the swapped run replaces."""


def named(path: Path) -> str:
    """Names a recorded history by its release and its story."""
    return f"{path.parent.name}/{path.stem}"


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
    """Each release has its main stories, the one being made too, and the page lists every release."""
    stories = Counter(path.parent.name for path in RECORDED)
    assert release() in stories
    assert min(stories.values()) >= LEAST
    page = (HISTORIES / "README.md").read_text("utf-8")
    assert set(re.findall(r"^- \*\*(\S+)\*\*", page, re.MULTILINE)) == set(stories)


@pytest.mark.parametrize("path", RECORDED, ids=named)
async def test_a_recorded_history_replays(path: Path) -> None:
    """A history recorded by an earlier release replays with the production runner and converter."""
    replayed = await replayer(InvoiceDunning).replay_workflow(recorded(path))
    assert replayed.replay_failure is None


@pytest.mark.parametrize("path", [path for path in RECORDED if path.stem in SWAPPED], ids=named)
async def test_a_swapped_activity_is_noticed(path: Path) -> None:
    """A change that would break sleeping runs, one activity in another's place, fails the replay."""
    with pytest.raises(NondeterminismError):
        await replayer(Swapped).replay_workflow(recorded(path))


@pytest.mark.parametrize("path", RECORDED, ids=named)
def test_a_recorded_history_names_no_machine(path: Path) -> None:
    """A recorded history holds no folder of the machine on which it was recorded."""
    text = path.read_text(encoding="utf-8")
    for folder in ("/home/", "/Users/", str(Path.cwd())):
        assert folder not in text
