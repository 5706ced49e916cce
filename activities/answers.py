"""The answers of the gate: each written down in the book, and given with the plan of the run that asked.

In: what is recorded for a call, an approval, a handoff, a refusal.
Not in: the judgement (domain/gate.py), and messages that leave (handover.py).
"""

from collections.abc import Mapping
from datetime import datetime

from domain.actions import Because, GateAnswer, Outcome, Rule, StepOutcome
from domain.gate import Approval, Call, Handoff, Refusal
from domain.schedule import taken
from ledger import tasks
from ledger.book import Book
from ledger.commands import approval_key


async def answer(
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


async def give_call(book: Book, number: str, call: Call, script: Mapping[str, str]) -> GateAnswer:
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
    return await answer(book, number, call.step, Outcome.TASK)


async def ask_approval(book: Book, approval: Approval) -> GateAnswer:
    """Asks a person to approve a step; the case waits."""
    cycle = book.case(approval.number).cycle
    key = approval_key(book.creditor, approval.number, approval.step, cycle)
    # Asked anew where the same step was approved or closed before, and then voided or reopened.
    await tasks.ask_again(book, "approve", key, approval.number, book.today, {"step": approval.step})
    because = Because(rule=Rule.APPROVAL, reference=approval.step)
    await book.block(approval.number, because)
    return await answer(book, approval.number, approval.step, Outcome.HELD, because)


async def hand_off(book: Book, handoff: Handoff) -> GateAnswer:
    """Records the handoff; the folder is written after the commit, and again by a retry if need be."""
    case = book.case(handoff.number)
    step = book.policies[case.policy].step(handoff.step)
    record = taken(step, handoff.day, case.cycle).model_copy(update={"late_days": handoff.late_days})
    await book.take_step(handoff.number, record)
    key = handoff_key(book, handoff.number)
    await book.open_task("handoff", key, handoff.number, handoff.day, {"step": handoff.step})
    return await answer(book, handoff.number, handoff.step, Outcome.HANDED_OFF)


async def refuse(book: Book, number: str, step: str, refusal: Refusal) -> GateAnswer:
    """Writes a refusal down; one that only a new fact can lift blocks the case, which makes a task."""
    rule = refusal.because.rule
    may_block = refusal.until is None and book.case(number).ending is None
    if may_block and rule in {Rule.UNREACHABLE, Rule.STALE}:
        await book.block(number, refusal.because)
    return await answer(book, number, step, refusal.outcome, refusal.because, until=refusal.until)


def handoff_key(book: Book, number: str) -> str:
    """Gives the key of the task that a handoff leaves to people."""
    return f"handoff:{book.creditor}:{number}:{book.case(number).cycle}"
