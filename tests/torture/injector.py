"""The injector: what befalls everybody, when, from the seed.

In: one task for each kind of fault, each with lots of its own; keeping two workers alive.
Not in: the points of the gate (points.py), wake-ups muddled on their way (child.py).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from temporalio.client import Client
from temporalio.service import RPCError

from tests.torture.child import Orders
from tests.torture.diary import Diary
from tests.torture.mailbox import Mailbox
from tests.torture.moments import lots
from tests.torture.nursery import Nursery, Worker
from tests.torture.patience import patiently
from tests.torture.servers import Postgres, Sqlite, Temporal
from tests.torture.weather import Sky, Weather
from trial.mail import Fault

DUTIES = ("work", "work", "counter", "door")
"""What the processes do that are kept alive."""

ODDS = 0.04
"""The odds of a death at each point."""

LIKELIER = {"counter": 4.0, "door": 3.0}
"""How much likelier a death is at the counter and the door, where points are passed less often."""

MAIL = (
    (Fault.SLOW, 4),
    (Fault.REFUSE_RECIPIENT, 2),
    (Fault.DEFER_RECIPIENT, 3),
    (Fault.REFUSE_MESSAGE, 1),
    (Fault.DEFER_MESSAGE, 1),
    (Fault.DROP_KEPT, 2),
    (Fault.DROP_LOST, 2),
)
"""What goes wrong within conversations, by weight."""

RECORD = ("locked for long", "full", "away", "locked", "full", "away", "locked")
"""What befalls the record, in turn."""

LONG_LOCK = 12.0
"""Longer than any writer's patience, which is ten seconds."""


@dataclass
class Stage:
    """Holds what the faults befall."""

    folder: Path
    client: Client
    temporal: Temporal
    record: Sqlite | Postgres
    mailbox: Mailbox
    nursery: Nursery
    diary: Diary
    orders: Orders


