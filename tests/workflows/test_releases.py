"""A run outlives the release that began it: with versioned workers, and without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType, VersioningBehavior
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Interceptor, Replayer, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

import workflows.invoice
from activities.assembly import Hands, assemble, workflow_runner
from activities.deployment import deployment, look_up, make_current, without_work
from config.settings import Settings
from domain.actions import Ending, NextAction, Plan
from domain.faults import NotFound
from tests.conftest import IDENTITY
from tests.patience import until
from tests.workflows.released import Asking, AskingOnce, Careless, OneQueue
from tests.workflows.test_endurance import chain
from tests.workflows.world import (
    PATIENCE,
    FakeCollector,
    FakeLedger,
    FakePlanner,
    Lab,
    Run,
    answer,
    close,
    story,
    take,
)
from workflows.invoice import InvoiceDunning
from workflows.ports import gate_queue

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


def now(step: str) -> NextAction:
    """Plans a step that is due."""
    return take(step, datetime.now(UTC) - timedelta(seconds=1))


@pytest.fixture
def office(temporal: Client) -> Lab:
    """Gives fakes and a queue on which nobody works yet: releases come and go."""
    return Lab(temporal, None, f"office-{uuid4().hex}", FakeCollector(), FakeLedger(), FakePlanner())


@asynccontextmanager
async def release(
    office: Lab,
    code: type = InvoiceDunning,
    settings: Settings | None = None,
    runner: WorkflowRunner | None = None,
) -> AsyncIterator[None]:
    """Runs the workers of one release on the office's queues, as the assembly puts them together."""
    config = deployment(settings) if settings is not None else None
    runs = Worker(
        office.client,
        task_queue=office.queue,
        workflows=[code],
        activities=[
            office.collector.take,
            office.ledger.record_payment,
            office.ledger.obey,
            office.planner.next,
        ],
        workflow_runner=runner or workflow_runner(),
        deployment_config=config,
        identity=IDENTITY,
    )
    gate = Worker(
        office.client,
        task_queue=gate_queue(office.queue),
        activities=[office.collector.take],
        deployment_config=config,
        identity=IDENTITY,
    )
    async with runs, gate:
        yield


async def asleep(office: Lab, run: Run, step: str) -> None:
    """Waits until a run sleeps towards a step."""

    async def sleeps() -> bool:
        return (await office.state(run)).next.step == step and await office._is_idle(run, activities=True)

    await until(sleeps, PATIENCE)


def commands(history: WorkflowHistory) -> list[str]:
    """Lists what a run asked for: activities by name, patches by id."""
    found = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            found.append(event.activity_task_scheduled_event_attributes.activity_type.name)
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            details = event.marker_recorded_event_attributes.details["patch-data"].payloads[0].data
            found.append(details.decode().split('"id":"')[1].split('"')[0])
    return found


async def replays(code: type, history: WorkflowHistory) -> None:
    """Replays a history as the worker runs; raises NondeterminismError where the commands differ."""
    replayer = Replayer(
        workflows=[code], workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
    )
    await replayer.replay_workflow(history)


async def test_a_guarded_change_reaches_a_sleeping_run_at_its_next_step(office: Lab) -> None:
    """Steps of the first release stay as they were, the next one has the new command; unguarded it breaks."""
    office.collector.answers = [answer(2, take("D+10", FAR)), answer(5, close(Ending.EXHAUSTED), "D+10")]
    office.planner.plans = [Plan(revision=4, next=now("D+10"))]
    async with release(office):
        run = await office.start(now("D+2"))
        await asleep(office, run, "D+10")
        before = await run.fetch_history()
    async with release(office, Asking):
        await office.wake(run, 3, now("D+10"))
        assert (await office.end(run)).ending is Ending.EXHAUSTED
    history = await run.fetch_history()
    assert commands(history) == [
        "Collector.take",
        "ask-before-knocking:D+10",
        "Planner.next",
        "Collector.take",
    ]
    await replays(Asking, before)
    await replays(Asking, history)
    with pytest.raises(NondeterminismError):
        await replays(InvoiceDunning, history)  # a release with a patch cannot be taken back
    with pytest.raises(NondeterminismError):
        await replays(Careless, before)


