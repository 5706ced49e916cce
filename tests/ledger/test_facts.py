"""Facts on an account: admitted once, in any order, refused with a remedy where they contradict."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.actions import Ending, Rule
from domain.agreements import Stop
from domain.fact import Fact
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation
from ledger import parties, policies, queries, switches
from ledger.book import Book
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk

FACTS = (
    lambda book: book.put_payment(build.payment("60.00", F_1="50.00")),
    lambda book: book.put_payment(build.payment("30.00", reference="VIR-2", F_2="30.00")),
    lambda book: book.put_credit_note(build.credit_note("20.00", invoice="F-1")),
    lambda book: book.put_credit_note(build.credit_note("5.00", number="A-2")),
    lambda book: book.place_hold(build.hold("2026-03-10", "2026-03-20"), "ann"),
    lambda book: book.revise_invoice(build.invoice("F-3", total="70.00"), 2),
    lambda book: book.revise_invoice(build.invoice("F-3", total="75.00"), 3),
)


async def test_facts_in_any_order_give_the_same_account(clerk: Clerk) -> None:
    """The same facts in another order, and each twice, leave the same account and the same plans."""
    seen = []
    for debtor, seed in (("dubois", 1), ("martin", 2)):
        prefix = debtor[0].upper()

        def own(fact: Fact, debtor: str = debtor, prefix: str = prefix) -> Any:
            text = fact.model_dump_json()
            for name in ("F-1", "F-2", "F-3", "VIR-1", "VIR-2", "A-1", "A-2", "H-1"):
                text = text.replace(f'"{name}"', f'"{prefix}-{name}"')
            return type(fact).model_validate_json(text.replace('"dubois"', f'"{debtor}"'))

        invoices = [own(build.invoice(f"F-{count}")) for count in (1, 2, 3)]
        facts: list[tuple[Any, ...]] = [
            ("put_payment", own(build.payment("60.00", F_1="50.00"))),
            ("put_payment", own(build.payment("30.00", reference="VIR-2", F_2="30.00"))),
            ("put_credit_note", own(build.credit_note("20.00", invoice="F-1"))),
            ("put_credit_note", own(build.credit_note("5.00", number="A-2"))),
            ("revise_invoice", own(build.invoice("F-3", total="70.00")), 2),
            ("revise_invoice", own(build.invoice("F-3", total="75.00")), 3),
        ]
        random.Random(seed).shuffle(facts)  # noqa: S311 - an order, not a secret
        async with clerk.book(debtor) as book:
            for invoice in invoices:
                await book.open_case(invoice, RULES.version)
        for verb, *arguments in facts * 2:
            async with clerk.book(debtor) as book:
                await getattr(book, verb)(*arguments)
        async with clerk.database.reading() as conn:
            plans = [line.next for line in await queries.cases(conn, queries.Filters(debtor=debtor))]
        account = (await clerk.account(debtor)).model_dump_json(exclude={"debtor", "revision"})
        seen.append((account.replace(f'"{prefix}-', '"').replace(debtor, ""), plans))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(FACTS))
async def test_the_book_in_memory_is_what_is_on_record(clerk: Clerk, order: list[object]) -> None:
    """After any facts in any order, `book.account` equals the account read afresh."""
    with pytest.raises(LookupError):  # noqa: PT012 - the block is the transaction that is undone
        async with clerk.database.writing() as conn:
            book = await Book.open(conn, "acme", "dubois", clerk.now, clerk.shelf)
            for count in (1, 2, 3):
                await book.open_case(build.invoice(f"F-{count}"), RULES.version)
            for fact in order:
                await fact(book)  # type: ignore[operator]
            await book.settle()
            again = await Book.open(conn, "acme", "dubois", clerk.now, clerk.shelf)
            assert again.account == book.account
            assert again.stored == book.stored
            assert again.account.balance("F-1").open == build.money("30.00")
            raise LookupError  # leave the record as it was for the next example


async def test_the_same_fact_twice_changes_nothing(clerk: Clerk) -> None:
    """A second identical invoice, payment, credit note or hold answers False and writes nothing."""
    revision = 0
    for expected in (True, False):
        async with clerk.book() as book:
            assert await book.open_case(build.invoice(), RULES.version) is expected
            assert await book.put_payment(build.payment("60.00", F_1="50.00")) is expected
            assert await book.put_credit_note(build.credit_note("20.00", invoice="F-1")) is expected
            assert await book.place_hold(build.hold("2026-03-10", "2026-03-20"), "ann") is expected
            revision = book.account.revision
    assert revision == 5
    assert (await clerk.account()).revision == 5


async def test_a_later_version_replaces_an_invoice(clerk: Clerk) -> None:
    """Version 2 replaces version 1, an older one is ignored, and a rewritten one is refused."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        assert await book.revise_invoice(build.invoice(due="2026-04-15"), 2)
        assert not await book.revise_invoice(build.invoice(), 1)
        with pytest.raises(InputRefused, match="as version 3"):
            await book.revise_invoice(build.invoice(due="2026-04-16"), 2)
        with pytest.raises(InputRefused, match="is in EUR"):
            await book.revise_invoice(build.invoice(currency="USD"), 3)
    assert (await clerk.account()).case("F-1").invoice.due_date == build.day("2026-04-15")


