"""Open cases that nobody comes back to.

In: what a case waits for, whether anything recorded explains that it still waits; broken promises of which
    nobody was told.
Not in: whether Temporal has a run of it (runs.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from audit.findings import Kind, Tally
from audit.money import ZERO
from audit.pacts import Pact
from audit.policies import Ladder
from audit.story import Story
from audit.tables import Row, Rows

QUESTIONS = {"allocate": "allocate", "unreachable": "unreachable", "stale": "payments", "approval": "approve"}
"""The task behind each wait that only a person can end."""

OF_ACCOUNT = {"payments", "mend"}
"""Tasks that stand for every case of their account."""

BESIDE = {
    "dispute",
    "dispute-expired",
    "approve-agreement",
    "broken-promise",
    "credit-note",
    "claimed-paid",
    "claimed-contact",
    "claimed-missing",
}
"""Tasks that explain no delay: the plan of a case knows until when an agreement suspends it."""


@dataclass(frozen=True)
class Excuses:
    """Holds what else is on record that explains a wait: stops, troubles, errands on their way."""

    switches: list[Row]
    troubled: frozenset[tuple[str, str]]
    errands: frozenset[tuple[str, str]]

    def is_stopped(self, creditor: str, policy: str) -> bool:
        """Tells whether a stop concerns a case, by whatever channel."""
        return any(
            row.creditor in {"", creditor} and row.policy in {"", policy.partition("@")[0]}
            for row in self.switches
        )


@dataclass(frozen=True)
class Watch:
    """Looks at the open cases of one account; `story` is None where its journal cannot be believed."""

    creditor: str
    rows: Rows
    story: Story | None
    ladders: Mapping[str, Ladder]
    excuses: Excuses
    now: datetime
    grace: timedelta
    resumed_at: datetime | None
    zone: ZoneInfo
    all_closed: bool
    tally: Tally

    def look(self) -> None:
        """Finds the cases that are forgotten, and those without an ending where all should have one."""
        for row in self.rows.invoices:
            self.tally.counts["invoices"] += 1
            if row.ending is not None:
                continue
            self.tally.counts["open"] += 1
            where = {"creditor": self.creditor, "debtor": row.debtor, "invoice": row.number}
            if self.all_closed:
                waits = f"{row.next_kind or 'nothing'} {row.next_step or ''} ({row.next_rule})"
                self.tally.find(Kind.UNENDING, f"the case has no ending; next is {waits}", **where)
            why = self._forgotten(row)
            if why is not None:
                self.tally.find(Kind.FORGOTTEN, why, step=row.next_step, **where)
        if self.story is not None:
            for pact in self.story.pacts.made.values():
                self._promised(pact, self.story)

    def _promised(self, pact: Pact, story: Story) -> None:
        """Finds a promise that was broken and of which nobody was told, or that nobody has noticed yet."""
        lately = (self.now - self.grace).astimezone(self.zone).date()
        broken_on = pact.breaks_on(story.money, story.grace)
        is_open = any(row.ending is None for row in self.rows.invoices if row.number in pact.invoices)
        unnoticed = is_open and pact.told == "running" and broken_on is not None and broken_on <= lately
        if pact.untold or unnoticed:
            sentence = f"a {pact.kind} of {pact.made_on} was broken on {broken_on}, and nobody was told"
            where = {"creditor": self.creditor, "debtor": self.rows.account.id}
            self.tally.find(Kind.BROKEN_WITHOUT_TASK, sentence, invoice=pact.invoices[0], **where)

    def _forgotten(self, row: Row) -> str | None:
        case = (self.creditor, row.number)
        if case in self.excuses.troubled or case in self.excuses.errands:
            return None
        if row.next_kind not in {"take", "wait"}:
            return f"the case is open, but its next action is {row.next_kind or 'none'}"
        return self._overdue(row) if row.next_at is not None else self._unanswered(row)

    def _unanswered(self, row: Row) -> str | None:
        """Says what a case waits for that is not on its way."""
        match row.next_rule:
            case "sending_stopped":
                return None if self._is_stopped(row) else "the case waits for a stop that is over"
            case "below_minimum":
                return self._above_minimum(row)
            case "ambiguous":
                said = "the case waits for an ambiguous message, and there is none"
                return None if self._is_ambiguous(row) else said
            case rule:
                said = f"the case waits for a person ({rule}), but no open task asks one"
                return None if self._asked(row, QUESTIONS.get(rule)) else said

    def _overdue(self, row: Row) -> str | None:
        """Says since when the next action is overdue, unless something on record explains it."""
        if row.next_at >= self.now - self.grace:
            return None
        if self._is_stopped(row) or self._is_ambiguous(row) or self._asked(row, None):
            return None
        what = row.next_step or "planning anew"
        return f"{what} was due at {row.next_at:%Y-%m-%d %H:%M}Z, and nothing on record says why it waits"

    def _is_stopped(self, row: Row) -> bool:
        """Tells whether a stop concerns the case, or did until a while ago."""
        lately = self.resumed_at is not None and self.resumed_at >= self.now - self.grace
        return lately or self.excuses.is_stopped(self.creditor, row.policy)

    def _is_ambiguous(self, row: Row) -> bool:
        return any(one.state == "ambiguous" and row.number in one.invoices for one in self.rows.messages)

    def _asked(self, row: Row, kind: str | None) -> bool:
        """Tells whether an open task stands for the case; of one kind, or of any."""
        return any(
            (task.invoice == row.number or task.kind in OF_ACCOUNT)
            and (task.kind == kind or (kind is None and task.kind not in BESIDE))
            for task in self.rows.tasks
        )

    def _above_minimum(self, row: Row) -> str | None:
        """Says that enough is owed for the case not to wait for more."""
        ladder = self.ladders.get(row.policy)
        if self.story is None or ladder is None:
            return None
        minimum = ladder.minimum.get(row.currency)
        owed = self._owed(row, self.now.astimezone(self.zone).date())
        if minimum is not None and owed < minimum:
            return None
        return f"the case waits for more to be owed, but {owed:.2f} is, and {minimum or ZERO:.2f} is enough"

    def _owed(self, row: Row, today: date) -> Decimal:
        assert self.story is not None
        numbers = [
            other.number
            for other in self.rows.invoices
            if other.ending is None
            and other.currency == row.currency
            and (other.number == row.number or other.due_date < today)
            and other.number in self.story.money.debts
        ]
        return sum((self.story.askable(number, today) for number in numbers), ZERO)
