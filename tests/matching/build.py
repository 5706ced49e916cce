"""Builders: books and bank entries as short as a sentence.

In: items, payers, payments on record, entries, a directory with sensible defaults. Not in: any rule.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from domain.bank import BankEntry
from domain.matching import Proposal, propose
from domain.openitems import Directory, OpenItem, Payer, Recorded
from domain.receivable import Tolerance

VERGER = "FR7630006000011234567890189"
ATELIER = "FR1420041010050500013M02606"


def item(number: str, debtor: str = "verger", amount: str = "100.00", **more: Any) -> OpenItem:
    """Gives an item of which all is open, issued in October and due in November."""
    facts: dict[str, Any] = {
        "number": number,
        "document": number,
        "debtor": debtor,
        "currency": "EUR",
        "total": amount,
        "open": "0.00" if more.get("closed") else amount,
        "issue_date": date(2026, 10, 5),
        "due_date": date(2026, 11, 5),
    }
    return OpenItem.model_validate(facts | more)


def payer(debtor: str = "verger", name: str = "Le Verger du Sud SARL", *ibans: str, **more: Any) -> Payer:
    """Gives a payer with the accounts that are known."""
    return Payer(debtor=debtor, legal_name=name, ibans=ibans, **more)


def entry(amount: str = "100.00", text: str = "", **more: Any) -> BankEntry:
    """Gives money that came in on 12 November."""
    facts: dict[str, Any] = {
        "amount": amount,
        "currency": "EUR",
        "credit": True,
        "booked_on": date(2026, 11, 12),
        "text": text,
    }
    return BankEntry.model_validate(facts | more)


def recorded(reference: str, debtor: str = "verger", amount: str = "100.00", **more: Any) -> Recorded:
    """Gives a payment on record since 10 November."""
    facts = {"currency": "EUR", "received_on": date(2026, 11, 10)} | more
    return Recorded.model_validate(facts | {"reference": reference, "debtor": debtor, "amount": amount})


PAYERS = (payer("verger", "Le Verger du Sud SARL", VERGER), payer("atelier", "Atelier Béranger SAS", ATELIER))


def books(*items: OpenItem, payers: Iterable[Payer] = PAYERS, records: Iterable[Recorded] = ()) -> Directory:
    """Builds a directory in which two debtors have known accounts."""
    return Directory(items, payers, records)


def proposed(
    one: BankEntry, *items: OpenItem, payers: Iterable[Payer] = PAYERS, records: Iterable[Recorded] = ()
) -> Proposal:
    """Proposes for one entry with the usual tolerance."""
    return propose(one, books(*items, payers=payers, records=records), Tolerance())


def given(proposal: Proposal) -> dict[str, str]:
    """Lists what is booked on each invoice without asking."""
    parts = proposal.booking.allocations if proposal.booking is not None else ()
    return {part.invoice: str(part.amount) for part in parts}
