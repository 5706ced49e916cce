"""Policies as readable calendars, before anything runs.

In: `policy list`, `policy show`, `preview`.
Not in: the calendar of a real invoice (showing.py), and a whole portfolio (simulating.py).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from config.catalogue import load_policies, load_policy
from config.settings import load
from domain.calendars import Agenda
from domain.explanation import explain
from domain.faults import InputRefused, NotFound
from domain.policy import DunningPolicy, Roll
from domain.schedule import PlannedStep
from domain.trying import USUAL_TERM, parties, sample_calendar
from intake.telling import words
from terminal.options import Lang, Machine, Speech, day_option
from terminal.screen import give, table
from terminal.texts import check_words

policies = typer.Typer(no_args_is_help=True, help="Show the policies: which reminders leave, when and how.")

PolicyId = Annotated[
    str, typer.Option("--policy", metavar="ID", help="The policy, or a TOML file of your own.")
]
Country = Annotated[str, typer.Option(metavar="CODE", help="Whose public holidays count, as FR or DE.")]
Postcode = Annotated[
    str | None,
    typer.Option(
        metavar="CODE", help="A French postcode, for the holidays of Alsace and Moselle.", show_default=False
    ),
]


def find_policy(name: str) -> DunningPolicy:
    """Finds a policy by its id, or reads it from a TOML file; raises NotFound and ConfigurationFault."""
    folders = load().folders
    if name.endswith(".toml"):
        found = load_policy(Path(name))
        check_words([found], folders.wording)
        return found
    catalogue = load_policies(folders.policies)
    if name not in catalogue:
        msg = f"no policy {name!r}; use one of {', '.join(sorted(catalogue))}, or a file that ends in .toml"
        raise NotFound(msg)
    check_words([catalogue[name]], folders.wording)
    return catalogue[name]


@policies.command("list")
def list_policies(*, lang: Lang = Speech.EN, machine: Machine = False) -> None:
    """List the policies that invoices can be put under."""
    catalogue = load_policies(load().folders.policies)
    document = [
        {"id": one.id, "version": one.version, "title": one.title, "steps": [step.key for step in one.steps]}
        for one in catalogue.values()
    ]
    rows = [
        (one.id, _title(one, lang), " ".join(words.offset(step) for step in one.steps))
        for one in catalogue.values()
    ]
    listed = table("", ("id", words.label("title", lang), words.label("calendar", lang)), rows)
    give(document, lambda screen: screen.print(listed), machine=machine)


@policies.command("show")
def show_policy(
    policy: Annotated[
        str, typer.Argument(metavar="ID", help="The policy, or a TOML file.", show_default=False)
    ],
    due: Annotated[
        date | None, day_option("--due", "A due date to try it on; in 30 days if left out.")
    ] = None,
    *,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Show a policy as a calendar, on a sample due date."""
    found = find_policy(policy)
    sample = due or datetime.now(UTC).date() + USUAL_TERM
    lines = {line.step: line for line in sample_calendar(found, sample)}
    document = found.model_dump(mode="json") | {
        "version": found.version,
        "sample": {"due_date": sample, "calendar": list(lines.values())},
    }
    give(document, lambda screen: _show(screen, found, sample, lines, lang), machine=machine)


def preview(
    due: Annotated[date, day_option("--due", "The due date.")],
    policy: PolicyId = "french-b2b",
    issued: Annotated[
        date | None, day_option("--issued", "The invoice date; 30 days before the due date.")
    ] = None,
    country: Country = "FR",
    postcode: Postcode = None,
    roll: Annotated[
        Roll | None,
        typer.Option(help="Try another way with days that are not business days.", show_default=False),
    ] = None,
    *,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Show the calendar that an invoice would follow if it were never paid, before anything runs."""
    found = find_policy(policy)
    if roll is not None:
        found = DunningPolicy.model_validate(found.model_dump() | {"roll": roll})
    start = issued or due - USUAL_TERM
    if start > due:
        raise InputRefused(
            field="issued",
            value=start.isoformat(),
            remedy=f"it lies after the due date {due}; give an earlier date",
        )
    lines = sample_calendar(found, due, issued=start, country=country, postcode=postcode)
    document = {
        "policy": found.id,
        "version": found.version,
        "due_date": due,
        "issue_date": start,
        "calendar": [
            line.model_dump(mode="json") | {"reason": explain(line.because, lang)} for line in lines
        ],
    }

    def view(screen: Console) -> None:
        title = f"{found.id}, {words.label('due', lang)} {words.on(due, lang)}"
        screen.print(calendar_table(title, lines, found, lang, Agenda.of(*parties(country, postcode))))

    give(document, view, machine=machine)


def _title(policy: DunningPolicy, language: str) -> str:
    return policy.title.get(language) or next(iter(policy.title.values()))


def _show(
    screen: Console, policy: DunningPolicy, due: date, lines: dict[str, PlannedStep], language: str
) -> None:
    """Shows every step with its day on the sample; a step without one would not be taken."""
    heads = ("step", "day", "title", "channel", "tone", "who", "wording", "due")
    rows = [
        (
            step.key,
            words.offset(step),
            step.named(language),
            words.label(step.channel.value, language),
            words.tone(step, language),
            words.who(step, language),
            step.message or "-",
            words.on(lines[step.key].day, language) if step.key in lines else "-",
        )
        for step in policy.steps
    ]
    columns = [words.label(head, language) for head in heads[:-1]]
    sample = f"{words.label('due', language)} {words.on(due, language)}"
    screen.print(
        table(f"{policy.id}: {_title(policy, language)} ({policy.version})", (*columns, sample), rows)
    )
    for sentence in words.terms_of(policy, language):
        screen.print(sentence, soft_wrap=True)


def calendar_table(
    title: str, lines: Iterable[PlannedStep], policy: DunningPolicy, language: str, agenda: Agenda
) -> Table:
    """Makes the table of a calendar: what would leave, when, and why on that day."""
    heads = ("step", "title", "channel", "leaves", "why")
    zone = agenda.creditor_zone.key
    rows = [
        (
            line.step,
            policy.step(line.step).named(language),
            words.label(line.channel.value, language),
            words.at(line.at, language, zone),
            explain(line.because, language),
        )
        for line in lines
    ]
    return table(title, [words.label(head, language) for head in heads], rows)
