"""The auditor's own sums, against those of the rules: two ways to work out what is owed, one answer."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from audit.money import Money
from domain.account import Account, Case
from domain.actions import Ending
from domain.receivable import Allocation, CreditNote, Invoice, Payment
from tests.domain import build

CURRENCIES = ("EUR", "EUR", "USD")


class Ledgers:
    """Tells the same random story to both."""

    def __init__(self, seed: int) -> None:
        """Begins with some invoices."""
        self.draw = random.Random(seed)  # noqa: S311 - a story to be told again
        self.money = Money()
        self.invoices: dict[str, Invoice] = {}
        self.given_up: set[str] = set()
        self.payments: dict[str, Payment] = {}
        self.notes: dict[str, CreditNote] = {}
        for turn in range(self.draw.randint(1, 5)):
            self.bill(f"F-{turn}", self.draw.choice(CURRENCIES))

    def amount(self) -> Decimal:
        """Draws an amount."""
        return Decimal(self.draw.randint(1, 200)) / 4

    def bill(self, number: str, currency: str) -> None:
        """States an invoice, or a later version of it."""
        due = date(2026, 3, 1) + timedelta(days=self.draw.randint(0, 5))
        self.invoices[number] = build.invoice(number, due, str(self.amount() * 2), currency=currency)
        self.money.bill(self.invoices[number].model_dump(mode="json"))

    def parts(self, currency: str, amount: Decimal) -> tuple[Allocation, ...]:
        """Splits some of an amount over invoices of its currency."""
        numbers = [one.number for one in self.invoices.values() if one.currency == currency]
        chosen = self.draw.sample(numbers, self.draw.randint(0, min(2, len(numbers))))
        return tuple(Allocation(invoice=number, amount=amount / 2) for number in chosen)

    def step(self, turn: int) -> None:
        """Lets one thing happen."""
        number = self.draw.choice(sorted(self.invoices))
        currency, amount = self.draw.choice(CURRENCIES), self.amount() * 2
        match self.draw.randint(0, 6):
            case 0:
                facts = {"creditor": "acme", "debtor": "dubois", "received_on": date(2026, 3, 1)}
                stated = {"reference": f"V-{turn}", "currency": currency, "amount": amount} | facts
                paid = Payment.model_validate(stated | {"allocations": self.parts(currency, amount)})
                self.payments[paid.reference] = paid
                self.money.receive(paid.model_dump(mode="json"))
            case 1 if self.payments:
                paid = self.payments[self.draw.choice(sorted(self.payments))]
                parts = self.parts(paid.currency, paid.amount)
                self.payments[paid.reference] = paid.model_copy(update={"allocations": parts})
                self.money.allocate(paid.reference, [part.model_dump(mode="json") for part in parts])
            case 2 if self.payments:
                paid = self.payments[self.draw.choice(sorted(self.payments))]
                self.payments[paid.reference] = paid.model_copy(update={"reversed": True})
                self.money.reverse(paid.reference)
            case 3:
                of = self.draw.choice([None, number])
                currency = self.invoices[number].currency if of else currency
                note = build.credit_note(str(amount), f"A-{turn}", invoice=of, currency=currency)
                self.notes[note.number] = note
                self.money.credit(note.model_dump(mode="json"))
            case 4 if self.notes:
                note = self.notes[self.draw.choice(sorted(self.notes))]
                self.notes[note.number] = note.model_copy(update={"cancelled": True})
                self.money.cancel(note.number)
            case 5:
                self.bill(number, self.invoices[number].currency)
            case _:
                self.given_up ^= {number}
                self.money.give_up(number, given_up=number in self.given_up)

    def account(self) -> Account:
        """Gives the account as the rules see it."""
        cases = (
            Case(
                invoice=one,
                policy="p",
                ending=Ending.WRITTEN_OFF if one.number in self.given_up else None,
            )
            for one in self.invoices.values()
        )
        return Account(
            creditor=build.creditor(),
            debtor=build.debtor(),
            cases=tuple(cases),
            payments=tuple(self.payments.values()),
            credit_notes=tuple(self.notes.values()),
        )


@pytest.mark.parametrize("seed", range(40))
def test_both_owe_the_same(seed: int) -> None:
    """Whatever is billed, paid, split, returned, credited and given up: both sides agree after each step."""
    ledgers = Ledgers(seed)
    for turn in range(25):
        ledgers.step(turn)
        account = ledgers.account()
        net = ledgers.money.net(ledgers.invoices)
        for number in ledgers.invoices:
            balance = account.balance(number)
            assert (ledgers.money.open(number), net[number]) == (balance.open, balance.net), (turn, number)
