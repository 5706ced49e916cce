"""A console without a browser: the application on a record of a test's own, asked as a program would.

In: an office whose Temporal is away, people of every role, and their requests.
Not in: pages in a browser (stage.py).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from temporalio.client import Client

from config.catalogue import load_policies
from config.sections import Folders
from config.settings import Settings
from console import people
from console.application import build
from console.office import Office
from console.seats import COOKIE
from domain.events import Event
from domain.faults import Unavailable
from ledger import people as record
from ledger.database import Database
from ledger.people import Person, Role

ADDRESS = "http://console.test"


class Alone(Office):
    """Stands for an office whose Temporal does not answer, at once."""

    async def temporal(self) -> Client:
        """Raises Unavailable."""
        msg = "Temporal is away"
        raise Unavailable(msg)


class Desk:
    """Asks the console in the name of people."""

    def __init__(self, office: Office) -> None:
        """Takes the office."""
        self.office = office
        self.app = build(office)

    @property
    def now(self) -> datetime:
        """Gives the instant at which the office stands."""
        return self.office.clock()

    async def take(self, *events: Event) -> None:
        """Takes facts in."""
        for event in events:
            await self.office.door.admit(event, now=self.now)

    @asynccontextmanager
    async def seat(self, role: str = "viewer", **more: Any) -> AsyncIterator[AsyncClient]:
        """Signs somebody of a role in; `creditors` narrows what they may see."""
        facts = {"id": f"{role}@acme.example", "name": role.title(), "role": Role[role.upper()]}
        who = Person.model_validate(facts | more)
        async with self.office.database.writing() as conn:
            await record.save(conn, who, self.now)
        token = await people.open_session(self.office.database, who, self.now, timedelta(hours=1))
        async with self.stranger({COOKIE: token}) as client:
            yield client

    @asynccontextmanager
    async def stranger(self, cookies: Mapping[str, str] | None = None) -> AsyncIterator[AsyncClient]:
        """Opens a browser that has not signed in."""
        transport = ASGITransport(self.app)
        async with AsyncClient(transport=transport, base_url=ADDRESS, cookies=dict(cookies or {})) as client:
            yield client


def desk(database: Database, folder: Path, now: datetime, **settings: Any) -> Desk:
    """Opens a console on a record; `settings` are sections of the settings."""
    kept = Settings(folders=Folders(var=folder), **settings)
    return Desk(Alone(kept, database, load_policies(kept.folders.policies), clock=lambda: now))
