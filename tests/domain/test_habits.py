"""How a debtor pays: days late, plain and weighted, month by month, and promises."""

from datetime import date
from decimal import Decimal

from domain.account import Account
from domain.habits import by_month, lateness, paid, promises, year_back
from tests.domain import build

RULES = build.ladder(10)
TODAY = build.day("2026-06-15")


def customer(**more: object) -> Account:
    """Gives three invoices of 100, 300 and 50: paid 10 days late, 2 days early, and not."""
    owed = (
        build.invoice("F-1", due="2026-03-31", total="100.00"),
        build.invoice("F-2", due="2026-05-31", total="300.00"),
        build.invoice("F-3", due="2026-05-31", total="50.00"),
    )
    came = (
        build.payment("60.00", reference="V-1", on="2026-04-02", F_1="60.00"),
        build.payment("40.00", reference="V-2", on="2026-04-10", F_1="40.00"),
        build.payment("300.00", reference="V-3", on="2026-05-29", F_2="300.00"),
        build.payment("50.00", reference="V-4", on="2026-06-01", F_3="50.00", reversed=True),
    )
    return build.account(RULES, *owed, payments=came, **more)


def test_an_invoice_is_paid_on_the_day_of_the_money_that_settled_it() -> None:
    """The last of several payments counts, and money that came back counts for nothing."""
    assert [(one.number, one.days_late) for one in paid(customer())] == [("F-2", -2), ("F-1", 10)]


def test_the_average_is_plain_and_weighted_by_amounts() -> None:
    """Ten days late on 100 and two early on 300: four days plain, (1000 - 600) / 400 = one day weighted."""
    late = lateness(paid(customer()))
    assert late is not None
    assert (late.count, late.plain, late.weighted) == (2, Decimal("4.0"), {"EUR": Decimal("1.0")})
    assert lateness(()) is None


def test_a_year_has_twelve_months_with_this_one_as_the_last() -> None:
    """Each payment stands in the month in which it came; months without any are empty."""
    months = by_month(paid(customer()), TODAY)
    assert year_back(TODAY) == months[0].first == date(2025, 7, 1)
    assert [one.first for one in months][-3:] == [date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)]
    assert [one.late.plain if one.late else None for one in months[-3:]] == [Decimal(10), Decimal(-2), None]
    assert year_back(build.day("2026-12-31")) == date(2026, 1, 1)


def test_promises_are_counted_by_what_became_of_them() -> None:
    """A promise that money kept, one that it did not, and one under way; a dispute is no promise."""
    made = {"made_on": "2026-05-01", "owed": "50.00", "invoices": ("F-3",)}
    agreements = (
        made
        | {"kind": "promise", "id": "P-1", "invoices": ("F-2",), "owed": "300.00", "pay_by": "2026-05-30"},
        made | {"kind": "promise", "id": "P-2", "pay_by": "2026-05-20"},
        made | {"kind": "promise", "id": "P-3", "pay_by": "2026-07-01"},
        made | {"kind": "dispute", "id": "D-1", "reason": "price", "until": "2026-07-01"},
    )
    told = promises(customer(agreements=agreements), TODAY)
    assert (told.kept, told.partly, told.broken, told.running) == (1, 0, 1, 1)
