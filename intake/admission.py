"""The answer of the door: what became of an event.

In: the answer and its words.
Not in: refusals, which are exceptions (InputRefused) because nothing was written.
"""

from enum import StrEnum

from domain.fact import Fact
from intake.warnings import Warned


class Status(StrEnum):
    """Names what became of an event that was not refused.

    TAKEN changed the record, KNOWN changes nothing because the record says so already, WAITING is kept
    until the invoice that it speaks of arrives.
    """

    TAKEN = "taken"
    KNOWN = "known"
    WAITING = "waiting"


class Admission(Fact):
    """Says what became of an event: its type, whose it is, the invoices concerned, and one sentence.

    `warnings` are what a person should look at, although the event was taken in.
    """

    status: Status
    event: str
    creditor: str
    numbers: tuple[str, ...] = ()
    what: str
    warnings: tuple[Warned, ...] = ()
