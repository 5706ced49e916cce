"""Agreements on record: each once, what becomes of them noted once, what people are asked."""

from typing import Any

import pytest
import sqlalchemy as sa

from domain.agreements import Agreement, HowEnded
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation, Allowance, BankSource
from domain.standing import Standing
from intake.noticing import notice
from ledger import agreement_queries, journal, parties, queries
from ledger.schema import agreements, bank_accounts, creditors, debtors, invoices, payments
from tests.agreements.made import dispute, plan, promise, settlement
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk

AFTER_DUE = "2026-04-01 12:00"
GRACE_OVER = "2026-04-14 12:00"
"""The day after the grace of a promise for 10 April."""


async def bill(clerk: Clerk, *numbers: str) -> None:
    """Opens cases of 100.00 that are due on 31 March, on the day after."""
    clerk.now = build.at(AFTER_DUE)
    await clerk.bill(*(build.invoice(number) for number in numbers or ("F-1",)))
    await clerk.errands()


async def agree(clerk: Clerk, agreement: Agreement) -> bool:
    """Records an agreement."""
    async with clerk.book() as book:
        return await book.put_agreement(agreement, "ann")


async def settle(clerk: Clerk, when: str) -> None:
    """Lets time pass, and the account be looked at."""
    clerk.now = build.at(when)
    async with clerk.book():
        pass


async def pay(clerk: Clerk, amount: str, on: str, reference: str = "VIR-1") -> None:
    """Records money for F-1."""
    async with clerk.book() as book:
        await book.put_payment(build.payment(amount, reference=reference, on=on, F_1=amount))


async def noted(clerk: Clerk) -> list[str]:
    """Lists what the journal says of agreements."""
    async with clerk.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "dubois")
    return [entry.kind for entry in entries if entry.kind.startswith("agreement.")]


async def asked(clerk: Clerk) -> list[str]:
    """Lists the kinds of the open tasks."""
    async with clerk.database.reading() as conn:
        return sorted(task.kind for task in await queries.open_tasks(conn))


async def column(clerk: Clerk, name: str = "P-1") -> str:
    """Reads the standing that was noted last."""
    query = sa.select(agreements.c.standing).where(agreements.c.id == name)
    async with clerk.database.reading() as conn:
        return str((await conn.execute(query)).scalar_one())


@pytest.mark.parametrize("agreement", [promise(), plan(), settlement(), dispute(), dispute(amount="30.00")])
async def test_an_agreement_is_recorded_once(clerk: Clerk, agreement: Agreement) -> None:
    """The same agreement again changes nothing; with other facts under its id it is refused."""
    await bill(clerk)
    assert await agree(clerk, agreement)
    assert not await agree(clerk, agreement)
    other = agreement.model_copy(update={"note": "by telephone"})
    with pytest.raises(InputRefused, match="known with other facts"):
        await agree(clerk, other)
    (kept,) = (await clerk.account()).agreements
    assert kept.model_dump(exclude={"owed"}) == agreement.model_dump(exclude={"owed"})
    assert kept.owed == build.money("100.00")
    assert await noted(clerk) == ["agreement.made"]


async def test_what_is_unknown_or_taken_is_refused(clerk: Clerk) -> None:
    """An invoice that the account does not have is not found; an id belongs to one customer alone."""
    await bill(clerk)
    await agree(clerk, promise())
    with pytest.raises(NotFound):
        await agree(clerk, promise(id="P-2", invoices=("F-9",)))
    async with clerk.book("martin") as book:
        await book.open_case(build.invoice("M-1", debtor="martin"), RULES.version)
        with pytest.raises(InputRefused, match="taken by an agreement of another customer"):
            await book.put_agreement(promise(invoices=("M-1",)), "ann")
        with pytest.raises(NotFound):
            await book.approve_agreement("P-1", "ann")
        with pytest.raises(NotFound):
            await book.end_agreement("P-1", HowEnded.WITHDRAWN, "asked", "ann")


async def test_a_promise_wakes_once_and_its_breach_never(clerk: Clerk) -> None:
    """A promise moves the plan and wakes the run once; broken, the run's own timer rings: nobody wakes it."""
    await bill(clerk)
    await agree(clerk, promise())
    assert await clerk.errands() == [("wake", "F-1")]
    clerk.now = build.at("2026-04-14 09:00")
    async with clerk.book(settle=False) as book:
        before = book.plan("F-1").next
        await book.settle(quiet=frozenset({"F-1"}))
        assert before.at == clerk.now == book.plan("F-1").next.at
    assert await clerk.errands() == []
    assert await noted(clerk) == ["agreement.made", "agreement.broken"]


