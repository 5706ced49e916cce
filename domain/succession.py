"""How a case goes on under another policy: what has been said stays said, and is not said again.

In: which steps of the new policy count as passed, which orders do not carry over, what forbids a move.
Not in: the writing of a move (ledger/), and what comes next after it (schedule.py).

The rule. A step of the same key is the same step. Any other step of the new policy counts as passed where
it is softer than the sternest step taken, or as stern and no later: by tone first, then by day. So nobody is
spoken to more softly than before, or told the same twice; what is sterner than all that was said is never
passed.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from domain.account import Account, Case
from domain.actions import Ending, NextAction, Rule, StepOutcome, StepTaken
from domain.fact import Fact
from domain.policy import DunningPolicy, DunningStep, Tone
from domain.schedule import next_action, step_day

Policies = Mapping[str, DunningPolicy]
"""Policies by their version."""


class Succession(Fact):
    """Says how a case enters another policy.

    `passed` is put on record as skipped where no step of the same key marks the rung already; `said_as` is
    the step taken that it counts for. `approved` and `hurried` are what is left of an operator's orders,
    `dropped` names the steps whose order is gone. With an `obstacle` the case stays where it is.
    """

    passed: StepTaken | None = None
    said_as: str | None = None
    approved: tuple[str, ...] = ()
    hurried: str | None = None
    dropped: tuple[str, ...] = ()
    obstacle: str | None = None


def succession(case: Case, followed: Iterable[DunningPolicy], policy: DunningPolicy) -> Succession:
    """Works out how a case enters a policy; `followed` are those it was under, the present one first."""
    behind = tuple(followed)
    obstacle = _under_way(case) or _out_of_order(case, behind, policy)
    if obstacle is not None:
        return Succession(obstacle=obstacle)
    present = {step.key: step for step in behind[0].steps} if behind else {}
    coming = {step.key: step for step in policy.steps[_passed(case, behind, policy) :]}
    approved = tuple(key for key in case.approved if case.has_taken(key) or _alike(key, present, coming))
    hurried = case.hurried if case.hurried and _alike(case.hurried, present, coming) else None
    ordered = {*case.approved, *([case.hurried] if case.hurried else [])}
    passed, said_as = _marker(case, behind, policy)
    return Succession(
        passed=passed,
        said_as=said_as,
        approved=approved,
        hurried=hurried,
        dropped=tuple(sorted(ordered - {*approved, hurried})),
    )


def _under_way(case: Case) -> str | None:
    """Forbids a move while nobody knows yet what becomes of a step."""
    for one in case.standing:
        if one.outcome is StepOutcome.RESERVED:
            return f"a message for step {one.step} is leaving: move again in some minutes"
        if one.outcome is StepOutcome.AMBIGUOUS:
            return f"nobody can know whether step {one.step} left: judge its message first (see `tasks`)"
    return None


def _out_of_order(case: Case, behind: tuple[DunningPolicy, ...], policy: DunningPolicy) -> str | None:
    """Forbids a move that would jump over a required step, because one above it is on record by its key."""
    place, known = _passed(case, behind, policy), _known_rung(case, policy)
    for step in policy.steps[place : max(place, known)]:
        if policy.must_take(step) and not case.has_taken(step.key):
            above = policy.steps[known].key
            return (
                f"step {above} is on record and stands above {step.key}, which would never be taken: "
                f"give step {above} another key in {policy.id}, or make {step.key} optional"
            )
    return None


def _passed(case: Case, behind: tuple[DunningPolicy, ...], policy: DunningPolicy) -> int:
    """Counts the steps from the bottom of a policy that have been said already."""
    reached = max(_said(case, behind).values(), default=None)
    for rung, step in enumerate(policy.steps):
        if case.has_taken(step.key):
            continue
        if reached is None or _severity(step, case) > reached:
            return rung
    return len(policy.steps)


def _said(case: Case, behind: tuple[DunningPolicy, ...]) -> dict[str, tuple[Tone, date]]:
    """Finds how stern each step on record was, in the latest of its policies that had it."""
    stepped = {step.key: step for policy in reversed(behind) for step in policy.steps}
    return {one.step: _severity(stepped[one.step], case) for one in case.standing if one.step in stepped}


def _severity(step: DunningStep, case: Case) -> tuple[Tone, date]:
    return step.tone, step_day(step, case.invoice)


def _known_rung(case: Case, policy: DunningPolicy) -> int:
    """Finds the highest rung that is on record by its key; -1 where there is none."""
    return max((rung for rung, step in enumerate(policy.steps) if case.has_taken(step.key)), default=-1)


def _marker(
    case: Case, behind: tuple[DunningPolicy, ...], policy: DunningPolicy
) -> tuple[StepTaken | None, str | None]:
    """Marks the rung from which the case goes on, as of the day of the last step: the spacing stays."""
    place = _passed(case, behind, policy)
    if place - 1 <= _known_rung(case, policy):
        return None, None
    said = _said(case, behind)
    last = max(case.standing, key=lambda one: one.day)
    marker = StepTaken(
        step=policy.steps[place - 1].key,
        cycle=case.cycle,
        outcome=StepOutcome.SKIPPED,
        day=last.day,
        deadline=last.deadline,
    )
    return marker, max(said, key=lambda key: said[key])


def _alike(key: str, present: Mapping[str, DunningStep], coming: Mapping[str, DunningStep]) -> bool:
    """Tells whether an order for a step still means the same under the new policy."""
    return key in present and key in coming and _substance(present[key]) == _substance(coming[key])


def _substance(step: DunningStep) -> tuple[object, ...]:
    return step.channel, step.fallback, step.tone, step.message, step.payment_period_days


def moved(case: Case, how: Succession, version: str) -> Case:
    """Gives the case as it stands once it has entered the policy."""
    changes: dict[str, object] = {"policy": version, "approved": how.approved, "hurried": how.hurried}
    if how.passed is not None:
        changes["taken"] = (*case.taken, how.passed)
    if waits_for_approval(case):
        changes["blocked"] = None
    return case.model_copy(update=changes)


def waits_for_approval(case: Case) -> bool:
    """Tells whether a person was asked to approve a step; under another policy the step may not exist."""
    return case.blocked is not None and case.blocked.rule is Rule.APPROVAL


def foresee(
    account: Account, how: Mapping[str, Succession], version: str, policies: Policies, now: datetime
) -> dict[str, NextAction]:
    """Says what comes next for each case that would move, as the record would have it after the move."""
    moving = {number: one for number, one in how.items() if one.obstacle is None}
    account = account.having(
        cases=tuple(
            moved(case, moving[case.invoice.number], version) if case.invoice.number in moving else case
            for case in account.cases
        )
    )
    account = _closed(account, policies, now)
    return {
        number: next_action(account, number, policies[account.case(number).policy], now) for number in moving
    }


def _closed(account: Account, policies: Policies, now: datetime) -> Account:
    """Closes what is over, one case after the other: an open case counts in the sums of the others."""
    for case in account.cases:
        number = case.invoice.number
        action = next_action(account, number, policies[case.policy], now)
        if action.closes and action.ending is not case.ending:
            account = _ended(account, number, action.ending)
    return account


def _ended(account: Account, number: str, ending: Ending | None) -> Account:
    return account.having(
        cases=tuple(
            case.model_copy(update={"ending": ending, "hurried": None})
            if case.invoice.number == number
            else case
            for case in account.cases
        )
    )
