"""What would happen: a portfolio lived through in advance, nothing sent and nothing written down.

In: `simulate`: every message that would leave, what else would happen, the texts in a folder.
Not in: the rules, which are those of the live run (domain/simulation.py), and files (intake/readers/).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from activities.links import links_of
from config.catalogue import load_policies
from config.settings import load
from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.wording import Wording
from domain import simulation
from domain.actions import Outcome
from domain.events import Event
from domain.explanation import explain
from domain.faults import ConfigurationFault, InputRefused
from domain.policy import Channel
from domain.portfolio import Portfolio, accounts_from
from domain.reminder import Reminder
from domain.simulation import Entry, Simulated
from intake.readers.files import read_file
from intake.telling import words
from terminal.options import Files, Lang, Machine, Speech, day_option
from terminal.planning import find_policy
from terminal.screen import clean, clean_lines, give, table, warn
from terminal.shell import some_refused

UNSAFE = re.compile(r"[^A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Said:
    """Pairs a message that would leave with its words."""

    reminder: Reminder
    subject: str
    text: str

    @property
    def file_name(self) -> str:
        """Gives a name for its file, in the order of leaving."""
        parts = (
            self.reminder.day.isoformat(),
            self.reminder.debtor.id,
            self.reminder.lead,
            self.reminder.step,
        )
        return "_".join(UNSAFE.sub("-", part) for part in parts)

    def document(self, *, with_text: bool) -> dict[str, Any]:
        """Writes it out for a machine."""
        one = self.reminder
        document: dict[str, Any] = {
            "key": one.key,
            "at": one.planned_at,
            "day": one.day,
            "creditor": one.creditor.id,
            "debtor": one.debtor.id,
            "step": one.step,
            "channel": one.channel,
            "tone": one.tone,
            "language": one.language,
            "invoices": [line.number for line in one.lines],
            "asked": one.asked,
            "currency": one.currency,
            "subject": self.subject,
        }
        return document | ({"text": self.text} if with_text else {})


def simulate(
    files: Files,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Put every invoice under this policy (or TOML file).", show_default=False
        ),
    ] = None,
    creditor: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who is owed, for CSV rows that do not say.", show_default=False),
    ] = None,
    start: Annotated[
        date | None, day_option("--from", "The first day; by default that of the first fact.")
    ] = None,
    until: Annotated[
        date | None, day_option("--to", "The last day; by default the end of every ladder.")
    ] = None,
    messages_dir: Annotated[
        Path | None,
        typer.Option(help="Write every message into this folder, to be read.", show_default=False),
    ] = None,
    *,
    approve: Annotated[
        bool, typer.Option("--approve", help="Take every step that waits for a person as approved.")
    ] = False,
    text: Annotated[bool, typer.Option("--text", help="Print the full text of every message.")] = False,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Show every message that would leave for a file of invoices and payments. Nothing is sent.

    The files hold the same events as for import: creditors, debtors, invoices, payments, credit notes.
    """
    settings = load()
    catalogue = load_policies(settings.folders.policies)
    chosen = find_policy(policy) if policy is not None else None
    if chosen is not None:
        catalogue = {**catalogue, chosen.id: chosen}
    refused: list[InputRefused] = []
    events = _events(files, creditor, refused)
    portfolio = accounts_from(events, catalogue, policy=chosen.id if chosen else None, approve=approve)
    refused += portfolio.refused
    wording = Wording.load(settings.folders.wording, links_of(settings))
    for used in portfolio.policies.values():
        wording.check(used)
    lived = _live(portfolio, start, until)
    said = [_said(one, wording) for one in lived.messages]
    if messages_dir is not None:
        _write(messages_dir, said, wording)
    document = {
        "messages": [one.document(with_text=text) for one in said],
        "entries": lived.entries,
        "endings": _endings(lived),
        "refused": [{"message": str(fault), "field": fault.field, "line": fault.line} for fault in refused],
    }
    give(document, lambda screen: _show(screen, lived, said, lang, text=text), machine=machine)
    for fault in refused:
        warn(str(fault))
    some_refused(refused)


