"""Invoices at the door: new ones, later versions, and those given up.

In: due dates, maturities, the policy of a new case, and what had waited for the invoice.
Not in: money (receipts.py, credits.py).
"""

from datetime import date

from pydantic import ValidationError

from domain import terms
from domain.events import InvoiceCreated, InvoiceWrittenOff
from domain.faults import InputRefused
from domain.policy import DunningPolicy
from domain.receivable import Creditor, DueDateSource, Invoice
from intake import lifecycle, waiting
from intake.admission import Admission, Status
from intake.parties import check_policy
from intake.readers.rows import explained
from intake.visit import Known, Visit, closed_as
from intake.warnings import Warned, warnings
from ledger import policies
from ledger.book import Book

FOUND = {
    DueDateSource.INVOICE: "",
    DueDateSource.TERMS: " by its terms",
    DueDateSource.DEBTOR_TERMS: " by the debtor's terms",
    DueDateSource.CREDITOR_TERMS: " by the creditor's terms",
    DueDateSource.LEGAL_DEFAULT: f" by the legal default of {terms.LEGAL_TERM_DAYS} days",
}


async def invoice_created(visit: Visit, event: InvoiceCreated) -> Admission:
    """Opens a case for each maturity of a new invoice, or takes over what a later version says."""
    creditor = await visit.creditor(event.creditor)
    numbers = _numbers(event)
    await visit.take_turn(event.creditor, {event.number, *numbers})
    known = await visit.known(event.creditor, {event.number, *numbers})
    _check_debtor(event, known)
    book = await visit.book(event.creditor, event.debtor)
    _check_maturities(event, known, numbers)
    closed = closed_as(book, numbers) if known else ""
    parts = _parts(event, numbers, creditor, book)
    doubts = warnings(event, creditor, book.account.debtor)
    if not known:
        policy = _policy(visit, event, creditor, book)
        version = await policies.store(visit.conn, policy, visit.now)
        for part in parts:
            await book.open_case(part, version, version=event.version)
        applied = await waiting.apply(visit, book, {event.number, *numbers})
        await book.settle()
        return _answer(event, Status.TAKEN, numbers, _opened(parts, policy) + applied, doubts)
    changed = [await book.revise_invoice(part, event.version) for part in parts]
    if not any(changed):
        what = f"invoice {event.number} was known" + closed
        if event.version < known[0].version:
            what = f"invoice {event.number} is known in the later version {known[0].version}" + closed
        return _answer(event, Status.KNOWN, numbers, what)
    if event.version == known[0].version:
        await book.settle()
        return _answer(event, Status.TAKEN, numbers, f"invoice {event.number} completed" + closed, doubts)
    await lifecycle.mended(book, numbers, f"version {event.version} came")
    await book.settle()
    what = f"invoice {event.number} revised to version {event.version}, due {_dues(parts)}"
    return _answer(event, Status.TAKEN, numbers, what + closed, doubts)


def _answer(
    event: InvoiceCreated,
    status: Status,
    numbers: tuple[str, ...],
    what: str,
    doubts: tuple[Warned, ...] = (),
) -> Admission:
    return Admission(
        status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=what, warnings=doubts
    )


def _opened(parts: tuple[Invoice, ...], policy: DunningPolicy) -> str:
    return f"invoice {parts[0].of_document} opened, due {_dues(parts)}, under {policy.id}"


def _dues(parts: tuple[Invoice, ...]) -> str:
    return ", ".join(f"{part.due_date}{FOUND[part.due_date_source]}" for part in parts)


def _numbers(event: InvoiceCreated) -> tuple[str, ...]:
    """Numbers the cases of an invoice: its own number, or one for each maturity."""
    if len(event.maturities) <= 1:
        return (event.number,)
    return tuple(f"{event.number}/{index}" for index in range(1, len(event.maturities) + 1))


def _check_debtor(event: InvoiceCreated, known: list[Known]) -> None:
    others = {one.debtor for one in known} - {event.debtor}
    if others:
        raise InputRefused(
            field="debtor",
            value=event.debtor,
            remedy=f"invoice {event.number} is on the account of {others.pop()}; correct one of the two",
        )


