"""The account of a demonstration, for people: each invoice, its calendar, what happened when and why.

In: the lines, and where the files lie. Not in: the words of the journal, which the caller brings along.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from correspondence.formats import money
from domain.actions import CaseRef
from domain.calendars import Agenda
from domain.explanation import explain
from domain.policy import Channel, DunningPolicy
from domain.schedule import calendar
from ledger.journal import Entry
from ledger.messages import MessageRecord
from ledger.queries import CaseFile
from trial.demo import Lived

Words = Callable[[Entry], str]
"""Says in a sentence what an entry of the journal records."""

UNTOLD = {"message.reserved", "task.closed", "case.unblocked"}
"""Entries that another line tells already."""

CHANNELS = {Channel.EMAIL: "e-mail", Channel.LETTER: "letter"}


def tell_story(screen: Console, lived: Lived, words: Words) -> None:
    """Tells everything that happened, invoice by invoice, and where it can be seen."""
    for file in lived.files:
        _tell_case(screen, lived, file, words)
    _tell_endings(screen, lived)
    _tell_places(screen, lived)


def tell_verdict(screen: Console, lived: Lived) -> None:
    """Says whether what left is what was predicted."""
    count, foretold = len(lived.records), len(lived.foretold.messages)
    if lived.differences:
        screen.print(f"{count} messages left, {foretold} were predicted: they differ", style="bold red")
        for difference in lived.differences:
            screen.print(f"  {difference}", style="red", soft_wrap=True)
    else:
        screen.print(
            f"{count} messages left, {foretold} were predicted: the same list, {lived.days} days of dunning",
            style="bold green",
        )


def _tell_case(screen: Console, lived: Lived, file: CaseFile, words: Words) -> None:
    line = file.line
    ending = line.ending.value.replace("_", " ") if line.ending else "open"
    screen.print()
    head = Text(f"{line.number}  {line.debtor_name}", style="bold")
    policy = line.policy.split("@")[0]
    owed = f"  {money(line.total, line.currency, 'en')}, due {line.due_date}, policy {policy}: "
    screen.print(head.append(owed, style="not bold").append(ending, style="bold"))
    for note in lived.foretold.foresight.notes.get(line.number, ()):
        screen.print(Padding(Text(f"see       {note}", style="cyan"), (0, 0, 0, 2)))
    screen.print(Padding(Text(f"calendar  {_calendar(lived, file)}", style="dim"), (0, 0, 0, 2)))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for day, sentence, why in _happened(lived, file, words):
        table.add_row(day, Text(sentence).append(f"  {why}" if why else "", style="dim"))
    screen.print(Padding(table, (0, 0, 0, 2)))


def _calendar(lived: Lived, file: CaseFile) -> str:
    """Writes the steps as they were planned when the invoice came in."""
    foresight = lived.foretold.foresight
    at, account = foresight.opening(file.line.number)
    policy = foresight.policies[file.line.policy]
    steps = calendar(account, file.line.number, policy, at)
    return " · ".join(f"{step.step} {step.day:%a %Y-%m-%d}" for step in steps) or "nothing to ask for"


def _happened(lived: Lived, file: CaseFile, words: Words) -> Iterator[tuple[str, str, str]]:
    """Gives the day, what happened, and why, for everything on record about a case."""
    agenda = Agenda.of(file.account.creditor, file.account.debtor)
    records = {record.id: record for record in file.messages}
    policy = lived.foretold.foresight.policies[file.line.policy]
    for entry in file.entries:
        if entry.kind in UNTOLD:
            continue
        sentence, why = words(entry), ""
        if entry.kind == "message.sent":
            sentence, why = _message(lived, file, records[str(entry.facts["message"])], policy)
        elif entry.kind == "step.taken":
            why = _why(lived, file, str(entry.facts["taken"]["step"]))
        yield f"{agenda.today(entry.at):%a %Y-%m-%d}", sentence, why


def _message(lived: Lived, file: CaseFile, record: MessageRecord, policy: DunningPolicy) -> tuple[str, str]:
    reminder = record.reminder
    number = file.line.number
    step = next(line.step for line in reminder.lines if line.number == number)
    others = [line.number for line in reminder.lines if line.number != number]
    together = f", together with {' and '.join(others)}" if others else ""
    asked = money(reminder.asked, reminder.currency, "en")
    title = policy.step(step).named("en").lower()
    letter = f"{CHANNELS[reminder.channel]} {_place(lived, record)}"
    return f"{step}: {letter}, {title}{together}, asks for {asked}", _why(lived, file, step)


def _why(lived: Lived, file: CaseFile, step: str) -> str:
    case = CaseRef(creditor=file.line.creditor, number=file.line.number)
    because = lived.reasons.get((case, step))
    return explain(because) if because is not None else ""


def _place(lived: Lived, record: MessageRecord) -> str:
    """Names the file of a message: an e-mail by its number, a letter by its name."""
    if record.reminder.channel is Channel.LETTER:
        return Path(record.evidence_path or "").name
    found = (one.path.name for one in lived.sink.received if one.message["Message-ID"] == record.message_id)
    return next(found, "not found").partition("-")[0]


def _tell_endings(screen: Console, lived: Lived) -> None:
    endings = Counter(file.line.ending.value if file.line.ending else "open" for file in lived.files)
    said = ", ".join(f"{count} {ending.replace('_', ' ')}" for ending, count in sorted(endings.items()))
    debtors = len({file.line.debtor for file in lived.files})
    screen.print()
    screen.print(f"{len(lived.files)} invoices of {debtors} customers: {said}", style="bold")
    for file in lived.files:
        for task in file.tasks:
            if task.closed_at is None:
                screen.print(f"  a person has to act: {task.kind}, {file.line.number}, {task.due_on}")


def _tell_places(screen: Console, lived: Lived) -> None:
    folders = lived.settings.folders
    emails = sum(1 for record in lived.records if record.reminder.channel is Channel.EMAIL)
    letters = len(list(folders.letters.glob("*.pdf")))
    handoffs = len(list(folders.handoffs.glob("*/manifest.json")))
    screen.print()
    for count, what, place in (
        (emails, "e-mails (.eml)", folders.var / "mail"),
        (letters, "letters (.pdf)", folders.letters),
        (handoffs, "handoff folders", folders.handoffs),
        (1, "record (SQLite)", folders.var / "relance.sqlite3"),
    ):
        screen.print(f"{count:5} {what:16} {place}", soft_wrap=True)
