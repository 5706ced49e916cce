"""What wakes a run: plans in any order, bare calls, payments reported by anybody."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from domain.actions import Ending, Outcome, Plan, Rule
from tests.workflows.conftest import Keeper
from tests.workflows.world import PATIENCE, Lab, answer, close, events, story, take, wait
from workflows.invoice import InvoiceDunning
from workflows.ports import PaymentNote
from workflows.told import CaseEnded, Wake

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


@pytest.mark.parametrize("order", list(permutations((2, 3, 4))))
async def test_the_highest_revision_wins_in_any_order(bench: Lab, order: tuple[int, ...]) -> None:
    """Whatever the order in which plans arrive, the run follows the one of the highest revision."""
    run = await bench.start(take("D-10", FAR))
    for revision in order:
        await bench.wake(run, revision, take(f"S{revision}", FAR + timedelta(days=revision)))
    state = await bench.state(run)
    assert (state.revision, state.next.step) == (4, "S4")
    await bench.wake(run, 5, close())
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=5)


@pytest.mark.parametrize("revision", [1, 3])
async def test_an_older_or_equal_plan_changes_nothing(bench: Lab, revision: int) -> None:
    """A plan that is not newer than the known one is ignored, even one that would close the case."""
    run = await bench.start(take("D-10", FAR), revision=3)
    await bench.wake(run, revision, close())
    state = await bench.state(run)
    assert (state.revision, state.next, state.story) == (3, take("D-10", FAR), ())
    await bench.wake(run, 4, close())
    await bench.end(run)


@pytest.mark.parametrize("payload", [(), (Wake(),), ({"colour": "green"},)])
async def test_a_bare_wake_asks_the_planner(bench: Lab, payload: tuple[Any, ...]) -> None:
    """A wake-up without a plan, with no payload at all or with unknown fields, makes the run ask for one."""
    bench.planner.plans = [Plan(revision=7, next=close(Ending.CREDITED))]
    run = await bench.start(take("D-10", FAR))
    await run.signal("wake", args=payload)
    assert await bench.end(run) == CaseEnded(ending=Ending.CREDITED, revision=7)
    assert len(bench.planner.queries) == 1


async def test_a_wait_with_an_instant_asks_the_planner(bench: Lab) -> None:
    """A run told to wait until an instant asks for a new plan when it comes; one without waits for ever."""
    bench.planner.plans = [Plan(revision=2, next=wait(Rule.ALLOCATE))]
    run = await bench.start(wait(Rule.HOLD, FAR))
    await bench.until(run, FAR)
    assert (await bench.state(run)).next == wait(Rule.ALLOCATE)
    await bench.until(run, FAR + timedelta(days=300))
    assert len(bench.planner.queries) == 1
    await bench.wake(run, 3, close())
    await bench.end(run)


async def test_a_wake_during_the_gate_is_not_lost(bench: Lab) -> None:
    """A newer plan that arrives while the gate is busy outlives the gate's older answer."""
    bench.collector.answers = [answer(2, take("D+10", FAR))]
    bench.collector.door.clear()
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await bench.wake(run, 3, close())
    bench.collector.door.set()
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=3)


async def test_a_bare_wake_during_the_gate_is_not_lost(bench: Lab) -> None:
    """A bare wake-up that arrives while the gate is busy makes the run ask once the gate has answered."""
    bench.collector.answers = [answer(2, take("D+10", FAR))]
    bench.planner.plans = [Plan(revision=2, next=close())]
    bench.collector.door.clear()
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await run.signal("wake")
    bench.collector.door.set()
    await bench.end(run)
    assert len(bench.planner.queries) == 1


async def test_a_full_report_is_written_down_before_anything_else(bench: Lab, keep: Keeper) -> None:
    """A payment reported by signal goes to the ledger as stated, and the case follows the ledger's plan."""
    bench.ledger.plans = [Plan(revision=2, next=close())]
    run = await bench.start(take("D-10", FAR))
    note = PaymentNote(reference="VIR-1", amount="120.00", currency="EUR", received_on="2026-03-31")
    await run.signal(InvoiceDunning.mark_paid, note)
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=2)
    (report,) = bench.ledger.reports
    assert (report.note, f"invoice:acme:{report.case.number}") == (note, run.id)
    keep("marked-paid", await run.fetch_history())


@pytest.mark.parametrize(
    ("payload", "amount", "reference"),
    [
        ((), None, None),
        (({},), None, None),
        (({"amount": 60},), 60.0, None),
        (({"amount": 59.99},), 59.99, None),
        (({"amount": "60.00", "colour": "green"},), "60.00", None),
        (({"amount": "sixty"},), "sixty", None),
        (({"reference": 4711, "currency": None},), None, "4711"),
    ],
)
async def test_loose_reports_arrive(
    bench: Lab, payload: tuple[Any, ...], amount: object, reference: str | None
) -> None:
    """A report without payload, with numbers for texts, with unknown fields or with nonsense is not lost."""
    bench.ledger.plans = [Plan(revision=2, next=close())]
    run = await bench.start(take("D-10", FAR))
    await run.signal("mark_paid", args=payload)
    await bench.end(run)
    (note,) = bench.ledger.notes
    stated = note.amount if amount is None or isinstance(amount, str) else float(note.amount or 0)
    assert stated == amount
    assert note.reference == reference or (reference is None and str(note.reference).endswith("#1"))


