"""Messages: claimed once, confirmed with evidence, judged by people, voided with care."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.actions import Ending, StepOutcome
from domain.agreements import Stop
from domain.faults import NotAllowed, NotFound
from ledger import claims, queries, switches
from ledger.database import Database
from ledger.messages import State
from ledger.schema import messages, steps
from tests.domain import build
from tests.ledger.conftest import Clerk, confirm

MORNING = "2026-03-20 10:00"


async def outcomes(clerk: Clerk, number: str = "F-1") -> list[tuple[str, StepOutcome]]:
    """Lists the steps on record of an invoice."""
    return [(step.step, step.outcome) for step in (await clerk.account()).case(number).taken]


async def test_one_message_speaks_for_several_invoices(clerk: Clerk) -> None:
    """A sent message takes the step of every invoice it speaks for and counts as one contact."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2"))
    message = await clerk.send("F-1", MORNING)
    account = await clerk.account()
    for number in ("F-1", "F-2"):
        (step,) = account.case(number).taken
        assert (step.step, step.outcome, step.message) == ("D-10", StepOutcome.SENT, message)
    (contact,) = account.contacts
    assert (contact.message, set(contact.invoices)) == (message, {"F-1", "F-2"})
    async with clerk.database.reading() as conn:
        _, _, record = await queries.find_message(conn, message)
    assert (record.state, record.sha256, record.reminder.lead in contact.invoices) == (
        State.SENT,
        "a" * 64,
        True,
    )


async def test_a_step_is_reserved_once(clerk: Clerk) -> None:
    """A second reservation of a step is refused, by the book and by the database's own key."""
    await clerk.bill(build.invoice())
    reminder = await clerk.reminder("F-1", MORNING)
    async with clerk.book() as book:
        await book.reserve(reminder, "one", clerk.now)
    with pytest.raises(NotAllowed, match="already on record"):
        async with clerk.book() as book:
            await book.reserve(reminder, "two", clerk.now)
    for table, other in ((steps, {}), (messages, {"id": "other"})):
        async with clerk.database.reading() as conn:
            row = dict((await conn.execute(sa.select(table))).mappings().one())
        with pytest.raises(sa.exc.IntegrityError):
            async with clerk.database.writing() as conn:
                await conn.execute(sa.insert(table).values(row | other))


async def test_one_of_two_workers_hands_over(clerk: Clerk, database_url: str) -> None:
    """Of two workers that hold the same claim, exactly one may hand the message over."""
    await clerk.bill(build.invoice())
    message = await clerk.reserve("F-1", MORNING)

    async with await Database.open(database_url) as other:
        assert not await clerk.hand_over(message, "another claim", database=other)
        won = await asyncio.gather(
            clerk.hand_over(message, "claim-1"), clerk.hand_over(message, "claim-1", database=other)
        )
    assert sorted(won) == [False, True]


