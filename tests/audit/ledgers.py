"""The same random story told to both: to the rules, and to the auditor.

In: invoices and their versions, payments and what was let go, returns, credit notes, agreements.
Not in: what the two should answer (test_money.py, test_pacts.py).
"""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from audit.chains import Entry
from audit.reading import read
from audit.story import Story
from domain.account import Account, Case
from domain.actions import Ending
from domain.agreements import (
    AGREEMENT,
    Agreement,
    HowEnded,
)
from domain.fact import ZERO
from domain.receivable import Allocation, Allowance, CreditNote, Invoice, Payment
from tests.domain import build

CURRENCIES = ("EUR", "EUR", "USD")
FIRST = date(2026, 3, 1)
GRACE = timedelta(days=2)


class Ledgers:
    """Tells the same random story to both."""

    def __init__(self, seed: int) -> None:
        """Begins with some invoices."""
        self.draw = random.Random(seed)  # noqa: S311 - a story to be told again
        self.story = Story(grace=GRACE)
        self.invoices: dict[str, Invoice] = {}
        self.given_up: set[str] = set()
        self.payments: dict[str, Payment] = {}
        self.notes: dict[str, CreditNote] = {}
        self.agreements: dict[str, Agreement] = {}
        self._told = 0
        for turn in range(self.draw.randint(1, 5)):
            self.bill(f"F-{turn}", self.draw.choice(CURRENCIES))

    def tell(self, kind: str, invoice: str | None = None, **facts: Any) -> None:
        """Tells the auditor's side an entry."""
        self._told += 1
        at = datetime.combine(FIRST, datetime.min.time(), UTC)
        read(self.story, Entry("acme", "dubois", self._told, at, kind, invoice, facts, "", ""))

    def amount(self) -> Decimal:
        """Draws an amount."""
        return Decimal(self.draw.randint(1, 200)) / 4

    def day(self) -> date:
        """Draws a day."""
        return FIRST + timedelta(days=self.draw.randint(0, 30))

    def bill(self, number: str, currency: str) -> None:
        """States an invoice, or a later version of it."""
        due = FIRST + timedelta(days=self.draw.randint(0, 5))
        debit = {"direct_debit": self.draw.random() < 0.2}
        bill = build.invoice(number, due, str(self.amount() * 2), currency=currency, **debit)
        kind = "invoice.revised" if number in self.invoices else "invoice.opened"
        self.invoices[number] = bill
        self.tell(kind, number, policy="p", stated=bill.model_dump(mode="json"), version=1)

    def parts(self, currency: str, amount: Decimal) -> tuple[Allocation, ...]:
        """Splits some of an amount over invoices of its currency, and lets something go now and then."""
        numbers = [one.number for one in self.invoices.values() if one.currency == currency]
        chosen = self.draw.sample(numbers, self.draw.randint(0, min(2, len(numbers))))
        allowed = self.draw.choice((ZERO, ZERO, Decimal("0.25")))
        why = Allowance.DIFFERENCE if allowed else None
        return tuple(
            Allocation(invoice=number, amount=amount / 2, allowed=allowed, allowance=why) for number in chosen
        )

    def step(self, turn: int) -> None:
        """Lets one thing happen."""
        number = self.draw.choice(sorted(self.invoices))
        match self.draw.randint(0, 9):
            case 0 | 1:
                self.pay(f"V-{turn}")
            case 2 if self.payments:
                paid = self.payments[self.draw.choice(sorted(self.payments))]
                parts = self.parts(paid.currency, paid.amount)
                self.payments[paid.reference] = paid.model_copy(update={"allocations": parts})
                told = [part.model_dump(mode="json") for part in parts]
                self.tell("payment.allocated", reference=paid.reference, allocations=told)
            case 3 if self.payments:
                paid = self.payments[self.draw.choice(sorted(self.payments))]
                self.payments[paid.reference] = paid.model_copy(update={"reversed": True})
                self.tell("payment.reversed", reference=paid.reference)
            case 4:
                self.credit(f"A-{turn}", self.draw.choice([None, number]))
            case 5 if self.notes:
                note = self.notes[self.draw.choice(sorted(self.notes))]
                self.notes[note.number] = note.model_copy(update={"cancelled": True})
                self.tell("credit_note.cancelled", number=note.number)
            case 6:
                self.bill(number, self.invoices[number].currency)
            case 7:
                self.given_up ^= {number}
                kind = "written_off" if number in self.given_up else "reinstated"
                self.tell(f"invoice.{kind}", number)
            case 8 if self.agreements:
                self.decide(self.draw.choice(sorted(self.agreements)))
            case _:
                self.agree(f"P-{turn}")

    def pay(self, reference: str) -> None:
        """Receives money."""
        currency, amount = self.draw.choice(CURRENCIES), self.amount() * 2
        facts = {"creditor": "acme", "debtor": "dubois", "received_on": self.day(), "reference": reference}
        stated = {"currency": currency, "amount": amount, "allocations": self.parts(currency, amount)}
        paid = self.payments[reference] = Payment.model_validate(facts | stated)
        self.tell("payment.received", stated=paid.model_dump(mode="json"))

    def credit(self, name: str, of: str | None) -> None:
        """Issues a credit note."""
        currency = self.invoices[of].currency if of else self.draw.choice(CURRENCIES)
        on = self.day()
        note = build.credit_note(str(self.amount() * 2), name, invoice=of, currency=currency, issue_date=on)
        self.notes[name] = note
        self.tell("credit_note.issued", stated=note.model_dump(mode="json"))

    def agree(self, name: str) -> None:
        """Makes an agreement about invoices of one currency."""
        first = self.invoices[self.draw.choice(sorted(self.invoices))]
        same = [one.number for one in self.invoices.values() if one.currency == first.currency]
        made, kind = self.day(), self.draw.choice(("dispute", "promise", "plan", "settlement"))
        numbers = self.draw.sample(same, self.draw.randint(1, 1 if kind == "dispute" else min(2, len(same))))
        until = made + timedelta(days=self.draw.randint(0, 10))
        amount = self.draw.choice((None, self.amount()))
        more: dict[str, dict[str, Any]] = {
            "dispute": {"reason": "price", "amount": amount, "until": until},
            "promise": {"amount": amount, "pay_by": until},
            "plan": {
                "instalments": [
                    {"pay_by": until + timedelta(days=5 * turn), "amount": self.amount()}
                    for turn in range(self.draw.randint(1, 4))
                ]
            },
            "settlement": {"amount": self.amount(), "pay_by": until},
        }
        pending = kind == "settlement" or self.draw.random() < 0.2
        facts = {"id": name, "kind": kind, "invoices": numbers, "made_on": made, "needs_approval": pending}
        facts["owed"] = self.account().owed(numbers, made)
        agreed = self.agreements[name] = AGREEMENT.validate_python(facts | more[kind])
        own = {"approved", "ended_on", "ended_how"}
        self.tell("agreement.made", agreement=agreed.model_dump(mode="json", exclude=own))

    def decide(self, name: str) -> None:
        """Has people approve an agreement, or end it."""
        agreed = self.agreements[name]
        if agreed.needs_approval and not agreed.approved:
            self.agreements[name] = agreed.model_copy(update={"approved": True})
            self.tell("agreement.approved", agreement=name)
        elif agreed.ended_on is None and self.draw.random() < 0.4:
            ended = {"ended_on": self.day(), "ended_how": HowEnded.WITHDRAWN}
            self.agreements[name] = agreed.model_copy(update=ended)
            self.tell("agreement.ended", agreement=name, how="withdrawn")

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
            creditor=build.creditor(grace_days=GRACE.days),
            debtor=build.debtor(),
            cases=tuple(cases),
            payments=tuple(self.payments.values()),
            credit_notes=tuple(self.notes.values()),
            agreements=tuple(self.agreements.values()),
        )
