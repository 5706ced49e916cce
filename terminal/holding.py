"""Holds: an invoice, a debtor or everybody is left alone for a while.

In: `hold`, `resume`.
Not in: how one case is told (orders.py), and the stop of all sending (stopping.py).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import uuid4

import typer

from domain.agreements import Hold, HoldScope
from domain.calendars import Agenda
from domain.faults import InputRefused, NotAllowed
from ledger import accounts, parties, queries
from ledger.queries import Filters
from terminal import orders
from terminal.options import Author, Lang, Machine, OfCreditor, Reason, Speech, day_option
from terminal.record import Record, opened
from terminal.screen import give, say
from terminal.shell import run

LONGEST_REASON = 64
LONGEST_HOLD = timedelta(days=730)

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
    if not 0 < len(reason) <= LONGEST_REASON:
        raise InputRefused(
            field="reason", value=reason, remedy=f"give a reason of 1 to {LONGEST_REASON} characters"
        )
    if until > datetime.now(UTC).date() + LONGEST_HOLD:
        remedy = (
            f"a hold lasts {LONGEST_HOLD.days} days at most; give an earlier day, or write the invoice off"
        )
        raise InputRefused(field="until", value=until.isoformat(), remedy=remedy)
    if number is not None:
        run(orders.hold_case(number, creditor, until, (author, reason), lang, machine=machine))
        return

    async def work() -> None:
        async with opened() as record:
            accounts_held = await _targets(record, debtor, creditor)
            owner = accounts_held[0][0]
            today = await _today(record, *accounts_held[0])
            if until < today:
                raise InputRefused(
                    field="until",
                    value=until.isoformat(),
                    remedy=f"it lies in the past; give {today} or later",
                )
            scope = HoldScope.CREDITOR if everybody else HoldScope.DEBTOR
            placed = Hold(id=str(uuid4()), scope=scope, starts_on=today, until=until, reason=reason)
            if everybody:
                async with record.database.writing() as conn:
                    await parties.hold_all(conn, owner, placed, author, record.now)
                await record.settle_all(accounts_held)
            else:
                async with record.book(*accounts_held[0]) as book:
                    await book.place_hold(placed, author)
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
            lifted = await (_lift_all(record, held, author) if everybody else _lift(record, held[0], author))
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


async def _today(record: Record, creditor: str, debtor: str) -> date:
    async with record.database.reading() as conn:
        account = (await accounts.load(conn, creditor, debtor)).account
    return Agenda.of(account.creditor, account.debtor).today(record.now)


async def _lift(record: Record, account: tuple[str, str], author: str) -> list[str]:
    async with record.book(*account) as book:
        held = [
            one.id for one in book.account.holds if one.scope is HoldScope.DEBTOR and one.lifted_on is None
        ]
        return [one for one in held if await book.lift_hold(one, author)]


async def _lift_all(record: Record, which: list[tuple[str, str]], author: str) -> list[str]:
    creditor, debtor = which[0]
    today = await _today(record, creditor, debtor)
    async with record.database.writing() as conn:
        account = (await accounts.load(conn, creditor, debtor)).account
        held = [one.id for one in account.holds if one.scope is HoldScope.CREDITOR and one.lifted_on is None]
        lifted = [
            one for one in held if await parties.lift_all(conn, creditor, one, author, today, record.now)
        ]
    await record.settle_all(which)
    return lifted
