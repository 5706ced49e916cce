"""What becomes of events: taken once, known after, waiting for what they speak of."""

import asyncio
from decimal import Decimal

from domain.actions import Because, Ending, Rule
from domain.events import EVENT, CreditorRegistered, DebtorRegistered
from domain.receivable import DueDateSource
from intake.admission import Status
from ledger.book import Book
from ledger.policies import Shelf
from tests.domain import build
from tests.intake.conftest import Porter


async def test_an_invoice_opens_a_case_and_asks_for_its_run(porter: Porter) -> None:
    """An invoice opens a case under the creditor's policy, with its first step planned and a start asked."""
    answer = await porter.bill()
    assert (answer.status, answer.numbers) == (Status.TAKEN, ("F-1",))
    assert answer.what == "invoice F-1 opened, due 2026-03-31, under french-b2b"
    assert (await porter.account()).case("F-1").policy.startswith("french-b2b@")
    assert (await porter.next()).step == "D-10"
    assert await porter.errands() == [("start", "F-1")]


async def test_the_same_event_twice_changes_nothing(porter: Porter) -> None:
    """Every kind of event, handed in a second time, is known and writes nothing at all."""
    events = [
        CreditorRegistered(creditor=build.creditor()),
        DebtorRegistered(debtor=build.debtor()),
        *(
            EVENT.validate_python({"creditor": "acme", **facts})
            for facts in (
                {"type": "invoice.created", "number": "F-1", "debtor": "dubois", "issue_date": "2026-03-01",
                 "total": "100.00"},
                {"type": "payment.received", "reference": "V", "amount": "140.00",
                 "received_on": "2026-03-02", "invoice": "F-1"},
                {"type": "payment.reversed", "reference": "V"},
                {"type": "credit_note.issued", "number": "A", "invoice": "F-1", "issue_date": "2026-03-02",
                 "total": "10.00"},
                {"type": "credit_note.cancelled", "number": "A"},
                {"type": "invoice.written_off", "number": "F-1", "reason": "gone"},
                {"type": "payments.known", "as_of": "2026-03-02T10:00:00+01:00"},
                {"type": "payment.received", "reference": "W", "amount": "1.00", "received_on": "2026-03-02",
                 "invoice": "F-9"},
                {"type": "payment.reversed", "reference": "W"},
                {"type": "credit_note.issued", "number": "B", "invoice": "F-9", "issue_date": "2026-03-02",
                 "total": "10.00"},
                {"type": "credit_note.cancelled", "number": "B"},
            )
        ),
    ]  # fmt: skip
    for event in events:
        await porter.admit(event)
    before = await porter.written()
    for event in events:
        assert (await porter.admit(event)).status is Status.KNOWN, event.type
    assert await porter.written() == before


async def test_the_policy_is_the_invoices_then_the_debtors_then_the_creditors(porter: Porter) -> None:
    """A new case follows the policy of its invoice, else of its debtor, and keeps its version."""
    await porter.admit(DebtorRegistered(debtor=build.debtor(policy="gentle")))
    await porter.bill("F-1", policy="hard")
    await porter.bill("F-2")
    account = await porter.account()
    assert account.case("F-1").policy.startswith("hard@")
    assert account.case("F-2").policy.startswith("gentle@")


async def test_a_missing_due_date_falls_back_and_says_to_what(porter: Porter) -> None:
    """Without a due date the invoice's terms hold, then the debtor's, the creditor's, the legal default."""
    own = await porter.bill("F-1", due=None, terms_days=45)
    legal = await porter.bill("F-2", due=None)
    await porter.admit(CreditorRegistered(creditor=build.creditor(terms_days=60)))
    usual = await porter.bill("F-3", due=None)
    await porter.admit(DebtorRegistered(debtor=build.debtor(terms_days=10)))
    agreed = await porter.bill("F-4", due=None)
    assert "due 2026-04-15 by its terms" in own.what
    assert "due 2026-03-31 by the legal default of 30 days" in legal.what
    assert "due 2026-04-30 by the creditor's terms" in usual.what
    assert "due 2026-03-11 by the debtor's terms" in agreed.what
    assert (await porter.account()).case("F-4").invoice.due_date_source is DueDateSource.DEBTOR_TERMS


async def test_terms_agreed_later_do_not_move_a_known_due_date(porter: Porter) -> None:
    """An invoice without a due date, handed in again after its debtor's terms changed, is still known."""
    await porter.bill(due=None)
    await porter.admit(DebtorRegistered(debtor=build.debtor(terms_days=10)))
    assert (await porter.bill(due=None)).status is Status.KNOWN
    assert (await porter.account()).case("F-1").invoice.due_date == build.day("2026-03-31")


