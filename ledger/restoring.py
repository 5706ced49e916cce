"""Messages that left and that the record has forgotten, because it was restored from an earlier copy.

In: writing a message down again with its steps, keeping it until its invoice arrives; an answer of the mail
    server that never reached the record.
Not in: whether the record knows of a message (departures.py), how it is known that it left
    (correspondence/postbook.py, intake/reconciling.py).

A message is written down as if this transaction had handed it over: `message.restored`, then what came of
it. Of two messages under one key the earlier one had been voided: nothing else makes room for a second.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Underway
from domain.actions import StepOutcome, StepTaken
from domain.faults import InputRefused, NotAllowed
from domain.policy import Channel
from domain.reminder import Reminder, ReminderLine
from ledger import desk, outcomes, tasks
from ledger.commands import write_steps
from ledger.departures import Departure, is_forgotten, is_unanswered, records, was_judged
from ledger.folio import Folio
from ledger.messages import MessageRecord, State, columns_of, write
from ledger.schema import invoices, messages, steps, waiting

RESTORED = "message.restored"
"""The journal's word for a message restored, and the type under which one waits for its invoice."""

OUTCOMES = {State.SENT: StepOutcome.SENT, State.AMBIGUOUS: StepOutcome.AMBIGUOUS}
UNSURE = "nobody wrote down whether it left before the record was restored"
LATER = "a later message took the same step before the record was restored"


async def owners(conn: AsyncConnection, creditor: str, numbers: Iterable[str]) -> dict[str, str]:
    """Finds the debtors of invoices by their numbers; unknown ones are left out."""
    of = (invoices.c.creditor == creditor, invoices.c.number.in_(list(numbers)))
    rows = await conn.execute(sa.select(invoices.c.number, invoices.c.debtor).where(*of))
    return {row.number: row.debtor for row in rows}


async def keep(conn: AsyncConnection, departure: Departure, number: str, author: str, now: datetime) -> bool:
    """Keeps a departure until an invoice arrives that it speaks for; False where it waits already."""
    facts = departure.model_dump(mode="json")
    event = {"type": RESTORED, "message": departure.message, "departure": facts, "author": author}
    return await desk.park(conn, departure.account[0], number, event, now)


async def kept(conn: AsyncConnection, creditor: str, numbers: Iterable[str]) -> set[tuple[str, str]]:
    """Lists which messages wait for which of these invoices, as (message, number)."""
    query = sa.select(waiting.c.invoice, waiting.c.event["message"].as_string().label("message")).where(
        waiting.c.creditor == creditor,
        waiting.c.invoice.in_(list(numbers)),
        waiting.c.event["type"].as_string() == RESTORED,
    )
    return {(row.message, row.invoice) for row in await conn.execute(query)}


async def restore_kept(folio: Folio, event: dict[str, Any]) -> bool:
    """Writes down a departure that waited for an invoice of this account; False where it is known.

    Raises InputRefused where the invoice came back on another debtor's account.
    """
    departure = Departure.model_validate(event["departure"])
    if departure.account[1] != folio.debtor:
        raise InputRefused(
            field="debtor",
            value=folio.debtor,
            remedy=f"message {departure.message} about this invoice went to {departure.account[1]}; "
            "correct the invoice, or drop this row if the new debtor is to be written to",
        )
    return await restore(folio, departure, event["author"], folio.now) is not None


async def restore(folio: Folio, departure: Departure, author: str, wall: datetime) -> State | None:
    """Writes a forgotten departure down, and gives the state that the message has now.

    One that is known is completed where an invoice that it speaks for has come back since; None where
    nothing was written. Settle afterwards.
    """
    record = (await records(folio.conn, (departure.message,))).get(departure.message)
    if is_unanswered(record, departure):
        return await _answer(folio, departure)
    if not is_forgotten(record, departure, wall) or await was_judged(folio.conn, record, departure):
        return await _complete(folio, record, author) if record is not None else None
    if not await _make_room(folio, departure, author):
        return await _write_beside(folio, departure, author, known=record is not None)
    await _write_row(folio, departure, State.HANDING_OVER, known=record is not None)
    await _write_steps(folio, departure.message, departure.reminder, StepOutcome.RESERVED)
    if all(one.message != departure.message for one in folio.account.underway):
        underway = Underway(message=departure.message, day=departure.reminder.day)
        folio.amend(underway=(*folio.account.underway, underway))
    await _log(folio, departure.message, departure.reminder, author)
    if not departure.left:
        await outcomes.mark_ambiguous(folio, departure.message, UNSURE)
        await write(folio, departure.message, sent_at=departure.at)
        return State.AMBIGUOUS
    await outcomes.confirm(folio, departure.message, departure.evidence)
    await _ask_to_post(folio, departure, restored="it may have been posted before the record was restored")
    return State.SENT


async def _answer(folio: Folio, departure: Departure) -> State:
    """Tells the record what it was not told when the message left, as the gate would have done."""
    await outcomes.confirm(folio, departure.message, departure.evidence)
    await tasks.close_if_open(folio, f"mend:{departure.message}", "mended", "relance")
    await _ask_to_post(folio, departure)
    return State.SENT


