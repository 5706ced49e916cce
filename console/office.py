"""The office: everything that pages and the API need of the installation, opened once for a process.

In: the record, the policies on offer, the door for facts, the way to the runs, the clock.
Not in: who sits at a desk (seats.py), what is shown (pages/), what comes by HTTP (api/).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from temporalio.client import Client

from config.catalogue import load_policies
from config.settings import Settings
from domain.actions import CaseRef
from domain.answers import DebtorAnswered
from domain.events import Event
from domain.faults import NotAllowed, Unavailable
from domain.policy import DunningPolicy
from intake import orders
from intake.admission import Admission
from intake.door import Door
from intake.relay import BATCH, Relay
from intake.temporal import connect
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from ledger.queries import CaseLine
from workflows.ports import OperatorOrder, Verb
from workflows.told import CaseState

ANSWER_SECONDS = 6.0
"""How long a page waits for the worker; then it says that nobody answers, and what will happen."""

PATIENCE_SECONDS = 2.0
"""How long a page waits for Temporal before it says that it is away."""

log = structlog.get_logger(__name__)


def wall_clock() -> datetime:
    """Reads the clock of this machine."""
    return datetime.now(UTC)


class TimeMachine(Protocol):
    """Moves the time of a demonstration; no other installation has one."""

    async def forward(self, by: timedelta | None) -> None:
        """Lives on for so long, or to the next thing that happens."""


@dataclass
class Office:
    """Holds what is open; `clock` is asked once for each request."""

    settings: Settings
    database: Database
    catalogue: Mapping[str, DunningPolicy]
    clock: Callable[[], datetime] = wall_clock
    time_machine: TimeMachine | None = None
    shelf: Shelf = field(default_factory=Shelf)
    _client: Client | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _delivering: asyncio.Task[bool] | None = None
    _following: asyncio.Task[bool] | None = None

    def __post_init__(self) -> None:
        """Opens the only way in for facts."""
        self.door = Door(self.database, self.catalogue)

    async def temporal(self) -> Client:
        """Connects to Temporal, once; raises Unavailable within two seconds where it is away."""
        async with self._opening:
            if self._client is None:
                self._client = await connect(patience=PATIENCE_SECONDS)
        return self._client

    def use(self, client: Client) -> None:
        """Takes a connection that is open already."""
        self._client = client

    async def admit(
        self, event: Event | DebtorAnswered, now: datetime, author: str, *, source: str = "console"
    ) -> Admission:
        """Takes a fact in and tells the runs; raises InputRefused, Unavailable for a busy database."""
        admission = await self.door.admit(event, now=now, source=source, author=author)
        await self.deliver()
        return admission

    async def deliver(self) -> bool:
        """Tells the runs what was written; False where Temporal is away: the worker's relay does it later.

        One round at a time: all who ask during one share the next, which begins after what they wrote.
        """
        if self._following is None:
            self._following = asyncio.create_task(self._deliver(self._delivering))
        return await asyncio.shield(self._following)

    async def _deliver(self, before: asyncio.Task[bool] | None) -> bool:
        if before is not None:
            await asyncio.wait([before])
        self._delivering, self._following = self._following, None
        try:
            relay = Relay(self.database, await self.temporal(), self.settings.task_queue)
            while await relay.deliver() >= BATCH:  # what others write meanwhile is their own round's
                pass
        except Unavailable:
            log.info("wake_ups_wait")
            return False
        return True

    async def order(
        self, line: CaseLine, verb: Verb, order: OperatorOrder, *, by: tuple[str, str], now: datetime
    ) -> CaseState:
        """Gives the run of an open case an order; `by` is the author and the reason.

        Raises NotAllowed for a closed case or an order that the run refuses, Unavailable where Temporal or
        the worker does not answer.
        """
        if line.ending is not None:
            msg = f"the case of invoice {line.number} is closed ({line.ending.value}): nothing more leaves"
            raise NotAllowed(msg)
        client = await self.temporal()
        await self.deliver()
        case = CaseRef(creditor=line.creditor, number=line.number)
        state, _ = await orders.give(
            self.database, client, case, verb, order, by=by, now=now, patience=ANSWER_SECONDS
        )
        return state

    @asynccontextmanager
    async def book(self, creditor: str, debtor: str, now: datetime) -> AsyncIterator[Book]:
        """Opens an account for writing; its cases are planned anew at the end, and the runs are told."""
        async with self.database.writing() as conn:
            book = await Book.open(conn, creditor, debtor, now, self.shelf)
            yield book
            await book.settle()
        await self.deliver()


@asynccontextmanager
async def opened(settings: Settings, clock: Callable[[], datetime] = wall_clock) -> AsyncIterator[Office]:
    """Opens the office on an installation; raises ConfigurationFault, Unavailable."""
    async with await Database.open(settings.database_url) as database:
        await database.check()
        yield Office(settings, database, load_policies(settings.folders.policies), clock)
