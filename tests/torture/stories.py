"""The stories: what happens to each account, drawn from the seed and the debtor's name alone.

In: creditors, debtors, invoices, money, orders, each on its day of the story.
Not in: what people agree (accords.py), how money comes by a bank (tills.py), how a moment is made to happen
    (deeds.py), and the faults (injector.py).

A story is the same whenever it is told, whatever else happens in the run: ONLY=debtor tells it again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from domain.receivable import Creditor, Debtor
from tests.torture import accords
from tests.torture.accords import Accords
from tests.torture.branch import iban_of
from tests.torture.moments import Moment, lots
from tests.torture.tills import by_bank

SHARED = {"north": "seed", "south": "french-b2b"}
"""The creditors that many debtors share, with their policies."""

AMOUNTS = ("12.00", "60.00", "480.00", "1250.50", "9999.99")
FRESH_HOURS = 72
FRESH_DAYS = 4
BANKED = "bank-"
"""What the names of creditors begin with whose bank is read."""

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
    "reply": 0.1,
    "bounce": 0.06,
    "read_mails": 0.1,
}
"""What people do to an invoice or an account, by probability."""

STATUSES = ("203", "205", "206", "207", "208", "209", "210", "211", "212", "213", "225", "226", "227")
"""What the e-invoicing network may report of an invoice."""

SELLERS = {"225", "226"}
REPORTED = 0.12
TOGETHER = 0.2
"""The odds that a status is reported of an invoice, and that people agree about several at once."""


@dataclass(frozen=True)
class Story:
    """Holds one account and everything that happens to it, as the seed has it."""

    seed: int
    debtor: Debtor
    creditor: Creditor
    moments: tuple[Moment, ...]
    numbers: tuple[str, ...]


def creditor(name: str, policy: str, **more: object) -> Creditor:
    """Gives a creditor."""
    facts: dict[str, object] = {
        "id": name,
        "legal_name": f"{name.capitalize()} SAS",
        "address": {"lines": ("1 rue du Port",), "postcode": "69002", "city": "Lyon"},
        "email": f"compta@{name}.example",
        "iban": iban_of(name),
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
    moments = [moment for number in numbers for moment in _life(draw, number, owner.grace_days)]
    if len(numbers) > 1 and draw.random() < TOGETHER:
        moments += _together(draw, name, numbers, owner.grace_days)
    moments += _creditors_whims(draw, owner)
    if owner.id.startswith(BANKED):
        moments = by_bank(draw, moments, often=bool(owner.banks))
    return Story(seed, debtor, owner, tuple(sorted(moments, key=lambda one: one.day)), numbers)


def _owner(draw: Random, name: str) -> Creditor:
    """Chooses the creditor: facts about a creditor as a whole need one whose only debtor has its time."""
    lot = draw.random()
    if lot < 0.42:
        shared_name = draw.choice(tuple(SHARED))
        return creditor(shared_name, SHARED[shared_name])
    policy = draw.choice(tuple(SHARED.values()))
    more = {"contact_cap_days": draw.choice((1, 2, 5)), "grace_days": draw.choice((0, 3, 7))}
    if lot < 0.75:
        source = {"key": "main", "account": iban_of(f"{BANKED}{name}"), "fresh_within_days": FRESH_DAYS}
        return creditor(f"{BANKED}{name}", policy, banks=(source,) if lot < 0.6 else (), **more)
    if lot < 0.88:
        return creditor(f"fresh-{name}", policy, payment_freshness_hours=FRESH_HOURS, **more)
    return creditor(f"own-{name}", policy, **more)


def _life(draw: Random, number: str, grace: int) -> Iterator[Moment]:
    opened = draw.choice((0.0, draw.uniform(0, 12)))
    due_in = draw.choice((draw.randint(-15, 0), draw.randint(0, 12), draw.randint(11, 30)))
    total = draw.choice(AMOUNTS)
    fates = FATES | accords.FATES
    fate = draw.choices(tuple(fates), tuple(fates.values()))[0]
    debited = {"direct_debit": True} if fate == "debited" else {}
    billed = {"number": number, "due_in": due_in, "total": total} | debited
    yield Moment(opened, "bill", billed)
    if fate in accords.FATES:
        talk = Accords(draw, number, Decimal(total), _part(draw, Decimal(total)), opened, due_in, grace)
        yield from getattr(talk, fate.replace(" ", "_"))()
    else:
        yield from _money(draw, fate, number, Decimal(total), opened)
    for kind, odds in STEERED.items():
        if draw.random() < odds:
            at = opened + draw.uniform(0.5, 50)
            yield Moment(at, kind, {"number": number, "days": draw.randint(1, 20), "bill": billed})
    while draw.random() < REPORTED:
        at, code = opened + draw.uniform(0, 40), draw.choice(STATUSES)
        told = {"number": number, "code": code, "on": at, "reporter": "SE" if code in SELLERS else "BY"}
        part = {"amount": str(_part(draw, Decimal(total)))} if code in {"206", "212"} else {}
        yield Moment(at, "status", told | part | ({"reporter": "SE"} if code == "212" else {}))


def _together(draw: Random, name: str, numbers: tuple[str, ...], grace: int) -> Iterator[Moment]:
    """Has people agree about all of a debtor's invoices at once, whatever else becomes of each."""
    talk = Accords(draw, name, Decimal("50.00"), Decimal("20.00"), draw.uniform(2, 20), 0, grace, numbers)
    yield from getattr(talk, draw.choice(("promised", "in_instalments", "settled")))()


def _money(draw: Random, fate: str, number: str, total: Decimal, opened: float) -> Iterator[Moment]:
    when = opened + draw.uniform(0.2, 60)
    part = _part(draw, total)
    purse = _Purse(draw, number, total, part, opened, when)
    yield from getattr(purse, f"_{fate.replace(' ', '_')}")()


def _part(draw: Random, total: Decimal) -> Decimal:
    return max((total * draw.randint(10, 90) / 100).quantize(Decimal("0.01")), Decimal("1.00"))


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
