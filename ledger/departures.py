"""Departures: messages that left or may have, held against what the record knows of them.

In: what a departure is; whether the record is older than it, asks about it, or has settled it since.
Not in: writing anything of it down (restoring.py), but for how many attempts were made.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant
from domain.reminder import Reminder
from ledger.messages import MessageRecord, State
from ledger.outcomes import Evidence
from ledger.schema import journal, messages

DECIDED = (State.SENT, State.VOIDED)
"""States of a message that left, whatever a book says of its attempts."""


class Departure(Fact):
    """States that a message left at an instant, or, without `left`, that it may have."""

    message: str
    attempt: int
    claim: str
    reminder: Reminder
    left: bool
    at: Instant
    sha256: str
    digest: str
    path: str
    header: str

    @property
    def account(self) -> tuple[str, str]:
        """Names the creditor and the debtor."""
        return self.reminder.creditor.id, self.reminder.debtor.id

    @property
    def numbers(self) -> tuple[str, ...]:
        """Lists the invoices that the message speaks for."""
        return tuple(line.number for line in self.reminder.lines)

    @property
    def evidence(self) -> Evidence:
        """Gives the proof that it left."""
        return Evidence(
            sent_at=self.at, sha256=self.sha256, digest=self.digest, path=self.path, header=self.header
        )


async def records(conn: AsyncConnection, ids: Iterable[str]) -> dict[str, MessageRecord]:
    """Reads what is on record about messages, by their ids."""
    rows = await conn.execute(sa.select(messages).where(messages.c.id.in_(list(ids))))
    return {row.id: MessageRecord.of(row) for row in rows}


def is_forgotten(record: MessageRecord | None, departure: Departure, wall: datetime) -> bool:
    """Tells whether the record is older than a departure.

    It is not where the departure belongs to an attempt that the record has gone past, and where a
    process died on the way: the gate settles that by itself.
    """
    if record is None:
        return True
    if record.state in DECIDED or record.attempts > departure.attempt:
        return False
    if record.state is State.AMBIGUOUS:
        return departure.left
    if (record.attempts, record.claim) == (departure.attempt, departure.claim):
        return record.state is State.RESERVED  # a departure comes after the reservation's end
    return record.state is not State.HANDING_OVER or record.leased_until <= wall


def is_unanswered(record: MessageRecord | None, departure: Departure) -> bool:
    """Tells whether the record asks a person what this very attempt's page answers: that it left.

    The process died after it had written the server's answer down, and before it told the record.
    """
    return (
        record is not None
        and record.state is State.AMBIGUOUS
        and departure.left
        and (record.attempts, record.claim) == (departure.attempt, departure.claim)
    )


async def was_judged(conn: AsyncConnection, record: MessageRecord | None, departure: Departure) -> bool:
    """Tells whether a person has settled a message since its page was written: that word stands.

    One that is ambiguous now has been asked about anew.
    """
    if record is None or record.state is State.AMBIGUOUS:
        return False
    creditor, debtor = departure.account
    query = sa.select(sa.func.max(journal.c.at)).where(
        journal.c.creditor == creditor,
        journal.c.debtor == debtor,
        journal.c.kind == "message.judged",
        journal.c.facts["message"].as_string() == departure.message,
    )
    judged: datetime | None = (await conn.execute(query)).scalar_one()
    if judged is None:
        return False
    return judged > departure.at or (judged == departure.at and not departure.left)


async def catch_up(conn: AsyncConnection, message: str, attempt: int) -> None:
    """Counts a message's attempts from those that its page knows, so that the next is later than them all.

    A restored record counts from a lower number, and the gate holds a later page against each attempt:
    without this a person would be asked once for each of them.
    """
    settled = (State.FAILED.value, State.AMBIGUOUS.value)
    of = (messages.c.id == message, messages.c.attempts < attempt, messages.c.state.in_(settled))
    await conn.execute(sa.update(messages).where(*of).values(attempts=attempt))
