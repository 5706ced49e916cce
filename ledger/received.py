"""Events that were received: what became of each, by who sent it and the id it was sent under.

In: the answer to each event, kept so that the same event again is answered and changes nothing; batches
    that are worked off later, and how far they are.
Not in: reading events (intake/readers/cloudevents.py), taking them in (intake/receiving.py).

The answer is written in the transaction that writes the facts. What is older than KEPT_FOR is swept: the
door itself knows an event again by what it says.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from domain.faults import NotFound
from ledger.columns import Moment
from ledger.schema import CODE, HASH, KEY, METADATA, NAME
from ledger.writing import insert_once

LONGEST_NAME = 200
"""The longest id and source of an event."""

KEPT_FOR = timedelta(days=90)

SENT_AS = sa.String(LONGEST_NAME)

received = sa.Table(
    "received",
    METADATA,
    sa.Column("sender", NAME, primary_key=True),
    sa.Column("source", SENT_AS, primary_key=True),
    sa.Column("id", SENT_AS, primary_key=True),
    sa.Column("sha256", HASH, nullable=False),
    sa.Column("status", CODE, nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),
    sa.Column("kept", sa.Integer),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_received_at", "at"),
)
"""`kept` is the row in quarantine of an event that was refused."""

batches = sa.Table(
    "batches",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("sender", NAME, nullable=False),
    sa.Column("author", NAME, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("leased_until", Moment),
    sa.Column("finished_at", Moment),
    sa.Index("ix_batches_finished_at", "finished_at", "received_at"),
)

batch_items = sa.Table(
    "batch_items",
    METADATA,
    sa.Column("batch", KEY, sa.ForeignKey("batches.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", SENT_AS),
    sa.Column("event", SENT_AS),
    sa.Column("sha256", HASH),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("answer", sa.JSON(none_as_null=True)),
)
"""An item is answered by `answer` where it was refused unread, else by `received`."""


class Receipt(Fact):
    """States what became of an event when it came first."""

    sha256: str
    status: Literal["taken", "known", "waiting", "refused"]
    answer: dict[str, Any]
    kept: int | None
    at: Instant


class Item(Fact):
    """States one event of a batch: its text, and its answer as far as there is one."""

    position: int
    source: str | None
    event: str | None
    sha256: str | None
    raw: str
    answer: dict[str, Any] | None


class Batch(Fact):
    """States a batch, and how far it is."""

    id: str
    sender: str
    author: str
    total: int
    received_at: Instant
    finished_at: Instant | None


def _of(sender: str, source: str, event: str) -> tuple[sa.ColumnElement[bool], ...]:
    return received.c.sender == sender, received.c.source == source, received.c.id == event


async def find(conn: AsyncConnection, sender: str, source: str, event: str) -> Receipt | None:
    """Finds what became of an event; None for one that was never received."""
    row = (await conn.execute(sa.select(received).where(*_of(sender, source, event)))).one_or_none()
    if row is None:
        return None
    return Receipt.model_validate({name: getattr(row, name) for name in Receipt.model_fields})


async def note(conn: AsyncConnection, sender: str, source: str, event: str, receipt: Receipt) -> bool:
    """Keeps what became of an event, once; False where it is on record already."""
    row = {"sender": sender, "source": source, "id": event} | receipt.model_dump()
    return await insert_once(conn, received, row)


async def amend(conn: AsyncConnection, sender: str, source: str, event: str, receipt: Receipt) -> None:
    """Replaces what became of an event that was refused before and was tried again."""
    await conn.execute(sa.update(received).where(*_of(sender, source, event)).values(receipt.model_dump()))


async def store(conn: AsyncConnection, batch: Batch, items: Sequence[Item]) -> bool:
    """Keeps a batch with its events, once by its id; False for one that is known."""
    row = batch.model_dump() | {"leased_until": None}
    if not await insert_once(conn, batches, row):
        return False
    await conn.execute(sa.insert(batch_items), [item.model_dump() | {"batch": batch.id} for item in items])
    return True


async def find_batch(conn: AsyncConnection, name: str) -> Batch:
    """Finds a batch; raises NotFound."""
    row = (await conn.execute(sa.select(batches).where(batches.c.id == name))).one_or_none()
    if row is None:
        msg = f"no batch {name!r}"
        raise NotFound(msg)
    return _batch(row)


async def lease(conn: AsyncConnection, now: datetime, lasts: timedelta) -> Batch | None:
    """Takes the oldest batch that nobody is working off, for a while; None where there is none."""
    free = sa.or_(batches.c.leased_until.is_(None), batches.c.leased_until < now)
    query = sa.select(batches).where(batches.c.finished_at.is_(None), free).order_by(batches.c.received_at)
    row = (await conn.execute(query.limit(1).with_for_update(skip_locked=True))).one_or_none()
    if row is None:
        return None
    await _change(conn, row.id, {"leased_until": now + lasts})
    return _batch(row)


async def extend(conn: AsyncConnection, name: str, until: datetime) -> None:
    """Keeps a batch for longer."""
    await _change(conn, name, {"leased_until": until})


async def finish(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Records that every event of a batch is answered."""
    await _change(conn, name, {"finished_at": now})