async def test_a_broken_promise_asks_for_a_call_until_all_is_paid(clerk: Clerk) -> None:
    """Broken, it is noted once and a person is to call; late money that pays everything closes the task."""
    await bill(clerk)
    await agree(clerk, promise())
    await settle(clerk, "2026-04-13 12:00")
    assert (await noted(clerk), await asked(clerk)) == (["agreement.made"], [])
    for _ in range(2):
        await settle(clerk, GRACE_OVER)
    assert await noted(clerk) == ["agreement.made", "agreement.broken"]
    assert (await asked(clerk), await column(clerk)) == (["broken-promise"], "broken")
    await pay(clerk, "100.00", "2026-04-14")
    assert await asked(clerk) == []
    assert await noted(clerk) == ["agreement.made", "agreement.broken"]


async def test_a_file_that_comes_late_takes_the_breach_back(clerk: Clerk) -> None:
    """Money received in time and told late: what was noted as broken is kept, and nobody calls."""
    await bill(clerk)
    await agree(clerk, promise(amount="40.00"))
    await settle(clerk, GRACE_OVER)
    assert await asked(clerk) == ["broken-promise"]
    await pay(clerk, "40.00", "2026-04-13")
    assert (await asked(clerk), await column(clerk)) == ([], "kept")
    async with clerk.book() as book:
        await book.reverse_payment("VIR-1", "returned")
    assert (await asked(clerk), await column(clerk)) == (["broken-promise"], "broken")
    assert await noted(clerk) == [f"agreement.{how}" for how in ("made", "broken", "kept", "broken")]


async def test_a_reversal_in_time_lets_it_run_again(clerk: Clerk) -> None:
    """Kept early and come back early, the promise runs again, and is kept by other money."""
    await bill(clerk)
    await agree(clerk, promise())
    await pay(clerk, "100.00", "2026-04-02")
    async with clerk.book() as book:
        await book.reverse_payment("VIR-1", "returned")
    assert await column(clerk) == "running"
    await pay(clerk, "100.00", "2026-04-09", "VIR-2")
    expected = ["made", "kept", "running", "kept"]
    assert await noted(clerk) == [f"agreement.{how}" for how in expected]


async def test_a_plan_is_noted_when_it_ends(clerk: Clerk) -> None:
    """Instalments met are not noted one by one; the one missed is, and the last one met is."""
    await bill(clerk)
    await agree(clerk, plan(count=2))
    await pay(clerk, "50.00", "2026-04-10")
    await settle(clerk, GRACE_OVER)
    assert (await noted(clerk), await column(clerk, "L-1")) == (["agreement.made"], "running")
    await settle(clerk, "2026-04-21 12:00")
    assert (await asked(clerk), await column(clerk, "L-1")) == (["broken-promise"], "partly")
    await pay(clerk, "50.00", "2026-04-20", "VIR-2")
    assert (await asked(clerk), await column(clerk, "L-1")) == ([], "kept")


async def test_a_dispute_is_a_task_until_it_is_answered(clerk: Clerk) -> None:
    """Its owner gets it at once, for its last day; run out, it is asked again; answered, nothing is left."""
    await bill(clerk)
    await agree(clerk, dispute(owner="Paul"))
    async with clerk.database.reading() as conn:
        (task,) = await queries.open_tasks(conn)
    assert (task.kind, task.due_on, task.detail["owner"]) == ("dispute", build.day("2026-05-01"), "Paul")
    await settle(clerk, "2026-05-02 12:00")
    assert await asked(clerk) == ["dispute", "dispute-expired"]
    async with clerk.book() as book:
        assert await book.end_agreement("D-1", HowEnded.REJECTED, "delivered in full", "ann")
        assert not await book.end_agreement("D-1", HowEnded.REJECTED, "delivered in full", "ann")
        with pytest.raises(NotAllowed):
            await book.end_agreement("D-1", HowEnded.UPHELD, "after all", "ann")
    assert (await asked(clerk), await column(clerk, "D-1")) == ([], "ended")
    assert await noted(clerk) == ["agreement.made", "agreement.expired", "agreement.ended"]


async def test_an_upheld_dispute_waits_for_its_credit_note(clerk: Clerk) -> None:
    """Upheld, a credit note is asked for and nothing else for a week; the note frees the rest."""
    await bill(clerk)
    await agree(clerk, dispute(amount="30.00"))
    async with clerk.book() as book:
        await book.end_agreement("D-1", HowEnded.UPHELD, "wrong price", "ann")
    assert await asked(clerk) == ["credit-note"]
    assert (await clerk.account()).suspended_on("F-1", build.day("2026-04-08")) is not None
    async with clerk.book() as book:
        await book.put_credit_note(build.credit_note("30.00", invoice="F-1"))
    assert await asked(clerk) == []
    account = await clerk.account()
    assert account.suspended_on("F-1", build.day("2026-04-02")) is None
    assert account.claimable("F-1", build.day("2026-04-02")) == build.money("70.00")


