"""Bank entries, compared with the payments made of them.

In: whether each entry and its payment are the same money, and stand or have come back together.
Not in: whose money it is, and how far an account has been read (creditors.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from audit.money import Receipt
from audit.tables import Row

STANDING = {"booked", "on_account", "same"}
"""The states of entries whose payment stands; the others that name one say that it came back."""

OF_BANK = "bank:"
"""What the references of payments begin with that were made of an entry."""


def misbooked(entries: Iterable[Row], receipts: Mapping[str, Receipt]) -> Iterator[str]:
    """Says of each entry and each payment of an account what does not fit together."""
    made: Counter[str] = Counter()
    for entry in entries:
        if entry.payment is not None:
            made[entry.payment] += entry.state in STANDING
            said = _said(entry, receipts.get(entry.payment))
            if said is not None:
                yield f"bank entry {entry.id[:8]} is {entry.state}, its payment {said}"
    for reference, receipt in receipts.items():
        lost = reference.startswith(OF_BANK) and not receipt.reversed and reference not in made
        if lost or made[reference] > 1:
            yield f"a payment is made of {made[reference]} bank entries"


def _said(entry: Row, receipt: Receipt | None) -> str | None:
    if receipt is None:
        return "is not on record"
    if receipt.reversed and entry.state in STANDING:
        return "has come back"
    if not receipt.reversed and entry.state not in STANDING:
        return "stands"
    if (abs(entry.amount), entry.currency) != (receipt.amount, receipt.currency):
        return f"is of {receipt.amount:.2f} {receipt.currency}, not of {entry.amount:.2f} {entry.currency}"
    return None
