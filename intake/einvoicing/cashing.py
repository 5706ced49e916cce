"""Money that the creditor's side reports as cashed: recorded once, whoever else tells of it.

In: status 212; finding the same money on record already.
Not in: money that the bank reports (intake/bank/), which finds what was recorded here (domain/matching.py).
"""

from datetime import date, timedelta
from decimal import Decimal

from domain.calendars import ONE_DAY
from domain.events import PaymentReceived
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.receivable import Allocation, Payment
from intake.einvoicing.report import BY_NETWORK, NOTHING_OWED, Report, ask, check_currency, hold
from intake.einvoicing.statuses import key_of
from intake.receipts import apply_payment

DECIDED_WITHIN = timedelta(days=7)

NEAR = timedelta(days=10)
"""How far the day that a status gives may lie from the one on which the same money was received."""


async def cashed(report: Report) -> str:
    """Records the money, unless it is on record already; more than is owed is for a person to decide."""
    status, numbers = report.status, report.numbers
    if status.amount is None:
        raise InputRefused("amount", None, "is missing: status 212 says how much was cashed")
    currency = check_currency(report, numbers)
    received_on = status.effective_on or report.day
    if received_on > report.book.today + ONE_DAY:
        remedy = "lies in the future; record the money once it is there"
        raise InputRefused("effective_on", received_on.isoformat(), remedy)
    known = _on_record(report, status.amount, currency, received_on)
    if known is not None:
        report.facts["same_as"] = known.reference
        if known.unallocated == status.amount and report.open >= status.amount:
            await _allocate(report, known, status.amount)
            return f"the money was on the account (payment {known.reference}): allocated"
        return f"the money is on record (payment {known.reference})"
    if report.open <= ZERO:
        return NOTHING_OWED
    if status.amount > report.open:
        await ask(report, "cashed-differs", amount=f"{status.amount:.2f}", open=f"{report.open:.2f}")
        return await hold(report, report.book.today + DECIDED_WITHIN, "more cashed than is owed")
    reference = f"cdv:{status.message[:99]}:{key_of(status)}"
    payment = PaymentReceived(
        creditor=status.creditor,
        reference=reference,
        received_on=received_on,
        currency=currency,
        amount=status.amount,
        invoice=status.number,
    )
    await apply_payment(report.visit, report.book, payment)
    return f"payment of {status.amount:.2f} {currency} recorded"


def _on_record(report: Report, amount: Decimal, currency: str, day: date) -> Payment | None:
    """Finds the payment that is this very money: for the same invoice, or on the account for none yet.

    Money that another status told of is other money, and one payment is told of by one status.
    """
    told_of = {one.same_as for one in report.before}
    near = [
        one
        for one in report.book.account.payments
        if (one.currency, one.reversed) == (currency, False)
        and one.reference not in told_of
        and not one.reference.startswith("cdv:")
        and abs(one.received_on - day) <= NEAR
    ]
    near.sort(key=lambda one: (abs(one.received_on - day), one.reference))
    given = [one for one in near if _given(one, report.numbers) == amount]
    free = [one for one in near if one.unallocated == amount]
    if given:
        return given[0]
    return free[0] if len(free) == 1 else None


def _given(payment: Payment, numbers: tuple[str, ...]) -> Decimal:
    return sum((part.amount for part in payment.allocations if part.invoice in numbers), ZERO)


async def _allocate(report: Report, payment: Payment, amount: Decimal) -> None:
    """Gives unallocated money to the cases of the invoice, the oldest due date first."""
    parts = list(payment.allocations)
    for number in report.owing:
        share = min(amount, report.book.account.balance(number).open)
        if share > ZERO:
            parts.append(Allocation(invoice=number, amount=share))
            amount -= share
    await report.book.allocate(payment.reference, tuple(parts), BY_NETWORK)
