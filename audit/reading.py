"""How each entry of an account's journal changes its story.

In: one reader for each kind of entry that an audit needs.
Not in: what the story holds (story.py), and agreements, which read their own entries (pacts.py).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from audit.chains import Entry
from audit.money import ZERO
from audit.story import Case, Message, StepKey, Story

LASTING = {"rejected", "factored"}
"""What still keeps a case from going on after it was closed and reopened."""


def read(story: Story, entry: Entry) -> None:
    """Takes one entry in; raises KeyError for one that makes no sense where it stands."""
    tell = _TELLING.get(entry.kind)
    if tell is not None:
        tell(story, entry, entry.facts)
    elif entry.kind.startswith("agreement."):
        story.pacts.read(entry, {number for number, case in story.cases.items() if case.ending is None})


def _debtor(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.debtor = facts["debtor" if "debtor" in facts else "stated"]


def _opened(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    assert entry.invoice is not None
    story.cases[entry.invoice] = Case(facts["policy"], facts["stated"], facts["version"])
    story.money.bill(facts["stated"])


def _revised(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    case = _case(story, entry)
    case.stated, case.version = facts["stated"], facts["version"]
    story.money.bill(facts["stated"])


def _written_off(story: Story, entry: Entry, _facts: Mapping[str, Any]) -> None:
    _case(story, entry).ending = "written_off"
    story.money.give_up(entry.invoice or "", given_up=True)


def _reinstated(story: Story, entry: Entry, _facts: Mapping[str, Any]) -> None:
    debt = story.money.debts[entry.invoice or ""]
    _case(story, entry).ending = "credited" if debt.paid == ZERO else "paid"
    story.money.give_up(debt.number, given_up=False)


def _closed(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    _case(story, entry).ending = facts["ending"]


def _reopened(story: Story, entry: Entry, _facts: Mapping[str, Any]) -> None:
    case = _case(story, entry)
    case.ending = None
    if case.blocked not in LASTING:
        case.blocked = None


def _blocked(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    _case(story, entry).blocked = facts["because"]["rule"]


def _unblocked(story: Story, entry: Entry, _facts: Mapping[str, Any]) -> None:
    _case(story, entry).blocked = None


def _moved(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    case = _case(story, entry)
    case.policy, case.moved = facts["policy"], True
    story.approved -= {(entry.invoice or "", step) for step in facts.get("dropped", ())}
    passed = facts.get("passed")
    if passed:
        story.take((entry.invoice or "", passed["step"], passed["cycle"]), passed["outcome"])


def _received(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.money.receive(facts["stated"])


def _allocated(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.money.allocate(facts["reference"], facts["allocations"])


def _came_back(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.money.reverse(facts["reference"])


def _credited(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.money.credit(facts["stated"])


def _cancelled(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.money.cancel(facts["number"])


def _held(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.holds[facts["hold"]["id"]] = facts["hold"]


def _lifted(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.lifted.add(facts["hold"])


def _skipped(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    # Under another policy it may have been taken on any day before.
    story.take((entry.invoice or "", facts["step"], facts["cycle"]), "skipped", day=date.min)


def _hurried(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    story.hurried.add((entry.invoice or "", facts["step"]))


def _approved(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    story.approved.add((entry.invoice or "", facts["step"]))


def _taken(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    taken = facts["taken"]
    day = date.fromisoformat(taken["day"])
    story.take((entry.invoice or "", taken["step"], taken["cycle"]), taken["outcome"], day=day)


def _asked(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    story.pacts.ask(facts)


def _reserved(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    message = _noted(story, entry, facts)
    for key in message.keys:
        story.take(key, "reserved", message.id, message.day)


def _noted(story: Story, entry: Entry, facts: Mapping[str, Any]) -> Message:
    reminder = facts["reminder"]
    message = story.messages[facts["message"]] = Message(
        id=facts["message"],
        state="reserved",
        day=date.fromisoformat(reminder["day"]),
        lead=reminder["lead"],
        step=reminder["step"],
        keys=tuple((line["number"], line["step"], line["cycle"]) for line in reminder["lines"]),
        revision=entry.revision,
    )
    return message


def _sent(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    _came_to(story, facts["message"], "sent")


def _ambiguous(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    _came_to(story, facts["message"], "ambiguous")


def _judged(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    if facts["delivered"]:
        _came_to(story, facts["message"], "sent")


def _restored(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    """Reads a message that was brought back after the record had been restored from an earlier copy.

    It takes the steps that are free, of the invoices that are on record; those of an invoice that comes
    back later are `completed` then. One written down `beside` another takes none.
    """
    known = story.messages.get(facts["message"])
    if "completed" not in facts or known is None:
        _free(story, known)
        known = _noted(story, entry, facts)
    known.state = facts.get("beside", known.state)
    if "beside" not in facts:
        for key in known.keys:
            if key[0] in story.cases and key not in story.standing:
                story.take(key, known.state, known.id, known.day)


def _free(story: Story, message: Message | None) -> None:
    for key in _standing_by(story, message) if message is not None else ():
        del story.standing[key]


def _came_to(story: Story, name: str, state: str) -> None:
    message = story.messages[name]
    message.state = state
    for key in _standing_by(story, message):
        story.take(key, state, name, message.day)


def _failed(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    message = story.messages[facts["message"]]
    message.state = "failed"
    for key in _standing_by(story, message):
        del story.standing[key]
        if not any(key in other.keys for other in story.messages.values() if other.state == "voided"):
            story.cases[key[0]].recorded.discard(key[1:])


def _voided(story: Story, _entry: Entry, facts: Mapping[str, Any]) -> None:
    message = story.messages[facts["message"]]
    message.state = "voided"
    # It is said anew, and approved anew.
    story.approved -= {key[:2] for key in message.keys}
    _free(story, message)


def _standing_by(story: Story, message: Message) -> list[StepKey]:
    standing = ((key, story.standing.get(key)) for key in message.keys)
    return [key for key, taken in standing if taken is not None and taken.message == message.id]


def _case(story: Story, entry: Entry) -> Case:
    return story.cases[entry.invoice or ""]


_TELLING = {
    "debtor.registered": _debtor,
    "debtor.revised": _debtor,
    "invoice.opened": _opened,
    "invoice.revised": _revised,
    "invoice.written_off": _written_off,
    "invoice.reinstated": _reinstated,
    "case.closed": _closed,
    "case.reopened": _reopened,
    "case.blocked": _blocked,
    "case.unblocked": _unblocked,
    "case.policy_moved": _moved,
    "payment.received": _received,
    "payment.allocated": _allocated,
    "payment.reversed": _came_back,
    "credit_note.issued": _credited,
    "credit_note.cancelled": _cancelled,
    "hold.placed": _held,
    "hold.lifted": _lifted,
    "step.skipped": _skipped,
    "step.hurried": _hurried,
    "step.approved": _approved,
    "step.taken": _taken,
    "task.opened": _asked,
    "task.reopened": _asked,
    "message.reserved": _reserved,
    "message.sent": _sent,
    "message.ambiguous": _ambiguous,
    "message.judged": _judged,
    "message.failed": _failed,
    "message.voided": _voided,
    "message.restored": _restored,
}
"""How each kind of entry is read; the others say nothing that an audit needs."""
