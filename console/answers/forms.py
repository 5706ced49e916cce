"""What a debtor types, and the answer that it makes.

In: one form for each answer, which invoices were chosen, refusals as sentences beside their field.
Not in: what an answer sets going (intake/answers.py), how a form looks (templates/answers/).
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from starlette.datastructures import UploadFile

from console.answers.statement import Line
from console.forms import Form, Text, TypedAmount
from correspondence.formats import one_line
from domain.agreements import DisputeReason
from domain.answers import (
    FEWEST_INSTALMENTS,
    MOST_INSTALMENTS,
    AlreadyPaid,
    Answer,
    Contests,
    Means,
    NeedsInstalments,
    NeverReceived,
    WillPay,
    WrongContact,
)
from domain.faults import InputRefused

ALL = "*"
"""Stands for every invoice on offer."""

Line_ = Annotated[Text, AfterValidator(one_line)]
"""A text kept as one line: what a debtor types is never more than words."""


class About(Form):
    """Names the invoice that an answer is about, or all of them."""

    invoices: str = Field(min_length=1, max_length=64)

    def chosen(self, offered: tuple[Line, ...]) -> tuple[str, ...]:
        """Lists the invoices meant; none where something was named that was not on offer."""
        return tuple(line.number for line in offered if self.invoices in {ALL, line.number})


class Paid(About):
    """States what is typed of a payment."""

    amount: TypedAmount
    paid_on: date
    means: Means
    reference: Annotated[Line_ | None, Field(max_length=80)] = None

    def answer(self, invoices: tuple[str, ...]) -> Answer:
        """Makes the answer."""
        return AlreadyPaid(invoices=invoices, **self.model_dump(exclude={"invoices"}))


class Promise(About):
    """States what is typed of a promise."""

    pay_by: date
    amount: TypedAmount | None = None

    def answer(self, invoices: tuple[str, ...]) -> Answer:
        """Makes the answer."""
        return WillPay(invoices=invoices, **self.model_dump(exclude={"invoices"}))


class Disputed(About):
    """States what is typed of a dispute; `file` is what was attached."""

    reason: DisputeReason
    lines: Annotated[Line_ | None, Field(max_length=200)] = None
    amount: TypedAmount | None = None
    text: Annotated[Line_, Field(min_length=1, max_length=500)]
    file: Any = None

    @property
    def attached(self) -> UploadFile | None:
        """Gives the file, where one was chosen."""
        chosen = isinstance(self.file, UploadFile) and self.file.filename
        return self.file if chosen else None

    def answer(self, invoices: tuple[str, ...], document: str | None = None) -> Answer:
        """Makes the answer."""
        lines = tuple(part.strip()[:40] for part in (self.lines or "").split(",") if part.strip())[:20]
        told = self.model_dump(include={"reason", "amount", "text"})
        return Contests(invoices=invoices, lines=lines, document=document, **told)


class Instalments(About):
    """States what is typed of a wish for instalments."""

    count: int = Field(ge=FEWEST_INSTALMENTS, le=MOST_INSTALMENTS)
    first: date

    def answer(self, invoices: tuple[str, ...]) -> Answer:
        """Makes the answer."""
        return NeedsInstalments(invoices=invoices, count=self.count, first=self.first)


class Contact(Form):
    """States what is typed of somebody else to write to."""

    name: Annotated[Line_, Field(min_length=1, max_length=140)]
    email: Annotated[Line_ | None, Field(max_length=254)] = None
    role: Annotated[Line_ | None, Field(max_length=80)] = None

    def answer(self, _invoices: tuple[str, ...] = ()) -> Answer:
        """Makes the answer."""
        return WrongContact(**self.model_dump())


class Missing(About):
    """States which invoice never arrived."""

    def answer(self, invoices: tuple[str, ...]) -> Answer:
        """Makes the answer."""
        return NeverReceived(invoices=invoices)


FORMS: dict[str, type[Paid | Promise | Disputed | Instalments | Contact | Missing]] = {
    "paid": Paid,
    "promise": Promise,
    "dispute": Disputed,
    "instalments": Instalments,
    "contact": Contact,
    "missing": Missing,
}


def refused(refusal: InputRefused, say: Callable[[str], str]) -> dict[str, str]:
    """Says in the debtor's language what cannot be taken, beside its field; nothing of the record's words."""
    field = refusal.field.rsplit(".", 1)[-1]
    sentences = {
        "link": ("", say("You have answered ten times today. Please reply to our message, or call us.")),
        "invoices": (
            "invoices",
            say("This has been answered already, or changed meanwhile. Please reply to our message instead."),
        ),
        "amount": ("amount", say("This is more than what is open.")),
        "paid_on": ("paid_on", say("Give a day that has passed, within the last two years.")),
        "pay_by": ("pay_by", say("Give a day from today on, within the next 120 days.")),
        "first": ("first", say("Give a day from today on, within the next 60 days.")),
        "count": ("count", say("Take fewer instalments.")),
        "email": ("email", say("This is not a complete e-mail address.")),
    }
    unknown = ("", say("This could not be taken. Please reply to our message instead."))
    return dict([sentences.get(field, unknown)])
