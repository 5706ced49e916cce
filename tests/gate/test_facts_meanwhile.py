"""Facts that come in while the gate is at work: what they stop, what they turn away, and whom they wake."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

import activities.answers
import activities.dispatch
import activities.gate
from activities.mail import Delivery, Fate
from domain.actions import Because, Ending, Outcome, Rule
from domain.agreements import Stop
from ledger import switches
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House
from workflows.ports import Verb

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
B2B = {"policy": "french-b2b"}


async def pause_before_handing_over(
    house: House, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]
) -> None:
    """Lets something happen once, between the reservation of a message and its handing over."""
    handover = house.hands.gate._handover
    send = handover.send

    async def paused(*claimed: Any) -> Any:
        monkeypatch.setattr(handover, "send", send)
        await meanwhile()
        return await send(*claimed)

    monkeypatch.setattr(handover, "send", paused)


async def climb(house: House, to: str) -> None:
    """Takes steps until the one named is next."""
    while (await house.next()).step != to:
        await house.knock()


async def stop(house: House) -> None:
    """Stops all sending."""
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", house.now)


async def resume(house: House) -> None:
    """Lets sending go on and plans the account anew, as resume-sending does."""
    async with house.database.writing() as conn:
        await switches.resume(conn, Stop(), "ann", house.now)
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.settle()


async def test_paid_between_reservation_and_handing_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that sleeps between the two wakes up to a payment: nothing leaves, and the case closes."""
    await house.register()
    await house.bill("F-1")

    async def sleep() -> None:
        house.pass_time(hours=14)
        await house.pay("F-1")

    await pause_before_handing_over(house, monkeypatch, sleep)
    with pytest.raises(ApplicationError) as lost:
        await house.knock()
    assert (lost.value.type, lost.value.non_retryable) == ("ClaimLost", False)
    answer = await house.knock(attempt=2, wait=False)
    assert (answer.outcome, answer.next.ending) == (Outcome.SETTLED, Ending.PAID)
    assert house.sink.received == []
    assert [record.state for record in await house.messages()] == [State.FAILED]


async def test_stopped_between_reservation_and_handing_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop between the two lets nothing leave; the case waits, and sends once after the stop."""
    await house.register()
    await house.bill("F-1")
    await pause_before_handing_over(house, monkeypatch, lambda: stop(house))
    with pytest.raises(ApplicationError):
        await house.knock()
    answer = await house.knock(attempt=2, wait=False)
    assert (answer.outcome, answer.next.because.rule) == (Outcome.HELD, Rule.SENDING_STOPPED)
    assert house.sink.received == []
    await house.errands()
    await resume(house)
    assert await house.errands() == [("wake", "F-1")]
    assert (await house.knock()).outcome is Outcome.SENT
    assert len(house.sink.received) == 1


async def test_a_case_reopened_after_a_stop_goes_on(house: House) -> None:
    """A case that was paid during a stop and reopened after it takes its next step: the stop is gone."""
    await house.register()
    await house.bill("F-1")
    await stop(house)
    assert (await house.knock()).outcome is Outcome.HELD
    await house.pay("F-1")
    async with house.database.writing() as conn:
        await switches.resume(conn, Stop(), "ann", house.now)
    await house.take("payment.reversed", reference="VIR-1")
    assert (await house.next()).kind == "take"
    assert (await house.knock()).outcome is Outcome.SENT


async def test_two_currencies_at_one_moment_make_one_mail(house: House) -> None:
    """While a slow server takes a mail in one currency, the run of the other one is put off by the cap."""
    await house.register()
    await house.bill("F-1")
    await house.bill("F-2", currency="USD")
    other: list[Outcome] = []

    async def slowly() -> None:
        house.room.before = None
        other.append((await house.knock("F-1", wait=False)).outcome)

    house.room.before = slowly
    assert (await house.knock("F-2")).outcome is Outcome.SENT
    assert other == [Outcome.DEFERRED]
    assert len(house.sink.received) == 1
    upcoming = await house.next("F-1")
    assert (upcoming.day, upcoming.because.rule) == (build.day("2026-04-03"), Rule.CONTACT_CAP)


async def test_two_currencies_racing_to_reserve_make_one_mail(house: House) -> None:
    """Two runs that knock together hand over once; one that lost its claim to the other is tried again."""
    await house.register()
    await house.bill("F-1")
    await house.bill("F-2", currency="USD")
    house.room.before = lambda: asyncio.sleep(0.2)
    orders = [await house.order(number) for number in ("F-1", "F-2")]

    async def patiently(asked: int) -> Outcome:
        for attempt in (1, 2, 3):
            env = house.environment(f"run-{asked}", attempt, asked)
            try:
                return (await env.run(house.hands.gate.take, orders[asked])).outcome
            except ApplicationError as lost:
                assert lost.type == "ClaimLost"  # noqa: PT017 - any other fault fails the test
        pytest.fail("three attempts have lost their claims")

    outcomes = await asyncio.gather(patiently(0), patiently(1))
    assert sorted(outcomes) == [Outcome.DEFERRED, Outcome.SENT]
    assert len(house.sink.received) == 1


async def test_an_ambiguous_mail_counts_for_the_contact_cap(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail of which nobody knows whether it left puts the other currency off as one that left does."""
    await house.register()
    await house.bill("F-1")
    await house.bill("F-2", currency="USD")
    hand_over = house.room.hand_over

    async def lost(*mail: Any) -> Delivery:
        await hand_over(*mail)
        return Delivery(Fate.UNKNOWN, "connection lost")

    monkeypatch.setattr(house.room, "hand_over", lost)
    assert (await house.knock("F-2")).outcome is Outcome.AMBIGUOUS
    monkeypatch.undo()
    assert (await house.knock("F-1", wait=False)).outcome is Outcome.DEFERRED
    assert (await house.next("F-1")).day == build.day("2026-04-03")
    assert len(house.sink.received) == 1


