"""The journal: what happened to each account, in order, chained so that no entry changes unseen.

In: the canonical form of an entry, its hash, appending, reading, and checking the chains.
Not in: what is worth an entry (the modules that write facts).

Every account has a chain of its own; a creditor's own chain has the debtor "", and the chain of the
whole installation has the creditor "" too. An entry's hash covers the one before it, and the row of the
account keeps the last, so that a tail cut off is seen as well.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from ledger.schema import creditors, debtors, journal

INSTALLATION = 7_236_153
"""The lock of the chain that belongs to no creditor, where the database has no row to lock."""


class Entry(Fact):
    """Records one thing that happened; `revision` counts the entries of its account from 1."""

    creditor: str
    debtor: str
    revision: int
    at: Instant
    kind: str
    invoice: str | None
    facts: dict[str, Any]
    previous: str
    hash: str

    def concerns(self, number: str) -> bool:
        """Tells whether the entry is about an invoice: alone, among others, or as part of the account."""
        of_all = self.invoice is None and self.kind.startswith("hold.")
        return of_all or self.invoice == number or number in self.facts.get("invoices", ())


class Break(Fact):
    """Says where a chain does not add up, and how."""

    creditor: str
    debtor: str
    revision: int
    problem: str


def digest(entry: Mapping[str, Any]) -> str:
    """Hashes an entry's canonical form together with the hash before it."""
    content = {
        "creditor": entry["creditor"],
        "debtor": entry["debtor"],
        "revision": entry["revision"],
        "at": entry["at"].astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": entry["kind"],
        "invoice": entry["invoice"],
        "facts": entry["facts"],
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((entry["previous"] + canonical).encode()).hexdigest()


_INSERT = sa.insert(journal)
_DEBTOR_HEAD = sa.update(debtors).where(
    debtors.c.creditor == sa.bindparam("of_creditor"), debtors.c.id == sa.bindparam("of_debtor")
)
_CREDITOR_HEAD = sa.update(creditors).where(creditors.c.id == sa.bindparam("of_creditor"))


async def append(
    conn: AsyncConnection,
    *,
    account: tuple[str, str],
    revision: int,
    previous: str,
    at: datetime,
    kind: str,
    invoice: str | None,
    facts: Mapping[str, Any],
) -> str:
    """Appends an entry to the chain of (creditor, debtor), whose lock the caller holds; returns its hash."""
    row: dict[str, Any] = {
        "creditor": account[0],
        "debtor": account[1],
        "revision": revision,
        "at": at,
        "kind": kind,
        "invoice": invoice,
        "facts": dict(facts),
        "previous": previous,
    }
    row["hash"] = digest(row)
    await conn.execute(_INSERT, row)
    head = {"of_creditor": account[0], "revision": revision, "journal_head": row["hash"]}
    if account[1]:
        await conn.execute(_DEBTOR_HEAD, head | {"of_debtor": account[1]})
    elif account[0]:
        await conn.execute(_CREDITOR_HEAD, head)
    return str(row["hash"])


async def note(conn: AsyncConnection, scope: str, now: datetime, kind: str, **facts: Any) -> int:
    """Appends an entry to a creditor's own chain, or with "" to the installation's; returns its revision.

    The chain is locked until the transaction ends, so that two who write at once do not take one place.
    """
    if scope:
        await conn.execute(sa.select(creditors.c.id).where(creditors.c.id == scope).with_for_update())
    elif conn.dialect.name == "postgresql":
        await conn.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": INSTALLATION})
    revision, previous = await last(conn, scope, "")
    await append(
        conn,
        account=(scope, ""),
        revision=revision + 1,
        previous=previous,
        at=now,
        kind=kind,
        invoice=None,
        facts=facts,
    )
    return revision + 1


async def last(conn: AsyncConnection, creditor: str, debtor: str) -> tuple[int, str]:
    """Reads the revision and the hash at the end of a chain; 0 and "" for an empty one."""
    row = (
        await conn.execute(
            sa.select(journal.c.revision, journal.c.hash)
            .where(journal.c.creditor == creditor, journal.c.debtor == debtor)
            .order_by(journal.c.revision.desc())
            .limit(1)
        )
    ).one_or_none()
    return (0, "") if row is None else (row.revision, row.hash)


async def entries(conn: AsyncConnection, creditor: str, debtor: str) -> list[Entry]:
    """Reads the chain of one account, the oldest entry first."""
    rows = await conn.execute(
        sa.select(journal)
        .where(journal.c.creditor == creditor, journal.c.debtor == debtor)
        .order_by(journal.c.revision)
    )
    return [Entry.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 - SQLAlchemy's public way


async def verify(conn: AsyncConnection) -> AsyncIterator[Break]:
    """Checks every chain from its first entry to the head that its account remembers."""
    heads = await _heads(conn)
    chain, revision, previous = ("", ""), 0, ""
    stream = await conn.stream(
        sa.select(journal).order_by(journal.c.creditor, journal.c.debtor, journal.c.revision)
    )
    async for row in stream.mappings():
        here = (row["creditor"], row["debtor"])
        if here != chain:
            for problem in _end(heads.pop(chain, None), revision, previous):
                yield Break(creditor=chain[0], debtor=chain[1], revision=revision, problem=problem)
            chain, revision, previous = here, 0, ""
        for problem in _flaws(row, revision, previous):
            yield Break(creditor=here[0], debtor=here[1], revision=row["revision"], problem=problem)
        revision, previous = row["revision"], row["hash"]
    for problem in _end(heads.pop(chain, None), revision, previous):
        yield Break(creditor=chain[0], debtor=chain[1], revision=revision, problem=problem)
    for account, (kept, _) in heads.items():
        if kept:
            yield Break(
                creditor=account[0], debtor=account[1], revision=kept, problem="every entry is missing"
            )


async def _heads(conn: AsyncConnection) -> dict[tuple[str, str], tuple[int, str]]:
    accounts = await conn.execute(
        sa.select(debtors.c.creditor, debtors.c.id, debtors.c.revision, debtors.c.journal_head)
    )
    heads = {(row.creditor, row.id): (row.revision, row.journal_head) for row in accounts}
    owners = await conn.execute(sa.select(creditors.c.id, creditors.c.revision, creditors.c.journal_head))
    return heads | {(row.id, ""): (row.revision, row.journal_head) for row in owners}


def _flaws(row: Mapping[Any, Any], revision: int, previous: str) -> list[str]:
    flaws = []
    if row["revision"] != revision + 1:
        flaws.append(f"revision {revision + 1} is missing")
    if row["previous"] != previous:
        flaws.append("the entry does not follow the one before it")
    if row["hash"] != digest(row):
        flaws.append("the entry has been changed since it was written")
    return flaws


def _end(head: tuple[int, str] | None, revision: int, previous: str) -> list[str]:
    if head is None or head == (revision, previous):
        return []
    return [f"the chain ends at revision {revision}, but the account remembers revision {head[0]}"]
