"""Credit notes at the door: issued for an invoice or for an account, and cancelled.

In: which maturity of an invoice a credit note reduces, and the wait for an invoice that is not known.
Not in: payments (receipts.py).
"""

from decimal import Decimal

import sqlalchemy as sa
from pydantic import ValidationError

from domain.events import CreditNoteCancelled, CreditNoteIssued
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.receivable import CreditNote
from intake import lifecycle
from intake.admission import Admission, Status
from intake.readers.rows import explained
from intake.visit import Visit, closed_as
from ledger.book import Book
from ledger.schema import credit_notes, invoices


async def credit_note_issued(visit: Visit, event: CreditNoteIssued) -> Admission:
    """Records a credit note; one for an unknown invoice waits."""
    await visit.creditor(event.creditor)
    wanted = (event.invoice,) if event.invoice is not None else ()
    await visit.take_turn(event.creditor, wanted)
    known = await visit.known(event.creditor, wanted) if wanted else []
    if wanted and not known:
        return await _wait(visit, event)
    debtor = known[0].debtor if known else event.debtor or ""
    if event.debtor not in {None, debtor}:
        raise InputRefused(
            field="debtor",
            value=event.debtor,
            remedy=f"invoice {event.invoice} is on the account of debtor {debtor}; correct one of the two",
        )
    book = await visit.book(event.creditor, debtor)
    numbers = tuple(one.number for one in known)
    closed = closed_as(book, numbers)
    if not await apply_credit_note(book, event):
        return _answer(event, Status.KNOWN, numbers, f"credit note {event.number} was known{closed}")
    await book.settle()
    on = f" on {', '.join(numbers)}" if numbers else " on the account"
    what = f"credit note {event.number} of {event.total:.2f} {event.currency} recorded{on}{closed}"
    return _answer(event, Status.TAKEN, numbers, what)


def _answer(event: CreditNoteIssued, status: Status, numbers: tuple[str, ...], what: str) -> Admission:
    return Admission(status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=what)


async def _wait(visit: Visit, event: CreditNoteIssued) -> Admission:
    assert event.invoice is not None
    if event.debtor is not None and not await visit.has_debtor(event.creditor, event.debtor):
        raise InputRefused(
            field="debtor",
            value=event.debtor,
            remedy=f"is not a known debtor of {event.creditor}; register it first, or correct the name",
        )
    facts = event.model_dump(mode="json")
    parked = await visit.parked(event.creditor, event.type, "number", event.number)
    if any(one != facts for one in parked.values()) or await _owner(visit, event.creditor, event.number):
        raise _other_facts(event)
    new = await visit.park(event.creditor, (event.invoice,), event)
    what = f"credit note {event.number} waits for invoice {event.invoice}" + ("" if new else " already")
    return _answer(event, Status.WAITING if new else Status.KNOWN, (event.invoice,), what)


def _other_facts(event: CreditNoteIssued) -> InputRefused:
    return InputRefused(
        "number", event.number, "is a credit note known with other facts; cancel it and send a new number"
    )


async def _owner(visit: Visit, creditor: str, number: str) -> str | None:
    """Finds on whose account a credit note is, as a whole or split over maturities."""
    columns = credit_notes.c
    of = (invoices.c.creditor == columns.creditor) & (invoices.c.number == columns.invoice)
    part = (columns.number == f"{number}/1") & (invoices.c.number != invoices.c.document)
    query = (
        sa.select(columns.debtor)
        .join_from(credit_notes, invoices, of, isouter=True)
        .where(columns.creditor == creditor, columns.number.in_((number, f"{number}/1")))
        .where((columns.number == number) | part)
        .order_by(columns.number)
    )
    found: str | None = (await visit.conn.execute(query)).scalars().first()
    return found


def _recorded(book: Book, number: str, invoice: str | None) -> list[CreditNote]:
    """Finds a credit note on the account, or its parts where it was split over maturities."""
    return [
        note
        for note in book.account.credit_notes
        if note.number == number or _is_part(book, note, number, invoice)
    ]


def _is_part(book: Book, note: CreditNote, number: str, invoice: str | None) -> bool:
    whole, slash, part = note.number.rpartition("/")
    if not slash or whole != number or not part.isdecimal() or note.invoice is None:
        return False
    document = book.case(note.invoice).invoice.document
    return document is not None and invoice in {None, document}