@SQLITE
async def test_a_wait_below_the_minimum_ends_with_time(house: House) -> None:
    """A case below the minimum waits until the midnight at which another falls due, and is planned then."""
    await house.register(creditor=B2B)
    await house.bill("F-1", total="10.00")
    await house.bill("F-2", total="10.00", due="2026-04-30")
    waiting = (await house.plan()).next
    assert (waiting.kind, waiting.because.rule) == ("wait", Rule.BELOW_MINIMUM)
    assert waiting.at == build.at("2026-05-01")
    house.now = build.at("2026-05-01")
    upcoming = (await house.plan()).next
    assert (upcoming.kind, upcoming.step) == ("take", "D+2")


@SQLITE
async def test_a_covered_line_that_waited_is_woken(house: House) -> None:
    """A message that speaks for an invoice below the minimum wakes its run; one that knocks is not woken."""
    await house.register(creditor=B2B)
    await house.bill("F-1", total="10.00")
    await house.bill("F-2", total="10.00", due="2026-04-30")
    house.now = build.at("2026-04-30 12:00")
    for number in ("F-1", "F-2"):
        await house.plan(number)
    await house.errands()
    assert (await house.knock("F-2")).outcome in {Outcome.SENT, Outcome.COVERED}
    assert await house.errands() == [("wake", "F-1")]
    assert (await house.next("F-1")).step == "D+10"


async def test_paid_before_the_handoff_folder_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case settled between the record of its handoff and the folder leaves no folder and no task."""
    await house.register()
    await house.bill("F-1")
    await climb(house, "handoff")

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(activities.dispatch, "write_handoff", full)
    with pytest.raises(OSError, match="No space"):
        await house.knock()
    monkeypatch.undo()
    await house.pay("F-1")
    answer = await house.knock(attempt=2, wait=False)
    assert answer.next.ending is Ending.PAID
    assert not house.settings.folders.handoffs.exists()
    assert await house.kinds() == []


@SQLITE
async def test_written_off_before_the_handoff_folder_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case given up between the record of its handoff and the folder leaves no folder either."""
    await house.register()
    await house.bill("F-1")
    await climb(house, "handoff")

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(activities.dispatch, "write_handoff", full)
    with pytest.raises(OSError, match="No space"):
        await house.knock()
    monkeypatch.undo()
    await house.take("invoice.written_off", number="F-1", reason="too small")
    await house.knock(attempt=2, wait=False)
    assert not house.settings.folders.handoffs.exists()


