"""What the tests of the life cycle share: a door, and a short way to report the status of an invoice.

In: the network, which reports to the record of the tests of intake. Not in: messages (sample.py).
"""

from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from domain.account import Case
from domain.agreements import Dispute, Hold
from domain.events import StatusReported
from intake.admission import Admission
from intake.lifecycle import status_reported
from intake.visit import Visit
from ledger import queries
from ledger.book import Book
from ledger.policies import Shelf
from ledger.queries import Task
from ledger.schema import journal
from tests.domain import build
from tests.intake.conftest import CATALOGUE, Porter, porter

__all__ = ["porter"]


def a_status(code: str, at: str = "2026-03-02 10:00", **more: Any) -> StatusReported:
    """Gives a status of invoice F-1, reported by the buyer unless `reporter` says otherwise."""
    facts = {"creditor": "acme", "number": "F-1", "message": f"M-{code}", "reporter": "BY"}
    return StatusReported.model_validate(facts | {"code": code, "at": build.at(at)} | more)


class Network:
    """Reports statuses to Acme's record; invoices and money come in by the porter."""

    def __init__(self, porter: Porter) -> None:
        """Takes a porter whose creditor and debtors are registered."""
        self.porter = porter
        self.shelf = Shelf()

    async def report(self, code: str, at: str = "2026-03-02 10:00", **more: Any) -> Admission:
        """Reports a status of invoice F-1."""
        event = a_status(code, at, **more)
        async with self.porter.database.writing() as conn:
            return await status_reported(Visit(conn, self.porter.now, CATALOGUE, self.shelf), event)

    async def book(self, work: Any) -> Any:
        """Does some work with the open book of Dubois, and settles it."""
        async with self.porter.database.writing() as conn:
            book = await Book.open(conn, "acme", "dubois", self.porter.now, self.shelf)
            done = await work(book)
            await book.settle()
            return done

    async def case(self, number: str = "F-1") -> Case:
        """Reads a case."""
        return (await self.porter.account()).case(number)

    async def blocked(self, number: str = "F-1") -> tuple[str, str | None] | None:
        """Tells by which rule, and by which status, a case is kept from going on."""
        because = (await self.case(number)).blocked
        return (because.rule.value, because.reference) if because is not None else None

    async def disputes(self) -> list[Dispute]:
        """Lists the disputes that have not been ended."""
        agreements = (await self.porter.account()).agreements
        return [one for one in agreements if isinstance(one, Dispute) and one.ended_on is None]

    async def holds(self) -> list[Hold]:
        """Lists the holds that have not been lifted."""
        return [one for one in (await self.porter.account()).holds if one.lifted_on is None]

    async def tasks(self) -> list[Task]:
        """Lists the open tasks by kind and invoice."""
        async with self.porter.database.reading() as conn:
            found = await queries.open_tasks(conn)
        return sorted(found, key=lambda task: (task.kind, task.invoice or ""))

    async def kinds(self) -> list[str]:
        """Lists the kinds of the open tasks."""
        return [task.kind for task in await self.tasks()]

    async def entries(self, kind: str = "status.reported") -> list[dict[str, Any]]:
        """Lists the facts of the journal's entries of a kind."""
        query = sa.select(journal.c.facts).where(journal.c.kind == kind).order_by(journal.c.revision)
        async with self.porter.database.reading() as conn:
            return list((await conn.execute(query)).scalars())


@pytest_asyncio.fixture(loop_scope="session")
async def network(porter: Porter) -> Network:
    """Gives the network, with invoice F-1 of 100.00, due on 31 March, on record since noon of 2 March."""
    await porter.bill()
    return Network(porter)
