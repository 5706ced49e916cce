"""A walker: lives through one account's story in virtual time, whatever is done to the servers.

In: the order in which moments and steps come, the account's clock, the end of every case.
Not in: what happens at a moment (deeds.py), what the clerk answers (clerk.py), moving a run (clocks.py).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from temporalio.service import RPCError

from domain.actions import CaseRef
from tests.torture.banking import Banking
from tests.torture.board import Agenda, Board
from tests.torture.clerk import REFUSED, Clerk
from tests.torture.clocks import Clocks, Unmoved
from tests.torture.diary import Diary
from tests.torture.moments import Moment, lots
from tests.torture.patience import LONGEST, patiently
from tests.torture.pulse import Pulse
from tests.torture.stories import Story

TICK = timedelta(seconds=2)
HEADROOM = timedelta(seconds=30)
REACTION = 3.0
"""Seconds of real time that a step is given before the clocks are looked at again."""

GIVEN_UP = timedelta(days=400)
"""How long after its beginning an account must have come to its end."""

ENDING_SECONDS = 60.0

RACING = {
    *("pay", "pay_on_account", "report", "credit", "agree", "approve", "reject", "uphold", "statement"),
    *("reply", "bounce", "status"),
}
"""The moments that may happen while a step is being taken."""

RACES = 0.3
LONGEST_RACE = 2.5


class Stuck(Exception):
    """Says that an account does not go on."""


@dataclass
class Walker:
    """Walks through the time of one account."""

    story: Story
    deeds: Banking
    clerk: Clerk
    clocks: Clocks
    board: Board
    diary: Diary
    pulse: Pulse
    seed: int
    now: datetime = field(init=False)
    waiting: list[Moment] = field(init=False)
    _watched: tuple[str, float] = ("", 0.0)

    def __post_init__(self) -> None:
        """Begins where the story begins."""
        self.now = self.deeds.begun
        self.waiting = list(self.story.moments)
        self._lots = lots(self.seed, self.name, "walk")

    @property
    def name(self) -> str:
        """Names the debtor."""
        return self.story.debtor.id

    def tell(self, at: datetime | None, what: str) -> None:
        """Writes down what happened to this account."""
        self.diary.tell(self.name, at, what)

    async def live(self) -> None:
        """Lives to the end of every case; raises Stuck or Unmoved where one does not end."""
        await patiently(lambda: self.deeds.begin(self.now))
        while True:
            agenda = await asyncio.wait_for(self.board.agenda(self.name), LONGEST)
            if self.pulse.closing:
                if not await self._pay_all(agenda):
                    break
                continue
            step = min((action.at for action in agenda.values() if action.at is not None), default=None)
            if self.waiting and (step is None or self._at(self.waiting[0]) <= step):
                await self._happen(self.waiting.pop(0), agenda)
            elif step is not None:
                await self._take(agenda, step)
            elif agenda:
                await self._answer(agenda)
            else:
                break
        await self._depart()

    def _at(self, moment: Moment) -> datetime:
        return self.deeds.begun + moment.after

    async def _happen(self, moment: Moment, agenda: Agenda) -> None:
        at = max(self._at(moment), self.now)
        await self._forward(agenda, at - HEADROOM)
        self.now = max(at, self.now)
        await self._do(moment.kind, str(moment.facts), lambda: self.deeds.do(moment, self.now))

    async def _do(self, kind: str, facts: str, work: Callable[[], Awaitable[str]]) -> None:
        try:
            what = await patiently(work)
        except REFUSED as refused:
            what = f"refused: {refused}"
            self.diary.counts["refused"] += 1
        self.tell(self.now, f"{kind} {facts}: {what}")

    async def _take(self, agenda: Agenda, step: datetime) -> None:
        """Moves the runs whose step has come past it, and waits until the record says that they took it."""
        self._watch(f"{step} {agenda}")
        if step > self.deeds.begun + GIVEN_UP:
            msg = f"the account has not come to its end by {step:%Y-%m-%d}"
            raise Stuck(msg)
        if self._lots.random() < 0.3:
            await self._clerk()
        race = asyncio.create_task(self._race(step + TICK))
        begun = time.monotonic()
        try:
            await self._react(agenda, step + TICK)
        finally:
            await race
        self.pulse.feel(time.monotonic() - begun)

    async def _react(self, agenda: Agenda, to: datetime) -> None:
        due = [case for case, action in agenda.items() if action.at is not None and action.at <= to]
        await self._forward(due, to)
        self.now = max(self.now, to)
        until = time.monotonic() + REACTION
        while time.monotonic() < until:
            latest = await asyncio.wait_for(self.board.agenda(self.name), LONGEST)
            if any(latest.get(case) != agenda[case] for case in due):
                return

    async def _race(self, now: datetime) -> None:
        """Lets money come in while a step is being taken, now and then."""
        if self.waiting and self.waiting[0].kind in RACING and self._lots.random() < RACES:
            moment = self.waiting.pop(0)
            await asyncio.sleep(self._lots.uniform(0, LONGEST_RACE))
            await self._do(f"{moment.kind} meanwhile", str(moment.facts), lambda: self.deeds.do(moment, now))

    async def _answer(self, agenda: Agenda) -> None:
        """Has the clerk answer what keeps every case waiting; what nobody asks about is paid in the end."""
        self._watch(str(agenda))
        self.now += timedelta(hours=1)
        await self._forward(agenda, self.now - HEADROOM)
        if await self._clerk():
            return
        if any(action.because.rule == "below_minimum" for action in agenda.values()):
            await self._pay_all(agenda)
        else:
            await asyncio.sleep(1)

    async def _pay_all(self, agenda: Agenda) -> bool:
        """Pays whatever is open; False where nothing is."""
        for case in agenda:
            await self._do("last chapter", case.number, partial(self.clerk.pay_off, case.number, self.now))
        return bool(agenda)

    async def _clerk(self) -> bool:
        return await patiently(lambda: self.clerk.answer(self.now))

    def _watch(self, standing: str) -> None:
        """Raises Stuck where the account has stood still for longer than anything may take."""
        what, since = self._watched
        if what != standing:
            self._watched = (standing, time.monotonic())
        elif time.monotonic() - since > LONGEST:
            msg = f"nothing has happened for {LONGEST:.0f} s: {standing[:1500]}"
            raise Stuck(msg)

    async def _forward(self, cases: Iterable[CaseRef], to: datetime) -> None:
        """Moves runs, and the account's clock to the latest of theirs."""
        times = await asyncio.gather(
            *(self.clocks.forward(case, to, partial(self.board.shows, self.name, case)) for case in cases)
        )
        self.now = max([self.now, *(one for one in times if one is not None)])

    async def _depart(self) -> None:
        """Waits for the runs of closed cases to end."""
        for number in self.story.numbers:
            if not await self.clocks.ended(self.deeds.case(number), ENDING_SECONDS):
                msg = f"the case of {number} is closed, but its run goes on"
                raise Stuck(msg)
        self.tell(self.now, "the end")


FAULTS = (Stuck, Unmoved, TimeoutError, RPCError)
"""What ends a walk before its time, each a finding of its own."""
