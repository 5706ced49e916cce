"""How an invoice divides into maturities, and how money that names it falls to them.

In: one Invoice for each maturity, and the allocation of money that comes for them.
Not in: money that names no invoice (account.py presumes where it goes).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from domain.account import Account
from domain.events import InvoiceCreated
from domain.fact import ZERO
from domain.receivable import Allocation, Creditor, Debtor, Invoice
from domain.terms import due_date


def parts_of(event: InvoiceCreated, creditor: Creditor, debtor: Debtor) -> list[Invoice] | None:
    """Makes an invoice for each maturity; None where a due date lies before the issue date."""
    due, source = due_date(
        event.issue_date,
        stated=event.due_date,
        terms_days=event.terms_days,
        debtor_terms_days=debtor.terms_days,
        creditor_terms_days=creditor.terms_days,
    )
    dues = sorted((part.due_date, part.amount) for part in event.maturities) or [(due, event.total)]
    if dues[0][0] < event.issue_date:
        return None
    return [
        Invoice(
            creditor=event.creditor,
            number=event.number if len(dues) == 1 else f"{event.number}/{turn}",
            debtor=event.debtor,
            issue_date=event.issue_date,
            due_date=day,
            due_date_source=source,
            currency=event.currency,
            total=amount,
            document=event.number,
            order_reference=event.order_reference,
            delivery_reference=event.delivery_reference,
            policy=event.policy,
            pdf=event.pdf,
            reference=event.reference,
            discounts=event.discounts,
            direct_debit=event.direct_debit,
            delivered_on=event.delivered_on,
        )
        for turn, (day, amount) in enumerate(dues, start=1)
    ]


def allocated(
    account: Account, amount: Decimal, invoices: Iterable[Invoice], limits: Mapping[str, Decimal]
) -> tuple[Allocation, ...]:
    """Gives money to the invoices that it names, the oldest first, never more than they still owe."""
    left = amount
    limits = dict(limits)
    parts: list[Allocation] = []
    for invoice in sorted(invoices, key=lambda one: (one.due_date, one.number)):
        limit = limits.get(invoice.of_document, left)
        part = min(left, limit, account.balance(invoice.number).open)
        if part > ZERO:
            parts.append(Allocation(invoice=invoice.number, amount=part))
            left -= part
            if invoice.of_document in limits:
                limits[invoice.of_document] = limit - part
    return tuple(parts)
