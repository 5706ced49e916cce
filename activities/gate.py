"""The gate: the only way for anything to leave, and the reason why it leaves once.

In: claim, render, hand over, confirm; what is done where an earlier attempt was cut short.
Not in: the judgement (domain/gate.py), the record of claims (ledger/), the channels (dispatch.py).

A message goes reserved -> handing_over -> sent | failed | ambiguous. A reservation that was left behind
has sent nothing: it is released and judged anew. A handing-over that was left behind may have sent the
message: nobody can know, so it becomes ambiguous and a person is asked.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.desk import Desk, attempt_instant, claim_token, wall_clock
from activities.dispatch import Dispatch, Parcel
from activities.mail import Delivery, Fate
from domain.actions import (
    Because,
    CaseRef,
    GateAnswer,
    Outcome,
    Rule,
    StepOutcome,
    StepTaken,
)
from domain.faults import RelanceError, Unavailable
from domain.gate import Approval, Call, Handoff, Refusal, judge
from domain.policy import Channel
from domain.reminder import Reminder
from domain.schedule import taken
from ledger import claims, tasks
from ledger.book import Book
from ledger.commands import approval_key
from ledger.messages import State
from ledger.settling import recall_key
from workflows.ports import Collector, StepOrder

log = structlog.get_logger()

STUBBORN = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to write down what became of a message that was handed over."""

PATIENT_ATTEMPTS = 5
"""Attempts at the mail server after which a person is told; the attempts go on."""

STANDING = {
    StepOutcome.SENT: Outcome.COVERED,
    StepOutcome.SKIPPED: Outcome.COVERED,
    StepOutcome.TASK: Outcome.TASK,
    StepOutcome.HANDED_OFF: Outcome.HANDED_OFF,
    StepOutcome.AMBIGUOUS: Outcome.AMBIGUOUS,
}


@dataclass(frozen=True)
class Claimed:
    """Holds a message that this attempt, and no other, may hand over."""

    message: str
    reminder: Reminder
    claim: str
    revision: int


