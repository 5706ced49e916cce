"""What a debtor answers to a message, without an account and without proof.

In: the six answers, their fields and their bounds; the event that brings one in.
Not in: what an answer sets going (intake/answers.py), and the page on which it is given (console/answers/).

An answer comes through the debtor's own link. It is no event of the public union (events.py): a file or a
program of the creditor's cannot speak for the debtor.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from domain.agreements import DisputeReason
from domain.fact import Fact, Key, PositiveAmount

Numbers = Annotated[tuple[Key, ...], Field(min_length=1, max_length=100)]
"""The invoices that an answer is about."""

Attached = Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.(pdf|jpg|png)$")]
"""The name of a file that a debtor sent, in the folder `answers` of the documents."""

FEWEST_INSTALMENTS = 2
MOST_INSTALMENTS = 12


class Means(StrEnum):
    """Names the ways in which a debtor may have paid."""

    TRANSFER = "transfer"
    CHEQUE = "cheque"
    CARD = "card"
    DEBIT = "debit"
    OTHER = "other"


class AlreadyPaid(Fact):
    """States that invoices were paid: when, how much, how, and under which reference."""

    kind: Literal["paid"] = "paid"
    invoices: Numbers
    amount: PositiveAmount
    paid_on: date
    means: Means = Means.TRANSFER
    reference: str | None = Field(default=None, max_length=80)


class WillPay(Fact):
    """States that invoices will be paid by a day: an amount, or all that is asked for."""

    kind: Literal["promise"] = "promise"
    invoices: Numbers
    pay_by: date
    amount: PositiveAmount | None = None


class Contests(Fact):
    """States what is wrong with an invoice: wholly or by an amount, perhaps with a document."""

    kind: Literal["dispute"] = "dispute"
    invoices: Annotated[tuple[Key, ...], Field(min_length=1, max_length=1)]
    reason: DisputeReason
    lines: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] = Field(default=(), max_length=20)
    amount: PositiveAmount | None = None
    text: str = Field(min_length=1, max_length=500)
    document: Attached | None = None


class NeedsInstalments(Fact):
    """Asks to pay invoices in equal monthly instalments."""

    kind: Literal["instalments"] = "instalments"
    invoices: Numbers
    count: int = Field(ge=FEWEST_INSTALMENTS, le=MOST_INSTALMENTS)
    first: date


class WrongContact(Fact):
    """States who should be written to instead."""

    kind: Literal["contact"] = "contact"
    name: str | None = Field(default=None, min_length=1, max_length=140)
    email: str | None = Field(default=None, max_length=254)
    role: str | None = Field(default=None, max_length=80)

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.name is None and self.email is None:
            msg = "a contact has a name, an e-mail address, or both"
            raise ValueError(msg)
        return self


class NeverReceived(Fact):
    """States that invoices never arrived."""

    kind: Literal["missing"] = "missing"
    invoices: Numbers


Answer = Annotated[
    AlreadyPaid | WillPay | Contests | NeedsInstalments | WrongContact | NeverReceived,
    Field(discriminator="kind"),
]
"""Any answer, told apart by its `kind`."""


class DebtorAnswered(Fact):
    """States what a debtor answered by the link of a reminder."""

    type: Literal["debtor.answered"] = "debtor.answered"
    creditor: Key
    debtor: Key
    link: UUID
    answer: Answer
