"""What a debtor owes in all, what is overdue, and which orders his limits allow."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account
from domain.actions import Ending
from domain.credit import Limits, Reason, exposure, may_deliver, overdue
from tests.domain import build

RULES = build.ladder(2)
TODAY = build.day("2026-03-31")
CENTS = st.integers(0, 200_000).map(lambda cents: Decimal(cents) / 100)


def owing(*invoices: tuple[str, str], **more: object) -> Account:
    """Gives an account by (due date, total) of its invoices, F-1, F-2..."""
    facts = [build.invoice(f"F-{turn}", due, total) for turn, (due, total) in enumerate(invoices, start=1)]
    return build.account(RULES, *facts, **more)


def answer(account: Account, order: str, **limits: object) -> tuple[bool, tuple[Reason, ...]]:
    """Asks for a delivery today."""
    found = may_deliver(account, Decimal(order), TODAY, Limits.model_validate(limits))
    return found.allowed, found.reasons


@pytest.mark.parametrize(
    ("limit", "order", "allowed"),
    [
        (None, "1000000.00", True),
        ("0.00", "0.00", False),
        ("200.00", "0.00", True),
        ("200.00", "100.00", True),
        ("200.00", "100.01", False),
        ("200.00", "150.00", False),
    ],
)
def test_ac_65_the_credit_limit(limit: str | None, order: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    """AC-65: with 100 owed, no limit passes all, 0 refuses even nothing, 200 passes 100 and refuses 150."""
    account = owing(("2026-04-30", "100.00"))
    assert answer(account, order, credit=limit) == (allowed, () if allowed else (Reason.CREDIT,))


@pytest.mark.parametrize(("limit", "allowed"), [("100.00", False), ("550.00", True), ("1100.00", True)])
def test_ac_65_exposure_against_the_limit(limit: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    """AC-65: an exposure of 550 exceeds 100 and fits into 1,100; due or not makes no difference."""
    account = owing(("2026-03-01", "500.00"), ("2026-06-30", "50.00"))
    assert answer(account, "0.00", credit=limit)[0] is allowed


@pytest.mark.parametrize(("unpaid", "allowed"), [("499.00", False), ("500.00", True)])
def test_ac_65_the_unpaid_limit(unpaid: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    """AC-65: 500 overdue exceed an unpaid limit of 499, however large the credit limit."""
    account = owing(("2026-03-01", "500.00"), ("2026-06-30", "50.00"))
    found = answer(account, "0.00", credit="9999.00", unpaid=unpaid)
    assert found == (allowed, () if allowed else (Reason.UNPAID,))


def test_ac_65_the_unpaid_margin() -> None:
    """AC-65: with a margin of 3 days an invoice counts as unpaid only after its due date + 3."""
    account = owing(("2026-03-28", "500.00"))
    assert answer(account, "0.00", unpaid="0.00", margin_days=3)[0]
    limits = Limits(unpaid=Decimal(0), margin_days=3)
    assert not may_deliver(account, Decimal(0), TODAY + timedelta(days=1), limits).allowed


def test_ac_66_overdue_warning() -> None:
    """AC-66: of 500 due 5 days ago and 1,000 due in 30 days, one invoice and 500 are overdue."""
    account = owing(("2026-03-26", "500.00"), ("2026-04-30", "1000.00"))
    found = overdue(account, TODAY)
    assert (found.count, found.amounts) == (1, {"EUR": Decimal("500.00")})


def test_the_due_date_itself_is_not_overdue() -> None:
    """An invoice is overdue from the day after its due date on."""
    account = owing(("2026-03-31", "500.00"))
    assert overdue(account, TODAY).count == 0
    assert overdue(account, TODAY + timedelta(days=1)).count == 1


def test_both_limits_are_told() -> None:
    """Every reason is given, in words of either language."""
    account = owing(("2026-03-01", "500.00"))
    limits = Limits(credit=Decimal(400), unpaid=Decimal(100), margin_days=2)
    found = may_deliver(account, Decimal("20.00"), TODAY, limits)
    assert found.reasons == (Reason.CREDIT, Reason.UNPAID)
    assert found.explained()[0] == "with this order 520.00 EUR would be owed, the limit is 400.00"
    assert found.explained("fr")[1] == "500.00 EUR sont impayés depuis plus de 2 jour(s), plafond 100.00"


def test_money_on_the_account_lowers_the_exposure() -> None:
    """Unallocated money, credit notes and overpayments count, also beyond what is owed."""
    money = (build.payment("250.00", F_1="100.00"),)
    notes = (build.credit_note("30.00"), build.credit_note("5.00", "A-2", invoice="F-2"))
    account = owing(("2026-03-01", "100.00"), ("2026-03-02", "50.00"), payments=money, credit_notes=notes)
    assert exposure(account, TODAY) == {"EUR": Decimal("-135.00")}
    assert answer(account, "135.00", credit="0.00")[0]
    assert overdue(account, TODAY).count == 0


def test_an_overpaid_invoice_lowers_the_exposure() -> None:
    """What an invoice received beyond its total is credit for the others."""
    money = (build.payment("120.00", F_1="120.00"),)
    account = owing(("2026-03-01", "100.00"), ("2026-03-02", "50.00"), payments=money)
    assert exposure(account, TODAY) == {"EUR": Decimal("30.00")}


def test_reversed_and_future_money_does_not_count() -> None:
    """Money that came back, or is dated after the day asked about, pays nothing."""
    money = (
        build.payment("60.00", F_1="60.00", reversed=True),
        build.payment("70.00", reference="VIR-2", on="2026-04-01", F_1="70.00"),
    )
    account = owing(("2026-03-01", "100.00"), payments=money)
    assert exposure(account, TODAY) == {"EUR": Decimal("100.00")}
    assert exposure(account, TODAY + timedelta(days=1)) == {"EUR": Decimal("30.00")}


def test_what_is_written_off_is_no_exposure() -> None:
    """An invoice that was given up counts neither as owed nor as overdue."""
    given_up = build.case(build.invoice("F-1", "2026-03-01"), RULES, ending=Ending.WRITTEN_OFF)
    account = build.account(RULES, given_up)
    assert exposure(account, TODAY) == {"EUR": Decimal("0.00")}
    assert overdue(account, TODAY).count == 0


def test_currencies_are_never_added() -> None:
    """A debt in dollars is told apart; an order in dollars is not measured by a limit in euros."""
    account = build.account(RULES, build.invoice("F-1"), build.invoice("F-2", currency="USD"))
    assert exposure(account, TODAY) == {"EUR": Decimal("100.00"), "USD": Decimal("100.00")}
    limits = Limits(credit=Decimal(1000))
    found = may_deliver(account, Decimal("1.00"), TODAY, limits, currency="USD")
    assert found.reasons == (Reason.CURRENCY,)
    assert "EUR" in found.explained("fr")[0]
    assert may_deliver(account, Decimal("1.00"), TODAY, Limits(), currency="USD").allowed


def test_a_dispute_is_still_a_risk() -> None:
    """What is disputed counts as owed and overdue until it is answered."""
    facts = {"kind": "dispute", "id": "D-1", "invoices": ("F-1",), "made_on": "2026-03-10"}
    dispute = facts | {"reason": "price", "until": "2026-04-30"}
    account = owing(("2026-03-01", "100.00"), agreements=(dispute,))
    assert overdue(account, TODAY).amounts == {"EUR": Decimal("100.00")}


@given(total=CENTS.filter(bool), paid=CENTS.filter(bool), order=CENTS, limit=CENTS)
def test_an_order_passes_exactly_within_the_limit(
    total: Decimal, paid: Decimal, order: Decimal, limit: Decimal
) -> None:
    """Whatever is owed and paid, an order passes if and only if what would be owed is within the limit."""
    account = owing(("2026-03-01", f"{total:.2f}"), payments=(build.payment(f"{paid:.2f}"),))
    found = may_deliver(account, order, TODAY, Limits(credit=limit))
    assert found.exposure == total - paid
    assert found.allowed is (total - paid + order <= limit)
