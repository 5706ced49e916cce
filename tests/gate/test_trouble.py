"""Poison: a case that fails for a reason of its own stops alone, is listed, and goes on after the mend."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner

from activities.assembly import assemble
from activities.dispatch import Dispatch, Parcel
from activities.trouble import Attempt, Troubles
from config.sections import Folders, Smtp
from config.settings import Settings
from correspondence.wording import Wording
from domain.actions import CaseRef
from domain.faults import Unavailable
from domain.policy import DunningPolicy
from domain.reminder import Reminder
from intake.relay import Relay
from ledger import troubles
from ledger.database import Database
from ledger.messages import State
from ledger.troubles import Trouble
from tests.domain import build
from tests.gate.house import House
from tests.patience import until
from trial.mail import mail_sink
from trial.servers import TemporalServer
from trial.world import TICK
from workflows.invoice import InvoiceDunning

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
SLEEPING = 4
"""The length of a history whose first sleep has begun."""

PDF = b"%PDF-1.4\n%%EOF\n"
SECRET = "compta@quenouille.example"
CASE = CaseRef(creditor="acme", number="F-1")
NOON = build.at("2026-03-02 12:00")


@dataclass
class Mistakes:
    """Knows whose case the release at work fails for, until it is mended."""

    dispatch: str = ""
    run: str = ""


@dataclass
class Scene:
    """Holds a house with three customers, and a release at work that makes mistakes."""

    house: House
    skipper: TimeSkipper
    server: TemporalServer
    mistakes: Mistakes
    numbers: dict[str, str] = field(default_factory=dict)

    async def open(self) -> None:
        """Bills each customer once, and starts the runs."""
        house = self.house
        house.now = datetime.now(UTC)
        names = ("healthy", "paperless", "misprinted", "misjudged")
        await house.register(*names)
        self.numbers = {name: f"F-{uuid4().hex[:8]}" for name in names}
        self.mistakes.dispatch, self.mistakes.run = self.numbers["misprinted"], self.numbers["misjudged"]
        due = (house.now.date() + timedelta(days=3)).isoformat()
        for name, number in self.numbers.items():
            paper = {"pdf": "missing.pdf"} if name == "paperless" else {}
            issued = house.now.date().isoformat()
            await house.bill(number, debtor=name, due=due, issue_date=issued, **paper)
        await Relay(house.database, self.skipper.client, house.settings.task_queue).deliver()

    async def until_due(self) -> None:
        """Moves the clock of every run to its next step."""
        await asyncio.gather(*(self._forward(number) for number in self.numbers.values()))

    async def _forward(self, number: str) -> None:
        handle = self.skipper.client.get_workflow_handle(self.house.case(number).workflow_id)
        upcoming = await self.house.next(number)
        assert upcoming.at is not None

        async def asleep() -> bool:
            return (await handle.describe()).history_length >= SLEEPING

        await until(asleep, PATIENCE)
        ahead = upcoming.at + TICK - await self.skipper.get_current_time(handle)
        await asyncio.wait_for(self.skipper.fast_forward(handle, ahead), PATIENCE)

    async def sent(self) -> set[str]:
        """Names the customers whose message is on record as sent."""
        by_number = {number: name for name, number in self.numbers.items()}
        return {
            by_number[one.reminder.lead] for one in await self.house.messages() if one.state is State.SENT
        }

    async def command(self, *arguments: str) -> Any:
        """Runs the command line as a person would, and reads its answer."""
        settings = self.house.settings
        environment = {
            "PATH": os.environ["PATH"],
            "TEMPORAL_ADDRESS": self.server.address,
            "RELANCE_DATABASE_URL": settings.database_url,
            "RELANCE_FOLDERS__VAR": str(settings.folders.var),
            "RELANCE_SMTP__PORT": str(settings.smtp.port),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "starter.py"), *arguments, "--json"),
            cwd=settings.folders.var,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, complained.decode()
        return json.loads(said)

    async def listed(self) -> dict[str, dict[str, Any]]:
        """Lists the cases in trouble by the customer's name."""
        by_number = {number: name for name, number in self.numbers.items()}
        found = (await self.command("troubles"))["troubles"]
        return {by_number[line["number"]]: line for line in found if line["number"] in by_number}


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch) -> Mistakes:
    """Puts a release to work with a bug in an activity and a bug in the workflow, each for one case."""
    mistakes = Mistakes()
    prepare, knock = Dispatch.prepare, InvoiceDunning._knock_at_the_gate

    def misprint(self: Dispatch, reminder: Reminder, message: str, now: datetime) -> Parcel:
        if reminder.lead == mistakes.dispatch:
            raise KeyError(SECRET)
        return prepare(self, reminder, message, now)

    async def misjudge(self: InvoiceDunning) -> None:
        if self.case.number == mistakes.run:
            msg = "a bug of the release"
            raise LookupError(msg)
        await knock(self)

    monkeypatch.setattr(Dispatch, "prepare", misprint)
    monkeypatch.setattr(InvoiceDunning, "_knock_at_the_gate", misjudge)
    return mistakes


