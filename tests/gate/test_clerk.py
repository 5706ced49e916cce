"""What reaches a run directly is written down: payments reported by signal, operators' orders."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.actions import Ending, Outcome, Rule, StepOutcome
from ledger import desk
from tests.domain import build
from tests.gate.house import House
from workflows.ports import Verb

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


async def note(house: House, text: str = "asked for time") -> str:
    """Writes down an operator's words."""
    async with house.database.writing() as conn:
        return await desk.write_note(conn, "ann", text, house.now)


@pytest.mark.parametrize("amount", [None, "100.00", 100, 100.0])
async def test_a_full_report_closes_the_case(house: House, amount: Any) -> None:
    """A report without an amount means the whole open balance, and closes the case as one with it does."""
    await house.register()
    await house.bill("F-1")
    plan = await house.report(reference="VIR-1", amount=amount)
    assert plan.next.ending is Ending.PAID
    (payment,) = (await house.account()).payments
    assert (payment.reference, payment.amount) == ("VIR-1", build.money("100.00"))


async def test_a_partial_report_lowers_what_is_asked(house: House) -> None:
    """A part of the sum, on its day, leaves the rest open and the ladder as it was."""
    await house.register()
    await house.bill("F-1")
    plan = await house.report(reference="VIR-1", amount="40.00", received_on="2026-03-30")
    assert plan.next.step == "D+2"
    account = await house.account()
    assert account.balance("F-1").open == build.money("60.00")
    assert account.payments[0].received_on == build.day("2026-03-30")


async def test_the_same_reference_counts_once(house: House) -> None:
    """A second report of the same reference changes nothing, whatever amount it states."""
    await house.register()
    await house.bill("F-1")
    await house.report(reference="VIR-1", amount="40.00")
    plan = await house.report(reference="VIR-1", amount="60.00")
    assert plan.next.step == "D+2"
    assert (await house.account()).balance("F-1").open == build.money("60.00")
    assert await house.tasks() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "sixty"},
        {"amount": "-5"},
        {"amount": "1.005"},
        {"amount": "NaN"},
        {"amount": "1e400"},
        {"amount": "1e13"},
        {"reference": "x" * 129},
        {"reference": "a\0b"},
        {"reference": " "},
        {"amount": 0},
        {"currency": "USD"},
        {"received_on": "31/03/2026"},
    ],
    ids=repr,
)
async def test_a_report_that_makes_no_sense_is_a_task(house: House, wrong: dict[str, Any]) -> None:
    """Nonsense changes no balance: a person gets it as a task, once, and the run goes on as before."""
    await house.register()
    await house.bill("F-1")
    for _ in range(2):
        plan = await house.report(**({"reference": "VIR-1"} | wrong))
        assert plan.next.step == "D+2"
    assert (await house.account()).payments == ()
    (task,) = await house.tasks()
    assert (task.kind, task.invoice) == ("report", "F-1")


async def test_too_much_money_stays_on_the_account(house: House) -> None:
    """What a report states above the open balance is unallocated money of the debtor."""
    await house.register()
    await house.bill("F-1")
    plan = await house.report(reference="VIR-1", amount="130.00")
    assert plan.next.ending is Ending.PAID
    assert (await house.account()).payments[0].unallocated == build.money("30.00")


async def test_a_hold_and_its_end(house: House) -> None:
    """A hold moves the next step behind its last day; resuming brings it back. Words stay in the record."""
    await house.register()
    await house.bill("F-1")
    until = house.now.date() + timedelta(days=10)
    plan = await house.obey(Verb.HOLD, until=until, note=await note(house))
    assert plan.next.at == build.at("2026-04-13 09:00")
    assert (await house.obey(Verb.RESUME)).next.at == build.at("2026-04-02 09:00")


