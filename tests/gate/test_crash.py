"""The crash matrix: the worker is killed at each point of the gate, and comes back as another process."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.assembly import assemble
from config.sections import Folders, Smtp
from config.settings import Settings
from correspondence.wording import Wording
from domain.policy import DunningPolicy
from intake.relay import Relay
from ledger import queries
from ledger.database import Database
from ledger.messages import MessageRecord, State
from tests.gate.house import House
from tests.gate.killable_worker import Point
from tests.patience import until
from trial.mail import mail_sink
from trial.servers import TemporalServer
from trial.world import TICK

PATIENCE = 60.0
ROOT = Path(__file__).resolve().parents[2]

CUSTOMERS = ("dubois", "martin")

SLEEPING = 4
"""The length of a history whose first sleep has begun."""

UNKNOWABLE = {Point.HANDING_OVER, Point.ACCEPTED}
"""Where a death leaves a message of which nobody can know whether it left."""

Rooms = tuple[Wording, dict[str, DunningPolicy]]


@dataclass
class Scene:
    """Holds a house whose steps a separate process takes; invoices have numbers of their own."""

    house: House
    skipper: TimeSkipper
    server: TemporalServer
    numbers: dict[str, str]

    async def open(self) -> None:
        """Bills each customer once, through the door, and starts the runs."""
        self.house.now = datetime.now(UTC)
        await self.house.register(*CUSTOMERS)
        today = self.house.now.date()
        for customer, number in self.numbers.items():
            due = (today + timedelta(days=3)).isoformat()
            await self.house.bill(number, debtor=customer, due=due, issue_date=today.isoformat())
        relay = Relay(self.house.database, self.skipper.client, self.house.settings.task_queue)
        await relay.deliver()

    async def until_due(self) -> None:
        """Moves the clock of every run to its next step."""
        await asyncio.gather(*(self._forward(number) for number in self.numbers.values()))

    async def _forward(self, number: str) -> None:
        handle = self.skipper.client.get_workflow_handle(self.house.case(number).workflow_id)
        upcoming = await self.house.next(number)
        assert upcoming.at is not None

        async def asleep() -> bool:
            return (await handle.describe()).history_length >= SLEEPING

        await until(asleep)
        ahead = upcoming.at + TICK - await self.skipper.get_current_time(handle)
        await asyncio.wait_for(self.skipper.fast_forward(handle, ahead), PATIENCE)

    @asynccontextmanager
    async def killable(self, point: Point, marker: Path) -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs the worker that will kill itself."""
        settings = self.house.settings
        environment = {
            "PATH": os.environ["PATH"],
            "TEMPORAL_ADDRESS": self.server.address,
            "RELANCE_DATABASE_URL": settings.database_url,
            "RELANCE_TASK_QUEUE": settings.task_queue,
            "RELANCE_FOLDERS__VAR": str(settings.folders.var),
            "RELANCE_SMTP__PORT": str(settings.smtp.port),
            "RELANCE_LEASE_SECONDS": "10",
        }
        command = [sys.executable, "-m", "tests.gate.killable_worker", point.value, str(marker)]
        with marker.with_suffix(".log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def settled(self) -> None:
        """Waits until no message is under way and every run has gone past its step."""
        await until(self._is_settled, PATIENCE)

    async def _is_settled(self) -> bool:
        decided = {State.SENT, State.AMBIGUOUS}
        records = await self.house.messages()
        if len(records) < len(self.numbers) or any(record.state not in decided for record in records):
            return False
        for number in self.numbers.values():
            handle = self.skipper.client.get_workflow_handle(self.house.case(number).workflow_id)
            described = (await handle.describe()).raw_description
            if described.pending_activities or described.HasField("pending_workflow_task"):
                return False
        return True


@dataclass(frozen=True)
class Aftermath:
    """Holds what is on record, and in the mailbox, after a worker died and another one came."""

    died: bool
    records: list[MessageRecord]
    delivered: list[tuple[str, ...]]
    asked: set[str]
    open_cases: int

    def copies(self, record: MessageRecord) -> int:
        """Counts how often a message was delivered."""
        return self.delivered.count(tuple(record.reminder.recipients))


async def crash(
    point: Point, folder: Path, template: Path, temporal: Client, server: TemporalServer, rooms: Rooms
) -> Aftermath:
    """Lives through one crash: a worker dies at the point, another one takes over."""
    wording, catalogue = rooms
    shutil.copyfile(template, folder / "relance.sqlite3")
    async with (
        mail_sink(folder / "mail" / "Maildir", 0) as sink,
        await Database.open(f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}") as database,
    ):
        settings = Settings(
            folders=Folders(var=folder / "var"),
            database_url=f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}",
            smtp=Smtp(port=sink.port),
            task_queue=f"crash-{uuid4().hex}",
            lease_seconds=10,
        )
        house = House(database, settings, wording, catalogue, sink)
        skipper = TimeSkipper(temporal, config=TimeSkippingConfig(enabled=False))
        scene = Scene(house, skipper, server, {name: f"F-{uuid4().hex[:8]}" for name in CUSTOMERS})
        await scene.open()
        async with scene.killable(point, folder / "died") as process:
            await scene.until_due()
            code = await asyncio.wait_for(process.wait(), PATIENCE)
        async with assemble(temporal, settings, house.hands, grace=timedelta(seconds=1)):
            await scene.settled()
        async with database.reading() as conn:
            counts = await queries.counts(conn)
        return Aftermath(
            died=code == -signal.SIGKILL,
            records=await house.messages(),
            delivered=[received.recipients for received in sink.received],
            asked={task.detail["message"] for task in await house.tasks() if task.kind == "ambiguous"},
            open_cases=counts["open"],
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aftermaths(
    temporal: Client,
    temporal_server: TemporalServer,
    sqlite_template: Path,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[Point, Aftermath]:
    """Lives through every crash at once, each with a process, a record and a mailbox of its own."""
    lived = await asyncio.gather(
        *(
            crash(
                point,
                tmp_path_factory.mktemp(point.value),
                sqlite_template,
                temporal,
                temporal_server,
                (wording, catalogue),
            )
            for point in Point
        )
    )
    return dict(zip(Point, lived, strict=True))


@pytest.mark.timeout(420)
@pytest.mark.parametrize("point", list(Point))
async def test_ac75_at_most_one_mail_a_customer(aftermaths: dict[Point, Aftermath], point: Point) -> None:
    """Killed at any point and taken over: one mail a customer at most, exactly one where it is sent."""
    after = aftermaths[point]
    assert after.died
    assert len(after.records) == len(CUSTOMERS)
    for record in after.records:
        assert record.state in {State.SENT, State.AMBIGUOUS}
        assert after.copies(record) == 1 if record.state is State.SENT else after.copies(record) <= 1
    assert after.open_cases == len(CUSTOMERS)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("point", list(Point))
async def test_only_what_nobody_can_know_is_ambiguous(
    aftermaths: dict[Point, Aftermath], point: Point
) -> None:
    """A death while handing over, or before its answer is written down, asks a person; no other does."""
    after = aftermaths[point]
    doubtful = {record.id for record in after.records if record.state is State.AMBIGUOUS}
    assert after.asked == doubtful
    if point in UNKNOWABLE:
        assert doubtful
    else:
        # Another customer's message may have been on its way at that very moment.
        assert len(doubtful) < len(after.records)


@pytest.mark.timeout(420)
async def test_what_the_server_took_is_not_sent_again(aftermaths: dict[Point, Aftermath]) -> None:
    """A message that the server accepted before the process could write it down lies there once."""
    after = aftermaths[Point.ACCEPTED]
    assert any(after.copies(record) == 1 for record in after.records if record.state is State.AMBIGUOUS)
    before = aftermaths[Point.HANDING_OVER]
    assert any(before.copies(record) == 0 for record in before.records if record.state is State.AMBIGUOUS)
