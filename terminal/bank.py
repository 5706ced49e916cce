"""The bank desk: how far accounts are known, entries that wait for a person, and the answers to them.

In: `bank`, `bank entries`, `bank book`, `bank undo`, `bank ignore`, `bank complete`.
Not in: files (loading.py, watching.py), and what an answer changes (intake/bank/answering.py).
"""

from collections.abc import Awaitable, Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from domain.faults import InputRefused
from domain.gate import unseen_days
from domain.receivable import Allocation, Creditor
from intake.bank.answering import book_entry, candidate, candidates, ignore, name_return, undo
from intake.bank.booking import Teller
from intake.bank.days import declare_known
from intake.bank.owners import bare, owner
from intake.lookups import all_creditors, names_of
from intake.telling import words
from ledger import bank as entries_on_record
from ledger import bank_accounts, bank_queries
from ledger.bank import Kept, State
from terminal.bank_words import doubts, proposed, said
from terminal.options import Author, Lang, Machine, OfCreditor, Reason, Speech, day_option
from terminal.receipts import wanted
from terminal.record import Record, opened
from terminal.screen import clean, give, say, table
from terminal.shell import run

LONGEST_TEXT = 60

bank = typer.Typer(
    invoke_without_command=True,
    help="List the bank accounts and up to which day each is known; answer what waits.",
)

EntryId = Annotated[
    str,
    typer.Argument(
        metavar="ENTRY",
        help="The entry's id, or its beginning (see `bank entries`).",
        show_default=False,
    ),
]


class Which(StrEnum):
    """Names the states in which entries can be listed."""

    ASKED = "asked"
    BOOKED = "booked"
    ON_ACCOUNT = "on_account"
    SAME = "same"
    NOT_OURS = "not_ours"
    RETURNED = "returned"
    REVERSED = "reversed"
    READ = "read"
    ALL = "all"


@bank.callback()
def sources(context: typer.Context, *, lang: Lang = Speech.EN, machine: Machine = False) -> None:
    """List the bank accounts: the last day booked, the days unseen since, and whom to ask for the file."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> tuple[list[dict[str, Any]], dict[str, int]]:
        async with opened() as record, record.database.reading() as conn:
            found: list[dict[str, Any]] = []
            for creditor in await all_creditors(conn):
                known = await bank_accounts.known(conn, creditor.id)
                found += _sources(creditor, {name: one.booked_to for name, one in known.items()}, record)
            return found, await bank_queries.waiting(conn)

    found, waiting = run(work())

    def view(screen: Console) -> None:
        columns = ("creditor", "account", "booked_to", "unseen", "within", "file", "owner")
        rows = [
            (
                one["creditor"],
                f"{one['source']}: {one['account']}" if one["source"] else one["account"],
                words.on(one["booked_to"], lang) or said("never", lang),
                one["unseen_days"],
                one["fresh_within_days"] if one["source"] else said("printed", lang),
                one["file"],
                one["owner"],
            )
            for one in found
        ]
        heads = [words.label("creditor", lang), *(said(name, lang) for name in columns[1:])]
        screen.print(table(said("sources", lang), heads, rows))
        if waiting:
            screen.print(said("to_decide", lang, count=sum(waiting.values())))

    give({"sources": found, "to_decide": waiting}, view, machine=machine)


def _sources(creditor: Creditor, known: dict[str, date], record: Record) -> list[dict[str, Any]]:
    """Lists the declared accounts of a creditor, then those that are known and not declared."""
    today = record.now.astimezone(ZoneInfo(creditor.time_zone)).date()
    declared = {bare(source.account): source for source in creditor.banks}
    return [
        {
            "creditor": creditor.id,
            "source": source.key if source is not None else None,
            "account": account,
            "booked_to": booked_to,
            "unseen_days": unseen_days(creditor, booked_to, today) if booked_to is not None else None,
            "fresh_within_days": source.fresh_within_days if source is not None else None,
            "file": source.file if source is not None else None,
            "owner": source.owner if source is not None else None,
        }
        for account in dict.fromkeys((*declared, *known))
        for source, booked_to in [(declared.get(account), known.get(account))]
    ]


@bank.command("entries")
def list_entries(
    state: Annotated[Which, typer.Option(help="Only entries in this state.")] = Which.ASKED,
    creditor: OfCreditor = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    *,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """List entries of bank files, the latest first: by default those that wait for you, with candidates."""

    async def work() -> tuple[list[Kept], dict[tuple[str, str], str]]:
        wanted_state = None if state is Which.ALL else State(state.value)
        async with opened() as record, record.database.reading() as conn:
            found = await entries_on_record.listed(conn, state=wanted_state, creditor=creditor, limit=limit)
            meant = {(one.creditor, name) for one in found for name in _debtors(one)}
            return found, await names_of(conn, meant)

    found, names = run(work())

    def view(screen: Console) -> None:
        screen.print(said("entries", lang, count=len(found)), style="bold")
        for one in found:
            for place, line in enumerate(_described(one, names, lang)):
                screen.print(clean(line) if place == 0 else f"    {clean(line)}", soft_wrap=True)

    give({"entries": found}, view, machine=machine)


def _debtors(kept: Kept) -> set[str]:
    return {one.debtor for one in candidates(kept)} | ({kept.debtor} if kept.debtor else set())


def _described(kept: Kept, names: dict[tuple[str, str], str], language: str) -> list[str]:
    """Describes an entry, and below it what it may be for."""
    entry = kept.entry
    amount = words.sum_of(entry.signed, entry.currency, language)
    what = " ".join((*entry.references, *entry.documents, entry.text))[:LONGEST_TEXT]
    head = f"{kept.id[:8]}  {words.on(entry.booked_on, language)}  {amount}  {entry.payer or '-'}  {what}"
    state = said(kept.state.value, language)
    whose = f"{state}: {names.get((kept.creditor, kept.debtor), kept.debtor)}" if kept.debtor else state
    lines = [f"{head}  ({whose})"]
    if kept.state is not State.ASKED:
        return lines
    if why := doubts(kept, language):
        lines.append(why)
    if kept.like is not None:
        lines.append(said("like", language, entry=kept.like[:8]))
    told = candidates(kept)
    for place, one in enumerate(told, 1):
        name = names.get((kept.creditor, one.debtor), one.debtor)
        lines.append(f"{place}. {proposed(one, kept, name, language)}")
    payments = [one for one in (kept.proposal or {}).get("candidates", []) if isinstance(one, str)]
    lines += [said("take_back", language, payment=one) for one in payments]
    return lines if told or payments else [*lines, said("no_candidates", language)]


@bank.command("book")
def book(
    entry: EntryId,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="NUMBER=AMOUNT",
            help="How much of it this invoice gets. Repeat for several.",
            show_default=False,
        ),
    ] = None,
    debtor: Annotated[
        str | None,
        typer.Option("--debtor", metavar="ID", help="On this customer's account.", show_default=False),
    ] = None,
    place: Annotated[
        int | None,
        typer.Option("--candidate", metavar="N", help="As this candidate proposes.", show_default=False),
    ] = None,
    returned: Annotated[
        str | None,
        typer.Option(
            "--returned", metavar="REFERENCE", help="It takes this payment back.", show_default=False
        ),
    ] = None,
    creditor: OfCreditor = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Say whose money an entry is: invoices of one customer, a customer, a candidate, or a return."""
    ways = [bool(to), debtor is not None and not to, place is not None, returned is not None]
    if sum(ways) != 1:
        msg = "say one: --to NUMBER=AMOUNT, --debtor ID, --candidate N, or --returned REFERENCE"
        raise typer.BadParameter(msg)
    shares = wanted(to or [])

    async def answer(record: Record, teller: Teller, kept: Kept) -> dict[str, Any]:
        if returned is not None:
            await name_return(teller, kept, returned, author)
            return {"returned": returned}
        whose, parts = debtor, tuple(Allocation(invoice=name, amount=sum_) for name, sum_ in shares.items())
        if place is not None:
            chosen = candidate(kept, place)
            whose, parts = chosen.debtor, chosen.allocations
        if shares:
            owners = {(await record.find(number, kept.creditor)).debtor for number in shares}
            if len(owners | ({debtor} if debtor else set())) > 1:
                raise InputRefused("to", ", ".join(sorted(shares)), "are not invoices of one customer")
            whose = owners.pop()
        assert whose is not None
        payment = await book_entry(teller, kept, whose, parts, author)
        return {"payment": payment, "debtor": whose}

    _answer(entry, creditor, answer, "booked.", machine=machine)


