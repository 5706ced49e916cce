"""What was agreed about an invoice: disputes, promises, plans and settlements, made, approved and ended.

In: their forms, and the events that they become.
Not in: whether one can be made (domain/concluding.py), how it stands (domain/standing.py).
"""

import re
from datetime import date
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from console.commands.desk import Command, Desk
from console.forms import Form, Text, TypedAmount
from domain.agreements import Agreement, DisputeReason, HowEnded, Instalment, Rhythm
from domain.events import AgreementEnded
from domain.fact import ZERO
from domain.faults import NotAllowed
from intake.admission import Status
from intake.proposing import agreement_event, divided_equally
from ledger.people import Role

AMOUNT: TypeAdapter[TypedAmount] = TypeAdapter(TypedAmount)
FRENCH_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})")


class Contested(Form):
    """States what a customer contests; without an amount, all of it."""

    reason: DisputeReason
    until: date
    amount: TypedAmount | None = None
    lines: Text | None = Field(default=None, max_length=4000)
    owner: Text | None = Field(default=None, max_length=140)
    note: Text | None = Field(default=None, max_length=500)


class Together(Form):
    """States what agreements about money have in common; `invoices` are others it is also about."""

    invoices: tuple[str, ...] = ()
    note: Text | None = Field(default=None, max_length=500)


class Promised(Together):
    """States a promise; without an amount, everything."""

    pay_by: date
    amount: TypedAmount | None = None


class Settled(Together):
    """States for how much the rest is let go, and by when."""

    pay_by: date
    amount: TypedAmount


class Planned(Together):
    """States equal instalments, or `given` ones, a line for each: its day and its amount."""

    instalments: int | None = Field(default=None, ge=2, le=60)
    first: date | None = None
    every: Rhythm = Rhythm.MONTHLY
    given: Text | None = Field(default=None, max_length=4000)


class Ended(Form):
    """States how and why an agreement ends before its time."""

    agreement: str
    how: HowEnded = HowEnded.WITHDRAWN
    reason: Text = Field(min_length=1, max_length=200)


class Agreed(Form):
    """Names an agreement that takes effect."""

    agreement: str


async def _dispute(desk: Desk, form: Contested) -> str:
    lines = [one.strip() for one in (form.lines or "").splitlines() if one.strip()]
    _ahead(desk, "until", form.until)
    stated = form.model_dump(mode="json", exclude={"lines", "amount"}) | {"lines": lines}
    said = await _make(desk, "dispute", (), stated | {"amount": form.amount})
    return said or desk.say(
        "Dispute recorded: until %(until)s, that day included, what is contested is not asked for.",
        until=form.until,
    )


async def _promise(desk: Desk, form: Promised) -> str:
    _ahead(desk, "pay_by", form.pay_by)
    said = await _make(desk, "promise", form.invoices, _money(form))
    return said or desk.say(
        "Promise recorded: no reminders until %(day)s and the days of grace.", day=form.pay_by
    )


async def _settlement(desk: Desk, form: Settled) -> str:
    _ahead(desk, "pay_by", form.pay_by)
    said = await _make(desk, "settlement", form.invoices, _money(form))
    return said or desk.say("Settlement recorded: it waits for somebody else to approve it.")


def _money(form: Promised | Settled) -> dict[str, Any]:
    return {"pay_by": form.pay_by, "amount": form.amount, "note": form.note}


async def _plan(desk: Desk, form: Planned) -> str:
    if form.given is not None:
        parts = tuple(_given(desk, form.given))
    elif form.instalments is not None and form.first is not None:
        _ahead(desk, "first", form.first)
        numbers, equal = _numbers(desk, form.invoices), (form.instalments, form.first, form.every)
        parts = divided_equally(desk.account, numbers, desk.today, *equal)
    else:
        field = "instalments" if form.instalments is None else "first"
        raise desk.refuse(field, "Say how many instalments and from which day, or list them one by one.")
    said = await _make(desk, "plan", form.invoices, {"instalments": parts, "note": form.note})
    return said or desk.say(
        "Plan recorded: %(count)s instalments, the first of %(amount)s by %(day)s.",
        count=len(parts),
        amount=parts[0].amount,
        day=parts[0].pay_by,
    )


