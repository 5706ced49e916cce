"""What came of a message: it left, it did not, nobody can know, or it was voided.

In: the end of a message's states and what each of them does to the steps it spoke for.
Not in: reservations (messages.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.account import Contacted
from domain.actions import StepOutcome, StepTaken
from domain.fact import Fact, Instant
from domain.faults import NotAllowed
from domain.reminder import ReminderLine
from ledger import tasks
from ledger.folio import Folio
from ledger.messages import MessageRecord, State, read, write
from ledger.schema import steps

_MARK = sa.update(steps).where(steps.c.message == sa.bindparam("of_message"), steps.c.void == 0)

UNDECIDED = (State.RESERVED, State.HANDING_OVER, State.AMBIGUOUS)


class Evidence(Fact):
    """Proves that a message left: when, the hashes of its bytes and of its content, where it is kept."""

    sent_at: Instant
    sha256: str
    digest: str
    path: str
    header: str


async def release(folio: Folio, message: str, error: str) -> None:
    """Records that a message certainly did not leave, and frees its steps."""
    record = await _undecided(folio, message)
    await write(folio, message, state=State.FAILED.value, error=error, sent_at=None)
    await folio.conn.execute(sa.delete(steps).where(steps.c.message == message, steps.c.void == 0))
    folio.amend_cases(
        {
            line.number: {"taken": tuple(_kept(folio.case(line.number).taken, message))}
            for line in _lines(folio, record)
        }
    )
    _arrived(folio, message)
    await tasks.close_if_open(folio, _question(message), "not delivered", "relance")
    await folio.log(
        "message.failed", record.reminder.lead, message=message, error=error, invoices=record.numbers
    )


async def confirm(folio: Folio, message: str, evidence: Evidence) -> None:
    """Records that a message left; a second confirmation changes nothing."""
    record = await read(folio, message)
    if record.state is State.SENT and record.sha256 == evidence.sha256:
        return
    _check_undecided(record)
    await write(
        folio,
        message,
        state=State.SENT.value,
        sent_at=evidence.sent_at,
        sha256=evidence.sha256,
        digest=evidence.digest,
        evidence_path=evidence.path,
        message_id=evidence.header,
        error=None,
    )
    await _mark_sent(folio, record, evidence.sent_at)
    await tasks.close_if_open(folio, _question(message), "delivered", "relance")
    await folio.log(
        "message.sent",
        record.reminder.lead,
        message=message,
        invoices=record.numbers,
        evidence=evidence.model_dump(mode="json"),
    )


def _arrived(folio: Folio, message: str) -> None:
    """Takes a message off those of which nobody knows yet what becomes of them."""
    folio.amend(underway=tuple(one for one in folio.account.underway if one.message != message))


async def _mark_sent(folio: Folio, record: MessageRecord, at: datetime) -> None:
    await _mark_steps(folio, record, StepOutcome.SENT)
    _arrived(folio, record.id)
    reminder = record.reminder
    contact = Contacted(
        message=record.id,
        day=reminder.day,
        at=at,
        channel=reminder.channel,
        tone=reminder.tone,
        wording=reminder.wording,
        invoices=tuple(record.numbers),
        overdue=bool(reminder.overdue_lines),
    )
    folio.amend(
        contacts=tuple(sorted((*folio.account.contacts, contact), key=lambda one: (one.at, one.message)))
    )


async def mark_ambiguous(folio: Folio, message: str, why: str) -> str:
    """Records that nobody can know whether a message left; returns the task that asks a person."""
    record = await _undecided(folio, message)
    if record.state is State.AMBIGUOUS:
        return tasks.task_id(_question(message))
    # Should it have left, it was now; a person's word confirms or removes it.
    await write(folio, message, state=State.AMBIGUOUS.value, error=why, sent_at=folio.now)
    await _mark_steps(folio, record, StepOutcome.AMBIGUOUS)
    numbers = record.numbers
    await folio.log("message.ambiguous", record.reminder.lead, message=message, why=why, invoices=numbers)
    detail = {"message": message, "why": why, "invoices": numbers, "attempt": record.attempts}
    return await tasks.ask_again(
        folio, "ambiguous", _question(message), record.reminder.lead, folio.today, detail
    )


async def judge_ambiguous(folio: Folio, message: str, *, delivered: bool, reason: str, author: str) -> None:
    """Settles an ambiguous message by a person's word; raises NotAllowed for any other."""
    record = await read(folio, message)
    if record.state is not State.AMBIGUOUS:
        msg = f"message {message} is {record.state.value}, not ambiguous: there is nothing to judge"
        raise NotAllowed(msg)
    lead = record.reminder.lead
    await folio.log(
        "message.judged", lead, message=message, delivered=delivered, reason=reason, author=author
    )
    await tasks.close_if_open(folio, _question(message), reason, author)
    if not delivered:
        await release(folio, message, reason)
        return
    await write(folio, message, state=State.SENT.value)
    await _mark_sent(folio, record, record.sent_at or folio.now)


