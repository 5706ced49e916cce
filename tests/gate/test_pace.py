"""The pace at which messages leave: the creditor's daily cap, and stops of one policy or channel."""

from collections import Counter
from datetime import timedelta

import pytest

from domain.actions import Outcome, Rule
from domain.agreements import Stop
from domain.events import CreditorRegistered
from domain.policy import Channel
from ledger import switches
from ledger.database import Database
from tests.domain import build
from tests.gate.house import IBAN, House
from workflows.ports import Verb

CUSTOMERS = [f"c{count}" for count in range(7)]
NUMBERS = [f"F-{count}" for count in range(7)]


async def seven(house: House, cap: int | None) -> None:
    """Registers seven customers with an invoice each, all due for D+2 on the same morning."""
    await house.register(*CUSTOMERS, creditor={"daily_cap": cap})
    for customer, number in zip(CUSTOMERS, NUMBERS, strict=True):
        await house.bill(number, debtor=customer)


async def test_a_daily_cap_is_kept_and_everybody_gets_a_place(house: House) -> None:
    """With three messages a day, seven due at once leave on three business days, each on its own place."""
    await seven(house, 3)
    outcomes = [(await house.knock(number)).outcome for number in NUMBERS]
    assert outcomes == [Outcome.SENT] * 3 + [Outcome.DEFERRED] * 4
    planned = [await house.next(number) for number in NUMBERS[3:]]
    assert [action.day for action in planned] == [build.day("2026-04-03")] * 3 + [build.day("2026-04-07")]
    assert {action.because.rule for action in planned} == {Rule.DAILY_CAP}
    for number in NUMBERS[3:]:
        assert (await house.knock(number)).outcome is Outcome.SENT
    days = Counter(str(one.message["Date"])[:16] for one in house.sink.received)
    assert sorted(days.values()) == [1, 3, 3]


async def test_who_was_turned_away_goes_before_who_comes_new(house: House) -> None:
    """A place kept on a later day is not given to an invoice that falls due on that day."""
    await seven(house, 3)
    for number in NUMBERS:
        await house.knock(number)
    await house.debtor("late")
    await house.bill("F-LATE", debtor="late", due="2026-04-01")  # its D+2 is the day of the kept places
    assert (await house.next("F-LATE")).day == build.day("2026-04-03")
    assert (await house.knock("F-LATE")).outcome is Outcome.DEFERRED
    assert (await house.next("F-LATE")).day == build.day("2026-04-07")
    for number in NUMBERS[3:6]:
        assert (await house.knock(number, wait=False)).outcome is Outcome.SENT


async def test_a_place_is_free_again_once_its_case_is_paid(house: House) -> None:
    """The place of a case that closes goes to the next one that asks."""
    await seven(house, 3)
    for number in NUMBERS:
        await house.knock(number)
    await house.pay("F-3")
    await house.debtor("late")
    await house.bill("F-LATE", debtor="late", due="2026-04-01")
    assert (await house.knock("F-LATE")).outcome is Outcome.SENT


async def _with_cap(house: House, cap: int | None) -> None:
    """States the creditor anew, with another cap."""
    owner = build.creditor(policy="seed", iban=IBAN, daily_cap=cap)
    await house.door.admit(CreditorRegistered(creditor=owner), now=house.now)


async def test_a_cap_that_is_taken_away_frees_who_was_postponed(house: House) -> None:
    """When the creditor's cap is removed, nobody waits for a place any more."""
    await seven(house, 1)
    for number in NUMBERS:
        await house.knock(number, wait=number == "F-0")
    assert (await house.next("F-6")).because.rule is Rule.DAILY_CAP
    await _with_cap(house, None)
    upcoming = await house.next("F-6")
    assert (upcoming.day, upcoming.because.rule) == (house.now.date(), Rule.CALENDAR)


async def test_a_lowered_cap_is_kept_by_those_who_have_a_place(house: House) -> None:
    """Three have a place on the next day and the cap is lowered to one: one leaves, two get other days."""
    await seven(house, 3)
    for number in NUMBERS:
        await house.knock(number)
    sent = len(house.sink.received)
    await _with_cap(house, 1)
    outcomes = [(await house.knock(number, wait=number == "F-3")).outcome for number in NUMBERS[3:6]]
    assert sorted(outcomes) == [Outcome.DEFERRED, Outcome.DEFERRED, Outcome.SENT]
    assert len(house.sink.received) == sent + 1


