"""The chains of the journal, checked entry by entry while they are read.

In: the hash of an entry, worked out anew; gaps, changes, cut tails.
Not in: what the entries say (story.py, creditors.py).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from audit.findings import Kind, Tally
from ledger.schema import journal

COLUMNS = (
    journal.c.creditor,
    journal.c.debtor,
    journal.c.revision,
    journal.c.at,
    journal.c.kind,
    journal.c.invoice,
    journal.c.facts,
    journal.c.previous,
    journal.c.hash,
)

CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Entry(NamedTuple):
    """Holds one entry as it is read."""

    creditor: str
    debtor: str
    revision: int
    at: datetime
    kind: str
    invoice: str | None
    facts: Mapping[str, Any]
    previous: str
    hash: str


def entry_hash(entry: Entry) -> str:
    """Hashes an entry together with the hash before it."""
    content = {
        "creditor": entry.creditor,
        "debtor": entry.debtor,
        "revision": entry.revision,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": entry.kind,
        "invoice": entry.invoice,
        "facts": entry.facts,
    }
    return hashlib.sha256((entry.previous + CANONICAL(content)).encode()).hexdigest()


@dataclass
class Chain:
    """Follows one chain from its first entry; `broken` once anything did not add up."""

    creditor: str
    debtor: str
    tally: Tally
    revision: int = 0
    last: str = ""
    broken: bool = False

    def follow(self, entry: Entry) -> None:
        """Checks the next entry."""
        for problem in self._flaws(entry):
            self._break(problem, revision=entry.revision, at=entry.at)
        self.revision, self.last = entry.revision, entry.hash
        self.tally.counts["entries"] += 1

    def _flaws(self, entry: Entry) -> Iterator[str]:
        if entry.revision != self.revision + 1:
            yield f"after entry {self.revision} comes entry {entry.revision}: what lay between is missing"
        elif entry.previous != self.last:
            yield f"entry {entry.revision} does not follow the one before it"
        if entry.hash != entry_hash(entry):
            yield f"entry {entry.revision} has been changed since it was written"

    def end(self, revision: int, head: str) -> None:
        """Compares the end of the chain with what its owner's row remembers."""
        if (revision, head) == (self.revision, self.last):
            return
        if revision == self.revision:
            problem = f"the chain ends with another entry {revision} than the account remembers"
        else:
            problem = f"the chain ends at entry {self.revision}, but the account remembers entry {revision}"
        self._break(problem, revision=self.revision)

    def _break(self, problem: str, **where: Any) -> None:
        self.broken = True
        # A break is told whatever its date: nothing after it can be believed.
        where.pop("at", None)
        self.tally.find(
            Kind.CHAIN, problem, creditor=self.creditor or None, debtor=self.debtor or None, **where
        )


def chain_query(creditor: str, *debtors: str) -> sa.Select[Any]:
    """Asks for the chains of one creditor, of one debtor or from a first to a last one, in order."""
    query = sa.select(*COLUMNS).where(journal.c.creditor == creditor)
    query = query.where(journal.c.debtor.between(debtors[0], debtors[-1]))
    return query.order_by(journal.c.debtor, journal.c.revision)