async def test_a_settlement_waits_for_approval(clerk: Clerk) -> None:
    """Undecided it is a task; approved it waives once paid for; its end is decided once."""
    await bill(clerk)
    await agree(clerk, settlement())
    assert (await asked(clerk), await column(clerk, "S-1")) == (["approve-agreement"], "pending")
    async with clerk.book() as book:
        assert await book.approve_agreement("S-1", "eve")
        assert not await book.approve_agreement("S-1", "eve")
    assert (await asked(clerk), await column(clerk, "S-1")) == ([], "running")
    await pay(clerk, "60.00", "2026-04-03")
    account = await clerk.account()
    assert (account.case("F-1").ending, account.balance("F-1").open) == ("paid", build.money("0.00"))
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="over"):
            await book.end_agreement("S-1", HowEnded.WITHDRAWN, "changed our mind", "ann")
        await book.reverse_payment("VIR-1", "returned")
    account = await clerk.account()
    assert (account.case("F-1").ending, account.balance("F-1").open) == (None, build.money("100.00"))
    assert await noted(clerk) == [f"agreement.{how}" for how in ("made", "approved", "kept", "running")]


async def test_what_nobody_decides_lapses_and_can_be_decided_later(clerk: Clerk) -> None:
    """After a week without a decision it runs out; an approval still counts while its day lies ahead."""
    await bill(clerk)
    await agree(clerk, settlement(pay_by="2026-04-20"))
    await settle(clerk, "2026-04-09 12:00")
    assert (await asked(clerk), await column(clerk, "S-1")) == (["approve-agreement"], "expired")
    async with clerk.book() as book:
        assert await book.approve_agreement("S-1", "eve")
    assert (await asked(clerk), await column(clerk, "S-1")) == ([], "running")
    assert await noted(clerk) == [f"agreement.{how}" for how in ("made", "expired", "approved")]


async def test_an_approval_that_comes_too_late_is_refused(clerk: Clerk) -> None:
    """What would be broken at once cannot be approved; it can be rejected, which only then is an answer."""
    await bill(clerk)
    await agree(clerk, settlement())
    await agree(clerk, dispute())
    clerk.now = build.at("2026-04-20 12:00")
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="broken at once"):
            await book.approve_agreement("S-1", "eve")
        with pytest.raises(NotAllowed, match="needs no approval"):
            await book.approve_agreement("D-1", "eve")
        with pytest.raises(InputRefused):
            await book.end_agreement("S-1", HowEnded.UPHELD, "no", "eve")
        assert await book.end_agreement("S-1", HowEnded.REJECTED, "no", "eve")
        with pytest.raises(NotAllowed, match="was ended"):
            await book.approve_agreement("S-1", "eve")
    assert await asked(clerk) == ["dispute"]


async def test_a_running_promise_is_withdrawn_not_rejected(clerk: Clerk) -> None:
    """Only a dispute or an undecided agreement is rejected; a withdrawn promise pauses nothing any more."""
    await bill(clerk)
    await agree(clerk, promise())
    async with clerk.book() as book:
        with pytest.raises(InputRefused, match="is withdrawn"):
            await book.end_agreement("P-1", HowEnded.REJECTED, "no", "ann")
        assert await book.end_agreement("P-1", HowEnded.WITHDRAWN, "a mistake", "ann")
    assert (await clerk.account()).suspended_on("F-1", build.day("2026-04-02")) is None
    assert await agree(clerk, promise(id="P-2"))


async def test_what_time_overtakes_is_noticed_without_a_run(clerk: Clerk) -> None:
    """An agreement whose day passes while no step is near is noted by the one who looks, once."""
    await bill(clerk)
    await agree(clerk, promise())
    for when, found in (("2026-04-13 12:00", 0), (GRACE_OVER, 1), (GRACE_OVER, 0)):
        assert await notice(clerk.database, clerk.shelf, build.at(when)) == found
    assert await asked(clerk) == ["broken-promise"]


