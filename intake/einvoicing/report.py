"""A status of an invoice while it is applied: what it is about, and the marks it leaves.

In: the cases concerned, holds and tasks named after the status, taking them back.
Not in: which status does what (effects.py).

Whatever a status makes is named after it (statuses.key_of), so that a later one can take it back.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.actions import Ending
from domain.agreements import Hold, HoldScope, HowEnded
from domain.events import StatusReported
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.einvoicing.statuses import Reported, key_of
from intake.visit import Visit
from ledger import tasks
from ledger.book import Book

BY_NETWORK = "e-invoicing"
"""The author of what follows from a status."""

NOTHING_OWED = "noted: nothing is owed any more"

TASKS = ("missing-piece", "factored", "new-account", "status-claimed", "cashed-differs")
"""The tasks that statuses give to people, beside those of a case that cannot go on."""


@dataclass(frozen=True)
class Report:
    """Holds a status while it is applied: the cases concerned, what was reported before, what came of it.

    `facts` is what the journal is to remember beside the status.
    """

    visit: Visit
    book: Book
    status: StatusReported
    numbers: tuple[str, ...]
    before: tuple[Reported, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """Gives the civil day of the status for the creditor."""
        return self.status.at.astimezone(ZoneInfo(self.book.account.creditor.time_zone)).date()

    @property
    def owing(self) -> tuple[str, ...]:
        """Lists the cases that are neither settled nor given up, the oldest due date first."""
        account = self.book.account
        return tuple(
            number
            for number in self.numbers
            if account.settlement(number) is None and account.case(number).ending is not Ending.WRITTEN_OFF
        )

    @property
    def open(self) -> Decimal:
        """Sums what the books show as unpaid."""
        return sum((self.book.account.balance(number).open for number in self.owing), ZERO)


async def take_back(report: Report, earlier: StatusReported) -> None:
    """Ends the dispute, lifts the holds and closes the tasks that an earlier status made."""
    book, name = report.book, name_of(earlier)
    why = f"status {report.status.code} came after it"
    for one in book.account.agreements:
        if one.id.partition("/")[0] == name and one.ended_on is None:
            await book.end_agreement(one.id, HowEnded.WITHDRAWN, why, BY_NETWORK)
    for held in book.account.holds:
        if held.id.partition("/")[0] == name and held.lifted_on is None:
            await book.lift_hold(held.id, BY_NETWORK)
    for kind in TASKS:
        await tasks.close_if_open(book, _task_key(kind, earlier), why, BY_NETWORK)


async def hold(report: Report, until: date, reason: str) -> str:
    """Suspends what is still owed on the invoice up to a day, if that has not passed."""
    book = report.book
    if not report.owing:
        return NOTHING_OWED
    if until < book.today:
        return f"noted: its time passed on {until}"
    for turn, number in enumerate(report.owing, start=1):
        placed = Hold(
            id=f"{name_of(report.status)}/{turn}",
            scope=HoldScope.INVOICE,
            invoice=number,
            starts_on=book.today,
            until=until,
            reason=reason,
        )
        await book.place_hold(placed, BY_NETWORK)
    return f"held until {until}: {reason}"


async def ask(report: Report, kind: str, **more: str) -> None:
    """Gives a person the task that follows from the status, with all that it says."""
    number = (report.owing or report.numbers)[0]
    detail = told_by(report.status) | more
    await report.book.open_task(kind, _task_key(kind, report.status), number, report.book.today, detail)


def told_by(status: StatusReported) -> dict[str, str]:
    """Gathers what a status says to a person."""
    told = {
        "status": status.code,
        "reasons": ", ".join(status.reasons),
        "actions": ", ".join(status.actions),
        "text": status.text or "",
    }
    return {name: value for name, value in told.items() if value}


def name_of(status: StatusReported) -> str:
    """Names what a status makes."""
    return f"cdv-{key_of(status)}"


def _task_key(kind: str, status: StatusReported) -> str:
    return f"{kind}:{status.creditor}:{key_of(status)}"


def check_currency(report: Report, numbers: tuple[str, ...]) -> str:
    """Gives the currency of the invoice; raises InputRefused where the status tells an amount in another."""
    owed_in = report.book.case(numbers[0]).invoice.currency
    stated = report.status.currency
    if stated not in {None, owed_in}:
        remedy = f"invoice {numbers[0]} is in {owed_in}; get the message again from the platform"
        raise InputRefused("currency", stated, remedy)
    return owed_in
