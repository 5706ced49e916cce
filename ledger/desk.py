"""The desk: what lies waiting for something or somebody, outside any account.

In: events whose invoice is not known yet, rows that could not be taken in, operators' words, and whose
    a payment is of which only the reference is known.
Not in: tasks (tasks.py).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from domain.faults import NotAllowed, NotFound
from ledger.schema import notes, payments, quarantine, waiting
from ledger.writing import insert_once


async def park(
    conn: AsyncConnection, creditor: str, invoice: str, event: Mapping[str, Any], now: datetime
) -> bool:
    """Keeps an event, as JSON, until its invoice arrives; False for one that waits already."""
    canonical = json.dumps(event, sort_keys=True)
    row = {
        "creditor": creditor,
        "invoice": invoice,
        "fingerprint": hashlib.sha256(canonical.encode()).hexdigest(),
        "event": dict(event),
        "at": now,
    }
    return await insert_once(conn, waiting, row)


async def unpark(conn: AsyncConnection, creditor: str, invoice: str) -> list[dict[str, Any]]:
    """Takes out the events that waited for an invoice, the oldest first."""
    where = (waiting.c.creditor == creditor, waiting.c.invoice == invoice)
    rows = await conn.execute(sa.delete(waiting).where(*where).returning(waiting.c.id, waiting.c.event))
    return [row.event for row in sorted(rows, key=lambda row: row.id)]


class Quarantined(Fact):
    """Keeps a row that could not be taken in, with what is wrong with it, until it is mended."""

    id: int
    source: str
    line: int | None
    raw: str
    problem: dict[str, Any]
    at: Instant


async def set_aside(
    conn: AsyncConnection, source: str, line: int | None, raw: str, problem: Mapping[str, Any], now: datetime
) -> int:
    """Keeps a row that could not be taken in, and returns its id."""
    # PostgreSQL stores no NUL in text.
    row = {
        "source": source,
        "line": line,
        "raw": raw.replace("\0", "\\0"),
        "problem": dict(problem),
        "at": now,
    }
    return int(
        (await conn.execute(sa.insert(quarantine).values(row).returning(quarantine.c.id))).scalar_one()
    )


async def set_right(conn: AsyncConnection, row: int, now: datetime) -> bool:
    """Records that a row was mended or given up; False where it was before."""
    where = (quarantine.c.id == row, quarantine.c.resolved_at.is_(None))
    return (await conn.execute(sa.update(quarantine).where(*where).values(resolved_at=now))).rowcount == 1


async def give_up(conn: AsyncConnection, row: int, reason: str, author: str, now: datetime) -> None:
    """Sets a row aside for good and keeps the reason with it.

    Raises NotFound for an unknown row, NotAllowed for one that is settled.
    """
    kept = (await conn.execute(sa.select(quarantine).where(quarantine.c.id == row))).one_or_none()
    if kept is None:
        msg = f"no refused row {row}"
        raise NotFound(msg)
    if not await set_right(conn, row, now):
        msg = f"row {row} was settled on {kept.resolved_at:%Y-%m-%d}"
        raise NotAllowed(msg)
    problem = kept.problem | {"dropped": reason, "dropped_by": author}
    await conn.execute(sa.update(quarantine).where(quarantine.c.id == row).values(problem=problem))


async def creditors_paid(conn: AsyncConnection, reference: str) -> list[str]:
    """Names the creditors who have a payment of that reference, on an account or waiting for its invoice."""
    known = sa.select(payments.c.creditor).where(payments.c.reference == reference)
    parked = sa.select(waiting.c.creditor).where(
        waiting.c.event["type"].as_string() == "payment.received",
        waiting.c.event["reference"].as_string() == reference,
    )
    return sorted({row.creditor for query in (known, parked) for row in await conn.execute(query)})


async def aside(conn: AsyncConnection, limit: int = 1000) -> list[Quarantined]:
    """Lists the rows that wait to be mended, the oldest first."""
    query = sa.select(quarantine).where(quarantine.c.resolved_at.is_(None)).order_by(quarantine.c.id)
    return [
        Quarantined(id=row.id, source=row.source, line=row.line, raw=row.raw, problem=row.problem, at=row.at)
        for row in await conn.execute(query.limit(limit))
    ]


class Note(Fact):
    """Keeps an operator's words, which stay out of workflow histories."""

    id: str
    author: str
    text: str
    at: Instant


async def write_note(conn: AsyncConnection, author: str, text: str, now: datetime) -> str:
    """Keeps words and returns the id by which a command refers to them."""
    note = str(uuid4())
    await conn.execute(sa.insert(notes).values(id=note, author=author, text=text, at=now))
    return note


async def read_note(conn: AsyncConnection, note: str) -> Note:
    """Finds words by their id; raises NotFound."""
    row = (await conn.execute(sa.select(notes).where(notes.c.id == note))).one_or_none()
    if row is None:
        msg = f"no note {note!r}"
        raise NotFound(msg)
    return Note(id=row.id, author=row.author, text=row.text, at=row.at)
