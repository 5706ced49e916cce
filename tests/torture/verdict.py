"""The verdict: what the auditor says of the record, the mailbox and the runs once all has come to rest.

In: the auditor's findings, those of the walkers, the figures, the causes of what is ambiguous.
Not in: how anything is found (audit/), how the verdict is told (telling.py).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from temporalio.client import Client

from audit.auditing import audit
from audit.findings import Kind, Report
from audit.mailbox import audit_mailbox
from audit.runs import audit_runs
from ledger.database import Database
from ledger.received import received
from ledger.schema import agreements, bank_entries, invoices, journal, messages, outbox
from tests.torture.mailbox import Mailbox

STUCK = "stuck"
"""The kind of finding that the walkers make: an account that did not go on, a run that did not end."""

BANK = "bank"
"""The kind of finding about bank entries that are not on record once."""

API = "api"
"""The kind of finding about answers of the API that contradict each other or the record."""

KINDS = (*(kind.value for kind in Kind), STUCK, BANK, API)


COUNTED = (
    (invoices, "lifecycles"),
    (messages, "messages"),
    (agreements, "agreements"),
    (bank_entries, "bank entries"),
    (journal, "journal entries"),
    (received, "events by the API"),
)
"""What of the record is counted, and how it is called."""


@dataclass(frozen=True)
class Finding:
    """States one thing that must not be: its kind, whose it is, what it is."""

    kind: str
    debtor: str
    what: str


@dataclass
class Verdict:
    """Gathers findings and figures; `totals` counts what is too much to be told one by one."""

    findings: list[Finding] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    figures: dict[str, int | float] = field(default_factory=dict)
    ambiguous: Counter[str] = field(default_factory=Counter)

    def find(self, kind: str, debtor: str, what: str) -> None:
        """Adds one finding."""
        self.findings.append(Finding(kind, debtor, what))
        self.totals[kind] += 1

    def take(self, report: Report) -> None:
        """Adds what an auditor found."""
        self.totals.update({kind.value: count for kind, count in report.totals.items()})
        for one in report.findings:
            where = " ".join(
                str(part) for part in (one.invoice, one.step, one.message, one.revision, one.at) if part
            )
            debtor = one.debtor or (one.invoice or "").rpartition("-")[0]
            self.findings.append(Finding(one.kind.value, debtor, f"{one.sentence} ({where})"))


async def judge(
    database: Database, client: Client, mailbox: Mailbox, evidence: Path, verdict: Verdict
) -> None:
    """Has the record, the mailbox and the runs audited, and counts what was lived through."""
    async with database.reading() as conn:
        last = (await conn.execute(sa.select(sa.func.max(journal.c.at)))).scalar_one()
        for table, name in COUNTED:
            count = sa.select(sa.func.count()).select_from(table)
            verdict.figures[name] = (await conn.execute(count)).scalar_one()
        waiting = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.delivered_at.is_(None))
        left = (await conn.execute(waiting)).scalar_one()
        doubts = sa.select(journal.c.facts).where(journal.c.kind == "message.ambiguous")
        verdict.ambiguous.update([facts["why"] for facts in (await conn.execute(doubts)).scalars()])
    verdict.figures["in the mailbox"] = len(mailbox.received)
    now = max(last, datetime.now(UTC)) + timedelta(days=2)
    received = ((str(one.message["Message-ID"]), one.content) for one in mailbox.received)
    verdict.take(await audit(database, now=now, all_closed=True, evidence=evidence))
    verdict.take(await audit_mailbox(database, received, now=now))
    verdict.take(await audit_runs(database, client, now=now))
    if left and not verdict.totals[Kind.UNDELIVERED.value]:
        verdict.find(Kind.UNDELIVERED.value, "", f"{left} wake-ups are left in the outbox")
