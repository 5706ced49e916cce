"""What happens elsewhere appears without a reload: a stream that says that something has changed.

In: the pulse of the record, asked once a second for all listeners together; the stream of server events.
Not in: what has changed: a page asks for itself again.
"""

import asyncio
from collections.abc import AsyncIterator
from random import uniform

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from console.office import wall_clock
from console.seats import Viewer
from domain.faults import Unavailable
from ledger.database import Database
from ledger.views.pulse import pulse

router = APIRouter()
log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
TURN_SECONDS = 0.2
"""How long a listener may wait for its turn, for each of the others: two windows hear of a change at once,
fifty within ten seconds. While a feed brings events all would otherwise ask for their pages each second."""

BREATH_SECONDS = 20.0
"""A stream says something so often, that proxies keep it open and the dead are noticed."""


class Pulse:
    """Watches the record while somebody listens, and tells all listeners that it has changed."""

    def __init__(self, database: Database) -> None:
        """Takes the record."""
        self._database = database
        self._changed = asyncio.Condition()
        self._seen: tuple[object, ...] | None = None
        # Counted from the clock: a page that an earlier process made is told that things may have changed.
        self._beats = int(wall_clock().timestamp())
        self._listeners = 0
        self._watching: asyncio.Task[None] | None = None

    @property
    def beat(self) -> int:
        """Counts the changes seen so far: a page that was made at one beat is told of every later one."""
        return self._beats

    async def beats(self, since: int) -> AsyncIterator[bool]:
        """Gives True for each change after a beat, False for a breath without one."""
        self._listeners += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        known = since
        try:
            while True:
                async with self._changed:
                    try:
                        async with asyncio.timeout(BREATH_SECONDS):
                            await self._news(known)
                    except TimeoutError:
                        pass
                    changed = self._beats != known
                if changed:
                    await asyncio.sleep(uniform(0, TURN_SECONDS * (self._listeners - 1)))  # noqa: S311 - no secret
                known = self._beats
                yield changed
        finally:
            self._listeners -= 1

    async def _news(self, known: int) -> None:
        while self._beats == known:
            await self._changed.wait()

    async def _watch(self) -> None:
        while self._listeners:
            try:
                async with self._database.reading() as conn:
                    seen = await pulse(conn)
            except (Unavailable, sa.exc.SQLAlchemyError):
                log.info("pulse_missed")
            else:
                # What changed while nobody listened is told to the first who does.
                if seen != self._seen:
                    async with self._changed:
                        self._beats += 1
                        self._changed.notify_all()
                self._seen = seen
            await asyncio.sleep(EVERY_SECONDS)


@router.get("/live", include_in_schema=False)
async def live(_seat: Viewer, request: Request, since: int = 0) -> StreamingResponse:
    """Streams an event named `changed` whenever the record changes."""
    pulse_of: Pulse = request.app.state.pulse

    async def stream() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        async for changed in pulse_of.beats(since):
            yield "event: changed\ndata: 1\n\n" if changed else ": breath\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
