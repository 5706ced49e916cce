"""Attempts that outlive their time, and facts that come in the last instant: no step lost, none repeated."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.mail import Delivery, LastWord, MailRoom
from domain.actions import Outcome, Rule
from domain.agreements import Hold, HoldScope, Stop
from domain.policy import Channel
from ledger import parties, switches
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House

LATE = timedelta(seconds=62)
"""Longer than Temporal waits for an attempt, and than a reservation lasts."""


@dataclass
class Meanwhile:
    """Runs something between the claim and the last word."""

    inner: MailRoom
    meanwhile: Callable[[], Awaitable[object]]

    async def hand_over(
        self, sender: str, recipients: Sequence[str], mime: bytes, may_leave: LastWord
    ) -> Delivery:
        """Hands one message over."""

        async def last_word() -> bool:
            await self.meanwhile()
            return await may_leave()

        return await self.inner.hand_over(sender, recipients, mime, last_word)


async def test_a_run_hears_of_an_attempt_that_outlived_its_time(house: House) -> None:
    """Attempt 1 is paused, attempt 2 answers ambiguous, attempt 1 confirms: the run is woken and goes on."""
    await house.register()
    await house.bill("F-1")
    await house.errands()
    told: list[Outcome] = []

    async def second() -> None:
        house.room.after = None
        house.pass_time(seconds=LATE.seconds)
        told.append((await house.knock(attempt=2, wait=False)).outcome)

    house.room.after = second
    await house.knock()
    (record,) = await house.messages()
    assert (told, record.state) == ([Outcome.AMBIGUOUS], State.SENT)
    assert (await house.next()).kind == "take"
    assert ("wake", "F-1") in await house.errands()
    assert await house.kinds() == []


async def test_proof_outweighs_a_person_who_was_wrong(house: House) -> None:
    """Judged "not delivered" while the server's answer was on its way: what it accepted is not sent again."""
    await house.register()
    await house.bill("F-1")

    async def misjudged() -> None:
        house.room.after = None
        house.pass_time(seconds=LATE.seconds)
        await house.knock(attempt=2, wait=False)
        (record,) = await house.messages()
        async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
            await book.judge_ambiguous(record.id, delivered=False, reason="not in their box", author="ann")
            await book.settle()

    house.room.after = misjudged
    with pytest.raises(Exception, match="decided"):
        await house.knock()
    assert (await house.knock()).outcome is Outcome.SENT
    (record,) = await house.messages()
    assert (record.state, len(house.sink.received), await house.kinds()) == (State.SENT, 1, [])


async def test_a_hold_on_everybody_in_the_last_instant_is_heeded(house: House) -> None:
    """A hold on every debtor of the creditor, placed between the claim and the last word, keeps it back."""
    await house.register()
    await house.bill("F-1")
    day = house.now.date()
    hold = Hold(
        id="H", scope=HoldScope.CREDITOR, starts_on=day, until=day + timedelta(days=20), reason="wrong file"
    )

    async def place() -> None:
        async with house.database.writing() as conn:
            await parties.hold_all(conn, "acme", hold, "ann", house.now)

    house.room.inner = Meanwhile(house.room.inner, place)
    with pytest.raises(ApplicationError, match="facts have changed"):
        await house.knock()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.HELD
    assert house.sink.received == []


async def test_a_slow_server_does_not_outlast_a_short_lease(house: House) -> None:
    """With a lease of ten seconds a server that takes eleven to name the recipients gets its message."""
    await house.register()
    await house.bill("F-1")

    async def slowly() -> None:
        house.pass_time(seconds=11)

    house.room.inner = Meanwhile(house.room.inner, slowly)
    assert (await house.knock()).outcome is Outcome.SENT


