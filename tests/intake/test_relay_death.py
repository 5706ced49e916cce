"""The relay dies, or carries poison: nothing is lost, twice is harmless, and order does not matter."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from domain.actions import CaseRef, Ending
from intake.relay import Delivery, Relay
from ledger import outbox as errands
from ledger.outbox import Errand, Undelivered
from ledger.schema import outbox
from tests.intake.conftest import Porter
from tests.intake.killable_relay import SOME, Point
from tests.patience import until
from tests.workflows.world import Lab, lab, take
from trial.servers import TemporalServer
from workflows.invoice import InvoiceDunning
from workflows.told import CaseEnded, CaseState

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
NEW, OLD = 4, 4
"""Cases whose run is to be started, and cases whose run is to be woken."""

only_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

Run = WorkflowHandle[InvoiceDunning, CaseEnded]


class Postman:
    """Bills and revises invoices behind the door, and looks at their runs."""

    def __init__(self, porter: Porter, client: Client, queue: str) -> None:
        """Takes a door of its own, and numbers that no other test uses."""
        self.porter = porter
        self.client = client
        self.relay = Relay(porter.database, client, queue)
        self.queue = queue
        self.mark = uuid4().hex[:8]

    def number(self, place: int) -> str:
        """Names an invoice."""
        return f"F-{self.mark}-{place}"

    def run(self, place: int) -> Run:
        """Names the run of an invoice."""
        ref = CaseRef(creditor="acme", number=self.number(place))
        return self.client.get_workflow_handle_for(InvoiceDunning.run, ref.workflow_id)

    async def bill(self, place: int, version: int = 1) -> None:
        """Hands in an invoice, or a later version of it, due so late that no step comes due here."""
        due = f"2090-{version + 2:02}-01"
        await self.porter.bill(self.number(place), issue_date="2090-01-01", due=due, version=version)

    async def state(self, place: int) -> CaseState:
        """Asks a run where it stands."""
        return await asyncio.wait_for(self.run(place).query(InvoiceDunning.state), PATIENCE)

    async def runs(self, place: int) -> list[str]:
        """Lists the runs that a case ever had."""
        found = self.client.list_workflows(f"WorkflowId = '{self.run(place).id}'")
        return [one.run_id async for one in found]

    async def signals(self, place: int) -> int:
        """Counts the signals that a run received."""
        kind = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        return sum([event.event_type == kind async for event in self.run(place).fetch_history_events()])

    async def waiting(self) -> list[Undelivered]:
        """Lists what waits in the outbox."""
        async with self.porter.database.reading() as conn:
            return await errands.undelivered(conn)

    async def spoil(self, place: int) -> None:
        """Makes the plan in an errand unreadable, as a fault of another release might."""
        async with self.porter.database.writing() as conn:
            query = sa.update(outbox).where(outbox.c.number == self.number(place))
            await conn.execute(query.values(next={"kind": "dance"}))


@pytest_asyncio.fixture(loop_scope="session")
async def postman(porter: Porter, temporal: Client) -> AsyncIterator[Postman]:
    """Gives a postman, and a worker without activities for runs that only sleep and close."""
    queue = f"relay-{uuid4().hex}"
    async with Worker(temporal, task_queue=queue, workflows=[InvoiceDunning]):
        yield Postman(porter, temporal, queue)


async def die(point: Point, postman: Postman, server: TemporalServer, url: str, log: Path) -> int | None:
    """Runs a relay as a process of its own until it kills itself; gives its exit code."""
    environment = {
        "PATH": os.environ["PATH"],
        "TEMPORAL_ADDRESS": server.address,
        "RELANCE_DATABASE_URL": url,
        "RELANCE_TASK_QUEUE": postman.queue,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.intake.killable_relay", point.value),
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@only_sqlite
@pytest.mark.parametrize("point", list(Point))
async def test_a_relay_killed_at_any_point_loses_and_doubles_nothing(
    postman: Postman, temporal_server: TemporalServer, database_url: str, tmp_path: Path, point: Point
) -> None:
    """Killed before, amid or after a batch: each run is started once, hears of its newest plan, and ends."""
    for place in range(OLD):
        await postman.bill(place)
    await postman.relay.deliver()
    for place in range(OLD):
        await postman.bill(place, version=2)
    for place in range(OLD, OLD + NEW):
        await postman.bill(place)

    assert await die(point, postman, temporal_server, database_url, tmp_path / "log") == -signal.SIGKILL
    left = len(await postman.waiting())
    assert left == (0 if point is Point.AFTER_MARK else OLD + NEW)
    while await postman.relay.deliver():
        pass

    assert await postman.waiting() == []
    told_twice = 0
    for place in range(OLD + NEW):
        assert (await postman.state(place)).next == await postman.porter.next(postman.number(place))
        assert len(await postman.runs(place)) == 1
        told_twice += await postman.signals(place) - (1 if place < OLD else 0)
    if point in {Point.MIDDLE, Point.BEFORE_MARK}:
        assert told_twice >= SOME  # the death left something that had been delivered
    else:
        assert told_twice == 0
    for place in range(OLD + NEW):
        number = postman.number(place)
        await postman.porter.pay(invoice=number, reference=f"VIR-{number}")
    await postman.relay.deliver()
    for place in range(OLD + NEW):
        assert (await asyncio.wait_for(postman.run(place).result(), PATIENCE)).ending is Ending.PAID


@only_sqlite
async def test_an_unreadable_plan_makes_the_run_ask(postman: Postman) -> None:
    """An errand whose plan cannot be read wakes its run without one, and stops no other."""
    await postman.bill(0)
    await postman.relay.deliver()
    await postman.bill(0, version=2)
    await postman.spoil(0)
    await postman.bill(1)
    assert await postman.relay.deliver() == 2
    assert await postman.signals(0) == 1

    async def asks() -> bool:
        described = (await postman.run(0).describe()).raw_description
        return [one.activity_type.name for one in described.pending_activities] == ["Planner.next"]

    await until(asks, PATIENCE)


@only_sqlite
async def test_a_case_that_cannot_be_started_is_visible_and_stops_no_other(postman: Postman) -> None:
    """A first plan that cannot be read stays in the outbox with its error; the others' runs start."""
    await postman.bill(0)
    await postman.spoil(0)
    await postman.bill(1)
    assert await postman.relay.deliver() == 1
    assert await postman.relay.deliver() == 0
    [line] = await postman.waiting()
    assert (line.number, line.kind, line.attempts) == (postman.number(0), "start", 1)
    assert "state any fact of it anew" in (line.last_error or "")
    await postman.bill(0, version=2)
    assert await postman.relay.deliver() >= 1
    assert (await postman.state(0)).next == await postman.porter.next(postman.number(0))


