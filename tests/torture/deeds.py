"""The deeds: each moment of a story made to happen, as the door, a clerk or a signal would do it.

In: events at the door, orders to runs, commands in the book of an account.
Not in: when they happen (stories.py, walker.py), answers to tasks (clerk.py).

A deed may be cut short by any fault, and is then done again, whole: everything it does counts once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from domain.actions import CaseRef
from domain.agreements import Hold, HoldScope, Stop
from domain.events import EVENT
from domain.faults import NotAllowed
from domain.policy import DunningPolicy
from intake.door import Door
from ledger import desk, parties, policies, switches
from ledger.book import Book
from ledger.database import Database
from ledger.policies import Shelf
from tests.torture.moments import Moment, lots
from tests.torture.sender import Api, Sender
from tests.torture.stories import Story
from workflows.ports import OperatorOrder
from workflows.told import CaseState

AUTHOR = "torture"
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class House:
    """Holds what every account of the run shares."""

    client: Client
    database: Database
    door: Door
    catalogue: dict[str, DunningPolicy]
    bank: Path
    api: Api | None = None
    shelf: Shelf = field(default_factory=Shelf)


@dataclass
class Deeds:
    """Does what happens to one account; `today` is the civil day on the account's clock."""

    house: House
    story: Story
    begun: datetime
    sender: Sender | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Has part of the events go in by the API, where one is served."""
        if self.house.api is not None:
            name = self.story.debtor.id
            self.sender = Sender(self.house.api, name, lots(self.story.seed, name, "api"))

    @property
    def creditor(self) -> str:
        """Names the creditor."""
        return self.story.creditor.id

    def case(self, number: str) -> CaseRef:
        """Names a case of the account."""
        return CaseRef(creditor=self.creditor, number=number)

    async def do(self, moment: Moment, now: datetime) -> str:
        """Makes a moment happen as of an instant, and says what came of it."""
        deed: Callable[..., Coroutine[Any, Any, str]] = getattr(self, f"_{moment.kind}")
        return await deed(now, **moment.facts)

    @asynccontextmanager
    async def book(self, now: datetime) -> AsyncIterator[Book]:
        """Opens the account for writing; its cases are planned anew at the end."""
        async with self.house.database.writing() as conn:
            book = await Book.open(conn, self.creditor, self.story.debtor.id, now, self.house.shelf)
            yield book
            await book.settle()

    async def admit(self, now: datetime, kind: str, **facts: Any) -> str:
        """Hands an event in, at the door or through the API."""
        event = EVENT.validate_python({"type": kind} | facts)
        if self.sender is not None and self.sender.is_drawn():
            return await self.sender.send(event, now)
        return (await self.house.door.admit(event, now=now, source=AUTHOR)).what

    async def begin(self, now: datetime) -> None:
        """Registers the parties."""
        await self.admit(now, "creditor.registered", creditor=self.story.creditor)
        await self.admit(now, "debtor.registered", debtor=self.story.debtor)

    # Invoices

    def _invoice(self, number: str, due_in: int, total: str, **more: Any) -> dict[str, Any]:
        day = self.begun.date()
        due = day + timedelta(days=due_in)
        return {
            "creditor": self.creditor,
            "number": number,
            "debtor": self.story.debtor.id,
            "issue_date": min(day, due) - timedelta(days=3),
            "due_date": due,
            "total": total,
        } | more

    async def _bill(self, now: datetime, **facts: Any) -> str:
        return await self.admit(now, "invoice.created", **self._invoice(**facts))

    async def _again(self, now: datetime, bill: dict[str, Any], **_: Any) -> str:
        return await self._bill(now, **bill)

    async def _correct(self, now: datetime, number: str, total: str) -> str:
        (bill,) = [
            one.facts for one in self.story.moments if one.kind == "bill" and one.facts["number"] == number
        ]
        facts = self._invoice(**{**bill, "total": total}) | {"version": 2}
        return await self.admit(now, "invoice.created", **facts)

    async def _write_off(self, now: datetime, number: str) -> str:
        facts = {"creditor": self.creditor, "number": number, "reason": "too small"}
        return await self.admit(now, "invoice.written_off", **facts)

    # Money

    async def _pay(
        self,
        now: datetime,
        number: str,
        amount: str,
        reference: str,
        received_in: int = 0,
        *,
        named: bool = False,
    ) -> str:
        # The day of a payment is a fact of its own: told again, it is the same.
        received = self._day_of(reference, now) + timedelta(days=received_in)
        facts = {"amount": amount, "reference": reference, "received_on": received, "invoice": number}
        owner = {"debtor": self.story.debtor.id} if named else {}
        return await self.admit(now, "payment.received", creditor=self.creditor, **facts, **owner)

    def _day_of(self, reference: str, now: datetime) -> date:
        first = min(one.day for one in self.story.moments if one.facts.get("reference") == reference)
        return min(now, self.begun + timedelta(days=first)).date()

    async def _pay_on_account(self, now: datetime, reference: str, amount: str) -> str:
        facts = {"creditor": self.creditor, "debtor": self.story.debtor.id, "amount": amount}
        day = self._day_of(reference, now)
        return await self.admit(now, "payment.received", reference=reference, received_on=day, **facts)

    async def _reverse(self, now: datetime, reference: str) -> str:
        return await self.admit(now, "payment.reversed", creditor=self.creditor, reference=reference)

    async def _report(self, _now: datetime, number: str, amount: str | None, reference: str) -> str:
        handle = self.house.client.get_workflow_handle(self.case(number).workflow_id)
        note = {"reference": reference} | ({"amount": amount} if amount else {})
        try:
            await handle.signal("mark_paid", note, rpc_timeout=timedelta(seconds=10))
        except RPCError as fault:
            if fault.status is not RPCStatusCode.NOT_FOUND:
                raise
            return "the run has ended already"
        return "reported to the run"

    async def _credit(self, now: datetime, number: str, note: str, amount: str) -> str:
        facts = {"number": note, "invoice": number, "issue_date": self.begun.date(), "total": amount}
        return await self.admit(now, "credit_note.issued", creditor=self.creditor, **facts)

    async def _cancel_credit(self, now: datetime, number: str, note: str, amount: str) -> str:
        del number, amount
        return await self.admit(now, "credit_note.cancelled", creditor=self.creditor, number=note)

    async def payments_known(self, now: datetime) -> str:
        """States that the payments are known up to now."""
        return await self.admit(now, "payments.known", creditor=self.creditor, as_of=now)

    async def _payments_known(self, now: datetime) -> str:
        return await self.payments_known(now)

    # What people order

    async def order(self, verb: str, number: str, **order: Any) -> str:
        """Gives an order to a run, and waits for its answer."""
        async with self.house.database.writing() as conn:
            note = await desk.write_note(conn, AUTHOR, f"{verb}: because", self.begun)
        handle = self.house.client.get_workflow_handle(self.case(number).workflow_id)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                state: CaseState = await handle.execute_update(
                    verb, OperatorOrder(note=note, **order), id=note, result_type=CaseState
                )
        except WorkflowUpdateFailedError as refused:
            cause = refused.cause.__cause__ or refused.cause
            raise NotAllowed(str(cause)) from None
        except RPCError as fault:
            if fault.status is not RPCStatusCode.NOT_FOUND:
                raise
            return "the run has ended already"
        return f"next: {state.next.kind} {state.next.step or ''}"

    async def _hold(self, now: datetime, number: str, days: int, **_: Any) -> str:
        return await self.order("hold", number, until=(now + timedelta(days=days)).date())

    async def _skip(self, _now: datetime, number: str, **_: Any) -> str:
        return await self.order("skip", number)

    async def _send_now(self, _now: datetime, number: str, **_: Any) -> str:
        return await self.order("send_now", number)

    async def _hold_account(self, now: datetime, number: str, days: int, **_: Any) -> str:
        async with self.book(now) as book:
            await book.place_hold(self._held(HoldScope.DEBTOR, f"{number}/{days}", book.today, days), AUTHOR)
        return f"held for {days} days"

    async def _hold_creditor(self, now: datetime, days: int) -> str:
        hold = self._held(HoldScope.CREDITOR, self.creditor, now.date(), days)
        async with self.house.database.writing() as conn:
            await parties.hold_all(conn, self.creditor, hold, AUTHOR, now)
        async with self.book(now):
            pass
        return f"held for {days} days"

    def _held(self, scope: HoldScope, name: str, day: date, days: int) -> Hold:
        until = day + timedelta(days=days)
        key = str(uuid5(NAMESPACE_URL, f"{self.begun}:{self.creditor}:{name}"))
        return Hold(id=key, scope=scope, starts_on=day, until=until, reason="at the creditor's wish")

    async def _move_policy(self, now: datetime, number: str, **_: Any) -> str:
        """Moves a case to a version of its policy that leaves more days between two steps."""
        policy = self.house.catalogue[self.story.creditor.policy]
        changed = policy.model_copy(update={"spacing_days": policy.spacing_days + 1})
        async with self.house.database.writing() as conn:
            version = await policies.store(conn, changed, now)
        async with self.book(now) as book:
            moved = await book.move_policy(number, version, AUTHOR)
        return f"moved to {version}" if moved else "moved before"

    async def _contact(self, now: datetime, days: int, **_: Any) -> str:
        return await self._reached(now, f"{days}")

    async def reachable(self, now: datetime, name: str) -> str:
        """Gives the debtor new addresses, for e-mails and for letters."""
        address = {"lines": [f"{name} quai Haut"], "postcode": "69003", "city": "Lyon"}
        return await self._reached(now, name, address=address)

    async def _reached(self, now: datetime, name: str, **more: Any) -> str:
        contacts = [{"email": f"compta-{name}@{self.story.debtor.id}.example"}]
        facts = self.story.debtor.model_dump() | {"contacts": contacts} | more
        return await self.admit(now, "debtor.registered", debtor=facts)

    async def _unreachable(self, now: datetime, **_: Any) -> str:
        facts = self.story.debtor.model_dump() | {"contacts": [], "address": None}
        return await self.admit(now, "debtor.registered", debtor=facts)

    async def _stop_sending(self, now: datetime) -> str:
        async with self.house.database.writing() as conn:
            new = await switches.stop(conn, Stop(creditor=self.creditor), AUTHOR, "a mistake", now)
        return "stopped" if new else "stopped before"

    async def _resume_sending(self, now: datetime) -> str:
        async with self.house.database.writing() as conn:
            new = await switches.resume(conn, Stop(creditor=self.creditor), AUTHOR, now)
        async with self.book(now):
            pass
        return "resumed" if new else "resumed before"
