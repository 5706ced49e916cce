"""Days sales outstanding and ages, against published examples.

In: pure functions. Not in: reading them from a record (tests/console/test_overview.py).
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.ageing import Age, age, due_dates
from domain.dso import CountedBack, Month, counted_back, months_back, simple

TODAY = date(2026, 11, 30)
MONTHS = (Month(30, Decimal(1200)), Month(31, Decimal(800)), Month(30, Decimal(700)))


def test_the_simple_method_divides_by_the_sales_of_the_period() -> None:
    """30,000 owed of 60,000 sold in 90 days are 45 days (divalto, magicoffice)."""
    assert simple(Decimal(30000), Decimal(60000), 90) == 45


def test_the_best_possible_counts_only_what_is_not_due() -> None:
    """15,000 owed, 4,000 of it not due, 10,000 sold in 30 days: 45, 12, so 33 of delay (creditguru.com)."""
    all_owed, not_due = (simple(Decimal(owed), Decimal(10000), 30) for owed in (15000, 4000))
    assert all_owed is not None
    assert not_due is not None
    assert [all_owed, not_due, all_owed - not_due] == [45, 12, 33]


def test_counting_back_exhausts_what_is_owed() -> None:
    """2,500 owed take November, October and five sevenths of September: 82.43 days (divalto)."""
    found = counted_back(Decimal(2500), MONTHS)
    assert (round(found.days, 2), found.whole) == (Decimal("82.43"), True)


def test_what_outlasts_the_history_is_not_extrapolated() -> None:
    """More owed than was ever sold is more than the days known, and says so."""
    assert counted_back(Decimal(9999), MONTHS) == CountedBack(Decimal(91), whole=False)
    assert counted_back(Decimal(1), ()) == CountedBack(Decimal(0), whole=False)


def test_a_month_without_sales_counts_whole() -> None:
    """A month in which nothing was sold, or more credited than sold, adds its days and takes nothing off."""
    idle = (Month(30, Decimal(0)), Month(31, Decimal(-50)), Month(30, Decimal(100)))
    assert counted_back(Decimal(50), idle) == CountedBack(Decimal(76), whole=True)
    assert counted_back(Decimal(0), idle) == CountedBack(Decimal(0), whole=True)


def test_without_sales_there_is_no_dso() -> None:
    """Nothing sold in the period gives no figure, rather than an endless one."""
    assert simple(Decimal(100), Decimal(0), 90) is None


def test_the_present_month_counts_as_far_as_it_has_come() -> None:
    """On the 10th the present month has ten days; the months before have all of theirs, empty ones too."""
    sales = {date(2026, 11, 3): Decimal(5), date(2026, 9, 1): Decimal(7), date(2026, 9, 30): Decimal(1)}
    found = list(months_back(sales, date(2026, 11, 10)))
    assert found == [Month(10, Decimal(5)), Month(31, Decimal(0)), Month(30, Decimal(8))]


@pytest.mark.parametrize(
    ("late", "wanted"),
    [
        (-9, "not-due"),
        (0, "not-due"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "over-90"),
    ],
)
def test_an_age_counts_from_the_day_after_the_due_date(late: int, wanted: str) -> None:
    """What falls due today is not due; each age ends where the next one begins."""
    due = TODAY - timedelta(days=late)
    assert age(due, TODAY) == wanted
    first, last = due_dates(Age(wanted), TODAY)
    assert first is None or first <= due
    assert last is None or due <= last
