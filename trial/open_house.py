"""The demonstration left open: the console on the real engine, and a clock that its visitors move.

In: the next season of the sample company, the time machine, serving the console in this process.
Not in: the story that was lived before (demo.py), the console itself.

The story has come to its end when the doors open: its cases are history. The same customers then get new
invoices, three weeks of which are lived before the first visitor looks.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from console import people
from console.application import build
from console.listening import listening
from console.office import Office
from domain.actions import CaseRef
from domain.events import InvoiceCreated
from ledger import queries
from ledger.queries import CaseLine, Filters
from trial.demo import Lived
from trial.sample.company import company
from trial.world import World

SEASON = timedelta(days=21)
DAY = timedelta(days=1)


class VisitorsClock:
    """Tells the time of the open house and moves it: every run lives through what falls due meanwhile."""

    def __init__(self, world: World, at: datetime) -> None:
        """Stands at an instant and ticks on with the real clock."""
        self._world = world
        self._set(at)
        self._moving = asyncio.Lock()

    def _set(self, at: datetime) -> None:
        self._base, self._since = at, time.monotonic()

    def now(self) -> datetime:
        """Tells the time."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    async def forward(self, by: timedelta | None) -> None:
        """Lives on for so long, or through the next step that falls due; a day where none does."""
        async with self._moving:
            target = self.now() + by if by is not None else await self._next()
            await self._world.live((), target)
            # Orders are given in the run's own time: all of them keep up with the visitors'.
            await self._world.advance([_case(line) for line in await self._open()], target)
            self._set(target)

    async def _next(self) -> datetime:
        due = [line.next.at for line in await self._open() if line.next is not None and line.next.at]
        return min(due, default=self.now() + DAY) + timedelta(seconds=5)

    async def _open(self) -> list[CaseLine]:
        async with self._world.database.reading() as conn:
            return await queries.cases(conn, Filters(status="open"), limit=1000)


def _case(line: CaseLine) -> CaseRef:
    return CaseRef(creditor=line.creditor, number=line.number)


@asynccontextmanager
async def open_house(lived: Lived) -> AsyncIterator[tuple[str, str]]:
    """Serves the console until the block ends; gives its address and the administrator's password."""
    world = lived.world
    clock = VisitorsClock(world, max(file.entries[-1].at for file in lived.files) + DAY)
    begin = clock.now()
    for event in company(begin.date()):
        if isinstance(event, InvoiceCreated):
            again = {"number": event.number.replace("FA-21", "FA-22"), "pdf": None, "policy": None}
            await world.admit(event.model_copy(update=again), begin)
    await clock.forward(SEASON)
    office = Office(lived.settings, world.database, world.policies, clock.now, clock)
    office.use(world.skipper.client)
    password = await people.first_administrator(world.database, clock.now()) or ""
    host, _, port = lived.settings.console.bind.rpartition(":")  # the one that links in messages name
    async with listening(build(office), host, int(port)):
        yield f"http://{host}:{port}", password
