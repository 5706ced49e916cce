"""What a case costs in history events: exact counts, each asserted on the real server in virtual time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType

from domain.actions import Ending, Outcome
from tests.workflows.conftest import Keeper
from tests.workflows.world import Lab, answer, close, events, story, take
from workflows.told import CaseEnded

LADDER = ("D-10", "D-3", "D+2", "D+10", "D+30", "handoff")


def days(count: int) -> datetime:
    """Gives the instant so many days from now."""
    return datetime.now(UTC) + timedelta(days=count)


async def test_paid_before_the_first_reminder_costs_11_events(bench: Lab, keep: Keeper) -> None:
    """A case paid before its first reminder ends by the wake-up alone, after 11 events."""
    run = await bench.start(take("D-10", days(20)))
    await bench.settled(run)
    await bench.wake(run, 2, close())
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=2)
    history = await run.fetch_history()
    assert len(events(history)) == 11
    assert bench.collector.attempts == 0
    keep("paid-before-first-reminder", history)


async def test_paid_after_two_reminders_costs_33_events(bench: Lab, keep: Keeper) -> None:
    """A case paid after two reminders ends after 33 events; each step costs a timer and one activity."""
    first, second, third = days(10), days(17), days(22)
    bench.collector.answers = [answer(2, take("D-3", second), "D-10"), answer(3, take("D+2", third), "D-3")]
    run = await bench.start(take("D-10", first))
    await bench.until(run, first)
    await bench.until(run, second)
    await bench.wake(run, 4, close())
    assert (await bench.end(run)).ending is Ending.PAID
    history = await run.fetch_history()
    assert len(events(history)) == 33
    assert [order.step for order in bench.collector.orders] == ["D-10", "D-3"]
    keep("paid-after-two-reminders", history)


async def test_full_escalation_costs_71_events(bench: Lab, keep: Keeper) -> None:
    """Six steps up to the handoff cost 71 events: eleven a step, and five for the frame."""
    at = [days(10 * rung) for rung in range(1, 7)]
    ladder = [take(step, when) for step, when in zip(LADDER, at, strict=True)]
    bench.collector.answers = [
        answer(rung, upcoming, step)
        for rung, (upcoming, step) in enumerate(zip(ladder[1:], LADDER, strict=False), start=2)
    ] + [answer(7, close(Ending.HANDED_OFF), "handoff", Outcome.HANDED_OFF)]
    run = await bench.start(ladder[0])
    for when in at:
        await bench.until(run, when)
    assert await bench.end(run) == CaseEnded(ending=Ending.HANDED_OFF, revision=7)
    history = await run.fetch_history()
    assert len(events(history)) == 71
    counted = Counter(events(history))
    assert counted[EventType.EVENT_TYPE_TIMER_FIRED] == 6
    assert counted[EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED] == 6
    keep("full-escalation", history)


async def test_a_step_is_asked_for_at_its_instant(bench: Lab) -> None:
    """The gate is asked with the step, its planned instant and the run's own clock, not a second early."""
    when = days(12)
    bench.collector.answers = [answer(2, close())]
    run = await bench.start(take("D+2", when))
    await bench.until(run, when - timedelta(seconds=30))
    assert bench.collector.orders == []
    await bench.until(run, when)
    (order,) = bench.collector.orders
    assert (order.step, order.planned_at) == ("D+2", when)
    assert timedelta() <= order.as_of - when < timedelta(seconds=5)
    await bench.end(run)


async def test_runs_of_one_story_do_not_disturb_each_other(bench: Lab) -> None:
    """Two runs on one worker keep their own clocks and revisions."""
    near, far = await asyncio.gather(bench.start(take("D+2", days(5))), bench.start(take("D+2", days(50))))
    await bench.wake(near, 9, close(Ending.CREDITED))
    assert (await bench.end(near)).revision == 9
    state = await bench.state(far)
    assert (state.revision, story(state.story)) == (1, [])
    await bench.wake(far, 2, close())
    await bench.end(far)
