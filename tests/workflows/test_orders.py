"""What operators tell a run: orders are written to the ledger and answered; what cannot be is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError

from domain.actions import Ending, Plan, Rule
from tests.workflows.conftest import Keeper
from tests.workflows.world import PATIENCE, Lab, close, events, story, take, wait
from workflows.invoice import InvoiceDunning
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
TOMORROW = FAR.date() - timedelta(days=39)


async def order(run: Any, verb: str, **more: Any) -> CaseState:
    """Gives an order and waits for the answer."""
    told = OperatorOrder(**more)
    return await asyncio.wait_for(run.execute_update(verb, told, result_type=CaseState), PATIENCE)


@pytest.mark.parametrize(
    ("verb", "details"),
    [
        ("hold", {"until": TOMORROW, "note": "n-1"}),
        ("resume", {}),
        ("skip", {"note": "n-1"}),
        ("send_now", {"step": "D-10"}),
        ("approve", {"step": "formal"}),
    ],
)
async def test_an_order_is_written_down_and_answered(bench: Lab, verb: str, details: dict[str, Any]) -> None:
    """Each order reaches the ledger with its step, and its answer is the state that follows from it."""
    bench.ledger.plans = [Plan(revision=2, next=take("D-3", FAR))]
    run = await bench.start(take("D-10", FAR))
    state = await order(run, verb, **details)
    assert (state.revision, state.next.step, story(state.story)) == (2, "D-3", [f"operator: {verb}"])
    (command,) = bench.ledger.commands
    assert command.verb is Verb(verb)
    assert command.order == OperatorOrder(**({"step": "D-10"} | details))
    await bench.wake(run, 3, close())
    await bench.end(run)


@pytest.mark.parametrize(
    ("verb", "details", "why"),
    [
        ("hold", {}, "give `until`"),
        ("hold", {"until": TOMORROW - timedelta(days=9)}, "lies in the past"),
        ("hold", {"until": TOMORROW + timedelta(days=900)}, "too far"),
        ("skip", {}, "needs a reason"),
        ("skip", {"step": "D+30", "note": "n-1"}, "'D-10' is"),
        ("send_now", {"step": "D+30"}, "is not next"),
    ],
)
async def test_what_cannot_be_is_refused_without_a_trace(
    bench: Lab, verb: str, details: dict[str, Any], why: str
) -> None:
    """A past date, a wrong step or a missing reason is refused with its remedy and leaves no event."""
    run = await bench.start(take("D-10", FAR))
    await bench.settled(run)
    before = events(await run.fetch_history())
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await order(run, verb, **details)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "NotAllowed"
    assert why in refused.value.cause.message
    assert events(await run.fetch_history()) == before
    assert bench.ledger.commands == []
    await bench.wake(run, 2, close())
    await bench.end(run)


async def test_a_closing_case_takes_no_orders(bench: Lab) -> None:
    """A case that has closed while an order is still under way refuses the next one; that one is answered."""
    bench.ledger.plans = [Plan(revision=2, next=take("D-3", FAR))]
    bench.ledger.door.clear()
    run = await bench.start(take("D-10", FAR))
    first = asyncio.create_task(order(run, "resume"))
    await asyncio.wait_for(bench.ledger.reached.wait(), PATIENCE)
    await bench.wake(run, 5, close(Ending.CREDITED))
    for verb in ("hold", "resume", "skip", "send_now", "approve"):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await order(run, verb, until=TOMORROW, note="n-1")
        assert "closed (credited)" in str(refused.value.cause)
    bench.ledger.door.set()
    assert (await first).revision == 5
    assert (await bench.end(run)).ending is Ending.CREDITED
    with pytest.raises(RPCError, match="already completed"):
        await order(run, "resume")


async def test_a_refusal_by_the_ledger_fails_the_order_alone(bench: Lab) -> None:
    """An order that the ledger refuses fails with its words; the run sleeps on and takes the next order."""
    bench.ledger.refuses = "step D-10 is already on record"
    run = await bench.start(take("D-10", FAR))
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await order(run, "send_now")
    assert isinstance(refused.value.cause, ActivityError)
    assert "already on record" in str(refused.value.cause.cause)
    bench.ledger.refuses = None
    bench.ledger.plans = [Plan(revision=2, next=close())]
    await order(run, "resume")
    assert (await bench.end(run)).revision == 2


async def test_an_order_during_the_gate_is_answered(bench: Lab) -> None:
    """An order given while the gate is busy is carried out at once and outlives the gate's older answer."""
    bench.collector.door.clear()
    bench.ledger.plans = [Plan(revision=5, next=wait(Rule.HOLD))]
    run = await bench.start(take("D+2", datetime.now(UTC)))
    await asyncio.wait_for(bench.collector.reached.wait(), PATIENCE)
    assert (await order(run, "hold", until=TOMORROW)).next.kind == "wait"
    await bench.wake(run, 6, close())
    await bench.client.get_workflow_handle(run.id).terminate()


async def test_a_hold_that_ends_by_itself(bench: Lab, keep: Keeper) -> None:
    """A held case takes its step on the day the hold has ended, without being told."""
    bench.ledger.plans = [Plan(revision=2, next=take("D-10", FAR))]
    bench.collector.answers = []
    run = await bench.start(take("D-10", FAR - timedelta(days=20)))
    await order(run, "hold", until=TOMORROW + timedelta(days=30), note="n-1")
    await bench.until(run, FAR - timedelta(days=1))
    assert bench.collector.attempts == 0
    await bench.wake(run, 3, close())
    await bench.end(run)
    keep("held", await run.fetch_history())


async def test_current_details_read_like_a_story(bench: Lab) -> None:
    """The Web UI shows what comes next and what has happened, and describes each signal and update."""
    run = await bench.start(take("D-10", FAR))
    await bench.wake(run, 2, take("D+2", FAR))
    await bench.settled(run)
    metadata = await asyncio.wait_for(
        run.query("__temporal_workflow_metadata", result_type=WorkflowMetadata), PATIENCE
    )
    assert metadata.current_details.startswith(f"**Next: D+2 on {FAR:%Y-%m-%d %H:%M}Z**")
    assert metadata.current_details.endswith("the facts changed")
    described = {one.name: one.description for one in metadata.definition.update_definitions}
    assert {"hold", "resume", "skip", "send_now", "approve"} == set(described)
    assert all(described.values())
    assert {one.name for one in metadata.definition.signal_definitions} == {"wake", "mark_paid"}
    await bench.wake(run, 3, close())
    await bench.end(run)


def test_every_order_has_a_verb() -> None:
    """The updates of the run and the verbs of the ledger are the same words."""
    assert all(hasattr(InvoiceDunning, verb.value) for verb in Verb)
