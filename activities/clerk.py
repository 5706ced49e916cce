"""The clerk: writes down what reaches a run directly, and plans where no plan came along.

In: payments reported by signal, passing operators' orders on, planning on request.
Not in: what an order does (ledger/obeying.py), events from files and interfaces (intake/), and anything
that leaves (gate.py).
"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.desk import Desk, attempt_instant, plan_of
from domain.actions import CaseRef, Plan
from domain.calendars import ONE_DAY
from domain.fact import ZERO, cents
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation, Payment
from ledger import desk as words
from ledger.book import Book
from ledger.obeying import carry_out
from workflows.ports import Ledger, OperatorCommand, PaymentReport, Planner, PlanQuery

HIGHEST = Decimal("999999999999.99")
LONGEST_REFERENCE = 128
"""What the record can hold; a report beyond that becomes a task, or its run would ask for ever."""


class Clerk(Ledger):
    """Writes facts down and says what follows from them."""

    def __init__(self, desk: Desk) -> None:
        """Takes the desk to work at."""
        self._desk = desk

    @activity.defn(name="Ledger.record_payment")
    async def record_payment(self, report: PaymentReport) -> Plan:
        """Records a payment reported by signal, once by its reference, and plans anew.

        A report that makes no sense becomes a task: a signal has nobody to answer to.
        """
        now = attempt_instant(report.as_of)
        number = report.case.number
        async with self._desk.book(report.case, now) as book:
            try:
                payment = _read(book, report, now)
                if payment is not None:
                    await book.put_payment(payment)
            except (InputRefused, NotFound) as refused:
                told = sha256(str(report.note.reference).encode()).hexdigest()[:16]
                key = f"report:{report.case.workflow_id}:{told}"
                await book.open_task("report", key, number, book.today, {"problem": str(refused)})
            return await plan_of(book, number)

    @activity.defn(name="Ledger.obey")
    async def obey(self, command: OperatorCommand) -> Plan:
        """Carries out an operator's hold, resume, skip, send-now or approve, and plans anew."""
        now = attempt_instant(command.as_of)
        async with self._desk.book(command.case, now) as book:
            try:
                author, reason = await _words(book, command.order.note)
                await carry_out(book, command, author, reason)
            except (InputRefused, NotAllowed, NotFound) as refused:
                raise ApplicationError(
                    str(refused), type=type(refused).__name__, non_retryable=True
                ) from None
            return await plan_of(book, command.case.number)


class Diary(Planner):
    """Plans where no plan came along."""

    def __init__(self, desk: Desk) -> None:
        """Takes the desk to work at."""
        self._desk = desk

    @activity.defn(name="Planner.next")
    async def next(self, query: PlanQuery) -> Plan:
        """Says what comes next for a case, from the facts as they stand."""
        async with self._desk.book(query.case, attempt_instant(query.as_of)) as book:
            return await plan_of(book, query.case.number)


async def _words(book: Book, note: str) -> tuple[str, str]:
    """Finds who gave an order and why; an order given in Temporal itself may carry no note."""
    if not note:
        return "temporal", ""
    found = await words.read_note(book.conn, note)
    return found.author, found.text


def _read(book: Book, report: PaymentReport, now: datetime) -> Payment | None:
    """Makes a payment of a loosely typed report.

    Gives None where it is known by its reference, or where nothing is open and no amount is given.
    """
    case: CaseRef = report.case
    note = report.note
    invoice = book.case(case.number).invoice
    reference = _reference(note.reference or case.workflow_id)
    if any(payment.reference == reference for payment in book.account.payments):
        return None
    still_open = book.account.balance(case.number).open
    amount = still_open if note.amount is None else _amount(note.amount)
    if note.currency is not None and note.currency != invoice.currency:
        remedy = f"the invoice is in {invoice.currency}"
        raise InputRefused("currency", note.currency, remedy)
    if amount <= ZERO and note.amount is None:
        return None
    part = min(amount, still_open)
    return Payment(
        creditor=case.creditor,
        reference=reference,
        debtor=book.debtor,
        received_on=_day(note.received_on, book.today),
        currency=invoice.currency,
        amount=amount,
        allocations=(Allocation(invoice=case.number, amount=part),) if part > ZERO else (),
        recorded_at=now,
    )


def _reference(stated: str) -> str:
    stated = stated.strip()
    if not stated:
        remedy = "name the payment, or leave the field out"
        raise InputRefused("reference", stated, remedy)
    if len(stated) > LONGEST_REFERENCE or not stated.isprintable():
        remedy = f"write {LONGEST_REFERENCE} printable characters at most"
        raise InputRefused("reference", stated[:LONGEST_REFERENCE], remedy)
    return stated


def _amount(stated: str | float) -> Decimal:
    try:
        amount = Decimal(str(stated))
    except InvalidOperation:
        raise InputRefused("amount", stated, 'write it as a decimal string such as "120.00"') from None
    if not amount.is_finite() or not ZERO < amount <= HIGHEST or amount != cents(amount):
        remedy = f"it must be above zero, at most {HIGHEST}, with two decimals at most"
        raise InputRefused("amount", stated, remedy)
    return amount


def _day(stated: str | None, today: date) -> date:
    if stated is None:
        return today
    try:
        day = date.fromisoformat(stated)
    except ValueError:
        raise InputRefused("received_on", stated, "write the day as 2026-03-31") from None
    if day > today + ONE_DAY:
        raise InputRefused("received_on", stated, "lies in the future; record the money once it is there")
    return day
