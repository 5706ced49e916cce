"""What people decide about bank entries: booked by hand, a return named, undone, ignored.

In: each answer, with all that it changes on the accounts concerned, in one transaction.
Not in: what the rules decide (deciding.py, booking.py), and how people are asked (terminal/bank.py).
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.candidates import Candidate
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation
from intake.bank.booking import (
    Teller,
    allocate_key,
    ask_what_for,
    ask_whose,
    concerned,
    free_reference,
    hold_likely,
    let_go,
    record,
    returned_because,
    take_back,
)
from intake.bank.deciding import is_likely
from ledger import bank, bank_accounts, tasks
from ledger.bank import Kept, Outcome, State
from ledger.book import Book
from ledger.schema import payments

UNANSWERED = (State.ASKED, State.READ, State.NOT_OURS)
WITH_MONEY = (State.BOOKED, State.ON_ACCOUNT)

STAYS = {
    State.SAME: "it is on record as payment {payment}; undo that first",
    State.RETURNED: "it took payment {payment} back; record that money anew if it came after all",
    State.REVERSED: "its payment {payment} came back: it has no money to give",
    State.ASKED: "nobody has decided about it yet",
    State.READ: "nobody has decided about it yet",
}
"""Why an answer cannot be given to an entry as it is."""

Books = dict[str, Book]


async def book_entry(
    teller: Teller, kept: Kept, debtor: str, parts: tuple[Allocation, ...], author: str
) -> str:
    """Gives the money of an entry to a debtor and to invoices of his; the reference of the payment.

    What no invoice gets stays on the debtor's account. An entry that is booked on the same account is
    allocated anew. Raises NotAllowed for an entry that has no money to give, InputRefused for more than
    there is or than an invoice owes, NotFound for an unknown debtor or invoice.
    """
    if not kept.entry.credit:
        raise _stays(kept, "the money went out")
    if kept.state not in UNANSWERED and (kept.state not in WITH_MONEY or kept.debtor != debtor):
        other = f"it is booked on the account of {kept.debtor}; undo that first"
        raise _stays(kept, other if kept.state in WITH_MONEY else None)
    async with _answering(teller, kept, {debtor}) as (conn, books):
        book = books[debtor]
        _check(book, kept, parts)
        payment = kept.payment or await free_reference(conn, kept)
        state = State.BOOKED if parts else State.ON_ACCOUNT
        outcome = Outcome(kept, state, by=author, debtor=debtor, payment=payment)
        await bank.resolve(conn, teller.now, outcome)
        await let_go(books, kept, "booked by hand", author)
        if kept.state in WITH_MONEY:
            await book.allocate(payment, parts, author)
        else:
            await record(book, kept, payment, parts)
        if sum((part.amount for part in parts), ZERO) < kept.entry.amount:
            await ask_what_for(book, kept, payment, kept.proposal or {})
        else:
            key = allocate_key(book.creditor, payment)
            await tasks.close_if_open(book, key, "allocated", author)
        numbers = [part.invoice for part in parts]
        await book.log("bank.answered", entry=kept.id, payment=payment, invoices=numbers, author=author)
    return payment


def candidate(kept: Kept, place: int) -> Candidate:
    """Gives the candidate at a place of the list that people are shown; raises InputRefused."""
    found = candidates(kept)
    if not 1 <= place <= len(found):
        known = f"it has {len(found)}" if found else "it has none"
        raise InputRefused("candidate", place, f"{known}; `bank entries` lists them")
    return found[place - 1]


def candidates(kept: Kept) -> list[Candidate]:
    """Lists what an entry may be for, the best first."""
    told = (kept.proposal or {}).get("candidates", [])
    return [Candidate.model_validate(one) for one in told if isinstance(one, dict)]


async def name_return(teller: Teller, kept: Kept, payment: str, author: str) -> None:
    """Says which payment an entry took back; it is owed again.

    Raises NotFound for an unknown payment, NotAllowed for an entry that was answered or a payment that came
    back before, InputRefused for another amount.
    """
    if kept.state not in UNANSWERED:
        raise _stays(kept, None)
    owner = await _owner(teller, kept.creditor, payment)
    async with _answering(teller, kept, {owner}) as (conn, books):
        book = books[owner]
        found = next(one for one in book.account.payments if one.reference == payment)
        if found.reversed:
            msg = f"payment {payment!r} came back before"
            raise NotAllowed(msg)
        if (found.amount, found.currency) != (kept.entry.amount, kept.entry.currency):
            remedy = "is of {:.2f} {}; take it back with `reverse`, and ignore this entry"
            raise InputRefused("returned", payment, remedy.format(found.amount, found.currency))
        outcome = Outcome(kept, State.RETURNED, by=author, debtor=owner, payment=payment)
        await bank.resolve(conn, teller.now, outcome)
        await let_go(books, kept, "a return", author)
        await take_back(conn, book, payment, returned_because(kept))
        await book.log("bank.answered", entry=kept.id, payment=payment, author=author)


async def undo(teller: Teller, kept: Kept, reason: str, author: str) -> None:
    """Takes back what was decided about an entry: its payment is reversed, and it waits for a person.

    Other invoices that it may be the payment of are held meanwhile. Raises NotAllowed where there is
    nothing that could be taken back.
    """
    if kept.state in STAYS and kept.state is not State.SAME:
        raise _stays(kept, None)
    had = kept.debtor if kept.state in WITH_MONEY else None
    others = {one.debtor for one in candidates(kept)}
    async with _answering(teller, kept, others) as (conn, books):
        was: set[str] = set()
        if had is not None and kept.payment is not None:
            book = books[had]
            was = {
                part.invoice
                for one in book.account.payments
                if one.reference == kept.payment
                for part in one.allocations
            }
            await book.reverse_payment(kept.payment, reason)
            key = allocate_key(book.creditor, kept.payment)
            await tasks.close_if_open(book, key, "undone", author)
            await book.log(
                "bank.undone",
                entry=kept.id,
                payment=kept.payment,
                reason=reason,
                author=author,
                invoices=sorted(was),
            )
        holds = await hold_likely(books, kept, _others_likely(kept, was))
        outcome = Outcome(kept, State.ASKED, by=author, debtor=kept.debtor, holds=holds)
        await bank.resolve(conn, teller.now, outcome)
        if kept.debtor is not None:
            await ask_whose(books[kept.debtor], kept, kept.proposal or {})


def _others_likely(kept: Kept, was: set[str]) -> Iterable[Candidate]:
    """Gives the likely candidates beside the invoices that an entry was wrongly booked on."""
    for one in candidates(kept):
        parts = tuple(part for part in one.allocations if part.invoice not in was)
        if is_likely(one) and parts:
            yield one.model_copy(update={"allocations": parts})


async def ignore(teller: Teller, kept: Kept, reason: str, author: str) -> None:
    """Says that an entry is no customer's money; raises NotAllowed for one that was booked."""
    if kept.state not in {State.ASKED, State.READ}:
        raise _stays(kept, "it was decided about before; undo that first")
    async with _answering(teller, kept, ()) as (conn, books):
        await bank.resolve(conn, teller.now, Outcome(kept, State.NOT_OURS, by=author))
        await let_go(books, kept, "ignored", author)
        await bank_accounts.log(
            conn, kept.creditor, teller.now, "bank.ignored", entry=kept.id, reason=reason, author=author
        )


