"""The calendar of an invoice as a line in time: what was, what was not and why, what will be.

In: the points of the line in their order.
Not in: how they look (templates/case/line.html), what decides them (domain/schedule.py).
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from domain.actions import Because, StepOutcome
from domain.agreements import Agreement, Dispute, InstalmentPlan
from domain.calendars import Agenda
from domain.concluding import UNDER_WAY
from domain.policy import DunningStep
from domain.schedule import PlannedStep
from ledger.messages import State as Sending
from ledger.views.case import CaseView, Chain
from ledger.views.days import end_of, said_then

State = Literal["past", "not", "now", "future"]

TOLD = (
    "payment.received",
    "payment.reversed",
    "payment.allocated",
    "credit_note.issued",
    "credit_note.cancelled",
    "agreement.made",
    "agreement.approved",
    "agreement.kept",
    "agreement.partly",
    "agreement.broken",
    "agreement.ended",
    "hold.placed",
    "hold.lifted",
    "invoice.revised",
    "invoice.written_off",
    "invoice.reinstated",
    "case.blocked",
    "case.closed",
    "case.reopened",
    "case.policy_moved",
    "mail.replied",
    "message.bounced",
    "message.voided",
)
"""The entries of the journal that belong on the line; the others stand in the journal below it."""

SYMBOLS = {
    "payment": "banknote",
    "credit_note": "banknote",
    "agreement": "handshake",
    "hold": "pause",
    "mail": "mail",
    "message": "mail",
    "invoice": "file-text",
    "case": "info",
    "email": "mail",
    "letter": "file-text",
    "call": "phone",
    "handoff": "gavel",
}


class Point(NamedTuple):
    """States one point of the line; `about` is what it shows, told apart by `kind`."""

    day: date
    state: State
    kind: str
    symbol: str
    at: datetime | None = None
    step: DunningStep | str | None = None
    about: Any = None
    because: Because | None = None


Passed = Sequence[tuple[DunningStep, date]]
"""Steps that were never taken, each with its day."""


def line(
    view: CaseView, coming: Sequence[PlannedStep], passed: Passed, chain: Chain | None, now: datetime
) -> list[Point]:
    """Puts the line together; `chain` explains the steps that were passed over, where there are any."""
    today = Agenda.of(view.account.creditor, view.account.debtor).today(now)
    points = [*_dates(view, today), *_left(view), *_told(view), *_coming(view, coming)]
    if chain is not None:
        points += _passed(view, chain, passed)
    return sorted(points, key=lambda one: (one.day, one.state == "future", one.state == "now", _turn(one)))


def _turn(point: Point) -> tuple[bool, float]:
    """Orders the points of a day: what has no hour first, then by the hour."""
    return (point.at is not None, point.at.timestamp() if point.at is not None else 0.0)


def _step(view: CaseView, key: str) -> DunningStep | str:
    """Finds a step of the policy; a case that has moved may have taken one that the policy lacks."""
    return next((step for step in view.policy.steps if step.key == key), key)


def _dates(view: CaseView, today: date) -> Iterator[Point]:
    invoice = view.case.invoice
    for day, kind, symbol in (
        (invoice.issue_date, "issued", "file-text"),
        (invoice.due_date, "due", "calendar-days"),
    ):
        yield Point(day, "future" if day > today else "past", kind, symbol)
    yield Point(today, "now", "today", "clock")
    for agreement in view.account.agreements:
        standing = view.account.standing(agreement, today)
        if view.line.number in agreement.invoices and standing in UNDER_WAY:
            for day, amount in _agreed(agreement):
                if day >= today:
                    yield Point(day, "future", agreement.kind, "handshake", about=amount)


def _agreed(agreement: Agreement) -> list[tuple[date, Decimal | None]]:
    """Lists the days that an agreement names, each with its amount where one is named."""
    match agreement:
        case InstalmentPlan():
            return [(part.pay_by, part.amount) for part in agreement.instalments]
        case Dispute():
            return [(agreement.until, agreement.amount)]
        case _:
            return [(agreement.pay_by, agreement.amount)]


def _left(view: CaseView) -> Iterator[Point]:
    """Gives what left or was taken, and what did not leave although it was tried."""
    for message in view.messages:
        reminder = message.reminder
        said = next(one for one in reminder.lines if one.number == view.line.number)
        yield Point(
            day=reminder.day,
            state="not" if message.state is Sending.FAILED else "past",
            kind="message",
            symbol=SYMBOLS[reminder.channel.value],
            at=message.sent_at or reminder.planned_at,
            step=_step(view, said.step),
            about=message,
        )
    for taken in view.case.taken:
        if taken.message is None:
            step, skipped = _step(view, taken.step), taken.outcome is StepOutcome.SKIPPED
            known = isinstance(step, DunningStep) and not skipped
            symbol = SYMBOLS[step.channel.value] if known else "skip-forward"  # type: ignore[union-attr]
            yield Point(taken.day, "past", "step", symbol, step=step, about=taken)


def _told(view: CaseView) -> Iterator[Point]:
    agenda = Agenda.of(view.account.creditor, view.account.debtor)
    for entry in view.entries:
        if entry.kind in TOLD:
            symbol = SYMBOLS[entry.kind.partition(".")[0]]
            yield Point(agenda.today(entry.at), "past", "entry", symbol, entry.at, about=entry)


def _coming(view: CaseView, coming: Sequence[PlannedStep]) -> Iterator[Point]:
    for planned in coming:
        yield Point(
            day=planned.day,
            state="future",
            kind="planned",
            symbol=SYMBOLS[planned.channel.value],
            at=planned.at,
            step=view.policy.step(planned.step),
            because=planned.because,
        )


def _passed(view: CaseView, chain: Chain, passed: Passed) -> Iterator[Point]:
    """Gives the steps that were never taken, each with what the rules said at the end of its day."""
    agenda = Agenda.of(view.account.creditor, view.account.debtor)
    missed = sorted(passed, key=lambda one: one[1])
    ends = [end_of(agenda, day) for _, day in missed]
    for (step, day), said in zip(missed, said_then(chain, view.line.number, ends), strict=True):
        yield Point(
            day=day,
            state="not",
            kind="passed",
            symbol=SYMBOLS[step.channel.value],
            step=step,
            because=said.because if said is not None else None,
        )
