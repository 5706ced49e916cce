"""Shapes of a run that the main stories do not have, kept as histories for the releases to come."""

from datetime import UTC, datetime, timedelta

from domain.actions import Ending, Outcome, Plan
from tests.workflows.conftest import Keeper
from tests.workflows.world import Lab, answer, close, story, take
from workflows.ports import OperatorOrder
from workflows.told import CaseState

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


async def test_a_run_that_asks_the_planner(bench: Lab, keep: Keeper) -> None:
    """A bare wake-up makes a run ask what comes next, and it goes by the answer."""
    bench.planner.plans = [Plan(revision=2, next=take("D+10", FAR))]
    run = await bench.start(take("D+2", FAR))
    await run.signal("wake")
    await bench.settled(run)
    await bench.wake(run, 3, close())
    await bench.end(run)
    assert len(bench.planner.queries) == 1
    keep("asked-the-planner", await run.fetch_history())


async def test_a_run_brought_back_to_a_restored_ledger(bench: Lab, keep: Keeper) -> None:
    """A run ahead of its ledger heeds the answer to its own question, though its revision is lower."""
    bench.planner.plans = [Plan(revision=4, next=take("D+2", FAR))]
    run = await bench.start(take("D+10", FAR), revision=9)
    await run.signal("wake")
    await bench.settled(run)
    state = await bench.state(run)
    assert (state.revision, state.next.step) == (4, "D+2")
    await bench.wake(run, 5, close())
    assert (await bench.end(run)).revision == 5
    keep("restored-ledger", await run.fetch_history())


async def test_a_run_that_operators_steer(bench: Lab, keep: Keeper) -> None:
    """Orders are written down one after the other, between a deferred step and one that is sent."""
    bench.collector.answers = [
        answer(2, take("D+2", FAR), outcome=Outcome.DEFERRED),
        answer(5, close(Ending.EXHAUSTED), "D+10"),
    ]
    bench.ledger.plans = [
        Plan(revision=3, next=take("D+10", FAR)),
        Plan(revision=4, next=take("D+10", datetime.now(UTC))),
    ]
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await bench.settled(run)
    order = OperatorOrder(note="note-1")
    await run.execute_update("skip", order, result_type=CaseState)
    await run.execute_update("send_now", order, result_type=CaseState)
    assert (await bench.end(run)).ending is Ending.EXHAUSTED
    told = story((await bench.state(run)).story)
    assert told == ["D+2 deferred", "operator: skip", "operator: send_now", "D+10 sent"]
    keep("steered-by-operators", await run.fetch_history())


async def test_a_run_whose_plan_moves_with_its_policy(bench: Lab, keep: Keeper) -> None:
    """A run that is moved to another policy while it sleeps, and once more, takes the step given last."""
    bench.collector.answers = [answer(4, close(Ending.EXHAUSTED), "reminder")]
    run = await bench.start(take("D+2", FAR))
    await bench.wake(run, 2, take("D+5", FAR + timedelta(days=3)))
    await bench.wake(run, 3, take("reminder", datetime.now(UTC)))
    assert (await bench.end(run)).ending is Ending.EXHAUSTED
    assert [order.step for order in bench.collector.orders] == ["reminder"]
    keep("moved-to-another-policy", await run.fetch_history())
