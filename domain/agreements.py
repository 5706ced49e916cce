"""What suspends dunning for a while.

In: holds, always bounded in time.
Not in: disputes, promises to pay, instalment plans and settlements.
"""

from datetime import date
from enum import StrEnum

from pydantic import Field

from domain.fact import Fact, Key


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

    def covers(self, invoice: str, day: date) -> bool:
        """Tells whether the hold suspends this invoice on that day."""
        return (
            self.lifted_on is None
            and self.starts_on <= day <= self.until
            and (self.scope is not HoldScope.INVOICE or self.invoice == invoice)
        )