class Gate(Collector):
    """Takes steps that are due, each once."""

    def __init__(
        self, desk: Desk, dispatch: Dispatch, lease: timedelta, clock: Callable[[], datetime] = wall_clock
    ) -> None:
        """Takes the desk, the channels, and how long a claim is believed to be alive."""
        self._desk = desk
        self._dispatch = dispatch
        self._lease = lease
        self._clock = clock

    @activity.defn(name="Collector.take")
    async def take(self, order: StepOrder) -> GateAnswer:
        """Takes a step if it may be taken: claims it, renders, hands over, confirms."""
        now = attempt_instant(order.as_of)
        opened = await self._open(order, now)
        if isinstance(opened, Claimed):
            opened = await self._send(opened, order.case, now)
        if opened.outcome is Outcome.HANDED_OFF:
            await self._complete_handoff(order.case, now)
        log.info("gate_answered", step=opened.step, outcome=opened.outcome)
        return opened

    async def _complete_handoff(self, case: CaseRef, now: datetime) -> None:
        """Writes the handoff folder; a case that was settled before it was written needs none."""
        if await self._dispatch.hand_off(self._desk, case) is None:
            async with self._desk.book(case, now) as book:
                keys = (
                    _handoff_key(book, case.number),
                    recall_key(book.creditor, case.number, book.case(case.number).cycle),
                )
                for key in keys:
                    await tasks.close_if_open(book, key, "settled before the folder was written", "relance")

    async def _open(self, order: StepOrder, now: datetime) -> GateAnswer | Claimed:
        """Judges and claims in one transaction on the debtor's row."""
        number = order.case.number
        async with self._desk.book(order.case, now) as book:
            left = _standing(book, number, order.step)
            if left is not None:
                answer = await self._take_up(book, number, left)
                if answer is not None:
                    return answer
            verdict = judge(book.account, number, book.policies, now)
            match verdict:
                case Reminder():
                    return await self._reserve(book, verdict)
                case Call():
                    return await _give_call(book, number, verdict, self._dispatch.script(verdict))
                case Approval():
                    return await _ask_approval(book, verdict)
                case Handoff():
                    return await _hand_off(book, verdict)
                case Refusal():
                    return await _refuse(book, number, order.step, verdict)

    async def _take_up(self, book: Book, number: str, left: StepTaken) -> GateAnswer | None:
        """Answers for a step that is on record already; None where it may be judged anew."""
        if left.outcome is not StepOutcome.RESERVED or left.message is None:
            outcome = STANDING[left.outcome]
            if left.outcome is StepOutcome.SENT and left.message is not None:
                lead = (await book.message(left.message)).reminder.lead
                outcome = Outcome.SENT if lead == number else Outcome.COVERED
            return await _answer(book, number, left.step, outcome)
        record = await book.message(left.message)
        _, owner = claim_token()
        if not record.claim.startswith(owner) and record.leased_until > self._clock():
            # Another run is sending the message that speaks for this step. Should it fail, the plan
            # changes back and this run is woken.
            spoken_for = frozenset(line.number for line in record.reminder.lines)
            return await _answer(book, number, left.step, Outcome.COVERED, quiet=spoken_for)
        if record.state is State.HANDING_OVER:
            await book.mark_ambiguous(
                left.message, "the process died while the message was being handed over"
            )
            return await _answer(book, number, left.step, Outcome.AMBIGUOUS, Because(rule=Rule.AMBIGUOUS))
        await book.release(left.message, "abandoned before it was handed over")
        return None

    async def _reserve(self, book: Book, reminder: Reminder) -> Claimed:
        claim, _ = claim_token()
        message = await book.reserve(reminder, claim, self._clock() + self._lease)
        return Claimed(message, reminder, claim, book.account.revision)

    async def _send(self, claimed: Claimed, case: CaseRef, now: datetime) -> GateAnswer:
        """Renders, hands over and confirms a claimed message."""
        try:
            parcel = self._dispatch.prepare(claimed.reminder, claimed.message, now)
        except (RelanceError, OSError) as fault:
            async with self._desk.book(case, now) as book:
                await book.release(claimed.message, type(fault).__name__)
                await tasks.ask_again(
                    book, "mend", _mend_key(claimed), case.number, book.today, {"problem": str(fault)}
                )
                await book.settle(quiet=frozenset({case.number}))
            # The fault may name people: it is kept with the task, and stays out of the history.
            raise _try_again(
                "NotPrepared", f"the message cannot be prepared: {type(fault).__name__}"
            ) from None
        async with self._desk.database.writing() as conn:
            wall = self._clock()
            may_leave = await claims.begin_hand_over(
                conn,
                claimed.message,
                claimed.claim,
                wall + self._lease,
                wall=wall,
                revision=claimed.revision,
            )
        if not may_leave:
            raise _try_again("ClaimLost", "the facts have changed since the message was reserved")
        delivery = await self._dispatch.hand_over(parcel)
        answer = await self._write_down(case, claimed, parcel, delivery, now)
        if answer is None:
            raise _try_again("NotNow", f"the mail server does not take messages now: {delivery.answer}")
        return answer

    async def _write_down(
        self, case: CaseRef, claimed: Claimed, parcel: Parcel, delivery: Delivery, now: datetime
    ) -> GateAnswer | None:
        """Writes down what became of a message, stubbornly: forgetting it would make it ambiguous."""
        for pause in (*STUBBORN, None):
            try:
                async with self._desk.book(case, now) as book:
                    return await self._conclude(book, case.number, claimed, parcel, delivery, now)
            except Unavailable:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return None

    async def _conclude(
        self, book: Book, number: str, claimed: Claimed, parcel: Parcel, delivery: Delivery, now: datetime
    ) -> GateAnswer | None:
        """Writes down what became of a message; None where it is to be tried again."""
        step = next(line.step for line in claimed.reminder.lines if line.number == number)
        numbers = frozenset(line.number for line in claimed.reminder.lines)
        match delivery.fate:
            case Fate.ACCEPTED:
                await book.confirm(
                    claimed.message,
                    sent_at=now,
                    sha256=parcel.sha256,
                    digest=parcel.digest,
                    evidence_path=parcel.evidence.name,
                    message_id_header=parcel.header,
                )
                await tasks.close_if_open(book, _mend_key(claimed), "mended", "relance")
                await _follow_up(book, claimed, parcel, delivery)
                outcome = Outcome.SENT if claimed.reminder.lead == number else Outcome.COVERED
                # Runs whose step was due knock by themselves; one that waited must hear of it.
                knocking = frozenset(one for one in numbers if book.plan(one).next.kind == "take")
                return await _answer(book, number, step, outcome, quiet=knocking)
            case Fate.UNKNOWN:
                await book.mark_ambiguous(claimed.message, f"no answer after the body ({delivery.answer})")
                return await _answer(book, number, step, Outcome.AMBIGUOUS, Because(rule=Rule.AMBIGUOUS))
            case Fate.REFUSED:
                await book.release(claimed.message, f"refused ({delivery.answer})")
                refusal = Refusal(outcome=Outcome.UNREACHABLE, because=Because(rule=Rule.UNREACHABLE))
                for other in numbers - {number}:
                    if book.case(other).ending is None:
                        await book.block(other, refusal.because)
                return await _refuse(book, number, step, refusal)
            case Fate.NOT_NOW:
                await book.release(claimed.message, f"not now ({delivery.answer})")
                if activity.info().attempt >= PATIENT_ATTEMPTS:
                    problem = {"problem": f"the mail server does not take the message: {delivery.answer}"}
                    await tasks.ask_again(book, "mend", _mend_key(claimed), number, book.today, problem)
                await book.settle(quiet=frozenset({number}))
                return None


