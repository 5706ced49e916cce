"""What suspends dunning for a while.

In: holds, always bounded in time.
Not in: disputes, promises to pay, instalment plans and settlements.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.fact import Fact, Key

LONGEST_HOLD = timedelta(days=730)
"""The longest a hold may last: what is held for longer is given up, or handed over."""


class HoldScope(StrEnum):
    """Tells how much a hold covers."""

    INVOICE = "invoice"
    DEBTOR = "debtor"
    CREDITOR = "creditor"


class Hold(Fact):
    """Suspends dunning from its first to its last day, both inclusive, in the creditor's zone.

    A hold without an end does not exist: dunning resumes by itself on the day after `until`.
    """

    id: str
    scope: HoldScope
    invoice: Key | None = None
    starts_on: date
    until: date
    reason: str = Field(min_length=1, max_length=64)
    lifted_on: date | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.starts_on <= self.until <= self.starts_on + LONGEST_HOLD:
            longest = LONGEST_HOLD.days
            msg = f"a hold from {self.starts_on} lasts {longest} days at most, it cannot end on {self.until}"
            raise ValueError(msg)
        if (self.scope is HoldScope.INVOICE) != (self.invoice is not None):
            msg = "a hold on an invoice names it, and no other hold does"
            raise ValueError(msg)
        return self

    def covers(self, invoice: str, day: date) -> bool:
        """Tells whether the hold suspends this invoice on that day."""
        return (
            self.lifted_on is None
            and self.starts_on <= day <= self.until
            and (self.scope is not HoldScope.INVOICE or self.invoice == invoice)
        )
