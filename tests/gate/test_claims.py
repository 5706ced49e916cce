"""The claim: whoever asks, whatever dies and whatever comes back, a message leaves at most once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.handover import Claimed
from activities.mail import Delivery
from domain.actions import GateAnswer, Outcome, StepOutcome
from ledger.database import Database
from ledger.messages import State
from tests.gate.house import House
from trial.mail import Fault
from workflows.ports import StepOrder

LONG = timedelta(seconds=61)
"""Longer than a lease."""


async def reserved(house: House, run: str = "run-F-1", attempt: int = 1) -> Claimed:
    """Leaves a claim behind, as a process does that dies before it hands anything over."""
    order = await house.order()
    env = house.environment(run, attempt, 1)
    claimed = await env.run(house.hands.gate._open, order, house.now)
    assert isinstance(claimed, Claimed)
    return claimed


async def test_ten_invoices_due_at_one_instant_make_one_message(house: House, database_url: str) -> None:
    """Ten invoices of one debtor, asked for at once by two workers: one message, ten ladders."""
    await house.register()
    numbers = [f"F-{count}" for count in range(10)]
    await house.bill(*numbers)
    async with await Database.open(database_url) as other:
        answers = await house.knock_together(*numbers, hands=(house.hands, house.worker(other)))
    outcomes = sorted(answer.outcome for answer in answers)
    assert set(outcomes) <= {Outcome.SENT, Outcome.COVERED}
    assert len(house.sink.received) == 1
    (record,) = await house.messages()
    assert (record.state, sorted(record.numbers)) == (State.SENT, numbers)
    account = await house.account()
    for number in numbers:
        (step,) = account.case(number).taken
        assert (step.step, step.outcome, step.message) == ("D+2", StepOutcome.SENT, record.id)
        assert (await house.next(number)).step == "D+30"


async def test_two_workers_take_one_step_once(house: House, database_url: str) -> None:
    """Two workers that take the same step at the same instant send one message."""
    await house.register()
    await house.bill("F-1")
    order = await house.order()
    async with await Database.open(database_url) as other:
        gates = [house.hands.gate, house.worker(other).gate] * 3
        answers = await asyncio.gather(
            *(house.environment(f"run-{turn}").run(gate.take, order) for turn, gate in enumerate(gates))
        )
    assert {answer.outcome for answer in answers} <= {Outcome.SENT, Outcome.COVERED}
    assert len(house.sink.received) == 1
    assert len(await house.messages()) == 1


async def test_a_claim_left_behind_is_taken_up_by_the_retry(house: House) -> None:
    """A reservation of an earlier attempt has sent nothing: the retry releases it and sends once."""
    await house.register()
    await house.bill("F-1")
    await reserved(house)
    answer = await house.environment("run-F-1", 2, 1).run(house.hands.gate.take, await _same(house))
    assert answer.outcome is Outcome.SENT
    (record,) = await house.messages()
    assert (record.state, record.attempts) == (State.SENT, 2)
    assert len(house.sink.received) == 1


async def _same(house: House) -> StepOrder:
    order = await house.order()
    return order.model_copy(update={"step": "D+2"})


async def test_the_first_attempt_loses_its_claim_to_the_retry(house: House) -> None:
    """An attempt that was believed dead and comes back after the retry has sent cannot hand over any more."""
    await house.register()
    await house.bill("F-1")
    claimed = await reserved(house)
    order = await _same(house)
    await house.environment("run-F-1", 2, 1).run(house.hands.gate.take, order)
    late = house.environment("run-F-1", 1, 1)
    with pytest.raises(ApplicationError) as lost:
        await late.run(house.hands.gate._handover.send, claimed, order.case, house.now)
    assert lost.value.type == "ClaimLost"
    assert len(house.sink.received) == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_a_foreign_claim_is_respected_until_its_lease_ends(house: House, *, ended: bool) -> None:
    """A step that another run is sending counts as covered; once that lease has ended it is judged anew."""
    await house.register()
    await house.bill("F-1", "F-2")
    claimed = await reserved(house, "run-of-another")
    assert len(claimed.reminder.lines) == 2
    if ended:
        house.wall += LONG
    order = await _same(house)
    answer = await house.environment("run-F-1").run(house.hands.gate.take, order)
    assert answer.outcome in ({Outcome.SENT, Outcome.COVERED} if ended else {Outcome.COVERED})
    assert len(house.sink.received) == int(ended)


async def test_a_handing_over_left_behind_is_ambiguous(house: House) -> None:
    """A process that died while it handed over may have sent: the retry asks a person and sends nothing."""
    await house.register()
    await house.bill("F-1")

    async def die() -> None:
        raise asyncio.CancelledError

    house.room.after = die
    with pytest.raises(asyncio.CancelledError):
        await house.knock()
    assert len(house.sink.received) == 1
    house.room.after = None
    assert (await house.knock(attempt=2)).outcome is Outcome.AMBIGUOUS
    (record,) = await house.messages()
    assert record.state is State.AMBIGUOUS
    assert await house.kinds() == ["ambiguous"]
    assert len(house.sink.received) == 1


async def test_a_slow_handing_over_that_ends_well_settles_the_doubt(house: House) -> None:
    """A first attempt that was believed dead and confirms after all turns ambiguous into sent."""
    await house.register()
    await house.bill("F-1")
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def linger() -> None:
        under_way.set()
        await go_on.wait()

    house.room.after = linger
    first = asyncio.create_task(house.knock())
    await asyncio.wait_for(under_way.wait(), 10)
    second = await house.knock(attempt=2)
    assert second.outcome is Outcome.AMBIGUOUS
    go_on.set()
    answer: GateAnswer = await asyncio.wait_for(first, 10)
    assert answer.outcome is Outcome.SENT
    (record,) = await house.messages()
    assert record.state is State.SENT
    assert await house.kinds() == []
    assert len(house.sink.received) == 1


async def test_covered_runs_wake_when_the_message_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that were told another message speaks for them are woken at once when that message fails."""
    await house.register()
    await house.bill("F-1", "F-2", "F-3")
    under_way, go_on = asyncio.Event(), asyncio.Event()
    hand_over = house.room.hand_over

    async def linger(*mail: Any) -> Delivery:
        under_way.set()
        await go_on.wait()
        return await hand_over(*mail)

    monkeypatch.setattr(house.room, "hand_over", linger)
    house.sink.script(Fault.DEFER_RECIPIENT, times=1)
    orders = {number: await house.order(number) for number in ("F-1", "F-2", "F-3")}
    gate = house.hands.gate
    first = asyncio.create_task(house.environment("run-F-1").run(gate.take, orders["F-1"]))
    await asyncio.wait_for(under_way.wait(), 10)
    for number in ("F-2", "F-3"):
        answer = await house.environment(f"run-{number}").run(gate.take, orders[number])
        assert (answer.outcome, answer.next.step) == (Outcome.COVERED, "D+30")
    await house.errands()
    go_on.set()
    with pytest.raises(ApplicationError):
        await asyncio.wait_for(first, 10)
    assert await house.errands() == [("wake", "F-2"), ("wake", "F-3")]
    assert {(await house.next(number)).step for number in orders} == {"D+2"}
    answers = await house.knock_together(*orders)
    assert {answer.outcome for answer in answers} <= {Outcome.SENT, Outcome.COVERED}
    assert len(house.sink.received) == 1


async def test_three_invoices_keep_their_ladders(house: House) -> None:
    """One message speaks for three invoices at different rungs; each goes on from its own."""
    await house.register()
    await house.bill("F-1", due="2026-03-03")
    await house.bill("F-2", due="2026-03-31")
    await house.bill("F-3", due="2026-04-05")
    await house.knock("F-1")
    (record,) = await house.messages()
    account = await house.account()
    for line in record.reminder.lines:
        assert account.case(line.number).has_taken(line.step)
    assert len(house.sink.received) == 1
    assert record.reminder.lead == "F-1"
    untouched = {"F-1", "F-2", "F-3"} - set(record.numbers)
    assert all(account.case(number).taken == () for number in untouched)
