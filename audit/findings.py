"""What an audit finds: the kinds of findings, one finding, the report, and the tally that makes it.

In: stable names and what each means, counting, the bound on how many findings are told one by one.
Not in: how anything is found (the other modules of this room).
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.fact import Fact, Instant

TOLD = 1000
"""How many findings a report tells one by one; its totals count all of them."""


class Kind(StrEnum):
    """Names the kinds of findings; MEANINGS says what each one means."""

    DUPLICATE = "duplicate"
    CROWDED = "crowded"
    OVER_CAP = "over_cap"
    EARLY = "early"
    UNAPPROVED = "unapproved"
    PAID = "paid"
    CLOSED = "closed"
    HELD = "held"
    DISPUTED = "disputed"
    AGREED = "agreed"
    DEBITED = "debited"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    STALE = "stale"
    CLAIMED_MORE = "claimed_more"
    FORGOTTEN = "forgotten"
    UNENDING = "unending"
    CLOSED_OWING = "closed_owing"
    MISJUDGED = "misjudged"
    BROKEN_WITHOUT_TASK = "broken_without_task"
    CHAIN = "chain"
    UNTOLD = "untold"
    DIFFERS = "differs"
    MISBOOKED = "misbooked"
    STRANDED = "stranded"
    AMBIGUOUS_WITHOUT_TASK = "ambiguous_without_task"
    UNDELIVERED = "undelivered"
    EVIDENCE = "evidence"
    NOT_IN_MAILBOX = "not_in_mailbox"
    TWICE_IN_MAILBOX = "twice_in_mailbox"
    ALTERED = "altered"
    DENIED = "denied"
    STRAY = "stray"
    WITHOUT_RUN = "without_run"
    NEEDLESS_RUN = "needless_run"
    FAILING_RUN = "failing_run"


MEANINGS = {
    Kind.DUPLICATE: "a step of an invoice left more than once",
    Kind.CROWDED: "a debtor was written to again before the contact cap allowed it",
    Kind.OVER_CAP: "more messages left on a day than the creditor's daily cap allows",
    Kind.EARLY: "a step was taken before its day",
    Kind.UNAPPROVED: "a step was taken that nobody had approved, and that wants it",
    Kind.PAID: "a step was taken although nothing was owed",
    Kind.CLOSED: "a step was taken although the case was closed",
    Kind.HELD: "a step was taken although it was held",
    Kind.DISPUTED: "a step was taken although the debtor contested all that was owed",
    Kind.AGREED: "a step was taken although an agreement gave the debtor time",
    Kind.DEBITED: "a step was taken although a direct debit could still arrive",
    Kind.BLOCKED: "a step was taken although the case could not go on",
    Kind.STOPPED: "a step was taken although sending was stopped",
    Kind.STALE: "a step was taken on payment data older than the creditor allows",
    Kind.CLAIMED_MORE: "a message asks for more than was owed, or for what was contested",
    Kind.FORGOTTEN: "an open case that nobody comes back to, or a required step that was jumped over",
    Kind.UNENDING: "a case without an ending",
    Kind.CLOSED_OWING: "a case was closed as settled although money was owed",
    Kind.MISJUDGED: "an agreement was noted as kept or broken, and the money says otherwise",
    Kind.BROKEN_WITHOUT_TASK: "a promise was broken and nobody was told",
    Kind.CHAIN: "the journal does not add up",
    Kind.UNTOLD: "the journal and the record of messages tell different stories",
    Kind.DIFFERS: "the record states something else than the journal",
    Kind.MISBOOKED: "a bank entry and the payment made of it are not the same money",
    Kind.STRANDED: "a message whose sending was begun long ago and never decided",
    Kind.AMBIGUOUS_WITHOUT_TASK: "an ambiguous message of which nobody is asked",
    Kind.UNDELIVERED: "a wake-up that waits in the outbox for too long",
    Kind.EVIDENCE: "the bytes kept of a message are missing or changed",
    Kind.NOT_IN_MAILBOX: "a message on record as sent is not in the mailbox",
    Kind.TWICE_IN_MAILBOX: "a message lies in the mailbox more than once",
    Kind.ALTERED: "a message in the mailbox has other bytes than those on record",
    Kind.DENIED: "a message on record as never sent lies in the mailbox",
    Kind.STRAY: "the mailbox has a message that the record does not know",
    Kind.WITHOUT_RUN: "an open case without a run",
    Kind.NEEDLESS_RUN: "a run of a case that is closed or unknown",
    Kind.FAILING_RUN: "a run whose workflow code fails",
}
"""What each kind of finding means, in a few words."""


class Finding(Fact):
    """States one thing that should not be: what, where, and since which entry or instant."""

    kind: Kind
    sentence: str
    creditor: str | None = None
    debtor: str | None = None
    invoice: str | None = None
    step: str | None = None
    message: str | None = None
    revision: int | None = None
    at: Instant | None = None


class Report(Fact):
    """Says what an audit looked at and what it found.

    `totals` counts every finding by its kind; `findings` tells the first of them. `counts` says how much
    was looked at, with the messages that are ambiguous now and those that ever were.
    """

    at: Instant
    since: Instant | None = None
    creditor: str | None = None
    totals: dict[Kind, int]
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    seconds: float

    @property
    def found(self) -> int:
        """Counts all findings."""
        return sum(self.totals.values())

    @property
    def clean(self) -> bool:
        """Tells whether nothing was found."""
        return not self.found

    def with_report(self, other: "Report") -> "Report":
        """Gives this report and another one, of another place, as one."""
        totals = Counter(self.totals) + Counter(other.totals)
        return self.model_copy(
            update={
                "totals": {kind: totals[kind] for kind in Kind},
                "findings": (*self.findings, *other.findings)[:TOLD],
                "counts": self.counts | other.counts,
                "seconds": round(self.seconds + other.seconds, 3),
            }
        )


class Tally:
    """Takes findings down while an audit runs.

    What is dated before `since` is left out: an audit from a date still reads everything before it.
    """

    def __init__(self, since: datetime | None = None) -> None:
        """Begins with nothing found."""
        self.counts: Counter[str] = Counter()
        self._since = since
        self._totals: Counter[Kind] = Counter()
        self._told: list[Finding] = []

    def find(self, kind: Kind, sentence: str, *, at: datetime | None = None, **where: Any) -> None:
        """Takes one finding down."""
        if at is not None and self._since is not None and at < self._since:
            return
        self._totals[kind] += 1
        if len(self._told) < TOLD:
            self._told.append(Finding(kind=kind, sentence=sentence, at=at, **where))

    def report(self, at: datetime, clock: Callable[[], float], *, creditor: str | None = None) -> Report:
        """Makes the report; `clock` tells the seconds that have passed."""
        return Report(
            at=at,
            since=self._since,
            creditor=creditor,
            totals={kind: self._totals[kind] for kind in Kind},
            findings=tuple(self._told),
            counts=dict(sorted(self.counts.items())),
            seconds=round(clock(), 3),
        )
