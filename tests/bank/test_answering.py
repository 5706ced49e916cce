"""What people decide: booked by hand, undone, booked again, ignored."""

import pytest

from correspondence.payment_code import creditor_reference
from domain.actions import Ending
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation
from intake.bank.answering import book_entry, candidate, candidates, ignore, undo
from ledger.bank import Kept, State
from tests.bank.conftest import THEIRS, Branch, entry


def to(number: str, amount: str = "100.00") -> tuple[Allocation, ...]:
    """Gives an amount to an invoice."""
    return (Allocation(invoice=number, amount=amount),)


async def only(branch: Branch) -> Kept:
    """Reads the one entry on record."""
    [kept] = await branch.kept()
    return kept


async def doubtful(branch: Branch) -> Kept:
    """Bills two customers, and sends money that names the invoice of one and comes from the other."""
    await branch.bill("F-2026-001")
    await branch.bill("F-2026-002", debtor="martin")
    await branch.send(entry(text="Facture F-2026-001", payer="MARTIN FRERES SA", payer_account=THEIRS))
    return await only(branch)


async def test_an_answer_books_lifts_and_closes(branch: Branch) -> None:
    """The invoice named is paid; the holds are lifted, the question is closed, the account is learnt."""
    kept = await doubtful(branch)
    payment = await book_entry(branch.teller, kept, "martin", to("F-2026-002"), "anna")
    assert payment == f"bank:{kept.id}"
    assert (await branch.account("martin")).case("F-2026-002").ending is Ending.PAID
    assert [hold.lifted_on is not None for hold in (await branch.account()).holds] == [True]
    assert await branch.tasks() == []
    assert (await only(branch)).resolved_by == "anna"
    assert "bank.answered" in await branch.journal("martin")


async def test_a_candidate_is_taken_as_it_proposes(branch: Branch) -> None:
    """The first candidate names a debtor and what each invoice gets."""
    kept = await doubtful(branch)
    first = candidate(kept, 1)
    await book_entry(branch.teller, kept, first.debtor, first.allocations, "anna")
    assert await branch.open(first.allocations[0].invoice, first.debtor) == "0.00"
    with pytest.raises(InputRefused, match=f"it has {len(candidates(kept))}"):
        candidate(kept, 99)


async def test_money_can_be_given_to_a_debtor_alone(branch: Branch) -> None:
    """Without an invoice the money is on the debtor's account, and a task asks what it is for."""
    kept = await doubtful(branch)
    await book_entry(branch.teller, kept, "dubois", (), "anna")
    assert (await only(branch)).state is State.ON_ACCOUNT
    [task] = [one for one in await branch.tasks("allocate") if "entry" in one.detail]
    assert (task.debtor, task.detail["unallocated"]) == ("dubois", "100.00")


async def test_money_on_account_is_allocated_later(branch: Branch) -> None:
    """The money of an entry that is on account goes to invoices, and the task closes with the last cent."""
    kept = await doubtful(branch)
    await book_entry(branch.teller, kept, "dubois", (), "anna")
    await book_entry(branch.teller, await only(branch), "dubois", to("F-2026-001", "60.00"), "anna")
    assert await branch.open("F-2026-001") == "40.00"
    kinds = {task.key.partition(":")[2] for task in await branch.tasks("allocate")}
    assert f"acme:bank:{kept.id}" in kinds
    await book_entry(branch.teller, await only(branch), "dubois", to("F-2026-001"), "anna")
    assert await branch.tasks() == []
    assert (await only(branch)).state is State.BOOKED
    assert len((await branch.account()).payments) == 1


async def test_an_undone_booking_is_owed_again_and_can_be_booked_again(branch: Branch) -> None:
    """The payment is reversed and stays on record; the next booking of the entry is a payment of its own."""
    await branch.bill("F-2026-001")
    await branch.bill("F-2026-002", debtor="martin")
    await branch.send(entry(text=creditor_reference("F-2026-001")))
    kept = await only(branch)
    await undo(branch.teller, kept, "it was Martin's", "anna")
    account = await branch.account()
    assert account.case("F-2026-001").ending is None
    assert account.balance("F-2026-001").open == 100
    assert [payment.reversed for payment in account.payments] == [True]
    undone = await only(branch)
    assert (undone.state, undone.payment, undone.resolved_by) == (State.ASKED, None, "anna")
    payment = await book_entry(branch.teller, undone, "martin", to("F-2026-002"), "anna")
    assert payment == f"bank:{kept.id}#2"
    await undo(branch.teller, await only(branch), "no", "anna")
    payment = await book_entry(branch.teller, await only(branch), "dubois", to("F-2026-001"), "anna")
    assert payment == f"bank:{kept.id}#3"