async def apply_credit_note(book: Book, event: CreditNoteIssued) -> bool:
    """Writes a credit note into the account that it belongs to; False where nothing changes.

    Raises InputRefused where the number is known with other facts.
    """
    if event.debtor not in {None, book.debtor}:
        raise InputRefused(
            field="debtor",
            value=event.debtor,
            remedy=f"the invoice is on the account of debtor {book.debtor}; correct one",
        )
    recorded = _recorded(book, event.number, event.invoice)
    if recorded:
        if not _same(book, event, recorded):
            raise _other_facts(event)
        return False
    notes = _split(book, event)
    written = [await book.put_credit_note(note) for note in notes]
    reduced = [note.invoice for note in notes if note.invoice is not None]
    await lifecycle.mended(book, reduced, f"credit note {event.number} came")
    return any(written)


def _same(book: Book, event: CreditNoteIssued, recorded: list[CreditNote]) -> bool:
    first = recorded[0]
    reduced = {note.invoice for note in recorded}
    documents = {book.case(number).invoice.of_document if number else None for number in reduced}
    return (
        sum((note.total for note in recorded), ZERO) == event.total
        and (first.currency, first.issue_date) == (event.currency, event.issue_date)
        and (documents == {event.invoice} or reduced == {event.invoice})
    )


def _split(book: Book, event: CreditNoteIssued) -> list[CreditNote]:
    """Splits a credit note over the maturities of its invoice, the oldest first; the last takes the rest."""
    facts = event.model_dump(exclude={"type"}) | {"debtor": book.debtor}
    cases = [
        case.invoice
        for case in book.account.cases
        if event.invoice in {case.invoice.number, case.invoice.of_document}
    ]
    if len(cases) <= 1:
        return [_note(facts)]
    cases.sort(key=lambda invoice: (invoice.due_date, invoice.number))
    shares: dict[str, Decimal] = {}
    left = event.total
    for invoice in cases:
        share = left if invoice is cases[-1] else min(left, book.account.balance(invoice.number).open)
        if share > ZERO:
            shares[invoice.number] = share
            left -= share
    if len(shares) == 1:
        return [_note(facts | {"invoice": number}) for number in shares]
    return [
        _note(facts | {"number": f"{event.number}/{index}", "invoice": number, "total": share})
        for index, (number, share) in enumerate(shares.items(), start=1)
    ]


def _note(facts: dict[str, object]) -> CreditNote:
    try:
        return CreditNote.model_validate(facts)
    except ValidationError as fault:
        raise explained(fault, model=CreditNote) from fault


async def credit_note_cancelled(visit: Visit, event: CreditNoteCancelled) -> Admission:
    """Records that a credit note no longer counts; the cases that it had closed open again."""
    await visit.creditor(event.creditor)
    owner = await _owner(visit, event.creditor, event.number)
    if owner is None:
        return await _cancel_waiting(visit, event)
    book = await visit.book(event.creditor, owner)
    numbers, changed = await apply_cancellation(book, event)
    if changed:
        await book.settle()
    return Admission(
        status=Status.TAKEN if changed else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        numbers=numbers,
        what=f"credit note {event.number} " + ("cancelled" if changed else "was cancelled already"),
    )


async def apply_cancellation(book: Book, event: CreditNoteCancelled) -> tuple[tuple[str, ...], bool]:
    """Cancels a credit note with all its parts; gives the invoices concerned, and if it changed any."""
    recorded = _recorded(book, event.number, None)
    changed = [await book.cancel_credit_note(note.number) for note in recorded]
    return tuple(note.invoice for note in recorded if note.invoice is not None), any(changed)


async def _cancel_waiting(visit: Visit, event: CreditNoteCancelled) -> Admission:
    parked = await visit.parked(event.creditor, "credit_note.issued", "number", event.number)
    if not parked:
        raise InputRefused(
            field="number",
            value=event.number,
            remedy="is not a known credit note; correct the number or send the credit note first",
        )
    await visit.take_turn(event.creditor, parked)
    if await _owner(visit, event.creditor, event.number) is not None:
        return await credit_note_cancelled(visit, event)
    new = await visit.park(event.creditor, parked, event)
    return Admission(
        status=Status.WAITING if new else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        numbers=tuple(parked),
        what=f"the cancellation waits with credit note {event.number}" + ("" if new else " already"),
    )