async def test_a_skipped_step_gives_its_place_back(house: House) -> None:
    """The place of a step that an operator skips goes to the next customer who asks."""
    await seven(house, 1)
    await house.knock("F-0")
    await house.knock("F-1", wait=False)
    place = (await house.next("F-1")).day
    await house.obey(Verb.SKIP, "F-1", step="D+2")
    await house.knock("F-2", wait=False)
    assert (await house.next("F-2")).day == place


async def test_what_an_operator_asks_for_goes_beyond_the_cap(house: House) -> None:
    """A step sent by hand leaves at once, and counts among the messages of the day."""
    await seven(house, 3)
    for number in NUMBERS[:4]:
        await house.knock(number)
    await house.obey(Verb.SEND_NOW, "F-3")
    assert (await house.knock("F-3")).outcome is Outcome.SENT
    assert (await house.knock("F-4", wait=False)).outcome is Outcome.DEFERRED


async def test_two_workers_keep_the_cap_together(house: House, database_url: str) -> None:
    """Two workers that take seven steps at the same instant hand exactly three messages over."""
    await seven(house, 3)
    async with await Database.open(database_url) as other:
        answers = await house.knock_together(*NUMBERS, hands=(house.hands, house.worker(other)))
    assert Counter(answer.outcome for answer in answers) == {Outcome.SENT: 3, Outcome.DEFERRED: 4}
    assert len(house.sink.received) == 3


async def test_a_failed_message_gives_its_place_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that the server would not take does not use up the day."""
    await seven(house, 1)
    refused = house.room.hand_over

    async def nobody_there(*_: object) -> object:
        reason = "connection refused"
        raise ConnectionRefusedError(reason)

    monkeypatch.setattr(house.room, "hand_over", nobody_there)
    with pytest.raises(ConnectionRefusedError):
        await house.knock("F-0")
    monkeypatch.setattr(house.room, "hand_over", refused)
    house.pass_time(minutes=3)
    assert (await house.knock("F-0", attempt=2, wait=False)).outcome is Outcome.SENT
    assert (await house.knock("F-1", wait=False)).outcome is Outcome.DEFERRED


@pytest.mark.parametrize(
    ("what", "stops"),
    [
        (Stop(policy="seed"), True),
        (Stop(policy="french-b2b"), False),
        (Stop(channel=Channel.EMAIL), True),
        (Stop(channel=Channel.LETTER), False),
        (Stop(creditor="acme", policy="seed", channel=Channel.EMAIL), True),
        (Stop(creditor="acme", policy="seed", channel=Channel.LETTER), False),
    ],
    ids=str,
)
async def test_a_stop_holds_what_it_names_and_nothing_else(house: House, what: Stop, *, stops: bool) -> None:
    """A stop of a policy or a channel holds its steps, lets all others leave, and ends when it is lifted."""
    await house.register()
    await house.bill("F-1")
    async with house.database.writing() as conn:
        assert await switches.stop(conn, what, "ann", "wrong letterhead", house.now)
        assert not await switches.stop(conn, what, "ann", "again", house.now)
    answer = await house.knock()
    assert answer.outcome is (Outcome.HELD if stops else Outcome.SENT)
    if stops:
        assert (await house.next()).because.rule is Rule.SENDING_STOPPED
        async with house.database.writing() as conn:
            assert await switches.resume(conn, what, "ann", house.now)
        await house.plan()
        house.now += timedelta(minutes=1)
        assert (await house.knock()).outcome is Outcome.SENT
    assert len(house.sink.received) == 1


@pytest.mark.parametrize(
    "what", [Stop(policy="seed"), Stop(channel=Channel.EMAIL), Stop(creditor="acme")], ids=str
)
async def test_a_stop_between_the_claim_and_the_body_is_heeded(
    house: House, monkeypatch: pytest.MonkeyPatch, what: Stop
) -> None:
    """A stop given while a message is being prepared keeps it back: the last word asks for it."""
    await house.register()
    await house.bill("F-1")
    hand_over = house.room.hand_over

    async def stopped_meanwhile(*mail: object) -> object:
        async with house.database.writing() as conn:
            await switches.stop(conn, what, "ann", "wrong letterhead", house.now)
        return await hand_over(*mail)  # type: ignore[arg-type]

    monkeypatch.setattr(house.room, "hand_over", stopped_meanwhile)
    with pytest.raises(Exception, match="the facts have changed"):
        await house.knock()
    monkeypatch.undo()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.HELD
    assert house.sink.received == []
