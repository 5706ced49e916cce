"""A process that serves the console, and by it the API, with weather inside and a death at two points.

In: the production application on the harness's port, the runs told as the office tells them.
Not in: who starts and kills it (nursery.py, injector.py), who sends events (sender.py).

Every request says which instant it is on its account's clock; nothing else of the application is changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import console.api.events
import ledger.received
from config import logs
from config.catalogue import load_policies
from config.settings import LogFormat
from console.application import build
from console.listening import listening
from console.office import Office
from domain.faults import Unavailable
from tests.torture.child import Muddle, Orders, connected, opened
from tests.torture.points import Point, Reaper
from tests.torture.weather import Weather
from trial.servers import LOCAL

CLOCK = b"torture-now"
"""The header that brings the instant."""

NOW: ContextVar[datetime] = ContextVar("now")


class Dated:
    """Lets each request live at the instant that it brings."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        for name, value in scope.get("headers", ()):
            if name == CLOCK:
                NOW.set(datetime.fromisoformat(value.decode()))
        await self._app(scope, receive, send)


class Lodge(Office):
    """Is an office whose way to Temporal is opened by us: it leads to the server of this run."""

    async def temporal(self) -> Client:
        """Gives the connection; raises Unavailable until there is one."""
        if self._client is None:
            msg = "Temporal has not answered yet"
            raise Unavailable(msg)
        return self._client


async def attend(orders: Orders) -> None:
    """Serves until it is killed."""
    lots = Random(orders.lots)  # noqa: S311 - repeatable on purpose
    folder = Path(orders.folder)
    logs.configure(LogFormat.JSON, "error")
    _infest(Reaper(lots, orders.odds, folder / "deaths"))
    given = orders.settings
    async with await opened(given.database_url) as database:
        Weather(folder / "weather").befall(database)
        lodge = Lodge(given, database, load_policies(given.folders.policies), clock=NOW.get)
        async with listening(Dated(build(lodge)), LOCAL, orders.port):
            client = await connected(orders.address, Muddle(lots, folder / "swallowed"))
            lodge.use(TimeSkipper(client, config=TimeSkippingConfig(enabled=False)).client)
            await asyncio.Event().wait()


def _infest(reaper: Reaper) -> None:
    """Puts the points into the rooms of this process, which is not to be used for anything else."""
    for place, name, point in (
        (ledger.received, "note", Point.NOTING),
        (console.api.events, "receive", Point.ANSWERING),
    ):
        patch.object(place, name, _fatal(reaper, point, getattr(place, name))).start()


def _fatal(
    reaper: Reaper, point: Point, work: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def fatal(*given: Any) -> Any:
        done = await work(*given)
        reaper.reached(point)
        return done

    return fatal
