"""Money that is on record already, given to the invoices of its customer.

In: the shares of one payment put in place of those that stand.
Not in: money that comes in (receipts.py), and whose it is (reconciling.py).
"""

from collections.abc import Mapping
from decimal import Decimal

from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation, Payment
from ledger.book import Book


async def share(book: Book, reference: str, shares: Mapping[str, Decimal], author: str) -> bool:
    """Gives a payment's money to invoices, by number; an invoice that is not named keeps what it has.

    Zero takes a share back. False where it was shared so before. Raises NotFound, NotAllowed for money
    that came back, InputRefused (field `to`) for more than an invoice owes or than there is.
    """
    return await book.allocate(reference, _parts(book, payment_of(book, reference), shares), author)


def payment_of(book: Book, reference: str) -> Payment:
    """Finds a payment that has money to give; raises NotFound, and NotAllowed for one that came back."""
    for payment in book.account.payments:
        if payment.reference == reference:
            if payment.reversed:
                msg = f"payment {reference!r} came back: it has no money to give"
                raise NotAllowed(msg)
            return payment
    msg = f"no payment {reference!r} on the account of customer {book.debtor!r}"
    raise NotFound(msg)


def _parts(book: Book, payment: Payment, shares: Mapping[str, Decimal]) -> tuple[Allocation, ...]:
    """Puts the shares in place of those that stand.

    What was let go with the money stays where the share is not touched.
    """
    standing = {part.invoice: part.amount for part in payment.allocations}
    kept = {part.invoice: part for part in payment.allocations if part.invoice not in shares}
    let_go = {part.invoice: part.allowed for part in payment.allocations}
    for number, part in shares.items():
        book.case(number)
        free = book.account.balance(number).open + standing.get(number, ZERO) + let_go.get(number, ZERO)
        if part > free:
            raise InputRefused(
                field="to",
                value=f"{number}={part:.2f}",
                remedy=f"invoice {number} can take {free:.2f} of this payment; give no more than that",
            )
    parts = standing | dict(shares)
    return tuple(
        kept.get(number, Allocation(invoice=number, amount=part))
        for number, part in parts.items()
        if part > ZERO
    )
