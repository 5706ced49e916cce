"""An account known from an earlier transaction: gone on with, or loaded anew where somebody wrote."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from domain.agreements import HoldScope, Stop
from ledger import parties, switches
from ledger.accounts import Loaded, load
from ledger.book import Book
from ledger.database import Database
from tests.domain import build
from tests.ledger.conftest import NOON, Clerk, confirm

MORNING = "2026-04-02 10:00"
EVENING = "2026-04-02 21:00"

Meanwhile = Callable[[Clerk], Awaitable[None]]


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """Gathers the statements that are run."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def reserve(clerk: Clerk) -> tuple[str, Loaded]:
    """Reserves a message about F-1, as the gate does, and remembers the account."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2", due="2026-06-30"))
    reminder = await clerk.reminder("F-1", MORNING)
    async with clerk.book(settle=False) as book:
        message = await book.reserve(reminder, "claim-1", clerk.now)
    return message, book.memory()


async def reopen(clerk: Clerk, known: Loaded) -> Loaded:
    """Opens the account that is known, and gives it as it stands then."""
    async with clerk.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", clerk.now, clerk.shelf, known=known)
        return book.memory()


async def as_read(clerk: Clerk) -> Loaded:
    """Reads the account afresh."""
    async with clerk.database.reading() as conn:
        return await load(conn, "acme", "dubois")


async def test_what_nobody_changed_is_not_read_again(clerk: Clerk) -> None:
    """A known account is gone on with: its invoices' facts and messages are not read, and it is right."""
    message, known = await reserve(clerk)
    with asked(clerk.database) as statements:
        again = await reopen(clerk, known)
    assert again.account is known.account
    assert not [one for one in statements if "invoices.facts" in one or "messages.wording" in one]
    assert again == await as_read(clerk)
    async with clerk.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", clerk.now, clerk.shelf, known=known)
        await confirm(book, message)
        await book.settle()
    assert book.memory() == await as_read(clerk)
    assert len((await as_read(clerk)).account.contacts) == 1


async def pays(clerk: Clerk) -> None:
    """Records a payment."""
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))


async def moves(clerk: Clerk) -> None:
    """States the debtor anew."""
    async with clerk.book() as book:
        await book.put_debtor(build.debtor(legal_name="Dubois & fils"))


async def states_creditor(clerk: Clerk) -> None:
    """States the creditor anew."""
    async with clerk.database.writing() as conn:
        await parties.put_creditor(conn, build.creditor(daily_cap=3), clerk.now)


async def learns_of_payments(clerk: Clerk) -> None:
    """Records up to when payments are known."""
    async with clerk.database.writing() as conn:
        await parties.payments_known(conn, "acme", clerk.now, clerk.now)


async def holds_all(clerk: Clerk) -> None:
    """Suspends every debtor of the creditor."""
    hold = build.hold("2026-04-01", "2026-04-30", scope=HoldScope.CREDITOR)
    async with clerk.database.writing() as conn:
        await parties.hold_all(conn, "acme", hold, "ann", clerk.now)


async def stops_all(clerk: Clerk) -> None:
    """Stops all sending, of every creditor."""
    async with clerk.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", clerk.now)


async def stops_policy(clerk: Clerk) -> None:
    """Stops sending under a policy, whoever the creditor."""
    async with clerk.database.writing() as conn:
        await switches.stop(conn, Stop(policy="seed"), "ann", "wrong words", clerk.now)


@pytest.mark.parametrize(
    "meanwhile",
    [pays, moves, states_creditor, learns_of_payments, holds_all, stops_all, stops_policy],
    ids=lambda one: one.__name__,
)
async def test_whatever_changed_is_seen(clerk: Clerk, meanwhile: Meanwhile) -> None:
    """A fact of the account, of its creditor, or a stop that came meanwhile has the account loaded anew."""
    _, known = await reserve(clerk)
    await meanwhile(clerk)
    again = await reopen(clerk, known)
    assert again.account != known.account
    assert again == await as_read(clerk)


async def test_a_stop_that_was_lifted_is_seen(clerk: Clerk) -> None:
    """An account known while sending was stopped is loaded anew once it goes on."""
    await stops_all(clerk)
    await clerk.bill(build.invoice("F-1"))
    async with clerk.book() as book:
        known = book.memory()
    async with clerk.database.writing() as conn:
        await switches.resume(conn, Stop(), "ann", NOON)
    assert known.account.stops
    assert not (await reopen(clerk, known)).account.stops


async def test_plans_are_read_in_any_case(clerk: Clerk) -> None:
    """A plan that time alone has changed, which leaves no entry in the journal, is not forgotten."""
    _, known = await reserve(clerk)
    clerk.now = build.at(EVENING)
    async with clerk.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", clerk.now, clerk.shelf)
        await book.settle(quiet=frozenset({"F-1", "F-2"}))
    assert book.account.revision == known.account.revision
    again = await reopen(clerk, known)
    assert again.stored != known.stored
    assert again == await as_read(clerk)


async def test_what_was_rolled_back_is_not_believed(clerk: Clerk) -> None:
    """An account remembered from a transaction that was undone does not match the record, and is loaded."""
    await clerk.bill(build.invoice("F-1"))
    with pytest.raises(LookupError):  # noqa: PT012 - the block is the transaction that is undone
        async with clerk.book() as book:
            await book.put_payment(build.payment("100.00", F_1="100.00"))
            known = book.memory()
            raise LookupError
    again = await reopen(clerk, known)
    assert again.account.payments == ()
    assert again == await as_read(clerk)


async def test_another_entry_of_the_same_number_is_seen(clerk: Clerk) -> None:
    """A revision that was undone and then taken by another fact is not taken for the first."""
    await clerk.bill(build.invoice("F-1"))
    with pytest.raises(LookupError):  # noqa: PT012 - the block is the transaction that is undone
        async with clerk.book(settle=False) as book:
            await book.put_payment(build.payment("10.00", reference="VIR-1"))
            known = book.memory()
            raise LookupError
    async with clerk.book(settle=False) as book:
        await book.put_payment(build.payment("20.00", reference="VIR-2"))
    assert book.account.revision == known.account.revision
    again = await reopen(clerk, known)
    assert [payment.reference for payment in again.account.payments] == ["VIR-2"]


async def test_an_account_is_read_in_few_statements(clerk: Clerk) -> None:
    """An account with nothing but invoices takes four statements, whatever it might have had."""
    await clerk.bill(build.invoice("F-1"))
    with asked(clerk.database) as statements:
        await as_read(clerk)
    read = [one for one in statements if one.startswith("SELECT")]
    assert len(read) == 4


async def test_the_lock_is_taken_before_anything_is_read(clerk: Clerk) -> None:
    """Opening a known account asks for the debtor's row first: what is read after it cannot change."""
    _, known = await reserve(clerk)
    with asked(clerk.database) as statements:
        await reopen(clerk, known)
    tables = [one.split("FROM ")[1].split()[0] for one in statements if one.startswith("SELECT")]
    assert tables[:2] == ["debtors", "creditors"]