async def test_orders_may_come_without_words(house: House) -> None:
    """An order that carries no note, given in Temporal itself, is carried out and not tried for ever."""
    await house.register()
    await house.bill("F-1")
    until = house.now.date() + timedelta(days=3)
    assert (await house.obey(Verb.HOLD, until=until)).next.because.rule is Rule.HOLD
    await house.obey(Verb.RESUME)
    assert (await house.obey(Verb.SEND_NOW)).next.because.rule is Rule.OPERATOR


async def test_a_skipped_step_stays_skipped(house: House) -> None:
    """Skipping passes over one step without a message, and the run of it answers so to a late knock."""
    await house.register()
    await house.bill("F-1")
    late = await house.order()
    plan = await house.obey(Verb.SKIP, note=await note(house), step="D+2")
    assert plan.next.step == "D+30"
    assert (await house.account()).case("F-1").taken[0].outcome is StepOutcome.SKIPPED
    answer = await house.environment("run").run(house.hands.gate.take, late)
    assert (answer.outcome, answer.next.step) == (Outcome.COVERED, "D+30")
    assert house.sink.received == []


async def test_a_hurried_step_leaves_at_once(house: House) -> None:
    """Send-now brings the next step forward to the present moment of an open window."""
    await house.register()
    await house.bill("F-1")
    plan = await house.obey(Verb.SEND_NOW)
    assert plan.next.at is not None
    assert plan.next.at <= house.now
    assert (await house.knock()).outcome is Outcome.SENT


@pytest.mark.parametrize(
    ("verb", "order"),
    [
        (Verb.HOLD, {}),
        (Verb.HOLD, {"until": build.day("2020-01-01")}),
        (Verb.SKIP, {"step": "D+99"}),
        (Verb.SEND_NOW, {"step": "D+99"}),
        (Verb.APPROVE, {"step": "D+2"}),
        (Verb.SKIP, {"note": "no such note"}),
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_is_refused_for_good(
    house: House, verb: Verb, order: dict[str, Any]
) -> None:
    """An impossible order fails with its reason and is not tried again."""
    await house.register()
    await house.bill("F-1")
    before = (await house.account()).revision
    with pytest.raises(ApplicationError) as refused:
        await house.obey(verb, **order)
    assert refused.value.non_retryable
    assert (await house.account()).revision == before


async def test_an_order_for_a_closed_case_is_refused(house: House) -> None:
    """A case that the ledger has closed takes no orders, even where its run has not heard yet."""
    await house.register()
    await house.bill("F-1")
    await house.pay("F-1")
    with pytest.raises(ApplicationError, match="closed"):
        await house.obey(Verb.SEND_NOW, step="D+2")


async def test_the_same_hold_for_another_time_is_refused_for_good(house: House) -> None:
    """A note that has placed a hold cannot place another one: the order fails and is not tried for ever."""
    await house.register()
    await house.bill("F-1")
    words = await note(house)
    today = house.now.date()
    await house.obey(Verb.HOLD, until=today + timedelta(days=3), note=words)
    await house.obey(Verb.HOLD, until=today + timedelta(days=3), note=words)
    with pytest.raises(ApplicationError) as refused:
        await house.obey(Verb.HOLD, until=today + timedelta(days=9), note=words)
    assert refused.value.non_retryable


async def test_a_second_hold_from_temporal_is_in_force(house: House) -> None:
    """A hold, its end and the same hold again, all without a note, leave the case held."""
    await house.register()
    await house.bill("F-1", due="2026-05-29")
    until = build.day("2026-06-30")
    assert (await house.obey(Verb.HOLD, until=until)).next.because.rule is Rule.HOLD
    house.pass_time(minutes=1)
    assert (await house.obey(Verb.RESUME)).next.because.rule is Rule.CALENDAR
    house.pass_time(minutes=1)
    plan = await house.obey(Verb.HOLD, until=until)
    assert (plan.next.because.rule, plan.next.at) == (Rule.HOLD, build.at("2026-07-01 09:00"))
