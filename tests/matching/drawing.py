"""A month of payments, drawn one after the other, while it is kept account of what is still open.

In: the drawing of customers, invoices and bank entries, each entry with its truth.
Not in: what customers do (habits.py), how they write (writing.py), the measuring (month.py).
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from domain.bank import BankEntry
from domain.fact import ZERO
from domain.matching import BankPayment
from domain.openitems import OpenItem, Recorded
from domain.receivable import Allocation
from tests.matching.books import MONTH, Books, Customer, books, name
from tests.matching.writing import frame, payer

Habit = tuple[str, float, Callable[["Drawing", str], None]]
"""What customers do: its class, how often in a hundred payments, and how it is drawn."""


@dataclass
class Truth:
    """Knows what an entry is: whose money, for which invoices, or which payment it repeats or takes back."""

    kind: str
    debtor: str | None = None
    allocations: tuple[Allocation, ...] = ()
    recorded: str | None = None
    returned: str | None = None


@dataclass
class Month:
    """Holds the books, the payments that were on record before, and each entry with its truth."""

    books: Books
    items: list[OpenItem] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    lines: list[tuple[BankEntry, Truth]] = field(default_factory=list)


class Drawing:
    """Draws a month, one payment after the other, and keeps account of what is still open."""

    def __init__(
        self, seed: int, habits: Sequence[Habit], payments: int, invoices: int = 5700, customers: int = 400
    ) -> None:
        """Draws the books first: five thousand invoices are open, the others settled."""
        self.draw = Random(seed)  # noqa: S311 - a month to be drawn again
        self.books = books(self.draw, invoices, customers)
        self.month = Month(self.books)
        self.open = {item.number: item.open for item in self.books.items.values()}
        self.numbers = list(self.books.items)
        self.spoken_for: set[str] = set()
        self.paid: list[tuple[OpenItem, Decimal]] = []
        self.given: list[BankPayment] = []
        self.day = MONTH
        # Of two companies of one full legal name, nobody could say which is the customer.
        known = {tuple(sorted(one.name.split())) for one in self.books.customers.values()}
        drawn = [name(self.draw, "FR") for _ in range(60)]
        self.strangers = [one for one in drawn if tuple(sorted(one.split())) not in known]
        self._record_before()
        self.month.items = [self._now(item) for item in self.books.items.values()]
        kinds, weights = [habit[0] for habit in habits], [habit[1] for habit in habits]
        makers = {kind: maker for kind, _, maker in habits}
        while len(self.month.lines) < payments:
            self.day = MONTH + timedelta(days=len(self.month.lines) * 30 // payments)
            kind = self.draw.choices(kinds, weights)[0]
            with suppress(LookupError):
                makers[kind](self, kind)

    def _now(self, item: OpenItem) -> OpenItem:
        left = self.open[item.number]
        return item.model_copy(update={"open": left, "closed": item.closed or left == ZERO})

    def owed(self, buyer: Customer) -> list[OpenItem]:
        """Lists what a customer owes today and has received by now."""
        items = (self.books.items[number] for number in self.books.by_customer[buyer.id])
        return [
            item
            for item in items
            if self.open[item.number] > ZERO
            and item.issue_date < self.day
            and item.number not in self.spoken_for
        ]

    def buyer(self, fits: Callable[[Customer], bool] = lambda _: True) -> tuple[Customer, list[OpenItem]]:
        """Chooses a customer who owes something, the big ones more often."""
        return self.owing(lambda _: True, fits)

    def owing(
        self,
        asked: Callable[[OpenItem], bool],
        fits: Callable[[Customer], bool] = lambda _: True,
        least: int = 1,
    ) -> tuple[Customer, list[OpenItem]]:
        """Chooses a customer who owes at least so many invoices of a kind; gives these."""
        for _ in range(200):
            one = self.books.customers[self.books.items[self.draw.choice(self.numbers)].debtor]
            if fits(one) and len(owed := [item for item in self.owed(one) if asked(item)]) >= least:
                return one, owed
        raise LookupError

    def one(self, owed: list[OpenItem]) -> OpenItem:
        """Chooses an invoice, one of the oldest as a rule; of its maturities the first that is open."""
        chosen = owed[min(int(self.draw.expovariate(0.4)), len(owed) - 1)]
        return min((item for item in owed if item.document == chosen.document), key=lambda item: item.age)

    def full(self, items: Iterable[OpenItem]) -> tuple[Allocation, ...]:
        """Pays items in full."""
        return tuple(Allocation(invoice=item.number, amount=self.open[item.number]) for item in items)

    def pays(
        self,
        kind: str,
        buyer: Customer,
        numbers: str,
        allocations: tuple[Allocation, ...],
        *,
        left: Decimal = ZERO,
        **more: Any,
    ) -> None:
        """Puts a payment on the statement, as the bank shows it, and takes it off what is open."""
        amount = sum((part.amount for part in allocations), left)
        for part in allocations:
            self.open[part.invoice] -= part.amount + part.allowed
            self.paid.append((self.books.items[part.invoice], part.amount))
        recorded = more.pop("recorded", None)
        facts: dict[str, Any] = {
            "amount": amount,
            "currency": buyer.currency,
            "credit": True,
            "booked_on": self.day,
            "text": frame(
                self.draw,
                buyer.country,
                numbers,
                who=buyer.name,
                customer=buyer.id,
                amount=amount,
                day=self.day,
            ),
            "payer": payer(self.draw, buyer.name),
            "payer_account": self.draw.choice(buyer.accounts) if self.draw.random() < 0.9 else None,
            "end_to_end": self.draw.choice(
                [None, "NOTPROVIDED", f"{self.draw.randrange(10**9)}", f"E2E-{len(self.given)}"]
            ),
            "bank_reference": f"B{self.draw.randrange(10**10)}",
        }
        if numbers and kind != "parent" and self.draw.random() < 0.01:
            facts["text"] = "VIREMENT"
        entry = BankEntry.model_validate(facts | more)
        truth = Truth(kind, buyer.id, allocations, recorded=recorded if isinstance(recorded, str) else None)
        self.month.lines.append((entry, truth))
        self.given.append(
            BankPayment(
                reference=f"P{len(self.given)}",
                debtor=buyer.id,
                amount=amount,
                currency=buyer.currency,
                received_on=self.day,
                end_to_end=entry.end_to_end,
                bank_reference=entry.bank_reference,
                payer_account=entry.payer_account,
            )
        )

    def _record_before(self) -> None:
        """Has some payments recorded by another system before the bank's file comes."""
        for turn in range(90):
            self.day = MONTH
            buyer, owed = self.owing(lambda item: item.number == item.document)
            item = self.one(owed)
            self.month.recorded.append(
                Recorded(
                    reference=f"ERP-{turn}",
                    debtor=buyer.id,
                    amount=self.open[item.number],
                    currency=buyer.currency,
                    received_on=MONTH + timedelta(days=self.draw.randrange(30)),
                    invoices=(item.number,) if self.draw.random() < 0.8 else (),
                )
            )
            if self.month.recorded[-1].invoices:
                self.open[item.number] = ZERO
            else:
                self.spoken_for.add(item.number)
        self.waiting = list(self.month.recorded)
