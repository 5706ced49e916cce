"""What one message says: the invoices it speaks for, the amounts, the dates. Facts, not wording.

In: the reminder as the gate permits it, and the key that makes it leave once.
Not in: who may be reminded (gate.py), and the words (correspondence/, config/wording/).
"""

from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.fact import ZERO, Amount, Currency, Fact, Instant, Language
from domain.policy import Channel, NamedTone
from domain.receivable import Creditor, Debtor


class ReminderLine(Fact):
    """States what a message says of one invoice, and which step of its ladder that is.

    `open` is what the books show as unpaid, `disputed` a part of it that is not asked for. `days_overdue`
    counts from the day after the due date and is zero or less before it; `late_days` tells by how many
    days the step itself is behind its plan.
    """

    number: str
    document: str
    step: str
    cycle: int = 1
    rung: int
    issue_date: date
    due_date: date
    total: Amount
    open: Amount
    disputed: Amount = ZERO
    days_overdue: int
    late_days: int = 0
    order_reference: str | None = None
    delivery_reference: str | None = None
    pdf: str | None = None

    @property
    def overdue(self) -> bool:
        """Tells whether the due date has passed."""
        return self.days_overdue > 0


class Earlier(Fact):
    """Recalls an earlier message about at least one of the same invoices."""

    day: date
    channel: Channel
    tone: NamedTone


class Reminder(Fact):
    """States everything that one message to one debtor says.

    `lead` is the invoice with the sternest step, which gives the message its key, its step and its
    tone. `received` is unallocated money already taken off; `asked` is what remains to be asked for.
    `planned_at` is the opening of the sending window in which it leaves; `known_on` is the civil day, in
    the creditor's zone, up to which payments are known.
    """

    creditor: Creditor
    debtor: Debtor
    policy: str
    lead: str
    step: str
    cycle: int = 1
    channel: Channel
    wording: str
    tone: NamedTone
    language: Language
    currency: Currency
    lines: tuple[ReminderLine, ...]
    received: Amount
    asked: Amount
    day: date
    planned_at: Instant
    known_on: date
    deadline: date | None = None
    recipients: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()

    @property
    def key(self) -> str:
        """Identifies the message by its leading invoice, step and cycle: it leaves once under this key."""
        return f"{self.creditor.id}:{self.lead}:{self.step}:{self.cycle}"

    @property
    def id(self) -> UUID:
        """Derives a stable identifier from the key, fit for a Message-ID or a file name."""
        return uuid5(NAMESPACE_URL, f"relance:{self.key}")

    @property
    def overdue_lines(self) -> tuple[ReminderLine, ...]:
        """Lists the invoices whose due date has passed."""
        return tuple(line for line in self.lines if line.overdue)

    @property
    def upcoming_lines(self) -> tuple[ReminderLine, ...]:
        """Lists the invoices that are not due yet."""
        return tuple(line for line in self.lines if not line.overdue)
