"""Bank entries become money: booked where certain, on account, the same, asked about, not ours."""

from datetime import timedelta
from typing import Any

import pytest

from correspondence.payment_code import creditor_reference
from domain.actions import Ending, Rule
from domain.agreements import HoldScope
from domain.bank import BankEntry
from domain.faults import InputRefused
from domain.receivable import Allowance
from ledger.bank import State
from tests.bank.conftest import SOURCE, THEIRS, Branch, entry, statement
from tests.domain import build


def named(number: str, amount: str = "100.00", **more: Any) -> BankEntry:
    """Gives money with an invoice's own structured reference."""
    return entry(amount, text=creditor_reference(number), **more)


async def test_a_structured_reference_is_booked(branch: Branch) -> None:
    """Money with an invoice's own reference closes its case, and its run is told."""
    await branch.bill("F-2026-001")
    await branch.errands()
    report = await branch.send(named("F-2026-001"))
    assert (report.entries, report.booked, report.known) == (1, 1, 0)
    account = await branch.account()
    assert account.case("F-2026-001").ending is Ending.PAID
    [payment] = account.payments
    assert payment.received_on == build.day("2026-03-02")
    assert payment.unallocated == 0
    [kept] = await branch.kept()
    assert (kept.state, kept.debtor, kept.payment) == (State.BOOKED, "dubois", payment.reference)
    assert payment.reference == f"bank:{kept.id}"
    assert await branch.errands() == [("wake", "F-2026-001")]


async def test_several_entries_of_a_debtor_are_booked_together(branch: Branch) -> None:
    """Three payments of one debtor take one transaction: his cases are planned once."""
    for number in ("F-2026-001", "F-2026-002", "F-2026-003"):
        await branch.bill(number)
    await branch.errands()
    report = await branch.send(*(named(f"F-2026-00{place}") for place in (1, 2, 3)))
    assert report.booked == 3
    assert (await branch.journal()).count("payment.received") == 3
    assert len(await branch.errands()) == 3


async def test_a_part_leaves_the_rest_open(branch: Branch) -> None:
    """A structured reference with less money is booked as a part."""
    await branch.bill("F-2026-001")
    await branch.send(named("F-2026-001", "40.00"))
    assert await branch.open("F-2026-001") == "60.00"


async def test_what_is_let_go_comes_and_goes_with_the_money(branch: Branch) -> None:
    """A discount taken in time settles the invoice; the payment says how much was allowed and why."""
    offered = [{"percent": "2", "until": "2026-03-05"}]
    await branch.bill("F-2026-001", due="2026-03-31", discounts=offered)
    await branch.send(named("F-2026-001", "98.00"))
    [payment] = (await branch.account()).payments
    [part] = payment.allocations
    assert (part.amount, part.allowed) == (build.money("98"), build.money("2"))
    assert part.allowance is Allowance.DISCOUNT
    assert await branch.open("F-2026-001") == "0.00"


async def test_money_of_a_certain_debtor_goes_on_account(branch: Branch) -> None:
    """Without a word on what it is for, money is the debtor's, and a task ranks what it may be for."""
    await branch.bill("F-2026-001")
    await branch.bill("F-2026-002", total="70.00")
    report = await branch.send(entry("30.00", payer="DUBOIS SARL", payer_account=THEIRS, text="Merci"))
    assert report.on_account == 1
    [payment] = (await branch.account()).payments
    assert payment.unallocated == 30
    assert payment.allocations == ()
    [task] = await branch.tasks("allocate")
    assert task.detail["payment"] == payment.reference
    assert task.detail["unallocated"] == "30.00"
    assert (await branch.account()).balance("F-2026-001").net == 70


async def test_more_than_is_owed_stays_on_the_account(branch: Branch) -> None:
    """What an overpaid invoice cannot take is the debtor's unallocated money, and a task asks about it."""
    await branch.bill("F-2026-001")
    report = await branch.send(named("F-2026-001", "130.00"))
    assert report.on_account == 1
    assert await branch.open("F-2026-001") == "0.00"
    [payment] = (await branch.account()).payments
    assert payment.unallocated == 30
    assert [task.detail["unallocated"] for task in await branch.tasks("allocate")] == ["30.00"]


async def test_a_second_payment_of_a_paid_invoice_is_not_given_to_it(branch: Branch) -> None:
    """The same invoice paid twice leaves the second payment on the debtor's account."""
    await branch.bill("F-2026-001")
    await branch.send(named("F-2026-001"))
    report = await branch.send(named("F-2026-001", on="2026-03-02", bank_reference="other"))
    assert (report.booked, report.on_account) == (0, 1)
    assert sorted(one.unallocated for one in (await branch.account()).payments) == [0, 100]


async def test_money_on_record_is_not_booked_twice(branch: Branch) -> None:
    """A payment that another system told of is known in the bank file: once, and only by one entry."""
    await branch.bill("F-2026-001")
    facts = {"reference": "VIR-1", "amount": "100.00", "received_on": "2026-03-01"}
    await branch.take("payment.received", invoice="F-2026-001", **facts)
    report = await branch.send(named("F-2026-001"), named("F-2026-001", bank_reference="again"))
    assert (report.same, report.booked, report.on_account) == (1, 0, 1)
    [same] = await branch.kept(State.SAME)
    assert same.payment == "VIR-1"
    assert len((await branch.account()).payments) == 2


