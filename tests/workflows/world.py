"""A small world for runs: fakes at the ports that say what they are told to, and clocks that can be moved.

In: the fakes, scripts of plans, a lab that starts runs and moves their time.
Not in: any rule of dunning; a test writes its plans itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper
from temporalio.worker import Worker, WorkflowRunner

from activities.assembly import workflow_runner
from domain.actions import Because, CaseRef, Ending, GateAnswer, NextAction, Outcome, Plan, Rule
from tests.conftest import IDENTITY
from tests.patience import until
from workflows.invoice import InvoiceDunning
from workflows.ports import (
    Collector,
    Ledger,
    OperatorCommand,
    PaymentNote,
    PaymentReport,
    Planner,
    PlanQuery,
    StepOrder,
    gate_queue,
)
from workflows.told import CaseEnded, CaseState, DunningRun, Told, Wake

PATIENCE = 60.0
TICK = timedelta(seconds=2)
"""How far past an instant a clock is moved: the server's timers are a second coarse."""

SKIPPING = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}
"""What moving a clock leaves in a history, and real time would not."""


def take(step: str, at: datetime) -> NextAction:
    """Plans a step."""
    return NextAction(
        kind="take", step=step, at=at, day=at.date(), because=Because(rule=Rule.CALENDAR, planned=at.date())
    )


def wait(rule: Rule = Rule.ALLOCATE, at: datetime | None = None) -> NextAction:
    """Plans to wait for a fact, or until an instant."""
    return NextAction(kind="wait", at=at, because=Because(rule=rule))


def close(ending: Ending = Ending.PAID) -> NextAction:
    """Plans the end."""
    rule = Rule.LADDER_FINISHED if ending is Ending.EXHAUSTED else Rule(ending.value)
    return NextAction(kind="close", ending=ending, because=Because(rule=rule))


def answer(
    revision: int, upcoming: NextAction, step: str = "D+2", outcome: Outcome = Outcome.SENT
) -> GateAnswer:
    """Says what came of a step, and what comes next."""
    return GateAnswer(revision=revision, next=upcoming, outcome=outcome, step=step)


@dataclass
class FakeCollector(Collector):
    """Gives scripted answers; fails while `failing` says so, and waits while the door is shut."""

    answers: list[GateAnswer] = field(default_factory=list)
    orders: list[StepOrder] = field(default_factory=list)
    attempts: int = 0
    failing: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    door: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Leaves the door open."""
        self.door.set()

    @activity.defn(name="Collector.take")
    async def take(self, order: StepOrder) -> GateAnswer:
        """Answers as scripted."""
        self.attempts += 1
        self.reached.set()
        await self.door.wait()
        if self.failing:
            self.failing -= 1
            reason = "not now"
            raise ApplicationError(reason, type="NotNow", next_retry_delay=timedelta(milliseconds=100))
        self.orders.append(order)
        return self.answers.pop(0)


@dataclass
class FakeLedger(Ledger):
    """Records payments and orders, answers with scripted plans, or refuses."""

    plans: list[Plan] = field(default_factory=list)
    reports: list[PaymentReport] = field(default_factory=list)
    commands: list[OperatorCommand] = field(default_factory=list)
    refuses: str | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    door: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Leaves the door open."""
        self.door.set()

    @property
    def notes(self) -> list[PaymentNote]:
        """Lists the payment notes that were written down."""
        return [report.note for report in self.reports]

    @activity.defn(name="Ledger.record_payment")
    async def record_payment(self, report: PaymentReport) -> Plan:
        """Records a payment."""
        self.reached.set()
        await self.door.wait()
        self.reports.append(report)
        return self.plans.pop(0)

    @activity.defn(name="Ledger.obey")
    async def obey(self, command: OperatorCommand) -> Plan:
        """Carries an order out, or refuses it."""
        self.reached.set()
        await self.door.wait()
        if self.refuses:
            raise ApplicationError(self.refuses, type="NotAllowed", non_retryable=True)
        self.commands.append(command)
        return self.plans.pop(0)


