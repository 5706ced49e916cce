"""Money that comes back: returned debits and reversals reopen what they had closed."""

from typing import Any

import pytest

from correspondence.payment_code import creditor_reference
from domain.actions import Ending
from domain.bank import BankEntry
from domain.faults import InputRefused, NotAllowed, NotFound
from intake.bank.answering import name_return, undo
from ledger.bank import State
from tests.bank.conftest import Branch, entry


def collected(number: str = "F-2026-001", **more: Any) -> BankEntry:
    """Gives a direct debit that was collected for an invoice."""
    return entry(text=creditor_reference(number), end_to_end=f"SDD-{number}", **more)


def returned(number: str = "F-2026-001", **more: Any) -> BankEntry:
    """Gives the same money going back two days later."""
    facts: dict[str, Any] = {
        "credit": False,
        "returned": "AM04",
        "end_to_end": f"SDD-{number}",
        "on": "2026-03-02",
    }
    return entry(**(facts | more))


async def test_a_returned_debit_reopens_its_invoice(branch: Branch) -> None:
    """U6: the return quotes the end-to-end id of the money: the payment is reversed, the case reopens."""
    await branch.bill("F-2026-001")
    await branch.send(collected(on="2026-02-26"))
    assert (await branch.account()).case("F-2026-001").ending is Ending.PAID
    await branch.errands()
    report = await branch.send(returned())
    assert report.returned == 1
    account = await branch.account()
    assert account.case("F-2026-001").ending is None
    assert [payment.reversed for payment in account.payments] == [True]
    assert await branch.states() == ["returned", "reversed"]
    assert await branch.errands() == [("start", "F-2026-001")]
    assert (await branch.send(returned())).known == 1


async def test_a_history_in_one_file_is_taken_day_by_day(branch: Branch) -> None:
    """Collected, returned and paid again in one file: the return takes the first, the last one settles."""
    await branch.bill("F-2026-001")
    again = entry(text=creditor_reference("F-2026-001"), bank_reference="second", on="2026-03-02")
    report = await branch.send(again, returned(on="2026-02-27"), collected(on="2026-02-26"))
    assert (report.booked, report.returned, report.asked, report.on_account) == (2, 1, 0, 0)
    assert await branch.states() == ["booked", "returned", "reversed"]
    account = await branch.account()
    assert account.case("F-2026-001").ending is Ending.PAID
    assert sorted(payment.reversed for payment in account.payments) == [False, True]


async def test_a_return_of_money_that_another_system_told_of(branch: Branch) -> None:
    """A payment on record is known to the bank by its own reference, or by the entry that was the same."""
    await branch.bill("F-2026-001")
    facts = {"reference": "SDD-F-2026-001", "amount": "100.00", "received_on": "2026-02-26"}
    await branch.take("payment.received", invoice="F-2026-001", **facts)
    assert (await branch.send(returned())).returned == 1
    assert await branch.open("F-2026-001") == "100.00"


async def test_a_return_that_quotes_nothing_is_asked_about(branch: Branch) -> None:
    """Of the payments of its amount a person chooses; until then nothing is reversed."""
    await branch.bill("F-2026-001")
    await branch.send(collected(on="2026-02-26"))
    report = await branch.send(returned(end_to_end=None))
    assert (report.returned, report.asked) == (0, 1)
    [asked] = await branch.kept(State.ASKED)
    [payment] = (await branch.account()).payments
    assert [task.detail["candidates"] for task in await branch.tasks("match")] == [[payment.reference]]
    await name_return(branch.teller, asked, payment.reference, "anna")
    assert await branch.open("F-2026-001") == "100.00"
    assert await branch.tasks("match") == []
    assert await branch.states() == ["returned", "reversed"]


async def test_a_return_of_a_wrong_payment_is_refused(branch: Branch) -> None:
    """A return names a payment of its amount that has not come back before."""
    await branch.bill("F-2026-001")
    await branch.send(collected(on="2026-02-26"))
    await branch.send(returned(), returned(amount="7.00", end_to_end="nothing"))
    [asked] = await branch.kept(State.ASKED)
    [payment] = (await branch.account()).payments
    with pytest.raises(NotFound, match="no payment 'x'"):
        await name_return(branch.teller, asked, "x", "anna")
    with pytest.raises(NotAllowed, match="came back before"):
        await name_return(branch.teller, asked, payment.reference, "anna")
    await branch.bill("F-2026-002", total="50.00")
    await branch.send(collected("F-2026-002", amount="50.00", on="2026-02-26"))
    other = next(one.reference for one in (await branch.account()).payments if not one.reversed)
    with pytest.raises(InputRefused, match=r"is of 50\.00 EUR"):
        await name_return(branch.teller, asked, other, "anna")


async def test_a_return_is_not_undone(branch: Branch) -> None:
    """What came back came back: money that comes again is another payment."""
    await branch.bill("F-2026-001")
    await branch.send(collected(on="2026-02-26"))
    await branch.send(returned())
    for kept in await branch.kept():
        with pytest.raises(NotAllowed):
            await undo(branch.teller, kept, "a mistake", "anna")
