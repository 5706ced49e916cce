"""What the tests of correspondence share: the real wording, and a copy of it to break."""

import shutil
from pathlib import Path

import pytest

from correspondence.wording import Wording

ROOT = Path(__file__).parents[2]
WORDING = ROOT / "config" / "wording"
POLICIES = ROOT / "config" / "policies"


@pytest.fixture(scope="session")
def wording() -> Wording:
    """Loads the wording that Relance ships."""
    return Wording.load(WORDING)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copies the shipped wording, with one message only, so that a test may spoil it."""
    folder = tmp_path / "wording"
    shutil.copytree(WORDING, folder)
    for message in folder.glob("*/*"):
        if message.is_dir() and message.name != "overdue":
            shutil.rmtree(message)
    return folder