def _events(files: Iterable[Path], creditor: str | None, refused: list[InputRefused]) -> Iterator[Event]:
    for file in files:
        for row in read_file(file, creditor=creditor).rows:
            if isinstance(row.event, InputRefused):
                refused.append(row.event)
            else:
                yield row.event


def _live(portfolio: Portfolio, start: date | None, until: date | None) -> Simulated:
    begin = datetime.combine(start, time(), UTC) if start else portfolio.start
    end = datetime.combine(until + timedelta(days=1), time(), UTC) if until else portfolio.end
    if end <= begin:
        raise InputRefused(
            field="to", value=str(until), remedy=f"it lies before the first day, {begin:%Y-%m-%d}"
        )
    return simulation.simulate(portfolio.accounts, portfolio.policies, portfolio.facts, begin, end)


def _said(reminder: Reminder, wording: Wording) -> Said:
    statement = wording.statement(reminder, "letter" if reminder.channel is Channel.LETTER else "email")
    return Said(
        reminder=reminder,
        subject=wording.fill(reminder, "subject.txt", statement),
        text=wording.fill(reminder, "body.txt", statement),
    )


def _write(folder: Path, said: Iterable[Said], wording: Wording) -> None:
    """Writes every message as it would leave: an e-mail as text and HTML, a letter as PDF."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in said:
            place = folder / one.file_name
            if one.reminder.channel is Channel.LETTER:
                Path(f"{place}.pdf").write_bytes(render_letter(one.reminder, wording).pdf)
            else:
                email = render_email(one.reminder, wording)
                Path(f"{place}.txt").write_text(f"{email.subject}\n\n{email.text}", "utf-8")
                Path(f"{place}.html").write_text(email.html, "utf-8")
    except OSError as fault:
        msg = f"messages-dir = '{folder}': {fault.strerror}; name a folder that can be written to"
        raise ConfigurationFault(msg) from fault


def _endings(lived: Simulated) -> dict[str, int]:
    """Counts how the cases ended; those still open count as open."""
    return dict(
        Counter(
            case.ending.value if case.ending else "open"
            for account in lived.accounts
            for case in account.cases
        )
    )


def _show(screen: Console, lived: Simulated, said: list[Said], language: str, *, text: bool) -> None:
    heads = ("day", "debtor", "step", "channel", "invoices", "asked")
    rows = [
        (
            words.on(one.reminder.day, language),
            one.reminder.debtor.id,
            one.reminder.step,
            words.label(one.reminder.channel.value, language),
            ", ".join(line.number for line in one.reminder.lines),
            words.sum_of(one.reminder.asked, one.reminder.currency, language),
            one.subject,
        )
        for one in said
    ]
    columns = [*(words.label(head, language) for head in heads), words.label("subject", language)]
    screen.print(
        table(words.label("would_leave", language).format(count=len(said)), columns, rows, right=[5])
    )
    zones = {account.debtor.id: ZoneInfo(account.creditor.time_zone) for account in lived.accounts}
    others = [entry for entry in lived.entries if entry.what not in {Outcome.SENT, Outcome.COVERED}]
    if others:
        columns = [
            words.label(head, language) for head in ("day", "debtor", "invoice", "step", "what", "why")
        ]
        screen.print()
        screen.print(
            table(
                words.label("besides", language),
                columns,
                [_other(entry, zones[entry.debtor], language) for entry in others],
            )
        )
    if text:
        for one in said:
            screen.rule(clean(f"{one.reminder.day} {one.reminder.debtor.id}: {one.subject}"))
            screen.print(clean_lines(one.text), soft_wrap=True)
    endings = ", ".join(f"{words.label(name, language)} {count}" for name, count in _endings(lived).items())
    screen.print(f"\n{endings}")


def _other(entry: Entry, zone: ZoneInfo, language: str) -> tuple[str, ...]:
    step = entry.step or ""
    what = entry.ending.value if entry.ending else entry.channel.value if entry.channel else entry.what.value
    why = explain(entry.because, language) if entry.because else ""
    if entry.what is Outcome.TASK and entry.channel is None:
        what, why = words.label("approval", language), ""
    return (
        words.on(entry.at.astimezone(zone).date(), language),
        entry.debtor,
        entry.invoice,
        step,
        words.label(what, language),
        why,
    )