def _given(desk: Desk, text: str) -> list[Instalment]:
    """Reads instalments, one a line: a day, then an amount, as people write them."""
    parts = []
    for place, line in enumerate((one for one in text.splitlines() if one.strip()), 1):
        day, _, amount = line.strip().replace("=", " ", 1).partition(" ")
        french = FRENCH_DAY.fullmatch(day)
        try:
            when = date.fromisoformat("-".join(reversed(french.groups())) if french else day)
            parts.append(Instalment(pay_by=when, amount=AMOUNT.validate_python(amount.strip())))
        except (ValueError, ValidationError):
            sentence = "Line %(place)s cannot be read: write a day and an amount, as 2026-12-31 250.00."
            raise desk.refuse("given", sentence, place=place) from None
    return parts


def _ahead(desk: Desk, field: str, day: date) -> None:
    if day < desk.today:
        raise desk.refuse(field, "This day is over: give %(today)s or a later one.", today=desk.today)


def _numbers(desk: Desk, others: tuple[str, ...]) -> tuple[str, ...]:
    """Lists the invoices of an agreement: this one, and others of the same customer."""
    known = set(desk.account.open_numbers())
    strange = next((one for one in others if one not in known), None)
    if strange is not None:
        sentence = "%(number)s is not an open invoice of this customer."
        raise desk.refuse("invoices", sentence, number=strange)
    return tuple(dict.fromkeys((desk.line.number, *others)))


async def _make(desk: Desk, kind: str, others: tuple[str, ...], stated: dict[str, Any]) -> str:
    """Records an agreement; gives a sentence where it was on record already, nothing otherwise."""
    facts = {"kind": kind, "invoices": _numbers(desk, others), "made_on": desk.today}
    given = {name: value for name, value in stated.items() if value is not None}
    admission = await desk.admit(agreement_event(desk.line.creditor, facts | given))
    if admission.status is Status.KNOWN:
        return desk.say("This was on record already: nothing has changed.")
    return ""


def agreement_of(desk: Desk, name: str) -> Agreement:
    """Finds an agreement about the invoice; raises InputRefused for any other."""
    for one in desk.account.agreements:
        if one.id == name and desk.line.number in one.invoices:
            return one
    raise desk.refuse("agreement", "There is no such agreement about this invoice.")


async def _end(desk: Desk, form: Ended) -> str:
    agreement_of(desk, form.agreement)
    await desk.admit(
        AgreementEnded(creditor=desk.line.creditor, id=form.agreement, how=form.how, reason=form.reason)
    )
    if form.how is HowEnded.UPHELD:
        return desk.say("The customer is right: issue the credit note; for a week nothing is asked for.")
    return desk.say("The agreement is ended: the reminders go on.")


async def _approve(desk: Desk, form: Agreed) -> str:
    agreement = agreement_of(desk, form.agreement)
    made = (one.facts for one in desk.view.entries if one.kind == "agreement.made")
    proposer = next((one["author"] for one in made if one["agreement"]["id"] == agreement.id), None)
    if proposer == desk.seat.person.id:
        raise NotAllowed(desk.say("you proposed this yourself: somebody else approves it"))
    async with desk.seat.office.book(desk.line.creditor, desk.line.debtor, desk.seat.now) as book:
        await book.approve_agreement(agreement.id, desk.seat.person.id)
    return desk.say("Approved: it is in effect.")


def _owes(desk: Desk) -> bool:
    return desk.line.ending is None and desk.open > ZERO


AGREEMENTS = {
    "dispute": Command(Contested, Role.OPERATOR, _dispute, _owes),
    "promise": Command(Promised, Role.OPERATOR, _promise, _owes),
    "plan": Command(Planned, Role.OPERATOR, _plan, _owes),
    "settle": Command(Settled, Role.OPERATOR, _settlement, _owes),
    "end": Command(Ended, Role.OPERATOR, _end, lambda _: True, about="agreement"),
    "agree": Command(Agreed, Role.MANAGER, _approve, lambda _: True, about="agreement"),
}
