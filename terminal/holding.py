"""Holds: an invoice, a debtor or everybody is left alone for a while.

In: `hold`, `resume`.
Not in: how holds are written (intake/holding.py), how one case is told (orders.py), and the stop of all
sending (stopping.py).
"""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from domain.faults import InputRefused, NotAllowed
from intake.holding import Holding, check_hold
from ledger import queries
from ledger.queries import Filters
from terminal import orders
from terminal.options import Author, Lang, Machine, OfCreditor, Reason, Speech, day_option
from terminal.record import Record, opened
from terminal.screen import give, say
from terminal.shell import run

MaybeNumber = Annotated[
    str | None, typer.Argument(metavar="NUMBER", help="The invoice's number.", show_default=False)
]
OfDebtor = Annotated[
    str | None,
    typer.Option("--debtor", metavar="ID", help="All invoices of this customer.", show_default=False),
]
Everybody = Annotated[bool, typer.Option("--everybody", help="All customers of the creditor named.")]


def hold(
    until: Annotated[
        date, day_option("--until", "The last day, included; dunning resumes by itself after it.")
    ],
    reason: Reason,
    number: MaybeNumber = None,
    debtor: OfDebtor = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    everybody: Everybody = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Suspend the reminders of an invoice, of a customer, or of everybody, until a day."""
    _one_target(number, debtor, everybody=everybody, creditor=creditor)
    # Whether the day is over, the creditor's own clock says.
    check_hold(until, reason, min(until, datetime.now(UTC).date()))
    if number is not None:
        run(orders.hold_case(number, creditor, until, (author, reason), lang, machine=machine))
        return

    async def work() -> None:
        async with opened() as record:
            held = await _targets(record, debtor, creditor)
            owner, holding = held[0][0], Holding(record.database, record.shelf, record.now)
            place = holding.hold_all(held, until, reason, author) if everybody else None
            placed = await (place or holding.hold(held[0], until, reason, author))
            woken = await record.deliver()
        whom = f"creditor {owner}" if everybody else f"customer {debtor}"
        document = {"hold": placed, "creditor": owner, "debtor": debtor, "delivered": woken}
        give(document, say(f"{whom}: no reminders until {until}, that day included."), machine=machine)

    run(work())


def resume(
    number: MaybeNumber = None,
    debtor: OfDebtor = None,
    creditor: OfCreditor = None,
    reason: orders.Why = "",
    *,
    author: Author,
    everybody: Everybody = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Lift the holds of an invoice, of a customer, or of everybody, before their end."""
    _one_target(number, debtor, everybody=everybody, creditor=creditor)
    if number is not None:
        run(orders.resume_case(number, creditor, (author, reason), lang, machine=machine))
        return

    async def work() -> None:
        async with opened() as record:
            held = await _targets(record, debtor, creditor)
            holding = Holding(record.database, record.shelf, record.now)
            lifted = await (holding.lift_all(held, author) if everybody else holding.lift(held[0], author))
            woken = await record.deliver()
        document = {"lifted": lifted, "creditor": held[0][0], "debtor": debtor, "delivered": woken}
        give(document, say(f"{len(lifted)} hold(s) lifted."), machine=machine)

    run(work())


def _one_target(number: str | None, debtor: str | None, *, everybody: bool, creditor: str | None) -> None:
    if sum((number is not None, debtor is not None, everybody)) != 1:
        msg = "say which: a NUMBER, --debtor ID, or --everybody with --creditor ID"
        raise typer.BadParameter(msg)
    if everybody and creditor is None:
        msg = "--everybody needs --creditor ID"
        raise typer.BadParameter(msg)


async def _targets(record: Record, debtor: str | None, creditor: str | None) -> list[tuple[str, str]]:
    """Finds the accounts meant; raises NotAllowed where there is none, InputRefused where it is unclear."""
    async with record.database.reading() as conn:
        if debtor is None:
            found = await queries.open_accounts(conn, creditor)
        elif creditor is not None:
            found = [(creditor, debtor)]
        else:
            lines = await queries.cases(conn, Filters(debtor=debtor), limit=1000)
            found = sorted({(line.creditor, line.debtor) for line in lines})
    if not found:
        whom = f"customer {debtor}" if debtor else f"creditor {creditor}"
        msg = f"no invoice of {whom} is on record: nothing to do"
        raise NotAllowed(msg)
    if debtor is not None and len(found) > 1:
        names = ", ".join(owner for owner, _ in found)
        raise InputRefused(
            field="creditor",
            value=None,
            remedy=f"several creditors have a customer {debtor}: name one of {names}",
        )
    return found