@asynccontextmanager
async def _answering(
    teller: Teller, kept: Kept, debtors: Iterable[str]
) -> AsyncIterator[tuple[AsyncConnection, Books]]:
    """Opens every account that an answer concerns, and settles them at the end.

    Raises NotAllowed where somebody else has decided meanwhile.
    """
    async with teller.database.writing() as conn:
        books = await teller.open(conn, kept.creditor, {*debtors, *concerned(kept)})
        if not await bank.claim(conn, kept.creditor, [kept]):
            raise _stays(kept, "somebody has decided about it in this moment; look again")
        yield conn, books
        for book in books.values():
            await book.settle()


def _stays(kept: Kept, why: str | None) -> NotAllowed:
    reason = why or STAYS[kept.state].format(payment=kept.payment)
    return NotAllowed(f"bank entry {kept.id[:8]}: {reason}")


async def _owner(teller: Teller, creditor: str, payment: str) -> str:
    query = sa.select(payments.c.debtor).where(
        payments.c.creditor == creditor, payments.c.reference == payment
    )
    async with teller.database.reading() as conn:
        found: str | None = (await conn.execute(query)).scalar_one_or_none()
    if found is None:
        msg = f"no payment {payment!r}; `show` names the payments of an invoice"
        raise NotFound(msg)
    return found


def _check(book: Book, kept: Kept, parts: tuple[Allocation, ...]) -> None:
    """Raises InputRefused for more than an entry holds, or than an invoice owes."""
    total = sum((part.amount for part in parts), ZERO)
    if total > kept.entry.amount:
        raise InputRefused("to", f"{total:.2f}", f"the entry is of {kept.entry.amount:.2f} only")
    standing = {
        part.invoice: part.amount + part.allowed
        for one in book.account.payments
        if one.reference == kept.payment
        for part in one.allocations
    }
    for part in parts:
        invoice = book.case(part.invoice).invoice
        if invoice.currency != kept.entry.currency:
            remedy = f"invoice {invoice.number} is in {invoice.currency}; name only the debtor"
            raise InputRefused("currency", kept.entry.currency, remedy)
        free = book.account.balance(part.invoice).open + standing.get(part.invoice, ZERO)
        if part.amount + part.allowed > free:
            given = f"{part.invoice}={part.amount:.2f}"
            raise InputRefused("to", given, f"invoice {part.invoice} owes {free:.2f}; give no more than that")