async def _make_room(folio: Folio, departure: Departure, author: str) -> bool:
    """Takes steps back from messages that cannot have kept them; False where the key itself is taken.

    A step is taken by one message at a time. That this one took it later shows that an earlier one had
    been given up or voided, and that the record has forgotten that too.
    """
    lines = [
        sa.and_(steps.c.invoice == line.number, steps.c.step == line.step, steps.c.cycle == line.cycle)
        for line in departure.reminder.lines
    ]
    holders = sa.select(steps.c.message).where(
        steps.c.creditor == folio.creditor, steps.c.void == 0, sa.or_(*lines)
    )
    rivals = sa.select(messages).where(
        (messages.c.key == departure.reminder.key) | messages.c.id.in_(holders),
        messages.c.id != departure.message,
        messages.c.debtor == folio.debtor,
        messages.c.state.not_in((State.FAILED.value, State.VOIDED.value)),
    )
    room = True
    for rival in (await folio.conn.execute(rivals.order_by(messages.c.id))).all():
        gave_way = await _gives_way(folio, rival, departure.at, author)
        room = room and (gave_way or rival.key != departure.reminder.key)
    return room


async def _gives_way(folio: Folio, rival: sa.Row[Any], at: datetime, author: str) -> bool:
    """Takes its steps back from a message, unless it left later itself."""
    if rival.sent_at is not None and rival.sent_at >= at:
        return False
    if rival.state != State.SENT.value:
        await outcomes.release(folio, rival.id, LATER)
        return True
    try:
        await outcomes.void(folio, rival.id, LATER, author)
    except NotAllowed:
        return False
    return True


async def _write_beside(folio: Folio, departure: Departure, author: str, *, known: bool) -> State:
    """Writes down a message whose steps a later one has taken: it was voided, or never left."""
    state = State.VOIDED if departure.left else State.FAILED
    await _write_row(folio, departure, state, known=known)
    if departure.left:
        proof = departure.evidence
        await write(
            folio,
            departure.message,
            sent_at=proof.sent_at,
            sha256=proof.sha256,
            digest=proof.digest,
            evidence_path=proof.path,
            message_id=proof.header,
        )
    await _log(folio, departure.message, departure.reminder, author, beside=state.value)
    return state


async def _write_row(folio: Folio, departure: Departure, state: State, *, known: bool) -> None:
    """Writes the row of a message; one that is known loses the steps of another attempt."""
    row = columns_of(folio, departure.reminder) | {
        "claim": departure.claim,
        "attempts": departure.attempt,
        "leased_until": departure.at,
        "state": state.value,
        "error": None,
    }
    if known:
        await write(folio, departure.message, **row)
        await _clear_steps(folio, departure.message)
    else:
        await folio.conn.execute(sa.insert(messages).values(row | {"id": departure.message}))


async def _clear_steps(folio: Folio, message: str) -> None:
    of = (steps.c.message == message, steps.c.void == 0)
    await folio.conn.execute(sa.delete(steps).where(*of))
    for case in folio.account.cases:
        left = [one for one in case.taken if one.message != message or one.outcome is StepOutcome.VOIDED]
        if len(left) < len(case.taken):
            folio.amend_case(case.invoice.number, taken=tuple(left))


async def _complete(folio: Folio, record: MessageRecord, author: str) -> State | None:
    """Writes down the steps of a message whose invoices have come back since it was restored."""
    if record.state not in OUTCOMES:
        return None
    numbers = await _write_steps(folio, record.id, record.reminder, OUTCOMES[record.state])
    if not numbers:
        return None
    await _log(folio, record.id, record.reminder, author, completed=numbers)
    return record.state


async def _write_steps(folio: Folio, message: str, reminder: Reminder, outcome: StepOutcome) -> list[str]:
    """Writes the steps that a message takes and that nothing else has taken; gives their invoices."""
    taken = {
        line.number: StepTaken(
            step=line.step,
            cycle=line.cycle,
            outcome=outcome,
            day=reminder.day,
            deadline=reminder.deadline,
            message=message,
            late_days=line.late_days,
        )
        for line in reminder.lines
        if _is_free(folio, line, message)
    }
    if taken:
        await write_steps(folio, taken)
    return list(taken)


def _is_free(folio: Folio, line: ReminderLine, message: str) -> bool:
    """Tells whether a step can be written: its invoice is on record, nothing took it, nor voided this."""
    return folio.has_case(line.number) and not any(
        (one.step, one.cycle) == (line.step, line.cycle)
        and (one.outcome is not StepOutcome.VOIDED or one.message == message)
        for one in folio.case(line.number).taken
    )


async def _log(folio: Folio, message: str, reminder: Reminder, author: str, **more: Any) -> None:
    await folio.log(
        RESTORED,
        reminder.lead,
        message=message,
        step=reminder.step,
        invoices=[line.number for line in reminder.lines],
        reminder=reminder.model_dump(mode="json"),
        author=author,
        **more,
    )


async def _ask_to_post(folio: Folio, departure: Departure, **more: str) -> None:
    """Asks for a letter to be posted: the task was forgotten with it, or never given."""
    reminder = departure.reminder
    if reminder.channel is Channel.LETTER:
        detail = {
            "step": reminder.step,
            "file": departure.path,
            "message": departure.message,
            **more,
        }
        key = f"post:{departure.message}"
        await tasks.open_task(folio, "post", key, reminder.lead, reminder.day, detail)
