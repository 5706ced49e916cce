"""The gate: the only way for anything to leave, and the reason why it leaves once.

In: judging and claiming in one transaction; what is done where an earlier attempt was cut short.
Not in: the judgement (domain/gate.py), the record of claims (ledger/), the message that leaves (handover.py).

A message goes reserved -> handing_over -> sent | failed | ambiguous. A reservation that was left behind
has sent nothing: it is released and judged anew. A handing-over that was left behind may have sent the
message: unless the post book knows what became of it, it becomes ambiguous and a person is asked.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.answers import answer, ask_approval, give_call, hand_off, handoff_key, refuse
from activities.desk import Desk, attempt_instant, claim_token, wall_clock
from activities.dispatch import Dispatch
from activities.handover import Claimed, Handover
from activities.mail import WHOLE_CONVERSATION
from domain.actions import (
    Because,
    CaseRef,
    GateAnswer,
    Outcome,
    Rule,
    StepOutcome,
    StepTaken,
)
from domain.gate import Approval, Call, Handoff, Refusal, judge
from domain.reminder import Reminder
from ledger import tasks
from ledger.book import Book
from ledger.messages import State
from ledger.settling import recall_key
from workflows.ports import Collector, StepOrder

log = structlog.get_logger()

LONGEST_CONVERSATION = timedelta(seconds=WHOLE_CONVERSATION + 15)
"""How long a reservation must last at least: the last word comes after the mail server was reached."""

STANDING = {
    StepOutcome.SENT: Outcome.COVERED,
    StepOutcome.SKIPPED: Outcome.COVERED,
    StepOutcome.TASK: Outcome.TASK,
    StepOutcome.HANDED_OFF: Outcome.HANDED_OFF,
    StepOutcome.AMBIGUOUS: Outcome.AMBIGUOUS,
}


class Gate(Collector):
    """Takes steps that are due, each once."""

    def __init__(
        self, desk: Desk, dispatch: Dispatch, lease: timedelta, clock: Callable[[], datetime] = wall_clock
    ) -> None:
        """Takes the desk, the channels, and how long a claim is believed to be alive."""
        self._desk = desk
        self._dispatch = dispatch
        self._handover = Handover(desk, dispatch, lease, clock)

    @activity.defn(name="Collector.take")
    async def take(self, order: StepOrder) -> GateAnswer:
        """Takes a step if it may be taken: claims it, renders, hands over, confirms."""
        now = attempt_instant(order.as_of)
        opened, apart = await self._open(order, now), frozenset[str]()
        while isinstance(opened, Claimed):
            sent = await self._handover.send(opened, order.case, now)
            if isinstance(sent, GateAnswer):
                opened = sent
            else:
                apart |= sent
                opened = await self._open(order, now, apart)
        if opened.outcome is Outcome.HANDED_OFF:
            await self._complete_handoff(order.case, now)
        log.info("gate_answered", step=opened.step, outcome=opened.outcome)
        return opened

    async def _complete_handoff(self, case: CaseRef, now: datetime) -> None:
        """Writes the handoff folder; a case that was settled before it was written needs none."""
        if await self._dispatch.hand_off(self._desk, case) is None:
            async with self._desk.book(case, now) as book:
                keys = (
                    handoff_key(book, case.number),
                    recall_key(book.creditor, case.number, book.case(case.number).cycle),
                )
                for key in keys:
                    await tasks.close_if_open(book, key, "settled before the folder was written", "relance")

    async def _open(
        self, order: StepOrder, now: datetime, apart: frozenset[str] = frozenset()
    ) -> GateAnswer | Claimed:
        """Judges and claims in one transaction on the debtor's row."""
        number = order.case.number
        async with self._desk.book(order.case, now) as book:
            left = _standing(book, number, order.step)
            if left is not None:
                told = await self._take_up(book, number, left)
                if told is not None:
                    return told
            verdict = judge(book.account, number, book.policies, now, apart)
            match verdict:
                case Reminder():
                    return await self._reserve(book, number, order.step, verdict)
                case Call():
                    return await give_call(book, number, verdict, self._dispatch.script(verdict))
                case Approval():
                    return await ask_approval(book, verdict)
                case Handoff():
                    return await hand_off(book, verdict)
                case Refusal():
                    return await refuse(book, number, order.step, verdict)

    async def _take_up(self, book: Book, number: str, left: StepTaken) -> GateAnswer | None:
        """Answers for a step that is on record already; None where it may be judged anew."""
        if left.outcome is not StepOutcome.RESERVED or left.message is None:
            outcome = STANDING[left.outcome]
            if left.outcome is StepOutcome.SENT and left.message is not None:
                lead = (await book.message(left.message)).reminder.lead
                outcome = Outcome.SENT if lead == number else Outcome.COVERED
            return await answer(book, number, left.step, outcome)
        record = await book.message(left.message)
        _, owner = claim_token()
        if not record.claim.startswith(owner) and record.leased_until > self._handover.clock():
            # Another run is sending the message that speaks for this step. Should it fail, the plan
            # changes back and this run is woken.
            knocking = frozenset(one for one in record.numbers if book.plan(one).next.kind == "take")
            return await answer(book, number, left.step, Outcome.COVERED, quiet=knocking)
        if record.state is State.HANDING_OVER:
            return await self._handover.take_up(book, number, record)
        await book.release(left.message, "abandoned before it was handed over")
        return None

    async def _reserve(self, book: Book, number: str, step: str, reminder: Reminder) -> GateAnswer | Claimed:
        day = await book.place(reminder)
        if day != reminder.day:
            await book.postpone(reminder, day)
            because = Because(rule=Rule.DAILY_CAP, days=book.account.creditor.daily_cap)
            return await answer(book, number, step, Outcome.DEFERRED, because)
        claim, _ = claim_token()
        lease = max(self._handover.lease, LONGEST_CONVERSATION)
        message = await book.reserve(reminder, claim, self._handover.clock() + lease)
        return Claimed(message, reminder, claim, book.account.revision, book.memory())


def _standing(book: Book, number: str, step: str) -> StepTaken | None:
    return next((one for one in book.case(number).standing if one.step == step), None)
