"""What suspends dunning for a while.

In: holds, always bounded in time, and stops of sending, which last until somebody lifts them.
Not in: disputes, promises to pay, instalment plans and settlements.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.fact import Fact, Key
from domain.policy import Channel

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


class Stop(Fact):
    """Stops sending at once, until it is lifted: of everything, or of one creditor, policy or channel.

    What is left open is not limited: a stop of a channel alone is one for every creditor and policy.
    `policy` is the id of a policy, whatever its version.
    """

    creditor: Key | None = None
    policy: str | None = None
    channel: Channel | None = None

    def covers(self, policy: str, channel: Channel | None) -> bool:
        """Tells whether a step of this policy and channel is stopped; without a channel, whether any is."""
        return self.policy in {None, policy} and self.channel in {None, channel}