async def test_an_uncertain_entry_waits_and_holds_what_it_may_pay(branch: Branch) -> None:
    """A likely invoice is held for seven days while nobody answers, then goes on by itself."""
    await branch.bill("F-2026-001", due="2026-02-27")
    await branch.bill("F-2026-002", due="2026-02-27", debtor="martin")
    await branch.errands()
    text = "Facture F-2026-001"
    report = await branch.send(entry(text=text, payer="MARTIN FRERES SA", payer_account=THEIRS))
    assert report.asked == 1
    [kept] = await branch.kept(State.ASKED)
    account = await branch.account()
    [hold] = account.holds
    assert (hold.scope, hold.invoice, hold.reason) == (HoldScope.INVOICE, "F-2026-001", "payment to match")
    assert (hold.starts_on, hold.until - hold.starts_on) == (build.day("2026-03-02"), timedelta(days=7))
    assert ("dubois", hold.id) in {(one.debtor, one.hold) for one in kept.holds}
    assert account.payments == ()
    plan = await branch.next("F-2026-001")
    assert plan.because.rule is Rule.HOLD
    assert plan.at is not None
    assert plan.at > build.at("2026-03-10")
    assert ("wake", "F-2026-001") in await branch.errands()
    [task] = await branch.tasks("match")
    assert task.detail["entry"] == kept.id


async def test_money_of_nobody_is_asked_about_without_a_candidate(branch: Branch) -> None:
    """Unknown money is nobody's: it waits, holds nothing, and is no task of any customer."""
    report = await branch.send(entry("12.34", payer="INCONNU SA", text="loyer"))
    assert report.asked == 1
    assert await branch.tasks() == []
    [kept] = await branch.kept()
    assert (kept.debtor, kept.holds) == (None, ())


async def test_money_that_went_out_is_not_ours(branch: Branch) -> None:
    """Fees and salaries are no customer's money."""
    report = await branch.send(entry("9.90", credit=False, text="FRAIS DE TENUE DE COMPTE"))
    assert (report.not_ours, report.asked) == (1, 0)


async def test_another_currency_is_never_allocated(branch: Branch) -> None:
    """Dollars with the reference of an invoice in euros give it nothing."""
    await branch.bill("F-2026-001")
    told = statement(named("F-2026-001", currency="USD"), currency=None)
    report = await branch.send(*told.entries, currency=None)
    assert report.booked == 0
    assert await branch.open("F-2026-001") == "100.00"


async def test_an_invoice_that_comes_later_finds_its_money(branch: Branch) -> None:
    """Money that came before its invoice is matched again with the next statement, and the question ends."""
    report = await branch.send(entry(text="Facture F-2026-001", on="2026-02-27"))
    await branch.bill("F-2026-001")
    assert (report.asked, report.booked, await branch.open("F-2026-001")) == (1, 0, "100.00")
    again = await branch.send(entry("5.00", credit=False, text="frais"))
    assert (again.booked, again.not_ours) == (0, 1)
    assert await branch.open("F-2026-001") == "0.00"
    assert await branch.tasks() == []
    assert await branch.states() == ["booked", "not_ours"]


async def test_an_account_that_paid_before_is_known(branch: Branch) -> None:
    """The account from which an invoice was paid tells the debtor the next time, whatever the name says."""
    await branch.bill("F-2026-001")
    await branch.send(named("F-2026-001", payer_account=THEIRS))
    await branch.bill("F-2026-002", total="80.00")
    report = await branch.send(entry("33.00", payer_account=THEIRS, text="acompte", on="2026-03-02"))
    assert report.on_account == 1


@pytest.mark.parametrize("account", ["FR7610107001011234567890129", "00011122233"])
async def test_the_statement_of_another_account_is_refused(branch: Branch, account: str) -> None:
    """An account that no creditor declared is refused with what to do, and nothing is written."""
    before = await branch.written()
    with pytest.raises(InputRefused) as refused:
        await branch.send(entry(), account=account)
    assert (refused.value.field, refused.value.value) == ("account", account)
    assert "add it to `banks`" in refused.value.remedy
    assert await branch.written() == before


async def test_an_account_of_two_creditors_is_refused(branch: Branch) -> None:
    """Nobody can tell whose money it is where two creditors declare one account."""
    other = build.creditor(id="other", legal_name="Other SAS", iban="FR7630006000011234567890189")
    await branch.take("creditor.registered", creditor=other.model_dump(mode="json"))
    with pytest.raises(InputRefused, match="acme, other"):
        await branch.send(entry())


@pytest.mark.parametrize("second", [{"key": "main"}, {"account": "fr7630006000011234567890189"}])
async def test_a_bank_account_is_declared_once(branch: Branch, second: dict[str, str]) -> None:
    """Two sources with one key, or one account however it is written, are refused by their place."""
    other = {"key": "other", "account": "DE89370400440532013000"} | second
    owner = build.creditor(banks=[SOURCE, other])
    with pytest.raises(InputRefused) as refused:
        await branch.take("creditor.registered", creditor=owner.model_dump(mode="json"))
    assert refused.value.field == f"creditor.banks.1.{next(iter(second))}"
