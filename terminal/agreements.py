"""Agreements as they stand: listed, approved, ended.

In: `agreements`, with `approve` and `end`.
Not in: making them (agreeing.py), how one reads (agreed.py).
"""

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from domain.account import Account
from domain.agreements import Agreement, HowEnded
from domain.calendars import Agenda
from domain.events import AgreementEnded
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.standing import Standing
from intake.telling import agreed
from ledger import accounts, agreement_queries
from terminal.feeding import document_of
from terminal.options import Author, Lang, Machine, OfCreditor, Reason, Speech
from terminal.record import opened
from terminal.screen import give, say, table
from terminal.shell import run

listing = typer.Typer(
    invoke_without_command=True,
    help="List disputes, promises, plans and settlements, and how they stand; approve or end one.",
)

Name = Annotated[str, typer.Argument(metavar="ID", help="The agreement's id.", show_default=False)]


@listing.callback()
def list_agreements(
    context: typer.Context,
    debtor: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this customer.", show_default=False)
    ] = None,
    creditor: OfCreditor = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """List what was agreed, how it stands, the money come so far, and what comes next."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> list[tuple[Account, Agreement, date]]:
        found = []
        async with opened() as record, record.database.reading() as conn:
            for which in await agreement_queries.accounts_with(conn, creditor, debtor):
                account = (await accounts.load(conn, *which)).account
                today = Agenda.of(account.creditor, account.debtor).today(record.now)
                found += [(account, one, today) for one in account.agreements]
        return [one for one in found if everything or not _is_over(*one)]

    found = sorted(run(work()), key=lambda one: (one[1].made_on, one[0].creditor.id, one[1].id))
    documents = [agreed.document(account, one, today) for account, one, today in found]
    give({"agreements": documents}, lambda screen: _list(screen, found, lang), machine=machine)


def _is_over(account: Account, agreement: Agreement, today: date) -> bool:
    """Tells whether nobody needs to look at an agreement any more."""
    if account.standing(agreement, today) in {Standing.KEPT, Standing.ENDED}:
        return True
    return all(account.balance(number).open <= ZERO for number in agreement.invoices)


def _list(screen: Console, found: list[tuple[Account, Agreement, date]], lang: Speech) -> None:
    heads = [agreed.say(head, lang) for head in ("id", "kind", "debtor", "invoices", "what", "received")]
    heads += [agreed.say(head, lang) for head in ("state", "next")]
    rows = [
        (
            one.id,
            agreed.say(one.kind, lang),
            account.debtor.legal_name,
            ", ".join(one.invoices),
            agreed.what(account, one, today, lang),
            agreed.received(account, one, today, lang),
            agreed.standing(account, one, today, lang),
            agreed.upcoming(account, one, today, lang),
        )
        for account, one, today in found
    ]
    screen.print(table(agreed.say("title", lang), heads, rows, right=[5]))


@listing.command("approve")
def approve(name: Name, creditor: OfCreditor = None, *, author: Author, machine: Machine = False) -> None:
    """Approve an agreement that waits for a person."""

    async def work() -> tuple[bool, bool]:
        async with opened() as record:
            async with record.database.reading() as conn:
                which = await agreement_queries.whose(conn, name, creditor)
            async with record.book(*which) as book:
                changed = await book.approve_agreement(name, author)
            return changed, await record.deliver()

    changed, woken = run(work())
    said = "approved: it is in effect." if changed else "it was approved before; nothing changed."
    give({"agreement": name, "changed": changed, "delivered": woken}, say(said), machine=machine)


@listing.command("end")
def end(
    name: Name,
    how: Annotated[HowEnded, typer.Option(help="A dispute is upheld or rejected.", show_default=False)],
    reason: Reason,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """End an agreement before its time, or answer a dispute."""

    async def work() -> None:
        async with opened() as record:
            async with record.database.reading() as conn:
                owner = creditor or (await agreement_queries.whose(conn, name))[0]
            event = _ended(owner, name, how, reason)
            admission = await record.door.admit(event, now=record.now, source="terminal", author=author)
            woken = await record.deliver()
        said = say(f"{admission.status}: {admission.what}")
        give(document_of(admission, woken=woken), said, machine=machine)

    run(work())


def _ended(creditor: str, name: str, how: HowEnded, reason: str) -> AgreementEnded:
    longest = 200
    if not 0 < len(reason.strip()) <= longest:
        raise InputRefused("reason", reason, f"give a reason of 1 to {longest} characters")
    return AgreementEnded(creditor=creditor, id=name, how=how, reason=reason)
