"""A worker of the torture run: the production rooms, with weather inside and a death at every point.

In: the worker and its relay as worker.py runs them, on a clock that can be moved; what befalls them.
Not in: who starts and kills it (nursery.py, injector.py).

An attempt is given up after seconds here and not after a minute, and the pauses between attempts are
short: neither changes any command of the run, and a retry after a kill comes soon.
"""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Self
from unittest.mock import patch

from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.common import RetryPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner

import activities.assembly
import activities.mail
import workflows.invoice
from activities.assembly import Hands, assemble
from config import logs
from config.sections import Folders, Smtp
from config.settings import LogFormat, Settings
from correspondence.wording import Wording
from domain.faults import RelanceError
from intake.relay import Relay
from ledger.database import Database
from tests.torture.points import Reaper, infest
from tests.torture.release import SecondRelease
from tests.torture.weather import Weather
from workflows.invoice import InvoiceDunning
from workflows.told import Wake

ATTEMPT = timedelta(seconds=6)
TASK = timedelta(seconds=3)
"""How long the server waits for the decision of a worker that may be dead; ten seconds by default."""

CONVERSATION = 2.5
LEASE = 12
IMPATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=0.3), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=3)
)
RELAY_EVERY = 0.25

DROPPED, REPEATED, DELAYED, SWALLOWED, LATE = 0.03, 0.03, 0.05, 0.15, 0.05
"""The odds of what happens to a wake-up on its way."""

LOST = ("lost on the way", RPCStatusCode.UNAVAILABLE, b"")


@dataclass(frozen=True)
class Orders:
    """Tells a worker where everything is, and what is to befall it."""

    address: str
    database_url: str
    folder: str
    smtp_port: int
    task_queue: str
    release: int
    lots: str
    odds: float
    duty: str = "work"
    """What the process does: `work` as a worker, take bank files in at the `counter`, serve at the `door`."""
    port: int = 0
    """Where the API is served."""

    def line(self) -> str:
        """Writes the orders on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Self:
        """Reads what `line` wrote."""
        return cls(**json.loads(line))

    @property
    def settings(self) -> Settings:
        """Gives the settings of this worker, and nothing from any environment."""
        return settings(Path(self.folder), self.database_url, self.smtp_port, self.task_queue)


def settings(folder: Path, database_url: str, smtp_port: int, task_queue: str) -> Settings:
    """Gives the settings that all parts of one run share."""
    return Settings(
        folders=Folders(var=folder / "var"),
        database_url=database_url,
        smtp=Smtp(port=smtp_port, timeout_seconds=CONVERSATION),
        task_queue=task_queue,
        lease_seconds=LEASE,
    )


@dataclass
class Muddle(Interceptor):
    """Loses, repeats, delays and swallows wake-ups on their way to the server.

    What is swallowed, or to be repeated late, is written to a file, from which the harness delivers it
    after newer ones. Only the news of an ending is swallowed: a server that had taken any other wake-up
    would not let its run end without it.
    """

    lots: Random
    swallowed: Path

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - Temporal's name
        """Puts the muddle before the server."""
        return _Muddled(next, self)


class _Muddled(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, muddle: Muddle) -> None:
        super().__init__(following)
        self._muddle = muddle

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002 - Temporal's name
        input.task_timeout = TASK
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002 - Temporal's name
        lots = self._muddle.lots
        lot = lots.random()
        if lot < SWALLOWED and _closes(input):
            return self._put_by(input)
        if lot < SWALLOWED + DROPPED:
            raise RPCError(*LOST)
        if lot < SWALLOWED + DROPPED + DELAYED:
            await asyncio.sleep(lots.uniform(0.2, 1.5))
        await super().signal_workflow(input)
        if lot > 1 - REPEATED:
            raise RPCError(*LOST)
        if lot > 1 - REPEATED - LATE:
            self._put_by(input)
        return None

    def _put_by(self, order: SignalWorkflowInput) -> None:
        wake = order.args[0].model_dump(mode="json")
        line = json.dumps({"id": order.id, "signal": order.signal, "wake": wake}) + "\n"
        file = os.open(self._muddle.swallowed, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _closes(order: SignalWorkflowInput) -> bool:
    """Tells whether a wake-up brings the news of an ending."""
    (wake,) = order.args
    return isinstance(wake, Wake) and wake.next is not None and wake.next.closes


def hasten() -> None:
    """Shortens, in this process, what a test cannot wait for."""
    patch.object(workflows.invoice, "ATTEMPT", ATTEMPT).start()
    patch.object(workflows.invoice, "PATIENT", IMPATIENT).start()
    patch.object(activities.mail, "WHOLE_CONVERSATION", CONVERSATION).start()


def deploy(release: int) -> None:
    """Makes this process a worker of one release."""
    run = {1: InvoiceDunning, 2: SecondRelease}[release]
    patch.object(activities.assembly, "InvoiceDunning", run).start()


async def work(orders: Orders, wording: Wording) -> None:
    """Works until it is killed."""
    lots = Random(orders.lots)  # noqa: S311 - repeatable on purpose
    folder = Path(orders.folder)
    logs.configure(LogFormat.JSON, "error")
    hasten()
    deploy(orders.release)
    infest(Reaper(lots, orders.odds, folder / "deaths"))
    given = orders.settings
    client = await connected(orders.address, Muddle(lots, folder / "swallowed"))
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    async with await opened(given.database_url) as database:
        Weather(folder / "weather").befall(database)
        worker = assemble(
            skipper.client,
            given,
            Hands.of(given, database, wording),
            workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would undo what is hastened
            cached_workflows=0,  # the server would wait for a dead process's memory
            grace=timedelta(),
        )
        relay = Relay(database, skipper.client, given.task_queue)
        async with worker:
            await relay.run(asyncio.Event(), every=RELAY_EVERY)


async def connected(address: str, muddle: Muddle) -> Client:
    """Connects to Temporal, however long that takes."""
    while True:
        try:
            return await Client.connect(
                address, data_converter=pydantic_data_converter, identity="torture", interceptors=[muddle]
            )
        except (RuntimeError, RPCError):
            await asyncio.sleep(0.3)


async def opened(url: str) -> Database:
    """Opens the record, however long that takes."""
    while True:
        try:
            return await Database.open(url)
        except RelanceError:
            await asyncio.sleep(0.3)
