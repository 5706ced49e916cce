"""Money: payments, what they are for, their return; credit notes and their cancellation.

In: what a receipt changes on the account, and which messages it crossed.
Not in: receipts for invoices that are not known yet (waiting.py), and balances (domain/account.py).
"""

from typing import Any

import sqlalchemy as sa

from domain.fact import ZERO
from domain.faults import InputRefused, NotFound
from domain.receivable import Allocation, CreditNote, Payment
from ledger import agreements, tasks
from ledger.folio import Folio
from ledger.schema import allocations, credit_notes, messages, payments
from ledger.writing import insert_once

UNDER_WAY = ("reserved", "handing_over", "ambiguous", "sent")
"""States of a message that a payment may cross."""


async def put_payment(folio: Folio, payment: Payment) -> bool:
    """Records a payment, once by its reference; False for one known with the same facts."""
    stated = payment.model_dump(mode="json", exclude={"recorded_at", "reversed"})
    row = {
        "creditor": folio.creditor,
        "reference": payment.reference,
        "debtor": folio.debtor,
        "received_on": payment.received_on,
        "currency": payment.currency,
        "amount": payment.amount,
        "stated": stated,
        "recorded_at": payment.recorded_at or folio.now,
        "reversed": False,
    }
    known = await _stated(folio, payment.reference)
    if known is None:
        _check_parts(folio, payment.currency, payment.allocations)
        if not await insert_once(folio.conn, payments, row):
            known = await _stated(folio, payment.reference)
    if known is not None:
        # Compared as facts: what an earlier release stored lacks the fields that have come since.
        if Payment.model_validate(known) == Payment.model_validate(stated):
            return False
        raise InputRefused(
            field="reference",
            value=payment.reference,
            remedy="this payment is known with other facts; give the new one a reference of its own, "
            "or reverse the first",
        )
    await _write_parts(folio, payment.reference, payment.allocations)
    payment = payment.model_copy(update={"recorded_at": payment.recorded_at or folio.now, "reversed": False})
    folio.amend(payments=tuple(sorted((*folio.account.payments, payment), key=lambda one: one.reference)))
    await folio.log(
        "payment.received",
        payment.allocations[0].invoice if len(payment.allocations) == 1 else None,
        stated=stated,
        invoices=[part.invoice for part in payment.allocations],
        crossed=await _cross(folio, payment),
    )
    return True


async def _stated(folio: Folio, reference: str) -> dict[str, Any] | None:
    query = sa.select(payments.c.stated).where(
        payments.c.creditor == folio.creditor, payments.c.reference == reference
    )
    return (await folio.conn.execute(query)).scalar_one_or_none()


def _check_parts(folio: Folio, currency: str, parts: tuple[Allocation, ...]) -> None:
    for part in parts:
        invoice = folio.case(part.invoice).invoice
        if invoice.currency != currency:
            raise InputRefused(
                field="currency",
                value=currency,
                remedy=f"invoice {invoice.number} is in {invoice.currency}; leave the money unallocated",
            )


async def _write_parts(folio: Folio, reference: str, parts: tuple[Allocation, ...]) -> None:
    rows = [
        {
            "creditor": folio.creditor,
            "reference": reference,
            "position": position,
            "invoice": part.invoice,
            "amount": part.amount,
            "allowed": part.allowed if part.allowed > ZERO else None,
            "allowance": part.allowance.value if part.allowance is not None else None,
        }
        for position, part in enumerate(parts)
    ]
    if rows:
        await folio.conn.execute(sa.insert(allocations), rows)


async def _cross(folio: Folio, payment: Payment) -> list[str]:
    """Marks messages that asked for this money although it had been received by their day."""
    if not folio.account.contacts and not folio.account.underway:
        return []
    numbers = {part.invoice for part in payment.allocations} or set(folio.account.open_numbers())
    query = sa.select(messages.c.id, messages.c.invoices).where(
        messages.c.creditor == folio.creditor,
        messages.c.debtor == folio.debtor,
        messages.c.state.in_(UNDER_WAY),
        messages.c.day >= payment.received_on,
        messages.c.crossed.is_(False),
    )
    crossed = [row.id for row in await folio.conn.execute(query) if numbers & set(row.invoices)]
    if crossed:
        await folio.conn.execute(sa.update(messages).where(messages.c.id.in_(crossed)).values(crossed=True))
    return crossed


def _payment(folio: Folio, reference: str) -> Payment:
    for payment in folio.account.payments:
        if payment.reference == reference:
            return payment
    msg = f"no payment {reference!r} on the account of debtor {folio.debtor!r}"
    raise NotFound(msg)


def _amend_payment(folio: Folio, payment: Payment) -> None:
    folio.amend(
        payments=tuple(
            payment if one.reference == payment.reference else one for one in folio.account.payments
        )
    )


