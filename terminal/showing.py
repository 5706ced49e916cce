"""What stands on record, for people: one case in full, and lists of cases.

In: `show`, `list`.
Not in: tasks and messages as things to be done (following.py).
"""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from itertools import takewhile
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.account import Account, Case
from domain.actions import Because, CaseRef, Rule
from domain.agreements import Agreement
from domain.calendars import Agenda
from domain.explanation import explain
from domain.policy import DunningPolicy
from domain.schedule import PlannedStep, calendar
from intake.telling import agreed, words
from intake.telling.history import told
from ledger import queries, troubles
from ledger.queries import CaseFile, CaseLine, Filters
from ledger.troubles import Trouble
from terminal.options import Lang, Machine, Number, OfCreditor, Speech, day_option
from terminal.orders import sentence
from terminal.planning import calendar_table
from terminal.record import opened
from terminal.screen import clean, give, table
from terminal.shell import run

FEW, MOST = 50, 100_000


class Status(StrEnum):
    """Names the states by which cases can be listed."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


def show(
    number: Number, creditor: OfCreditor = None, *, lang: Lang = Speech.EN, machine: Machine = False
) -> None:
    """Show everything about an invoice: facts, balance, what comes next and why, history, messages, tasks."""

    async def work() -> tuple[CaseFile, DunningPolicy, Trouble | None, datetime]:
        async with opened() as record:
            line = await record.find(number, creditor)
            case = CaseRef(creditor=line.creditor, number=line.number)
            async with record.database.reading() as conn:
                file = await queries.case_file(conn, case)
                policy = await record.shelf.get(conn, line.policy)
                return file, policy, await troubles.find(conn, case), record.now

    file, policy, trouble, now = run(work())
    lines = () if file.line.ending else calendar(file.account, number, policy, now)
    document = _document(file, lines, lang, now) | {"trouble": trouble}

    def view(screen: Console) -> None:
        _show(screen, file, policy, lines, lang, now)
        if trouble is not None:
            since = f"{trouble.first_at:%Y-%m-%d %H:%M}Z"
            said = words.said("trouble", f"{trouble.detail} ({trouble.attempts}, {since})", lang)
            screen.print(clean(said), style="red", soft_wrap=True)

    give(document, view, machine=machine)


def _document(file: CaseFile, lines: tuple[PlannedStep, ...], language: str, now: datetime) -> dict[str, Any]:
    account, case = file.account, file.account.case(file.line.number)
    balance = account.balance(file.line.number)
    today = Agenda.of(account.creditor, account.debtor).today(now)
    return {
        "invoice": case.invoice,
        "creditor": account.creditor.id,
        "debtor": account.debtor.id,
        "debtor_name": account.debtor.legal_name,
        "policy": case.policy,
        "status": file.line.ending or "open",
        "balance": balance.model_dump(mode="json") | {"open": balance.open, "net": balance.net},
        "next": file.line.next,
        "reason": explain(file.line.next.because, language) if file.line.next else None,
        "calendar": [
            line.model_dump(mode="json") | {"reason": explain(line.because, language)} for line in lines
        ],
        "steps": case.taken,
        "holds": [hold for hold in account.holds if hold.invoice in {None, file.line.number}],
        "agreements": [
            agreed.document(account, one, today) for one in _agreements(account, file.line.number)
        ],
        "history": [
            {"at": entry.at, "kind": entry.kind, "told": told(entry, language), "facts": entry.facts}
            for entry in file.entries
        ],
        "messages": [
            message.model_dump(mode="json", exclude={"reminder"}) | {"invoices": message.numbers}
            for message in file.messages
        ],
        "tasks": file.tasks,
    }


def _agreements(account: Account, number: str) -> list[Agreement]:
    """Lists the agreements about an invoice, the oldest first."""
    about = (one for one in account.agreements if number in one.invoices)
    return sorted(about, key=lambda one: (one.made_on, one.id))


def _show(
    screen: Console,
    file: CaseFile,
    policy: DunningPolicy,
    lines: tuple[PlannedStep, ...],
    language: str,
    now: datetime,
) -> None:
    account, case = file.account, file.account.case(file.line.number)
    agenda = Agenda.of(account.creditor, account.debtor)
    for sentence_ in _facts(file, case, language):
        screen.print(clean(sentence_), soft_wrap=True)
    screen.print()
    planned = sentence(file.line.next, language) if file.line.next else words.label("none", language)
    screen.print(words.said("next", planned, language), style="bold", soft_wrap=True)
    for hold in account.holds:
        if hold.lifted_on is None and hold.invoice in {None, file.line.number}:
            text = explain(Because(rule=Rule.HOLD, until=hold.until), language)
            screen.print(
                clean(words.said(hold.scope.value, f"{text} ({hold.reason})", language)), soft_wrap=True
            )
    for agreement in _agreements(account, file.line.number):
        told_ = agreed.sentence(account, agreement, agenda.today(now), language)
        screen.print(clean(told_), soft_wrap=True)
    if lines:
        screen.print()
        screen.print(calendar_table(words.label("calendar", language), lines, policy, language, agenda))
    zone = agenda.creditor_zone.key
    screen.print()
    rows = [(words.at(entry.at, language, zone), told(entry, language)) for entry in file.entries]
    heads = [words.label(head, language) for head in ("when", "what")]
    screen.print(table(words.label("history", language), heads, rows))
    _show_messages(screen, file, language, zone)
    _show_tasks(screen, file, language)


def _facts(file: CaseFile, case: Case, language: str) -> list[str]:
    invoice, account = case.invoice, file.account
    balance = account.balance(invoice.number)

    def money(key: str, value: Any) -> str:
        return f"{words.label(key, language)} {words.sum_of(value, invoice.currency, language)}"

    parts = [money("total", balance.total)]
    parts += [
        money(key, value)
        for key, value in (
            ("paid", balance.paid),
            ("allowed", balance.allowed),
            ("credited", balance.credited),
            ("waived", balance.waived),
        )
        if value
    ]
    parts.append(money("open", balance.open))
    if balance.presumed:
        parts += [money("presumed", balance.presumed), money("net", balance.net)]
    ending = file.line.ending
    status = words.label(ending.value if ending else "open_case", language)
    source = words.label(f"from_{invoice.due_date_source.value}", language)
    dates = [
        (words.label("issued", language), invoice.issue_date),
        (words.label("due", language), invoice.due_date),
    ]
    return [
        f"{invoice.number}: {status}",
        words.said("debtor", f"{account.debtor.legal_name} ({account.debtor.id})", language),
        words.said("creditor", f"{account.creditor.legal_name} ({account.creditor.id})", language),
        ", ".join(f"{name} {words.on(day, language)}" for name, day in dates) + f" ({source})",
        words.said("balance", ", ".join(parts), language),
        words.said("policy", case.policy, language),
    ]


def _show_messages(screen: Console, file: CaseFile, language: str, zone: str) -> None:
    if not file.messages:
        return
    heads = ("when", "step", "channel", "state", "invoices", "asked")
    rows = [
        (
            words.at(message.sent_at or message.reminder.planned_at, language, zone),
            message.reminder.step,
            words.label(message.reminder.channel.value, language),
            words.label(message.state.value, language),
            ", ".join(message.numbers),
            words.sum_of(message.reminder.asked, message.reminder.currency, language),
            message.id,
        )
        for message in file.messages
    ]
    screen.print()
    columns = [*(words.label(head, language) for head in heads), "id"]
    screen.print(table(words.label("messages", language), columns, rows, right=[5]))


def _show_tasks(screen: Console, file: CaseFile, language: str) -> None:
    rows = [
        (words.on(task.due_on, language), task.kind, task.id) for task in file.tasks if task.closed_at is None
    ]
    if rows:
        screen.print()
        columns = [words.label("due", language), words.label("kind", language), "id"]
        screen.print(table(words.label("tasks", language), columns, rows))


def list_cases(
    status: Annotated[Status, typer.Option(help="Open cases, closed ones, or all.")] = Status.OPEN,
    debtor: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this customer.", show_default=False)
    ] = None,
    creditor: OfCreditor = None,
    before: Annotated[
        date | None, day_option("--next-before", "Whose next action comes before this day.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Whose number or customer's name holds this.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = FEW,
    *,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their due date.")] = False,
    held: Annotated[bool, typer.Option("--held", help="Only those that are suspended.")] = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """List invoices, those with the nearest next action first."""

    async def work() -> tuple[list[CaseLine], int]:
        async with opened() as record, record.database.reading() as conn:
            filters = Filters(
                status=None if status is Status.ALL else status.value,
                creditor=creditor,
                debtor=debtor,
                overdue_on=record.now.date() if overdue else None,
                rule=Rule.HOLD.value if held else None,
                text=search,
            )
            found = await queries.cases(conn, filters, limit=limit)
            return found, await queries.count_cases(conn, filters)

    found, total = run(work())
    if before is not None:
        found = _until(found, before)
        total = len(found)
    give(
        {"cases": found, "total": total},
        lambda screen: _list(screen, found, total, lang),
        machine=machine,
    )


def _until(found: list[CaseLine], day: date) -> list[CaseLine]:
    """Keeps those whose next action comes before a day; the list is in that order."""
    end = datetime.combine(day, time(), UTC)
    return list(
        takewhile(
            lambda line: line.next is not None and line.next.at is not None and line.next.at < end, found
        )
    )


def _list(screen: Console, found: list[CaseLine], total: int, language: str) -> None:
    several = len({line.creditor for line in found}) > 1
    owner = ("creditor",) if several else ()
    heads = (*owner, "invoice", "debtor", "due", "open", "net", "next")
    rows = [
        (
            *((line.creditor,) if several else ()),
            line.number,
            line.debtor_name,
            words.on(line.due_date, language),
            words.sum_of(line.open, line.currency, language),
            words.sum_of(line.net, line.currency, language),
            sentence(line.next, language) if line.next else "-",
        )
        for line in found
    ]
    figures = [3 + len(owner), 4 + len(owner)]
    screen.print(table("", [words.label(head, language) for head in heads], rows, right=figures))
    screen.print(words.label("shown", language).format(shown=len(found), total=total))
