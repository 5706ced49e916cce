"""How many payments of a month are matched rightly, by class, where the truth is known.

In: the measuring, and the table that the command prints. Not in: how a month is drawn (drawing.py).

    python -m tests.matching.month [SEED ...]

Nobody but the drawing knows the truth. After each entry the books are brought up to it, as they would be
by the person who answers what is asked. Wrong is whatever was recorded without asking and is not the
truth: another debtor, another invoice, another amount, an allowance that is none.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.bank import BankEntry
from domain.matching import BankPayment, Proposal, match_return, propose
from domain.openitems import Directory
from domain.receivable import Tolerance
from tests.matching.drawing import Drawing, Month, Truth
from tests.matching.habits import HABITS

PAYMENTS = 4000
TOLERANCE = Tolerance()


@dataclass
class Row:
    """Counts what became of the payments of one class."""

    counts: Counter[str] = field(default_factory=Counter)
    findable: int = 0
    found: int = 0
    first: int = 0

    def add(self, other: "Row") -> None:
        """Adds the counts of another class."""
        self.counts += other.counts
        self.findable += other.findable
        self.found += other.found
        self.first += other.first


@dataclass
class Figures:
    """Counts by class, and keeps what went wrong."""

    rows: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    wrong: list[tuple[BankEntry, Truth, Proposal | None]] = field(default_factory=list)
    missed: list[tuple[BankEntry, Truth, Proposal]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def found(self) -> float:
        """Gives the share of payments with a true invoice that were found exactly or in the first three."""
        findable = sum(row.findable for row in self.rows.values())
        return sum(row.found for row in self.rows.values()) / findable if findable else 1.0


def measure(month: Month, payments: list[BankPayment], figures: Figures | None = None) -> Figures:
    """Proposes for each entry in its turn, compares with the truth, and brings the books up to the truth."""
    figures = figures or Figures()
    directory = Directory(month.items, month.books.payers, month.recorded)
    records = {record.reference: record for record in month.recorded}
    for entry, truth in month.lines:
        started = time.process_time()
        proposal = propose(entry, directory, TOLERANCE)
        figures.seconds += time.process_time() - started
        row = figures.rows[truth.kind]
        outcome = judged(entry, truth, proposal, payments)
        row.counts[outcome] += 1
        row.counts["all"] += 1
        if outcome == "wrong":
            figures.wrong.append((entry, truth, proposal))
        if truth.allocations:
            row.findable += 1
            seen = [(one.debtor, frozenset(one.allocations)) for one in proposal.candidates[:3]]
            true = (truth.debtor, frozenset(truth.allocations))
            row.found += true in seen
            row.first += true in seen[:1]
            if true not in seen:
                figures.missed.append((entry, truth, proposal))
        directory.booked(truth.allocations)
        if truth.recorded is not None:
            directory.linked(records[truth.recorded])
    return figures


def judged(entry: BankEntry, truth: Truth, proposal: Proposal, payments: list[BankPayment]) -> str:
    """Says what became of an entry: right, on account, asked, or recorded wrongly."""
    if truth.returned is not None:
        back = match_return(entry, payments)
        return _right(back.candidates[0] == truth.returned) if back.decision == "reverse" else "asked"
    match proposal.decision:
        case "ask":
            return "asked"
        case "not_ours":
            return _right(truth.kind == "went out")
        case "same":
            return _right(truth.recorded == proposal.candidates[0].recorded)
    booking = proposal.booking
    if booking is None or booking.debtor != truth.debtor or truth.recorded is not None:
        return "wrong"
    given, due = frozenset(booking.allocations), frozenset(truth.allocations)
    return "on account" if proposal.decision == "on_account" and given < due else _right(given == due)


def _right(so: bool) -> str:  # noqa: FBT001 - one word for one fact
    return "right" if so else "wrong"


def table(figures: Figures) -> str:
    """Writes the figures by class: precision is what was right of all that was recorded unasked."""
    whole = Row()
    for row in figures.rows.values():
        whole.add(row)
    lines = [_line(kind, figures.rows[kind]) for kind, *_ in HABITS if kind in figures.rows]
    head = f"{'class':<18}" + "".join(f"{name:>{width}}" for name, width in COLUMNS)
    return "\n".join([head, *lines, _line("together", whole)])


COLUMNS = [("all", 7), ("right", 7), ("account", 9), ("asked", 7), ("wrong", 7), ("precision", 11),
           ("recall", 8), ("first", 8), ("in 3", 8)]  # fmt: skip


def _line(kind: str, row: Row) -> str:
    counts = row.counts
    unasked = counts["right"] + counts["on account"] + counts["wrong"]
    figures = [
        *(str(counts[name]) for name in ("all", "right", "on account", "asked", "wrong")),
        f"{1 - counts['wrong'] / unasked:.2%}" if unasked else "-",
        f"{counts['right'] / counts['all']:.1%}",
        *(f"{part / row.findable:.1%}" if row.findable else "-" for part in (row.first, row.found)),
    ]
    return f"{kind:<18}" + "".join(
        f"{figure:>{width}}" for figure, (_, width) in zip(figures, COLUMNS, strict=True)
    )


def main(seeds: Iterable[int]) -> None:
    """Draws a month for each seed and prints the figures of all of them."""
    figures = Figures()
    for seed in seeds:
        drawing = Drawing(seed, HABITS, PAYMENTS)
        measure(drawing.month, drawing.given, figures)
    count = sum(row.counts["all"] for row in figures.rows.values())
    each = figures.seconds / count * 1000
    sys.stdout.write(
        f"{table(figures)}\n\n"
        f"found exactly or among the first three: {figures.found:.2%} of those with a true invoice\n"
        f"recorded by itself and wrong: {len(figures.wrong)} of {count}; {each:.2f} ms each\n"
    )


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [1])
