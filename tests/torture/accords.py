"""What people agree about an invoice in a story: disputes, promises, plans, settlements, direct debits.

In: who says what on which day, and whether money follows.
Not in: fates without words (stories.py), and how it is said to the record (tables.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from tests.torture.moments import Moment

FATES = {
    "disputed": 3,
    "disputed in part": 3,
    "promised": 5,
    "in instalments": 3,
    "settled": 3,
    "debited": 2,
}
"""What becomes of an invoice about which people talk, by weight."""

REASONS = ("price", "quantity", "quality", "delivery", "not_ours", "other")
WEEK = 7
NOTICED = 0.6
"""The part of a day after which it is noticed that an agreement's last day is over."""


@dataclass(frozen=True)
class Accords:
    """Holds an invoice about which people talk; each method is the fate of its name."""

    draw: Random
    number: str
    total: Decimal
    part: Decimal
    opened: float
    due: float
    grace: int
    together: tuple[str, ...] = ()
    """Other invoices that are meant as well; their money then comes without a number."""

    def _pay(self, when: float, amount: Decimal, turn: int = 0) -> Iterable[Moment]:
        reference = f"V-{self.number}" + (f"-{turn}" if turn else "")
        paid = {"amount": str(amount), "reference": reference}
        if self.together:
            return (Moment(when, "pay_on_account", paid),)
        return (Moment(when, "pay", paid | {"number": self.number}),) if amount > 0 else ()

    def _agree(
        self, when: float, kind: str, days: int, terms: Mapping[str, Any], turn: int = 0
    ) -> Iterator[Moment]:
        """Has people agree on something for some days, and somebody notice when these are over."""
        name = f"{kind}-{self.number}-{turn}"
        said = {
            "name": name,
            "what": kind,
            "numbers": self.together or (self.number,),
            "on": when,
            "days": days,
        }
        yield Moment(when, "agree", said | dict(terms))
        yield Moment(when + days + (self.grace if kind != "dispute" else 0) + 1 + NOTICED, "notice")

    def _decide(self, when: float, how: str, kind: str, turn: int = 0) -> Moment:
        return Moment(when, how, {"name": f"{kind}-{self.number}-{turn}"})

    # Disputes

    def disputed(self) -> Iterator[Moment]:
        """Contests all of an invoice, before its due date or after."""
        yield from self._contest(None)

    def disputed_in_part(self) -> Iterator[Moment]:
        """Contests a part, and pays the rest or not."""
        yield from self._contest(self.part)
        if self.draw.random() < 0.4:
            yield from self._pay(self.opened + self.draw.uniform(1, 60), self.total - self.part, 1)

    def _contest(self, amount: Decimal | None) -> Iterator[Moment]:
        said, days = self.opened + self.draw.uniform(0.1, 45), self.draw.randint(1, 30)
        more = {"reason": self.draw.choice(REASONS)} | ({"amount": str(amount)} if amount else {})
        yield from self._agree(said, "dispute", days, more)
        answered = said + self.draw.uniform(0.1, 1.2 * days)
        match self.draw.choice(("upheld", "rejected", "withdrawn", "forgotten")):
            case "upheld":
                yield self._decide(answered, "uphold", "dispute")
                note = {
                    "number": self.number,
                    "note": f"N-{self.number}",
                    "amount": str(amount or self.total),
                }
                if self.draw.random() < 0.8:
                    yield Moment(answered + self.draw.uniform(0.1, 12), "credit", note)
            case "rejected":
                yield self._decide(answered, "reject", "dispute")
            case "withdrawn":
                yield self._decide(answered, "withdraw", "dispute")
                yield from self._pay(answered + self.draw.uniform(0, 9), self.total)

    # Promises

    def promised(self) -> Iterator[Moment]:
        """Promises to pay, and keeps it early, late, in part or not at all; then perhaps promises again."""
        said, days = self.opened + self.draw.uniform(0.1, 45), self.draw.randint(0, 12)
        amount = self.draw.choice((None, str(self.total), str(self.part)))
        yield from self._agree(said, "promise", days, {"amount": amount} if amount else {})
        owed, over = Decimal(amount or self.total), said + days + self.grace + 1.1
        how = self.draw.choice(("kept", "late", "in part", "returned", "broken", "broken", "withdrawn"))
        match how:
            case "kept":
                yield from self._pay(said + self.draw.uniform(0, days), owed)
            case "late":
                yield from self._pay(over + self.draw.uniform(0, 6), owed)
            case "in part":
                half = (owed / 2).quantize(Decimal("0.01"))
                yield from self._pay(said + self.draw.uniform(0, days), min(self.part, half))
            case "returned":
                paid = said + self.draw.uniform(0, days)
                yield from self._pay(paid, owed)
                back = {"reference": f"V-{self.number}"}
                yield Moment(paid + self.draw.uniform(0.1, 10), "reverse", back)
            case "withdrawn":
                yield self._decide(said + self.draw.uniform(0, days), "withdraw", "promise")
        if how in {"in part", "broken"} and self.draw.random() < 0.6:
            yield from self._promised_again(over + self.draw.uniform(0, 5))

    def _promised_again(self, said: float) -> Iterator[Moment]:
        """Promises after a broken promise: somebody has to approve it, and does or does not."""
        days = self.draw.randint(1, 10)
        yield from self._agree(said, "promise", days, {"amount": "1.00"}, 1)
        match self.draw.choice(("approved", "approved late", "rejected", "left")):
            case "approved":
                yield self._decide(said + self.draw.uniform(0, 1), "approve", "promise", 1)
                if self.draw.random() < 0.5:
                    yield from self._pay(said + self.draw.uniform(1, 1 + days), self.total, 1)
            case "approved late":
                yield self._decide(said + self.draw.uniform(7, 12), "approve", "promise", 1)
            case "rejected":
                yield self._decide(said + self.draw.uniform(0, 6), "reject", "promise", 1)

    def in_instalments(self) -> Iterator[Moment]:
        """Agrees on instalments, and misses one of them or none."""
        said, days = self.opened + self.draw.uniform(0.1, 40), self.draw.randint(0, 8)
        count = self.draw.randint(2, 4)
        each = (self.total / count).quantize(Decimal("0.01"))
        parts = [each] * (count - 1) + [self.total - each * (count - 1)]
        amounts = [str(part) for part in parts]
        yield from self._agree(said, "plan", days, {"amounts": amounts})
        missed = self.draw.randint(0, count)
        for turn, part in enumerate(parts):
            due = said + days + WEEK * turn
            yield Moment(due + self.grace + 1 + NOTICED, "notice")
            if turn < missed:
                yield from self._pay(due - self.draw.uniform(0, min(days, 3)), part, turn + 1)
            elif turn == missed and self.draw.random() < 0.3:
                yield from self._pay(due + self.grace + 1.2, part, turn + 1)

    def settled(self) -> Iterator[Moment]:
        """Offers less, which somebody approves or not, and pays that in time, too late or not."""
        said, days = self.opened + self.draw.uniform(0.1, 45), self.draw.randint(1, 14)
        yield from self._agree(said, "settlement", days, {"amount": str(self.part)})
        if self.draw.random() < 0.75:
            yield self._decide(said + self.draw.uniform(0, min(days, 9)), "approve", "settlement")
        match self.draw.choice(("in time", "in time", "late", "not")):
            case "in time":
                yield from self._pay(said + self.draw.uniform(0, days), self.part)
            case "late":
                yield from self._pay(said + days + self.grace + 1.1, self.part)

    def debited(self) -> Iterator[Moment]:
        """Has the invoice debited when it falls due; the debit comes back, or never came."""
        when = max(self.due, self.opened) + self.draw.uniform(0, 4)
        how = self.draw.choice(("debited", "debited", "returned", "never"))
        if how != "never":
            yield from self._pay(when, self.total)
        if how == "returned":
            back = {"reference": f"V-{self.number}"}
            yield Moment(when + self.draw.uniform(0.1, 20), "reverse", back)
