"""The demonstration: a sample company lived through in minutes, and checked against its prediction.

In: starting the servers of a trial, the import, the story, the comparison; the files lie in one folder.
Not in: the story (sample/), how it is told to people (telling.py).
"""

import asyncio
import fcntl
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime

from activities.links import links_of
from config.catalogue import load_policies
from config.sections import Console, Folders, Smtp
from config.settings import Settings
from correspondence.links import Links
from correspondence.wording import Wording
from domain.actions import Because, CaseRef
from domain.faults import RelanceError, Unavailable
from domain.simulation import Simulated
from intake.loading import LoadReport, load
from ledger import queries
from ledger.database import Database
from ledger.messages import MessageRecord
from ledger.queries import CaseFile
from trial import comparing
from trial.comparing import Left
from trial.foresight import Foresight
from trial.mail import MailSink, mail_sink
from trial.sample.company import company, write
from trial.sample.story import day_of, tell
from trial.servers import LOCAL, preferred_port, temporal_dev_server
from trial.world import World, world

TEMPORAL_PORT = 7233
WEB_UI_PORT = 8233
CONSOLE_PORT = 8000
TASK_QUEUE = "relance-demo"
"""A queue of its own: a worker of this machine's own records must not take part in the story."""

LONGEST_STORY = 300.0
"""How many seconds of real time the story may take; it takes a fraction of them."""


class StoryFailed(RelanceError):
    """Says that the demonstration did not go as it should."""


@dataclass(frozen=True)
class Watching:
    """Hears how the demonstration goes on: what is being done, and how many messages have left."""

    phase: Callable[[str], None] = field(default=lambda _: None)
    lived: Callable[[datetime, int, int], None] = field(default=lambda _at, _done, _all: None)


@dataclass(frozen=True)
class Foretold:
    """Holds what was known before anything happened."""

    foresight: Foresight
    simulated: Simulated
    messages: list[Left]
    wording: Wording


@dataclass(frozen=True)
class Lived:
    """Holds what happened, next to what was foretold; `differences` is empty where they agree."""

    settings: Settings
    world: World
    foretold: Foretold
    imported: LoadReport
    records: list[MessageRecord]
    files: list[CaseFile]
    reasons: dict[tuple[CaseRef, str], Because]
    sink: MailSink
    web_ui: str
    address: str
    differences: list[str]

    @property
    def days(self) -> int:
        """Counts the days of dunning, from the import to the last thing that happened."""
        begin = self.foretold.foresight.begin
        return (max(file.entries[-1].at for file in self.files) - begin).days


