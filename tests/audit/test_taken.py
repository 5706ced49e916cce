"""Steps that should not have been taken: each seeded by hand, and found alone.

The judgement knows nothing of databases: one kind is enough, but for the record without any finding.
"""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.actions import Outcome
from domain.agreements import Hold, HoldScope, Stop
from domain.policy import Channel
from domain.reminder import Reminder
from ledger import parties, quota, switches
from ledger.messages import State
from ledger.schema import invoices
from tests.audit.forging import Forger
from tests.domain import build
from tests.gate.house import House
from workflows.ports import Verb

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
PATIENT = timedelta(days=365)
NOTICE = ("formal-notice", State.SENT)
HANDED_OFF = {"step": "handoff", "cycle": 1, "outcome": "handed_off", "day": "2026-04-30"}


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
    assert await forger.found() == {"early": 1}, "the handoff is grave, and it is not its day"
    await forger.message("D-10")
    assert await forger.found() == {"early": 1, "crowded": 1}
    forger.later(days=1)
    await forger.message("D-10")
    assert await forger.found() == {"early": 1, "crowded": 1}


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
async def test_a_reminder_about_what_was_refused(forger: Forger) -> None:
    """A refused invoice is not asked for until it is mended, even if the case was closed and reopened."""
    house = forger.house
    refused = {"number": "F-1", "code": "210", "at": house.now, "message": "M-1", "reporter": "BY"}
    await house.take("invoice.status_reported", **refused)
    await forger.message()
    assert await forger.found() == {"blocked": 1}
    await house.pay("F-1")
    await house.take("payment.reversed", reference="VIR-1")
    forger.later(days=1)
    await forger.message()
    assert await forger.found() == {"blocked": 2}


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
    await forger.house.bill("F-2", due="2026-03-01")
    reminder = await forger.reminder("D+30", "F-1")
    lines = [line | {"number": "F-2", "step": "D+30"} for line in reminder["lines"]]
    for _ in range(2):
        await forger.append(
            "message.reserved",
            "F-2",
            message="m",
            step="D+30",
            reminder=reminder | {"lines": lines, "lead": "F-2"},
        )
        await forger.append("message.ambiguous", "F-2", message="m", invoices=["F-2"])
        await forger.append("message.failed", "F-2", message="m", error="", invoices=["F-2"])
        forger.later(days=2)
    assert await forger.found(grace=PATIENT) == {"forgotten": 1, "untold": 1}, (
        "the record does not have the message"
    )


@SQLITE
async def test_a_step_that_nobody_approved(forger: Forger) -> None:
    """A step that wants an approval is found without one, and again once its message was voided."""
    house = forger.house
    await house.bill("F-2", policy="french-b2b")
    while (await house.next("F-2")).step != "formal-notice":
        await house.knock("F-2")
    house.now = (await house.next("F-2")).at or house.now
    assert await forger.found(grace=PATIENT) == {}
    await forger.message("formal-notice", "F-2")
    assert await forger.found(grace=PATIENT) == {"unapproved": 1}
    await house.knock("F-2")
    await house.obey(Verb.APPROVE, "F-2", step="formal-notice")
    assert (await house.knock("F-2")).step == "formal-notice"
    assert await forger.found(grace=PATIENT) == {"unapproved": 1}
    [record] = [one for one in await house.messages() if (one.reminder.step, one.state) == NOTICE]
    async with house.hands.gate._desk.book(house.case("F-2"), house.now) as book:
        await book.void_message(record.id, "wrong amount", "ann")
        await book.settle()
    forger.later(days=1)
    await forger.message("formal-notice", "F-2")
    assert await forger.found(grace=PATIENT) == {"unapproved": 2}


@SQLITE
async def test_an_approval_that_a_move_has_dropped(forger: Forger) -> None:
    """An approval that did not survive a move to another policy approves nothing."""
    house = forger.house
    await house.bill("F-2", policy="french-b2b")
    while (await house.next("F-2")).step != "formal-notice":
        await house.knock("F-2")
    house.now = (await house.next("F-2")).at or house.now
    async with house.database.reading() as conn:
        [row] = (await conn.execute(sa.select(invoices).where(invoices.c.number == "F-2"))).all()
    moved = {"policy": row.policy, "was": row.policy, "author": "ann"}
    await forger.append("step.approved", "F-2", step="formal-notice", author="ann")
    await forger.append("case.policy_moved", "F-2", **moved)
    await forger.message("formal-notice", "F-2")
    assert await forger.found(grace=PATIENT) == {}
    await forger.append("case.policy_moved", "F-2", dropped=["formal-notice"], **moved)
    await forger.message("formal-notice", "F-2")
    assert await forger.found(grace=PATIENT) == {"unapproved": 1}


