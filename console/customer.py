"""What the page of a customer and its commands both need: the address, what was read, what follows.

In: the customer as a page sees him: balances by age, exposure, what he hears next.
Not in: reading the record (ledger/views/debtor.py), the page (pages/debtors.py), what is done (commands/).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote, unquote

from babel.dates import format_date
from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from console.forms import TypedAmount, sentence_of
from console.seats import Seat
from domain import credit
from domain.account import Account, Case
from domain.actions import Ending, Outcome
from domain.ageing import Age, age
from domain.agreements import Hold, HoldScope
from domain.calendars import Agenda
from domain.credit import CreditAnswer, Limits
from domain.fact import ZERO
from domain.receivable import Payment
from domain.reminder import Reminder
from domain.simulation import Entry, simulate
from ledger.views import debtor as reading
from ledger.views.debtor import DebtorView

ONE_DAY = timedelta(days=1)
LATE_DAYS = 15
"""From how many days on a month's payments count as late at a glance."""

SHOWN_CLOSED = 50
LOOKED_AHEAD = 3
"""How many instants at which something is planned are lived through to find the next message."""

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(TypedAmount)


class Named(NamedTuple):
    """Names a customer, and what of him is asked for: a command, or nothing for his page."""

    creditor: str
    debtor: str
    asked: str


def named(request: Request, creditor: str, rest: str) -> Named:
    """Reads the address as it was written.

    Ids may hold a slash, which links write as %2F; the path that the router sees has lost that.
    """
    raw: bytes = request.scope.get("raw_path") or f"/debtors/{creditor}/{rest}".encode()
    parts = [unquote(part) for part in raw.decode("ascii").removeprefix("/debtors/").split("/")]
    return Named(parts[0], parts[1] if len(parts) > 1 else "", "/".join(parts[2:]))


def home(address: Named) -> str:
    """Gives the address of a customer's page."""
    return f"/debtors/{quote(address.creditor, safe='')}/{quote(address.debtor, safe='')}"


class Coming(NamedTuple):
    """States what a customer hears next: a message, or what people do about some invoices."""

    message: Reminder | None
    deeds: tuple[Entry, ...]


@dataclass(frozen=True)
class Customer:
    """Holds what was read about a customer, for somebody who may see it."""

    seat: Seat
    view: DebtorView

    @property
    def account(self) -> Account:
        """Gives the account as the rules see it."""
        return self.view.account

    @cached_property
    def today(self) -> date:
        """Gives the civil day in the creditor's zone."""
        return Agenda.of(self.account.creditor, self.account.debtor).today(self.seat.now)

    @cached_property
    def open_cases(self) -> tuple[Case, ...]:
        """Lists the open cases, the oldest due date first."""
        return tuple(self.account.case(number) for number in self.account.open_numbers())

    @property
    def closed_cases(self) -> tuple[Case, ...]:
        """Lists the latest closed cases."""
        closed = (case for case in self.account.cases if case.ending is not None)
        return tuple(sorted(closed, key=lambda case: case.invoice.due_date, reverse=True)[:SHOWN_CLOSED])

    def still(self, number: str) -> Decimal:
        """Tells what the books show as unpaid of an invoice."""
        return self.account.balance(number).open

    def _owing(self) -> Iterable[tuple[Case, Decimal]]:
        for case in self.account.cases:
            owed = self.still(case.invoice.number)
            if owed > ZERO and case.ending is not Ending.WRITTEN_OFF:
                yield case, owed

    def aged(self) -> dict[str, dict[Age, Decimal]]:
        """Sums what is unpaid by currency and age."""
        sums: dict[str, dict[Age, Decimal]] = {}
        for case, owed in self._owing():
            ages = sums.setdefault(case.invoice.currency, dict.fromkeys(Age, ZERO))
            ages[age(case.invoice.due_date, self.today)] += owed
        return sums

    @cached_property
    def exposure(self) -> dict[str, Decimal]:
        """Sums what is owed in all by currency, unallocated money taken off."""
        return {code: one for code, one in credit.exposure(self.account, self.today).items() if one}

    @cached_property
    def limits(self) -> Limits:
        """Gives the limits of what he may owe."""
        return Limits.of(self.account.debtor)

    def credit(self, typed: str) -> tuple[CreditAnswer, str, dict[str, str]]:
        """Says whether an order may be delivered on credit; an amount that cannot be read is a mistake."""
        order, mistakes = ZERO, dict[str, str]()
        if typed.strip():
            try:
                order = AMOUNT.validate_python(typed)
            except ValidationError as refused:
                mistakes = {"order": sentence_of(refused.errors()[0])}
        limits = self.limits
        answer = credit.may_deliver(self.account, order, self.today, limits, currency=limits.currency)
        return answer, typed, mistakes

    @cached_property
    def unallocated(self) -> tuple[Payment, ...]:
        """Lists the payments with money that no invoice has received."""
        return tuple(one for one in self.account.payments if one.unallocated > ZERO)

    @cached_property
    def presumed(self) -> dict[str, Decimal]:
        """Sums by currency what of his free money and credit is presumed to pay open invoices."""
        sums: dict[str, Decimal] = {}
        for case in self.open_cases:
            share = self.account.balance(case.invoice.number).presumed
            if share > ZERO:
                sums[case.invoice.currency] = sums.get(case.invoice.currency, ZERO) + share
        return sums

    @cached_property
    def holds(self) -> tuple[Hold, ...]:
        """Lists the holds that stand, today or later: the creditor's, the customer's, those of invoices."""
        order = {HoldScope.CREDITOR: 0, HoldScope.DEBTOR: 1, HoldScope.INVOICE: 2}
        there = (one for one in self.account.holds if one.lifted_on is None and one.until >= self.today)
        return tuple(sorted(there, key=lambda one: (order[one.scope], one.until)))

    @cached_property
    def coming(self) -> Coming | None:
        """Foresees the next message and what people do before it, by the rules of the live run."""
        found = None
        plans = (plan for plan in self.view.plans.values() if plan is not None and plan.at is not None)
        moments = sorted({max(plan.at, self.seat.now) for plan in plans if plan.at is not None})
        # Most often the first of them brings a message; approvals and calls come before it at times.
        for moment in moments[:LOOKED_AHEAD]:
            lived = simulate([self.account], self.view.policies, (), self.seat.now, moment + ONE_DAY)
            deeds = tuple(one for one in lived.entries if one.what in {Outcome.TASK, Outcome.HANDED_OFF})
            message = next(iter(lived.messages), None)
            if message is not None:
                return Coming(message, tuple(one for one in deeds if one.at <= message.planned_at))
            found = Coming(None, deeds) if deeds else found
        return found


async def read(seat: Seat, address: Named, mails: int = 0) -> Customer:
    """Reads a customer; raises NotFound for one that is not there or not theirs to see."""
    seat.check(address.creditor)
    async with seat.office.database.reading() as conn:
        view = await reading.view(conn, address.creditor, address.debtor, seat.office.shelf, mails=mails)
    return Customer(seat, view)


def month_name(first: date, language: str) -> str:
    """Names a month in a few letters; a January stands above its year."""
    name = format_date(first, "LLL", locale=language).rstrip(".")
    return f"{name} {first:%Y}" if first.month == 1 else name
