"""Money that is on record already: given to invoices, or come back.

In: `allocate`, `reverse`.
Not in: how money is shared (intake/sharing.py), money that comes in (feeding.py).
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.events import PaymentReversed
from domain.fact import ZERO
from domain.faults import InputRefused, NotFound
from intake.sharing import payment_of, share
from ledger import desk
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
                changed = await share(book, reference, shares, author)
                payment = payment_of(book, reference)
            woken = await record.deliver()
        document = {
            "reference": reference,
            "creditor": first.creditor,
            "changed": changed,
            "unallocated": payment.unallocated,
            "delivered": woken,
        }
        done = "allocated" if changed else "it was allocated so before; nothing changed"
        left = f"{payment.unallocated:.2f} {payment.currency}"
        give(document, say(f"{done}; {left} stays unallocated."), machine=machine)

    run(work())


def wanted(shares: list[str]) -> dict[str, Decimal]:
    """Reads NUMBER=AMOUNT; raises BadParameter for another form and for a number named twice."""
    found: dict[str, Decimal] = {}
    for given in shares:
        number, equals, text = given.rpartition("=")
        if not equals or not number:
            msg = f"--to {given!r}: write NUMBER=AMOUNT, as F-2026-0117=120.00"
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
