"""Stops of sending: what may be stopped, what was about to leave, and going on afterwards.

In: checking what is named, listing what a stop holds back, planning anew what waited for one.
Not in: the switch itself (ledger/switches.py), and the gate, which obeys it (domain/gate.py).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.actions import Rule
from domain.agreements import Stop
from domain.faults import InputRefused, NotFound
from domain.policy import Channel
from ledger import policies, queries, switches
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import CaseLine


class Leaving(NamedTuple):
    """Lists the steps that would be taken soon, and the messages that are being handed over just now."""

    lines: list[CaseLine]
    underway: list[str]


async def check_policy(conn: AsyncConnection, offered: Iterable[str], policy: str | None) -> None:
    """Refuses a policy that nobody knows: a stop with a misspelt name would stop nothing.

    Raises InputRefused for a version, NotFound for an id that is neither offered nor stored.
    """
    if policy is None:
        return
    if "@" in policy:
        raise InputRefused("policy", policy, f"name the policy without its version: {policy.split('@')[0]}")
    known = {*offered, *(await policies.ids(conn))}
    if policy not in known:
        msg = f"no policy {policy!r}; there are {', '.join(sorted(known))}"
        raise NotFound(msg)


async def leaving(conn: AsyncConnection, shelf: Shelf, what: Stop, until: datetime) -> Leaving:
    """Lists what a stop would hold back until an instant, and what it can no longer hold back."""
    lines = await queries.leaving(conn, until, creditor=what.creditor, policy=what.policy)
    underway = await queries.underway(conn, what.creditor)
    channels: dict[str, Mapping[str, Channel]] = {}
    for version in {line.policy for line in lines}:
        policy = await shelf.get(conn, version)
        channels[version] = {step.key: step.channel for step in policy.steps}
    wanted = [
        line
        for line in lines
        if line.next is not None and what.channel in {None, channels[line.policy].get(line.next.step or "")}
    ]
    return Leaving(wanted, underway)


async def resume(database: Database, shelf: Shelf, what: Stop, author: str, now: datetime) -> bool:
    """Lets sending go on and plans anew what waited; False where just this was not stopped.

    Each account is a transaction of its own. Raises NotFound for an unknown creditor.
    """
    async with database.writing() as conn:
        new = await switches.resume(conn, what, author, now)
    async with database.reading() as conn:
        waiting = await queries.open_accounts(conn, what.creditor, rule=Rule.SENDING_STOPPED)
    await settle_all(database, shelf, waiting, now)
    return new


async def settle_all(
    database: Database, shelf: Shelf, accounts: Iterable[tuple[str, str]], now: datetime
) -> None:
    """Plans accounts (creditor, debtor) anew."""
    for creditor, debtor in accounts:
        async with database.writing() as conn:
            await (await Book.open(conn, creditor, debtor, now, shelf)).settle()