@dataclass
class FakePlanner(Planner):
    """Answers with scripted plans."""

    plans: list[Plan] = field(default_factory=list)
    queries: list[PlanQuery] = field(default_factory=list)

    @activity.defn(name="Planner.next")
    async def next(self, query: PlanQuery) -> Plan:
        """Answers as scripted."""
        self.queries.append(query)
        return self.plans.pop(0)


Run = WorkflowHandle[InvoiceDunning, CaseEnded]


@dataclass
class Lab:
    """Starts runs before the fakes and moves their clocks."""

    client: Client
    skipper: TimeSkipper | None
    queue: str
    collector: FakeCollector
    ledger: FakeLedger
    planner: FakePlanner

    async def start(self, upcoming: NextAction, revision: int = 1, **more: Any) -> Run:
        """Starts the run of a new case."""
        case = CaseRef(creditor="acme", number=f"F-{uuid4().hex[:12]}")
        begin = DunningRun(case=case, revision=revision, next=upcoming)
        return await self.client.start_workflow(
            InvoiceDunning.run, begin, id=case.workflow_id, task_queue=self.queue, **more
        )

    async def wake(self, run: Run, revision: int, upcoming: NextAction) -> None:
        """Wakes a run with a plan."""
        await run.signal(InvoiceDunning.wake, Wake(revision=revision, next=upcoming))

    async def until(self, run: Run, to: datetime) -> None:
        """Moves a run's clock to just after an instant and waits until it has reacted."""
        await self.settled(run)
        assert self.skipper is not None
        ahead = to + TICK - await self.skipper.get_current_time(run)
        await asyncio.wait_for(self.skipper.fast_forward(run, ahead), PATIENCE)
        await self.settled(run)

    async def settled(self, run: Run) -> None:
        """Waits until nothing is under way in a run."""
        await until(lambda: self._is_idle(run, activities=True), PATIENCE)

    async def settled_but_for_activities(self, run: Run) -> None:
        """Waits until a run has reacted, whatever it has asked for meanwhile."""
        await until(lambda: self._is_idle(run, activities=False), PATIENCE)

    async def _is_idle(self, run: Run, *, activities: bool) -> bool:
        described = (await run.describe()).raw_description
        if described.HasField("pending_workflow_task"):
            return False
        return not (activities and described.pending_activities)

    async def state(self, run: Run) -> CaseState:
        """Asks a run where it stands."""
        return await asyncio.wait_for(run.query(InvoiceDunning.state), PATIENCE)

    async def end(self, run: Run) -> CaseEnded:
        """Waits for the end of a run."""
        return await asyncio.wait_for(run.result(), PATIENCE)


def story(told: Iterable[Told]) -> list[str]:
    """Reads what a run remembers, without the instants."""
    return [one.what for one in told]


def events(history: WorkflowHistory) -> list[EventType.ValueType]:
    """Lists the types of a history's events, without what moving the clock has added."""
    return [event.event_type for event in history.events if event.event_type not in SKIPPING]


@asynccontextmanager
async def lab(
    client: Client,
    skipper: TimeSkipper | None = None,
    runner: WorkflowRunner | None = None,
    cached_workflows: int = 100,
) -> AsyncIterator[Lab]:
    """Opens a lab: fakes, and a worker with the production runner on a queue of its own."""
    built = Lab(client, skipper, f"lab-{uuid4().hex}", FakeCollector(), FakeLedger(), FakePlanner())
    worker = Worker(
        client,
        task_queue=built.queue,
        workflows=[InvoiceDunning],
        activities=[
            built.ledger.record_payment,
            built.ledger.obey,
            built.planner.next,
        ],
        workflow_runner=runner or workflow_runner(),
        max_cached_workflows=cached_workflows,
        identity=IDENTITY,
    )
    gate = Worker(client, task_queue=gate_queue(built.queue), activities=[built.collector.take])
    async with worker, gate:
        try:
            yield built
        finally:
            built.collector.door.set()
            built.ledger.door.set()
