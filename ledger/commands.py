"""What operators and the gate decide about a case, other than sending.

In: holds, steps skipped, approved, hurried or taken without a message, cases that cannot go on.
Not in: messages (messages.py), and whether a step may be taken (domain/gate.py).
"""

from typing import Any

import sqlalchemy as sa

from domain.account import Case
from domain.actions import Because, Rule, StepOutcome, StepTaken
from domain.agreements import Hold, HoldScope
from domain.faults import InputRefused, NotAllowed, NotFound
from ledger import tasks
from ledger.folio import Folio
from ledger.schema import holds, steps
from ledger.writing import insert_once


def approval_key(creditor: str, number: str, step: str, cycle: int) -> str:
    """Gives the key of the task that asks for a step's approval."""
    return f"approval:{creditor}:{number}:{step}:{cycle}"


async def place_hold(folio: Folio, hold: Hold, author: str) -> bool:
    """Suspends an invoice or the account; False for a hold that is in place already."""
    if hold.scope is HoldScope.CREDITOR:
        msg = "a hold on a whole creditor is not one debtor's; place it with ledger.parties"
        raise NotAllowed(msg)
    if hold.scope is HoldScope.INVOICE:
        folio.case(hold.invoice or "")
    row = {
        "id": hold.id,
        "creditor": folio.creditor,
        "debtor": folio.debtor,
        "facts": hold.model_dump(mode="json", exclude={"lifted_on"}),
        "lifted_on": None,
    }
    if not await insert_once(folio.conn, holds, row):
        if any(one.model_copy(update={"lifted_on": None}) == hold for one in folio.account.holds):
            return False
        raise InputRefused(
            field="hold", value=hold.id, remedy="this id is taken by another hold; choose a new one"
        )
    folio.amend(holds=tuple(sorted((*folio.account.holds, hold), key=lambda one: one.id)))
    await folio.log("hold.placed", hold.invoice, hold=row["facts"], author=author)
    return True


async def lift_hold(folio: Folio, hold: str, author: str) -> bool:
    """Ends a hold today; False where it has been lifted."""
    found = next((one for one in folio.account.holds if one.id == hold), None)
    if found is None or found.scope is HoldScope.CREDITOR:
        msg = f"no hold {hold!r} on the account of debtor {folio.debtor!r}"
        raise NotFound(msg)
    if found.lifted_on is not None:
        return False
    await folio.conn.execute(sa.update(holds).where(holds.c.id == hold).values(lifted_on=folio.today))
    lifted = found.model_copy(update={"lifted_on": folio.today})
    folio.amend(holds=tuple(lifted if one.id == hold else one for one in folio.account.holds))
    await folio.log("hold.lifted", found.invoice, hold=hold, author=author)
    return True


async def skip_step(folio: Folio, number: str, step: str, reason: str, author: str) -> bool:
    """Passes over a step without a message; raises NotAllowed for one that stands.

    False where it was passed over already.
    """
    case = _open(folio, number)
    if any(one.step == step and one.outcome is StepOutcome.SKIPPED for one in case.standing):
        return False
    _check_step(folio, case, step)
    skipped = StepTaken(step=step, cycle=case.cycle, outcome=StepOutcome.SKIPPED, day=folio.today)
    await _record(folio, case, skipped)
    await tasks.close_if_open(
        folio, approval_key(folio.creditor, number, step, case.cycle), "skipped", author
    )
    await folio.log("step.skipped", number, step=step, cycle=case.cycle, reason=reason, author=author)
    if case.blocked is not None and case.blocked.rule is Rule.APPROVAL:
        await unblock(folio, number)
    return True


async def approve_step(folio: Folio, number: str, step: str, author: str) -> bool:
    """Lets a step leave that waits for approval; False where it is approved."""
    case = _open(folio, number)
    if step in case.approved:
        return False
    _check_step(folio, case, step)
    approved = (*case.approved, step)
    await folio.write_case(number, {"approved": list(approved)})
    folio.amend_case(number, approved=approved)
    await tasks.close_if_open(
        folio, approval_key(folio.creditor, number, step, case.cycle), "approved", author
    )
    await folio.log("step.approved", number, step=step, author=author)
    if case.blocked is not None and case.blocked.rule is Rule.APPROVAL:
        await unblock(folio, number)
    return True


async def hurry(folio: Folio, number: str, step: str, author: str) -> bool:
    """Asks for a step to be taken at once; False where that has been asked for."""
    case = _open(folio, number)
    if case.hurried == step:
        return False
    _check_step(folio, case, step)
    await folio.write_case(number, {"hurried": step})
    folio.amend_case(number, hurried=step)
    await folio.log("step.hurried", number, step=step, author=author)
    return True


async def block(folio: Folio, number: str, because: Because) -> bool:
    """Records why a case cannot go on; False where it is blocked so."""
    case = _open(folio, number)
    if case.blocked == because:
        return False
    facts = because.model_dump(mode="json", exclude_none=True)
    await folio.write_case(number, {"blocked": facts})
    folio.amend_case(number, blocked=because)
    await folio.log("case.blocked", number, because=facts)
    return True


async def unblock(folio: Folio, number: str) -> bool:
    """Records that a case can go on; False where nothing blocked it."""
    if folio.case(number).blocked is None:
        return False
    await folio.write_case(number, {"blocked": None})
    folio.amend_case(number, blocked=None)
    await folio.log("case.unblocked", number)
    return True


async def take_step(folio: Folio, number: str, taken: StepTaken) -> bool:
    """Records a step taken without a message; False where it stands already."""
    case = _open(folio, number)
    if case.has_taken(taken.step):
        return False
    await _record(folio, case, taken)
    await folio.log("step.taken", number, taken=taken.model_dump(mode="json", exclude_none=True))
    return True


def _open(folio: Folio, number: str) -> Case:
    case = folio.case(number)
    if case.ending is not None:
        msg = f"the case of invoice {number} is closed ({case.ending.value})"
        raise NotAllowed(msg)
    return case


def _check_step(folio: Folio, case: Case, step: str) -> None:
    number = case.invoice.number
    policy = folio.policies[case.policy]
    keys = [one.key for one in policy.steps]
    if step not in keys:
        msg = f"policy {policy.id} has no step {step!r}; it has {', '.join(keys)}"
        raise NotFound(msg)
    if case.has_taken(step):
        msg = f"step {step} of invoice {number} is already on record"
        raise NotAllowed(msg)


async def _record(folio: Folio, case: Case, taken: StepTaken) -> None:
    await write_steps(folio, {case.invoice.number: taken})
    done: dict[str, None] = {"hurried": None} if case.hurried == taken.step else {}
    if case.postponed_to is not None:
        done["postponed_to"] = None
    if done:
        await folio.write_case(case.invoice.number, done)
        folio.amend_case(case.invoice.number, **done)


_INSERT_STEPS = sa.insert(steps)


async def write_steps(folio: Folio, taken: dict[str, StepTaken]) -> None:
    """Writes standing steps, one for each invoice number."""
    rows: list[dict[str, Any]] = [
        step.model_dump(exclude={"outcome"})
        | {"creditor": folio.creditor, "invoice": number, "void": 0, "outcome": step.outcome.value}
        for number, step in taken.items()
    ]
    await folio.conn.execute(_INSERT_STEPS, rows)
    folio.amend_cases(
        {number: {"taken": (*folio.case(number).taken, step)} for number, step in taken.items()}
    )
