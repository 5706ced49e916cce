"""A world in virtual time: the production rooms on a real server, and a clock that can be moved.

In: living through a dated story account by account, on the workflows' own clocks.
Not in: servers (servers.py, mail.py), stories (sample/), anything that production needs.

Each run has a clock of its own on a Temporal server with time skipping. Accounts do not touch one
another, so each account walks through its own time, and they all walk at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.assembly import Hands, assemble
from config import logs
from config.catalogue import load_policies
from config.settings import Settings
from correspondence.wording import Wording
from domain.actions import Because, CaseRef, NextAction
from domain.events import Event, PaymentReceived
from domain.faults import Unavailable
from domain.policy import DunningPolicy
from intake.admission import Admission
from intake.door import Door
from intake.relay import Relay
from ledger.database import Database
from ledger.schema import invoices

TICK = timedelta(seconds=2)
"""How far past an instant a clock is moved: the server's timers are a second coarse."""

HEADROOM = timedelta(seconds=30)
"""How long before a fact the clocks are moved: they tick on while it is being written down."""

PATIENCE = 60.0
"""How many seconds of real time a run has to react."""

ATTEMPTS = 5
"""How often a clock is moved to the same step before the story gives up."""

Deed = Callable[["World"], Awaitable[object]]
"""What a story makes happen other than an event: a signal, an operator's command."""


@dataclass(frozen=True)
class Moment:
    """Dates something that happens to one debtor's account."""

    at: datetime
    debtor: str
    what: Event | Deed


