"""What an agreement costs in history events: the one wake-up that tells the run of it, and nothing more."""

from datetime import UTC, datetime, timedelta

from domain.actions import Because, Ending, NextAction, Rule
from tests.workflows.conftest import bench
from tests.workflows.world import Lab, answer, close, events, take

__all__ = ["bench"]

WAKE = 6
"""A signal, three events of a workflow task, a timer cancelled and one started: as for any other fact."""


def days(count: int) -> datetime:
    """Gives the instant so many days from now."""
    return datetime.now(UTC) + timedelta(days=count)


def after_promise(at: datetime) -> NextAction:
    """Plans a step for the day after a promise's grace."""
    because = Because(rule=Rule.PROMISED, until=at.date() - timedelta(days=1))
    return NextAction(kind="take", step="D-3", at=at, day=at.date(), because=because)


async def test_a_broken_promise_costs_the_wake_that_told_of_it(bench: Lab) -> None:
    """Two reminders and a payment cost 33 events; with a promise made and broken in between, 39.

    Nobody tells the run that the promise is broken: its next step simply lies behind the grace.
    """
    first, second, third, late = days(10), days(17), days(32), days(25)
    bench.collector.answers = [answer(2, take("D-3", second), "D-10"), answer(4, take("D+2", third), "D-3")]
    run = await bench.start(take("D-10", first))
    await bench.until(run, first)
    await bench.wake(run, 3, after_promise(late))
    await bench.until(run, late)
    await bench.wake(run, 5, close())
    assert (await bench.end(run)).ending is Ending.PAID
    history = await run.fetch_history()
    assert len(events(history)) == 33 + WAKE
    assert [order.step for order in bench.collector.orders] == ["D-10", "D-3"]
