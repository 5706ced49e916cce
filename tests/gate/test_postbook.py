"""The post book at the gate: what it knows is not asked of a person, and what it knows is not sent again."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from activities.mail import Delivery
from domain.actions import Outcome
from domain.faults import ConfigurationFault, Unavailable
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House
from trial.mail import Fault


class Gone(BaseException):
    """Stands for the death of the process."""


async def die(*_: object) -> None:
    """Dies."""
    raise Gone


async def test_an_answer_that_the_record_missed_is_in_the_post_book(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the server's answer and before the record knew: sent, once, and nobody is asked."""
    await house.register()
    await house.bill("F-1")
    with monkeypatch.context() as dying:
        dying.setattr(house.hands.gate._handover, "_write_down", die)
        with pytest.raises(Gone):
            await house.knock()
    (record,) = await house.messages()
    assert record.state is State.HANDING_OVER
    house.pass_time(minutes=2)
    answer = await house.knock(attempt=2, wait=False)
    assert answer.outcome is Outcome.SENT
    (record,) = await house.messages()
    assert record.state is State.SENT
    assert len(house.sink.received) == 1
    assert house.evidence(record).read_bytes() == house.sink.received[0].content
    assert await house.kinds() == []


async def test_a_refusal_that_the_record_missed_is_heeded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the server refused the message for good: it did not leave; the address is asked for."""
    await house.register()
    await house.bill("F-1")
    house.sink.script(Fault.REFUSE_MESSAGE, times=1)
    with monkeypatch.context() as dying:
        dying.setattr(house.hands.gate._handover, "_write_down", die)
        with pytest.raises(Gone):
            await house.knock()
    house.pass_time(minutes=2)
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.UNREACHABLE
    assert (house.sink.received, await house.kinds()) == ([], ["unreachable"])


async def test_without_an_answer_a_person_is_asked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the server's answer was written anywhere: nobody can know, and a person judges."""
    await house.register()
    await house.bill("F-1")
    with monkeypatch.context() as dying:
        dying.setattr(house.hands.gate._handover, "_note", lambda *_: (_ for _ in ()).throw(Gone))
        with pytest.raises(Gone):
            await house.knock()
    house.pass_time(minutes=2)
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.AMBIGUOUS
    assert await house.kinds() == ["ambiguous"]
    assert len(house.sink.received) == 1


async def test_what_a_restored_record_has_forgotten_is_not_sent_again(house: House) -> None:
    """A message whose page in the post book says that it left is not handed over by a record from before."""
    await house.register()
    await house.bill("F-1")
    await house.knock()
    (sent,) = await house.messages()
    page = house.hands.gate._dispatch.postbook.find(sent.id)
    assert page is not None
    assert (page.fate, page.attempt, page.reminder.lead) == ("accepted", 1, "F-1")
    # The record forgets, as one that was restored from an earlier copy does.
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.void_message(sent.id, "forgotten", "the test")
        await book.settle()
    upcoming = str(uuid5(NAMESPACE_URL, f"{sent.id}:1"))  # the id of what is sent in place of a voided one
    forged = page.model_copy(update={"message": upcoming, "fate": None, "answer": None})
    house.hands.gate._dispatch.postbook.write(forged)
    house.now = build.at("2026-04-08 12:00")
    await house.plan()
    assert (await house.knock()).outcome is Outcome.AMBIGUOUS
    assert len(house.sink.received) == 1
    (task,) = [task for task in await house.tasks() if task.kind == "ambiguous"]
    assert "post book" in str(task.detail["why"])


async def test_nothing_leaves_without_a_page(house: House) -> None:
    """Where the post book cannot be written to, the body is not handed over, and the step is tried again."""
    await house.register()
    await house.bill("F-1")
    folder = house.settings.folders.evidence / "postbook"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    with pytest.raises(ConfigurationFault, match="post book"):
        await house.knock()
    assert house.sink.received == []
    folder.unlink()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.SENT
    assert len(house.sink.received) == 1


async def test_a_connection_that_fails_costs_no_attempt_on_the_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the mail server is away, before the last word: nothing is in doubt, the retry sends."""
    await house.register()
    await house.bill("F-1")

    async def away(*_: Any) -> Delivery:
        raise Gone

    with monkeypatch.context() as dying:
        dying.setattr(house.room, "hand_over", away)
        with pytest.raises(Gone):
            await house.knock()
    (record,) = await house.messages()
    assert record.state is State.RESERVED
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.SENT
    assert (len(house.sink.received), await house.kinds()) == (1, [])


async def test_the_record_is_told_late_where_it_was_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away for the whole confirmation costs nothing: the post book tells it afterwards."""
    await house.register()
    await house.bill("F-1")

    async def unavailable(*_: Any) -> None:
        why = "the database is away"
        raise Unavailable(why)

    with monkeypatch.context() as failing:
        failing.setattr(house.hands.gate._handover, "_write_down", unavailable)
        with pytest.raises(Unavailable):
            await house.knock()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.SENT
    (record,) = await house.messages()
    assert (record.state, len(house.sink.received)) == (State.SENT, 1)