@dataclass
class Injector:
    """Befalls the run with faults until it is told to stop; the workers are kept alive beyond that."""

    stage: Stage
    seed: int
    pace: float = 1.0
    release: int = 1
    raging: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while faults are wanted."""
    alive: dict[str, list[Worker]] = field(default_factory=lambda: {duty: [] for duty in DUTIES})
    """The processes, by their duty."""
    _born: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Knows the weather that its workers see."""
        self.weather = Weather(self.stage.folder / "weather")
        self.raging.set()

    async def __aenter__(self) -> Self:
        """Starts the workers and the faults."""
        works: list[tuple[str, tuple[float, float], Callable[[], Awaitable[None]]]] = [
            ("kill", (3.0, 8.0), self._kill),
            ("kill at the counter", (4.0, 11.0), partial(self._kill_one, "counter")),
            ("kill at the door", (3.5, 11.0), partial(self._kill_one, "door")),
            ("temporal", (25, 60), self._restart_temporal),
            ("mail", (3, 9), self._spoil_mail),
            ("mail away", (15, 35), self._take_mail_away),
            ("record", (15, 35), self._spoil_record),
        ]
        starts: list[Coroutine[Any, Any, None]] = [self._keep(n, duty) for n, duty in enumerate(DUTIES)]
        starts += [self._again(name, between, work) for name, between, work in works]
        starts += [self._deliver_swallowed()]
        self._tasks = [asyncio.create_task(start) for start in starts]
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Ends the faults and the workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kill_all()

    def _kill_all(self, *duties: str) -> None:
        for duty in duties or self.alive:
            for worker in self.alive[duty]:
                worker.kill()

    def check(self) -> None:
        """Raises what an injecting task died of: a run without faults proves nothing."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def calm(self) -> None:
        """Lets every fault end; the workers stay, and nothing happens to them any more."""
        self.raging.clear()
        self.weather.set(Sky.CLEAR)
        self.stage.mailbox.heal()
        self._kill_all()  # those that are born now die at no point

    def deploy(self, release: int) -> None:
        """Replaces every worker by one of another release."""
        self.release = release
        self.stage.diary.inject("release", str(release))
        self._kill_all("work")

    async def _keep(self, place: int, duty: str) -> None:
        """Keeps one process alive: soon after a death another is born."""
        draw, alive = lots(self.seed, "keeper", place), self.alive[duty]
        while True:
            self._born += 1
            odds = ODDS / max(1.0, self.pace) * LIKELIER.get(duty, 1.0)
            born = {
                "release": self.release,
                "lots": f"{self.seed}:{self._born}",
                "odds": odds if self.raging.is_set() else 0.0,
                "duty": duty,
            }
            worker = await self.stage.nursery.bear(Orders(**vars(self.stage.orders) | born))
            alive.append(worker)
            code = await worker.gone
            alive.remove(worker)
            if code != -9:
                self.stage.diary.inject(f"worker ended by itself ({code}): {self._last_words()}")
            await asyncio.sleep(draw.uniform(0, 0.8) if self.raging.is_set() else 0)

    def _last_words(self) -> str:
        lines = (self.stage.folder / "workers.log").read_text(errors="replace").split("\n")
        return next((line[:60] for line in reversed(lines) if line and not line.startswith("(")), "")

    async def _again(
        self, name: str, between: tuple[float, float], work: Callable[[], Awaitable[None]]
    ) -> None:
        draw = lots(self.seed, "faults", name)
        rest = between[0]  # the first of each kind comes early: a short run has all of them
        while True:
            await asyncio.sleep(rest * self.pace)
            if self.raging.is_set():
                await work()
            rest = draw.uniform(*between)

    async def _kill(self) -> None:
        draw = lots(self.seed, "kill", self._born)
        if self.alive["work"] and draw.choice(self.alive["work"]).kill():
            self.stage.diary.inject("killed at random")

    async def _kill_one(self, duty: str) -> None:
        if self.alive[duty] and self.alive[duty][0].kill():
            self.stage.diary.inject(f"killed at the {duty}")

    async def _restart_temporal(self) -> None:
        draw = lots(self.seed, "temporal", self.stage.diary.counts["Temporal killed"])
        self.stage.diary.inject("Temporal killed")
        await self.stage.temporal.kill()
        await asyncio.sleep(draw.uniform(0, 3))
        await self.stage.temporal.start()
        self.stage.diary.inject("Temporal started")

    async def _spoil_mail(self) -> None:
        draw = lots(self.seed, "mail", self.stage.diary.counts.total())
        fault = draw.choices([one for one, _ in MAIL], [weight for _, weight in MAIL])[0]
        times = draw.randint(1, 3)
        self.stage.mailbox.script(fault, times=times, seconds=draw.choice((0.3, 0.8, 1.5, 4.0)))
        self.stage.diary.inject(f"mail: {fault.value}", f"x{times}")

    async def _take_mail_away(self) -> None:
        draw = lots(self.seed, "mail away", self.stage.diary.counts["mail: server down"])
        self.stage.diary.inject("mail: server down")
        await self.stage.mailbox.close()
        await asyncio.sleep(draw.uniform(1, 6))
        await self.stage.mailbox.open()

    async def _spoil_record(self) -> None:
        done = sum(count for kind, count in self.stage.diary.counts.items() if kind.startswith("record:"))
        draw = lots(self.seed, "record", done)
        kind = RECORD[done % len(RECORD)]
        seconds = LONG_LOCK if kind == "locked for long" else draw.uniform(1, 4)
        self.stage.diary.inject(f"record: {kind}", f"for {seconds:.1f} s")
        match kind:
            case "full":
                await self._under(Sky.FULL, seconds)
            case "away" if isinstance(self.stage.record, Postgres):
                await self.stage.record.stop()
                await asyncio.sleep(seconds)
                await self.stage.record.start()
            case "away":
                await self._under(Sky.AWAY, seconds)
            case _:
                await self.stage.record.lock(seconds)

    async def _under(self, sky: Sky, seconds: float) -> None:
        self.weather.set(sky)
        await asyncio.sleep(seconds)
        self.weather.set(Sky.CLEAR)

    async def _deliver_swallowed(self) -> None:
        """Delivers the wake-ups that workers swallowed, each after a while of its own."""
        draw = lots(self.seed, "swallowed")
        file, known = self.stage.folder / "swallowed", 0
        async with asyncio.TaskGroup() as late:
            while True:
                await asyncio.sleep(0.5)
                lines = file.read_text().splitlines() if file.exists() else []
                for line in lines[known:]:
                    self.stage.diary.counts["wake-ups swallowed or repeated late"] += 1
                    late.create_task(self._deliver(json.loads(line), draw.uniform(1, 12)))
                known = len(lines)

    async def _deliver(self, swallowed: dict[str, Any], seconds: float) -> None:
        await asyncio.sleep(seconds)
        handle = self.stage.client.get_workflow_handle(swallowed["id"])
        wait = timedelta(seconds=5)
        with suppress(RPCError):  # it has ended meanwhile
            await patiently(lambda: handle.signal(swallowed["signal"], swallowed["wake"], rpc_timeout=wait))
