"""The board: what comes next for every open case, read from the record a few times a second.

In: one reader for all accounts, and the wait for a reading that is fresh.
Not in: what is done about it (walker.py).
"""

import asyncio
from dataclasses import dataclass, field

import sqlalchemy as sa

from domain.actions import CaseRef, NextAction
from domain.faults import Unavailable
from ledger.database import Database
from ledger.schema import invoices

EVERY = 0.15

Agenda = dict[CaseRef, NextAction]


@dataclass
class Board:
    """Shows the open cases of each debtor with their next action."""

    database: Database
    agendas: dict[str, Agenda] = field(default_factory=dict)
    _readings: int = 0
    _read: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        """Reads until cancelled; while the record cannot be read nothing is fresh."""
        while True:
            begun = self._readings + 1
            try:
                agendas = await self._all()
            except Unavailable:
                await asyncio.sleep(EVERY)
                continue
            async with self._read:
                self.agendas, self._readings = agendas, begun
                self._read.notify_all()
            await asyncio.sleep(EVERY)

    async def agenda(self, debtor: str) -> Agenda:
        """Gives an account's open cases as they stand after this call."""
        async with self._read:
            # The reading under way may have begun before: the one after it has not.
            wanted = self._readings + 2
            await self._read.wait_for(lambda: self._readings >= wanted)
        return dict(self.agendas.get(debtor, {}))

    def shows(self, debtor: str, case: CaseRef) -> bool:
        """Tells whether a case is open, as of the latest reading."""
        return case in self.agendas.get(debtor, {})

    async def _all(self) -> dict[str, Agenda]:
        columns = (invoices.c.creditor, invoices.c.number, invoices.c.debtor, invoices.c.next)
        query = sa.select(*columns).where(invoices.c.ending.is_(None), invoices.c.next.is_not(None))
        agendas: dict[str, Agenda] = {}
        async with self.database.reading() as conn:
            for row in await conn.execute(query):
                case = CaseRef(creditor=row.creditor, number=row.number)
                agendas.setdefault(row.debtor, {})[case] = NextAction.model_validate(row.next)
        return agendas
