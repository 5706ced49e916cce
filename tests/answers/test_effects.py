"""What an answer sets going: something bounded, once between two messages, and never a closed case."""

import logging
from datetime import date, timedelta
from typing import Any

import pytest

from audit.auditing import audit
from domain.actions import Rule
from domain.agreements import HoldScope, HowEnded
from domain.faults import InputRefused
from domain.standing import Standing
from intake.admission import Status
from intake.answers import ANSWERS_A_DAY
from ledger.queries import Task
from tests.answers.conftest import answer, answered
from tests.domain.build import at, day, money
from tests.mailbox.conftest import Office

PAID = {"amount": "100.00", "paid_on": "2026-04-01", "reference": "VIR-7"}
TODAY = date(2026, 4, 2)


async def standing(office: Office, turn: int = 0) -> Standing:
    """Tells how an agreement stands at the office's instant."""
    account = await office.account()
    return account.standing(account.agreements[turn], office.now.date())


async def task(office: Office, kind: str) -> Task:
    """Gives the one open task of a kind."""
    (found,) = await office.tasks(kind)
    return found


async def refusal(office: Office, *args: Any, **facts: Any) -> tuple[str, object, str]:
    """Expects an answer to be refused with nothing written."""
    return await office.refusal(answer(office, *args, **facts))


async def test_paid_holds_for_a_few_days_and_closes_nothing(office: Office) -> None:
    """An invoice said to be paid is held for five business days while a person looks; it stays open."""
    reminder = await office.remind()
    assert (await answer(office, reminder, "paid", **PAID)).status is Status.TAKEN
    (hold,) = await office.holds()
    assert (hold.scope, hold.invoice, hold.until) == (HoldScope.INVOICE, "F-1", day("2026-04-10"))
    assert await office.ending() is None
    asked = await task(office, "claimed-paid")
    assert (asked.invoice, asked.due_on) == ("F-1", day("2026-04-03"))
    assert asked.detail["reference"] == "VIR-7"
    assert (asked.detail["amount"], asked.detail["currency"]) == ("100.00", "EUR")
    assert (await office.next()).because.rule is not Rule.PAID
    (entry,) = await office.entries("debtor.answered")
    assert entry.facts["author"] == "debtor:dubois"
    (placed,) = await office.entries("hold.placed")
    assert placed.facts["author"] == "debtor:dubois"


async def test_the_same_answer_again_changes_nothing(office: Office) -> None:
    """A second identical answer by the same link is known, at any later time."""
    reminder = await office.remind()
    await answer(office, reminder, "paid", **PAID)
    before = await office.written()
    office.now += timedelta(days=20)
    assert (await answer(office, reminder, "paid", **PAID)).status is Status.KNOWN
    assert await office.written() == before


async def test_one_hold_between_two_messages(office: Office) -> None:
    """Another answer does not prolong the hold; after the next message, it holds again."""
    first = await office.remind()
    await answer(office, first, "paid", **PAID)
    office.now += timedelta(days=5)
    await answer(office, first, "paid", **(PAID | {"amount": "99.00"}))
    assert len(await office.holds()) == 1
    second = await office.remind(when="2026-04-30 10:00")
    await answer(office, first, "paid", **(PAID | {"amount": "98.00"}))
    await answer(office, second, "paid", **(PAID | {"amount": "97.00"}))
    assert sorted(hold.starts_on for hold in await office.holds()) == [TODAY, date(2026, 4, 30)]
    assert len(await office.tasks("claimed-paid")) == 4


async def test_done_with_the_claim_the_hold_ends(office: Office) -> None:
    """Closing the task of a claim lifts what it held on the same day."""
    await answer(office, await office.remind(), "paid", **PAID)
    asked = await task(office, "claimed-paid")
    async with office.book() as book:
        assert await book.close_task(asked.id, "no such money", "ann")
    (hold,) = await office.holds()
    assert hold.lifted_on == TODAY


async def test_money_closes_the_claim(office: Office) -> None:
    """The task of a claim closes by itself once the money is there."""
    await answer(office, await office.remind(), "paid", **PAID)
    await office.pay(invoice="F-1")
    assert await office.tasks("claimed-paid") == []


