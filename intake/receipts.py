"""Payments at the door: received for one invoice, several or none, and those that came back.

In: whose money it is, and which part of it each invoice gets.
Not in: credit notes (credits.py), and what unallocated money means (domain/account.py).
"""

from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.calendars import ONE_DAY
from domain.events import EVENT, PaymentReceived, PaymentReversed
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.receivable import Allocation, Allowance, Payment
from intake.admission import Admission, Status
from intake.visit import Known, Visit, closed_as
from ledger.book import Book
from ledger.schema import payments

BY_INTAKE = "intake"
"""The author of allocations that follow from an event."""


def named(event: PaymentReceived) -> dict[str, Decimal]:
    """Gives the invoices that a payment names, each with the most it may get."""
    if event.invoice is not None:
        return {event.invoice: event.amount}
    parts: dict[str, Decimal] = {}
    for part in event.allocations:
        parts[part.invoice] = parts.get(part.invoice, ZERO) + part.amount
    return parts


def _let_go(event: PaymentReceived) -> dict[str, tuple[Decimal, Allowance]]:
    """Gives what is let go with the money for each invoice named, and why.

    Raises InputRefused where nobody says why, or where two reasons are given for one invoice.
    """
    found: dict[str, tuple[Decimal, Allowance]] = {}
    for part in event.allocations:
        if part.allowed <= ZERO:
            continue
        before, reason = found.get(part.invoice, (ZERO, part.allowance))
        if part.allowance is None or reason is not part.allowance:
            remedy = f"say why {part.allowed:.2f} of {part.invoice} is let go: {', '.join(Allowance)}"
            raise InputRefused("allocations.allowance", None, remedy)
        found[part.invoice] = (before + part.allowed, part.allowance)
    return found


async def payment_received(visit: Visit, event: PaymentReceived) -> Admission:
    """Records a payment; one whose invoices and debtor are all unknown waits."""
    owner = await visit.creditor(event.creditor)
    _let_go(event)
    today = visit.now.astimezone(ZoneInfo(owner.time_zone)).date()
    if event.received_on > today + ONE_DAY:
        raise InputRefused(
            field="received_on",
            value=event.received_on.isoformat(),
            remedy="lies in the future; record the money once it is there",
        )
    wanted = named(event)
    await visit.take_turn(event.creditor, wanted)
    known = await visit.known(event.creditor, wanted) if wanted else []
    debtor = _debtor(event, known)
    if debtor is None:
        return await _wait(visit, event)
    book = await visit.book(event.creditor, debtor)
    found = {name for one in known for name in (one.number, one.document)}
    unknown = [number for number in wanted if number not in found]
    numbers = tuple(one.number for one in known)
    closed = closed_as(book, numbers)
    if not await apply_payment(visit, book, event):
        return _answer(event, Status.KNOWN, numbers, f"the payment was known{closed}")
    await visit.park(event.creditor, unknown, event)
    await book.settle()
    return _answer(event, Status.TAKEN, numbers, _recorded(book, event) + _missing(unknown) + closed)


def _answer(event: PaymentReceived, status: Status, numbers: tuple[str, ...], what: str) -> Admission:
    return Admission(status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=what)


def _recorded(book: Book, event: PaymentReceived) -> str:
    payment = next(one for one in book.account.payments if one.reference == event.reference)
    on = ", ".join(part.invoice for part in payment.allocations)
    what = f"payment of {payment.amount:.2f} {payment.currency} recorded"
    if on:
        what += f" on {on}"
    let_go = [part for part in payment.allocations if part.allowed > ZERO and part.allowance is not None]
    what += "".join(f"; {one.allowed:.2f} let go on {one.invoice} ({one.allowance})" for one in let_go)
    return what + (f"; {payment.unallocated:.2f} left unallocated" if payment.unallocated > ZERO else "")


def _missing(unknown: list[str]) -> str:
    return f"; {', '.join(unknown)} is not known yet and gets its part when it arrives" if unknown else ""


def _debtor(event: PaymentReceived, known: list[Known]) -> str | None:
    """Tells whose account the money is on; None where nothing says it yet."""
    owners = {one.debtor: one.number for one in known}
    if event.debtor is not None:
        owners.pop(event.debtor, None)
        if owners:
            other, number = owners.popitem()
            raise InputRefused(
                field="debtor",
                value=event.debtor,
                remedy=f"invoice {number} is on the account of debtor {other}; correct one of the two",
            )
        return event.debtor
    if len(owners) > 1:
        raise InputRefused(
            field="allocations",
            value=", ".join(sorted(owners.values())),
            remedy="are invoices of different debtors; send one payment for each debtor",
        )
    return next(iter(owners), None)


async def _wait(visit: Visit, event: PaymentReceived) -> Admission:
    wanted = tuple(named(event))
    if await _owner(visit, event.creditor, event.reference) is not None:
        raise _other_facts(event)
    parked = await visit.parked(event.creditor, event.type, "reference", event.reference)
    # Compared as facts: what an earlier release parked lacks the fields that have come since.
    if any(EVENT.validate_python(one) != event for one in parked.values()):
        raise _other_facts(event)
    new = await visit.park(event.creditor, [name for name in wanted if name not in parked], event)
    what = f"the payment waits for invoice {', '.join(wanted)}"
    return _answer(event, Status.WAITING if new else Status.KNOWN, wanted, what if new else f"{what} already")


async def _owner(visit: Visit, creditor: str, reference: str) -> str | None:
    query = sa.select(payments.c.debtor).where(
        payments.c.creditor == creditor, payments.c.reference == reference
    )
    found: str | None = (await visit.conn.execute(query)).scalar_one_or_none()
    return found


