"""The diary of one run: what was done to whom, and when, so that a failure can be told as a story.

In: entries by the wall clock and by each account's own, counts by kind.
Not in: the journal of the record (ledger/journal.py).
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

ALL = ""
"""The name under which is written what befell everybody."""


@dataclass(frozen=True)
class Entry:
    """States one thing that happened: seconds after the start, the account's own clock, what it was."""

    second: float
    at: datetime | None
    what: str


@dataclass
class Diary:
    """Keeps what happened to each account, and to all."""

    file: Path
    begun: float = field(default_factory=time.monotonic)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def second(self) -> float:
        """Tells how many seconds the run has lasted."""
        return time.monotonic() - self.begun

    def tell(self, debtor: str, at: datetime | None, what: str) -> None:
        """Writes down what happened to an account."""
        entry = Entry(self.second, at, what)
        self.entries.setdefault(debtor, []).append(entry)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{entry.second:9.2f}  {debtor or '-':8}  {at or '-'}  {what}\n")

    def inject(self, kind: str, what: str = "") -> None:
        """Writes down and counts a fault that befell everybody."""
        self.counts[kind] += 1
        self.tell(ALL, None, f"{kind} {what}".strip())

    def story(self, debtor: str) -> list[Entry]:
        """Tells what happened to one account, and what befell everybody meanwhile."""
        own = self.entries.get(debtor, [])
        if not own:
            return []
        first, last = own[0].second, own[-1].second
        shared = [one for one in self.entries.get(ALL, []) if first <= one.second <= last]
        return sorted((*own, *shared), key=lambda one: one.second)
