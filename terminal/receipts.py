"""Money that is on record already: given to invoices, or come back.

In: `allocate`, `reverse`.
Not in: money that comes in (feeding.py).
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.events import PaymentReversed
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation, Payment
from ledger import desk
from ledger.book import Book
from ledger.queries import CaseLine
from terminal.feeding import admit
from terminal.options import Author, Machine, OfCreditor, Reason, amount
from terminal.record import Record, opened
from terminal.screen import give, say
from terminal.shell import run

Reference = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="The payment's own reference.", show_default=False)
]


def allocate(
    reference: Reference,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="NUMBER=AMOUNT",
            help="How much of the payment this invoice gets, in all; 0 takes it back. Repeat for several.",
            show_default=False,
        ),
    ],
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Give the money of a payment to invoices of the same customer.

    An invoice that is not named keeps what it has of the payment; what no invoice gets stays unallocated.
    """
    shares = wanted(to)

    async def work() -> None:
        async with opened() as record:
            lines = {number: await record.find(number, creditor) for number in shares}
            first = _one_account(list(lines.values()))
            async with record.book(first.creditor, first.debtor) as book:
                payment = _payment(book, reference)
                changed = await book.allocate(reference, _parts(book, payment, shares), author)
                left = _payment(book, reference).unallocated
            woken = await record.deliver()
        document = {
            "reference": reference,
            "creditor": first.creditor,
            "changed": changed,
            "unallocated": left,
            "delivered": woken,
        }
        done = "allocated" if changed else "it was allocated so before; nothing changed"
        give(document, say(f"{done}; {left:.2f} {payment.currency} stays unallocated."), machine=machine)

    run(work())


def wanted(shares: list[str]) -> dict[str, Decimal]:
    """Reads NUMBER=AMOUNT; raises BadParameter for another form and for a number named twice."""
    found: dict[str, Decimal] = {}
    for share in shares:
        number, equals, text = share.rpartition("=")
        if not equals or not number:
            msg = f"--to {share!r}: write NUMBER=AMOUNT, as F-2026-0117=120.00"
            raise typer.BadParameter(msg)
        if number in found:
            msg = f"--to names invoice {number} twice; give each invoice once, with all that it gets"
            raise typer.BadParameter(msg)
        found[number] = ZERO if _is_nothing(text) else amount(text)
    return found


def _is_nothing(text: str) -> bool:
    try:
        return Decimal(text.strip().replace(",", ".")) == ZERO
    except InvalidOperation:
        return False


def _one_account(lines: list[CaseLine]) -> CaseLine:
    """Gives the first case; raises InputRefused where the cases are not all of one customer."""
    for line in lines:
        if (line.creditor, line.debtor) != (lines[0].creditor, lines[0].debtor):
            raise InputRefused(
                field="to",
                value=line.number,
                remedy=f"not an invoice of customer {lines[0].debtor}; a payment belongs to one customer",
            )
    return lines[0]


def _payment(book: Book, reference: str) -> Payment:
    for payment in book.account.payments:
        if payment.reference == reference:
            if payment.reversed:
                msg = f"payment {reference!r} came back: it has no money to give"
                raise NotAllowed(msg)
            return payment
    msg = f"no payment {reference!r} on the account of customer {book.debtor!r}"
    raise NotFound(msg)


def _parts(book: Book, payment: Payment, shares: dict[str, Decimal]) -> tuple[Allocation, ...]:
    """Puts the shares in place of those that stand; raises InputRefused for more than an invoice owes.

    What was let go with the money stays where the share is not touched.
    """
    standing = {part.invoice: part.amount for part in payment.allocations}
    kept = {part.invoice: part for part in payment.allocations if part.invoice not in shares}
    let_go = {part.invoice: part.allowed for part in payment.allocations}
    for number, share in shares.items():
        free = book.account.balance(number).open + standing.get(number, ZERO) + let_go.get(number, ZERO)
        if share > free:
            raise InputRefused(
                field="to",
                value=f"{number}={share:.2f}",
                remedy=f"invoice {number} can take {free:.2f} of this payment; give no more than that",
            )
    parts = standing | shares
    return tuple(
        kept.get(number, Allocation(invoice=number, amount=share))
        for number, share in parts.items()
        if share > ZERO
    )


def reverse(
    reference: Reference,
    reason: Reason,
    creditor: OfCreditor = None,
    *,
    machine: Machine = False,
) -> None:
    """Record that a payment came back (a returned debit, a bounced cheque): its invoices are owed again."""

    async def work() -> None:
        async with opened() as record:
            owner = creditor or await _owner(record, reference)
            event = PaymentReversed(creditor=owner, reference=reference, reason=_brief(reason))
            await admit(record, event, machine=machine)

    run(work())


def _brief(reason: str) -> str:
    longest = 200
    if not 0 < len(reason) <= longest:
        raise InputRefused(field="reason", value=reason, remedy=f"give a reason of 1 to {longest} characters")
    return reason


async def _owner(record: Record, reference: str) -> str:
    """Finds the creditor of a payment; raises NotFound, and InputRefused where several have such a one."""
    async with record.database.reading() as conn:
        found = await desk.creditors_paid(conn, reference)
    if not found:
        msg = f"no payment {reference!r}"
        raise NotFound(msg)
    if len(found) > 1:
        remedy = f"several creditors have a payment {reference}: name one of {', '.join(found)}"
        raise InputRefused(field="creditor", value=None, remedy=remedy)
    return found[0]
