"""The durable side put together: every activity with what it needs, and the worker that runs them.

In: the one way in which workers, replayers and tests run workflows.
Not in: settings, servers and signals of the operating system (worker.py, standalone.py).
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.clerk import Clerk, Diary
from activities.desk import Desk
from activities.discretion import Discretion
from activities.dispatch import Dispatch
from activities.gate import Gate
from activities.mail import MailRoom, SmtpRoom
from config.settings import Settings
from correspondence.wording import Wording
from ledger.database import Database
from workflows.invoice import InvoiceDunning

MEGABYTE = 1024 * 1024


def workflow_runner() -> SandboxedWorkflowRunner:
    """Gives the sandbox in which every workflow runs, here and in replays.

    Our own pure rooms pass through it: imported anew for every run they would cost ten times the time.
    """
    restrictions = SandboxRestrictions.default.with_passthrough_modules(
        "domain", "workflows.ports", "workflows.logs", "structlog"
    )
    return SandboxedWorkflowRunner(restrictions=restrictions)


@dataclass(frozen=True)
class Hands:
    """Holds the activities of one worker."""

    clerk: Clerk
    diary: Diary
    gate: Gate

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
        return cls(Clerk(desk), Diary(desk), Gate(desk, dispatch, timedelta(seconds=settings.lease_seconds)))


def assemble(
    client: Client,
    settings: Settings,
    hands: Hands,
    *,
    interceptors: tuple[Interceptor, ...] = (),
    cached_workflows: int = 5000,
    grace: timedelta = timedelta(seconds=25),
) -> Worker:
    """Puts a worker together; `grace` is how long a message being handed over may take at shutdown."""
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[InvoiceDunning],
        activities=[
            hands.clerk.record_payment,
            hands.clerk.obey,
            hands.diary.next,
            hands.gate.take,
        ],
        workflow_runner=workflow_runner(),
        interceptors=(*interceptors, Discretion()),
        max_cached_workflows=cached_workflows,
        max_concurrent_activities=50,
        graceful_shutdown_timeout=grace,
    )