async def test_a_command_in_flight_is_answered_under_the_next_release(office: Lab) -> None:
    """A knock under way while the release changes ends as it began; the step after it has the new command."""
    office.collector.door.clear()
    office.collector.answers = [answer(2, now("D+10")), answer(4, close(Ending.EXHAUSTED), "D+10")]
    office.planner.plans = [Plan(revision=3, next=now("D+10"))]
    async with release(office):
        run = await office.start(now("D+2"))
        await asyncio.wait_for(office.collector.reached.wait(), PATIENCE)
    assert office.collector.orders == []
    office.collector.door.set()
    async with release(office, Asking):
        assert (await office.end(run)).revision == 4
    assert [order.step for order in office.collector.orders] == ["D+2", "D+10"]
    assert commands(await run.fetch_history()) == [
        "Collector.take",
        "ask-before-knocking:D+10",
        "Planner.next",
        "Collector.take",
    ]


@pytest.mark.parametrize(("code", "asked"), [(Asking, 2), (AskingOnce, 0)])
async def test_a_patch_in_a_loop_needs_an_id_for_each_turn(office: Lab, code: type, asked: int) -> None:
    """A run that has replayed one turn without the patch never takes it under that id; an id a step does."""
    office.collector.door.clear()
    office.collector.answers = [
        answer(2, now("D+10")),
        answer(4, now("D+30"), "D+10"),
        answer(6, close(Ending.EXHAUSTED), "D+30"),
    ]
    office.planner.plans = [Plan(revision=3, next=now("D+10")), Plan(revision=5, next=now("D+30"))]
    async with release(office):
        run = await office.start(now("D+2"))
        await asyncio.wait_for(office.collector.reached.wait(), PATIENCE)
    office.collector.door.set()
    async with release(office, code):
        assert (await office.end(run)).revision == 6
    assert len(office.planner.queries) == asked
    assert len(office.collector.orders) == 3


