"""The care of the record: is it whole, is everything within reach, does its schema fit.

In: `verify`, `status`, `migrate`.
Not in: what stands in it (showing.py).
"""

import asyncio
from typing import Any

from rich.console import Console

from config.settings import load
from domain.faults import ConfigurationFault, RecordBroken, Unavailable
from intake.reaching import mail
from intake.temporal import connect
from ledger import journal, queries, switches
from ledger.database import Database
from ledger.switches import Stopped
from terminal.auditing import last_verdict, told_audit
from terminal.options import Machine
from terminal.record import PATIENCE_SECONDS, opened
from terminal.screen import clean, give, say, table
from terminal.shell import leave, run
from terminal.stopping import named

COUNTED = {
    "open": "open cases",
    "closed": "closed cases",
    "tasks": "tasks for people",
    "troubles": "cases in trouble",
    "errands": "wake-ups to be delivered",
    "waiting": "payments, credit notes and messages that wait for their invoice",
    "quarantine": "refused rows to be mended",
}


def verify(*, machine: Machine = False) -> None:
    """Check that nobody has changed the journal: every entry of every account follows the one before."""

    async def work() -> list[journal.Break]:
        async with opened() as record, record.database.reading() as conn:
            return [one async for one in journal.verify(conn)]

    broken = run(work())

    def view(screen: Console) -> None:
        if not broken:
            screen.print("the journal is whole.")
            return
        rows = [(one.creditor, one.debtor or "-", one.revision, one.problem) for one in broken]
        screen.print(table("the journal does not add up", ("creditor", "customer", "entry", "problem"), rows))

    give({"whole": not broken, "breaks": broken}, view, machine=machine)
    leave(RecordBroken.exit_code if broken else 0)


def status(*, machine: Machine = False) -> None:
    """Count what is on record, and say whether the database, Temporal and the mail server answer."""
    settings = load()

    async def work() -> tuple[dict[str, str | None], dict[str, int], list[Stopped]]:
        temporal, post = await asyncio.gather(_temporal(), mail(settings.smtp, PATIENCE_SECONDS))
        counts: dict[str, int] = {}
        stops: list[Stopped] = []
        database: str | None = None
        try:
            async with opened() as record, record.database.reading() as conn:
                counts, stops = await queries.counts(conn), await switches.stopped(conn)
        except (Unavailable, ConfigurationFault) as fault:
            database = str(fault)
        return {"database": database, "temporal": temporal, "mail": post}, counts, stops

    faults, counts, stops = run(work())
    document: dict[str, Any] = {
        "reachable": {name: fault is None for name, fault in faults.items()},
        "faults": {name: fault for name, fault in faults.items() if fault},
        "counts": counts,
        "stopped": stops,
        "last_audit": told_audit(settings.folders),
    }

    def view(screen: Console) -> None:
        _show(screen, faults, counts, stops)
        screen.print(clean(last_verdict(settings.folders)), soft_wrap=True)

    give(document, view, machine=machine)
    leave(Unavailable.exit_code if any(faults.values()) else 0)


def _show(
    screen: Console, faults: dict[str, str | None], counts: dict[str, int], stops: list[Stopped]
) -> None:
    for name, fault in faults.items():
        screen.print(
            clean(f"{name}: {fault or 'answers'}"), style="red" if fault else "green", soft_wrap=True
        )
    for one in stops:
        since = f"{one.stopped_at:%Y-%m-%d %H:%M}Z"
        said = f"sending is stopped for {named(one)} since {since}, by {one.by}: {one.reason}"
        screen.print(clean(said), style="red", soft_wrap=True)
    for name, count in counts.items():
        screen.print(f"{count:>8} {COUNTED.get(name, name)}")


async def _temporal() -> str | None:
    try:
        await connect(patience=PATIENCE_SECONDS)
    except (Unavailable, ConfigurationFault) as fault:
        return str(fault)
    return None


def migrate(*, machine: Machine = False) -> None:
    """Bring the database to the form that this release needs; import does so for a new one."""

    async def work() -> tuple[str | None, str | None]:
        async with await Database.open(load().database_url) as database:
            before = await database.version()
            await database.migrate()
            return before, await database.version()

    before, after = run(work())
    said = (
        "the database is up to date."
        if before == after
        else f"the database went from {before or 'nothing'} to {after}."
    )
    give({"before": before, "after": after}, say(said), machine=machine)
