"""What left, set against what was predicted: message by message, in order, to the words.

In: the list of messages that left, by the record and by the mail server; the list that was predicted.
Not in: the prediction itself (foresight.py), and the account of what happened (telling.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.wording import Wording
from domain.actions import CaseRef, Ending
from domain.policy import Channel
from domain.reminder import Reminder
from domain.simulation import Simulated
from ledger.database import Database
from ledger.messages import MessageRecord, State
from ledger.schema import invoices, messages
from trial.mail import MailSink


@dataclass(frozen=True, order=True)
class Left:
    """Identifies a message that left by all that matters; `digest` is of its words."""

    planned_at: datetime
    debtor: str
    lead: str
    step: str
    channel: Channel
    day: date
    invoices: tuple[str, ...]
    recipients: tuple[str, ...]
    digest: str

    @classmethod
    def of(cls, reminder: Reminder, digest: str) -> "Left":
        """Takes from a reminder what identifies it."""
        return cls(
            planned_at=reminder.planned_at,
            debtor=reminder.debtor.id,
            lead=reminder.lead,
            step=reminder.step,
            channel=reminder.channel,
            day=reminder.day,
            invoices=tuple(line.number for line in reminder.lines),
            recipients=reminder.recipients,
            digest=digest,
        )

    def __str__(self) -> str:
        return f"{self.day} {self.debtor} {self.lead} {self.step} {self.channel} {self.digest[:12]}"


def predicted(foreseen: Simulated, wording: Wording) -> list[Left]:
    """Lists the messages that would leave, rendered to the last word, in the order of leaving."""
    return sorted(Left.of(one, _words(one, wording)) for one in foreseen.messages)


def _words(reminder: Reminder, wording: Wording) -> str:
    if reminder.channel is Channel.LETTER:
        return render_letter(reminder, wording).digest
    return render_email(reminder, wording).digest


async def on_record(database: Database) -> list[MessageRecord]:
    """Reads every message that left, in the order of leaving."""
    query = sa.select(messages).where(messages.c.state == State.SENT.value)
    async with database.reading() as conn:
        records = [MessageRecord.of(row) for row in await conn.execute(query)]
    return sorted(records, key=lambda record: Left.of(record.reminder, record.digest or ""))


def left(records: Iterable[MessageRecord]) -> list[Left]:
    """Lists what left, as the record has it."""
    return [Left.of(record.reminder, record.digest or "") for record in records]


def undelivered(records: Iterable[MessageRecord], sink: MailSink, letters: Path) -> list[str]:
    """Finds what the record and the world disagree about: the mailbox, and the folder of letters."""
    kept = sorted(str(one.message["Message-ID"]) for one in sink.received)
    sent: list[str] = []
    filed: list[str] = []
    for record in records:
        if record.reminder.channel is Channel.LETTER:
            filed.append(Path(record.evidence_path or "").name)
        else:
            sent.append(record.message_id or "")
    lying = sorted(path.name for path in letters.glob("*.pdf"))
    differences = []
    if kept != sorted(sent):
        differences.append(f"the mail server kept {len(kept)} messages, the record has {len(sent)}")
    if lying != sorted(filed):
        differences.append(f"{len(lying)} letters lie in {letters}, the record has {len(filed)}")
    return differences


async def endings(database: Database) -> dict[str, Ending | None]:
    """Reads how every case ended, by the number of its invoice."""
    async with database.reading() as conn:
        rows = await conn.execute(sa.select(invoices.c.number, invoices.c.ending))
        return {row.number: Ending(row.ending) if row.ending else None for row in rows}


def foreseen_endings(foreseen: Simulated) -> dict[str, Ending | None]:
    """Tells how every case was predicted to end."""
    return {case.invoice.number: case.ending for account in foreseen.accounts for case in account.cases}


def cases(foreseen: Simulated) -> list[CaseRef]:
    """Lists the cases of a story by their due dates."""
    found = [case.invoice for account in foreseen.accounts for case in account.cases]
    return [
        CaseRef(creditor=invoice.creditor, number=invoice.number)
        for invoice in sorted(found, key=lambda invoice: (invoice.debtor, invoice.due_date, invoice.number))
    ]


def differences(before: list[Left], after: list[Left]) -> list[str]:
    """Says in lines where two lists of messages differ; nothing where they are the same list."""
    missing = [f"predicted, but did not leave: {one}" for one in before if one not in after]
    surplus = [f"left, but was not predicted: {one}" for one in after if one not in before]
    if not missing and not surplus and before != after:
        return ["the same messages left in another number"]
    return missing + surplus
