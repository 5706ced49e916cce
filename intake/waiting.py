"""What had waited for an invoice, applied when it arrives.

In: the events parked under its numbers, in the order in which they came.
Not in: how they came to wait (receipts.py, credits.py).
"""

import json
from collections.abc import Iterable
from typing import Any

from domain.events import (
    EVENT,
    CreditNoteCancelled,
    CreditNoteIssued,
    Event,
    PaymentReceived,
    PaymentReversed,
    StatusReported,
)
from domain.faults import InputRefused, NotFound
from intake.credits import apply_cancellation, apply_credit_note
from intake.lifecycle import apply_status
from intake.receipts import apply_payment
from intake.visit import Visit
from ledger import desk, restoring
from ledger.book import Book

SOURCE = "waiting"
"""The source under which an event is set aside that could not be applied when its invoice came."""


async def apply(visit: Visit, book: Book, numbers: Iterable[str]) -> str:
    """Applies what waited for invoices of this account, and says so in words.

    What cannot be applied does not keep the invoice out: it is set aside, where it can be mended.
    """
    applied = aside = 0
    for number in sorted(numbers):
        for facts in await desk.unpark(visit.conn, book.creditor, number):
            try:
                if facts.get("type") == restoring.RESTORED:
                    applied += await restoring.restore_kept(book, facts)
                else:
                    applied += await _apply(visit, book, EVENT.validate_python(facts))
            except InputRefused as refusal:
                aside += 1
                await _set_aside(visit, facts, refusal)
    words = f"; {applied} that waited for it applied" if applied else ""
    return words + (f"; {aside} that waited for it set aside" if aside else "")


async def _apply(visit: Visit, book: Book, event: Event) -> bool:
    match event:
        case StatusReported():
            return await apply_status(visit, book, event) is not None
        case PaymentReceived():
            return await apply_payment(visit, book, event, late=True)
        case CreditNoteIssued():
            return await apply_credit_note(book, event)
        case PaymentReversed():
            try:
                return await book.reverse_payment(event.reference, event.reason)
            except NotFound:
                remedy = "the payment it reverses could not be applied; mend that one first"
                raise InputRefused(field="reference", value=event.reference, remedy=remedy) from None
        case CreditNoteCancelled():
            return (await apply_cancellation(book, event))[1]
        case _:
            raise InputRefused(
                field="type", value=event.type, remedy="does not wait for invoices; send it again"
            )


async def _set_aside(visit: Visit, facts: dict[str, Any], refusal: InputRefused) -> None:
    problem = {"field": refusal.field, "value": refusal.value, "remedy": refusal.remedy, "creditor": None}
    await desk.set_aside(visit.conn, SOURCE, None, json.dumps(facts), problem, visit.now)
