"""What the tests of the API share: the API on a record that knows Acme and two debtors, and its callers.

In: the interface, whose Temporal is away. Not in: what is sent (each test writes its own).
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from config.settings import Settings
from console.api.application import build
from console.office import Office
from domain.events import CreditorRegistered
from ledger import access
from ledger.access import Right
from ledger.database import Database
from tests.domain import build as made
from tests.intake.conftest import CATALOGUE, NOON, Porter
from trial.servers import free_port

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
EVERYTHING = tuple(Right)
ON_ONE_DATABASE = pytest.mark.parametrize("database_kind", ["sqlite"])
"""Marks a test in which the kind of database plays no part."""


def event(name: str, kind: str = "relance.invoice.created", **data: Any) -> dict[str, Any]:
    """Writes a CloudEvent; an invoice of Dubois unless its data say otherwise."""
    invoice = {"number": name, "debtor": "dubois", "issue_date": "2026-03-01", "due_date": "2026-03-31"}
    facts = {"creditor": "acme"} | (
        invoice | {"total": "100.00"} if kind.startswith("relance.invoice") else {}
    )
    return {"specversion": "1.0", "id": name, "source": "/erp", "type": kind, "data": facts | data}


class Interface(Porter):
    """Calls the API as programs do; `now` is the instant of its clock."""

    def __init__(self, database: Database, office: Office) -> None:
        """Takes a record with Acme and its debtors."""
        super().__init__(database)
        self.office = office
        self.app = build(office)
        self.desk = self.app.state.desk
        self.shown: dict[str, str] = {}
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://api.test")

    async def key(self, *rights: Right, creditors: Iterable[str] | None = None) -> dict[str, str]:
        """Makes a key and gives the header that shows it."""
        async with self.database.writing() as conn:
            _, token = await access.make_key(conn, "erp", rights or EVERYTHING, creditors, "ann", self.now)
        return {"Authorization": f"Bearer {token}"}

    async def usual(self) -> dict[str, str]:
        """Gives the header of a key for everything, the same for the whole test."""
        self.shown = self.shown or await self.key()
        return self.shown

    async def post(self, path: str, json: Any = None, **more: Any) -> httpx2.Response:
        """Posts with a key for everything, unless headers say otherwise."""
        headers = more.pop("headers", None) or await self.usual()
        if json is not None:
            more["json"] = json
        return await self.client.post(path, headers=headers, **more)

    async def send(self, content: Any, kind: str = STRUCTURED, **headers: str) -> httpx2.Response:
        """Sends an event, or a batch of them."""
        shown = await self.usual()
        return await self.client.post(
            "/events",
            headers=shown | {"Content-Type": kind} | headers,
            **({"content": content} if isinstance(content, bytes) else {"json": content}),
        )

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        """Reads with a key for everything."""
        return await self.client.get(path, headers=await self.usual(), params=params)


async def absent_temporal() -> Client:
    """Gives a connection to a Temporal server that is away."""
    return await Client.connect(f"127.0.0.1:{free_port()}", lazy=True, data_converter=pydantic_data_converter)


@pytest_asyncio.fixture(loop_scope="session")
async def interface(database: Database) -> AsyncIterator[Interface]:
    """Gives the API on each kind of database in turn, with Temporal away."""
    moments: list[datetime] = [NOON]
    office = Office(Settings(), database, CATALOGUE, lambda: moments[0])
    office.use(await absent_temporal())
    interface = Interface(database, office)
    await interface.admit(CreditorRegistered(creditor=made.creditor()))
    for name in ("dubois", "martin"):
        await interface.take_debtor(name)
    yield interface
    await interface.desk.told()
    await interface.client.aclose()