async def test_a_waiting_third_invoice_hears_that_it_was_spoken_for(house: House) -> None:
    """A run that waited is woken when another's message speaks for it, though a third knocked meanwhile."""
    await house.register()
    await house.bill("F-1", "F-2", "F-3")
    orders = [await house.order(number) for number in ("F-1", "F-2")]
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(creditor="acme"), "ann", "wrong letterhead", house.now)
    await house.knock("F-3", wait=False)
    async with house.database.writing() as conn:
        await switches.resume(conn, Stop(creditor="acme"), "ann", house.now)
    await house.errands()

    async def second() -> None:
        house.room.before = None
        order = orders[1].model_copy(update={"as_of": house.now})
        await house.environment("run-F-2").run(house.hands.gate.take, order)

    house.room.before = second
    first = orders[0].model_copy(update={"as_of": house.now})
    await house.environment("run-F-1").run(house.hands.gate.take, first)
    (record,) = await house.messages()
    assert "F-3" in record.numbers
    assert ("wake", "F-3") in await house.errands()


async def test_a_missing_document_keeps_no_other_invoice_back(house: House) -> None:
    """Where the PDF of one invoice is missing, the customer is reminded of the other one all the same."""
    await house.register()
    await house.bill("F-1")
    await house.bill("F-2", pdf="f2.pdf")
    assert (await house.knock("F-1")).outcome is Outcome.SENT
    (mail,) = house.sink.received
    assert "F-2" not in str(mail.message.get_body(("plain",)))
    account = await house.account()
    assert account.case("F-1").has_taken("D+2")
    assert not account.case("F-2").has_taken("D+2")
    house.pass_time(days=6)
    await house.plan("F-2")
    with pytest.raises(ApplicationError, match="cannot be prepared"):
        await house.knock("F-2")
    assert "mend" in await house.kinds()
    folder = house.settings.folders.documents
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "f2.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    assert (await house.knock("F-2", attempt=2, wait=False)).outcome is Outcome.SENT


async def test_a_letter_without_a_page_did_not_leave(house: House) -> None:
    """A letter whose page in the post book cannot be written is not filed, and nobody need be asked."""
    house.catalogue["letters"] = build.policy(
        build.step("L", 2, channel="letter", message="overdue"), id="letters", title={"en": "Letters"}
    )
    await house.register(creditor={"policy": "letters"})
    await house.bill("F-1")
    shard = house.settings.folders.evidence / "postbook"
    shard.parent.mkdir(parents=True, exist_ok=True)
    shard.mkdir()
    for first in range(256):
        (shard / f"{first:02x}").write_text("in the way")
    with pytest.raises(Exception, match=r"post book|does not take"):
        await house.knock()
    for one in shard.iterdir():
        one.unlink()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.SENT
    assert await house.kinds() == ["exhausted", "post"]
    assert len(list(house.settings.folders.letters.iterdir())) == 1


async def test_a_stop_of_one_policys_mails_keeps_nobody_else_back(house: House) -> None:
    """With the e-mails of one policy stopped, another policy's e-mail leaves, and speaks for itself alone."""
    mails = build.step("M", 2, tone="firm", message="overdue")
    posts = build.step("P", 2, tone="courteous", channel="letter", message="overdue")
    house.catalogue |= {
        "mails": build.policy(mails, id="mails", title={"en": "Mails"}),
        "posts": build.policy(posts, id="posts", title={"en": "Posts"}),
    }
    await house.register(creditor={"policy": "mails"})
    await house.bill("F-1", policy="mails")
    await house.bill("F-2", policy="posts")
    async with house.database.writing() as conn:
        stop = Stop(policy="posts", channel=Channel.EMAIL)
        await switches.stop(conn, stop, "ann", "wrong letterhead", house.now)
    assert (await house.knock("F-1")).outcome is Outcome.SENT
    (record,) = await house.messages()
    assert record.numbers == ["F-1"]


async def test_the_question_for_payments_stays_while_one_case_waits(house: House) -> None:
    """Two cases wait for payment data and one is paid: the question for the other one stays open."""
    await house.register(creditor={"payment_freshness_hours": 24})
    await house.bill("F-1", "F-2")
    await house.knock("F-1")
    await house.knock("F-2", wait=False)
    assert await house.kinds() == ["payments"]
    await house.pay("F-1")
    assert (await house.next("F-2")).because.rule is Rule.STALE
    assert await house.kinds() == ["payments"]