async def allocate(folio: Folio, reference: str, parts: tuple[Allocation, ...], author: str) -> bool:
    """Gives a payment's money to invoices; False where it is given so already."""
    payment = _payment(folio, reference)
    if payment.allocations == parts:
        return False
    _check_parts(folio, payment.currency, parts)
    total = sum(part.amount for part in parts)
    if total > payment.amount:
        raise InputRefused(
            field="allocations", value=f"{total:.2f}", remedy=f"the payment is of {payment.amount:.2f} only"
        )
    where = (allocations.c.creditor == folio.creditor) & (allocations.c.reference == reference)
    await folio.conn.execute(sa.delete(allocations).where(where))
    await _write_parts(folio, reference, parts)
    _amend_payment(folio, payment.model_copy(update={"allocations": parts}))
    await folio.log(
        "payment.allocated",
        parts[0].invoice if len(parts) == 1 else None,
        reference=reference,
        allocations=[part.model_dump(mode="json") for part in parts],
        was=[part.model_dump(mode="json") for part in payment.allocations],
        invoices=sorted({part.invoice for part in (*parts, *payment.allocations)}),
        author=author,
    )
    if total == payment.amount:
        await tasks.close_if_open(folio, f"allocate:{folio.creditor}:{reference}", "allocated", author)
    return True


async def reverse_payment(folio: Folio, reference: str, reason: str | None) -> bool:
    """Records that a payment came back; False where that is known."""
    payment = _payment(folio, reference)
    if payment.reversed:
        return False
    where = (payments.c.creditor == folio.creditor) & (payments.c.reference == reference)
    await folio.conn.execute(sa.update(payments).where(where).values(reversed=True))
    _amend_payment(folio, payment.model_copy(update={"reversed": True}))
    numbers = [part.invoice for part in payment.allocations]
    await folio.log(
        "payment.reversed",
        numbers[0] if len(numbers) == 1 else None,
        reference=reference,
        amount=f"{payment.amount:.2f}",
        reason=reason,
        invoices=numbers,
    )
    key = f"allocate:{folio.creditor}:{reference}"
    await tasks.close_if_open(folio, key, "the money came back", "relance")
    return True


async def put_credit_note(folio: Folio, note: CreditNote) -> bool:
    """Records a credit note, once by its number; False for one known with the same facts."""
    facts = note.model_dump(mode="json", exclude={"cancelled"})
    known = await _noted(folio, note.number)
    if known is None:
        if note.invoice is not None:
            invoice = folio.case(note.invoice).invoice
            if invoice.currency != note.currency:
                raise InputRefused(
                    field="currency",
                    value=note.currency,
                    remedy=f"invoice {invoice.number} is in {invoice.currency}",
                )
        row = {
            "creditor": folio.creditor,
            "number": note.number,
            "debtor": folio.debtor,
            "invoice": note.invoice,
            "cancelled": False,
            "facts": facts,
        }
        if not await insert_once(folio.conn, credit_notes, row):
            known = await _noted(folio, note.number)
    if known is not None:
        if CreditNote.model_validate(known) == CreditNote.model_validate(facts):
            return False
        raise InputRefused(
            field="number",
            value=note.number,
            remedy="this credit note is known with other facts; cancel it and send a new number",
        )
    folio.amend(credit_notes=tuple(sorted((*folio.account.credit_notes, note), key=lambda one: one.number)))
    await folio.log("credit_note.issued", note.invoice, stated=facts)
    if note.invoice is not None:
        await agreements.credited(folio, note.invoice)
    return True


async def _noted(folio: Folio, number: str) -> dict[str, Any] | None:
    query = sa.select(credit_notes.c.facts).where(
        credit_notes.c.creditor == folio.creditor, credit_notes.c.number == number
    )
    return (await folio.conn.execute(query)).scalar_one_or_none()


async def cancel_credit_note(folio: Folio, number: str) -> bool:
    """Records that a credit note no longer counts; False where that is known."""
    note = next((one for one in folio.account.credit_notes if one.number == number), None)
    if note is None:
        msg = f"no credit note {number!r} on the account of debtor {folio.debtor!r}"
        raise NotFound(msg)
    if note.cancelled:
        return False
    where = (credit_notes.c.creditor == folio.creditor) & (credit_notes.c.number == number)
    await folio.conn.execute(sa.update(credit_notes).where(where).values(cancelled=True))
    gone = note.model_copy(update={"cancelled": True})
    folio.amend(
        credit_notes=tuple(gone if one.number == number else one for one in folio.account.credit_notes)
    )
    await folio.log("credit_note.cancelled", note.invoice, number=number)
    return True
