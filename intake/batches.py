"""Batches too large to answer at once: kept first, worked off in order, event by event.

In: keeping one, taking its events in, going on with it after a crash, what became of it.
Not in: how a batch comes in (console/api/), one event (receiving.py).

Whoever works a batch off holds it for a while; where it dies, the next one goes on behind the last event
that is answered. An event that fails for a reason of its own keeps no other back, and is tried again.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import structlog

from domain.faults import InputRefused, Unavailable
from intake.door import Door
from intake.readers.cloudevents import CloudEvent, Read, Unread
from intake.readers.json_rows import event_of
from intake.receiving import Answer, Fate, Mail, forbidden, receive, unread
from ledger import received
from ledger.received import Batch, Item

LEASE = timedelta(seconds=60)
CHUNK = 100
"""How many events are taken in between two looks at the clock."""

EVERY = 1.0
SWEEP_EVERY = 3600.0

Deliver = Callable[[], Awaitable[object]]
"""Tells the runs what was written."""

log = structlog.get_logger(__name__)


async def keep(door: Door, reads: Sequence[Read], mail: Mail, body: bytes, now: datetime) -> Batch:
    """Keeps a batch until it is worked off; the same bytes of the same sender are the same batch."""
    digest = hashlib.sha256(body).hexdigest()
    batch = Batch(
        id=str(uuid5(NAMESPACE_URL, f"relance:batch:{mail.sender}:{digest}")),
        sender=mail.sender,
        author=mail.author,
        total=len(reads),
        received_at=now,
        finished_at=None,
    )
    items = [_item(position, read, mail) for position, read in enumerate(reads)]
    async with door.database.writing() as conn:
        if not await received.store(conn, batch, items):
            return await received.find_batch(conn, batch.id)
    return batch


def _item(position: int, read: Read, mail: Mail) -> Item:
    if isinstance(read, Unread):
        answer = unread(read).model_dump(mode="json")
        return Item(
            position=position, source=read.source, event=read.id, sha256=None, raw=read.raw, answer=answer
        )
    refused = forbidden(read, mail)
    return Item(
        position=position,
        source=read.source,
        event=read.id,
        sha256=read.sha256,
        raw=read.raw,
        answer=None if refused is None else refused.model_dump(mode="json"),
    )


async def work_off(door: Door, now: Callable[[], datetime], deliver: Deliver) -> bool:
    """Works the oldest batch off that nobody works on; False where there is none.

    Raises Unavailable for a busy database; the batch is then gone on with later.
    """
    async with door.database.writing() as conn:
        batch = await received.lease(conn, now(), LEASE)
    if batch is None:
        return False
    begin, failed = 0, 0
    while True:
        async with door.database.reading() as conn:
            items = await received.items(conn, batch, begin=begin, limit=CHUNK, unanswered=True)
        if not items:
            break
        for item in items:
            failed += not await _take(door, batch, item, now())
        await deliver()
        begin = items[-1].position + 1
        async with door.database.writing() as conn:
            await received.extend(conn, batch.id, now() + LEASE)
    if not failed:
        async with door.database.writing() as conn:
            await received.finish(conn, batch.id, now())
    log.info("batch_worked_off", batch=batch.id, events=batch.total, failed=failed)
    return True


async def _take(door: Door, batch: Batch, item: Item, now: datetime) -> bool:
    """Takes one event in; False where it failed for a reason that nobody foresaw.

    What its sender may not state was refused when the batch came.
    """
    try:
        answer = await receive(door, _read(item), Mail(batch.sender, batch.author, registers=True), now)
        if answer.status is Fate.CONFLICT:
            async with door.database.writing() as conn:
                await received.refuse(conn, batch.id, item.position, answer.model_dump(mode="json"))
    except Unavailable:
        raise
    except Exception:
        log.exception("event_failed", batch=batch.id, position=item.position)
        return False
    return True


def _read(item: Item) -> CloudEvent:
    event = event_of(json.loads(item.raw))
    if isinstance(event, InputRefused):
        raise event  # it was read once: this release reads it differently
    assert item.event is not None
    assert item.source is not None
    assert item.sha256 is not None
    return CloudEvent(item.event, item.source, event.type, event, item.raw, item.sha256)


def answer_of(item: Item) -> Answer | None:
    """Gives the answer to an event of a batch; None where it is not answered yet."""
    return None if item.answer is None else Answer.model_validate(item.answer)


async def _by_the_relay() -> None:
    """Leaves the runs to the relay, which looks every second."""


async def keep_working(
    door: Door,
    stop: asyncio.Event,
    deliver: Deliver = _by_the_relay,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    every: float = EVERY,
) -> None:
    """Works batches off until told to stop, and forgets those of long ago."""
    swept = -SWEEP_EVERY
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            worked = await work_off(door, clock, deliver)
            if loop.time() - swept > SWEEP_EVERY:
                swept = loop.time()
                async with door.database.writing() as conn:
                    await received.sweep(conn, clock())
        except Unavailable:
            worked = False  # the relay says that the database is away; the batch is gone on with then
        if not worked:
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue
