"""The same entries again: the same file, a file that is half new, another kind of file, two at once."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from correspondence.payment_code import creditor_reference
from domain.bank import BankEntry
from intake.bank.books import books_of
from intake.bank.deciding import decide
from intake.bank.passes import match_all_waiting, match_waiting
from intake.statements import take_statement
from ledger import bank
from ledger.bank import State
from tests.bank.conftest import THEIRS, Branch, entry, statement
from tests.domain import build


def paid(number: str, **more: Any) -> BankEntry:
    """Gives money with the reference of an invoice."""
    return entry(text=creditor_reference(number), **more)


async def test_the_same_statement_twice_changes_nothing(branch: Branch) -> None:
    """What was booked, put on account, asked and set aside is known again, entry by entry."""
    await branch.bill("F-2026-001")
    told = [
        paid("F-2026-001"),
        entry("12.00", text="loyer", payer="Inconnu SA"),
        entry("33.00", payer="DUBOIS SARL", text="merci"),
        entry("3.00", credit=False, text="frais"),
    ]
    first = await branch.send(*told, opening="50.00")
    before = await branch.written()
    again = await branch.send(*told, opening="50.00")
    assert (first.booked, first.on_account, first.asked, first.not_ours) == (1, 1, 1, 1)
    assert (again.known, again.new, again.booked, again.asked) == (4, 0, 0, 0)
    assert await branch.written() == before


async def test_a_file_that_is_half_new_adds_its_new_half(branch: Branch) -> None:
    """A longer export of the same days adds what was not on record, and doubles nothing."""
    for place in range(4):
        await branch.bill(f"F-2026-00{place}")
    entries = [paid(f"F-2026-00{place}", on=f"2026-02-2{place + 3}") for place in range(4)]
    await branch.send(*entries[:2])
    report = await branch.send(*entries)
    assert (report.known, report.booked) == (2, 2)
    assert len((await branch.account()).payments) == 4


async def test_equal_entries_of_one_day_are_two(branch: Branch) -> None:
    """Two equal bookings of one day are legal: both are kept, and known again as two."""
    await branch.bill("F-2026-001")
    twice = entry("20.00", payer="DUBOIS SARL", text="merci")
    assert (await branch.send(twice, twice)).on_account == 2
    again = await branch.send(twice, twice, twice)
    assert (again.known, again.on_account) == (2, 1)


async def test_another_kind_of_file_of_the_same_day_and_amount_waits(branch: Branch) -> None:
    """What a CSV tells of a day that a camt told of may be the same money: a person decides."""
    await branch.bill("F-2026-001")
    await branch.bill("F-2026-002")
    await branch.send(paid("F-2026-001"))
    report = await branch.send(entry(text="VIR DUBOIS F-2026-002", payer="DUBOIS SARL"), format="CSV")
    assert (report.booked, report.asked) == (0, 1)
    assert await branch.open("F-2026-002") == "100.00"
    [camt] = await branch.kept(State.BOOKED)
    [csv] = await branch.kept(State.ASKED)
    assert csv.like == camt.id
    held = {hold.invoice for hold in (await branch.account()).holds}
    assert held == {"F-2026-002"}


@pytest.mark.parametrize("told", [("300.00",), ("100.00",) * 3], ids=["as-one-sum", "in-parts"])
async def test_a_batch_that_another_kind_of_file_tells_otherwise_waits(
    branch: Branch, told: tuple[str, ...]
) -> None:
    """A camt details three transfers of a batch; a CSV of their sum, or of each, may mean the same money."""
    batch = [paid(f"F-2026-00{place}", batch="B") for place in (1, 2, 3)]
    for place in (1, 2, 3):
        await branch.bill(f"F-2026-00{place}")
    await branch.send(*batch, format="camt.053.001.02")
    rows = [entry(amount, text=f"REMISE {turn}", payer="DUBOIS SARL") for turn, amount in enumerate(told)]
    assert (await branch.send(*rows, format="CSV")).asked == len(told)
    assert (await branch.send(*batch, format="camt.053.001.08")).known == len(batch)


async def test_the_same_bank_reference_is_the_same_entry_in_every_kind_of_file(branch: Branch) -> None:
    """A notification (camt.054) before the statement (camt.053) tells of the same booking."""
    await branch.bill("F-2026-001")
    await branch.send(paid("F-2026-001", bank_reference="BKTX-42"), format="camt.054")
    told = paid("F-2026-001", bank_reference="BKTX-42", payer="DUBOIS SARL")
    report = await branch.send(told, opening="7.00")
    assert (report.known, report.new) == (1, 0)


async def test_two_imports_at_once_book_everything_once(branch: Branch) -> None:
    """Two processes that take overlapping files at the same moment lose nothing and double nothing."""
    for place in range(10, 30):
        await branch.bill(f"F-2026-0{place}", debtor="dubois" if place % 2 else "martin")
    entries = [paid(f"F-2026-0{place}") for place in range(10, 30)]
    reports = await asyncio.gather(branch.send(*entries[:15], name="a"), branch.send(*entries, name="b"))
    await match_all_waiting(branch.database, now=branch.now)
    assert sum(report.undecided for report in reports) == 0
    assert await branch.states() == ["booked"] * 20
    payments = [*(await branch.account()).payments, *(await branch.account("martin")).payments]
    assert len({payment.reference for payment in payments}) == len(payments) == 20
    for account in (await branch.account(), await branch.account("martin")):
        assert {account.balance(case.invoice.number).open for case in account.cases} == {0}


async def test_an_account_written_on_meanwhile_is_matched_anew(branch: Branch) -> None:
    """What another system tells between matching and booking is seen: the decision is made again."""
    await branch.bill("F-2026-001")
    owner = build.creditor()
    async with branch.database.writing() as conn:
        await bank.keep(conn, "acme", statement(paid("F-2026-001")), "a.xml", branch.now)
    async with branch.database.reading() as conn:
        books = await books_of(conn, owner, build.day("2026-03-02"), branch.now)
    [kept] = await branch.kept()
    decided = decide(kept, books, owner.tolerance, ())
    told = {"reference": "VIR-9", "amount": "100.00", "received_on": "2026-03-02", "invoice": "F-2026-001"}
    await branch.take("payment.received", **told)
    before = await branch.written()
    assert decided.state is State.BOOKED
    assert await branch.teller.book("acme", "dubois", [decided], books.revisions["dubois"]) is None
    assert await branch.written() == before
    states = await match_waiting(branch.database, owner, now=branch.now)
    assert list(states.values()) == [State.SAME]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=5))
async def test_any_overlapping_files_add_up_to_the_whole(branch: Branch, cuts: list[tuple[int, int]]) -> None:
    """However days are cut into files, overlapping or repeated, each entry is on record once."""
    days = [f"2026-02-{day:02}" for day in range(10, 18)]
    for first, length in cuts:
        part = days[first : first + length]
        await take_statement(
            branch.database,
            statement(
                *(entry("9.00", on=day, payer_account=THEIRS, text="x") for day in part for _ in (0, 1))
            ),
            now=branch.now,
        )
    kept = await branch.kept()
    seen = {one.entry.booked_on.isoformat() for one in kept}
    assert len(kept) == 2 * len(seen)
