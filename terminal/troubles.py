"""What does not go on by itself, or not yet: cases in trouble, and wake-ups that wait.

In: `troubles`, `retry`, `outbox`.
Not in: questions that only people can answer, which are tasks (following.py).
"""

from typing import Annotated, Any

import typer
from rich.console import Console

from domain.actions import CaseRef
from domain.faults import InputRefused, Unavailable
from intake import troubled
from intake.temporal import connect
from intake.troubled import Retrying, StuckRun
from ledger import outbox
from ledger import troubles as noted
from ledger.outbox import Undelivered
from ledger.troubles import Trouble
from terminal.options import Machine, OfCreditor
from terminal.record import PATIENCE_SECONDS, Record, opened
from terminal.screen import clean, give, say, table, warn
from terminal.shell import run

DOING = {
    "Collector.take": "taking a step",
    "Ledger.record_payment": "writing down a payment",
    "Ledger.obey": "carrying out an order",
    "Planner.next": "planning",
}
RUN = "running its code"

NOT_PREPARED = "mend what the fault names; then `retry`"
OUR_CODE = "report the fault; once a release mends it, it goes on within 10 minutes, or at once with `retry`"
RUN_CODE = "report the fault; once a release mends it, it goes on within minutes, by itself"
REMEDIES = {"NotPrepared": NOT_PREPARED, "ConfigurationFault": NOT_PREPARED, "NotFound": NOT_PREPARED}

Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


def troubles(limit: Limit = 200, *, machine: Machine = False) -> None:
    """List the cases that fail for a reason of their own: what failed, since when, what to do."""

    async def work() -> tuple[list[dict[str, Any]], str | None]:
        async with opened() as record:
            async with record.database.reading() as conn:
                listed = await noted.listed(conn, limit)
            try:
                client = await connect(patience=PATIENCE_SECONDS)
                retried = await troubled.retrying(client, [one.case for one in listed])
                stuck = await troubled.stuck_runs(client, limit)
            except Unavailable as fault:
                return [_line(one, None) for one in listed], str(fault)
            over = [one for one in listed if retried[one.case] is None]
            await _forget(record, over)
        lines = [_line(one, retried[one.case]) for one in listed if one not in over]
        return [*lines, *(_stuck_line(one) for one in stuck)], None

    lines, away = run(work())
    if away is not None:
        warn(f"{away}. Only what is on record is listed; runs whose own code fails are not.")
    give({"troubles": lines, "temporal": away}, lambda screen: _show(screen, lines), machine=machine)


async def _forget(record: Record, over: list[Trouble]) -> None:
    """Takes cases off the list that have gone on while nobody could write it down."""
    if over:
        async with record.database.writing() as conn:
            for one in over:
                await noted.forget(conn, one.case, unless_after=one.last_at)


def _line(one: Trouble, retried: Retrying | None) -> dict[str, Any]:
    return one.model_dump(mode="json") | {
        "doing": DOING.get(one.doing, one.doing),
        "next_at": retried.next_at if retried is not None else None,
        "remedy": REMEDIES.get(one.fault, OUR_CODE),
    }


def _stuck_line(one: StuckRun) -> dict[str, Any]:
    return {
        "creditor": one.creditor,
        "number": one.number,
        "doing": RUN,
        "step": None,
        "fault": one.fault,
        "detail": one.detail,
        "attempts": one.attempts,
        "first_at": one.since,
        "last_at": None,
        "next_at": None,
        "remedy": RUN_CODE,
    }


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
            done: list[tuple[CaseRef, int]] = []
            for case in cases:
                # Forgotten first: what fails again is noted again, what succeeds has nothing to take back.
                async with record.database.writing() as conn:
                    await noted.forget(conn, case)
                done.append((case, await troubled.retry_now(client, case)))
            return done

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
