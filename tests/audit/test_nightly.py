"""The audit of every night: a schedule on a real server, a run, a verdict, a file."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
)
from temporalio.worker import Worker

from activities.assembly import workflow_runner
from activities.auditor import NightAuditor
from audit.findings import Report
from audit.keeping import KEPT, _kept, keep, last_kept
from ledger.schema import invoices
from tests.audit.forging import Forger
from trial import schedules
from trial.schedules import machine_zone, schedule_nightly_audit
from workflows.nightly import AuditVerdict, NightlyAudit

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest_asyncio.fixture(loop_scope="session")
async def night(temporal: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScheduleHandle]:
    """Gives the schedule a name of its own, and removes it."""
    monkeypatch.setattr(schedules, "NIGHTLY", f"nightly-{uuid4().hex}")
    handle = temporal.get_schedule_handle(schedules.NIGHTLY)
    yield handle
    await handle.delete()


async def result(client: Client, handle: ScheduleHandle) -> AuditVerdict:
    """Lets the schedule start its run now, and waits for the verdict."""
    before = (await handle.describe()).info.num_actions
    await handle.trigger()
    async with asyncio.timeout(30):
        while (described := await handle.describe()).info.num_actions == before:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)
    action = described.info.recent_actions[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    run = client.get_workflow_handle(action.workflow_id, result_type=AuditVerdict)
    verdict: AuditVerdict = await asyncio.wait_for(run.result(), 30)
    return verdict


@SQLITE
async def test_every_night_has_its_verdict(
    temporal: Client, forger: Forger, night: ScheduleHandle, tmp_path: Path
) -> None:
    """The scheduled run answers with the counts of what it found, and leaves the whole report as a file."""
    queue = f"night-{uuid4().hex}"
    await forger.house.errands()
    await schedule_nightly_audit(temporal, queue, "Europe/Paris")
    auditor = NightAuditor(forger.house.database, tmp_path / "audits")
    worker = Worker(
        temporal,
        task_queue=queue,
        workflows=[NightlyAudit],
        activities=[auditor.audit],
        workflow_runner=workflow_runner(),
    )
    async with worker:
        verdict = await result(temporal, night)
    kept = last_kept(tmp_path / "audits")
    assert kept is not None
    assert verdict.clean is False
    assert verdict.found == {kind.value: count for kind, count in kept.totals.items() if count}
    assert verdict.found["without_run"] == 1, "this record's case has no run on this server"
    assert verdict.found["forgotten"] == 1, "and its next step was due in the spring"
    assert verdict.counts["accounts"] == 1
    assert (tmp_path / "audits" / verdict.report).exists()


async def test_the_schedule_is_made_and_changed(temporal: Client, night: ScheduleHandle) -> None:
    """The second time the schedule is changed, not made again; whoever paused it finds it paused."""
    assert await schedule_nightly_audit(temporal, "one", "Europe/Paris") == "Europe/Paris"
    await night.pause(note="drill")
    assert await schedule_nightly_audit(temporal, "two") == machine_zone()
    described = await night.describe()
    schedule = described.schedule
    assert schedule.state.paused
    assert schedule.spec.time_zone_name == machine_zone()
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    assert schedule.action.task_queue == "two"
    (calendar,) = schedule.spec.calendars
    assert [(time.start, time.end) for time in (*calendar.hour, *calendar.minute)] == [(3, 3), (30, 30)]


@SQLITE
async def test_thirty_reports_are_kept(forger: Forger, tmp_path: Path) -> None:
    """The oldest reports go, the newest is read back whole; one that cannot be read is passed over."""
    report, folder = await forger.audit(), tmp_path / "audits"
    for day in range(KEPT + 3):
        keep(folder, report.model_copy(update={"at": report.at + timedelta(days=day)}))
    names = [path.name for path in _kept(folder)]
    assert len(names) == KEPT
    assert names[0] == f"{report.at + timedelta(days=3):%Y-%m-%d}.json"
    newest = last_kept(folder)
    assert newest == report.model_copy(update={"at": report.at + timedelta(days=KEPT + 2)})
    (folder / names[-1]).write_text("{")
    read = last_kept(folder)
    assert isinstance(read, Report)
    assert f"{read.at:%Y-%m-%d}.json" == names[-2]


@SQLITE
async def test_a_report_holds_no_name_and_no_address(forger: Forger) -> None:
    """What is found is told by ids, dates and amounts: nobody is named in a report."""
    await forger.run(sa.update(invoices).values(next_kind=None, version=9))
    await forger.house.pay("F-1")
    await forger.message()
    report = (await forger.audit()).model_dump_json()
    for personal in ("Dubois SARL", "dubois.example", "quai Bas", "Acme SAS", "FR7630006000011234567890189"):
        assert personal not in report
