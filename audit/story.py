"""The story of one account, as its journal tells it.

In: reading entry after entry: cases, holds, messages, steps, and the money behind them.
Not in: whether a step might be taken (judging.py), and what the tables say (comparing.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from audit.chains import Entry
from audit.creditors import covers
from audit.money import ZERO, Money

StepKey = tuple[str, str, int]
"""An invoice's number, a step and a cycle."""


@dataclass(slots=True)
class Case:
    """Holds what the journal says of one invoice's case."""

    policy: str
    stated: Mapping[str, Any]
    version: int
    ending: str | None = None
    moved: bool = False
    recorded: set[tuple[str, int]] = field(default_factory=set)
    """Steps with any record, also one that was voided since."""


@dataclass(slots=True)
class Taken:
    """Holds a step that stands: its outcome, and the message that spoke for it."""

    outcome: str
    message: str | None = None


@dataclass(slots=True)
class Message:
    """Holds what the journal says of one message."""

    id: str
    state: str
    day: date
    lead: str
    step: str
    keys: tuple[StepKey, ...]
    revision: int


@dataclass
class Story:
    """Holds one account at one entry of its chain; `debtor` is what was last stated of it."""

    money: Money = field(default_factory=Money)
    cases: dict[str, Case] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    standing: dict[StepKey, Taken] = field(default_factory=dict)
    holds: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    lifted: set[str] = field(default_factory=set)
    hurried: set[tuple[str, str]] = field(default_factory=set)
    approved: set[tuple[str, str]] = field(default_factory=set)
    debtor: Mapping[str, Any] = field(default_factory=dict)

    def read(self, entry: Entry) -> None:
        """Takes one entry in; raises KeyError for one that makes no sense where it stands."""
        tell = _TELLING.get(entry.kind)
        if tell is not None:
            tell(self, entry, entry.facts)

    def is_held(self, number: str, day: date) -> bool:
        """Tells whether a hold on the invoice or on the account covers a day."""
        return any(
            hold["invoice"] in {None, number} and covers(hold, day)
            for name, hold in self.holds.items()
            if name not in self.lifted
        )

    def recorded(self, number: str, cycle: int) -> set[str]:
        """Lists the steps of a case's cycle that have any record."""
        return {step for step, turn in self.cases[number].recorded if turn == cycle}

    def standing_steps(self, number: str, cycle: int) -> set[str]:
        """Lists the steps of a case's cycle that stand."""
        steps = self.recorded(number, cycle)
        return {step for step in steps if (number, step, cycle) in self.standing}

    def take(self, key: StepKey, outcome: str, message: str | None = None) -> None:
        """Notes that a step stands."""
        self.standing[key] = Taken(outcome, message)
        self.cases[key[0]].recorded.add(key[1:])


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
    _case(story, entry).ending = None


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
    story.take((entry.invoice or "", facts["step"], facts["cycle"]), "skipped")


def _hurried(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    story.hurried.add((entry.invoice or "", facts["step"]))


def _approved(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    story.approved.add((entry.invoice or "", facts["step"]))


def _taken(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    taken = facts["taken"]
    story.take((entry.invoice or "", taken["step"], taken["cycle"]), taken["outcome"])


def _reserved(story: Story, entry: Entry, facts: Mapping[str, Any]) -> None:
    message = _noted(story, entry, facts)
    for key in message.keys:
        story.take(key, "reserved", message.id)


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
                story.take(key, known.state, known.id)


def _free(story: Story, message: Message | None) -> None:
    for key in _standing_by(story, message) if message is not None else ():
        del story.standing[key]


def _came_to(story: Story, name: str, state: str) -> None:
    message = story.messages[name]
    message.state = state
    for key in _standing_by(story, message):
        story.take(key, state, name)


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
    "message.reserved": _reserved,
    "message.sent": _sent,
    "message.ambiguous": _ambiguous,
    "message.judged": _judged,
    "message.failed": _failed,
    "message.voided": _voided,
    "message.restored": _restored,
}
"""How each kind of entry is read; the others say nothing that an audit needs."""
