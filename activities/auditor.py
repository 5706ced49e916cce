"""The auditor at work in a worker: every night, on the live record.

In: the audit as an activity, its report as a file, its line in the log.
Not in: what is asked (audit/), and the command that does the same by hand (terminal/auditing.py).
"""

from pathlib import Path

import structlog
from temporalio import activity

from audit.auditing import audit
from audit.keeping import keep
from audit.runs import audit_runs
from ledger.database import Database
from workflows.nightly import Auditor, AuditOrder, AuditVerdict

log = structlog.get_logger()


class NightAuditor(Auditor):
    """Audits the record and the runs of one installation."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Takes the record, and the folder in which reports are kept."""
        self._database = database
        self._folder = folder

    @activity.defn(name="Auditor.audit")
    async def audit(self, order: AuditOrder) -> AuditVerdict:
        """Audits everything; tells Temporal after every batch of accounts that it is alive."""
        report = await audit(self._database, now=order.as_of, progress=activity.heartbeat)
        runs = await audit_runs(self._database, activity.client(), now=order.as_of)
        report = report.with_report(runs)
        path = keep(self._folder, report)
        found = {kind.value: count for kind, count in report.totals.items() if count}
        log.info("audit_finished", clean=report.clean, found=found, seconds=report.seconds)
        return AuditVerdict(
            clean=report.clean, found=found, counts=report.counts, seconds=report.seconds, report=path.name
        )
