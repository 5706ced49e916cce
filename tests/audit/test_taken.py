"""Steps that should not have been taken: each seeded by hand, and found alone.

The judgement knows nothing of databases: one kind is enough, but for the record without any finding.
"""

from datetime import timedelta

import pytest

from domain.agreements import Hold, HoldScope, Stop
from domain.policy import Channel
from ledger import parties, switches
from tests.audit.forging import Forger
from workflows.ports import Verb

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


async def test_a_clean_record_has_no_findings(forger: Forger) -> None:
    """Reminders, payments, a return, a hold, a credit note and a handoff leave nothing to be found."""
    house = forger.house
    await house.bill("F-2", "F-3")
    await house.pay("F-2")
    await house.take("payment.reversed", reference="VIR-1")
    await house.take("credit_note.issued", number="A-1", invoice="F-3", issue_date="2026-04-01", total="100")
    await house.obey(Verb.HOLD, until=(house.now + timedelta(days=20)).date())
    for number in ("F-2", "F-1", "F-1", "F-1"):
        await house.knock(number)
    report = await forger.audit(evidence=house.settings.folders.evidence)
    assert report.findings == ()
    assert (report.clean, report.counts["invoices"], report.counts["sent"]) == (True, 3, 3)
    assert report.counts["evidence"] == report.counts["messages"]


@SQLITE
async def test_a_step_that_left_twice(forger: Forger) -> None:
    """A second message for the same step of an invoice is a duplicate."""
    await forger.message("D+2", state="sent")
    assert await forger.found() == {"duplicate": 1}


@SQLITE
async def test_a_message_before_the_contact_cap_allows_it(forger: Forger) -> None:
    """A second message on the day of the first is one too many, unless it is grave or was asked for."""
    house = forger.house
    await house.bill("F-2", due="2026-05-10")
    assert (await house.knock()).step == "D+30"
    await forger.message("handoff")
    await forger.append("step.hurried", "F-1", step="D-3", author="ann")
    await forger.message("D-3")
    assert await forger.found() == {}
    await forger.message("D-10")
    assert await forger.found() == {"crowded": 1}
    forger.later(days=1)
    await forger.message("D-10")
    assert await forger.found() == {"crowded": 1}


@SQLITE
@pytest.mark.parametrize("money", ["allocated", "unallocated", "another invoice's", "credit"])
async def test_a_reminder_about_what_is_paid(forger: Forger, money: str) -> None:
    """A reservation about an invoice of which nothing was owed is found, whatever paid it."""
    house = forger.house
    received = {"amount": "100.00", "received_on": house.now.date()}
    match money:
        case "allocated":
            await house.pay("F-1")
        case "unallocated":
            await house.take("payment.received", reference="V", debtor="dubois", **received)
        case "another invoice's":
            await house.bill("F-2")
            await house.pay("F-2", "200.00")
        case "credit":
            facts = {"number": "A-1", "invoice": "F-1", "issue_date": "2026-04-02", "total": "100.00"}
            await house.take("credit_note.issued", **facts)
    forger.later(minutes=1)
    assert await forger.found() == {}
    await forger.message()
    assert await forger.found() == {"paid": 1}


@SQLITE
async def test_a_reminder_after_a_payment_that_came_back(forger: Forger) -> None:
    """Money that was reversed owes again: a reminder about it is right."""
    await forger.house.pay("F-1")
    await forger.house.take("payment.reversed", reference="VIR-1")
    await forger.message()
    assert await forger.found() == {}


@SQLITE
async def test_a_reminder_about_a_closed_case(forger: Forger) -> None:
    """A reservation about an invoice that was given up is found, although money is owed."""
    await forger.house.take("invoice.written_off", number="F-1", reason="too old")
    await forger.message()
    assert await forger.found() == {"closed": 1}


@SQLITE
@pytest.mark.parametrize("scope", ["invoice", "debtor", "creditor"])
async def test_a_reminder_under_a_hold(forger: Forger, scope: str) -> None:
    """A reservation on a held day is found, and none on the day after the hold."""
    house = forger.house
    today = house.now.date()
    hold = Hold(
        id="H-1",
        scope=HoldScope(scope),
        invoice="F-1" if scope == "invoice" else None,
        starts_on=today,
        until=today + timedelta(days=5),
        reason="asked for time",
    )
    if scope == "creditor":
        async with house.database.writing() as conn:
            await parties.hold_all(conn, "acme", hold, "ann", house.now)
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        if scope != "creditor":
            await book.place_hold(hold, "ann")
        await book.settle()
    forger.later(days=5)
    await forger.message()
    assert await forger.found() == {"held": 1}
    forger.later(days=1)
    await forger.message()
    assert await forger.found() == {"held": 1}


