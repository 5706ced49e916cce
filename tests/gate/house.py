"""A house to knock at: the real gate over a real record, a real mailbox and real folders.

In: facts through the door, knocks as the worker would make them, what came of them.
Not in: Temporal; the gate is run as an activity without a server, at any instant of the calendar.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from temporalio.testing import ActivityEnvironment

from activities.assembly import Hands
from activities.mail import Delivery, LastWord, MailRoom, SmtpRoom
from config.settings import Settings
from correspondence.wording import Wording
from domain.account import Account
from domain.actions import CaseRef, GateAnswer, NextAction, Plan
from domain.events import EVENT, CreditorRegistered, DebtorRegistered
from domain.policy import DunningPolicy
from intake.admission import Admission
from intake.door import Door
from ledger import accounts, outbox, queries
from ledger.database import Database
from ledger.messages import MessageRecord
from ledger.queries import Task
from ledger.schema import messages
from tests.domain import build
from trial.mail import MailSink
from workflows.ports import (
    OperatorCommand,
    OperatorOrder,
    PaymentNote,
    PaymentReport,
    PlanQuery,
    StepOrder,
    Verb,
)

DUE = "2026-03-31"
NOON = build.at("2026-03-31 12:00")
"""The due date of every invoice, at noon: what comes next is the first reminder, two days later."""

IBAN = "FR7630006000011234567890189"


@dataclass
class Room:
    """Hands over to the real server, and runs what a test wants `before` and `after` the body leaves."""

    inner: MailRoom
    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None
    calls: int = 0

    async def hand_over(
        self, sender: str, recipients: Sequence[str], mime: bytes, may_leave: LastWord
    ) -> Delivery:
        """Hands one message over."""
        self.calls += 1

        async def last_word() -> bool:
            word = await may_leave()
            if word and self.before is not None:
                await self.before()
            return word

        delivery = await self.inner.hand_over(sender, recipients, mime, last_word)
        if self.after is not None:
            await self.after()
        return delivery


@dataclass
class House:
    """Holds the rooms that stand behind the gate; `now` is the workflows' clock, `wall` that of leases."""

    database: Database
    settings: Settings
    wording: Wording
    catalogue: dict[str, DunningPolicy]
    sink: MailSink
    now: datetime = NOON
    wall: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        """Builds the door and the hands of one worker."""
        self.door = Door(self.database, self.catalogue)
        self.room = Room(SmtpRoom(self.settings.smtp))
        self.hands = self.worker(self.database)
        self._asked = 0
        self._orders: dict[str, tuple[int, StepOrder]] = {}

    def worker(self, database: Database) -> Hands:
        """Gives the hands of a worker, whose leases go by the wall clock of the house."""
        hands = Hands.of(self.settings, database, self.wording, self.room)
        hands.gate._handover.clock = lambda: self.wall
        return hands

    # Facts

    async def register(self, *names: str, creditor: dict[str, Any] | None = None, **debtor: Any) -> None:
        """Registers Acme and some debtors."""
        owner = build.creditor(**({"policy": "seed", "iban": IBAN} | (creditor or {})))
        await self.door.admit(CreditorRegistered(creditor=owner), now=self.now)
        for name in names or ("dubois",):
            await self.debtor(name, **debtor)

    async def debtor(self, name: str = "dubois", **more: Any) -> Admission:
        """Registers a debtor, or states it anew."""
        facts = {"id": name, "contacts": ({"email": f"compta@{name}.example"},)} | more
        return await self.door.admit(DebtorRegistered(debtor=build.debtor(**facts)), now=self.now)

    async def take(self, kind: str, **facts: Any) -> Admission:
        """Hands an event of Acme's in."""
        event = EVENT.validate_python({"type": kind, "creditor": "acme", **facts})
        return await self.door.admit(event, now=self.now)

    async def bill(self, *numbers: str, debtor: str = "dubois", due: str = DUE, **more: Any) -> None:
        """Hands invoices of 100.00 in."""
        facts = {"debtor": debtor, "issue_date": "2026-03-01", "due_date": due, "total": "100.00"}
        for number in numbers:
            await self.take("invoice.created", number=number, **(facts | more))

    async def pay(self, number: str, amount: str = "100.00", reference: str = "VIR-1") -> Admission:
        """Hands a payment in that was received today."""
        return await self.take(
            "payment.received",
            reference=reference,
            amount=amount,
            received_on=self.now.date(),
            invoice=number,
        )

    # Knocks

    async def knock(
        self,
        number: str = "F-1",
        *,
        attempt: int = 1,
        run: str = "",
        hands: Hands | None = None,
        wait: bool = True,
    ) -> GateAnswer:
        """Knocks at the gate at the instant of the next step; a second `attempt` is the same activity again.

        With `wait=False` it knocks now, whatever the plan says.
        """
        upcoming = await self.next(number)
        if attempt == 1:
            self._asked += 1
            self._orders[number] = (self._asked, self._ordered(number, upcoming))
        if wait and upcoming.at is not None:
            self.now = max(self.now, upcoming.at)
        asked, order = self._orders[number]
        gate = (hands or self.hands).gate
        env = self.environment(run or f"run-{number}", attempt, asked)
        return await env.run(gate.take, order.model_copy(update={"as_of": self.now}))

    async def knock_together(self, *numbers: str, hands: Sequence[Hands] = ()) -> list[GateAnswer]:
        """Lets several runs knock at the same instant, at the gates of one worker or of several in turn."""
        orders = [await self.order(number) for number in numbers]
        workers = hands or (self.hands,)
        return await asyncio.gather(
            *(
                self.environment(f"run-{order.case.number}").run(
                    workers[turn % len(workers)].gate.take, order.model_copy(update={"as_of": self.now})
                )
                for turn, order in enumerate(orders)
            )
        )

    def _ordered(self, number: str, upcoming: NextAction) -> StepOrder:
        case = self.case(number)
        return StepOrder(
            case=case, step=upcoming.step or "", planned_at=upcoming.at or self.now, as_of=self.now
        )

    def environment(self, run: str, attempt: int = 1, asked: int = 0) -> ActivityEnvironment:
        """Stands in for the worker's side of one attempt at the activity that was `asked` for."""
        env = ActivityEnvironment()
        env.info = replace(
            env.info, workflow_run_id=run, activity_id=str(asked), attempt=attempt, workflow_id=run
        )
        return env

    def evidence(self, record: MessageRecord) -> Path:
        """Finds the file that proves a message."""
        return self.settings.folders.evidence / (record.evidence_path or "")

    async def order(self, number: str = "F-1") -> StepOrder:
        """Writes the order for the next step of an invoice, as of its instant."""
        upcoming = await self.next(number)
        self.now = max(self.now, upcoming.at or self.now)
        return self._ordered(number, upcoming)

    async def report(self, number: str = "F-1", **note: Any) -> Plan:
        """Reports a payment as a run does."""
        report = PaymentReport(case=self.case(number), note=PaymentNote(**note), as_of=self.now)
        return await self.environment("run").run(self.hands.clerk.record_payment, report)

    async def obey(self, verb: Verb, number: str = "F-1", **order: Any) -> Plan:
        """Gives an operator's order as a run does."""
        command = OperatorCommand(
            case=self.case(number),
            verb=verb,
            order=OperatorOrder(**order),
            as_of=self.now,
        )
        return await self.environment("run").run(self.hands.clerk.obey, command)

    async def plan(self, number: str = "F-1") -> Plan:
        """Asks what comes next as a run does."""
        query = PlanQuery(case=self.case(number), as_of=self.now)
        return await self.environment("run").run(self.hands.diary.next, query)

    # What came of it

    def case(self, number: str) -> CaseRef:
        """Names a case of Acme's."""
        return CaseRef(creditor="acme", number=number)

    async def next(self, number: str = "F-1") -> NextAction:
        """Reads the stored plan of a case."""
        async with self.database.reading() as conn:
            line = await queries.find_case(conn, number)
        assert line.next is not None
        return line.next

    async def account(self, debtor: str = "dubois") -> Account:
        """Reads an account."""
        async with self.database.reading() as conn:
            return (await accounts.load(conn, "acme", debtor)).account

    async def messages(self) -> list[MessageRecord]:
        """Lists every message on record, in the order of their ids."""
        async with self.database.reading() as conn:
            rows = (
                await conn.execute(sa.select(messages).order_by(messages.c.planned_at, messages.c.id))
            ).all()
        return [MessageRecord.of(row) for row in rows]

    async def tasks(self) -> list[Task]:
        """Lists open tasks."""
        async with self.database.reading() as conn:
            return await queries.open_tasks(conn)

    async def kinds(self) -> list[str]:
        """Lists the kinds of the open tasks."""
        return sorted(task.kind for task in await self.tasks())

    async def errands(self) -> list[tuple[str, str]]:
        """Takes every errand out of the outbox, as (kind, number)."""
        async with self.database.writing() as conn:
            found = await outbox.pending(conn)
            await outbox.delivered(conn, found)
        return sorted((errand.kind, errand.case.number) for errand in found)

    def subjects(self) -> list[str]:
        """Lists the subjects of what lies in the mailbox."""
        return [str(received.message["Subject"]) for received in self.sink.received]

    def pass_time(self, **more: int) -> None:
        """Lets both clocks go on."""
        self.now += timedelta(**more)
        self.wall += timedelta(**more)
