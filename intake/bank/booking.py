"""Decisions about bank entries, written down: money on accounts, holds, questions to people.

In: one transaction for the entries of an account, in which the payments and the states change together.
Not in: how it was decided (deciding.py), and what people decide (answering.py).

A crash leaves an entry either as it was read, to be taken up again, or booked with its payment. Accounts are
locked in the order of their names, so that two imports at once wait for one another and never in a ring.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.agreements import Hold, HoldScope
from domain.candidates import Candidate
from domain.fact import ZERO
from domain.receivable import Allocation, Payment
from intake.bank.deciding import Decided
from ledger import bank, tasks
from ledger.bank import HeldFor, Kept, Outcome, State
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.schema import bank_entries, payments

HELD_FOR = timedelta(days=7)
"""How long an invoice is held because money may be there for it, while nobody answers."""

AT_ONCE = 500
"""How many entries are written at once where no account is concerned."""

HELD_BECAUSE = "payment to match"
BY_RULES = "relance"
"""The author of what follows from the rules."""


@dataclass(frozen=True)
class Teller:
    """Holds what writing needs: the record, stored policies, and the instant at which all of it happens."""

    database: Database
    shelf: Shelf
    now: datetime

    async def book(self, creditor: str, debtor: str, decided: Sequence[Decided], revision: int) -> int | None:
        """Writes decisions about one account down, and gives its revision since.

        None, with nothing written, where the account is not as it was when they were made.
        """
        others = {name for one in decided for name in concerned(one.kept)}
        async with self.database.writing() as conn:
            books = await self.open(conn, creditor, {debtor, *others})
            book = books[debtor]
            if book.account.revision != revision:
                return None
            claimed = await bank.claim(conn, creditor, [one.kept for one in decided])
            written = [await _write(conn, books, book, one) for one in decided if one.kept.id in claimed]
            await bank.resolve(conn, self.now, *(one for one in written if one is not None))
            for each in books.values():
                await each.settle()
            return book.account.revision

    async def ask(self, creditor: str, decided: Decided) -> None:
        """Keeps an entry for a person, and holds the invoices that its money may be for."""
        kept = decided.kept
        if kept.state is State.ASKED and kept.proposal == decided.proposal:
            return
        asker = kept.debtor or decided.debtor
        owners = {one.debtor for one in decided.likely} | ({asker} if asker else set())
        async with self.database.writing() as conn:
            books = await self.open(conn, creditor, owners)
            if not await bank.claim(conn, creditor, [kept]):
                return
            outcome = Outcome(
                kept,
                State.ASKED,
                debtor=asker,
                proposal=decided.proposal,
                holds=await hold_likely(books, kept, decided.likely),
            )
            await bank.resolve(conn, self.now, outcome)
            if asker is not None:
                await ask_whose(books[asker], kept, decided.proposal)
            for book in books.values():
                await book.settle()

    async def note(self, creditor: str, decided: Sequence[Decided]) -> None:
        """Writes down decisions that concern no account."""
        changed = [
            one for one in decided if one.kept.state is not one.state or one.kept.proposal != one.proposal
        ]
        for start in range(0, len(changed), AT_ONCE):
            part = changed[start : start + AT_ONCE]
            async with self.database.writing() as conn:
                claimed = await bank.claim(conn, creditor, [one.kept for one in part])
                outcomes = [Outcome(one.kept, one.state, proposal=one.proposal) for one in part]
                await bank.resolve(conn, self.now, *(one for one in outcomes if one.kept.id in claimed))

    async def open(self, conn: AsyncConnection, creditor: str, debtors: Iterable[str]) -> dict[str, Book]:
        """Opens accounts of a creditor for writing, in the order of their names."""
        wanted = sorted(set(debtors))
        return {name: await Book.open(conn, creditor, name, self.now, self.shelf) for name in wanted}


def concerned(kept: Kept) -> set[str]:
    """Names the accounts on which an entry has left holds or a question."""
    return {held.debtor for held in kept.holds} | ({kept.debtor} if kept.debtor else set())


async def _write(
    conn: AsyncConnection, books: dict[str, Book], book: Book, decided: Decided
) -> Outcome | None:
    """Writes the money of one entry; None where a payment on record cannot be its own any more."""
    kept, payment = decided.kept, decided.payment or f"bank:{decided.kept.id}"
    if decided.state is State.SAME and not await _is_free(conn, book, payment):
        return None
    await let_go(books, kept, f"{decided.state.value} by the rules")
    if decided.booking is not None:
        await record(book, kept, payment, decided.booking.allocations)
        if decided.state is State.ON_ACCOUNT:
            await ask_what_for(book, kept, payment, decided.proposal)
    elif decided.state is State.RETURNED:
        await take_back(conn, book, payment, returned_because(kept))
    return Outcome(kept, decided.state, debtor=book.debtor, payment=payment, proposal=decided.proposal)


async def record(book: Book, kept: Kept, reference: str, parts: tuple[Allocation, ...]) -> None:
    """Records the money of an entry; it was received on the day on which the bank booked it."""
    entry = kept.entry
    await book.put_payment(
        Payment(
            creditor=book.creditor,
            reference=reference,
            debtor=book.debtor,
            received_on=entry.booked_on,
            currency=entry.currency,
            amount=entry.amount,
            allocations=parts,
        )
    )


async def take_back(conn: AsyncConnection, book: Book, payment: str, reason: str) -> None:
    """Records that a payment came back, and so the entry that it was booked from."""
    await bank.come_back(conn, book.creditor, payment, book.now)
    await book.reverse_payment(payment, reason)
    await tasks.close_if_open(book, allocate_key(book.creditor, payment), "the money came back", BY_RULES)


def returned_because(kept: Kept) -> str:
    """Says why a payment came back, as the bank does."""
    return (
        f"returned by the bank ({kept.entry.returned})" if kept.entry.returned else "taken back by the bank"
    )


async def free_reference(conn: AsyncConnection, kept: Kept) -> str:
    """Gives the payment of an entry its reference: its id, with a number where it was booked before."""
    reference = f"bank:{kept.id}"
    query = sa.select(sa.func.count()).where(
        payments.c.creditor == kept.creditor,
        sa.or_(payments.c.reference == reference, payments.c.reference.startswith(f"{reference}#")),
    )
    before = int((await conn.execute(query)).scalar_one())
    return f"{reference}#{before + 1}" if before else reference


async def _is_free(conn: AsyncConnection, book: Book, payment: str) -> bool:
    """Tells whether a payment on record still stands and is no other entry's."""
    if not any(one.reference == payment and not one.reversed for one in book.account.payments):
        return False
    query = sa.select(bank_entries.c.id).where(
        bank_entries.c.creditor == book.creditor, bank_entries.c.payment == payment
    )
    return (await conn.execute(query.limit(1))).first() is None


