"""The audit of every night, as a run: one activity, and its verdict as the run's result.

In: what it asks of the world, and the answer, in counts alone.
Not in: the audit (audit/), and the schedule that starts it.
"""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from domain.actions import Wire
    from domain.fact import Instant

LONGEST = timedelta(hours=2)
SILENCE = timedelta(minutes=5)
"""How long the audit may say nothing before it is taken for dead."""

AGAIN = RetryPolicy(
    initial_interval=timedelta(minutes=1), maximum_interval=timedelta(minutes=30), maximum_attempts=12
)


class AuditOrder(Wire):
    """Asks for an audit as of an instant."""

    as_of: Instant


class AuditVerdict(Wire):
    """Says what an audit found, by kind, how much it looked at, and which file has its report."""

    clean: bool
    found: dict[str, int]
    counts: dict[str, int]
    seconds: float
    report: str


class Auditor:
    """Audits the record."""

    @activity.defn(name="Auditor.audit")
    async def audit(self, order: AuditOrder) -> AuditVerdict:
        """Audits the whole record and the open runs, keeps the report, and answers with its counts."""
        raise NotImplementedError


@workflow.defn(name="NightlyAudit")
class NightlyAudit:
    """Audits the record once; findings are its result, not its failure."""

    @workflow.run
    async def run(self) -> AuditVerdict:
        """Has the record audited and shows the verdict."""
        verdict = await workflow.execute_activity_method(
            Auditor.audit,
            AuditOrder(as_of=workflow.now()),
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=SILENCE,
            retry_policy=AGAIN,
            summary="is everything as it should be?",
        )
        found = ", ".join(f"{kind}: {count}" for kind, count in verdict.found.items())
        workflow.set_current_details(f"**{'nothing found' if verdict.clean else found}**")
        return verdict