async def test_reports_keep_their_references(bench: Lab) -> None:
    """Two reports of one reference reach the ledger under it; two without one get references of their own."""
    bench.ledger.plans = [Plan(revision=n, next=take("D-10", FAR)) for n in (2, 3, 4)]
    bench.ledger.plans.append(Plan(revision=5, next=close()))
    run = await bench.start(take("D-10", FAR))
    for note in ({"reference": "VIR-1"}, {"reference": "VIR-1"}, {}, {}):
        await run.signal("mark_paid", note)
    await bench.end(run)
    references = [note.reference for note in bench.ledger.notes]
    assert references[:2] == ["VIR-1", "VIR-1"]
    assert len(set(references)) == 3


async def test_a_reopened_case_gives_new_references(bench: Lab) -> None:
    """A second run of the same case never repeats a reference that its first run gave."""
    bench.ledger.plans = [Plan(revision=2, next=close()), Plan(revision=9, next=close())]
    first = await bench.start(take("D-10", FAR))
    await first.signal("mark_paid")
    await bench.end(first)
    begin = {"case": {"creditor": "acme", "number": first.id.split(":")[2]}, "revision": 8}
    again = await bench.client.start_workflow(
        "InvoiceDunning",
        begin | {"next": take("D-10", FAR).model_dump(mode="json")},
        id=first.id,
        task_queue=bench.queue,
    )
    await again.signal("mark_paid")
    await asyncio.wait_for(again.result(), PATIENCE)
    one, two = (note.reference for note in bench.ledger.notes)
    assert one != two


async def test_a_report_during_the_gate_is_written_down(bench: Lab) -> None:
    """A payment reported while the gate is busy is written down at once, and once."""
    bench.collector.answers = [answer(2, take("D+10", datetime.now(UTC)))]
    bench.ledger.plans = [Plan(revision=3, next=close())]
    bench.collector.door.clear()
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await run.signal(InvoiceDunning.mark_paid, PaymentNote(amount="10.00"))
    await asyncio.wait_for(bench.ledger.reached.wait(), PATIENCE)
    assert bench.collector.orders == []
    bench.collector.door.set()
    await bench.end(run)
    assert [order.step for order in bench.collector.orders] == ["D+2"]
    assert len(bench.ledger.reports) == 1


async def test_a_report_is_written_down_though_the_case_closes(bench: Lab, keep: Keeper) -> None:
    """A payment reported while the gate hands the case off reaches the ledger before the run ends."""
    bench.collector.answers = [answer(2, close(Ending.HANDED_OFF), "handoff", Outcome.HANDED_OFF)]
    bench.ledger.plans = [Plan(revision=3, next=close())]
    bench.collector.door.clear()
    run = await bench.start(take("handoff", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await run.signal(InvoiceDunning.mark_paid, PaymentNote(reference="LATE"))
    bench.collector.door.set()
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=3)
    assert [note.reference for note in bench.ledger.notes] == ["LATE"]
    keep("paid-while-handed-off", await run.fetch_history())


@pytest.mark.parametrize("signal", ["mark_paid", "wake"])
async def test_a_signal_in_the_very_first_instant_counts(bench: Lab, signal: str) -> None:
    """A signal that comes with the start is heeded before the first sleep, and a due step is not taken."""
    bench.ledger.plans = [Plan(revision=2, next=close())]
    payload = Wake(revision=2, next=close()) if signal == "wake" else PaymentNote(reference="VIR-1")
    run = await bench.start(take("D+2", datetime.now(UTC)), start_signal=signal, start_signal_args=[payload])
    assert (await bench.end(run)).revision == 2
    assert bench.collector.attempts == 0


async def test_the_story_is_shown(bench: Lab, keep: Keeper) -> None:
    """The query tells the story so far in ids and dates, and closed runs still answer it."""
    bench.collector.answers = [answer(2, take("D+10", FAR))]
    bench.ledger.plans = [Plan(revision=9, next=close())]
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await run.signal("mark_paid", {"amount": "10.00"})
    await bench.wake(run, 9, close())
    await bench.end(run)
    state = await bench.state(run)
    assert set(story(state.story)) <= {"D+2 sent", "payment reported", "the facts changed"}
    assert "the facts changed" in story(state.story)
    assert len(events(await run.fetch_history())) > 5
    keep("partly-paid", await run.fetch_history())


async def test_a_ledger_restored_from_before_is_believed(bench: Lab) -> None:
    """Told by a bare wake-up to ask, a run takes the answer over though it knew a higher revision."""
    run = await bench.start(take("D+30", FAR), revision=57)
    bench.planner.plans = [Plan(revision=12, next=take("D+2", FAR + timedelta(days=1)))]
    await run.signal("wake")
    await bench.settled(run)
    state = await bench.state(run)
    assert (state.revision, state.next.step) == (12, "D+2")
    await bench.wake(run, 13, close())
    assert (await bench.end(run)).revision == 13


async def test_an_answer_overtaken_by_news_is_old(bench: Lab) -> None:
    """An answer that was on its way while a newer wake-up came does not undo it."""
    bench.collector.answers = [answer(2, take("D+10", FAR))]
    bench.collector.door.clear()
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    await bench.wake(run, 5, take("D+20", FAR))
    await bench.settled_but_for_activities(run)
    bench.collector.door.set()
    await bench.settled(run)
    state = await bench.state(run)
    assert (state.revision, state.next.step) == (5, "D+20")
    await bench.wake(run, 6, close())
    await bench.end(run)
