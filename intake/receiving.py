"""An event of another program, received: taken in once, and answered in the same words ever after.

In: the answer to one event, by its sender, source and id; what is refused waits in quarantine.
Not in: reading it (readers/cloudevents.py), who may send (console/api/), many at a time (batches.py).

The facts and the answer are written in one transaction: a crash leaves both or none. The same event again
changes nothing; the same id with other facts is refused. An event that was refused is tried again when it
comes again, for what it lacked may have come meanwhile.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.events import CreditorRegistered, DebtorRegistered, Event
from domain.fact import Fact
from domain.faults import InputRefused, Unavailable
from intake.admission import Admission
from intake.door import Door
from intake.loading import problem_of
from intake.readers.cloudevents import CloudEvent, Unread, below_data
from intake.readers.rows import shown
from intake.warnings import Warned
from ledger import desk, received
from ledger.received import Receipt


class Fate(StrEnum):
    """Names what became of an event.

    TAKEN changed the record, KNOWN changed nothing, WAITING is kept until its invoice arrives, REFUSED
    contradicts the record, CONFLICT has the id of an event with other facts, UNREAD is no event,
    FORBIDDEN is of a creditor whose facts its sender may not state.
    """

    TAKEN = "taken"
    KNOWN = "known"
    WAITING = "waiting"
    REFUSED = "refused"
    CONFLICT = "conflict"
    UNREAD = "unread"
    FORBIDDEN = "forbidden"


REFUSED = frozenset({Fate.REFUSED, Fate.CONFLICT, Fate.UNREAD, Fate.FORBIDDEN})


class Wrong(Fact):
    """Says which field is wrong, by its dotted path in the envelope, and what to do."""

    field: str
    value: str | None = None
    remedy: str


class Answer(Fact):
    """Says what became of an event; `kept` is its row in quarantine, `wrong` why it was refused."""

    id: str | None
    source: str | None
    status: Fate
    what: str
    creditor: str | None = None
    invoices: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    wrong: Wrong | None = None
    kept: int | None = None

    @property
    def is_refused(self) -> bool:
        """Tells whether the facts of the event are not on record."""
        return self.status in REFUSED


@dataclass(frozen=True)
class Mail:
    """Says who handed an event in: the name that its ids are its own under, its author, whose it may be.

    `creditors` None means all of them. With `registers` it may say who is owed, and so where customers pay
    to. With `keeps`, what is no event is kept in quarantine too: nobody waits for an answer.
    """

    sender: str
    author: str
    creditors: frozenset[str] | None = None
    registers: bool = False
    keeps: bool = False


def creditor_of(event: Event) -> str:
    """Names whose facts an event states."""
    match event:
        case CreditorRegistered():
            return event.creditor.id
        case DebtorRegistered():
            return event.debtor.creditor
        case _:
            return event.creditor


async def receive(door: Door, read: CloudEvent | Unread, mail: Mail, now: datetime) -> Answer:
    """Takes an event in and says what became of it; raises Unavailable for a busy database."""
    if isinstance(read, Unread):
        return await _unread(door, read, mail, now)
    refused = forbidden(read, mail)
    if refused is not None:
        return refused
    async with door.database.reading() as conn:
        before = await received.find(conn, mail.sender, read.source, read.id)
    if before is not None and before.sha256 != read.sha256:
        return _conflict(read)
    if before is not None and before.status != Fate.REFUSED.value:
        return Answer.model_validate(before.answer | {"status": Fate.KNOWN})
    try:
        admission = await door.admit(
            read.event,
            now=now,
            source=read.source,
            author=mail.author,
            also=_kept_with(read, mail, before, now),
        )
    except InputRefused as refusal:
        return await _refused(door, read, mail, before, refusal, now)
    return _taken(read, admission)


def forbidden(read: CloudEvent, mail: Mail) -> Answer | None:
    """Answers an event whose facts its sender may not state; None where it may."""
    owner = creditor_of(read.event)
    if mail.creditors is not None and owner not in mail.creditors:
        remedy = "is no creditor of yours; ask for a key that covers it"
        wrong = Wrong(field="data.creditor", value=owner, remedy=remedy)
    elif isinstance(read.event, CreditorRegistered) and not mail.registers:
        remedy = "says where customers pay to; ask for a key with the right `creditors`"
        wrong = Wrong(field="type", value=read.type, remedy=remedy)
    else:
        return None
    return _of(read, Fate.FORBIDDEN, "you may not state these facts", wrong=wrong)


def _conflict(read: CloudEvent) -> Answer:
    wrong = Wrong(field="id", value=read.id, remedy="is taken by an event with other facts; give another id")
    return _of(read, Fate.CONFLICT, "an event of that id was received with other facts", wrong=wrong)


def _of(read: CloudEvent, status: Fate, what: str, **more: Any) -> Answer:
    return Answer(id=read.id, source=read.source, status=status, what=what, **more)


def _taken(read: CloudEvent, admission: Admission) -> Answer:
    return _of(
        read,
        Fate(admission.status.value),
        admission.what,
        creditor=admission.creditor,
        invoices=admission.numbers,
        warnings=admission.warnings,
    )


def _receipt(read: CloudEvent, answer: Answer, now: datetime) -> Receipt:
    return Receipt.model_validate(
        {
            "sha256": read.sha256,
            "status": answer.status.value,
            "answer": answer.model_dump(mode="json"),
            "kept": answer.kept,
            "at": now,
        }
    )


def _kept_with(
    read: CloudEvent, mail: Mail, before: Receipt | None, now: datetime
) -> Callable[[AsyncConnection, Admission], Awaitable[None]]:
    """Keeps the answer in the transaction of the facts, and takes an earlier refusal back."""

    async def keep(conn: AsyncConnection, admission: Admission) -> None:
        receipt = _receipt(read, _taken(read, admission), now)
        if before is not None:
            await received.amend(conn, mail.sender, read.source, read.id, receipt)
            if before.kept is not None:
                await desk.set_right(conn, before.kept, now)
        elif not await received.note(conn, mail.sender, read.source, read.id, receipt):
            msg = f"event {read.id!r} is being taken in already; send it again"
            raise Unavailable(msg)

    return keep


async def _refused(
    door: Door,
    read: CloudEvent,
    mail: Mail,
    before: Receipt | None,
    refusal: InputRefused,
    now: datetime,
) -> Answer:
    """Keeps an event that the record contradicts, once, where it can be mended."""
    place = below_data(refusal)
    value = None if place.value is None else shown(place.value)
    wrong = Wrong(field=place.field, value=value, remedy=place.remedy)
    async with door.database.writing() as conn:
        kept = before.kept if before is not None else None
        if kept is None:
            kept = await desk.set_aside(conn, read.source, None, read.raw, problem_of(refusal, None), now)
        answer = _of(read, Fate.REFUSED, "the record contradicts it", wrong=wrong, kept=kept)
        receipt = _receipt(read, answer, now)
        if before is not None:
            await received.amend(conn, mail.sender, read.source, read.id, receipt)
        elif not await received.note(conn, mail.sender, read.source, read.id, receipt):
            msg = f"event {read.id!r} is being taken in already; send it again"
            raise Unavailable(msg)
    return answer


async def _unread(door: Door, read: Unread, mail: Mail, now: datetime) -> Answer:
    answer = unread(read)
    if not mail.keeps:
        return answer
    async with door.database.writing() as conn:
        source = read.source or mail.sender
        problem = problem_of(read.refusal, None)
        kept = await desk.set_aside(conn, source, None, read.raw, problem, now)
    return answer.model_copy(update={"kept": kept})


def unread(read: Unread) -> Answer:
    """Answers what is no event."""
    refusal = read.refusal
    value = None if refusal.value is None else shown(refusal.value)
    wrong = Wrong(field=refusal.field, value=value, remedy=refusal.remedy)
    return Answer(id=read.id, source=read.source, status=Fate.UNREAD, what="it cannot be read", wrong=wrong)