async def test_a_later_version_updates_the_facts_and_wakes_the_run(porter: Porter) -> None:
    """A later version of an invoice changes its facts, keeps its policy, and wakes its run."""
    await porter.bill()
    await porter.errands()
    answer = await porter.bill(due="2026-04-30", total="120.00", version=2)
    assert answer.what == "invoice F-1 revised to version 2, due 2026-04-30"
    invoice = (await porter.account()).case("F-1").invoice
    assert (invoice.due_date, invoice.total) == (build.day("2026-04-30"), Decimal("120.00"))
    assert await porter.errands() == [("wake", "F-1")]
    late = await porter.bill()
    assert (late.status, late.what) == (Status.KNOWN, "invoice F-1 is known in the later version 2")


async def test_maturities_become_cases_of_one_document(porter: Porter) -> None:
    """Each maturity has a case of its own; a payment for the document pays the oldest first."""
    parts = [{"due_date": f"2026-0{month}-30", "amount": "40.00"} for month in (5, 4)]
    answer = await porter.bill(due=None, total="80.00", maturities=parts)
    assert answer.numbers == ("F-1/1", "F-1/2")
    assert await porter.errands() == [("start", "F-1/1"), ("start", "F-1/2")]
    await porter.pay("50.00", invoice="F-1")
    account = await porter.account()
    assert [account.case(number).invoice.of_document for number in answer.numbers] == ["F-1", "F-1"]
    assert (await porter.ending("F-1/2"), account.balance("F-1/1").open) == (Ending.PAID, Decimal("30.00"))


async def test_a_single_maturity_keeps_the_number(porter: Porter) -> None:
    """An invoice with one maturity is an invoice due on that day."""
    await porter.bill(due=None, maturities=[{"due_date": "2026-05-30", "amount": "100.00"}])
    assert (await porter.account()).case("F-1").invoice.due_date == build.day("2026-05-30")


async def test_a_payment_never_gives_an_invoice_more_than_it_owes(porter: Porter) -> None:
    """What is paid beyond the open balance stays unallocated on the debtor's account."""
    await porter.bill()
    answer = await porter.pay("130.00", invoice="F-1")
    assert answer.what == "payment of 130.00 EUR recorded on F-1; 30.00 left unallocated"
    assert (await porter.account()).payments[0].unallocated == Decimal("30.00")
    assert await porter.ending() is Ending.PAID


async def test_a_payment_before_its_invoice_waits_and_settles_it_at_once(porter: Porter) -> None:
    """A payment for an unknown invoice waits; the invoice comes, is paid at once, and no run is needed."""
    answer = await porter.pay(invoice="F-1")
    assert (answer.status, answer.what) == (Status.WAITING, "the payment waits for invoice F-1")
    arrived = await porter.bill()
    assert arrived.what.endswith("; 1 that waited for it applied")
    assert await porter.ending() is Ending.PAID
    assert await porter.errands() == []


async def test_a_reversal_waits_with_its_payment(porter: Porter) -> None:
    """A payment that came and went before its invoice leaves the invoice open."""
    await porter.pay(invoice="F-1")
    assert (await porter.take("payment.reversed", reference="VIR-1")).status is Status.WAITING
    await porter.bill()
    assert await porter.ending() is None


async def test_a_credit_note_and_its_cancellation_wait_for_the_invoice(porter: Porter) -> None:
    """A credit note for an unknown invoice waits, and so does what cancels it."""
    assert (await porter.credit(invoice="F-1")).status is Status.WAITING
    await porter.credit("30.00", "A-2", invoice="F-1")
    assert (await porter.take("credit_note.cancelled", number="A-1")).status is Status.WAITING
    await porter.bill()
    assert (await porter.account()).balance("F-1").open == Decimal("70.00")


async def test_a_payment_for_known_and_unknown_invoices_is_completed_later(porter: Porter) -> None:
    """A payment for two invoices pays the known one now, and the other one when it arrives."""
    await porter.bill("F-1")
    parts = [{"invoice": number, "amount": "100.00"} for number in ("F-1", "F-2")]
    answer = await porter.pay("200.00", allocations=parts)
    assert answer.status is Status.TAKEN
    assert "F-2 is not known yet and gets its part when it arrives" in answer.what
    assert await porter.ending("F-1") is Ending.PAID
    await porter.bill("F-2")
    assert await porter.ending("F-2") is Ending.PAID


async def test_what_waited_in_vain_does_not_keep_the_invoice_out(porter: Porter) -> None:
    """A waiting payment in another currency is set aside where it can be mended; the invoice is taken."""
    await porter.pay(invoice="F-1", currency="USD")
    answer = await porter.bill()
    assert answer.status is Status.TAKEN
    assert answer.what.endswith("; 1 that waited for it set aside")
    [row] = await porter.aside()
    assert (row.source, row.problem["field"], row.problem["value"]) == ("waiting", "currency", "USD")


