"""A small company for the command line: one creditor, two customers, three invoices far in the future.

The due dates lie beyond any day on which these tests run, so that nothing is late yet.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]


def creditor(name: str = "atelier") -> Event:
    """States who is owed."""
    facts = {
        "id": name,
        "legal_name": "Atelier Martin SAS",
        "address": {"lines": ["12 rue des Tanneurs"], "postcode": "69002", "city": "Lyon"},
        "email": "compta@atelier.example",
        "iban": "FR7630006000011234567890189",
        "policy": "seed",
    }
    return {"type": "creditor.registered", "creditor": facts}


def debtor(name: str = "dupont", owner: str = "atelier", **more: object) -> Event:
    """States who owes."""
    facts = {
        "creditor": owner,
        "id": name,
        "legal_name": f"{name.capitalize()} & Fils",
        "contacts": [{"email": f"compta@{name}.example"}],
        "address": {"lines": ["3 quai du Pont"], "postcode": "38000", "city": "Grenoble"},
    }
    return {"type": "debtor.registered", "debtor": facts | more}


def invoice(number: str, due: str, total: str = "1200.00", whose: str = "dupont", **more: object) -> Event:
    """States an invoice of the year before its due date."""
    facts = {
        "type": "invoice.created",
        "creditor": "atelier",
        "number": number,
        "debtor": whose,
        "issue_date": f"{due[:4]}-01-02",
        "due_date": due,
        "total": total,
    }
    return facts | more


def payment(number: str, amount: str, day: str, reference: str = "VIR-1") -> Event:
    """States money for an invoice."""
    return {
        "type": "payment.received",
        "creditor": "atelier",
        "reference": reference,
        "amount": amount,
        "received_on": day,
        "invoice": number,
    }


EVENTS: list[Event] = [
    creditor(),
    debtor(),
    debtor("leroy"),
    invoice("F-1", "2099-03-31"),
    invoice("F-2", "2099-05-29", "300.00"),
    invoice("L-1", "2099-04-30", "80.50", "leroy"),
]


def near(days: int) -> str:
    """Gives a day so many days from now: holds reach two years at most."""
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def nearby() -> list[Event]:
    """States the same company with invoices that fall due within the next months."""
    issued = near(-10)
    return [
        *EVENTS[:3],
        invoice("F-1", near(40), issue_date=issued),
        invoice("F-2", near(60), "300.00", issue_date=issued),
        invoice("L-1", near(50), "80.50", "leroy", issue_date=issued),
    ]


SEED = [creditor(), debtor(), invoice("F-1", "2026-03-31")]
"""The seeds' own invoice, due on 31 March 2026."""
