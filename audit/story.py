"""The story of one account, as its journal tells it up to an entry.

In: its cases, holds, messages, steps, agreements and money; what could be asked for on a day.
Not in: how each entry changes it (reading.py), whether a step might be taken (judging.py), and what the
    tables say (comparing.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from audit.creditors import covers
from audit.money import ZERO, Money
from audit.pacts import Pact, Pacts

DEBITED = timedelta(days=5)
"""How long after the due date a direct debit may still arrive."""

StepKey = tuple[str, str, int]
"""An invoice's number, a step and a cycle."""


@dataclass(slots=True)
class Case:
    """Holds what the journal says of one invoice's case."""

    policy: str
    stated: Mapping[str, Any]
    version: int
    ending: str | None = None
    blocked: str | None = None
    moved: bool = False
    recorded: set[tuple[str, int]] = field(default_factory=set)
    """Steps with any record, also one that was voided since."""


@dataclass(slots=True)
class Taken:
    """Holds a step that stands: its outcome and its day, and the message that spoke for it."""

    outcome: str
    day: date
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
    """Holds one account at one entry of its chain; `debtor` is what was last stated of it.

    `day` is the civil day of the entry, `grace` how long agreed money may be on its way.
    """

    day: date = date.min
    grace: timedelta = timedelta()
    money: Money = field(default_factory=Money)
    pacts: Pacts = field(default_factory=Pacts)
    cases: dict[str, Case] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    standing: dict[StepKey, Taken] = field(default_factory=dict)
    holds: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    lifted: set[str] = field(default_factory=set)
    hurried: set[tuple[str, str]] = field(default_factory=set)
    approved: set[tuple[str, str]] = field(default_factory=set)
    debtor: Mapping[str, Any] = field(default_factory=dict)

    # What is owed

    def open(self, number: str) -> Decimal:
        """Tells what the books show as unpaid of an invoice."""
        if not self.pacts.made or number not in self.pacts.forgiven(self.money, self.grace):
            return self.money.open(number)
        return self.money.open(number) - self.money.net([number])[number]

    def net(self, numbers: Iterable[str]) -> dict[str, Decimal]:
        """Tells what is owed of each of some invoices, once unallocated money is taken off."""
        net = self.money.net(numbers)
        forgiven = self.pacts.forgiven(self.money, self.grace) if self.pacts.made else ()
        return net | {number: ZERO for number in forgiven if number in net}

    def askable(self, number: str, day: date) -> Decimal:
        """Tells what of an invoice might be asked for on a day: what is owed and not contested."""
        owed = self.net([number])[number]
        binding = self._binding(number, day) if self.pacts.made else ()
        contested = (owed if pact.amount is None else pact.amount for pact in binding if pact.contests)
        return max(ZERO, owed - sum(contested, ZERO))

    # What keeps everybody from asking

    def _binding(self, number: str, day: date) -> list[Pact]:
        return [pact for pact in self.pacts.about(number) if pact.binds(day, self.money, self.grace)]

    def suspended_by(self, number: str, day: date) -> Pact | None:
        """Finds an agreement by which nothing of an invoice was to be asked for on a day."""
        binding = self._binding(number, day)
        if binding and self.askable(number, day) <= ZERO:
            return binding[0]
        return next((one for one in binding if not one.contests), None)

    def is_debited(self, number: str, day: date) -> bool:
        """Tells whether a direct debit that nobody has sent back may still pay an invoice."""
        stated = self.cases[number].stated
        first, due = date.fromisoformat(stated["issue_date"]), date.fromisoformat(stated["due_date"])
        debited = stated.get("direct_debit", False) and not self.money.came_back(number)
        return debited and first <= day <= due + DEBITED

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

    def broken_on(self, number: str, cycle: int) -> date | None:
        """Gives the day on which a promise was broken that no step has followed since."""
        broken = self.pacts.broken_on(number, self.money, self.grace) if self.pacts.made else None
        keys = ((number, step, cycle) for step in self.standing_steps(number, cycle))
        last = max((self.standing[key].day for key in keys), default=date.min)
        return None if broken is None or last >= broken else broken

    def take(self, key: StepKey, outcome: str, message: str | None = None, day: date | None = None) -> None:
        """Notes that a step stands, taken on the day of the entry unless another is named."""
        self.standing[key] = Taken(outcome, day or self.day, message)
        self.cases[key[0]].recorded.add(key[1:])
