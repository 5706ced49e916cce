"""An account opened for writing: its lock, its facts in memory, its journal.

In: opening, the present facts and plans, changing them in memory, appending to the journal.
Not in: any particular fact (book.py lists them).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Account, Case
from domain.actions import Plan
from domain.calendars import Agenda
from domain.faults import NotFound
from domain.policy import DunningPolicy
from ledger import accounts, journal, webhooks
from ledger.accounts import Stored
from ledger.policies import Shelf
from ledger.schema import invoices

_WRITE_CASE = sa.update(invoices).where(
    invoices.c.creditor == sa.bindparam("of_creditor"), invoices.c.number == sa.bindparam("of_number")
)


class Folio:
    """Holds one account, locked until the transaction ends.

    `account` always mirrors what has been written; `policies` holds the policy of every case by version;
    `now` is the instant at which everything written here happens.
    """

    def __init__(self, conn: AsyncConnection, loaded: accounts.Loaded, now: datetime, shelf: Shelf) -> None:
        """Takes what `open` has loaded."""
        self.conn = conn
        self.now = now
        self.account: Account = loaded.account
        self.policies: dict[str, DunningPolicy] = {}
        self.stored: dict[str, Stored] = loaded.stored
        self.opened_at = loaded.account.revision
        self.has_tasks = loaded.has_tasks
        self._owner_head = loaded.owner_head
        self._head = loaded.head
        self._shelf = shelf

    @classmethod
    async def open(
        cls,
        conn: AsyncConnection,
        creditor: str,
        debtor: str,
        now: datetime,
        shelf: Shelf,
        *,
        known: accounts.Loaded | None = None,
    ) -> Self:
        """Locks and loads an account; raises NotFound for an unknown creditor or debtor.

        `known` is what `memory` gave in a transaction that has been committed since: where nobody wrote
        on the account after it, it is not loaded again.
        """
        loaded = await accounts.load(conn, creditor, debtor, lock=True, known=known)
        folio = cls(conn, loaded, now, shelf)
        for case in loaded.account.cases:
            await folio.learn(case.policy)
        return folio

    def memory(self) -> accounts.Loaded:
        """Gives the account as this transaction leaves it, to open it again after the commit."""
        return accounts.Loaded(self.account, self._head, dict(self.stored), self._owner_head, self.has_tasks)

    @property
    def creditor(self) -> str:
        """Names the creditor."""
        return self.account.creditor.id

    @property
    def debtor(self) -> str:
        """Names the debtor."""
        return self.account.debtor.id

    @property
    def today(self) -> date:
        """Tells the civil day in the creditor's zone."""
        return Agenda.of(self.account.creditor, self.account.debtor).today(self.now)

    def has_case(self, number: str) -> bool:
        """Tells whether the account has an invoice of that number."""
        return number in self.stored

    def case(self, number: str) -> Case:
        """Finds a case; raises NotFound where the account has none of that number."""
        try:
            return self.account.case(number)
        except KeyError:
            msg = f"no invoice {number!r} on the account of debtor {self.debtor!r}"
            raise NotFound(msg) from None

    def plan(self, number: str) -> Plan:
        """Gives the stored plan of a case; raises NotFound before its first `settle`."""
        self.case(number)
        stored = self.stored[number].next
        if stored is None:
            msg = f"invoice {number!r} has no plan yet; settle the book first"
            raise NotFound(msg)
        return Plan(revision=self.account.revision, next=stored)

    async def learn(self, version: str) -> DunningPolicy:
        """Fetches a policy so that plans can be made with it; raises NotFound for one never stored."""
        if version not in self.policies:
            self.policies[version] = await self._shelf.get(self.conn, version)
        return self.policies[version]

    async def log(self, kind: str, invoice: str | None = None, **facts: Any) -> None:
        """Appends one entry to the account's journal; `facts` hold what JSON can say."""
        revision = self.account.revision + 1
        self._head = await journal.append(
            self.conn,
            account=(self.creditor, self.debtor),
            revision=revision,
            previous=self._head,
            at=self.now,
            kind=kind,
            invoice=invoice,
            facts=facts,
        )
        if kind in webhooks.ANNOUNCED:
            await webhooks.announce(self.conn, self.creditor, self.debtor, revision, self.now)
        self.amend(revision=revision)

    def amend(self, **changes: Any) -> None:
        """Changes the account in memory."""
        self.account = self.account.having(**changes)

    def amend_case(self, number: str, **changes: Any) -> None:
        """Changes a case in memory."""
        self.amend_cases({number: changes})

    def amend_cases(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Changes several cases in memory at once, by number."""
        self.account = self.account.having_cases(changes)

    async def write_case(self, number: str, row: Mapping[str, Any]) -> None:
        """Changes columns of a case's row."""
        await self.conn.execute(_WRITE_CASE, {**row, "of_creditor": self.creditor, "of_number": number})
