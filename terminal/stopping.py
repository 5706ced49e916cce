"""The kill switch: nothing leaves, for all or for one creditor, policy or channel, until it is lifted.

In: `stop-sending`, with what was about to leave, and `resume-sending`.
Not in: holds of single cases (holding.py).
"""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from domain.agreements import Stop
from domain.policy import Channel
from intake.stopping import Leaving, check_policy, leaving, resume
from ledger import switches
from terminal.options import Author, Machine, OfCreditor, Reason
from terminal.record import opened
from terminal.screen import clean, give, say, table
from terminal.shell import run

HOURS = 24
MOST = 1000
"""How many cases are listed; all are counted."""

OfPolicy = Annotated[
    str | None,
    typer.Option("--policy", metavar="ID", help="Only what this policy sends.", show_default=False),
]
ByChannel = Annotated[
    Channel | None,
    typer.Option("--channel", help="Only what leaves this way.", show_default=False),
]


def stop_sending(
    reason: Reason,
    creditor: OfCreditor = None,
    policy: OfPolicy = None,
    channel: ByChannel = None,
    hours: Annotated[
        int, typer.Option("--hours", min=0, max=8760, help="List what would have left in the next hours.")
    ] = HOURS,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Stop everything at once, or what one creditor, policy or channel sends, until resume-sending."""
    what = Stop(creditor=creditor, policy=policy, channel=channel)

    async def work() -> tuple[bool, Leaving]:
        async with opened() as record:
            async with record.database.writing() as conn:
                await check_policy(conn, record.catalogue, policy)
                new = await switches.stop(conn, what, author, reason, record.now)
            async with record.database.reading() as conn:
                return new, await leaving(conn, record.shelf, what, record.now + timedelta(hours=hours))

    new, (lines, underway) = run(work())
    said = f"sending is stopped for {named(what)}." if new else f"it was stopped for {named(what)} before."

    def view(screen: Console) -> None:
        screen.print(clean(said), soft_wrap=True)
        if underway:
            screen.print(f"{len(underway)} message(s) were being handed over and may still have left.")
        if not lines:
            screen.print(f"nothing was about to leave in the next {hours} hours.")
            return
        rows = [
            (one.number, one.debtor_name, one.next.step or "", f"{one.next.at:%Y-%m-%d %H:%M}Z", str(one.net))
            for one in lines[:MOST]
            if one.next is not None and one.next.at is not None
        ]
        title = f"held back: {len(lines)} step(s) of the next {hours} hours"
        screen.print(table(title, ("invoice", "customer", "step", "at", "open"), rows))

    document = {
        "stopped": True,
        "changed": new,
        **what.model_dump(mode="json"),
        "hours": hours,
        "held_back": len(lines),
        "cases": lines[:MOST],
        "underway": underway,
    }
    give(document, view, machine=machine)


def resume_sending(
    creditor: OfCreditor = None,
    policy: OfPolicy = None,
    channel: ByChannel = None,
    *,
    author: Author,
    machine: Machine = False,
) -> None:
    """Let messages leave again after stop-sending; what is late is caught up as the policy says."""
    what = Stop(creditor=creditor, policy=policy, channel=channel)

    async def work() -> None:
        async with opened() as record:
            new = await resume(record.database, record.shelf, what, author, record.now)
            async with record.database.reading() as conn:
                left = await switches.stopped(conn, creditor)
            woken = await record.deliver()
        sentences = [
            f"sending goes on for {named(what)}."
            if new
            else f"sending was not stopped for {named(what)}; see `status`.",
            *(f"still stopped: {named(one)} ({one.reason})." for one in left),
        ]
        document = {
            "stopped": False,
            "changed": new,
            **what.model_dump(mode="json"),
            "delivered": woken,
            "still_stopped": left,
        }
        give(document, say(*sentences), machine=machine)

    run(work())


def named(what: Stop) -> str:
    """Says in words what a stop covers."""
    parts = [
        f"creditor {what.creditor}" if what.creditor else "",
        f"policy {what.policy}" if what.policy else "",
        f"channel {what.channel.value}" if what.channel else "",
    ]
    return ", ".join(part for part in parts if part) or "everybody"
