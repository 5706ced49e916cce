"""Files taken in, and what was refused of them.

In: `import`, `refused`, `refused retry`, `refused drop`.
Not in: formats (intake/readers/), what becomes of a file (intake/loading.py), folders (watching.py).
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from domain.faults import InputRefused
from intake.bank.passes import match_all_waiting
from intake.loading import Progress as ProgressHeard
from intake.loading import load, retry
from intake.reports import LoadReport
from ledger import desk
from ledger.desk import Quarantined
from terminal.bank_words import pointed_out, refusals, said, understood
from terminal.feeding import answered
from terminal.options import Author, Lang, Machine, Reason, Speech
from terminal.record import Record, opened
from terminal.screen import clean, console, give, say, table, warn
from terminal.shell import run, some_refused

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Files of any kind that is known.", show_default=False),
]
Account = Annotated[
    str | None,
    typer.Option(metavar="IBAN", help="The account, for a bank's CSV that names none.", show_default=False),
]
Currency = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Its currency, where it is not declared.", show_default=False),
]

refused = typer.Typer(
    invoke_without_command=True,
    help="List the rows that could not be taken in; mend and retry them, or drop them.",
)


def import_files(
    files: Files,
    creditor: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who is owed, for CSV rows that do not say.", show_default=False),
    ] = None,
    creditor_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the creditor, taken in first.", show_default=False),
    ] = None,
    account: Account = None,
    currency: Currency = None,
    *,
    lang: Lang = Speech.EN,
    machine: Machine = False,
) -> None:
    """Take in files: invoices, customers, payments, credit notes, bank statements, life-cycle messages.

    Each is known by its content: JSON, NDJSON, CSV; Factur-X, UBL, CII; camt, CFONB, MT940, OFX; CDAR.
    What is known already changes nothing, so a file can be imported twice. A row that cannot be taken is
    kept, to be mended and tried again (see refused); the others go on.
    """
    order = [creditor_file, *files] if creditor_file is not None else files
    for file in order:
        if not file.exists():
            raise InputRefused(
                field="FILE", value=str(file), remedy="there is no such file; check its name and folder"
            )

    told = Told(creditor, account, currency)

    async def work() -> tuple[list[tuple[str, LoadReport]], bool]:
        reports = []
        async with opened(create=True) as record:
            record.check_words()
            for file in order:
                with _progress(file.name, quiet=machine) as advance:
                    report = await take(record, file, told, progress=advance)
                reports.append((file.name, report))
            await look_again(record, [report for _, report in reports])
            return reports, await record.deliver()

    reports, woken = run(work())
    documents = [{"file": name, **_document(report)} for name, report in reports]
    document = {"files": documents, "delivered": woken}
    give(document, lambda screen: _show(screen, reports, lang), machine=machine)
    some_refused(any(report.refused for _, report in reports))


class Told(NamedTuple):
    """Says what files may leave out: whose rows of a CSV are, and the account of a bank's CSV."""

    creditor: str | None
    account: str | None
    currency: str | None


async def take(
    record: Record, file: Path, told: Told, *, progress: ProgressHeard | None = None
) -> LoadReport:
    """Takes one file in."""
    return await load(
        record.door,
        file,
        now=record.now,
        **told._asdict(),
        documents=record.settings.folders.documents,
        progress=progress,
    )


async def look_again(record: Record, reports: Iterable[LoadReport]) -> None:
    """Matches what waits in the bank's entries again, where invoices have come that it may pay."""
    if any(report.taken for report in reports):
        await match_all_waiting(record.database, now=record.now)


@contextmanager
def _progress(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Shows how far a file is on standard error, where a person watches."""
    watching = sys.stderr.isatty() and not quiet
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), transient=True, disable=not watching) as bar:
        task = bar.add_task(clean(name), total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _document(report: LoadReport) -> dict[str, Any]:
    return report.model_dump(mode="json")


def _show(screen: Console, reports: list[tuple[str, LoadReport]], language: str) -> None:
    for name, report in reports:
        for line in described(name, report, language):
            screen.print(clean(line), soft_wrap=True)
        for line in refusals(report.refused, language):
            screen.print(clean(line), style="red", soft_wrap=True)


def described(name: str, report: LoadReport, language: str) -> list[str]:
    """Says what a file was and what became of it."""
    kind = "" if report.kind == "events" else f"{said(f'kind_{report.kind}', language)}, "
    counts = ", ".join(
        f"{count} {said(what, language)}"
        for what, count in (
            ("taken", report.taken),
            ("known_already", report.known),
            ("waiting", report.waiting),
            ("refused", len(report.refused)),
        )
    )
    notes = [*report.notes, *pointed_out(report.warnings, language)]
    lines = [f"{name}: {kind}{counts}", *(f"  {note}" for note in notes)]
    for statement in report.statements:
        first, *rest = understood(statement, language)
        lines += [f"  {first}", *(f"    {line}" for line in rest)]
    return lines


@refused.callback()
def list_refused(context: typer.Context, *, machine: Machine = False) -> None:
    """List the rows that could not be taken in, with what is wrong and what to do."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> list[Quarantined]:
        async with opened() as record, record.database.reading() as conn:
            return await desk.aside(conn)

    found = run(work())

    def view(screen: Console) -> None:
        rows = [
            (
                one.id,
                one.source,
                one.line,
                one.problem.get("field"),
                one.problem.get("value"),
                one.problem.get("remedy"),
            )
            for one in found
        ]
        columns = ("id", "file", "line", "field", "value", "what to do")
        screen.print(table(f"{len(found)} refused row(s)", columns, rows))

    give({"refused": found}, view, machine=machine)


@refused.command("retry")
def retry_refused(
    row: Annotated[
        int, typer.Argument(metavar="ID", help="The row's id, as `refused` lists it.", show_default=False)
    ],
    with_file: Annotated[
        Path | None,
        typer.Option("--with", metavar="FILE", help="A file with the mended row.", show_default=False),
    ] = None,
    *,
    machine: Machine = False,
) -> None:
    """Try a refused row again, as it is or mended in a file."""
    mended = None
    if with_file is not None:
        try:
            mended = with_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise InputRefused(
                field="with", value=str(with_file), remedy="it cannot be read; name a file in UTF-8"
            ) from fault

    async def work() -> tuple[Any, bool]:
        async with opened() as record:
            admission = await retry(record.door, row, mended, now=record.now)
            return admission, await record.deliver()

    admission, woken = run(work())
    document = admission.model_dump(mode="json") | {"delivered": woken}
    give(document, say(*answered(admission)), machine=machine)
    if not woken:
        warn("the run will hear of it from the worker")


@refused.command("drop")
def drop_refused(
    row: Annotated[
        int, typer.Argument(metavar="ID", help="The row's id, as `refused` lists it.", show_default=False)
    ],
    reason: Reason,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Set a refused row aside for good: it leaves the list, and the reason is kept with it."""
    if not reason.strip():
        raise InputRefused(field="reason", value=reason, remedy="say why the row is not needed")

    async def work() -> None:
        async with opened() as record, record.database.writing() as conn:
            await desk.give_up(conn, row, reason, author, record.now)

    run(work())
    give({"dropped": row, "reason": reason, "by": author}, say(f"row {row} is set aside."), machine=machine)
