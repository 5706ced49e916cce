"""The console under load: people who click, programs that send events, one process that serves both.

In: the ledger they work on, the process as `starter.py serve`, the measurement.
Not in: what people and programs do (operators.py, traffic.py), the table (table.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import httpx2

from bench import lived
from bench.operators import Operator
from bench.processes import ROOT, Meter, Spent, environment, program, until_healthy, until_idle, usage
from bench.relance import Relance
from bench.sizes import Crowd
from bench.traffic import Traffic
from bench.waits import PATIENCE, Waits
from console import people
from domain.faults import Unavailable
from ledger import access, parties
from ledger import people as record
from ledger.access import Right
from ledger.people import Person, Role
from trial.servers import LOCAL, free_port

SEED = 20
SESSION = timedelta(hours=2)
SETTLED = 5.0
"""Seconds that people have been at their windows before the first event comes."""


@dataclass(frozen=True)
class Load:
    """States what the console bore: events accepted in a second, its memory in bytes at most.

    `behind` is how many seconds after the last event all that was kept had been worked off.
    """

    events_per_second: float
    taken_per_second: float
    behind: float
    waits: Waits
    spent: Spent
    memory: int

    @property
    def requests_per_second(self) -> float:
        """Counts every request that was answered, people's and programs'."""
        return self.waits.count / self.spent.wall


async def serve_crowd(arm: Relance, crowd: Crowd) -> Load:
    """Has people and programs at the console for a while; raises Unavailable where one met an error."""
    now = datetime.now(UTC)
    await _prepare(arm, crowd.invoices, now)
    tokens, key = await _seated(arm, crowd.operators, now)
    async with arm.working() as worker, _serving(arm) as (console, address):
        await until_idle(worker)
        headers = {"Authorization": f"Bearer {key}"}
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        async with (
            httpx2.AsyncClient(base_url=address, limits=limits, timeout=PATIENCE) as windows,
            httpx2.AsyncClient(
                base_url=address, headers=headers, limits=limits, timeout=PATIENCE
            ) as connection,
        ):
            waits = Waits()
            at_work = _operators(windows, waits, crowd, tokens, now)
            traffic = _traffic(connection, waits, crowd, now)
            working = [asyncio.create_task(one.work()) for one in at_work]
            await asyncio.sleep(min(SETTLED, crowd.seconds))
            meter = Meter(console=console, worker=worker, server=arm.stage.server)
            try:
                per_second = await traffic.flow(crowd.seconds)
                spent, memory = meter.read(), usage(console).peak
            finally:
                for task in working:
                    task.cancel()
                ended = await asyncio.gather(*working, return_exceptions=True)
            behind = await traffic.worked_off()
    for fault in ended:
        if not isinstance(fault, asyncio.CancelledError) and isinstance(fault, BaseException):
            raise fault
    _check(waits, traffic)
    return Load(per_second, traffic.accepted / (spent.wall + behind), behind, waits, spent, memory)


async def _prepare(arm: Relance, count: int, now: datetime) -> None:
    """Fills the ledger through the door, and starts the runs of what is open."""
    for event in lived.creditors():
        await arm.door.admit(event, now=now)
    async with arm.database.writing() as conn:
        await parties.hold_all(conn, lived.HELD, lived.hold(now.date()), "bench", now)
    for event in lived.events(count, now.date()):
        await arm.door.admit(event, now=now)
    await arm.relay()


async def _seated(arm: Relance, count: int, now: datetime) -> tuple[list[str], str]:
    """Lets so many people sign in, and makes a key for events."""
    tokens = []
    for place in range(count):
        language = ("en", "fr")[place % 2]
        who = Person(id=f"p{place}@bench.example", name=f"P {place}", role=Role.OPERATOR, language=language)
        async with arm.database.writing() as conn:
            await record.save(conn, who, now)
        tokens.append(await people.open_session(arm.database, who, now, SESSION))
    async with arm.database.writing() as conn:
        _, key = await access.make_key(conn, "bench", (Right.EVENTS,), None, "bench", now)
    return tokens, key


@asynccontextmanager
async def _serving(arm: Relance) -> AsyncIterator[tuple[int, str]]:
    """Runs `starter.py serve`; gives its process id and its address."""
    bind, log = f"{LOCAL}:{free_port()}", arm.stage.folder / "console.log"
    command = (str(ROOT / "starter.py"), "serve", "--bind", bind)
    async with program(*command, env=environment(**arm.told), folder=arm.stage.folder, log=log) as process:
        await until_healthy(process, bind, log)
        yield process.pid, f"http://{bind}"


def _operators(
    client: httpx2.AsyncClient, waits: Waits, crowd: Crowd, tokens: list[str], now: datetime
) -> list[Operator]:
    ahead = lived.still_ahead(crowd.invoices)
    theirs = ahead[: len(ahead) // 2]
    return [
        Operator(
            client,
            waits,
            Random(SEED + place),  # noqa: S311 - repeatable on purpose
            token,
            crowd.invoices,
            islice(theirs, place, None, len(tokens)),
            now.date(),
        )
        for place, token in enumerate(tokens)
    ]


def _traffic(client: httpx2.AsyncClient, waits: Waits, crowd: Crowd, now: datetime) -> Traffic:
    ahead = lived.still_ahead(crowd.invoices)
    unpaid = ahead[len(ahead) // 2 :]
    return Traffic(
        client,
        waits,
        Random(SEED),  # noqa: S311 - repeatable on purpose
        crowd.events_per_second,
        sorted({at // lived.EACH for at in ahead}),
        iter(unpaid),
        now.date(),
    )


def _check(waits: Waits, traffic: Traffic) -> None:
    """Raises Unavailable for an error, and for anything refused: everybody sent what can be taken."""
    wrong = waits.errors + waits.refused
    wrong += {name: times for name, times in traffic.fates.items() if name not in {"taken", "known"}}
    if wrong:
        told = ", ".join(f"{what} ({times} times)" for what, times in wrong.most_common())
        msg = f"of {waits.count} requests to the console some failed: {told}"
        raise Unavailable(msg)