async def test_agreements_are_found_by_their_ids(clerk: Clerk) -> None:
    """An id leads to its account; one of a divided dispute to all its parts, and to nobody else's."""
    await bill(clerk, "F-1", "F-2")
    for one in (dispute(id="D/1"), dispute(id="D/2", invoices=("F-2",)), promise(id="DX", amount="9.00")):
        await agree(clerk, one)
    async with clerk.database.reading() as conn:
        assert await agreement_queries.whose(conn, "D") == ("acme", "dubois")
        assert await agreement_queries.whose(conn, "D/2", "acme") == ("acme", "dubois")
        assert [name for name, _ in await agreement_queries.parts(conn, "acme", "D")] == ["D/1", "D/2"]
        assert await agreement_queries.accounts_with(conn, "acme") == [("acme", "dubois")]
        assert await agreement_queries.accounts_with(conn, "acme", "martin") == []
        for unknown in (("D/3", None), ("D", "other")):
            with pytest.raises(NotFound):
                await agreement_queries.whose(conn, *unknown)


# Facts that an earlier release stored


async def without(clerk: Clerk, table: sa.Table, name: str, *fields: str) -> None:
    """Takes fields out of stored facts, as if an earlier release had written them."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(part) for key, part in value.items() if key not in fields}
        return [bare(part) for part in value] if isinstance(value, list) else value

    async with clerk.database.writing() as conn:
        for row in (await conn.execute(sa.select(table))).mappings().all():
            this = [column == row[column.name] for column in table.primary_key]
            await conn.execute(sa.update(table).where(*this).values({name: bare(row[name])}))


async def test_facts_of_an_earlier_release_are_known(clerk: Clerk) -> None:
    """What was stored without the fields that have come since, and is stated again, is known: no refusal."""
    await bill(clerk)
    paid = build.payment("40.00", F_1="40.00")
    note = build.credit_note("10.00", invoice="F-1")
    async with clerk.book() as book:
        await book.put_payment(paid)
        await book.put_credit_note(note)
    await without(clerk, payments, "stated", "allowed", "allowance")
    await without(clerk, creditors, "facts", "banks", "grace_days", "tolerance")
    await without(clerk, invoices, "facts", "reference", "discounts", "direct_debit", "delivered_on")
    await without(clerk, debtors, "facts", "contact_cap_days", "tags")
    async with clerk.book() as book:
        assert not await book.put_payment(paid)
        assert not await book.put_credit_note(note)
        assert not await book.revise_invoice(build.invoice(), 1)
        assert not await book.put_debtor(build.debtor())
    async with clerk.database.writing() as conn:
        assert not await parties.put_creditor(conn, build.creditor(), clerk.now)
        assert await parties.put_creditor(conn, build.creditor(grace_days=5), clerk.now)
    with pytest.raises(InputRefused):
        async with clerk.book() as book:
            await book.put_payment(build.payment("41.00", F_1="41.00"))


# What else an account is loaded with


async def test_what_is_let_go_is_kept_with_its_payment(clerk: Clerk) -> None:
    """A discount goes with the money: it closes the invoice, is read back, and comes back with a reversal."""
    await bill(clerk)
    part = Allocation(invoice="F-1", amount="98.00", allowed="2.00", allowance=Allowance.DISCOUNT)
    paid = build.payment("98.00").model_copy(update={"allocations": (part,)})
    async with clerk.book() as book:
        assert await book.put_payment(paid)
        assert not await book.put_payment(paid)
    account = await clerk.account()
    assert account.payments[0].allocations == (part,)
    assert (account.balance("F-1").open, account.case("F-1").ending) == (build.money("0.00"), "paid")
    async with clerk.book() as book:
        await book.reverse_payment("VIR-1", "returned")
    assert (await clerk.account()).balance("F-1").open == build.money("100.00")


async def test_bank_accounts_tell_how_far_each_source_is_known(clerk: Clerk) -> None:
    """Each declared source is known up to the last booked day of its account, however that is written."""
    sources = (
        BankSource(key="main", account="FR76 3000 6000 0112 3456 7890 189"),
        BankSource(key="other", account="00012345"),
    )
    row = {"creditor": "acme", "booked_to": build.day("2026-03-30"), "read_at": clerk.now}
    async with clerk.database.writing() as conn:
        await parties.put_creditor(conn, build.creditor(banks=sources), clerk.now)
        await conn.execute(sa.insert(bank_accounts), row | {"account": "fr7630006000011234567890189"})
    assert (await clerk.account()).booked_to == {"main": build.day("2026-03-30")}


async def test_a_standing_is_worked_out_and_never_read(clerk: Clerk) -> None:
    """Whatever the column says, the account judges by money alone, and notes what it finds."""
    await bill(clerk)
    await agree(clerk, promise())
    async with clerk.database.writing() as conn:
        await conn.execute(sa.update(agreements).values(standing="broken"))
    account = await clerk.account()
    assert account.standing(account.agreements[0], build.day("2026-04-02")) is Standing.RUNNING
    await settle(clerk, "2026-04-02 12:00")
    assert await column(clerk) == "running"