async def test_a_promise_counts_at_once(office: Office) -> None:
    """The first promise of all that is asked for, within thirty days, suspends until its day."""
    await answer(office, await office.remind(), "promise", pay_by="2026-04-20")
    (made,) = (await office.account()).agreements
    assert (made.kind, made.needs_approval, await standing(office)) == ("promise", False, Standing.RUNNING)
    assert (await office.entries("agreement.made"))[0].facts["author"] == "debtor:dubois"
    suspended = (await office.account()).suspended_on("F-1", TODAY)
    assert suspended is not None
    assert suspended.until == day("2026-04-23")


@pytest.mark.parametrize(
    "facts", [{"pay_by": "2026-05-20"}, {"pay_by": "2026-04-20", "amount": "10.00"}], ids=["late", "partial"]
)
async def test_a_lesser_promise_waits_for_a_person(office: Office, facts: dict[str, str]) -> None:
    """A promise far ahead, or of a part, has no effect beyond a week unless a person approves it."""
    await answer(office, await office.remind(), "promise", **facts)
    assert await standing(office) is Standing.PENDING
    assert (await task(office, "approve-agreement")).invoice == "F-1"


async def test_a_second_promise_waits_for_a_person(office: Office) -> None:
    """One promise at a time; a second one, after another message, needs approval."""
    first = await office.remind()
    await answer(office, first, "promise", pay_by="2026-04-03")
    field, _, _ = await refusal(office, first, "promise", pay_by="2026-04-08")
    assert field == "answer.invoices"
    office.now = at("2026-04-20 09:00")
    assert (await refusal(office, first, "promise", pay_by="2026-04-28"))[0] == "answer.invoices"
    second = await office.remind(when="2026-04-30 10:00")
    await answer(office, second, "promise", pay_by="2026-05-05")
    agreements = (await office.account()).agreements
    assert sorted(one.needs_approval for one in agreements) == [False, True]


async def test_a_dispute_is_not_asked_for(office: Office) -> None:
    """What is contested is not asked for; the debtor's words and file are there for whoever answers."""
    said: dict[str, Any] = {"reason": "quantity", "amount": "40.00", "text": "Il manque deux cartons"}
    said |= {"lines": ["2", "3"], "document": f"{'a' * 32}.pdf"}
    await answer(office, await office.remind(), "dispute", **said)
    account = await office.account()
    (made,) = account.agreements
    assert (made.kind, made.note, made.needs_approval) == ("dispute", "Il manque deux cartons", False)
    assert made.model_dump()["document"] == f"{'a' * 32}.pdf"
    assert account.claimable("F-1", TODAY) == money("60.00")
    assert (await task(office, "dispute")).due_on == day("2026-05-02")


async def test_a_second_dispute_waits_for_a_person(office: Office) -> None:
    """After a dispute was rejected, another about the same invoice has no effect beyond a week by itself."""
    first = await office.remind()
    said = {"reason": "price", "text": "trop cher"}
    await answer(office, first, "dispute", **said)
    async with office.book() as book:
        await book.end_agreement(book.account.agreements[0].id, HowEnded.REJECTED, "agreed price", "ann")
    assert (await refusal(office, first, "dispute", **(said | {"text": "encore"})))[0] == "answer.invoices"
    second = await office.remind(when="2026-04-30 10:00")
    await answer(office, second, "dispute", **said)
    pending = next(one for one in (await office.account()).agreements if one.ended_on is None)
    assert pending.needs_approval


async def test_instalments_are_a_proposal(office: Office) -> None:
    """Instalments asked for are a plan that a person approves; it suspends for a week meanwhile."""
    await answer(office, await office.remind(), "instalments", count=3, first="2026-04-15")
    account = await office.account()
    (plan,) = account.agreements
    assert plan.needs_approval
    assert [(part["pay_by"], part["amount"]) for part in plan.model_dump(mode="json")["instalments"]] == [
        ("2026-04-15", "33.33"),
        ("2026-05-15", "33.33"),
        ("2026-06-15", "33.34"),
    ]
    suspended = account.suspended_on("F-1", TODAY)
    assert suspended is not None
    assert suspended.until == TODAY + timedelta(days=7)
    assert (await task(office, "approve-agreement")).detail["agreement"] == plan.id