async def test_nothing_is_handed_over_on_facts_that_have_changed(clerk: Clerk) -> None:
    """A fact, the end of the lease or a stop between reservation and handing over sends nothing."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2"))
    message = await clerk.reserve("F-1", MORNING)
    reserved = (await clerk.account()).revision
    async with clerk.database.writing() as conn:
        assert not await claims.begin_hand_over(
            conn, message, "claim-1", clerk.now, wall=clerk.now + timedelta(seconds=1), revision=reserved
        )
    async with clerk.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", clerk.now)
    assert not await clerk.hand_over(message, "claim-1")
    async with clerk.database.writing() as conn:
        await switches.resume(conn, Stop(), "ann", clerk.now)
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    assert not await clerk.hand_over(message, "claim-1", revision=reserved)
    assert await clerk.hand_over(message, "claim-1")


async def test_a_failed_message_frees_its_steps(clerk: Clerk) -> None:
    """A message that certainly did not leave frees its steps; the next attempt keeps its id."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2"))
    message = await clerk.reserve("F-1", MORNING)
    async with clerk.book() as book:
        await book.release(message, "550 no such mailbox")
        assert book.account.case("F-2").taken == ()
    assert await outcomes(clerk) == []
    assert await clerk.reserve("F-1", "2026-03-20 11:00") == message
    async with clerk.book() as book:
        record = await book.message(message)
        assert (record.attempts, record.state, record.error) == (2, State.RESERVED, None)
        await confirm(book, message)
        await confirm(book, message)
        with pytest.raises(NotAllowed, match="is decided"):
            await book.release(message, "too late")
    assert await outcomes(clerk) == [("D-10", StepOutcome.SENT)]


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_person_judges_what_nobody_can_know(clerk: Clerk, *, delivered: bool) -> None:
    """An ambiguous message makes a task; a person's word turns it into sent, or frees its steps."""
    await clerk.bill(build.invoice())
    message = await clerk.reserve("F-1", MORNING)
    async with clerk.book() as book:
        task = await book.mark_ambiguous(message, "connection lost after the body")
        assert await book.mark_ambiguous(message, "connection lost after the body") == task
    assert await outcomes(clerk) == [("D-10", StepOutcome.AMBIGUOUS)]
    assert (await clerk.account()).contacts == ()
    async with clerk.book() as book:
        await book.judge_ambiguous(message, delivered=delivered, reason="asked the customer", author="ann")
        with pytest.raises(NotAllowed, match="nothing to judge"):
            await book.judge_ambiguous(message, delivered=delivered, reason="again", author="ann")
    assert await outcomes(clerk) == ([("D-10", StepOutcome.SENT)] if delivered else [])
    assert len((await clerk.account()).contacts) == int(delivered)
    async with clerk.database.reading() as conn:
        assert await queries.open_tasks(conn) == []
        assert (await queries.find_task(conn, task)).closed_by == "ann"


async def test_a_second_doubt_asks_again(clerk: Clerk) -> None:
    """A message that becomes ambiguous a second time opens its task a second time."""
    await clerk.bill(build.invoice())
    for hour in ("10:00", "11:00"):
        message = await clerk.reserve("F-1", f"2026-03-20 {hour}")
        async with clerk.book() as book:
            await book.mark_ambiguous(message, "lost")
        async with clerk.database.reading() as conn:
            assert len(await queries.open_tasks(conn, kind="ambiguous")) == 1
        async with clerk.book() as book:
            await book.judge_ambiguous(message, delivered=False, reason="not there", author="ann")


async def test_voiding_reopens_the_step(clerk: Clerk) -> None:
    """A voided message stays on record, frees its step's key, and the step leaves again under a new id."""
    await clerk.bill(build.invoice())
    message = await clerk.send("F-1", MORNING)
    async with clerk.book() as book:
        await book.void_message(message, "wrong address", "ann")
        with pytest.raises(NotAllowed, match="already void"):
            await book.void_message(message, "again", "ann")
    assert await outcomes(clerk) == [("D-10", StepOutcome.VOIDED)]
    assert len((await clerk.account()).contacts) == 1
    again = await clerk.send("F-1", "2026-03-23 10:00")
    assert again != message
    assert sorted(await outcomes(clerk)) == [("D-10", StepOutcome.SENT), ("D-10", StepOutcome.VOIDED)]
    async with clerk.book() as book:
        await book.void_message(again, "wrong again", "ann")
    assert await outcomes(clerk) == [("D-10", StepOutcome.VOIDED)] * 2


async def test_a_message_is_not_voided_under_a_later_step(clerk: Clerk) -> None:
    """While a later step stands the earlier message stays; the later one goes first."""
    await clerk.bill(build.invoice())
    first = await clerk.send("F-1", MORNING)
    second = await clerk.send("F-1", "2026-03-27 10:00")
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="void that one first"):
            await book.void_message(first, "wrong", "ann")
        await book.void_message(second, "wrong", "ann")
        await book.void_message(first, "wrong", "ann")
        with pytest.raises(NotFound):
            await book.void_message("unknown", "wrong", "ann")


async def test_a_payment_that_crossed_marks_the_message(clerk: Clerk) -> None:
    """Money received by the day of a message and recorded after it marks the message as crossed."""
    await clerk.bill(build.invoice())
    message = await clerk.send("F-1", MORNING)
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", on="2026-03-20", F_1="100.00"))
    account = await clerk.account()
    assert account.case("F-1").ending is Ending.PAID
    async with clerk.database.reading() as conn:
        _, _, record = await queries.find_message(conn, message)
    assert record.crossed