# Holds


async def hold_likely(books: dict[str, Book], kept: Kept, likely: Iterable[Candidate]) -> tuple[HeldFor, ...]:
    """Holds the open invoices that an entry may be the payment of, each once; gives all its holds."""
    holds = list(kept.holds)
    held = {
        (one.debtor, hold.invoice)
        for one in holds
        for hold in (books[one.debtor].account.holds if one.debtor in books else ())
        if hold.id == one.hold
    }
    for candidate in likely:
        book = books[candidate.debtor]
        numbers: list[str | None] = [part.invoice for part in candidate.allocations]
        for number in numbers or [None]:
            owed = number is None or (book.case(number).ending is None if book.has_case(number) else False)
            if not owed or (candidate.debtor, number) in held:
                continue
            held.add((candidate.debtor, number))
            hold = Hold(
                id=f"bank-{kept.id}-{len(holds) + 1}",
                scope=HoldScope.DEBTOR if number is None else HoldScope.INVOICE,
                invoice=number,
                starts_on=book.today,
                until=book.today + HELD_FOR,
                reason=HELD_BECAUSE,
            )
            await book.place_hold(hold, BY_RULES)
            holds.append(HeldFor(debtor=candidate.debtor, hold=hold.id))
    return tuple(holds)


async def let_go(books: dict[str, Book], kept: Kept, answer: str, by: str = BY_RULES) -> None:
    """Lifts the holds of an entry that is answered, and closes the question about it."""
    for one in kept.holds:
        await books[one.debtor].lift_hold(one.hold, by)
    if kept.state is State.ASKED and kept.debtor in books:
        await tasks.close_if_open(books[kept.debtor], match_key(kept), answer, by)


# Questions to people


def allocate_key(creditor: str, payment: str) -> str:
    """Gives the key of the task that asks which invoices a payment is for."""
    return f"allocate:{creditor}:{payment}"


def match_key(kept: Kept) -> str:
    """Gives the key of the task that asks whose money an entry is."""
    return f"match:{kept.creditor}:{kept.id}"


async def ask_what_for(book: Book, kept: Kept, payment: str, proposal: dict[str, Any]) -> None:
    """Asks for which invoices a debtor's money is."""
    free = next((one.unallocated for one in book.account.payments if one.reference == payment), ZERO)
    if free > ZERO:
        detail = _detail(kept, proposal) | {"payment": payment, "unallocated": f"{free:.2f}"}
        await tasks.ask_again(
            book, "allocate", allocate_key(book.creditor, payment), None, book.today, detail
        )


async def ask_whose(book: Book, kept: Kept, proposal: dict[str, Any]) -> None:
    """Asks whose money an entry is, on the account of the best candidate."""
    await tasks.ask_again(book, "match", match_key(kept), None, book.today, _detail(kept, proposal))


def _detail(kept: Kept, proposal: dict[str, Any]) -> dict[str, Any]:
    return {
        "entry": kept.id,
        "amount": f"{kept.entry.amount:.2f}",
        "currency": kept.entry.currency,
        "booked_on": kept.entry.booked_on.isoformat(),
        "candidates": proposal.get("candidates", []),
        "doubts": proposal.get("doubts", []),
    }