def _standing(book: Book, number: str, step: str) -> StepTaken | None:
    return next((one for one in book.case(number).standing if one.step == step), None)


async def _answer(
    book: Book,
    number: str,
    step: str,
    outcome: Outcome,
    because: Because | None = None,
    quiet: frozenset[str] = frozenset(),
    until: datetime | None = None,
) -> GateAnswer:
    """Settles the book and answers with the plan of the run that asked."""
    await book.settle(quiet=quiet | {number})
    plan = book.plan(number)
    upcoming = plan.next
    if until is not None and upcoming.kind == "take" and upcoming.at is not None and upcoming.at < until:
        upcoming = upcoming.model_copy(update={"at": until})
    return GateAnswer(revision=plan.revision, next=upcoming, outcome=outcome, step=step, because=because)


async def _give_call(book: Book, number: str, call: Call, script: Mapping[str, str]) -> GateAnswer:
    """Gives a call to a person, with its script; the ladder goes on."""
    policy = book.policies[book.case(call.number).policy]
    step = policy.step(call.step)
    cycle = book.case(call.number).cycle
    key = f"call:{book.creditor}:{call.number}:{call.step}:{cycle}"
    await book.open_task(
        "call", key, call.number, call.day, {"step": call.step, "owner": step.owner or "", **script}
    )
    record = taken(step, call.day, cycle).model_copy(
        update={"outcome": StepOutcome.TASK, "late_days": call.late_days}
    )
    await book.take_step(call.number, record)
    return await _answer(book, number, call.step, Outcome.TASK)


async def _ask_approval(book: Book, approval: Approval) -> GateAnswer:
    """Asks a person to approve a step; the case waits."""
    cycle = book.case(approval.number).cycle
    key = approval_key(book.creditor, approval.number, approval.step, cycle)
    # Asked anew where the same step was approved or closed before, and then voided or reopened.
    await tasks.ask_again(book, "approve", key, approval.number, book.today, {"step": approval.step})
    because = Because(rule=Rule.APPROVAL, reference=approval.step)
    await book.block(approval.number, because)
    return await _answer(book, approval.number, approval.step, Outcome.HELD, because)


async def _hand_off(book: Book, handoff: Handoff) -> GateAnswer:
    """Records the handoff; the folder is written after the commit, and again by a retry if need be."""
    case = book.case(handoff.number)
    step = book.policies[case.policy].step(handoff.step)
    record = taken(step, handoff.day, case.cycle).model_copy(update={"late_days": handoff.late_days})
    await book.take_step(handoff.number, record)
    key = _handoff_key(book, handoff.number)
    await book.open_task("handoff", key, handoff.number, handoff.day, {"step": handoff.step})
    return await _answer(book, handoff.number, handoff.step, Outcome.HANDED_OFF)


async def _refuse(book: Book, number: str, step: str, refusal: Refusal) -> GateAnswer:
    """Writes a refusal down; one that only a new fact can lift blocks the case, which makes a task."""
    rule = refusal.because.rule
    may_block = refusal.until is None and book.case(number).ending is None
    if may_block and rule in {Rule.UNREACHABLE, Rule.STALE}:
        await book.block(number, refusal.because)
    return await _answer(book, number, step, refusal.outcome, refusal.because, until=refusal.until)


async def _follow_up(book: Book, claimed: Claimed, parcel: Parcel, delivery: Delivery) -> None:
    """Gives people what a message leaves them to do: a letter to post, an address to mend."""
    reminder = claimed.reminder
    if reminder.channel is Channel.LETTER:
        detail = {"step": reminder.step, "file": parcel.evidence.name, "message": claimed.message}
        await book.open_task("post", f"post:{claimed.message}", reminder.lead, reminder.day, detail)
    if delivery.refused:
        detail = {"message": claimed.message, "refused": ", ".join(delivery.refused)}
        await book.open_task("contact", f"contact:{claimed.message}", reminder.lead, reminder.day, detail)


def _handoff_key(book: Book, number: str) -> str:
    return f"handoff:{book.creditor}:{number}:{book.case(number).cycle}"


def _mend_key(claimed: Claimed) -> str:
    return f"mend:{claimed.message}"


def _try_again(kind: str, why: str) -> ApplicationError:
    """Makes a fault that Temporal tries again, by the run's retry policy."""
    return ApplicationError(why, type=kind)
