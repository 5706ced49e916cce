"""What suspends dunning for a while: what people agreed, what one of them contests, what an operator holds.

In: disputes, promises to pay, instalment plans, settlements and holds, all bounded in time; stops of
sending, which last until somebody lifts them.
Not in: whether an agreement is being kept, which money alone decides (standing.py).
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from domain.fact import CENT, ZERO, Amount, Fact, Key, PositiveAmount
from domain.policy import Channel

LONGEST_HOLD = timedelta(days=730)
"""The longest a hold may last: what is held for longer is given up, or handed over."""

LONGEST_DISPUTE = timedelta(days=180)
"""The longest a dispute may suspend: what is not answered by then is for a judge or to be given up."""

LONGEST_PROMISE = timedelta(days=120)
LONGEST_PLAN = timedelta(days=731)
"""Two years, the longest delay that a judge may grant a debtor (Code civil 1343-5)."""

DECIDED_WITHIN = timedelta(days=7)
"""How long an agreement that needs approval suspends while nobody has decided."""


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


class HowEnded(StrEnum):
    """Tells how people ended an agreement before its time; a dispute is upheld or rejected."""

    WITHDRAWN = "withdrawn"
    UPHELD = "upheld"
    REJECTED = "rejected"


class _Agreed(Fact):
    """Holds what all agreements have in common.

    `made_on` is the civil day from which it counts. `owed` is what its invoices owed then, filled in when
    it is recorded. One that needs approval has no effect beyond a few days until it is `approved`.
    """

    id: Key
    invoices: tuple[Key, ...] = Field(min_length=1, max_length=100)
    made_on: date
    owed: Amount | None = None
    note: str | None = Field(default=None, max_length=500)
    needs_approval: bool = False
    approved: bool = False
    ended_on: date | None = None
    ended_how: HowEnded | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.invoices)) != len(self.invoices):
            msg = f"an invoice is named twice among {', '.join(self.invoices)}; name each once"
            raise ValueError(msg)
        return self

    def _lasts(self, until: date, longest: timedelta, what: str) -> None:
        if until < self.made_on:
            msg = f"{what} of {self.made_on} cannot run to {until}, a day before it; give a later day"
            raise ValueError(msg)
        if until > self.made_on + longest:
            last = self.made_on + longest
            msg = (
                f"{what} of {self.made_on} cannot run to {until}; give a day up to {last}, "
                f"{longest.days} days later"
            )
            raise ValueError(msg)


class DisputeReason(StrEnum):
    """Names what a debtor contests."""

    PRICE = "price"
    QUANTITY = "quantity"
    QUALITY = "quality"
    DELIVERY = "delivery"
    DUPLICATE = "duplicate"
    ORDER = "order"
    TAX = "tax"
    DETAILS = "details"
    NOT_OURS = "not_ours"
    OTHER = "other"


class Dispute(_Agreed):
    """States that a debtor contests an invoice, wholly or by an amount; the rest can be asked for.

    The contested amount leaves every message and every sum that decides, up to and including `until`, by
    when `owner` answers. An answer that does not come lets the invoice go on; its grave steps then wait
    for a person.
    """

    kind: Literal["dispute"] = "dispute"
    reason: DisputeReason
    lines: tuple[str, ...] = Field(default=(), max_length=50)
    amount: PositiveAmount | None = None
    owner: str | None = Field(default=None, max_length=140)
    document: str | None = Field(default=None, max_length=40)
    until: date

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(self.invoices) != 1:
            msg = "a dispute is about one invoice; open one for each"
            raise ValueError(msg)
        self._lasts(self.until, LONGEST_DISPUTE, "a dispute")
        return self


class PromiseToPay(_Agreed):
    """States that a debtor promised an amount, everything if none is named, by a day.

    A few days of grace, for the bank's way, belong to it (DunningPolicy.agreements).
    """

    kind: Literal["promise"] = "promise"
    amount: PositiveAmount | None = None
    pay_by: date

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        self._lasts(self.pay_by, LONGEST_PROMISE, "a promise")
        return self


class Instalment(Fact):
    """States one part of a plan and the day by which it is to be paid."""

    pay_by: date
    amount: PositiveAmount


class InstalmentPlan(_Agreed):
    """States that invoices are paid in instalments; the first one missed ends the plan.

    The whole rest may then be asked for again at once.
    """

    kind: Literal["plan"] = "plan"
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [part.pay_by for part in self.instalments]
        if any(after <= before for before, after in pairwise(days)):
            msg = "instalments follow one another, each on a day of its own"
            raise ValueError(msg)
        self._lasts(days[0], LONGEST_PLAN, "a plan")
        self._lasts(days[-1], LONGEST_PLAN, "a plan")
        return self

    @property
    def total(self) -> Decimal:
        """Sums the instalments."""
        return sum((part.amount for part in self.instalments), ZERO)


class Settlement(_Agreed):
    """Offers to let the rest go if an amount is paid by a day; a person approves each one first."""

    kind: Literal["settlement"] = "settlement"
    needs_approval: bool = True
    amount: PositiveAmount
    pay_by: date

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.needs_approval:
            msg = "a settlement gives money away: a person approves it"
            raise ValueError(msg)
        self._lasts(self.pay_by, LONGEST_PROMISE, "a settlement")
        return self


Agreement = Annotated[Dispute | PromiseToPay | InstalmentPlan | Settlement, Field(discriminator="kind")]
"""Any agreement, told apart by its `kind`."""

AGREEMENT: TypeAdapter[Agreement] = TypeAdapter(Agreement)
"""Reads and writes any agreement."""


class Rhythm(StrEnum):
    """Names how far the instalments of a plan lie apart."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


def equal_instalments(total: Decimal, count: int, first: date, rhythm: Rhythm) -> tuple[Instalment, ...]:
    """Divides an amount into equal instalments; the last one takes the cents that do not divide.

    A monthly one falls on the day of the first, or on the last day of a shorter month. Raises ValueError
    where less than a cent would fall to each.
    """
    part = (total / count).quantize(CENT, ROUND_DOWN)
    if part <= ZERO:
        msg = f"{total} cannot be divided into {count} instalments; take fewer"
        raise ValueError(msg)
    days = tuple(_days(count, first, rhythm))
    amounts = [*[part] * (count - 1), total - part * (count - 1)]
    return tuple(Instalment(pay_by=day, amount=amount) for day, amount in zip(days, amounts, strict=True))


def _days(count: int, first: date, rhythm: Rhythm) -> Iterator[date]:
    for turn in range(count):
        if rhythm is Rhythm.WEEKLY:
            yield first + timedelta(weeks=turn)
            continue
        years, month = divmod(first.month - 1 + turn, 12)
        year, month = first.year + years, month + 1
        yield date(year, month, min(first.day, monthrange(year, month)[1]))
