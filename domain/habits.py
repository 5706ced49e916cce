"""How a debtor pays: how many days late, which way it goes, whether promises are kept.

In: the invoices that were paid and when, averages plain and weighted, the months of a year, promises.
Not in: what is still owed (account.py, credit.py), and what it says about the next step (schedule.py).

An invoice counts as paid on the day of the money that settled it; paid early, its days are below zero.
The weighted average is sum(amount x days) / sum(amount), within one currency.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from domain.account import Account
from domain.agreements import InstalmentPlan, PromiseToPay
from domain.fact import ZERO, Amount, Fact
from domain.standing import Standing

TENTH = Decimal("0.1")
MONTHS = 12


class Paid(Fact):
    """States that an invoice was paid, and when the last of the money came."""

    number: str
    due_date: date
    paid_on: date
    currency: str
    amount: Amount

    @property
    def days_late(self) -> int:
        """Tells how many days after the due date it was paid."""
        return (self.paid_on - self.due_date).days


class Lateness(Fact):
    """States how late some invoices were paid on average, in days: each alike, and by their amounts."""

    count: int
    plain: Decimal
    weighted: dict[str, Decimal]


class Month(Fact):
    """States how late the invoices were that were paid in a month; None where there were none."""

    first: date
    late: Lateness | None


class Promises(Fact):
    """Counts promises and plans by what became of them."""

    kept: int = 0
    partly: int = 0
    broken: int = 0
    running: int = 0


def paid(account: Account) -> tuple[Paid, ...]:
    """Lists the invoices of an account that money has settled, the latest payment first."""
    came: dict[str, date] = {}
    for payment in account.payments:
        for part in payment.allocations if not payment.reversed else ():
            came[part.invoice] = max(payment.received_on, came.get(part.invoice, date.min))
    found = [
        Paid(
            number=case.invoice.number,
            due_date=case.invoice.due_date,
            paid_on=came[case.invoice.number],
            currency=case.invoice.currency,
            amount=case.invoice.total,
        )
        for case in account.cases
        if case.invoice.number in came and account.balance(case.invoice.number).open == ZERO
    ]
    return tuple(sorted(found, key=lambda one: (one.paid_on, one.number), reverse=True))


def lateness(some: Sequence[Paid]) -> Lateness | None:
    """Averages how late invoices were paid; None for no invoices."""
    if not some:
        return None
    amounts: dict[str, Decimal] = {}
    weights: dict[str, Decimal] = {}
    for one in some:
        amounts[one.currency] = amounts.get(one.currency, ZERO) + one.amount
        weights[one.currency] = weights.get(one.currency, ZERO) + one.amount * one.days_late
    return Lateness(
        count=len(some),
        plain=_rounded(Decimal(sum(one.days_late for one in some)) / len(some)),
        weighted={currency: _rounded(weights[currency] / amount) for currency, amount in amounts.items()},
    )


def _rounded(days: Decimal) -> Decimal:
    return days.quantize(TENTH, ROUND_HALF_UP)


def year_back(today: date) -> date:
    """Gives the first day of the twelve months that end with this one."""
    months = today.year * 12 + today.month - MONTHS
    return date(months // 12, months % 12 + 1, 1)


def by_month(some: Iterable[Paid], today: date) -> tuple[Month, ...]:
    """Averages the last twelve months, this one included, the oldest first."""
    first = year_back(today)
    parts: dict[date, list[Paid]] = {}
    for turn in range(MONTHS):
        months = first.year * 12 + first.month - 1 + turn
        parts[date(months // 12, months % 12 + 1, 1)] = []
    for one in some:
        month = one.paid_on.replace(day=1)
        if month in parts:
            parts[month].append(one)
    return tuple(Month(first=month, late=lateness(ones)) for month, ones in parts.items())


def promises(account: Account, today: date) -> Promises:
    """Counts what became of the promises and instalment plans of an account; withdrawn ones count nowhere."""
    told = Counter(
        account.standing(one, today)
        for one in account.agreements
        if isinstance(one, PromiseToPay | InstalmentPlan)
    )
    return Promises(
        kept=told[Standing.KEPT],
        partly=told[Standing.PARTLY],
        broken=told[Standing.BROKEN],
        running=told[Standing.RUNNING] + told[Standing.PENDING],
    )
