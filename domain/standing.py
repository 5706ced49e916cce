"""Whether an agreement is being kept, judged on money alone, and until when it suspends an invoice.

In: the standing of every kind of agreement on a day, and the suspension that follows from it.
Not in: the agreements themselves (agreements.py), and what a broken one sets going (schedule.py).

Money counts by the day on which it was received: a bank file that comes late does not break what was kept,
and money that came late does not mend what was broken.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from domain.actions import Rule
from domain.agreements import (
    DECIDED_WITHIN,
    Agreement,
    Dispute,
    InstalmentPlan,
    PromiseToPay,
    Settlement,
)
from domain.fact import ZERO

ONE_DAY = timedelta(days=1)

Came = Callable[[date], Decimal]
"""Tells how much came for the invoices of an agreement since it was made, up to a day."""


class Standing(StrEnum):
    """Tells how an agreement stands: undecided, running, kept, kept in part, broken, run out, or ended."""

    PENDING = "pending"
    RUNNING = "running"
    KEPT = "kept"
    PARTLY = "partly"
    BROKEN = "broken"
    EXPIRED = "expired"
    ENDED = "ended"


class Suspension(NamedTuple):
    """Says that an invoice is not to be asked for on some days, both inclusive; `amount` bounds how much."""

    rule: Rule
    starts_on: date
    until: date
    amount: Decimal | None = None

    def covers(self, day: date) -> bool:
        """Tells whether the suspension holds on a day."""
        return self.starts_on <= day <= self.until


class Duty(NamedTuple):
    """Says what must have come by a day, the days of grace included."""

    amount: Decimal
    by: date


def duties(agreement: Agreement, grace: timedelta) -> tuple[Duty, ...]:
    """Lists what an agreement asks of the debtor, each as a sum since it was made; a dispute asks nothing."""
    owed = agreement.owed or ZERO
    match agreement:
        case PromiseToPay():
            return (Duty(agreement.amount or owed, agreement.pay_by + grace),)
        case Settlement():
            return (Duty(agreement.amount, agreement.pay_by + grace),)
        case InstalmentPlan():
            parts = agreement.instalments
            sums = [sum((part.amount for part in parts[: turn + 1]), ZERO) for turn in range(len(parts))]
            return tuple(
                Duty(min(due, owed), part.pay_by + grace) for due, part in zip(sums, parts, strict=True)
            )
        case Dispute():
            return ()


def unmet(agreement: Agreement, came: Came, grace: timedelta) -> Duty | None:
    """Finds the first duty that the money received does not meet; None for an agreement that is kept."""
    return next((duty for duty in duties(agreement, grace) if came(duty.by) < duty.amount), None)


def standing(agreement: Agreement, came: Came, day: date, grace: timedelta) -> Standing:
    """Tells how an agreement stands on a day, by the money known now."""
    if agreement.ended_on is not None:
        return Standing.ENDED
    if agreement.needs_approval and not agreement.approved:
        return Standing.PENDING if day <= agreement.made_on + DECIDED_WITHIN else Standing.EXPIRED
    if isinstance(agreement, Dispute):
        return Standing.RUNNING if day <= agreement.until else Standing.EXPIRED
    duty = unmet(agreement, came, grace)
    if duty is None:
        return Standing.KEPT
    if day <= duty.by:
        return Standing.RUNNING
    return Standing.PARTLY if came(duty.by) > ZERO else Standing.BROKEN


def suspension(agreement: Agreement, came: Came, grace: timedelta) -> Suspension | None:
    """Gives the days on which an agreement suspends its invoices if no more money comes."""
    start = agreement.made_on
    if agreement.ended_on is not None:
        return None
    if agreement.needs_approval and not agreement.approved:
        return Suspension(Rule.UNDECIDED, start, start + DECIDED_WITHIN)
    if isinstance(agreement, Dispute):
        return Suspension(Rule.DISPUTED, start, agreement.until, agreement.amount)
    duty = unmet(agreement, came, grace)
    if duty is None:
        return None
    rule = {"promise": Rule.PROMISED, "plan": Rule.INSTALMENTS, "settlement": Rule.SETTLING}[agreement.kind]
    return Suspension(rule, start, duty.by)


def breaks_on(agreement: Agreement, came: Came, grace: timedelta) -> date | None:
    """Gives the day on which a promise or a plan counts as broken if no more money comes.

    An offer to settle for less that is not taken up breaks nothing: the invoice simply goes on.
    """
    counts = not agreement.needs_approval or agreement.approved
    if agreement.ended_on is not None or not counts or isinstance(agreement, Settlement | Dispute):
        return None
    duty = unmet(agreement, came, grace)
    return duty.by + ONE_DAY if duty is not None else None