@asynccontextmanager
async def staged(
    folder: Path,
    template: Path,
    temporal: Client,
    server: TemporalServer,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
    mistakes: Mistakes,
) -> AsyncIterator[Scene]:
    """Opens a scene on the real server, with the production workers."""
    shutil.copyfile(template, folder / "relance.sqlite3")
    url = f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}"
    async with mail_sink(folder / "mail" / "Maildir", 0) as sink, await Database.open(url) as database:
        settings = Settings(
            folders=Folders(var=folder / "var"),
            database_url=url,
            smtp=Smtp(port=sink.port),
            task_queue=f"trouble-{uuid4().hex}",
        )
        settings.folders.documents.mkdir(parents=True)
        house = House(database, settings, wording, catalogue, sink)
        skipper = TimeSkipper(temporal, config=TimeSkippingConfig(enabled=False))
        crew = assemble(
            skipper.client,
            settings,
            house.hands,
            workflow_runner=UnsandboxedWorkflowRunner(),
            grace=timedelta(seconds=1),
        )
        async with crew:
            yield Scene(house, skipper, server, mistakes)


@pytest.mark.timeout(240)
async def test_each_case_in_trouble_stops_alone_and_goes_on_after_the_mend(
    tmp_path: Path,
    sqlite_template: Path,
    temporal: Client,
    temporal_server: TemporalServer,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
    mistakes: Mistakes,
) -> None:
    """A missing document, a bug in an activity and one in the workflow each stop one case, until mended."""
    parts = (tmp_path, sqlite_template, temporal, temporal_server, wording, catalogue, mistakes)
    async with staged(*parts) as scene:
        await scene.open()
        await scene.until_due()
        broken = {"paperless", "misprinted", "misjudged"}

        lines: dict[str, dict[str, Any]] = {}

        async def all_listed() -> bool:
            lines.update(await scene.listed())
            return set(lines) == broken and lines["paperless"]["next_at"] is not None

        await until(all_listed, PATIENCE)
        assert await scene.sent() == {"healthy"}
        assert {name: line["fault"] for name, line in lines.items()} == {
            "paperless": "NotPrepared",
            "misprinted": "KeyError",
            "misjudged": "LookupError",
        }
        assert "missing.pdf" in lines["paperless"]["detail"]
        assert SECRET in lines["misprinted"]["detail"]
        assert lines["misjudged"]["detail"] == "a bug of the release"
        assert all(line["attempts"] >= 2 for line in lines.values())
        history = await scene.skipper.client.get_workflow_handle(
            scene.house.case(scene.numbers["misprinted"]).workflow_id
        ).fetch_history()
        assert SECRET not in history.to_json()
        assert (await scene.command("status"))["counts"]["troubles"] == 2

        # Before the mend: after it they may have gone on by themselves before the command looks.
        retried = await scene.command("retry", "--all")
        assert {one["activities"] for one in retried["retried"]} == {1}
        (scene.house.settings.folders.documents / "missing.pdf").write_bytes(PDF)
        mistakes.dispatch = mistakes.run = ""
        await scene.command("retry", "--all")

        async def all_sent() -> bool:
            return await scene.sent() == {"healthy", *broken}

        await until(all_sent, PATIENCE)
        assert len(scene.house.sink.received) == 4
        assert await scene.listed() == {}
        assert await _listed(scene.house.database) == []


