"""What people agreed about invoices, read from an account's journal and judged anew by its money.

In: disputes, promises, plans and settlements: what was to come by when, whether it came, on which days they
    keep everybody from asking; the rest that goes with a settlement that was kept.
Not in: the money (money.py), and whether anybody was asked all the same (judging.py).

Money counts by the day on which it was received, and may be on the bank's way for some days of grace. What
waits for a person binds for a week; what people ended binds no more.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from audit.chains import Entry
from audit.money import ZERO, Money

UNDECIDED = timedelta(days=7)
"""How long an agreement binds that nobody has approved."""

ONE_DAY = timedelta(days=1)

BREAKABLE = {"promise", "plan"}
"""What is broken where the money does not come; an offer that is not taken up breaks nothing."""

UNKEPT = {"partly", "broken"}

TOLD = {"running", "kept", "expired", *UNKEPT}
"""How an agreement stands, where the journal notes it: `agreement.kept` and so on."""


class Due(NamedTuple):
    """Says how much was to come in all, and by which day, that day included."""

    amount: Decimal
    by: date


@dataclass(slots=True)
class Pact:
    """Holds one agreement: as it was made, what people did to it, how it was last said to stand."""

    facts: Mapping[str, Any]
    told: str
    approved: bool = False
    ended: str | None = None
    untold: bool = False
    """Whether it was noted as broken, for a case that was open, and nobody has been told since."""

    @property
    def kind(self) -> str:
        """Names its kind."""
        return str(self.facts["kind"])

    @property
    def invoices(self) -> list[str]:
        """Lists the invoices that it is about."""
        return list(self.facts["invoices"])

    @property
    def made_on(self) -> date:
        """Gives the day from which it binds."""
        return date.fromisoformat(self.facts["made_on"])

    @property
    def undecided(self) -> bool:
        """Tells whether a person would have to approve it first."""
        return bool(self.facts["needs_approval"]) and not self.approved

    @property
    def amount(self) -> Decimal | None:
        """Gives the amount that it names; without one it is about everything."""
        amount = self.facts.get("amount")
        return None if amount is None else Decimal(amount)

    @property
    def contests(self) -> bool:
        """Tells whether it takes something off what can be asked for, all of it or a part."""
        return self.kind == "dispute" and not self.undecided

    def _dues(self, grace: timedelta) -> Iterator[Due]:
        owed, so_far = Decimal(self.facts["owed"]), ZERO
        if self.kind == "plan":
            for part in self.facts["instalments"]:
                so_far += Decimal(part["amount"])
                yield Due(min(so_far, owed), date.fromisoformat(part["pay_by"]) + grace)
        elif self.kind != "dispute":
            amount = owed if self.amount is None else self.amount
            yield Due(amount, date.fromisoformat(self.facts["pay_by"]) + grace)

    def came(self, money: Money, day: date) -> Decimal:
        """Tells by how much its invoices owe less than when it was made, by what was received up to a day."""
        return Decimal(self.facts["owed"]) - sum(money.until(day).net(self.invoices).values(), ZERO)

    def missed(self, money: Money, grace: timedelta) -> Due | None:
        """Finds the first sum that has not come; None where all has."""
        return next((due for due in self._dues(grace) if self.came(money, due.by) < due.amount), None)

    def binds(self, day: date, money: Money, grace: timedelta) -> bool:
        """Tells whether it is in force on a day; kept or broken, it is not."""
        if self.ended is not None or day < self.made_on:
            return False
        if self.undecided:
            return day <= self.made_on + UNDECIDED
        if self.kind == "dispute":
            return day <= date.fromisoformat(self.facts["until"])
        missed = self.missed(money, grace)
        return missed is not None and day <= missed.by

    def breaks_on(self, money: Money, grace: timedelta) -> date | None:
        """Gives the day on which a promise or a plan is broken if no more money comes."""
        if self.ended is not None or self.undecided or self.kind not in BREAKABLE:
            return None
        missed = self.missed(money, grace)
        return None if missed is None else missed.by + ONE_DAY

    def stands(self, day: date, money: Money, grace: timedelta) -> str:
        """Says how it stands on a day, in the words of the journal."""
        if self.ended is not None:
            return "ended"
        if self.undecided:
            return "pending" if day <= self.made_on + UNDECIDED else "expired"
        if self.kind == "dispute":
            return "running" if day <= date.fromisoformat(self.facts["until"]) else "expired"
        missed = self.missed(money, grace)
        if missed is None:
            return "kept"
        if day <= missed.by:
            return "running"
        return "partly" if self.came(money, missed.by) > ZERO else "broken"


@dataclass
class Pacts:
    """Holds the agreements of one account, as of an entry of its journal."""

    made: dict[str, Pact] = field(default_factory=dict)
    _tasks: dict[str, str] = field(default_factory=dict)

    def read(self, entry: Entry, open_cases: AbstractSet[str]) -> None:
        """Takes an entry about an agreement in; raises KeyError for one that was never made."""
        what = entry.kind.removeprefix("agreement.")
        if what == "made":
            facts = entry.facts["agreement"]
            self.made[facts["id"]] = Pact(facts, "pending" if facts["needs_approval"] else "running")
            return
        pact = self.made[entry.facts["agreement"]]
        if what == "approved":
            pact.approved, pact.told = True, "running"
        elif what == "ended":
            pact.ended, pact.told = entry.facts["how"], "ended"
        elif what in TOLD:
            broken = pact.kind in BREAKABLE and what in UNKEPT
            newly = pact.told not in UNKEPT and not open_cases.isdisjoint(pact.invoices)
            pact.told, pact.untold = what, broken and (newly or pact.untold)

    def ask(self, task: Mapping[str, Any]) -> None:
        """Notes that people were given a task, or given it again, where it is about a broken promise."""
        if task["task_kind"] == "broken-promise":
            name = self._tasks.setdefault(task["task"], task.get("detail", {}).get("agreement", ""))
            self.made[name].untold = False

    def about(self, number: str) -> Iterator[Pact]:
        """Lists the agreements about an invoice."""
        return (pact for pact in self.made.values() if number in pact.invoices)

    def forgiven(self, money: Money, grace: timedelta) -> set[str]:
        """Lists the invoices of which a settlement that was kept lets the rest go."""
        kept = (
            pact
            for pact in self.made.values()
            if pact.kind == "settlement" and pact.approved and pact.ended is None
        )
        return {number for pact in kept if pact.missed(money, grace) is None for number in pact.invoices}

    def broken_on(self, number: str, money: Money, grace: timedelta) -> date | None:
        """Gives the day on which the last of the promises about an invoice is broken, if no more comes."""
        days = (pact.breaks_on(money, grace) for pact in self.about(number))
        return max((day for day in days if day is not None), default=None)

    def unanswered(self, number: str) -> bool:
        """Tells whether the debtor contests an invoice and nobody has answered, in time or not."""
        return any(pact.kind == "dispute" and pact.ended is None for pact in self.about(number))