@SQLITE
@pytest.mark.parametrize(
    ("stop", "counts"),
    [
        (Stop(), 1),
        (Stop(creditor="acme"), 1),
        (Stop(policy="seed"), 1),
        (Stop(creditor="acme", channel=Channel.EMAIL), 1),
        (Stop(channel=Channel.LETTER), 0),
        (Stop(policy="french-b2b"), 0),
    ],
    ids=str,
)
async def test_a_reminder_while_sending_was_stopped(forger: Forger, stop: Stop, counts: int) -> None:
    """A reservation between a stop and its end is found where the stop concerns it, and none after it."""
    house = forger.house
    async with house.database.writing() as conn:
        await switches.stop(conn, stop, "ann", "drill", house.now)
    forger.later(seconds=5)
    await forger.message()
    assert await forger.found() == {}, "so close to the stop nobody can tell which came first"
    forger.later(days=2)
    await forger.message()
    found = {"stopped": 1} if counts else {}
    assert await forger.found() == found
    forger.later(minutes=1)
    async with house.database.writing() as conn:
        await switches.resume(conn, stop, "ann", house.now)
    forger.later(days=2)
    await forger.message()
    assert await forger.found() == found


@SQLITE
async def test_a_reminder_on_stale_payments(forger: Forger) -> None:
    """A reservation on payment data older than the creditor allows is found; on fresh data it is not."""
    house = forger.house
    await house.register(creditor={"payment_freshness_hours": 24})
    await house.take("payments.known", as_of=house.now)
    forger.later(hours=23)
    await forger.message()
    assert await forger.found() == {}
    forger.later(hours=30)
    await forger.message()
    assert await forger.found() == {"stale": 1}


@SQLITE
async def test_a_reminder_that_asks_for_too_much(forger: Forger) -> None:
    """A line above what was open is found, and a sum above what was owed in all."""
    house = forger.house
    await house.pay("F-1", "40.00")
    reminder = await forger.reminder()
    await forger.message()
    assert await forger.found() == {"claimed_more": 1}
    forger.later(days=2)
    right = [line | {"open": "60.00"} for line in reminder["lines"]]
    await forger.message(lines=right, asked="60.00")
    assert await forger.found() == {"claimed_more": 1}
    forger.later(days=2)
    await forger.message(lines=right, asked="60.01")
    assert await forger.found() == {"claimed_more": 2}


@SQLITE
async def test_a_required_step_that_was_jumped_over(forger: Forger) -> None:
    """A step taken although a required one before it has no record is found, once."""
    await forger.house.bill("F-2", due="2026-03-30")
    reminder = await forger.reminder(number="F-1")
    lines = [line | {"number": "F-2", "step": "D+30"} for line in reminder["lines"]]
    for _ in range(2):
        await forger.append(
            "message.reserved",
            "F-2",
            message="m",
            step="D+30",
            reminder=reminder | {"lines": lines, "lead": "F-2"},
        )
        await forger.append("message.failed", "F-2", message="m", error="", invoices=["F-2"])
        forger.later(days=2)
    patient = timedelta(days=30)
    assert await forger.found(grace=patient) == {"forgotten": 1, "untold": 1}, (
        "the record does not have the message"
    )


@SQLITE
async def test_steps_that_may_be_left_out(forger: Forger) -> None:
    """Steps before the due date lapse, and what an operator skipped has its record: no step is missed."""
    house = forger.house
    await house.bill("F-2", due="2026-04-20")
    async with house.hands.gate._desk.book(house.case("F-2"), house.now) as book:
        await book.skip_step("F-2", "D+2", "agreed by phone", "ann")
        await book.settle()
    assert (await house.knock("F-2")).step == "D+30"
    assert await forger.found() == {}


@SQLITE
async def test_findings_before_a_day_are_left_out(forger: Forger) -> None:
    """An audit from a day on says nothing of what happened before it, and all of what happened since."""
    forger.later(days=1)
    await forger.message("D+2", state="sent")
    between = forger.later(days=1)
    assert await forger.found(since=between) == {}
    forger.later(days=1)
    await forger.message("D+2", state="sent")
    assert await forger.found(since=between) == {"duplicate": 1}
    assert await forger.found() == {"duplicate": 2}