@pytest.mark.timeout(240)
async def test_a_case_that_has_gone_on_unseen_leaves_the_list(
    tmp_path: Path,
    sqlite_template: Path,
    temporal: Client,
    temporal_server: TemporalServer,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
) -> None:
    """A line that a dying worker left behind is taken away by whoever reads the list."""
    parts = (tmp_path, sqlite_template, temporal, temporal_server, wording, catalogue, Mistakes())
    async with staged(*parts) as scene:
        await scene.open()
        case = scene.house.case(scene.numbers["healthy"])
        kept = Troubles(scene.house.database)
        await kept.fails(Attempt(kept, case, "Collector.take", "D-3", 2), KeyError("x"))
        assert len(await _listed(scene.house.database)) == 1
        assert await scene.listed() == {}
        assert await _listed(scene.house.database) == []


async def _listed(database: Database) -> list[Trouble]:
    async with database.reading() as conn:
        return await troubles.listed(conn)


async def _attempt(kept: Troubles, count: int, fault: Exception | None = None) -> None:
    """Lives through one attempt at the gate; its fault comes out again, whatever became of the list."""
    watched = Attempt(kept, CASE, "Collector.take", "D+2", count)
    if fault is None:
        async with watched:
            return
    with pytest.raises(type(fault)) as raised:
        async with watched:
            raise fault
    assert raised.value is fault


async def test_the_second_failure_is_noted_and_success_forgets_it(database: Database) -> None:
    """One failure is no trouble; from the second on there is one line, with the latest fault; then none."""
    now = [NOON]
    kept = Troubles(database, lambda: now[0])
    await _attempt(kept, 1, KeyError("IBAN"))
    assert await _listed(database) == []
    await _attempt(kept, 2, KeyError("IBAN"))
    now[0] += timedelta(minutes=10)
    await _attempt(kept, 3, LookupError("no such wording"))
    [line] = await _listed(database)
    assert (line.case, line.doing, line.step) == (CASE, "Collector.take", "D+2")
    assert (line.fault, line.attempts) == ("LookupError", 3)
    assert line.detail.startswith("LookupError: no such wording (at test_trouble.py:")
    assert line.last_at - line.first_at == timedelta(minutes=10)
    await _attempt(kept, 4)
    assert await _listed(database) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("the database is locked"),
        ApplicationError("try again", type="Unavailable"),
        ApplicationError("the mail server takes nothing now", type="NotNow"),
        ApplicationError("the facts have changed", type="ClaimLost"),
    ],
)
async def test_what_concerns_everybody_is_no_trouble_of_a_case(database: Database, fault: Exception) -> None:
    """Servers that are away and facts that moved meanwhile leave no line, however often they do."""
    await _attempt(Troubles(database), 7, fault)
    assert await _listed(database) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_refusal_to_an_operator_ends_the_trouble(database: Database) -> None:
    """An order that is refused at last, after it had failed for a while, leaves nothing on the list."""
    kept = Troubles(database)
    await _attempt(kept, 2, KeyError("x"))
    await _attempt(kept, 3, ApplicationError("not now", type="NotAllowed", non_retryable=True))
    assert await _listed(database) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_success_at_once_costs_no_statement(database: Database) -> None:
    """An activity that succeeds at its first attempt, or fails at it, asks the database nothing."""
    asked: list[str] = []

    def heard(*parts: Any) -> None:
        asked.append(str(parts[2]))

    event.listen(database._engine.sync_engine, "before_cursor_execute", heard)
    kept = Troubles(database)
    await _attempt(kept, 1)
    await _attempt(kept, 1, KeyError("x"))
    assert asked == []
    await _attempt(kept, 2)
    assert [words.split()[0] for words in asked] == ["BEGIN", "SELECT"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_record_that_is_busy_hides_no_fault(database: Database, database_url: str) -> None:
    """While another program holds the database the fault itself comes out, and the list is left as it was."""
    async with await Database.open(database_url, patience=0.2) as impatient:
        kept = Troubles(impatient)
        async with database.writing() as conn:
            await conn.execute(sa.text("SELECT 1"))
            await _attempt(kept, 2, KeyError("the bug"))
        await _attempt(kept, 3, KeyError("the bug"))
    [line] = await _listed(database)
    assert line.attempts == 3
