"""Questions to people: asked again when they come back, and not answered by closing their task."""

from datetime import timedelta

import pytest

from activities.mail import Delivery, Fate
from domain.actions import Outcome
from domain.agreements import Stop
from domain.faults import NotAllowed
from ledger import policies, switches
from tests.gate.house import House
from workflows.ports import Verb

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
B2B = {"policy": "french-b2b"}


async def climb(house: House, to: str) -> None:
    """Takes steps until the one named is next."""
    while (await house.next()).step != to:
        await house.knock()


async def close_task(house: House, kind: str) -> None:
    """Closes the open task of a kind by hand."""
    (task,) = [one for one in await house.tasks() if one.kind == kind]
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.close_task(task.id, "seen", "ann")
        await book.settle()


async def stop(house: House) -> None:
    """Stops all sending."""
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", house.now)


async def test_a_case_reopened_after_a_block_asks_for_approval_again(house: House) -> None:
    """A case paid while it waited for approval and reopened later has its question on the list again."""
    await house.register(creditor=B2B)
    await house.bill("F-1")
    await climb(house, "formal-notice")
    assert (await house.knock()).outcome is Outcome.HELD
    await house.pay("F-1")
    assert "approve" not in await house.kinds()
    await house.take("payment.reversed", reference="VIR-1")
    assert (await house.knock()).outcome is Outcome.HELD
    assert "approve" in await house.kinds()


@pytest.mark.parametrize("stopped", [False, True])
async def test_an_approval_is_not_given_by_closing_its_task(house: House, *, stopped: bool) -> None:
    """The task of an approval cannot be closed by hand, nor while a stop hides the wait."""
    await house.register(creditor=B2B)
    await house.bill("F-1")
    await climb(house, "formal-notice")
    await house.knock()
    if stopped:
        await stop(house)
        await house.plan()
    with pytest.raises(NotAllowed, match="approve the step, or skip it"):
        await close_task(house, "approve")
    assert "approve" in await house.kinds()


async def test_a_case_that_waits_for_payments_is_not_freed_by_closing_its_task(house: House) -> None:
    """The question for fresh payments is answered by feeding them in, not by closing its task."""
    await house.register(creditor={"payment_freshness_hours": 24})
    await house.bill("F-1")
    assert (await house.knock()).outcome is Outcome.HELD
    with pytest.raises(NotAllowed, match="feed in the payments"):
        await close_task(house, "payments")


async def test_an_ambiguous_message_is_not_judged_by_closing_its_task(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question whether a mail arrived is answered by judging it, even once the invoice is paid."""
    await house.register()
    await house.bill("F-1")

    async def lost(*_: object) -> Delivery:
        return Delivery(Fate.UNKNOWN, "connection lost")

    monkeypatch.setattr(house.room, "hand_over", lost)
    assert (await house.knock()).outcome is Outcome.AMBIGUOUS
    for _ in range(2):
        with pytest.raises(NotAllowed, match="judge the message"):
            await close_task(house, "ambiguous")
        await house.pay("F-1")


async def test_another_policy_frees_a_step_that_waits_for_approval(house: House) -> None:
    """A case moved to a policy without the step that waits goes on, and the question is taken back."""
    await house.register(creditor=B2B)
    await house.bill("F-1")
    await climb(house, "formal-notice")
    await house.knock()
    await house.errands()
    async with house.database.writing() as conn:
        version = await policies.store(conn, house.catalogue["seed"], house.now)
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.move_policy("F-1", version, "ann")
        await book.settle()
    assert (await house.next()).kind != "wait"
    assert await house.errands() == [("wake", "F-1")]
    assert "approve" not in await house.kinds()


async def test_voiding_an_approved_step_asks_for_approval_again(house: House) -> None:
    """A step that was approved, sent and voided needs a new approval, and its task is open again."""
    await house.register(creditor=B2B)
    await house.bill("F-1")
    await climb(house, "formal-notice")
    await house.knock()
    await house.obey(Verb.APPROVE)
    await house.knock()
    notice = max(await house.messages(), key=lambda record: record.sent_at or house.now - timedelta(days=999))
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.void_message(notice.id, "wrong address", "ann")
        await book.settle()
    assert (await house.knock()).outcome is Outcome.HELD
    assert "approve" in await house.kinds()