async def give_back(conn: AsyncConnection, name: str) -> None:
    """Lets somebody else go on with a batch at once."""
    await _change(conn, name, {"leased_until": None})


async def _change(conn: AsyncConnection, name: str, values: Mapping[str, Any]) -> None:
    await conn.execute(sa.update(batches).where(batches.c.id == name).values(values))


async def refuse(conn: AsyncConnection, batch: str, position: int, answer: Mapping[str, Any]) -> None:
    """Answers an event of a batch that cannot be looked up by its id."""
    where = (batch_items.c.batch == batch, batch_items.c.position == position)
    await conn.execute(sa.update(batch_items).where(*where).values(answer=dict(answer)))


def _answers(batch: Batch) -> sa.Select[Any]:
    mine = (
        (received.c.sender == batch.sender)
        & (received.c.source == batch_items.c.source)
        & (received.c.id == batch_items.c.event)
        & (received.c.sha256 == batch_items.c.sha256)
    )
    own = batch_items.c.answer
    columns = [batch_items.c[name] for name in Item.model_fields if name != "answer"]
    return (
        sa.select(*columns, own.label("own"), received.c.answer.label("found"), received.c.status)
        .join(received, mine, isouter=True)
        .where(batch_items.c.batch == batch.id)
        .order_by(batch_items.c.position)
    )


async def items(
    conn: AsyncConnection, batch: Batch, *, begin: int = 0, limit: int = 1000, unanswered: bool = False
) -> list[Item]:
    """Lists the events of a batch from a position, each with its answer as far as there is one."""
    query = _answers(batch).where(batch_items.c.position >= begin)
    if unanswered:
        query = query.where(batch_items.c.answer.is_(None), received.c.status.is_(None))
    return [
        Item(
            position=row.position,
            source=row.source,
            event=row.event,
            sha256=row.sha256,
            raw=row.raw,
            answer=row.own if row.own is not None else row.found,
        )
        for row in await conn.execute(query.limit(limit))
    ]


async def progress(conn: AsyncConnection, batch: Batch) -> dict[str, int]:
    """Counts the events of a batch by what became of them; `pending` are those not answered yet."""
    said = _answers(batch).order_by(None).subquery()
    status = sa.case(
        (said.c.own.is_not(None), "refused"), (said.c.status.is_not(None), said.c.status), else_="pending"
    )
    rows = await conn.execute(sa.select(status.label("status"), sa.func.count()).group_by(status))
    return {row[0]: int(row[1]) for row in rows}


def _batch(row: sa.Row[Any]) -> Batch:
    return Batch.model_validate({name: getattr(row, name) for name in Batch.model_fields})


async def sweep(conn: AsyncConnection, now: datetime) -> int:
    """Forgets events and finished batches older than KEPT_FOR, and returns how many events those were."""
    before = now - KEPT_FOR
    old = sa.select(batches.c.id).where(batches.c.finished_at < before)
    await conn.execute(sa.delete(batch_items).where(batch_items.c.batch.in_(old)))
    await conn.execute(sa.delete(batches).where(batches.c.finished_at < before))
    return (await conn.execute(sa.delete(received).where(received.c.at < before))).rowcount