async def test_paid_after_the_handoff_is_a_recall(house: House) -> None:
    """A case paid once its folder is written asks a person to call it back, also where the gate retries."""
    await house.register()
    await house.bill("F-1")
    await climb(house, "handoff")
    await house.knock()
    await house.pay("F-1")
    assert await house.kinds() == ["handoff", "recall"]
    await house.knock(attempt=2, wait=False)
    assert await house.kinds() == ["handoff", "recall"]
    assert len(list(house.settings.folders.handoffs.iterdir())) == 1


@POSTGRESQL
async def test_a_feed_of_payments_waits_for_the_gate(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that comes between the gate's reading and its commit wakes the case that the gate held."""
    await house.register(creditor={"payment_freshness_hours": 24})
    await house.bill("F-1")
    order = await house.order()
    refuse = activities.answers.refuse
    feeds: list[asyncio.Task[object]] = []

    async def fed_meanwhile(*refusal: Any) -> Any:
        feed = house.take("payments.known", as_of=house.now.isoformat())
        feeds.append(asyncio.create_task(feed))
        await asyncio.sleep(0.3)
        assert not feeds[0].done()
        return await refuse(*refusal)

    monkeypatch.setattr(activities.gate, "refuse", fed_meanwhile)
    answer = await house.environment("run-F-1").run(house.hands.gate.take, order)
    assert (answer.outcome, answer.next.because.rule) == (Outcome.HELD, Rule.STALE)
    await asyncio.wait_for(feeds[0], 10)
    assert (await house.next()).kind == "take"
    assert ("wake", "F-1") in await house.errands()
    assert await house.kinds() == []


async def test_send_now_outlives_a_mail_server_that_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step asked for at once is still wanted at once after an attempt that failed for the moment."""
    await house.register()
    await house.bill("F-1", due="2026-05-29")
    await house.obey(Verb.SEND_NOW)

    async def away(*_: object) -> Delivery:
        return Delivery(Fate.NOT_NOW, "421")

    monkeypatch.setattr(house.room, "hand_over", away)
    with pytest.raises(ApplicationError):
        await house.knock()
    monkeypatch.undo()
    assert (await house.next()).because.rule is Rule.OPERATOR
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.SENT
    assert (await house.account()).case("F-1").hurried is None


async def test_a_refused_recipient_while_another_line_was_paid(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message refused after one of its invoices was paid blocks the others, and asks for an address."""
    await house.register()
    await house.bill("F-1", "F-2", "F-3")

    async def refused(*_: object) -> Delivery:
        await house.pay("F-2")
        return Delivery(Fate.REFUSED, "550")

    monkeypatch.setattr(house.room, "hand_over", refused)
    assert (await house.knock()).outcome is Outcome.UNREACHABLE
    account = await house.account()
    blocked = Because(rule=Rule.UNREACHABLE)
    assert [account.case(number).blocked for number in ("F-1", "F-2", "F-3")] == [blocked, None, blocked]
    assert account.case("F-2").ending is Ending.PAID
    assert [record.state for record in await house.messages()] == [State.FAILED]
    assert await house.kinds() == ["unreachable", "unreachable"]


@SQLITE
async def test_a_full_disk_asks_a_person_to_mend_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence that cannot be kept is one task for many attempts; once there is room the message leaves."""
    await house.register()
    await house.bill("F-1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(activities.dispatch, "_keep", full)
    for attempt in (1, 2, 3):
        with pytest.raises(ApplicationError) as fault:
            await house.knock(attempt=attempt)
        assert (fault.value.type, fault.value.non_retryable) == ("NotPrepared", False)
    assert await house.kinds() == ["mend"]
    assert house.sink.received == []
    monkeypatch.undo()
    assert (await house.knock(attempt=4)).outcome is Outcome.SENT
    assert await house.kinds() == []


@POSTGRESQL
async def test_a_long_number_can_be_held(house: House) -> None:
    """A hold without a note on an invoice with a long number fits into the record of PostgreSQL."""
    number = "FACTURE-2026-CLIENT-DUBOIS-ET-FILS-000000001234"
    await house.register()
    await house.bill(number, due="2026-05-29")
    plan = await house.obey(Verb.HOLD, number, until=build.day("2026-06-30"))
    assert plan.next.because.rule is Rule.HOLD
