"""What invoices still owe, by the receipts on one account.

In: the balance of an invoice, the presumed share of unallocated money.
Not in: what agreements change about it (account.py), and what to do about it (schedule.py).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from domain.fact import ZERO, Amount, Fact
from domain.receivable import CreditNote, Invoice, Payment


class Balance(Fact):
    """States what one invoice still owes.

    `open` is the total less its credit notes, the payments allocated to it, what was `allowed` with them
    (a discount, charges, a slip of cents) and what a settlement that was kept has `waived`. `presumed` is
    the share of the debtor's unallocated money that would fall to it; `net` is what is owed then.
    """

    total: Amount
    credited: Amount
    paid: Amount
    allowed: Amount = ZERO
    waived: Amount = ZERO
    presumed: Amount

    @property
    def open(self) -> Decimal:
        """Tells what the books show as unpaid; never below zero."""
        return max(ZERO, self.total - self.credited - self.paid - self.allowed - self.waived)

    @property
    def net(self) -> Decimal:
        """Tells what remains once unallocated money is taken into account."""
        return self.open - self.presumed


def balances(
    invoices: Mapping[str, Invoice],
    given_up: frozenset[str],
    payments: Iterable[Payment],
    notes: Iterable[CreditNote],
) -> dict[str, Balance]:
    """Balances invoices, given by age, presuming that unallocated money pays the oldest due date first.

    Where the debtor has not said what a payment is for, it is imputed to the debts that are due, the
    oldest first (Code civil 1342-10). No money is presumed for what is `given_up`.
    """
    free: dict[str, Decimal] = {}
    sums: dict[str, dict[str, Decimal]] = {"credited": {}, "paid": {}, "allowed": {}}
    for payment in payments:
        _add(free, payment.currency, payment.unallocated)
        for part in payment.allocations if not payment.reversed else ():
            _add(sums["paid"], part.invoice, part.amount)
            _add(sums["allowed"], part.invoice, part.allowed)
    for note in notes:
        if not note.cancelled:
            _add(
                *(free, note.currency) if note.invoice is None else (sums["credited"], note.invoice),
                note.total,
            )
    found: dict[str, Balance] = {}
    for number, invoice in invoices.items():
        taken = {what: each.get(number, ZERO) for what, each in sums.items()}
        found[number] = Balance(total=invoice.total, presumed=ZERO, **taken)
        surplus = taken["credited"] + taken["paid"] - invoice.total
        if surplus > ZERO:
            _add(free, invoice.currency, surplus)
    for number, invoice in invoices.items():
        share = min(free.get(invoice.currency, ZERO), found[number].open)
        if share > ZERO and number not in given_up:
            free[invoice.currency] -= share
            found[number] = found[number].model_copy(update={"presumed": share})
    return found


def _add(sums: dict[str, Decimal], name: str, amount: Decimal) -> None:
    sums[name] = sums.get(name, ZERO) + amount