async def test_a_run_starts_afresh_across_releases(office: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that starts afresh under one release goes on under the next with its revision and its story."""
    monkeypatch.setattr(workflows.invoice, "HISTORY_LIMIT", 12)
    restrictions = workflow_runner().restrictions.with_passthrough_modules("workflows.invoice")
    runner = SandboxedWorkflowRunner(restrictions=restrictions)
    office.collector.answers = [answer(20, take("D+30", FAR), "D+10")]
    office.planner.plans = [Plan(revision=19, next=now("D+10"))]
    async with release(office, runner=runner):
        run = await office.start(take("D+2", FAR))
        for revision in range(2, 7):
            await office.wake(run, revision, take(f"S{revision}", FAR))
            await office.settled(run)
    begun = await chain(office, run.id)
    assert begun > 1
    async with release(office, Asking, runner=runner):
        await office.wake(run, 18, now("D+10"))
        await asleep(office, run, "D+30")
        for revision in range(21, 25):
            await office.wake(run, revision, take(f"S{revision}", FAR))
            await office.settled(run)
        state = await office.state(run)
        await office.wake(run, 30, close())
        assert (await office.end(run)).revision == 30
    assert await chain(office, run.id) > begun
    assert story(state.story) == [*["the facts changed"] * 6, "D+10 sent", *["the facts changed"] * 4]


async def test_a_knock_of_the_release_before_the_gate_had_its_queue_is_answered(office: Lab) -> None:
    """A knock that an older release left on the queue of the runs is answered by today's workers."""
    office.collector.door.clear()
    office.collector.answers = [answer(2, close(Ending.EXHAUSTED))]
    async with release(office, OneQueue):
        run = await office.start(now("D+2"))
        await asyncio.wait_for(office.collector.reached.wait(), PATIENCE)
    office.collector.door.set()
    hands = Hands(office.ledger, office.planner, office.collector, Interceptor())  # type: ignore[arg-type]
    async with assemble(office.client, Settings(task_queue=office.queue), hands):
        assert (await office.end(run)).ending is Ending.EXHAUSTED
    assert len(office.collector.orders) == 1


def build(name: str, number: str, queue: str) -> Settings:
    """Gives the settings of one build."""
    return Settings(deployment_name=name, build_id=number, task_queue=queue)


async def known(office: Lab, name: str, number: str) -> None:
    """Waits until the server has heard of a build on both queues."""

    async def heard() -> bool:
        try:
            found = await look_up(office.client, name, office.queue)
        except NotFound:
            return False
        return any(one.id == number and len(one.polls) == 2 for one in found.builds)

    await until(heard, PATIENCE)


async def current(office: Lab, name: str, number: str) -> None:
    """Makes a build current and waits until the server says so."""
    await known(office, name, number)
    await make_current(office.client, name, number)

    async def told() -> bool:
        return (await look_up(office.client, name, office.queue)).current == number

    await until(told, PATIENCE)


async def test_a_build_that_nobody_made_current_is_seen(office: Lab) -> None:
    """A versioned worker that is not current gets nothing; it is said, and making it current mends it."""
    name = f"relance-{uuid4().hex[:8]}"
    async with release(office, settings=build(name, "1", office.queue)):
        await known(office, name, "1")
        run = await office.start(take("D+2", FAR))
        found = await look_up(office.client, name, office.queue)
        assert found.current is None
        said = await without_work(office.client, build(name, "1", office.queue))
        assert "gets no work" in str(said)
        assert "starter.py deploy 1" in str(said)
        assert await without_work(office.client, Settings()) is None
        described = (await run.describe()).raw_description
        assert described.HasField("pending_workflow_task")
        assert not described.pending_workflow_task.HasField("started_time")
        await current(office, name, "1")
        assert await without_work(office.client, build(name, "1", office.queue)) is None
        said = await without_work(office.client, build(name, "2", office.queue))
        assert "build 1 does" in str(said)
        await asleep(office, run, "D+2")
        await office.wake(run, 2, close())
        await office.end(run)


async def test_a_sleeping_run_goes_on_under_the_next_build(office: Lab) -> None:
    """A run of build 1, whose workers are gone, goes on under build 2 by itself: it is pinned to neither."""
    name = f"relance-{uuid4().hex[:8]}"
    office.collector.answers = [answer(2, take("D+10", FAR)), answer(5, close(Ending.EXHAUSTED), "D+10")]
    office.planner.plans = [Plan(revision=4, next=now("D+10"))]
    async with release(office, settings=build(name, "1", office.queue)):
        await current(office, name, "1")
        run = await office.start(now("D+2"))
        await asleep(office, run, "D+10")
    async with release(office, Asking, settings=build(name, "2", office.queue)):
        await current(office, name, "2")
        await office.wake(run, 3, now("D+10"))
        assert (await office.end(run)).ending is Ending.EXHAUSTED
    history = await run.fetch_history()
    builds = [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    assert list(dict.fromkeys(builds)) == ["1", "2"]
    assert commands(history)[1] == "ask-before-knocking:D+10"
    info = (await run.describe()).raw_description.workflow_execution_info.versioning_info
    assert info.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE


async def test_workers_without_a_build_are_unversioned() -> None:
    """By default no deployment is named; with both settings the worker's runs follow the current build."""
    assert deployment(Settings()) is None
    config = deployment(build("relance", "7", "relance"))
    assert config is not None
    assert (config.version.deployment_name, config.version.build_id) == ("relance", "7")
    assert config.default_versioning_behavior.value == VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE
