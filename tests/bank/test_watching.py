"""A watched folder: complete files are taken and moved aside, refused ones wait with their reason."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.faults import Unavailable
from intake.loading import load
from intake.readers.files import name_of
from intake.reports import LoadReport, RefusedRow
from intake.watching import REASON, Moved, Watch, move
from tests.bank.conftest import Branch
from tests.bank.test_crash import ROOT
from tests.domain import build
from tests.readers_bank import samples as banks

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = "2026-11-23"
REFUSED = RefusedRow(line=3, field="account", value="X", remedy="declare it", whole=True)


def first_word(path: Path) -> str:
    """Reads the first word of a file."""
    return path.read_text("utf-8").split()[0]


class Desk:
    """Takes files by their first word: `good`, `bad`, `half`, or anything else that raises."""

    def __init__(self, folder: Path) -> None:
        """Watches a folder."""
        self.folder = folder
        self.watch = Watch(folder, self.take)
        self.taken: list[str] = []

    async def take(self, path: Path) -> LoadReport:
        """Takes a file in."""
        self.taken.append(path.name)
        word = first_word(path)
        if word == "busy":
            msg = "the database is busy"
            raise Unavailable(msg)
        row = REFUSED.model_copy(update={"whole": word == "bad"})
        refused = (row,) if word in {"bad", "half"} else ()
        return LoadReport(source=name_of(path), taken=1, refused=refused)

    async def look(self, times: int = 2) -> list[Moved]:
        """Looks at the folder, twice by default, so that what lies still is complete."""
        return [one for _ in range(times) for one in await self.watch.look(NOW)]

    def names(self) -> list[str]:
        """Lists every file below the folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Watches an empty folder."""
    return Desk(tmp_path)


async def test_a_file_is_taken_once_it_lies_still(desk: Desk) -> None:
    """A file that grows between two looks is left alone; one that does not is taken and moved."""
    file = desk.folder / "a.xml"
    file.write_text("good 1")
    assert await desk.look(1) == []
    file.write_text("good 1 and more")
    assert await desk.look(1) == []
    [moved] = await desk.look(1)
    assert (moved.file, moved.taken, moved.to) == ("a.xml", True, f"taken/{DAY}/a.xml")
    assert desk.names() == [f"taken/{DAY}/a.xml"]


@pytest.mark.parametrize("name", ["a.part", "a.xml.tmp", ".a.xml", "~$a.csv", "a.crdownload", "a~"])
async def test_an_unfinished_file_waits(desk: Desk, name: str) -> None:
    """What programs call a file while they write it is not taken."""
    (desk.folder / name).write_text("good")
    assert await desk.look(3) == []
    assert desk.names() == [name]


async def test_an_empty_file_waits_for_its_content(desk: Desk) -> None:
    """A file without content may be only just begun: it is left alone for a minute."""
    (desk.folder / "a.csv").touch()
    os.utime(desk.folder / "a.csv", (NOW.timestamp() - 30,) * 2)
    assert await desk.look(3) == []


async def test_a_refused_file_waits_with_its_reason(desk: Desk) -> None:
    """A refused file lies in refused/, beside it what is wrong, in French and English."""
    (desk.folder / "b.xml").write_text("bad")
    [moved] = await desk.look()
    assert (moved.taken, moved.to) == (False, "refused/b.xml")
    reason = (desk.folder / "refused" / f"b.xml{REASON}").read_text("utf-8")
    assert "Refusé" in reason
    assert "Refused" in reason
    assert "line 3: account = 'X': declare it" in reason


async def test_rows_that_are_kept_do_not_hold_their_file_back(desk: Desk) -> None:
    """A file of which rows were refused that the record keeps counts as taken; the reason is beside it."""
    (desk.folder / "c.csv").write_text("half")
    [moved] = await desk.look()
    assert moved.taken
    assert desk.names() == [f"taken/{DAY}/c.csv", f"taken/{DAY}/c.csv{REASON}"]


async def test_nothing_is_ever_replaced(desk: Desk) -> None:
    """The same name again gets a number, taken or refused, and so does its reason."""
    for turn in range(3):
        (desk.folder / "a.xml").write_text(f"bad {turn}")
        await desk.look()
    found = {path.read_text("utf-8") for path in (desk.folder / "refused").glob("a*.xml")}
    assert found == {"bad 0", "bad 1", "bad 2"}
    assert len(list((desk.folder / "refused").glob(f"*{REASON}"))) == 3


async def test_a_busy_database_leaves_the_file_where_it_is(desk: Desk) -> None:
    """A file that cannot be taken now stays, and is taken at a later look."""
    (desk.folder / "a.xml").write_text("busy")
    await desk.look(1)
    with pytest.raises(Unavailable):
        await desk.look(1)
    assert desk.names() == ["a.xml"]
    (desk.folder / "a.xml").write_text("good now")
    assert [one.to for one in await desk.look()] == [f"taken/{DAY}/a.xml"]


async def test_a_file_that_cannot_be_moved_is_taken_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder's rights forbid it, the file stays and is not taken again and again."""

    def forbidden(*_: object) -> Path:
        raise PermissionError

    monkeypatch.setattr(Path, "replace", forbidden)
    (desk.folder / "a.xml").write_text("good")
    [moved] = await desk.look(4)
    assert (moved.to, desk.taken) == (None, ["a.xml"])
    assert desk.names() == ["a.xml"]


