"""The audit by hand: is everything as it should be, and if not, what is it.

In: `audit`, and the verdict of the last audit of the night.
Not in: what is asked (audit/), and the journal alone (keeping.py).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from audit.auditing import GRACE, audit
from audit.findings import MEANINGS, Finding, Kind, Report
from audit.keeping import last_kept
from audit.runs import audit_runs
from config.sections import Folders
from domain.faults import AuditFailed
from intake.temporal import connect
from terminal.options import Machine, day_option
from terminal.record import PATIENCE_SECONDS, opened
from terminal.screen import clean, give, table
from terminal.shell import leave, run

SHOWN = 50
"""How many findings a person is shown; a machine gets all that are told."""


def audit_record(
    *,
    since: Annotated[
        date | None,
        day_option("--from", "Leave out what happened before this day (UTC); everything is read anyway."),
    ] = None,
    creditor: Annotated[
        str | None, typer.Option("--creditor", metavar="ID", help="Audit this creditor's accounts alone.")
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Compare the kept bytes of every message with their hash, too.")
    ] = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="Compare the open runs of Temporal with the open cases, too.")
    ] = False,
    all_closed: Annotated[
        bool, typer.Option("--all-closed", help="Want every case to have an ending.")
    ] = False,
    grace_hours: Annotated[
        int, typer.Option("--grace-hours", min=0, help="How long a next action may be overdue.")
    ] = int(GRACE / timedelta(hours=1)),
    machine: Machine = False,
) -> None:
    """Work out anew from the journal whether everything that was done was right; changes nothing."""

    async def work() -> Report:
        async with opened() as record:
            report = await audit(
                record.database,
                now=record.now,
                since=datetime.combine(since, time(), UTC) if since else None,
                creditor=creditor,
                grace=timedelta(hours=grace_hours),
                all_closed=all_closed,
                evidence=record.settings.folders.evidence if evidence else None,
            )
            if runs:
                client = await connect(patience=PATIENCE_SECONDS)
                live = await audit_runs(record.database, client, now=record.now, creditor=creditor)
                report = report.with_report(live)
            return report

    report = run(work())
    give(document_of(report), lambda screen: _show(screen, report), machine=machine)
    leave(0 if report.clean else AuditFailed.exit_code)


def document_of(report: Report) -> dict[str, Any]:
    """Writes a report out, with its verdict first."""
    return {"clean": report.clean, "found": report.found} | report.model_dump(mode="json", exclude_none=True)


def told_audit(folders: Folders) -> dict[str, Any] | None:
    """Writes out when the last audit of the night was made and what it found; None where there was none."""
    report = last_kept(folders.audits)
    if report is None:
        return None
    return {"at": report.at, "clean": report.clean, "totals": _found(report)}


def last_verdict(folders: Folders) -> str:
    """Says in one line when the last audit of the night was made and what it found."""
    report = last_kept(folders.audits)
    if report is None:
        return "no audit of the night yet: `make up` schedules one, `audit` makes one now"
    found = ", ".join(f"{count} {kind}" for kind, count in _found(report).items())
    return f"last audit of the night {report.at:%Y-%m-%d %H:%M}Z: {found or 'nothing found'}"


def _found(report: Report) -> dict[str, int]:
    return {kind.value: count for kind, count in report.totals.items() if count}


def _show(screen: Console, report: Report) -> None:
    looked = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items())
    screen.print(clean(f"looked at {looked}; {report.seconds:.1f} s"), soft_wrap=True)
    if report.clean:
        screen.print("nothing found.", style="green")
        return
    found = [(kind, count, MEANINGS[Kind(kind)]) for kind, count in _found(report).items()]
    screen.print(table("found", ("kind", "count", "what it means"), found, right=[1]))
    rows = [_line(one) for one in report.findings[:SHOWN]]
    columns = ("kind", "creditor", "customer", "invoice", "step", "entry", "at", "what")
    screen.print(table("the first of them", columns, rows, right=[5]))
    if report.found > SHOWN:
        screen.print(f"{SHOWN} of {report.found} shown; --json tells more of them.")


def _line(one: Finding) -> tuple[object, ...]:
    at = f"{one.at:%Y-%m-%d %H:%M}Z" if one.at else ""
    where = (one.creditor, one.debtor, one.invoice, one.step, one.revision)
    return (one.kind.value, *("" if part is None else part for part in where), at, one.sentence)
