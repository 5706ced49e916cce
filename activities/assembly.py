"""The durable side put together: every activity with what it needs, and the worker that runs them.

In: the one way in which workers, replayers and tests run workflows.
Not in: settings, servers and signals of the operating system (worker.py, standalone.py).
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.auditor import NightAuditor
from activities.clerk import Clerk, Diary
from activities.deployment import deployment
from activities.desk import Desk
from activities.discretion import Discretion
from activities.dispatch import Dispatch
from activities.gate import Gate
from activities.mail import MailRoom, SmtpRoom
from activities.trouble import Troubles
from config.settings import Settings
from correspondence.wording import Wording
from ledger.database import Database
from workflows.invoice import InvoiceDunning
from workflows.nightly import Auditor, NightlyAudit
from workflows.ports import gate_queue

MEGABYTE = 1024 * 1024
AT_ONCE = 20
"""How many steps one process takes at a time: more would only wait for the database."""


def workflow_runner() -> SandboxedWorkflowRunner:
    """Gives the sandbox in which every workflow runs, here and in replays.

    Our own pure rooms pass through it: imported anew for every run they would cost ten times the time.
    """
    restrictions = SandboxRestrictions.default.with_passthrough_modules(
        "domain", "workflows.ports", "workflows.told", "workflows.logs", "structlog"
    )
    return SandboxedWorkflowRunner(restrictions=restrictions)


SANDBOX = workflow_runner()


@dataclass(frozen=True)
class Hands:
    """Holds the activities of one worker."""

    clerk: Clerk
    diary: Diary
    gate: Gate
    troubles: Troubles
    auditor: Auditor = field(default_factory=Auditor)

    @classmethod
    def of(
        cls, settings: Settings, database: Database, wording: Wording, mail: MailRoom | None = None
    ) -> "Hands":
        """Gives the activities what they need; another mail room may stand in for the settings'."""
        desk = Desk(database)
        dispatch = Dispatch(
            folders=settings.folders,
            wording=wording,
            mail=mail or SmtpRoom(settings.smtp),
            attachments_limit=settings.attachments_limit_mb * MEGABYTE,
        )
        gate = Gate(desk, dispatch, timedelta(seconds=settings.lease_seconds))
        auditor = NightAuditor(database, settings.folders.audits)
        return cls(Clerk(desk), Diary(desk), gate, Troubles(database), auditor)


@dataclass(frozen=True)
class Crew:
    """Works on both queues of an installation while its block runs: that of the runs, that of the gate."""

    runs: Worker
    gate: Worker

    @property
    def is_running(self) -> bool:
        """Tells whether both are at work."""
        return self.runs.is_running and self.gate.is_running

    async def __aenter__(self) -> Self:
        await self.runs.__aenter__()
        await self.gate.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Together: each gives what it is doing the same time to finish.
        exits = (self.gate.__aexit__(kind, fault, trace), self.runs.__aexit__(kind, fault, trace))
        await asyncio.gather(*exits)


def assemble(
    client: Client,
    settings: Settings,
    hands: Hands,
    *,
    interceptors: tuple[Interceptor, ...] = (),
    workflow_runner: WorkflowRunner = SANDBOX,
    cached_workflows: int = 5000,
    grace: timedelta = timedelta(seconds=25),
) -> Crew:
    """Puts the workers of one process together.

    `grace` is how long a message being handed over may take at shutdown. The pace of the gate's queue is
    kept by the server, for all processes together.
    """
    interceptors = (*interceptors, Discretion(), hands.troubles)
    return Crew(
        runs=Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[InvoiceDunning, NightlyAudit],
            # The gate is here too for steps that an older release left on this queue.
            activities=[
                hands.clerk.record_payment,
                hands.clerk.obey,
                hands.diary.next,
                hands.auditor.audit,
                hands.gate.take,
            ],
            workflow_runner=workflow_runner,
            interceptors=interceptors,
            max_cached_workflows=cached_workflows,
            max_concurrent_activities=20,
            graceful_shutdown_timeout=grace,
            deployment_config=deployment(settings),
        ),
        gate=Worker(
            client,
            task_queue=gate_queue(settings.task_queue),
            activities=[hands.gate.take],
            interceptors=interceptors,
            max_concurrent_activities=AT_ONCE,
            max_task_queue_activities_per_second=settings.messages_per_second,
            graceful_shutdown_timeout=grace,
            deployment_config=deployment(settings),
        ),
    )
