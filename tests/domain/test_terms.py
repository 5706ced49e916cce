"""Which due date holds for an invoice that states none, and what an invoice and a payment must say."""

import pytest
from pydantic import ValidationError

from domain.receivable import DueDateSource, Invoice
from domain.terms import due_date
from tests.domain.build import day, invoice, payment

FALLBACKS = [
    (("2026-02-20", 45, 60, 10), "2026-02-20", DueDateSource.INVOICE),
    ((None, 45, 60, 10), "2026-03-01", DueDateSource.TERMS),
    ((None, None, 60, 10), "2026-03-16", DueDateSource.DEBTOR_TERMS),
    ((None, None, None, 10), "2026-01-25", DueDateSource.CREDITOR_TERMS),
    ((None, None, None, None), "2026-02-14", DueDateSource.LEGAL_DEFAULT),
    ((None, 0, 60, 10), "2026-01-15", DueDateSource.TERMS),
]


@pytest.mark.parametrize(("terms", "expected", "source"), FALLBACKS)
def test_the_due_date_falls_back_in_order(
    terms: tuple[str | None, int | None, int | None, int | None], expected: str, source: DueDateSource
) -> None:
    """The invoice's own date wins, then its terms, the debtor's, the creditor's, and thirty days by law."""
    stated, own, debtor_s, creditor_s = terms
    found = due_date(
        day("2026-01-15"),
        stated=day(stated) if stated else None,
        terms_days=own,
        debtor_terms_days=debtor_s,
        creditor_terms_days=creditor_s,
    )
    assert found == (day(expected), source)


@pytest.mark.parametrize(
    ("issued", "net_30", "net_60", "net_45"),
    [
        ("2026-01-02", "2026-02-01", "2026-03-03", "2026-02-16"),
        ("2026-01-15", "2026-02-14", "2026-03-16", "2026-03-01"),
        ("2026-01-31", "2026-03-02", "2026-04-01", "2026-03-17"),
        ("2024-01-15", "2024-02-14", "2024-03-15", "2024-02-29"),
        ("2026-12-31", "2027-01-30", "2027-03-01", "2027-02-14"),
    ],
)
def test_terms_are_days_from_the_invoice_date(issued: str, net_30: str, net_60: str, net_45: str) -> None:
    """Thirty, sixty and forty-five days net are civil days, over month ends and leap years, never moved."""
    for days_, expected in ((None, net_30), (60, net_60), (45, net_45)):
        found, _ = due_date(
            day(issued), stated=None, terms_days=days_, debtor_terms_days=None, creditor_terms_days=None
        )
        assert found == day(expected)


@pytest.mark.parametrize("total", ["0.00", "-1.00", "10.001", "NaN"])
def test_an_invoice_asks_for_real_money(total: str) -> None:
    """A total of nothing, below nothing or with more than two decimals is refused."""
    with pytest.raises(ValidationError, match="total"):
        invoice(total=total)


def test_money_is_never_a_binary_number() -> None:
    """An amount that comes as a JSON number is refused with the way to write it."""
    facts = invoice().model_dump() | {"total": 10.1}
    with pytest.raises(ValidationError, match=r'write the amount as a string such as "1250\.00"'):
        Invoice.model_validate(facts)


def test_an_invoice_is_due_after_it_is_issued() -> None:
    """A due date before the invoice date is refused."""
    with pytest.raises(ValidationError, match="due_date 2026-03-31 lies before issue_date 2026-04-01"):
        invoice(issue_date=day("2026-04-01"))


def test_a_payment_gives_no_more_than_it_has() -> None:
    """Allocations above the payment's amount are refused."""
    with pytest.raises(ValidationError, match="allocations sum to"):
        payment("10.00", F_1="6.00", F_2="4.01")
