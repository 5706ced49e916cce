"""What does not go on by itself, or not yet: cases in trouble, and wake-ups that wait.

In: `troubles`, `retry`, `outbox`.
Not in: questions that only people can answer, which are tasks (following.py).
"""

from typing import Annotated, Any

import typer
from rich.console import Console

from domain.actions import CaseRef
from domain.faults import InputRefused, Unavailable
from intake.failing import Failing, failing, on_record
from intake.failing import retry as try_again
from intake.temporal import connect
from ledger import outbox
from ledger import troubles as noted
from ledger.outbox import Undelivered
from terminal.options import Machine, OfCreditor
from terminal.record import PATIENCE_SECONDS, Record, opened
from terminal.screen import clean, give, say, table, warn
from terminal.shell import run

Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


def troubles(limit: Limit = 200, *, machine: Machine = False) -> None:
    """List the cases that fail for a reason of their own: what failed, since when, what to do."""

    async def work() -> tuple[list[Failing], str | None]:
        async with opened() as record:
            try:
                client = await connect(patience=PATIENCE_SECONDS)
                return await failing(record.database, client, limit), None
            except Unavailable as fault:
                return await on_record(record.database, limit), str(fault)

    found, away = run(work())
    lines = [one.model_dump(mode="json") for one in found]
    if away is not None:
        warn(f"{away}. Only what is on record is listed; runs whose own code fails are not.")
    give({"troubles": lines, "temporal": away}, lambda screen: _show(screen, lines), machine=machine)


def _show(screen: Console, lines: list[dict[str, Any]]) -> None:
    if not lines:
        screen.print("no case is in trouble.")
        return
    columns = ("since", "creditor", "invoice", "doing", "attempts", "fault")
    rows = [
        (
            str(line["first_at"] or "")[:16].replace("T", " "),
            line["creditor"],
            line["number"],
            f"{line['doing']} {line['step'] or ''}",
            line["attempts"],
            line["detail"],
        )
        for line in lines
    ]
    screen.print(table("cases in trouble (UTC)", columns, rows, right=[4]))
    for remedy in dict.fromkeys(line["remedy"] for line in lines):
        numbers = ", ".join(line["number"] for line in lines if line["remedy"] == remedy)
        screen.print(clean(f"{numbers}: {remedy}."), soft_wrap=True)


def retry(
    number: Annotated[
        str | None, typer.Argument(metavar="[NUMBER]", help="The invoice's number.", show_default=False)
    ] = None,
    creditor: OfCreditor = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every case that `troubles` lists.")] = False,
    machine: Machine = False,
) -> None:
    """Try again now, after a mend, what would be tried again within 10 minutes."""
    if every == (number is not None):
        raise InputRefused("NUMBER", number, "name one invoice, or say --all; not both, and not neither")

    async def work() -> list[tuple[CaseRef, int]]:
        async with opened() as record:
            client = await connect(patience=PATIENCE_SECONDS)
            cases = [await record.ref(number, creditor)] if number else await _all(record, creditor)
            return [(case, await try_again(record.database, client, case)) for case in cases]

    done = run(work())
    document = [{"creditor": case.creditor, "number": case.number, "activities": n} for case, n in done]
    sentences = [
        f"invoice {case.number}: tried again now" if count else f"invoice {case.number}: nothing waits"
        for case, count in done
    ]
    give({"retried": document}, say(*(sentences or ["no case is in trouble."])), machine=machine)


async def _all(record: Record, creditor: str | None) -> list[CaseRef]:
    async with record.database.reading() as conn:
        listed = await noted.listed(conn, limit=100_000)
    return [one.case for one in listed if creditor in {None, one.creditor}]


def wake_ups(limit: Limit = 200, *, machine: Machine = False) -> None:
    """List the wake-ups that wait to be delivered to Temporal, with what went wrong."""

    async def work() -> list[Undelivered]:
        async with opened() as record, record.database.reading() as conn:
            return await outbox.undelivered(conn, limit)

    waiting = run(work())

    def view(screen: Console) -> None:
        if not waiting:
            screen.print("no wake-up waits.")
            return
        columns = ("since", "creditor", "invoice", "kind", "attempts", "last error")
        rows = [
            (
                f"{one.written_at:%Y-%m-%d %H:%M}",
                one.creditor,
                one.number,
                one.kind,
                one.attempts,
                one.last_error,
            )
            for one in waiting
        ]
        screen.print(table("wake-ups that wait (UTC)", columns, rows, right=[4]))

    give({"waiting": waiting}, view, machine=machine)