async def test_an_event_for_a_closed_case_is_recorded_and_answered(porter: Porter) -> None:
    """Money for a paid invoice is recorded, and the answer says that the case was closed already."""
    await porter.bill()
    await porter.pay(invoice="F-1")
    answer = await porter.pay("20.00", "VIR-2", invoice="F-1")
    assert answer.status is Status.TAKEN
    assert answer.what.endswith("; the case was already closed (paid)")
    assert len((await porter.account()).payments) == 2


async def test_a_reversed_payment_reopens_the_case_with_a_new_start(porter: Porter) -> None:
    """A payment that comes back reopens the case and asks for a new run."""
    await porter.bill()
    await porter.pay(invoice="F-1")
    await porter.errands()
    await porter.take("payment.reversed", reference="VIR-1", reason="returned debit")
    assert await porter.ending() is None
    assert await porter.errands() == [("start", "F-1")]


async def test_a_credit_note_is_spread_over_maturities(porter: Porter) -> None:
    """A credit note for a document reduces its oldest maturity first, and is cancelled as one."""
    parts = [{"due_date": f"2026-0{month}-30", "amount": "50.00"} for month in (4, 5)]
    await porter.bill(due=None, maturities=parts)
    await porter.credit("70.00", invoice="F-1")
    balance = (await porter.account()).balance
    assert (balance("F-1/1").open, balance("F-1/2").open) == (Decimal("0.00"), Decimal("30.00"))
    assert (await porter.credit("70.00", invoice="F-1")).status is Status.KNOWN
    cancelled = await porter.take("credit_note.cancelled", number="A-1")
    assert cancelled.numbers == ("F-1/1", "F-1/2")
    assert (await porter.account()).balance("F-1/1").open == Decimal("50.00")


async def test_a_written_off_invoice_closes_and_can_come_back(porter: Porter) -> None:
    """An invoice written off is closed; taking that back opens it again."""
    await porter.bill()
    await porter.take("invoice.written_off", number="F-1", reason="bankrupt")
    assert await porter.ending() is Ending.WRITTEN_OFF
    await porter.take("invoice.written_off", number="F-1", written_off=False, reason="error")
    assert await porter.ending() is None


async def test_a_new_address_sets_unreachable_cases_going(porter: Porter) -> None:
    """A debtor who can be reached again has his blocked cases planned anew and their runs woken."""
    await porter.bill()
    async with porter.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", porter.now, Shelf())
        await book.block("F-1", Because(rule=Rule.UNREACHABLE))
        await book.settle()
    await porter.errands()
    answer = await porter.admit(
        DebtorRegistered(debtor=build.debtor(contacts=({"email": "new@dubois.example"},)))
    )
    assert answer.what == "debtor dubois revised; F-1 can be reminded again"
    assert await porter.errands() == [("wake", "F-1")]


async def test_known_payments_set_stale_cases_going(porter: Porter) -> None:
    """Once payments are known again, every account that waited for it is planned anew."""
    await porter.admit(CreditorRegistered(creditor=build.creditor(payment_freshness_hours=24)))
    await porter.bill("F-1")
    await porter.bill("M-1", debtor="martin")
    for debtor, number in (("dubois", "F-1"), ("martin", "M-1")):
        async with porter.database.writing() as conn:
            book = await Book.open(conn, "acme", debtor, porter.now, Shelf())
            await book.block(number, Because(rule=Rule.STALE, days=1))
            await book.settle()
    await porter.errands()
    await porter.take("payments.known", as_of="2026-03-02T09:00:00+01:00")
    assert await porter.errands() == [("wake", "F-1"), ("wake", "M-1")]


async def test_a_payment_and_its_invoice_at_the_same_moment_find_each_other(porter: Porter) -> None:
    """However a payment and its invoice race each other in, the invoice ends paid."""
    for index in range(5):
        await asyncio.gather(
            porter.pay(reference=f"V-{index}", invoice=f"F-{index}"), porter.bill(number=f"F-{index}")
        )
        assert await porter.ending(f"F-{index}") is Ending.PAID


async def test_known_payments_leave_other_accounts_alone(porter: Porter) -> None:
    """Payments known further change nothing on an account that waits for nothing of the kind."""
    await porter.bill()
    before = (await porter.account()).revision
    await porter.errands()
    await porter.take("payments.known", as_of="2026-03-02T09:00:00+01:00")
    assert (await porter.account()).revision == before
    assert await porter.errands() == []


async def test_two_identical_payments_at_once_count_once(porter: Porter) -> None:
    """The same payment handed in by two clients at the same moment is taken once and known once."""
    await porter.bill()
    answers = await asyncio.gather(porter.pay(debtor="dubois"), porter.pay(debtor="dubois"))
    assert sorted(answer.status for answer in answers) == [Status.KNOWN, Status.TAKEN]
    assert len((await porter.account()).payments) == 1
