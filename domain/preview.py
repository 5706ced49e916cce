"""What the next step of an invoice will say, before it is taken.

In: the message, the call or the handoff as the gate will permit it, if nothing else happens until then.
Not in: whether it may leave (gate.py), what it looks like (correspondence/).
"""

from datetime import datetime
from typing import NamedTuple

from domain.account import Account
from domain.actions import Outcome, Rule
from domain.gate import Approval, Call, Handoff, Policies, Refusal, judge
from domain.reminder import Reminder
from domain.schedule import next_action

TRIES = 3
"""How often a step that was deferred is looked for again: another message of the day may come first."""

PEOPLE_DECIDE = frozenset({Rule.APPROVAL, Rule.STALE})
"""What blocks a case only until people have done something, and changes nothing of what it will say."""


class Preview(NamedTuple):
    """Pairs the instant at which the next step will be taken with what it will say."""

    at: datetime
    what: Reminder | Call | Handoff | Refusal


def preview(account: Account, number: str, policies: Policies, now: datetime) -> Preview:
    """Foresees the next step as if it were approved and payments were known up to its day."""
    case = account.case(number)
    blocked = None if case.blocked is not None and case.blocked.rule in PEOPLE_DECIDE else case.blocked
    approved = tuple(step.key for step in policies[case.policy].steps)
    pushed = account.creditor.model_copy(update={"payment_freshness_hours": None, "banks": ()})
    free = account.having_cases({number: {"approved": approved, "blocked": blocked}}).having(
        creditor=pushed, stops=()
    )
    found = _look(free, number, policies, now, TRIES)
    match found.what:
        case Reminder() as reminder:
            return found._replace(what=reminder.model_copy(update={"creditor": account.creditor}))
        case Call() as call:
            said = call.reminder.model_copy(update={"creditor": account.creditor})
            return found._replace(what=call.model_copy(update={"reminder": said}))
        case _:
            return found


def _look(account: Account, number: str, policies: Policies, now: datetime, tries: int) -> Preview:
    action = next_action(account, number, policies[account.case(number).policy], now)
    if action.kind != "take" or action.at is None:
        outcome = Outcome.SETTLED if action.closes else Outcome.HELD
        return Preview(now, Refusal(outcome=outcome, because=action.because, until=action.at))
    at = max(now, action.at)
    match judge(account, number, policies, at):
        case Refusal(until=datetime() as until) if until > at and tries > 1:
            return _look(account, number, policies, until, tries - 1)
        case Approval():  # every step counts as approved, so the calendar's own reason is left
            return Preview(at, Refusal(outcome=Outcome.HELD, because=action.because))
        case verdict:
            return Preview(at, verdict)