async def test_a_wrong_contact_changes_nothing_by_itself(office: Office) -> None:
    """Another contact is noted for a person, and nobody is written to for a few days."""
    before = (await office.account()).debtor
    said = {"name": "Nadia Roux", "email": "nadia@dubois.example", "role": "comptable"}
    await answer(office, await office.remind(), "contact", **said)
    assert (await office.account()).debtor == before
    (hold,) = await office.holds()
    assert (hold.scope, hold.until) == (HoldScope.DEBTOR, day("2026-04-10"))
    asked = await task(office, "claimed-contact")
    assert {name: asked.detail[name] for name in said} == said


async def test_never_received_holds_nothing(office: Office) -> None:
    """An invoice that never arrived is sent again by a person; reminders go on."""
    await answer(office, await office.remind(), "missing")
    assert await office.holds() == ()
    assert (await task(office, "claimed-missing")).invoice == "F-1"


async def test_answers_are_counted(office: Office) -> None:
    """One link gives ten answers on a day; the next day it may again."""
    reminder = await office.remind()
    for turn in range(ANSWERS_A_DAY):
        await answer(office, reminder, "contact", name=f"Somebody {turn}")
    assert (await refusal(office, reminder, "contact", name="Somebody else"))[0] == "link"
    assert len(await office.holds()) == 1
    office.now += timedelta(days=1)
    await answer(office, reminder, "contact", name="Somebody else")


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("paid", PAID | {"paid_on": "2026-04-03"}, "answer.paid_on"),
    ("paid", PAID | {"paid_on": "2020-04-03"}, "answer.paid_on"),
    ("promise", {"pay_by": "2026-04-01"}, "answer.pay_by"),
    ("promise", {"pay_by": "2027-04-01"}, "answer.pay_by"),
    ("promise", {"pay_by": "2026-04-20", "amount": "100.01"}, "agreement.amount"),
    ("dispute", {"reason": "price", "text": "x", "amount": "100.01"}, "agreement.amount"),
    ("instalments", {"count": 3, "first": "2026-07-15"}, "answer.first"),
    ("contact", {"email": "nadia@"}, "answer.email"),
    ("contact", {"name": "a\x07b"}, "answer.name"),
    ("missing", {"invoices": ("F-2",)}, "answer.invoices"),
    ("paid", PAID | {"invoices": ("F-1", "F-404")}, "answer.invoices"),
)


async def test_what_cannot_be_is_refused(office: Office) -> None:
    """An answer that contradicts the calendar or the account, or names another's invoice, changes nothing."""
    reminder = await office.remind()
    for kind, facts, field in REFUSED:
        assert (await refusal(office, reminder, kind, **facts))[0] == field, (kind, facts)


async def test_what_is_settled_is_not_spoken_of(office: Office) -> None:
    """Nothing can be said about an invoice that is paid, nor held on it."""
    reminder = await office.remind()
    await office.pay(invoice="F-1")
    for kind, facts in (("paid", PAID), ("promise", {"pay_by": "2026-04-20"}), ("missing", {})):
        assert (await refusal(office, reminder, kind, **facts))[0] == "answer.invoices"


async def test_a_file_of_events_cannot_speak_for_a_debtor(office: Office) -> None:
    """An answer is no event that a creditor's file or program may bring."""
    stated = answered((await office.remind()).id, "missing").model_dump(mode="json")
    with pytest.raises(ValueError, match=r"debtor\.answered"):
        await office.take(stated.pop("type"), **{name: stated[name] for name in ("debtor", "answer", "link")})


async def test_the_audit_finds_nothing(office: Office) -> None:
    """After every kind of answer the record still proves that all was done right."""
    reminder = await office.remind()
    await answer(office, reminder, "paid", **PAID)
    await answer(office, reminder, "dispute", reason="price", amount="10.00", text="trop cher")
    await answer(office, reminder, "promise", pay_by="2026-04-20", amount="50.00")
    await answer(office, reminder, "contact", name="Nadia Roux")
    await answer(office, reminder, "missing")
    await office.errands()
    report = await audit(office.database, now=office.now)
    assert [one for one in report.findings if one.debtor == "dubois"] == []


async def test_no_word_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """What a debtor writes stays in the record, out of the log."""
    caplog.set_level(logging.DEBUG)
    reminder = await office.remind()
    await answer(office, reminder, "dispute", reason="price", text="un secret bien à nous")
    with pytest.raises(InputRefused):
        await answer(office, reminder, "contact", name="Nadia Roux", email="nadia@")
    assert "secret" not in caplog.text
    assert "Nadia" not in caplog.text
