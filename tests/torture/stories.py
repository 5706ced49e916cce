"""The stories: what happens to each account, drawn from the seed and the debtor's name alone.

In: creditors, debtors, invoices, money, orders, each on its day of the story.
Not in: how a moment is made to happen (deeds.py), and the faults (injector.py).

A story is the same whenever it is told, whatever else happens in the run: ONLY=debtor tells it again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from domain.receivable import Creditor, Debtor

SHARED = {"north": "seed", "south": "french-b2b"}
"""The creditors that many debtors share, with their policies."""

AMOUNTS = ("12.00", "60.00", "480.00", "1250.50", "9999.99")
FRESH_HOURS = 72

FATES = {
    "ignored": 5,
    "paid": 5,
    "paid early": 1,
    "partly paid": 3,
    "overpaid": 1,
    "on account": 2,
    "reversed": 2,
    "reported": 4,
    "credited": 2,
    "written off": 1,
    "corrected": 1,
    "dated oddly": 1,
}
"""What becomes of an invoice, by weight; an ignored one goes all the way."""

STEERED = {
    "hold": 0.15,
    "hold_account": 0.08,
    "skip": 0.1,
    "send_now": 0.1,
    "move_policy": 0.12,
    "contact": 0.12,
    "unreachable": 0.05,
    "again": 0.25,
}
"""What people do to an invoice or an account, by probability."""


@dataclass(frozen=True)
class Moment:
    """Dates something that happens: so many days after the story begins."""

    day: float
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def after(self) -> timedelta:
        """Gives the time from the beginning of the story."""
        return timedelta(days=self.day)


@dataclass(frozen=True)
class Story:
    """Holds one account and everything that happens to it."""

    debtor: Debtor
    creditor: Creditor
    moments: tuple[Moment, ...]
    numbers: tuple[str, ...]


def lots(seed: int, *names: object) -> Random:
    """Gives the lots of one part of the run, which no other part draws from."""
    return Random(":".join(str(name) for name in (seed, *names)))  # noqa: S311 - repeatable on purpose


def creditor(name: str, policy: str, **more: object) -> Creditor:
    """Gives a creditor."""
    facts: dict[str, object] = {
        "id": name,
        "legal_name": f"{name.capitalize()} SAS",
        "address": {"lines": ("1 rue du Port",), "postcode": "69002", "city": "Lyon"},
        "email": f"compta@{name}.example",
        "iban": "FR7630006000011234567890189",
        "policy": policy,
        "contact_cap_days": 1,
    }
    return Creditor.model_validate(facts | more)


def shared() -> tuple[Creditor, ...]:
    """Gives the creditors that many debtors share."""
    return tuple(creditor(name, policy) for name, policy in SHARED.items())


def tell(seed: int, name: str) -> Story:
    """Tells the story of one debtor."""
    draw = lots(seed, name)
    owner = _owner(draw, name)
    debtor = Debtor.model_validate(
        {
            "creditor": owner.id,
            "id": name,
            "legal_name": f"Debiteur {name} SARL",
            "address": {"lines": ("2 quai Bas",), "postcode": "69003", "city": "Lyon"}
            if draw.random() < 0.7
            else None,
            "contacts": ({"email": f"compta@{name}.example"},) if draw.random() < 0.95 else (),
        }
    )
    numbers = tuple(f"{name}-{n}" for n in range(1, draw.choices((1, 2, 3, 4), (3, 4, 2, 1))[0] + 1))
    moments = [moment for number in numbers for moment in _life(draw, number)]
    moments += _creditors_whims(draw, owner)
    return Story(debtor, owner, tuple(sorted(moments, key=lambda one: one.day)), numbers)


def _owner(draw: Random, name: str) -> Creditor:
    """Chooses the creditor: facts about a creditor as a whole need one whose only debtor has its time."""
    lot = draw.random()
    if lot < 0.7:
        shared_name = draw.choice(tuple(SHARED))
        return creditor(shared_name, SHARED[shared_name])
    policy = draw.choice(tuple(SHARED.values()))
    cap = draw.choice((1, 2, 5))
    if lot < 0.85:
        return creditor(f"fresh-{name}", policy, payment_freshness_hours=FRESH_HOURS, contact_cap_days=cap)
    return creditor(f"own-{name}", policy, contact_cap_days=cap)


def _life(draw: Random, number: str) -> Iterator[Moment]:
    opened = draw.choice((0.0, draw.uniform(0, 12)))
    due_in = draw.choice((draw.randint(-15, 0), draw.randint(0, 12), draw.randint(11, 30)))
    total = draw.choice(AMOUNTS)
    billed = {"number": number, "due_in": due_in, "total": total}
    yield Moment(opened, "bill", billed)
    fate = draw.choices(tuple(FATES), tuple(FATES.values()))[0]
    yield from _money(draw, fate, number, Decimal(total), opened)
    for kind, odds in STEERED.items():
        if draw.random() < odds:
            at = opened + draw.uniform(0.5, 50)
            yield Moment(at, kind, {"number": number, "days": draw.randint(1, 20), "bill": billed})


def _money(draw: Random, fate: str, number: str, total: Decimal, opened: float) -> Iterator[Moment]:
    when = opened + draw.uniform(0.2, 60)
    part = max((total * draw.randint(10, 90) / 100).quantize(Decimal("0.01")), Decimal("1.00"))
    purse = _Purse(draw, number, total, part, opened, when)
    yield from getattr(purse, f"_{fate.replace(' ', '_')}")()


@dataclass(frozen=True)
class _Purse:
    """Holds what is paid of one invoice, when; each method is the fate of its name."""

    draw: Random
    number: str
    total: Decimal
    part: Decimal
    opened: float
    when: float

    def _pay(self, when: float, **other: object) -> Moment:
        facts = {"number": self.number, "amount": str(self.total), "reference": f"V-{self.number}"}
        return Moment(when, "pay", facts | other)

    def _ignored(self) -> Iterable[Moment]:
        return ()

    def _paid(self) -> Iterable[Moment]:
        return self._pay(self.when), self._pay(self.when + self.draw.uniform(0, 3))

    def _paid_early(self) -> Iterable[Moment]:
        return (self._pay(max(0.0, self.opened - self.draw.uniform(0, 2)), named=True),)

    def _partly_paid(self) -> Iterable[Moment]:
        yield self._pay(self.when, amount=str(self.part))
        if self.draw.random() < 0.5:
            rest, later = str(self.total - self.part), self.when + self.draw.uniform(0.2, 20)
            yield self._pay(later, amount=rest, reference=f"W-{self.number}")

    def _overpaid(self) -> Iterable[Moment]:
        return (self._pay(self.when, amount=str(self.total + 7)),)

    def _on_account(self) -> Iterable[Moment]:
        facts = {"reference": f"A-{self.number}", "amount": str(self.draw.choice((self.part, self.total)))}
        return (Moment(self.when, "pay_on_account", facts),)

    def _reversed(self) -> Iterable[Moment]:
        later = self.when + self.draw.uniform(0.1, 15)
        return self._pay(self.when), Moment(later, "reverse", {"reference": f"V-{self.number}"})

    def _reported(self) -> Iterable[Moment]:
        amount = self.draw.choice((None, str(self.part)))
        report = {"number": self.number, "amount": amount, "reference": f"R-{self.number}"}
        return [Moment(self.when, "report", report)] * self.draw.choice((1, 2))

    def _credited(self) -> Iterable[Moment]:
        amount = str(self.draw.choice((self.part, self.total)))
        note = {"number": self.number, "note": f"N-{self.number}", "amount": amount}
        yield Moment(self.when, "credit", note)
        if self.draw.random() < 0.4:
            yield Moment(self.when + self.draw.uniform(0.5, 10), "cancel_credit", note)

    def _written_off(self) -> Iterable[Moment]:
        return (Moment(self.when, "write_off", {"number": self.number}),)

    def _corrected(self) -> Iterable[Moment]:
        return (Moment(self.when, "correct", {"number": self.number, "total": str(self.part)}),)

    def _dated_oddly(self) -> Iterable[Moment]:
        days = self.draw.choice((-400, -40, 1, 9))
        return [self._pay(when, received_in=days) for when in (self.when, self.when + 10)]


def _creditors_whims(draw: Random, owner: Creditor) -> Iterator[Moment]:
    if owner.id in SHARED:
        return
    if owner.payment_freshness_hours is not None:
        for _ in range(6):
            yield Moment(draw.uniform(0, 40), "payments_known")
    elif draw.random() < 0.8:
        at = draw.uniform(1, 30)
        yield Moment(at, "stop_sending")
        yield Moment(at + draw.uniform(0.5, 20), "resume_sending")
        if draw.random() < 0.4:
            yield Moment(at + draw.uniform(0, 5), "hold_creditor", {"days": draw.randint(1, 10)})