def _check_maturities(event: InvoiceCreated, known: list[Known], numbers: tuple[str, ...]) -> None:
    stray = {one.number for one in known if one.document != event.number}
    if stray:
        raise InputRefused(
            field="number",
            value=event.number,
            remedy=f"{stray.pop()} belongs to another document; give the invoice another number",
        )
    if known and {one.number for one in known} != set(numbers):
        raise InputRefused(
            field="maturities",
            value=len(event.maturities),
            remedy=f"invoice {event.number} is known with {len(known)} due dates; "
            "cancel it by a credit note and send it under a new number",
        )


def _policy(visit: Visit, event: InvoiceCreated, creditor: Creditor, book: Book) -> DunningPolicy:
    """Chooses the policy of a new case: the invoice's, else the debtor's, else the creditor's."""
    policy = event.policy or book.account.debtor.policy or creditor.policy
    check_policy(visit, "policy", policy)
    return visit.catalogue[policy]


def _parts(
    event: InvoiceCreated, numbers: tuple[str, ...], creditor: Creditor, book: Book
) -> tuple[Invoice, ...]:
    """Makes the invoice of each maturity."""
    due, source = _due(event, numbers[0], creditor, book)
    stated = [(part.due_date, part.amount) for part in event.maturities] or [(due, event.total)]
    made = (
        _invoice(event, number, (day, source if not event.maturities else DueDateSource.INVOICE), amount)
        for number, (day, amount) in zip(numbers, stated, strict=True)
    )
    return tuple(_delivered(part, book) for part in made)


def _delivered(part: Invoice, book: Book) -> Invoice:
    """Keeps the day of delivery that the network reported: who sends the invoice need not know it."""
    if part.delivered_on is not None or not book.has_case(part.number):
        return part
    return part.model_copy(update={"delivered_on": book.case(part.number).invoice.delivered_on})


def _invoice(event: InvoiceCreated, number: str, due: tuple[date, DueDateSource], amount: object) -> Invoice:
    facts = event.model_dump(exclude={"type", "terms_days", "maturities", "version"})
    facts |= {"number": number, "due_date": due[0], "due_date_source": due[1], "total": amount}
    if number != event.number:
        facts["document"] = event.number
    try:
        return Invoice.model_validate(facts)
    except ValidationError as fault:
        raise explained(fault, model=Invoice) from fault


def _due(event: InvoiceCreated, number: str, creditor: Creditor, book: Book) -> tuple[date, DueDateSource]:
    """Finds the due date; an event that states none does not move that of a known version."""
    if event.due_date is None and event.terms_days is None and book.has_case(number):
        invoice, version = book.case(number).invoice, book.stored[number].version
        if version == event.version and invoice.issue_date == event.issue_date:
            return invoice.due_date, invoice.due_date_source
    return terms.due_date(
        event.issue_date,
        stated=event.due_date,
        terms_days=event.terms_days,
        debtor_terms_days=book.account.debtor.terms_days,
        creditor_terms_days=creditor.terms_days,
    )


async def invoice_written_off(visit: Visit, event: InvoiceWrittenOff) -> Admission:
    """Gives an invoice up with all its maturities, or takes that back."""
    await visit.creditor(event.creditor)
    await visit.take_turn(event.creditor, {event.number})
    known = await visit.known(event.creditor, {event.number})
    if not known:
        raise InputRefused(
            field="number",
            value=event.number,
            remedy="is not a known invoice; correct the number or send the invoice first",
        )
    book = await visit.book(event.creditor, known[0].debtor)
    numbers = tuple(one.number for one in known)
    closed = closed_as(book, numbers)
    changed = [
        await book.write_off(number, reason=event.reason, written_off=event.written_off) for number in numbers
    ]
    if any(changed):
        await book.settle()
        what = "written off" if event.written_off else "no longer written off"
        closed = closed if event.written_off else ""
    else:
        what = "was written off already" if event.written_off else "was not written off"
        closed = ""
    return Admission(
        status=Status.TAKEN if any(changed) else Status.KNOWN,
        event=event.type,
        creditor=event.creditor,
        numbers=numbers,
        what=f"invoice {event.number} {what}{closed}",
    )