@only_sqlite
async def test_a_fault_nobody_foresaw_stops_no_other_errand(
    postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay outlives a mistake of its own on one errand, tries it again, and notes what it was."""
    tell = Relay._tell

    async def stumble(self: Relay, delivery: Delivery) -> None:
        if delivery.case.number == postman.number(0):
            raise KeyError(delivery.case.number)
        await tell(self, delivery)

    monkeypatch.setattr(Relay, "_tell", stumble)
    await postman.bill(0)
    await postman.bill(1)
    stop = asyncio.Event()
    loop = asyncio.create_task(postman.relay.run(stop, every=0.05))

    async def tried_again() -> bool:
        return [one.attempts >= 2 for one in await postman.waiting()] == [True]

    try:
        await until(tried_again, PATIENCE)
        [line] = await postman.waiting()
        assert (line.number, (line.last_error or "").partition(":")[0]) == (postman.number(0), "KeyError")
        monkeypatch.setattr(Relay, "_tell", tell)

        async def gone() -> bool:
            return not await postman.waiting()

        await until(gone, PATIENCE)
        assert (await postman.state(0)).next == await postman.porter.next(postman.number(0))
    finally:
        stop.set()
        await loop


async def test_an_errand_told_by_two_relays_takes_no_other_with_it(porter: Porter) -> None:
    """What was delivered twice is taken out once, though a later errand may have come to bear its number."""

    async def pending() -> list[Errand]:
        async with porter.database.reading() as conn:
            return await errands.pending(conn)

    await porter.bill("F-1")
    first = await pending()
    for _ in range(2):
        async with porter.database.writing() as conn:
            await errands.delivered(conn, first)
        if not await pending():
            await porter.bill("F-2")
    assert [one.case.number for one in await pending()] == ["F-2"]
    async with porter.database.writing() as conn:
        await errands.failed(conn, first[0], "not this one")
    assert [one.attempts for one in await pending()] == [0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bench(temporal: Client) -> AsyncIterator[Lab]:
    """Opens a lab on the session's server."""
    async with lab(temporal) as opened:
        yield opened


@given(order=st.lists(st.integers(2, 6), min_size=1, max_size=8))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_wake_ups_may_come_in_any_order_and_as_often_as_they_like(bench: Lab, order: list[int]) -> None:
    """Whatever the order and the repetitions, a run stands at the plan of the highest revision told."""
    run = await bench.start(take("D-10", FAR))
    for revision in order:
        await bench.wake(run, revision, take(f"S{revision}", FAR + timedelta(days=revision)))
    state = await bench.state(run)
    newest = max(order)
    assert (state.revision, state.next) == (newest, take(f"S{newest}", FAR + timedelta(days=newest)))
    await run.terminate("seen")
