"""A ledger that people work with: customers with ten invoices each, not due yet, overdue, or paid.

In: the events that make it known, and which invoice is which.
Not in: how they get in (relance.py), who works with it (operators.py, traffic.py).

Nothing of it falls due while one measures: what is not due is far from its first reminder, what is overdue
belongs to a creditor whose reminders are held. So neither the day nor the hour plays a part.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from bench import portfolio
from domain.agreements import Dispute, DisputeReason, Hold, HoldScope
from domain.events import (
    AgreementMade,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    PaymentReceived,
)
from domain.receivable import Contact, Debtor, PostalAddress

HELD = "bench-held"
"""The creditor whose invoices are overdue, and whose reminders are held."""

EACH = 10
"""Invoices of a customer."""

OVERDUE, PAID = (5, 6, 7), (8, 9)
"""Of ten customers, those whose invoices are overdue, and those whose invoices are paid."""

LEAST, KINDS = Decimal("50.00"), 4999
NEXT_DUE, SPREAD, OLDEST = 25, 60, 120
HELD_FOR = timedelta(days=30)
OVERPAID, DISPUTED = 20, 50
"""Paid invoices at positions that the first divides were paid too much, overdue ones at positions that the
second divides are disputed: one of a hundred invoices each."""


class Place(NamedTuple):
    """States one invoice of the ledger: where it stands, whose it is."""

    creditor: str
    number: str
    debtor: str
    amount: Decimal


def place(at: int) -> Place:
    """Tells which invoice stands at a position."""
    customer = at // EACH
    creditor = HELD if customer % 10 in OVERDUE else portfolio.CREDITOR
    amount = LEAST + Decimal(at * 37 % KINDS) + Decimal(at % 100) / 100
    return Place(creditor, portfolio.number(at), f"client-{customer:06d}", amount)


def still_ahead(count: int) -> list[int]:
    """Lists the positions of the invoices that are not due yet, customer by customer."""
    return [at for at in range(count) if at // EACH % 10 not in OVERDUE + PAID]


def overdue(count: int) -> list[int]:
    """Lists the positions of the overdue invoices."""
    return [at for at in range(count) if at // EACH % 10 in OVERDUE]


def creditors() -> Iterator[Event]:
    """Registers both creditors."""
    usual = portfolio.creditor()
    assert isinstance(usual, CreditorRegistered)
    yield usual
    yield CreditorRegistered(creditor=usual.creditor.model_copy(update={"id": HELD, "banks": ()}))


def hold(today: date) -> Hold:
    """Holds the reminders of the creditor whose invoices are overdue."""
    until = today + HELD_FOR
    return Hold(id="bench-hold", scope=HoldScope.CREDITOR, starts_on=today, until=until, reason="the bench")


def events(count: int, today: date) -> Iterator[Event]:
    """Makes so many invoices known, their customers, what was paid and what is disputed."""
    for at in range(count):
        if at % EACH == 0:
            yield customer(at // EACH)
        yield from _life(at, today)


def customer(of: int, contact: str = "factures") -> DebtorRegistered:
    """Registers a customer; another contact is a change."""
    name = f"client-{of:06d}"
    return DebtorRegistered(
        debtor=Debtor(
            creditor=place(of * EACH).creditor,
            id=name,
            legal_name=f"Atelier Dubois {of} SARL",
            address=PostalAddress(lines=("2 quai Bas",), postcode="69003", city="Lyon"),
            contacts=(Contact(name="Service fournisseurs", email=f"{contact}@{name}.example"),),
        )
    )


def _life(at: int, today: date) -> Iterator[Event]:
    one, group = place(at), at // EACH % 10
    ahead = NEXT_DUE + at % SPREAD if group not in OVERDUE + PAID else -1 - at % OLDEST
    due = today + timedelta(days=ahead)
    yield bill(one, due - timedelta(days=30 + max(0, ahead)), due)
    if group in PAID:
        surplus = 10 if at % OVERPAID == 0 else 0
        yield PaymentReceived(
            creditor=one.creditor,
            reference=f"VIR-{at:06d}",
            amount=one.amount + surplus,
            received_on=min(today, due + timedelta(days=at % 30 - 10)),
            invoice=one.number,
        )
    elif group in OVERDUE and at % DISPUTED == 0:
        disputed = Dispute(
            id=f"dispute-{at:06d}",
            invoices=(one.number,),
            made_on=today,
            reason=DisputeReason.QUALITY,
            until=today + timedelta(days=20),
        )
        yield AgreementMade(creditor=one.creditor, agreement=disputed)


def bill(one: Place, issued: date, due: date) -> InvoiceCreated:
    """Makes an invoice known."""
    return InvoiceCreated(
        creditor=one.creditor,
        number=one.number,
        debtor=one.debtor,
        issue_date=issued,
        due_date=due,
        total=one.amount,
    )