async def void(folio: Folio, message: str, reason: str, author: str) -> None:
    """Voids a sent message and reopens its steps; raises NotAllowed where that cannot be."""
    record = await read(folio, message)
    if record.state is not State.SENT:
        already = "already void" if record.state is State.VOIDED else f"{record.state.value}, not sent"
        msg = f"message {message} is {already}: it cannot be voided"
        raise NotAllowed(msg)
    for line in _lines(folio, record):
        _refuse_under_later(folio, line.number, line.step)
    await write(folio, message, state=State.VOIDED.value)
    for line in _lines(folio, record):
        await _reopen(folio, line.number, line.step, line.cycle)
    await folio.log(
        "message.voided",
        record.reminder.lead,
        message=message,
        reason=reason,
        author=author,
        invoices=record.numbers,
    )


def _refuse_under_later(folio: Folio, number: str, step: str) -> None:
    case = folio.case(number)
    order = [one.key for one in folio.policies[case.policy].steps]
    later = order[order.index(step) + 1 :] if step in order else order
    for one in case.standing:
        if one.step in later:
            msg = f"step {one.step} of invoice {number} stands after {step}: void that one first"
            raise NotAllowed(msg)


async def _reopen(folio: Folio, number: str, step: str, cycle: int) -> None:
    key = (
        steps.c.creditor == folio.creditor,
        steps.c.invoice == number,
        steps.c.step == step,
        steps.c.cycle == cycle,
    )
    highest = (await folio.conn.execute(sa.select(sa.func.max(steps.c.void)).where(*key))).scalar_one()
    values = {"void": (highest or 0) + 1, "outcome": StepOutcome.VOIDED.value}
    await folio.conn.execute(sa.update(steps).where(*key, steps.c.void == 0).values(values))
    case = folio.case(number)
    approved = tuple(one for one in case.approved if one != step)
    if approved != case.approved:
        await folio.write_case(number, {"approved": list(approved)})
    folio.amend_case(
        number,
        approved=approved,
        taken=tuple(
            one.model_copy(update={"outcome": StepOutcome.VOIDED})
            if (one.step, one.cycle) == (step, cycle)
            else one
            for one in case.taken
        ),
    )


def _lines(folio: Folio, record: MessageRecord) -> list[ReminderLine]:
    """Lists what a message says of invoices on record; one restored may speak of others too."""
    return [line for line in record.reminder.lines if folio.has_case(line.number)]


async def _mark_steps(folio: Folio, record: MessageRecord, outcome: StepOutcome) -> None:
    changes: dict[str, dict[str, Any]] = {}
    for line in _lines(folio, record):
        # What was asked for at once, or had its place today, is done; a failed attempt must not forget it.
        case = folio.case(line.number)
        done: dict[str, Any] = {"hurried": None} if case.hurried == line.step else {}
        if case.postponed_to is not None:
            done["postponed_to"] = None
        if done:
            await folio.write_case(line.number, done)
        changes[line.number] = done | {"taken": tuple(_marked(case.taken, record.id, outcome))}
    await folio.conn.execute(_MARK, {"of_message": record.id, "outcome": outcome.value})
    folio.amend_cases(changes)


def _kept(taken: Iterable[StepTaken], message: str) -> Iterable[StepTaken]:
    """Drops the steps of a message that did not leave; what it said before it was voided stays said."""
    return (one for one in taken if one.message != message or one.outcome is StepOutcome.VOIDED)


def _marked(taken: Iterable[StepTaken], message: str, outcome: StepOutcome) -> Iterable[StepTaken]:
    for one in taken:
        yield one.model_copy(update={"outcome": outcome}) if one.message == message else one


def _question(message: str) -> str:
    return f"ambiguous:{message}"


async def _undecided(folio: Folio, message: str) -> MessageRecord:
    record = await read(folio, message)
    _check_undecided(record)
    return record


def _check_undecided(record: MessageRecord) -> None:
    if record.state not in UNDECIDED:
        msg = f"message {record.id} is {record.state.value}: what came of it is decided"
        raise NotAllowed(msg)
