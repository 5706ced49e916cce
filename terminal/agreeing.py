"""What was agreed with a customer, typed at the terminal.

In: `dispute`, `promise`, `plan`, `settlement`.
Not in: what becomes of agreements (agreements.py), holds (holding.py).
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import typer

from domain.account import Account
from domain.agreements import DisputeReason, Instalment, Rhythm
from domain.calendars import Agenda
from intake.proposing import agreement_event, divided_equally
from ledger import accounts, agreement_queries
from terminal.feeding import document_of
from terminal.options import (
    Author,
    Machine,
    Number,
    OfCreditor,
    amount,
    day,
    day_option,
)
from terminal.record import Record, opened
from terminal.screen import give, say
from terminal.shell import run

Numbers = Annotated[
    list[str], typer.Argument(metavar="NUMBER...", help="The invoices' numbers.", show_default=False)
]
PayBy = Annotated[date, day_option("--pay-by", "The last day to pay; days of grace come on top.")]
MadeOn = Annotated[date | None, day_option("--made-on", "The day it was agreed; by default today.")]
Identity = Annotated[
    str | None,
    typer.Option("--id", metavar="ID", help="An id of your own; it counts once.", show_default=False),
]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="What else was said.", show_default=False)]


def _sum(text: str) -> Any:
    return typer.Option("--amount", metavar="SUM", parser=amount, help=text, show_default=False)


def dispute(
    number: Number,
    reason: Annotated[DisputeReason, typer.Option(help="What is contested.", show_default=False)],
    until: Annotated[date, day_option("--until", "The last day to answer; until then it is not asked for.")],
    sum_: Annotated[Decimal | None, _sum("How much is contested; by default all of it.")] = None,
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="TEXT", help="A line that is contested. Repeat for several."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who is to answer it.", show_default=False)
    ] = None,
    made_on: MadeOn = None,
    note: Note = None,
    name: Identity = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Record that a customer contests an invoice, or an amount of it: the rest can be asked for."""
    facts = {"reason": reason, "until": until, "amount": sum_, "lines": line or [], "owner": owner}
    _make("dispute", [number], facts | {"note": note}, made_on, name, creditor, author, machine=machine)


def promise(
    numbers: Numbers,
    pay_by: PayBy,
    sum_: Annotated[Decimal | None, _sum("How much was promised; by default all that is owed.")] = None,
    made_on: MadeOn = None,
    note: Note = None,
    name: Identity = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Record that a customer promised to pay by a day: no reminders until then, and sooner if broken."""
    facts = {"pay_by": pay_by, "amount": sum_, "note": note}
    _make("promise", numbers, facts, made_on, name, creditor, author, machine=machine)


def settlement(
    numbers: Numbers,
    pay_by: PayBy,
    sum_: Annotated[Decimal, _sum("For how much the rest is let go.")],
    made_on: MadeOn = None,
    note: Note = None,
    name: Identity = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Offer to let the rest go if an amount is paid by a day; somebody must approve it first."""
    facts = {"pay_by": pay_by, "amount": sum_, "note": note}
    _make("settlement", numbers, facts, made_on, name, creditor, author, machine=machine)


def plan(
    numbers: Numbers,
    instalments: Annotated[
        int | None, typer.Option(min=1, max=60, help="How many equal instalments.", show_default=False)
    ] = None,
    first: Annotated[date | None, day_option("--first", "The day of the first one.")] = None,
    every: Annotated[Rhythm, typer.Option(help="How far they lie apart.")] = Rhythm.MONTHLY,
    instalment: Annotated[
        list[str] | None,
        typer.Option(metavar="DATE=AMOUNT", help="One instalment; repeat, instead of --instalments."),
    ] = None,
    sum_: Annotated[Decimal | None, _sum("What is divided; by default all that is owed.")] = None,
    made_on: MadeOn = None,
    note: Note = None,
    name: Identity = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Record that invoices are paid in instalments; the first one missed ends the plan."""
    if (instalments is None) == (not instalment) or (instalments is None) != (first is None):
        msg = "give --instalments N with --first DATE, or --instalment DATE=AMOUNT once for each"
        raise typer.BadParameter(msg)
    stated = [_instalment(one) for one in instalment or []]

    def parts(account: Account, on: date) -> dict[str, Any]:
        if instalments is None or first is None:
            return {"instalments": stated}
        return {"instalments": divided_equally(account, numbers, on, instalments, first, every, sum_)}

    _make("plan", numbers, {"note": note}, made_on, name, creditor, author, more=parts, machine=machine)


def _instalment(text: str) -> Instalment:
    when, equals, sum_ = text.partition("=")
    if not equals:
        msg = f"--instalment {text!r}: write DATE=AMOUNT, as 2026-03-31=120.00"
        raise typer.BadParameter(msg)
    return Instalment(pay_by=day(when), amount=amount(sum_))


More = Callable[[Account, date], dict[str, Any]]
"""Works out what depends on the account and on the day of the agreement."""


def _make(
    kind: str,
    numbers: list[str],
    facts: dict[str, Any],
    made_on: date | None,
    name: str | None,
    creditor: str | None,
    author: str,
    *,
    more: More | None = None,
    machine: bool,
) -> None:
    async def work() -> None:
        async with opened() as record:
            account = await _account(record, numbers[0], creditor)
            on = made_on or _today(record, account)
            stated: dict[str, Any] = {"kind": kind, "invoices": numbers, "made_on": on} | facts
            if more is not None:
                stated |= more(account, on)
            event = agreement_event(account.creditor.id, stated, name)
            admission = await record.door.admit(event, now=record.now, source="terminal", author=author)
            woken = await record.deliver()
        said = say(f"{admission.status}: {admission.what}")
        give(document_of(admission, woken=woken), said, machine=machine)

    run(work())


async def _account(record: Record, number: str, creditor: str | None) -> Account:
    """Finds the account of an invoice or a document; raises NotFound, InputRefused where it is unclear."""
    async with record.database.reading() as conn:
        found = await agreement_queries.accounts_of(conn, number, creditor)
        if len(found) == 1:
            return (await accounts.load(conn, *found[0])).account
    line = await record.find(number, creditor)
    async with record.database.reading() as conn:
        return (await accounts.load(conn, line.creditor, line.debtor)).account


def _today(record: Record, account: Account) -> date:
    return Agenda.of(account.creditor, account.debtor).today(record.now)
