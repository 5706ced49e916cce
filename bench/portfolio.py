"""The invoices of the bench: one creditor, and a debtor for each invoice, so that each step is a message.

In: the events that make them known, and that pay them.
Not in: how they get in (relance.py).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from domain.events import CreditorRegistered, DebtorRegistered, Event, InvoiceCreated, PaymentReceived
from domain.receivable import Contact, Creditor, Debtor, PostalAddress

CREDITOR = "bench"
POLICY = "seed"
DUE_IN = timedelta(days=40)
"""Far enough for the whole ladder to lie ahead, the first step before the due date too."""

TOTAL = Decimal("120.00")
SENDS = 4
"""Messages in a life under the policy; its last step hands the case off."""


def creditor() -> Event:
    """Registers the creditor: a payment code in every message, no cap that would spread the spike."""
    return CreditorRegistered(
        creditor=Creditor(
            id=CREDITOR,
            legal_name="Papeterie Vauban SAS",
            address=PostalAddress(lines=("1 rue du Port",), postcode="69002", city="Lyon"),
            email="compta@vauban.example",
            iban="FR7630006000011234567890189",
            policy=POLICY,
            contact_cap_days=1,
        )
    )


def number(place: int) -> str:
    """Names an invoice."""
    return f"F-{place:06d}"


def invoices(first: int, count: int, today: date) -> Iterator[Event]:
    """Makes so many invoices and their debtors known."""
    for place in range(first, first + count):
        name = f"client-{place:06d}"
        yield DebtorRegistered(
            debtor=Debtor(
                creditor=CREDITOR,
                id=name,
                legal_name=f"Atelier Dubois {place} SARL",
                address=PostalAddress(lines=("2 quai Bas",), postcode="69003", city="Lyon"),
                contacts=(Contact(name="Service fournisseurs", email=f"factures@{name}.example"),),
            )
        )
        yield InvoiceCreated(
            creditor=CREDITOR,
            number=number(place),
            debtor=name,
            issue_date=today,
            due_date=today + DUE_IN,
            total=TOTAL,
        )


def payments(count: int, today: date) -> Iterator[Event]:
    """Pays so many invoices, each in full."""
    for place in range(count):
        yield PaymentReceived(
            creditor=CREDITOR,
            reference=f"VIR-{place:06d}",
            amount=TOTAL,
            received_on=today,
            invoice=number(place),
        )
