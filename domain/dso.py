"""Days sales outstanding: how many days of sales wait to be paid, by both methods.

In: the simple method, the method that counts sales back (exhaustion), and the months it counts.
Not in: how old what is owed is (ageing.py).

All amounts are of one currency and include VAT. Sources: the formulas and examples that divalto,
magicoffice and creditguru.com publish; tests/domain/test_dso.py holds them.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from domain.fact import ZERO

ONE_DAY = timedelta(days=1)


class Month(NamedTuple):
    """States what was sold in a month, or in as much of it as is over."""

    days: int
    sales: Decimal


class CountedBack(NamedTuple):
    """States how many days of sales are owed; not `whole` where more is owed than all sales known."""

    days: Decimal
    whole: bool


def simple(receivables: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """Divides what is owed by what was sold in so many days; None where nothing was sold.

    Of what is not due yet alone, it gives the best possible DSO; the difference is the average delay.
    """
    return receivables / sales * days if sales > ZERO else None


def counted_back(receivables: Decimal, months: Iterable[Month]) -> CountedBack:
    """Takes month after month off what is owed, the latest first; the last one counts in proportion."""
    left, days = receivables, Decimal(0)
    for month in months:
        if left <= ZERO:
            break
        part = min(Decimal(1), left / month.sales) if month.sales > ZERO else Decimal(1)
        days += part * month.days
        left -= max(month.sales, ZERO)
    return CountedBack(days, left <= ZERO)


def months_back(sales: Mapping[date, Decimal], today: date) -> Iterator[Month]:
    """Sums daily sales by month, the present one up to today first, back to that of the first sale."""
    first = min(sales, default=today)
    end = today
    while end >= first:
        start = end.replace(day=1)
        sold = (amount for day, amount in sales.items() if start <= day <= end)
        whole = monthrange(end.year, end.month)[1]
        yield Month(end.day if end == today else whole, sum(sold, ZERO))
        end = start - ONE_DAY
