"""The kill switch: nothing leaves, for all or for one creditor, policy or channel, until it is lifted.

In: `stop-sending`, with what was about to leave, and `resume-sending`.
Not in: holds of single cases (holding.py).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from domain.actions import Rule
from domain.agreements import Stop
from domain.faults import InputRefused, NotFound
from domain.policy import Channel
from ledger import policies, queries, switches
from ledger.queries import CaseLine
from terminal.options import Author, Machine, OfCreditor, Reason
from terminal.record import Record, opened
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

    async def work() -> tuple[bool, list[CaseLine], list[str]]:
        async with opened() as record:
            await _check(record, policy)
            async with record.database.writing() as conn:
                new = await switches.stop(conn, what, author, reason, record.now)
            return new, *await _leaving(record, what, timedelta(hours=hours))

    new, lines, underway = run(work())
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
            async with record.database.writing() as conn:
                new = await switches.resume(conn, what, author, record.now)
            async with record.database.reading() as conn:
                waiting = await queries.open_accounts(conn, creditor, rule=Rule.SENDING_STOPPED)
                left = await switches.stopped(conn, creditor)
            await record.settle_all(waiting)
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


async def _check(record: Record, policy: str | None) -> None:
    """Refuses a policy that nobody knows: a stop with a misspelt name would stop nothing."""
    if policy is None:
        return
    if "@" in policy:
        raise InputRefused("policy", policy, f"name the policy without its version: {policy.split('@')[0]}")
    async with record.database.reading() as conn:
        known = {*record.catalogue, *(await policies.ids(conn))}
    if policy not in known:
        msg = f"no policy {policy!r}; there are {', '.join(sorted(known))}"
        raise NotFound(msg)


async def _leaving(record: Record, what: Stop, ahead: timedelta) -> tuple[list[CaseLine], list[str]]:
    """Lists the steps that would have been taken soon, and the messages that are being handed over."""
    async with record.database.reading() as conn:
        lines = await queries.leaving(conn, record.now + ahead, creditor=what.creditor, policy=what.policy)
        underway = await queries.underway(conn, what.creditor)
        channels: dict[str, Mapping[str, Channel]] = {}
        for version in {line.policy for line in lines}:
            policy = await record.shelf.get(conn, version)
            channels[version] = {step.key: step.channel for step in policy.steps}
    wanted = [
        line
        for line in lines
        if line.next is not None and what.channel in {None, channels[line.policy].get(line.next.step or "")}
    ]
    return wanted, underway