@dataclass
class World:
    """Holds the production rooms, wired to a client whose runs can be moved in time."""

    client: Client
    skipper: TimeSkipper
    settings: Settings
    database: Database
    door: Door
    relay: Relay
    policies: dict[str, DunningPolicy]
    wording: Wording
    lived: Callable[[datetime], None] = field(default=lambda _: None)
    reasons: dict[tuple[CaseRef, str], Because] = field(default_factory=dict)
    """Why each step was planned as it was, the moment before it was taken."""
    _delivering: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def admit(self, event: Event, at: datetime) -> Admission:
        """Takes an event in as of an instant, and tells the runs."""
        admission = await self.door.admit(event, now=at, source="story")
        await self.deliver()
        return admission

    async def deliver(self) -> None:
        """Delivers every errand that waits."""
        async with self._delivering:
            while await self.relay.deliver():
                pass

    def handle(self, case: CaseRef) -> WorkflowHandle[object, object]:
        """Gives a handle on the run of a case."""
        return self.skipper.client.get_workflow_handle(case.workflow_id)

    async def live(self, moments: Iterable[Moment], until: datetime) -> None:
        """Lives through a story: every account to the end of its own time, all at once."""
        story: dict[str, list[Moment]] = {}
        for moment in sorted(moments, key=lambda moment: moment.at):
            story.setdefault(moment.debtor, []).append(moment)
        async with self.database.reading() as conn:
            known = (await conn.execute(sa.select(invoices.c.debtor).distinct())).scalars().all()
        debtors = dict.fromkeys((*known, *story))
        await asyncio.gather(*(self.walk(debtor, story.get(debtor, ()), until) for debtor in debtors))

    async def walk(self, debtor: str, moments: Sequence[Moment], until: datetime) -> None:
        """Lives through one account's time, moment by moment; a fact precedes a step of the same instant."""
        waiting = list(moments)
        tried: tuple[datetime | None, int] = (None, 0)
        while True:
            due = {
                case: action for case, action in (await self._agenda(debtor)).items() if action.at is not None
            }
            next_step = min((action.at for action in due.values() if action.at is not None), default=None)
            if waiting and waiting[0].at <= min(until, next_step or until):
                await self._happen(debtor, waiting.pop(0))
                tried = (None, 0)
            elif next_step is not None and next_step <= until:
                tried = (next_step, tried[1] + 1 if tried[0] == next_step else 1)
                if tried[1] > ATTEMPTS:
                    msg = f"a step due at {next_step:%Y-%m-%d %H:%M} is not taken; the worker's log says why"
                    raise Unavailable(msg)
                await self._take(due, next_step, patient=tried[1] > 1)
            else:
                return

    async def _take(self, due: Mapping[CaseRef, NextAction], step: datetime, *, patient: bool) -> None:
        """Moves the runs whose next action has come past it; a patient try gives them real time first."""
        if patient:
            await asyncio.sleep(1)
        runs = [case for case, action in due.items() if action.at is not None and action.at <= step + TICK]
        self.reasons |= {(case, due[case].step or ""): due[case].because for case in runs}
        await self.advance(runs, step + TICK)
        await self.deliver()
        await asyncio.gather(*(self.settled(case) for case in due))
        self.lived(step)

    async def _happen(self, debtor: str, moment: Moment) -> None:
        runs = list(await self._agenda(debtor))
        await self.advance(runs, moment.at - HEADROOM)
        if callable(moment.what):
            await moment.what(self)
        else:
            await self.admit(moment.what, moment.at)
        await asyncio.gather(*(self.settled(case) for case in runs))
        await self.deliver()
        self.lived(moment.at)

    async def _agenda(self, debtor: str) -> dict[CaseRef, NextAction]:
        """Lists the open cases of a debtor with their next action."""
        query = sa.select(invoices.c.creditor, invoices.c.number, invoices.c.next).where(
            invoices.c.debtor == debtor, invoices.c.ending.is_(None)
        )
        async with self.database.reading() as conn:
            rows = (await conn.execute(query)).all()
        return {
            CaseRef(creditor=row.creditor, number=row.number): NextAction.model_validate(row.next)
            for row in rows
        }

    async def advance(self, cases: Sequence[CaseRef], to: datetime) -> None:
        """Moves the clocks of runs forward to an instant, and waits until they have reacted."""
        await asyncio.gather(*(self._forward(case, to) for case in cases))

    async def _forward(self, case: CaseRef, to: datetime) -> None:
        handle = self.handle(case)
        await self.settled(case)
        ahead = to - await self.skipper.get_current_time(handle)
        if ahead > timedelta():
            try:
                await asyncio.wait_for(self.skipper.fast_forward(handle, ahead), PATIENCE)
            except RPCError as fault:
                if fault.status is not RPCStatusCode.NOT_FOUND:  # closed meanwhile: nothing left to move
                    raise
        await self.settled(case)

    async def settled(self, case: CaseRef, patience: float = PATIENCE) -> None:
        """Waits until a run has nothing under way; an activity that waits for its next attempt is at rest."""
        async with asyncio.timeout(patience):
            while await self._is_busy(case):  # noqa: ASYNC110 - the server tells no event
                await asyncio.sleep(0.02)

    async def _is_busy(self, case: CaseRef) -> bool:
        described = (await self.handle(case).describe()).raw_description
        if described.HasField("pending_workflow_task"):
            return True
        return any(
            pending.attempt <= 1 or not pending.HasField("last_failure")
            for pending in described.pending_activities
        )

    async def pay(self, case: CaseRef, amount: str, reference: str, at: datetime) -> None:
        """Records a payment for an invoice through the door."""
        await self.admit(
            PaymentReceived.model_validate(
                {
                    "creditor": case.creditor,
                    "reference": reference,
                    "amount": amount,
                    "received_on": at.date(),
                    "invoice": case.number,
                }
            ),
            at,
        )


@asynccontextmanager
async def world(
    client: Client, settings: Settings, database: Database, wording: Wording | None = None
) -> AsyncIterator[World]:
    """Opens a world on a Temporal server with time skipping; a worker runs until the block ends."""
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    policies = load_policies(settings.folders.policies)
    wording = wording or Wording.load(settings.folders.wording)
    worker = assemble(
        skipper.client,
        settings,
        Hands.of(settings, database, wording),
        interceptors=(logs.LogContext(),),
        grace=timedelta(seconds=1),
    )
    async with worker:
        yield World(
            client=client,
            skipper=skipper,
            settings=settings,
            database=database,
            door=Door(database, policies),
            relay=Relay(database, skipper.client, settings.task_queue),
            policies=policies,
            wording=wording,
        )


def real_now() -> datetime:
    """Reads the real clock, at which every world begins."""
    return datetime.now(UTC)
