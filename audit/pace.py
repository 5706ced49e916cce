"""How many messages left in a creditor's name on each day, against the daily cap.

In: counting over all debtors of a creditor, days that had more than the cap allowed.
Not in: which messages are counted (judging.py), and the days between two messages to one debtor.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from audit.creditors import Owner
from audit.findings import Kind, Tally


@dataclass
class Day:
    """Counts the messages of a day, with the instants of the first and the last reservation."""

    first: datetime
    last: datetime
    count: int = 0


@dataclass
class Pace:
    """Counts a creditor's messages by the day on which each was given its place.

    Each was given its place after those before it had been counted, so a day has never more than the
    highest cap of that day allowed. What an operator asked for at once goes beyond and is not counted.
    """

    days: dict[date, Day] = field(default_factory=dict)

    def count(self, day: date, at: datetime) -> None:
        """Counts a message that left."""
        one = self.days.setdefault(day, Day(at, at))
        one.first, one.last, one.count = min(one.first, at), max(one.last, at), one.count + 1

    def judge(self, creditor: str, owner: Owner, tally: Tally) -> None:
        """Finds the days on which more left than the cap allowed."""
        for day, one in sorted(self.days.items()):
            cap = owner.daily_cap(one.first, one.last)
            if cap is not None and one.count > cap:
                sentence = f"{one.count} messages left on {day}, {cap} a day are allowed"
                tally.find(Kind.OVER_CAP, sentence, at=one.last, creditor=creditor)