@SQLITE
async def test_a_step_before_its_day(forger: Forger) -> None:
    """A step is found that was taken the day before its own, and not on it, nor where it was asked for."""
    house = forger.house
    house.now = build.at("2026-04-29 23:00")
    await forger.message("D+30")
    assert await forger.found(grace=PATIENT) == {"early": 1}
    house.now = build.at("2026-04-30 00:00")
    await forger.message("D+30")
    assert await forger.found(grace=PATIENT) == {"early": 1}
    await forger.append("step.taken", "F-1", taken=HANDED_OFF)
    assert await forger.found(grace=PATIENT) == {"early": 2, "forgotten": 1, "differs": 1}
    await forger.append("step.hurried", "F-1", step="handoff", author="ann")
    await forger.append("step.taken", "F-1", taken=HANDED_OFF)
    assert await forger.found(grace=PATIENT) == {"early": 2, "forgotten": 1, "differs": 1}


@SQLITE
async def test_a_step_before_the_due_date_that_is_rolled_back(forger: Forger) -> None:
    """A step before the due date may be rolled back over days off, but not by more than any holidays."""
    house = forger.house
    await house.bill("F-2", due="2026-05-14")
    house.now = build.at("2026-05-04 12:00")
    await house.knock("F-2", wait=False)
    lines = (await forger.entry("message.reserved"))["reminder"]["lines"]
    assert [line["step"] for line in lines if line["number"] == "F-2"] == ["D-10"]
    house.now = build.at("2026-04-27 12:00")
    await forger.message("D-3", "F-2")
    assert await forger.found(grace=PATIENT) == {}
    house.now = build.at("2026-04-23 12:00")
    await forger.message("D-3", "F-2")
    assert await forger.found(grace=PATIENT) == {"early": 1}


async def test_more_messages_than_the_daily_cap(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day on which more left than the cap allows is found, once; what was asked for at once is excused."""
    forger = Forger(house)
    debtors = ("a", "b", "c", "d", "e")
    await house.register(*debtors, creditor={"daily_cap": 2})
    for name in debtors:
        await house.bill(f"F-{name}", debtor=name)
    await house.knock("F-a")
    await house.knock("F-b", wait=False)
    await house.obey(Verb.SEND_NOW, "F-c", step="D+2")
    assert (await house.knock("F-c", wait=False)).outcome is Outcome.SENT
    assert (await house.knock("F-d", wait=False)).outcome is Outcome.DEFERRED
    assert await forger.found() == {}

    async def forgetful(_folio: object, reminder: Reminder) -> date:
        return reminder.day

    monkeypatch.setattr(quota, "place", forgetful)
    assert (await house.knock("F-e", wait=False)).outcome is Outcome.SENT
    [finding] = (await forger.audit()).findings
    assert (finding.kind, finding.creditor) == ("over_cap", "acme")
    assert finding.sentence == f"3 messages left on {house.now.date()}, 2 a day are allowed"
    forger.later(hours=1)
    await house.register("f", creditor={"daily_cap": 3})
    assert await forger.found() == {"over_cap": 1}, "another cap, stated since, excuses nothing"


@SQLITE
async def test_a_message_that_was_kept_back(forger: Forger) -> None:
    """What was reserved and never left is no finding, whatever stood in its way; what may have left is."""
    await forger.house.pay("F-1")
    forger.later(minutes=1)
    await forger.message("D+30", state="kept_back")
    assert await forger.found() == {}
    await forger.message("D+30")
    assert await forger.found() == {"early": 1, "paid": 1}
    forger.later(days=1)
    await forger.message("D+30", state="reserved")
    assert await forger.found() == {"early": 1, "paid": 1}


@SQLITE
async def test_an_attempt_is_judged_by_its_own_reservation(forger: Forger) -> None:
    """Of a message that was kept back while it was held and left later, nothing is found."""
    house = forger.house
    reminder = await forger.reminder()
    about: dict[str, Any] = {"message": "m", "invoices": ["F-1"]}
    hold = Hold(
        id="H-1",
        scope=HoldScope.INVOICE,
        invoice="F-1",
        starts_on=house.now.date(),
        until=house.now.date(),
        reason="asked for time",
    )
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.place_hold(hold, "ann")
        await book.settle()
    await forger.append("message.reserved", "F-1", step="D-3", reminder=reminder, **about)
    await forger.append("message.failed", "F-1", **about)
    forger.later(days=1)
    await forger.append("message.reserved", "F-1", step="D-3", reminder=reminder, **about)
    await forger.append("message.sent", "F-1", **about)
    assert await forger.found(grace=PATIENT) == {"untold": 1}, "the record does not have the message"


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
