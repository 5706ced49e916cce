"""How far a message got: every way in which a conversation with a mail server can end."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.mail import Fate, SmtpRoom, reachable
from config.sections import Smtp
from domain.actions import Outcome, Rule
from ledger.messages import State
from tests.gate.blunt_server import DROP, SILENCE, blunt_server
from tests.gate.house import House
from trial.mail import Fault
from trial.servers import free_port

MIME = b"Subject: x\r\n\r\n" + b"mot " * 20_000 + b"\r\n"


async def yes() -> bool:
    """Lets a message leave."""
    return True


async def no() -> bool:
    """Keeps a message back."""
    return False


async def fate(script: dict[str, str], *recipients: str) -> tuple[Fate, str]:
    """Hands a message over to a blunt server and says what may have become of it."""
    async with blunt_server(script) as port:
        room = SmtpRoom(Smtp(port=port, timeout_seconds=0.4))
        delivery = await room.hand_over("a@acme.example", recipients or ("b@dubois.example",), MIME, yes)
    return delivery.fate, delivery.answer


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({}, Fate.ACCEPTED),
        ({"greeting": "421 busy"}, Fate.NOT_NOW),
        ({"greeting": "554 no"}, Fate.NOT_NOW),
        ({"greeting": DROP}, Fate.NOT_NOW),
        ({"greeting": SILENCE}, Fate.NOT_NOW),
        ({"EHLO": DROP}, Fate.NOT_NOW),
        ({"MAIL": "451 later"}, Fate.NOT_NOW),
        ({"MAIL": "550 not you"}, Fate.NOT_NOW),
        ({"MAIL": SILENCE}, Fate.NOT_NOW),
        ({"RCPT": "450 later"}, Fate.NOT_NOW),
        ({"RCPT": "550 nobody"}, Fate.REFUSED),
        ({"RCPT": DROP}, Fate.NOT_NOW),
        ({"RCPT": SILENCE}, Fate.NOT_NOW),
        ({"DATA": "451 later"}, Fate.NOT_NOW),
        ({"DATA": "554 no"}, Fate.NOT_NOW),
        ({"DATA": DROP}, Fate.NOT_NOW),
        ({"DATA": SILENCE}, Fate.NOT_NOW),
        ({"body": "451 later"}, Fate.UNKNOWN),
        ({"body": "421 closing"}, Fate.UNKNOWN),
        ({"body": "554 spam"}, Fate.REFUSED),
        ({"body": DROP}, Fate.UNKNOWN),
        ({"body": f"{DROP} at once"}, Fate.UNKNOWN),
        ({"body": SILENCE}, Fate.UNKNOWN),
        ({"body": "what?"}, Fate.UNKNOWN),
        ({"QUIT": DROP}, Fate.ACCEPTED),
        ({"QUIT": SILENCE}, Fate.ACCEPTED),
    ],
    ids=str,
)
async def test_ac71_a_conversation_is_classified(script: dict[str, str], expected: Fate) -> None:
    """Before the body nothing was sent; after it only 250 and a permanent refusal settle the matter."""
    assert (await fate(script))[0] is expected


async def test_a_message_that_may_not_leave_is_withdrawn() -> None:
    """The last word is asked after the recipients are named: a no hands no body over, whatever came of it."""
    async with blunt_server({"DATA": "554 never asked for"}) as port:
        room = SmtpRoom(Smtp(port=port, timeout_seconds=0.4))
        delivery = await room.hand_over("a@acme.example", ("b@dubois.example",), MIME, no)
    assert delivery.fate is Fate.WITHDRAWN


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT"])
async def test_what_fails_before_the_last_word_never_asks_for_it(stage: str) -> None:
    """A server that is away, or refuses before the body, costs no claim: the last word is not spoken."""
    asked: list[bool] = []

    async def last_word() -> bool:
        asked.append(True)
        return True

    async with blunt_server({stage: "451 later"}) as port:
        room = SmtpRoom(Smtp(port=port, timeout_seconds=0.4))
        delivery = await room.hand_over("a@acme.example", ("b@dubois.example",), MIME, last_word)
    assert (delivery.fate, asked) == (Fate.NOT_NOW, [])


async def test_ac71_nobody_listens() -> None:
    """A refused connection has sent nothing and is tried again."""
    settings = Smtp(port=free_port(), timeout_seconds=0.4)
    delivery = await SmtpRoom(settings).hand_over("a@acme.example", ["b@dubois.example"], MIME, yes)
    assert delivery.fate is Fate.NOT_NOW
    assert not await reachable(settings)


async def test_the_answer_names_nobody() -> None:
    """What is remembered of an answer is its code, not the server's text, which may name people."""
    for script in ({"RCPT": "550 Jean Dupont <jean@x.test> left"}, {"body": "554 Jean Dupont has left"}):
        _, remembered = await fate(script)
        assert remembered in {"550", "554"}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_known_recipient_is_written_to_although_another_is_not(house: House) -> None:
    """One recipient that the server does not know keeps the other from nothing, and makes a task."""
    contacts = ({"email": "old@dubois.example"}, {"email": "new@dubois.example"})
    await house.register(contacts=contacts)
    await house.bill("F-1")
    house.sink.script(Fault.REFUSE_RECIPIENT, recipient="old@dubois.example")
    assert (await house.knock()).outcome is Outcome.SENT
    assert [received.recipients for received in house.sink.received] == [("new@dubois.example",)]
    assert await house.kinds() == ["contact"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", [Fault.REFUSE_RECIPIENT, Fault.REFUSE_MESSAGE])
async def test_ac71_a_permanent_refusal_is_not_sent(house: House, fault: Fault) -> None:
    """550 for the recipient or 5xx after the body: nothing was sent, the case waits for a person's mend."""
    await house.register()
    await house.bill("F-1", "F-2")
    house.sink.script(fault)
    answer = await house.knock()
    assert (answer.outcome, answer.because and answer.because.rule) == (Outcome.UNREACHABLE, Rule.UNREACHABLE)
    assert house.sink.received == []
    (record,) = await house.messages()
    assert record.state is State.FAILED
    assert set(await house.kinds()) == {"unreachable"}
    assert {(await house.next(number)).kind for number in ("F-1", "F-2")} == {"wait"}
    house.sink.heal()
    await house.debtor("dubois", contacts=({"email": "right@dubois.example"},))
    await house.knock("F-1")
    assert [received.recipients for received in house.sink.received] == [("right@dubois.example",)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "kept"), [(Fault.DEFER_MESSAGE, 0), (Fault.DROP_LOST, 0), (Fault.DROP_KEPT, 1), (Fault.SLOW, 0)]
)
async def test_ac71_an_unknowable_end_is_ambiguous_for_ever(house: House, fault: Fault, kept: int) -> None:
    """354 then 451, a connection lost after the body, or no answer: ambiguous, a task, never tried again."""
    await house.register()
    await house.bill("F-1")
    house.sink.script(fault, times=1, seconds=0.6)
    house.room.inner = SmtpRoom(Smtp(port=house.sink.port, timeout_seconds=0.3))
    answer = await house.knock()
    assert (answer.outcome, answer.next.kind) == (Outcome.AMBIGUOUS, "wait")
    (record,) = await house.messages()
    assert record.state is State.AMBIGUOUS
    (task,) = await house.tasks()
    assert (task.kind, task.detail["message"]) == ("ambiguous", record.id)
    for attempt in (2, 3):
        house.pass_time(days=1)
        assert (await house.knock(attempt=attempt, wait=False)).outcome is Outcome.AMBIGUOUS
    assert (await house.plan()).next.because.rule is Rule.AMBIGUOUS
    assert house.room.calls == 1
    assert len(house.sink.received) == kept


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("delivered", [True, False])
async def test_a_person_settles_an_ambiguous_message(house: House, *, delivered: bool) -> None:
    """A person's word that it arrived goes on to the next step; that it did not sends it once more."""
    await house.register()
    await house.bill("F-1")
    house.sink.script(Fault.DROP_KEPT if delivered else Fault.DROP_LOST, times=1)
    await house.knock()
    (record,) = await house.messages()
    await house.errands()
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.judge_ambiguous(record.id, delivered=delivered, reason="asked them", author="ann")
        await book.settle()
    assert await house.errands() == [("wake", "F-1")]
    assert await house.kinds() == []
    answer = await house.knock()
    assert answer.step == ("D+30" if delivered else "D+2")
    assert len(house.sink.received) == (2 if delivered else 1)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_ac71_a_closed_port_is_tried_again(house: House) -> None:
    """While nobody listens at the mail server's port the step is tried again; then the message leaves."""
    await house.register()
    await house.bill("F-1")
    working = house.room.inner
    house.room.inner = SmtpRoom(Smtp(port=free_port(), timeout_seconds=0.4))
    with pytest.raises(ApplicationError) as fault:
        await house.knock()
    assert not fault.value.non_retryable
    house.room.inner = working
    assert (await house.knock(attempt=2)).outcome is Outcome.SENT
    assert len(house.sink.received) == 1