async def test_contradictions_are_refused(clerk: Clerk) -> None:
    """A number of another debtor, a reference with other facts, another currency: refused with a remedy."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        await book.put_payment(build.payment("10.00", F_1="10.00"))
        await book.put_credit_note(build.credit_note("20.00", invoice="F-1"))
        with pytest.raises(InputRefused, match="other facts"):
            await book.put_payment(build.payment("11.00", F_1="10.00"))
        with pytest.raises(InputRefused, match="other facts"):
            await book.put_credit_note(build.credit_note("21.00", invoice="F-1"))
        dollars = build.payment("11.00", reference="VIR-9", F_1="10.00").model_copy(
            update={"currency": "USD"}
        )
        with pytest.raises(InputRefused, match="is in EUR"):
            await book.put_payment(dollars)
        with pytest.raises(NotFound, match="F-9"):
            await book.put_payment(build.payment("11.00", reference="VIR-9", F_9="10.00"))
        with pytest.raises(NotFound, match="never stored"):
            await book.open_case(build.invoice("F-2"), "nothing@0")
        with pytest.raises(NotAllowed, match="parties"):
            await book.place_hold(build.hold("2026-03-10", "2026-03-20", scope="creditor"), "ann")
    async with clerk.book("martin") as book:
        with pytest.raises(InputRefused, match="another debtor"):
            await book.open_case(build.invoice(debtor="martin"), RULES.version)


async def test_allocating_settles(clerk: Clerk) -> None:
    """Unallocated money holds an invoice; given to it, it closes the case; more than it is refused."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00"))
        await book.settle()
        assert book.plan("F-1").next.because.rule is Rule.ALLOCATE
        with pytest.raises(InputRefused, match=r"of 100\.00 only"):
            await book.allocate("VIR-1", (Allocation(invoice="F-1", amount="101.00"),), "ann")
        assert await book.allocate("VIR-1", (Allocation(invoice="F-1", amount="100.00"),), "ann")
    assert (await clerk.account()).case("F-1").ending is Ending.PAID


async def test_creditor_wide_facts_reach_every_account(clerk: Clerk) -> None:
    """Holds on a creditor, the switch, and how far payments are known show in each account."""
    async with clerk.database.writing() as conn:
        held = build.hold("2026-03-10", "2026-03-20", scope="creditor")
        assert await parties.hold_all(conn, "acme", held, "ann", clerk.now)
        assert await switches.stop(conn, Stop(), "ann", "drill", clerk.now)
        assert await parties.payments_known(conn, "acme", clerk.now, clerk.now)
        assert not await parties.payments_known(conn, "acme", clerk.now - timedelta(hours=1), clerk.now)
    account = await clerk.account("martin")
    assert [hold.id for hold in account.holds] == ["H-1"]
    assert account.stopped("seed")
    assert account.payments_as_of == clerk.now
    async with clerk.database.writing() as conn:
        assert await switches.resume(conn, Stop(), "ann", clerk.now)
        assert await parties.lift_all(conn, "acme", "H-1", "ann", build.day("2026-03-12"), clerk.now)
    account = await clerk.account("martin")
    assert not account.stopped("seed")
    assert account.holds[0].lifted_on == build.day("2026-03-12")


async def test_a_policy_is_read_back_with_the_version_it_was_stored_under(clerk: Clerk) -> None:
    """A stored policy keeps its version, storing it again is harmless, an unknown one is not found."""
    async with clerk.database.writing() as conn:
        assert await policies.store(conn, RULES, clerk.now) == RULES.version
    async with clerk.database.reading() as conn:
        assert (await policies.Shelf().get(conn, RULES.version)).version == RULES.version
        with pytest.raises(NotFound):
            await policies.Shelf().get(conn, "seed@000000000000")