async def test_folders_and_links_are_left_alone(desk: Desk) -> None:
    """Only plain files are taken: not folders, nor what lies in them, nor links to elsewhere."""
    (desk.folder / "older").mkdir()
    (desk.folder / "older" / "a.xml").write_text("good")
    (desk.folder / "link.xml").symlink_to(desk.folder / "older" / "a.xml")
    assert await desk.look(3) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.xml", "a", "é.csv", "a.b.c", "x" * 240, "a\nb.txt", "\udcff.xml"]),
            st.sampled_from(["good", "bad", "half"]),
        ),
        max_size=8,
    )
)
def test_no_file_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[str, str]]
) -> None:
    """Whatever names come how often, each content is found again under the folder, exactly once."""
    desk = Desk(tmp_path_factory.mktemp("watched"))

    async def all_of_them() -> None:
        for turn, (name, word) in enumerate(given_):
            (desk.folder / name).write_text(f"{word} {turn}")
            await desk.look()

    asyncio.run(all_of_them())
    contents = [
        path.read_text("utf-8")
        for path in desk.folder.rglob("*")
        if path.is_file() and ".reason" not in path.name
    ]
    assert sorted(contents) == sorted(f"{word} {turn}" for turn, (_, word) in enumerate(given_))


def test_moving_what_is_gone_moves_nothing(tmp_path: Path) -> None:
    """Of two watchers one moves the file; the other leaves no empty file behind."""
    report = LoadReport(source="a.xml", taken=1)
    assert move(tmp_path / "a.xml", tmp_path / "taken", report, NOW) is None
    assert list((tmp_path / "taken").iterdir()) == []


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from intake import watching
from terminal.watching import Watching
from terminal.loading import Told
from terminal.record import opened

def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

watching.move = die

async def main() -> None:
    async with opened() as record:
        seen = Watching(record, Path(sys.argv[1]), Told(None, None, None))
        await seen.look()
        await seen.look()

asyncio.run(main())
"""


async def test_a_file_taken_and_not_moved_is_taken_once(
    branch: Branch, database_url: str, tmp_path: Path
) -> None:
    """Killed between taking and moving, the file is there again: the next look knows it, and moves it."""
    branch.now = build.at("2026-11-23 12:00")
    await branch.bill("F-2026-0117", total="1840.00", due="2026-12-20")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "camt.xml").write_text(banks.camt053(), "utf-8")
    script = tmp_path / "killed.py"
    script.write_text(KILLED, "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "RELANCE_DATABASE_URL": database_url,
        "RELANCE_FOLDERS__VAR": str(tmp_path / "var"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(folder), cwd=ROOT, env=environment
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == ["camt.xml"]
    before = await branch.states()

    async def take(path: Path) -> LoadReport:
        return await load(branch.door, path, now=branch.now)

    watch = Watch(folder, take)
    assert await watch.look(NOW) == []
    [moved] = await watch.look(NOW + timedelta(seconds=5))
    assert (moved.taken, moved.report.taken, moved.report.known) == (True, 0, 3)
    assert await branch.states() == before
    assert len((await branch.account()).payments) == len({*before} & {"booked"}) + before.count("on_account")