@asynccontextmanager
async def demonstration(
    folder: Path,
    begin: datetime,
    *,
    keep: bool = False,
    watching: Watching | None = None,
    runtime: Runtime | None = None,
) -> AsyncIterator[Lived]:
    """Lives through the sample's story in a fresh folder; its servers answer until the block ends.

    With `keep` what the Temporal server knows is kept in the folder too. Raises StoryFailed where the
    sample cannot be taken in or the story does not come to its end.
    """
    watching = watching or Watching()
    file = folder / "sample.ndjson"
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(folder))
        shutil.rmtree(folder, ignore_errors=True)
        watching.phase("foretelling the story, starting the servers")
        settings = _settings(folder, preferred_port(CONSOLE_PORT))
        foretelling = asyncio.create_task(asyncio.to_thread(_foretell, begin, file, links_of(settings)))
        stack.callback(foretelling.cancel)
        server = await stack.enter_async_context(
            temporal_dev_server(
                folder / "temporal.sqlite3" if keep else None,
                preferred_port(TEMPORAL_PORT),
                preferred_port(WEB_UI_PORT),
                folder / "temporal.log",
            )
        )
        sink = await stack.enter_async_context(
            mail_sink(folder / "mail" / "Maildir", 0, readable=folder / "mail")
        )
        settings = settings.model_copy(update={"smtp": Smtp(port=sink.port)})
        client = await Client.connect(server.address, data_converter=pydantic_data_converter, runtime=runtime)
        database = await stack.enter_async_context(await Database.open(settings.database_url))
        await database.migrate()
        foretold = await foretelling
        # The worker stays: the Web UI asks it for the story of each run.
        lives = await stack.enter_async_context(world(client, settings, database, foretold.wording))
        imported = await _import(lives, file, begin, watching)
        await _live(lives, foretold, sink, watching)
        watching.phase("comparing what left with what was foretold")
        records = await comparing.on_record(database)
        yield Lived(
            settings=settings,
            world=lives,
            foretold=foretold,
            imported=imported,
            records=records,
            files=await _files(database, foretold.simulated),
            reasons=lives.reasons,
            sink=sink,
            web_ui=server.ui or "",
            address=server.address,
            differences=await _differences(database, foretold, records, sink, settings.folders.letters),
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps a second demonstration out of the folder while one is at work in it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"a demonstration is at work in {folder}: end it (Ctrl-C), then try again"
            raise Unavailable(msg) from None
        yield


def _settings(folder: Path, console_port: int) -> Settings:
    """States every setting that says where something goes: those of production must not be heeded here."""
    folders = Folders(var=folder)
    return Settings(
        folders=folders,
        database_url=f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}",
        console=Console(bind=f"{LOCAL}:{console_port}", public_url=f"http://{LOCAL}:{console_port}"),
        secret_key=None,
        task_queue=TASK_QUEUE,
    )


def _foretell(begin: datetime, file: Path, links: Links | None) -> Foretold:
    """Reads the sample as of today, tells its story in advance, and writes its file."""
    folders = Folders()
    catalogue = load_policies(folders.policies)
    today = day_of(begin)
    write(file, today)
    foresight = Foresight(company(today), catalogue, begin)
    tell(foresight)
    simulated = foresight.whole()
    wording = Wording.load(folders.wording, links)
    return Foretold(foresight, simulated, comparing.predicted(simulated, wording), wording)


async def _import(lives: World, file: Path, begin: datetime, watching: Watching) -> LoadReport:
    watching.phase("importing the sample company")
    report = await load(lives.door, file, now=begin)
    if report.refused:
        first = report.refused[0]
        msg = f"{file}, line {first.line}: {first.field} = {first.value!r}: {first.remedy}"
        raise StoryFailed(msg)
    await lives.deliver()
    return report


async def _live(lives: World, foretold: Foretold, sink: MailSink, watching: Watching) -> None:
    """Lives through the scenes, telling the watcher how far the story has come."""
    watching.phase("living through the story")
    latest = foretold.foresight.begin

    def lived(at: datetime) -> None:
        nonlocal latest
        latest = max(latest, at)
        watching.lived(latest, len(sink.received), len(foretold.messages))

    lives.lived = lived
    scenes = foretold.foresight.scenes
    try:
        async with asyncio.timeout(LONGEST_STORY):
            await lives.live((scene.moment for scene in scenes), foretold.foresight.end)
    except TimeoutError:
        msg = f"the story did not come to its end within {LONGEST_STORY:.0f} s: a run does not react"
        raise StoryFailed(msg) from None


async def _files(database: Database, simulated: Simulated) -> list[CaseFile]:
    async with database.reading() as conn:
        return [await queries.case_file(conn, case) for case in comparing.cases(simulated)]


async def _differences(
    database: Database, foretold: Foretold, records: list[MessageRecord], sink: MailSink, letters: Path
) -> list[str]:
    found = comparing.differences(foretold.messages, comparing.left(records))
    found += comparing.undelivered(records, sink, letters)
    ended, foreseen = await comparing.endings(database), comparing.foreseen_endings(foretold.simulated)
    found += [
        f"{number} was foretold to end {foreseen.get(number)}, it ended {ended.get(number)}"
        for number in sorted({*ended, *foreseen})
        if ended.get(number) is not foreseen.get(number)
    ]
    return found
