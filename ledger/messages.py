"""Messages: reserved with their steps before anything may leave.

In: the states of a message, its record, its reservation together with the steps it speaks for.
Not in: what came of it (outcomes.py), the one step that needs no lock (claims.py), and what a message
says (correspondence/).

A message goes from reserved to handing_over to sent, and may be voided later. Before it is sent it may
fail, or become ambiguous, which a person's word turns into sent or failed. A failed one may be reserved
anew: the same row, one attempt more.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from domain.account import Underway
from domain.actions import StepOutcome, StepTaken
from domain.fact import Fact, Instant
from domain.faults import NotAllowed, NotFound
from domain.reminder import Reminder
from ledger.commands import write_steps
from ledger.folio import Folio
from ledger.schema import messages


class State(StrEnum):
    """Names the states of a message."""

    RESERVED = "reserved"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    VOIDED = "voided"


class MessageRecord(Fact):
    """States what is on record about one message; `leased_until` is by the wall clock."""

    id: str
    key: str
    state: State
    claim: str
    leased_until: Instant
    reminder: Reminder
    attempts: int
    sent_at: Instant | None = None
    digest: str | None = None
    sha256: str | None = None
    evidence_path: str | None = None
    message_id: str | None = None
    crossed: bool = False
    error: str | None = None

    @property
    def numbers(self) -> list[str]:
        """Lists the invoices that the message speaks for."""
        return [line.number for line in self.reminder.lines]

    @classmethod
    def of(cls, row: sa.Row[Any]) -> "MessageRecord":
        """Reads a row of the table."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


_READ = sa.select(*(messages.c[name] for name in MessageRecord.model_fields)).where(
    messages.c.id == sa.bindparam("of_message"),
    messages.c.creditor == sa.bindparam("of_creditor"),
    messages.c.debtor == sa.bindparam("of_debtor"),
)
_WRITE = sa.update(messages).where(messages.c.id == sa.bindparam("of_message"))
_INSERT = sa.insert(messages)
_BY_KEY = sa.select(messages.c.id, messages.c.state).where(messages.c.key == sa.bindparam("of_key"))
_ATTEMPT = _WRITE.values(attempts=messages.c.attempts + 1)


async def read(folio: Folio, message: str) -> MessageRecord:
    """Reads a message of the account; raises NotFound."""
    of = {"of_message": message, "of_creditor": folio.creditor, "of_debtor": folio.debtor}
    row = (await folio.conn.execute(_READ, of)).one_or_none()
    if row is None:
        msg = f"no message {message!r} on the account of debtor {folio.debtor!r}"
        raise NotFound(msg)
    return MessageRecord.of(row)


async def write(folio: Folio, message: str, **values: Any) -> None:
    """Changes columns of a message's row."""
    await folio.conn.execute(_WRITE, values | {"of_message": message})


async def reserve(folio: Folio, reminder: Reminder, claim: str, leased_until: datetime) -> str:
    """Reserves a message and its steps; raises NotAllowed where one of the steps stands."""
    for line in reminder.lines:
        if folio.case(line.number).has_taken(line.step):
            msg = f"step {line.step} of invoice {line.number} is already on record"
            raise NotAllowed(msg)
    message, again = await _identity(folio, reminder)
    row = columns_of(folio, reminder) | {
        "claim": claim,
        "leased_until": leased_until,
        "state": State.RESERVED.value,
    }
    if again:
        await write(folio, message, **row, error=None)
        await folio.conn.execute(_ATTEMPT, {"of_message": message})
    else:
        await folio.conn.execute(_INSERT, row | {"id": message})
    await write_steps(
        folio,
        {
            line.number: StepTaken(
                step=line.step,
                cycle=line.cycle,
                outcome=StepOutcome.RESERVED,
                day=reminder.day,
                deadline=reminder.deadline,
                message=message,
                late_days=line.late_days,
            )
            for line in reminder.lines
        },
    )
    folio.amend(underway=(*folio.account.underway, Underway(message=message, day=reminder.day)))
    await folio.log(
        "message.reserved",
        reminder.lead,
        message=message,
        step=reminder.step,
        invoices=[line.number for line in reminder.lines],
        reminder=reminder.model_dump(mode="json"),
    )
    return message


async def _identity(folio: Folio, reminder: Reminder) -> tuple[str, bool]:
    """Finds the id: a failed attempt's row again, or a new one beside those that were voided."""
    rows = (await folio.conn.execute(_BY_KEY, {"of_key": reminder.key})).all()
    for row in rows:
        if row.state == State.FAILED:
            return row.id, True
    if not rows:
        return str(reminder.id), False
    return str(uuid5(NAMESPACE_URL, f"{reminder.id}:{len(rows)}")), False


def columns_of(folio: Folio, reminder: Reminder) -> dict[str, Any]:
    """Gives the columns of a message's row that follow from what it says."""
    facts = reminder.model_dump(mode="json")
    return {
        "key": reminder.key,
        "creditor": folio.creditor,
        "debtor": folio.debtor,
        "lead": reminder.lead,
        "step": reminder.step,
        "cycle": reminder.cycle,
        "channel": reminder.channel.value,
        "wording": reminder.wording,
        "tone": facts["tone"],
        "planned_at": reminder.planned_at,
        "day": reminder.day,
        "invoices": [line.number for line in reminder.lines],
        "overdue": bool(reminder.overdue_lines),
        "asked": reminder.asked,
        "currency": reminder.currency,
        "recipients": list(reminder.recipients),
        "reminder": facts,
    }