@bank.command("undo")
def undo_entry(
    entry: EntryId, reason: Reason, creditor: OfCreditor = None, *, author: Author, machine: Machine = False
) -> None:
    """Take back what was decided about an entry: its invoices are owed again, and it waits for you."""
    _check_reason(reason)

    async def answer(_: Record, teller: Teller, kept: Kept) -> dict[str, Any]:
        await undo(teller, kept, reason, author)
        return {"undone": kept.payment}

    _answer(entry, creditor, answer, "undone; the entry waits for a decision.", machine=machine)


@bank.command("ignore")
def ignore_entry(
    entry: EntryId, reason: Reason, creditor: OfCreditor = None, *, author: Author, machine: Machine = False
) -> None:
    """Say that an entry is no customer's money."""
    _check_reason(reason)

    async def answer(_: Record, teller: Teller, kept: Kept) -> dict[str, Any]:
        await ignore(teller, kept, reason, author)
        return {"ignored": True}

    _answer(entry, creditor, answer, "it is set aside.", machine=machine)


@bank.command("complete")
def complete(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The account, as `bank` lists it.", show_default=False)
    ],
    to: Annotated[date, day_option("--to", "The last day up to which nothing is missing.")],
    reason: Reason,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Say that no entry of an account is missing up to a day, where no file can show it."""
    _check_reason(reason)

    async def work() -> dict[str, Any]:
        async with opened() as record:
            async with record.database.reading() as conn:
                owned = await owner(conn, account)
            known = await declare_known(record.database, owned, to, record.now, reason=reason, author=author)
            woken = await record.deliver()
        return {"account": owned.account, "booked_to": known.booked_to, "delivered": woken}

    document = run(work())
    give(document, say(f"known up to {document['booked_to']}."), machine=machine)


def _answer(
    entry: str,
    creditor: str | None,
    answer: Callable[[Record, Teller, Kept], Awaitable[dict[str, Any]]],
    done: str,
    *,
    machine: bool,
) -> None:
    """Gives an answer to an entry, and tells the runs."""

    async def work() -> dict[str, Any]:
        async with opened() as record:
            async with record.database.reading() as conn:
                kept = await entries_on_record.find(conn, entry, creditor)
            teller = Teller(record.database, record.shelf, record.now)
            document = await answer(record, teller, kept)
            return {"entry": kept.id, **document, "delivered": await record.deliver()}

    give(run(work()), say(done), machine=machine)


def _check_reason(reason: str) -> None:
    longest = 200
    if not 0 < len(reason.strip()) <= longest:
        raise InputRefused("reason", reason, f"give a reason of 1 to {longest} characters")