def _other_facts(event: PaymentReceived) -> InputRefused:
    return InputRefused(
        "reference",
        event.reference,
        "is a payment known with other facts; give this one a reference of its own, or reverse the first",
    )


async def apply_payment(visit: Visit, book: Book, event: PaymentReceived, *, late: bool = False) -> bool:
    """Writes a payment into the account that it belongs to; False where nothing changes.

    `late` says that an invoice which the payment names has just arrived: a payment that is known then
    gives it what is left. Raises InputRefused where the reference is known with other facts.
    """
    wanted = named(event)
    if event.debtor not in {None, book.debtor}:
        raise InputRefused(
            field="debtor",
            value=event.debtor,
            remedy=f"the invoice is on the account of debtor {book.debtor}; correct one",
        )
    owner = await _owner(visit, event.creditor, event.reference)
    if owner is None:
        payment = Payment(
            creditor=event.creditor,
            reference=event.reference,
            debtor=book.debtor,
            received_on=event.received_on,
            currency=event.currency,
            amount=event.amount,
            allocations=_shares(book, wanted, event.amount, event.currency, _let_go(event)),
        )
        return await book.put_payment(payment)
    known = next((one for one in book.account.payments if one.reference == event.reference), None)
    if known is None or not await _same(visit, book, event, known):
        raise _other_facts(event)
    if not late or known.reversed:
        return False
    given = {part.invoice for part in known.allocations}
    unmet = {number: most for number, most in wanted.items() if not given & set(_cases(book, number))}
    more = _shares(book, unmet, known.unallocated, event.currency, _let_go(event))
    return bool(more) and await book.allocate(event.reference, (*known.allocations, *more), BY_INTAKE)


async def _same(visit: Visit, book: Book, event: PaymentReceived, known: Payment) -> bool:
    """Tells whether a payment on record is the one of the event, as it was first stated.

    What each invoice got depends on what it owed then, so only the invoices named are compared.
    """
    if (known.amount, known.currency, known.received_on) != (event.amount, event.currency, event.received_on):
        return False
    query = sa.select(payments.c.stated).where(
        payments.c.creditor == event.creditor, payments.c.reference == event.reference
    )
    stated = (await visit.conn.execute(query)).scalar_one()
    names = named(event)
    return all(
        part["invoice"] in names or book.case(part["invoice"]).invoice.of_document in names
        for part in stated["allocations"]
    )


def _cases(book: Book, name: str) -> list[str]:
    """Lists the cases that a number or a document names, the oldest due date first."""
    found = [
        case.invoice for case in book.account.cases if name in {case.invoice.number, case.invoice.of_document}
    ]
    return [
        invoice.number for invoice in sorted(found, key=lambda invoice: (invoice.due_date, invoice.number))
    ]


def _shares(
    book: Book,
    wanted: Mapping[str, Decimal],
    money: Decimal,
    currency: str,
    let_go: Mapping[str, tuple[Decimal, Allowance]],
) -> tuple[Allocation, ...]:
    """Shares money out: the oldest maturity first, and never more than an invoice owes.

    What is let go comes on top of the money, on the invoices that get some, where they still owe it.
    """
    shares: dict[str, Decimal] = {}
    extras: dict[str, tuple[Decimal, Allowance]] = {}
    for name, most in wanted.items():
        free = min(most, money)
        numbers = _cases(book, name)
        for number in numbers:
            owed_in = book.case(number).invoice.currency
            if owed_in != currency:
                raise InputRefused(
                    field="currency",
                    value=currency,
                    remedy=f"invoice {number} is in {owed_in}; name only the debtor to keep it unallocated",
                )
            share = min(free, book.account.balance(number).open - shares.get(number, ZERO))
            if share > ZERO:
                shares[number] = shares.get(number, ZERO) + share
                free -= share
                money -= share
        left, reason = let_go.get(name, (ZERO, Allowance.DIFFERENCE))
        for number in numbers:
            extra = min(left, book.account.balance(number).open - shares.get(number, ZERO))
            if number in shares and number not in extras and extra > ZERO:
                extras[number] = (extra, reason)
                left -= extra
    return tuple(
        Allocation(
            invoice=number,
            amount=share,
            allowed=extras[number][0] if number in extras else ZERO,
            allowance=extras[number][1] if number in extras else None,
        )
        for number, share in shares.items()
    )


async def payment_reversed(visit: Visit, event: PaymentReversed) -> Admission:
    """Records that a payment came back; the cases that it had closed open again."""
    await visit.creditor(event.creditor)
    owner = await _owner(visit, event.creditor, event.reference)
    if owner is None:
        return await _reverse_waiting(visit, event)
    book = await visit.book(event.creditor, owner)
    payment = next(one for one in book.account.payments if one.reference == event.reference)
    numbers = tuple(part.invoice for part in payment.allocations)
    changed = await book.reverse_payment(event.reference, event.reason)
    if changed:
        await book.settle()
    return Admission(
        status=Status.TAKEN if changed else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        numbers=numbers,
        what="the payment was reversed" if changed else "the reversal was known",
    )


async def _reverse_waiting(visit: Visit, event: PaymentReversed) -> Admission:
    parked = await visit.parked(event.creditor, "payment.received", "reference", event.reference)
    if not parked:
        raise InputRefused(
            field="reference",
            value=event.reference,
            remedy="is not a known payment; correct the reference or send the payment first",
        )
    # Taken in turn with the invoice: it may arrive at this very moment and take the payment along.
    await visit.take_turn(event.creditor, parked)
    if await _owner(visit, event.creditor, event.reference) is not None:
        return await payment_reversed(visit, event)
    new = await visit.park(event.creditor, parked, event)
    return Admission(
        status=Status.WAITING if new else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        numbers=tuple(parked),
        what="the reversal waits with its payment" + ("" if new else " already"),
    )
