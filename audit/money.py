"""What an account owes, worked out from its journal alone.

In: invoices and their versions, payments, allocations, credit notes, and the money that nothing was said of;
    the same as of a day, by when the money was received.
Not in: what agreements change about it (pacts.py), and whether anybody was asked for it (judging.py).

An invoice owes its total less its credit notes, the payments given to it and what was let go together with
them, never less than nothing. Money that was given to no invoice, credit of the account as a whole, and what
was paid too much count against the oldest debts first, by due date and then by number; an invoice that was
given up takes none of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

ZERO = Decimal("0.00")


@dataclass(slots=True)
class Debt:
    """Holds what is known of one invoice's money."""

    number: str
    currency: str
    total: Decimal
    due: str
    credited: Decimal = ZERO
    paid: Decimal = ZERO
    allowed: Decimal = ZERO
    given_up: bool = False

    @property
    def open(self) -> Decimal:
        """Tells what remains; never below zero."""
        return max(ZERO, self.total - self.credited - self.paid - self.allowed)

    @property
    def surplus(self) -> Decimal:
        """Tells what was paid or credited beyond the total."""
        return max(ZERO, self.credited + self.paid - self.total)


class Part(NamedTuple):
    """Holds what an invoice got of a payment, and what the creditor let go together with it."""

    invoice: str
    amount: Decimal
    allowed: Decimal


@dataclass(slots=True)
class Receipt:
    """Holds one payment: when it came, its parts by invoice, the rest of it, whether it came back."""

    currency: str
    amount: Decimal
    received_on: date
    parts: tuple[Part, ...]
    reversed: bool = False

    @property
    def rest(self) -> Decimal:
        """Tells what was given to no invoice."""
        return self.amount - sum((part.amount for part in self.parts), ZERO)


@dataclass(slots=True)
class Credit:
    """Holds one credit note, of an invoice or of the whole account."""

    currency: str
    amount: Decimal
    issued_on: date
    invoice: str | None
    cancelled: bool = False


@dataclass
class Money:
    """Keeps the money of one account, entry by entry."""

    debts: dict[str, Debt] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    _loose: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    """What no invoice was named for, by currency; surpluses of invoices come on top."""
    _owing: dict[str, Debt] = field(default_factory=dict)
    _overpaid: dict[str, Debt] = field(default_factory=dict)
    _then: dict[date, "Money"] = field(default_factory=dict)
    """The same account as of some days, for as long as nothing is added."""

    def bill(self, stated: Mapping[str, Any]) -> None:
        """Takes an invoice, or a later version of one."""
        number, total = stated["number"], Decimal(stated["total"])
        debt = self.debts.get(number)
        if debt is None:
            debt = self.debts[number] = Debt(number, stated["currency"], total, stated["due_date"])
        else:
            debt.total, debt.due, debt.currency = total, stated["due_date"], stated["currency"]
        self._then.clear()
        self._sort(debt)

    def give_up(self, number: str, *, given_up: bool) -> None:
        """Notes that an invoice was written off, or that this was taken back."""
        self.debts[number].given_up = given_up
        self._then.clear()

    def receive(self, stated: Mapping[str, Any]) -> None:
        """Takes a payment."""
        receipt = Receipt(
            stated["currency"],
            Decimal(stated["amount"]),
            date.fromisoformat(stated["received_on"]),
            _parts(stated["allocations"]),
        )
        self.receipts[stated["reference"]] = receipt
        self._book(receipt, 1)

    def allocate(self, reference: str, allocations: Iterable[Mapping[str, Any]]) -> None:
        """Gives a payment's money to invoices, in place of what was said before."""
        receipt = self.receipts[reference]
        self._book(receipt, -1)
        receipt.parts = _parts(allocations)
        self._book(receipt, 1)

    def reverse(self, reference: str) -> None:
        """Takes a payment back."""
        receipt = self.receipts[reference]
        self._book(receipt, -1)
        receipt.reversed = True

    def credit(self, stated: Mapping[str, Any]) -> None:
        """Takes a credit note."""
        issued_on = date.fromisoformat(stated["issue_date"])
        note = Credit(stated["currency"], Decimal(stated["total"]), issued_on, stated["invoice"])
        self.credits[stated["number"]] = note
        self._note(note, 1)

    def cancel(self, number: str) -> None:
        """Takes a credit note back."""
        note = self.credits[number]
        if not note.cancelled:
            self._note(note, -1)
        note.cancelled = True

    def _book(self, receipt: Receipt, sign: int) -> None:
        self._then.clear()
        if receipt.reversed:
            return
        self._loose[receipt.currency] += sign * receipt.rest
        for part in receipt.parts:
            debt = self.debts[part.invoice]
            debt.paid += sign * part.amount
            debt.allowed += sign * part.allowed
            self._sort(debt)

    def _note(self, note: Credit, sign: int) -> None:
        self._then.clear()
        if note.invoice is None:
            self._loose[note.currency] += sign * note.amount
            return
        debt = self.debts[note.invoice]
        debt.credited += sign * note.amount
        self._sort(debt)

    def _sort(self, debt: Debt) -> None:
        """Keeps those that owe and those that were overpaid apart: most balances need neither list."""
        for shelf, belongs in ((self._owing, debt.open > ZERO), (self._overpaid, debt.surplus > ZERO)):
            if belongs:
                shelf[debt.number] = debt
            else:
                shelf.pop(debt.number, None)

    def until(self, day: date) -> "Money":
        """Gives the same account by the money received, and the credit notes issued, up to a day."""
        if day in self._then:
            return self._then[day]
        then = self._then[day] = Money()
        for one in self.debts.values():
            debt = Debt(one.number, one.currency, one.total, one.due, given_up=one.given_up)
            then.debts[one.number] = debt
            then._sort(debt)
        for receipt in self.receipts.values():
            if receipt.received_on <= day:
                then._book(receipt, 1)
        for note in self.credits.values():
            if note.issued_on <= day and not note.cancelled:
                then._note(note, 1)
        return then

    def came_back(self, number: str) -> bool:
        """Tells whether a payment of an invoice has come back."""
        return any(
            part.invoice == number for one in self.receipts.values() if one.reversed for part in one.parts
        )

    def open(self, number: str) -> Decimal:
        """Tells what an invoice's own books show as unpaid."""
        return self.debts[number].open

    def net(self, numbers: Iterable[str]) -> dict[str, Decimal]:
        """Tells what can honestly be asked for, for each of some invoices of one currency."""
        wanted = {number: self.debts[number] for number in numbers}
        net = {number: debt.open for number, debt in wanted.items()}
        for currency in {debt.currency for debt in wanted.values()}:
            free = self._free(currency)
            if free <= ZERO:
                continue
            for debt in sorted(self._owing.values(), key=lambda one: (one.due, one.number)):
                if debt.currency != currency or debt.given_up:
                    continue
                share = min(free, debt.open)
                free -= share
                if debt.number in net:
                    net[debt.number] -= share
                if free <= ZERO:
                    break
        return net

    def _free(self, currency: str) -> Decimal:
        surplus = (debt.surplus for debt in self._overpaid.values() if debt.currency == currency)
        return self._loose[currency] + sum(surplus, ZERO)


def _parts(allocations: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
    # Entries of the first release know of nothing that was let go.
    return tuple(
        Part(part["invoice"], Decimal(part["amount"]), Decimal(part.get("allowed", ZERO)))
        for part in allocations
    )
