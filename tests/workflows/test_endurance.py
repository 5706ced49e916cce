"""What a run outlives: its own length, a gate that fails for a while, a worker without memory."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import workflows.invoice
from activities.assembly import workflow_runner
from domain.actions import Ending, Outcome, Plan
from tests.patience import until
from tests.workflows.conftest import Keeper
from tests.workflows.world import PATIENCE, Lab, answer, close, lab, story, take
from workflows.invoice import InvoiceDunning
from workflows.ports import OperatorOrder, PaymentNote
from workflows.told import CaseEnded, CaseState

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


@pytest_asyncio.fixture(loop_scope="session")
async def short(temporal: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    """Opens a lab in which a run starts afresh after every dozen events.

    The sandbox reads workflow files anew, so the limit only counts where this one passes through it.
    """
    monkeypatch.setattr(workflows.invoice, "HISTORY_LIMIT", 12)
    restrictions = workflow_runner().restrictions.with_passthrough_modules("workflows.invoice")
    async with lab(temporal, runner=SandboxedWorkflowRunner(restrictions=restrictions)) as opened:
        yield opened


async def chain(bench: Lab, run_id: str) -> int:
    """Counts the runs that followed one another, by walking back from the latest."""
    count, current = 0, (await bench.client.get_workflow_handle(run_id).describe()).run_id
    while current:
        count += 1
        handle = bench.client.get_workflow_handle(run_id, run_id=current)
        (begun,) = [
            event.workflow_execution_started_event_attributes
            async for event in handle.fetch_history_events(page_size=1)
            if event.event_id == 1
        ]
        current = begun.continued_execution_run_id
    return count


async def test_a_long_run_starts_afresh_and_loses_nothing(short: Lab) -> None:
    """After continue-as-new the revision, the plan and the story are as before, and old plans stay old."""
    run = await short.start(take("D-10", FAR))
    for revision in range(2, 9):
        await short.wake(run, revision, take(f"S{revision}", FAR))
        await short.settled(run)
    state = await short.state(run)
    assert (state.revision, state.next.step) == (8, "S8")
    assert story(state.story) == ["the facts changed"] * 7
    assert await chain(short, run.id) > 1
    await short.wake(run, 5, close())
    assert (await short.state(run)).next.step == "S8"
    await short.wake(run, 9, close())
    assert await short.end(run) == CaseEnded(ending=Ending.PAID, revision=9)


async def test_reports_survive_a_fresh_start(short: Lab) -> None:
    """Payments that wait their turn when a run starts afresh are written down after it, once, in order."""
    short.ledger.plans = [Plan(revision=n, next=take("D+10", FAR)) for n in range(3, 8)]
    short.ledger.plans.append(Plan(revision=8, next=close()))
    short.ledger.door.clear()
    run = await short.start(take("D+2", FAR))
    for number in range(6):
        await run.signal(InvoiceDunning.mark_paid, PaymentNote(reference=f"VIR-{number}"))
        await asyncio.wait_for(short.ledger.reached.wait(), PATIENCE)
        await short.settled_but_for_activities(run)
    assert await chain(short, run.id) == 1
    assert short.ledger.notes == []
    short.ledger.door.set()
    assert (await short.end(run)).revision == 8
    assert [note.reference for note in short.ledger.notes] == [f"VIR-{number}" for number in range(6)]
    assert await chain(short, run.id) > 1
    assert story((await short.state(run)).story) == ["payment reported"] * 6


async def test_reports_during_the_gate_survive_a_fresh_start(short: Lab) -> None:
    """Payments reported while the gate works are on record before it answers; the story of them goes on."""
    short.collector.answers = [answer(8, take("D+10", FAR))]
    short.ledger.plans = [Plan(revision=n, next=take("D+10", FAR)) for n in range(2, 8)]
    short.collector.door.clear()
    run = await short.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(short.collector.reached.wait(), PATIENCE)
    for number in range(6):
        await run.signal(InvoiceDunning.mark_paid, PaymentNote(reference=f"VIR-{number}"))
    await until(lambda: _counts(short, 6), PATIENCE)
    assert short.collector.orders == []
    short.collector.door.set()
    await short.settled(run)
    assert [note.reference for note in short.ledger.notes] == [f"VIR-{number}" for number in range(6)]
    assert await chain(short, run.id) > 1
    state = await short.state(run)
    assert (state.revision, story(state.story)) == (8, [*["payment reported"] * 6, "D+2 sent"])
    await short.wake(run, 9, close())
    await short.end(run)


async def _counts(bench: Lab, reports: int) -> bool:
    return len(bench.ledger.reports) == reports


async def test_a_bare_wake_survives_a_fresh_start(short: Lab) -> None:
    """A run that is long enough to start afresh asks the planner first where it was told to."""
    short.collector.answers = [answer(2, take("D+10", FAR))]
    short.planner.plans = [Plan(revision=9, next=close())]
    short.collector.door.clear()
    run = await short.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(short.collector.reached.wait(), PATIENCE)
    for revision in range(1, 8):  # makes the history long
        await short.wake(run, 0, take(f"S{revision}", FAR))
        await short.settled_but_for_activities(run)
    await run.signal("wake")
    short.collector.door.set()
    assert await short.end(run) == CaseEnded(ending=Ending.PAID, revision=9)
    assert len(short.planner.queries) == 1


async def test_an_order_is_answered_before_a_fresh_start(short: Lab) -> None:
    """An update under way when the limit is reached is answered; only then does the run start afresh."""
    short.ledger.plans = [Plan(revision=9, next=take("D-3", FAR))]
    short.ledger.door.clear()
    run = await short.start(take("D-10", FAR))
    told = asyncio.create_task(
        run.execute_update("resume", OperatorOrder(), result_type=CaseState, id="order-1")
    )
    await asyncio.wait_for(short.ledger.reached.wait(), PATIENCE)
    for revision in range(2, 7):
        await short.wake(run, revision, take(f"S{revision}", FAR))
        await short.settled_but_for_activities(run)
    short.ledger.door.set()
    assert (await asyncio.wait_for(told, PATIENCE)).revision == 9
    await short.wake(run, 10, take("D+2", FAR))
    await short.settled(run)
    assert (await short.state(run)).revision == 10
    assert await chain(short, run.id) > 1
    await short.wake(run, 11, close())
    await short.end(run)


async def test_a_gate_that_fails_for_a_while_loses_nothing(
    bench: Lab, keep: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """A failing gate is asked until it answers; each failure is one line, and the step is taken once."""
    bench.collector.failing = 3
    bench.collector.answers = [answer(2, close(Ending.EXHAUSTED))]
    with caplog.at_level(logging.WARNING, "temporalio.activity"):
        run = await bench.start(take("D+2", datetime.now(UTC)))
        await bench.end(run)
    assert bench.collector.attempts == 4
    assert len(bench.collector.orders) == 1
    lines = [record for record in caplog.records if record.name == "temporalio.activity"]
    assert len(lines) == 3
    assert len((await run.fetch_history()).events) == 11
    keep("gate-failed-for-a-while", await run.fetch_history())


async def test_a_close_while_the_gate_fails_ends_the_case(bench: Lab) -> None:
    """A case that is paid while the gate keeps failing ends as paid once the gate answers again."""
    bench.collector.failing = 1_000_000
    bench.collector.answers = [answer(1, take("D+10", FAR), outcome=Outcome.SETTLED)]
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await bench.wake(run, 2, close())
    assert (await bench.state(run)).next.closes
    bench.collector.failing = 0
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=2)
    assert len(bench.collector.orders) == 1


async def test_a_payment_is_written_down_while_the_gate_fails(bench: Lab) -> None:
    """A payment reported while the gate keeps failing is on record before the gate ever answers."""
    bench.collector.failing = 1_000_000
    bench.collector.answers = [answer(2, close(), outcome=Outcome.SETTLED)]
    bench.ledger.plans = [Plan(revision=2, next=close())]
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await run.signal(InvoiceDunning.mark_paid, PaymentNote(reference="VIR-1"))
    await until(lambda: _counts(bench, 1), PATIENCE)
    assert bench.collector.orders == []
    bench.collector.failing = 0
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=2)
    assert len(bench.ledger.reports) == 1


async def test_a_run_is_taken_up_by_another_worker(temporal: Client) -> None:
    """A worker that remembers nothing rebuilds the run from its history at every task."""
    async with lab(temporal, cached_workflows=0) as bench:
        bench.collector.answers = [answer(2, take("D+10", FAR))]
        bench.ledger.plans = [Plan(revision=3, next=close())]
        run = await bench.start(take("D+2", datetime.now(UTC)))
        await bench.settled(run)
        await run.signal(InvoiceDunning.mark_paid, PaymentNote(amount="1.00"))
        assert (await bench.end(run)).revision == 3
        assert len(bench.collector.orders) == 1