async def test_what_a_person_undid_is_not_booked_again_by_itself(branch: Branch) -> None:
    """The same statement, and matching again, leave the entry to the person who undid it."""
    await branch.bill("F-2026-001")
    await branch.send(entry(text=creditor_reference("F-2026-001")))
    await undo(branch.teller, await only(branch), "a mistake", "anna")
    report = await branch.send(entry(text=creditor_reference("F-2026-001")))
    assert (report.known, report.booked) == (1, 0)
    assert await branch.open("F-2026-001") == "100.00"


async def test_the_account_of_an_undone_booking_is_unlearnt(branch: Branch) -> None:
    """A booking that was wrong does not tell whose account the money came from."""
    await branch.bill("F-2026-001")
    await branch.bill("F-2026-002")
    await branch.send(entry(text=creditor_reference("F-2026-001"), payer_account=THEIRS))
    await undo(branch.teller, await only(branch), "a mistake", "anna")
    report = await branch.send(entry("33.00", payer_account=THEIRS, text="acompte"))
    assert (report.on_account, report.asked) == (0, 1)


async def test_an_ignored_entry_is_not_ours(branch: Branch) -> None:
    """What is no customer's money leaves the list, its holds are lifted, and the journal says why."""
    kept = await doubtful(branch)
    await ignore(branch.teller, kept, "a refund of the tax office", "anna")
    assert (await only(branch)).state is State.NOT_OURS
    assert await branch.tasks() == []
    assert "bank.ignored" in await branch.journal("")
    with pytest.raises(NotAllowed, match="undo that first"):
        await ignore(branch.teller, await only(branch), "again", "anna")
    await undo(branch.teller, await only(branch), "it is ours", "anna")
    assert (await only(branch)).state is State.ASKED


async def test_no_more_is_given_than_there_is(branch: Branch) -> None:
    """More than the entry holds, than an invoice owes, or to a stranger is refused with nothing written."""
    kept = await doubtful(branch)
    before = await branch.written()
    with pytest.raises(InputRefused, match=r"the entry is of 100\.00 only"):
        await book_entry(branch.teller, kept, "dubois", to("F-2026-001", "100.01"), "anna")
    await branch.bill("F-2026-003", total="40.00")
    before = await branch.written()
    with pytest.raises(InputRefused, match=r"F-2026-003 owes 40\.00"):
        await book_entry(branch.teller, kept, "dubois", to("F-2026-003", "50.00"), "anna")
    with pytest.raises(NotFound):
        await book_entry(branch.teller, kept, "dubois", to("F-2026-002"), "anna")
    with pytest.raises(NotFound):
        await book_entry(branch.teller, kept, "nobody", (), "anna")
    assert await branch.written() == before


async def test_an_answer_to_what_was_answered_is_not_allowed(branch: Branch) -> None:
    """An entry that somebody booked on another account, or in this moment, is not booked over."""
    kept = await doubtful(branch)
    await book_entry(branch.teller, kept, "dubois", to("F-2026-001"), "anna")
    with pytest.raises(NotAllowed, match="on the account of dubois; undo that first"):
        await book_entry(branch.teller, await only(branch), "martin", to("F-2026-002"), "bob")
    with pytest.raises(NotAllowed, match="in this moment"):
        await ignore(branch.teller, kept, "too late", "bob")


async def test_money_that_went_out_is_nobodys_payment(branch: Branch) -> None:
    """A debit is never booked as a payment, whatever a person says."""
    await branch.bill("F-2026-001")
    await branch.send(entry(credit=False, text="frais"))
    with pytest.raises(NotAllowed, match="the money went out"):
        await book_entry(branch.teller, await only(branch), "dubois", to("F-2026-001"), "anna")
