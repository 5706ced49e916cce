"""The locked requirements: sealed by what was asked for, free of addresses."""

import shutil
from pathlib import Path

import pytest

from requirements.locks import HERE, SETS, complaints, write_seals


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copies the requirements."""
    return Path(shutil.copytree(HERE, tmp_path / "requirements"))


def test_the_locks_of_this_repository_are_sound() -> None:
    """What is locked belongs to what is asked for."""
    assert complaints() == []


def test_a_changed_request_breaks_the_seals_that_depend_on_it(folder: Path) -> None:
    """A new line in runtime.in calls for every lock again, one in dev.in for that of dev alone."""
    with (folder / "dev.in").open("a", encoding="utf-8") as asked:
        asked.write("something\n")
    assert [text.split()[0] for text in complaints(folder)] == ["requirements/dev.txt"]
    with (folder / "runtime.in").open("a", encoding="utf-8") as asked:
        asked.write("something\n")
    assert len(complaints(folder)) == len(SETS)
    write_seals(folder)
    assert complaints(folder) == []


@pytest.mark.parametrize("line", ["--index-url x", "-i x", "a @ https" + "://registry.test/a.whl"])
def test_an_address_is_found(folder: Path, line: str) -> None:
    """A line that names a registry is refused wherever it stands."""
    with (folder / "test.txt").open("a", encoding="utf-8") as locked:
        locked.write(f"{line}\n")
    assert any("names an address" in text for text in complaints(folder))
