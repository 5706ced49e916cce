"""Commands on a customer: hold and resume him, share his money out, change what is known of him.

In: their forms, what each does, what it says afterwards.
Not in: how it is written (intake/), how it looks (templates/debtors/), invoices (steering.py, facts.py).
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.datastructures import FormData

from console import customer
from console.customer import AMOUNT, Customer, Named
from console.forms import Form, Mistakes, Text, TypedAmount, read, sentence_of, typed
from console.screen import page
from console.seats import NotYours, Seat
from console.speech import day, money, plain_amount, speech
from domain.agreements import LONGEST_HOLD
from domain.allotment import allocated
from domain.caps import TermRule
from domain.events import DebtorRegistered
from domain.fact import ZERO
from domain.faults import InputRefused, NotFound
from domain.receivable import Debtor
from intake.admission import Status
from intake.holding import LONGEST_REASON, Holding
from intake.mailbox.reading import use_again
from intake.sharing import payment_of, share

SPARE_ROWS = 2
OF_CONTACT = ("name", "email", "phone", "role")
OF_CONTACT_AT = re.compile(rf"({'|'.join(OF_CONTACT)})-(\d{{1,3}})")
SHARE = "to:"
BOUNDS = "Give a day from today on, at most %(days)s days ahead; what is given up is written off."
NO_ADDRESS = "write an e-mail address such as invoices@customer.example"
NOTHING = re.compile(r"0+([.,]0*)?")


class Held(Form):
    """States until when a customer is left alone, and why."""

    until: date
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class Lifted(Form):
    """Names the hold to lift."""

    hold: str


class Again(Form):
    """Names the address that works again."""

    address: str


class Shared(Form):
    """Names the payment to share out."""

    reference: str


class Changed(Form):
    """States what is known of a customer beside his contacts."""

    language: Literal["fr", "en"]
    policy: str | None = None
    contact_cap_days: int | None = Field(default=None, ge=1, le=30)
    terms_days: int | None = Field(default=None, ge=0, le=120)
    terms_rule: TermRule | None = None
    requires_order: bool = False
    credit_limit: TypedAmount | None = None
    unpaid_limit: TypedAmount | None = None
    unpaid_margin_days: int = Field(default=0, ge=0, le=120)


FIELDS = {*Held.model_fields, *Changed.model_fields}
Deed = Callable[[Seat, Request, Named], Awaitable[str]]


def _holding(seat: Seat) -> Holding:
    return Holding(seat.office.database, seat.office.shelf, seat.now)


def _say(seat: Seat, sentence: str, **facts: str) -> str:
    said = speech(seat.language).gettext(sentence)
    return said % facts if facts else said


async def _hold(seat: Seat, request: Request, address: Named) -> str:
    form = await read(request, Held)
    today = (await customer.read(seat, address)).today
    if not today <= form.until <= today + LONGEST_HOLD:
        raise Mistakes({"until": _say(seat, BOUNDS, days=str(LONGEST_HOLD.days))}, await given(request))
    placed = await _holding(seat).hold(address[:2], form.until, form.reason, seat.person.id)
    await seat.office.deliver()
    return _say(seat, "No reminders until %(day)s, that day included.", day=day(placed.until, seat.language))


async def _lift(seat: Seat, request: Request, address: Named) -> str:
    form = await read(request, Lifted)
    lifted = await _holding(seat).lift(address[:2], seat.person.id, form.hold)
    await seat.office.deliver()
    return _say(seat, "The hold is lifted." if lifted else "The hold was lifted before.")


async def _again(seat: Seat, request: Request, address: Named) -> str:
    form = await read(request, Again)
    async with seat.office.book(*address[:2], seat.now) as book:
        changed = await use_again(book, form.address)
    return _say(seat, "The address is used again." if changed else "The address was in use.")


async def _share(seat: Seat, request: Request, address: Named) -> str:
    form = await read(request, Shared)
    shares, mistakes = _shares(await typed(request))
    if mistakes:
        raise Mistakes(mistakes, await given(request))
    try:
        async with seat.office.book(*address[:2], seat.now) as book:
            await share(book, form.reference, shares, seat.person.id)
            payment = payment_of(book, form.reference)
    except InputRefused as refusal:
        field, sentence = await _too_much(seat, address, form.reference, refusal)
        raise Mistakes({field: sentence}, await given(request)) from None
    left = money(payment.unallocated, payment.currency, seat.language)
    return _say(seat, "Shared out; %(left)s stays unallocated.", left=left)


async def _too_much(seat: Seat, address: Named, reference: str, refusal: InputRefused) -> tuple[str, str]:
    """Says which invoice cannot take so much, or that the money does not reach so far."""
    account = (await customer.read(seat, address)).account
    payment = next(one for one in account.payments if one.reference == reference)
    number = str(refusal.value).partition("=")[0]
    if refusal.field != "to":
        whole = money(payment.amount, payment.currency, seat.language)
        return "", _say(seat, "The payment is of %(sum)s only.", sum=whole)
    has = (one.amount + one.allowed for one in payment.allocations if one.invoice == number)
    most = money(account.balance(number).open + sum(has, ZERO), payment.currency, seat.language)
    return f"{SHARE}{number}", _say(seat, "At most %(most)s: the invoice takes no more.", most=most)


def _shares(form: FormData) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Reads how much each invoice gets; an empty field leaves it as it is, zero takes its share back."""
    shares, mistakes = dict[str, Decimal](), dict[str, str]()
    for name, value in form.items():
        text = str(value).strip()
        if not name.startswith(SHARE) or not text:
            continue
        try:
            number = name.removeprefix(SHARE)
            shares[number] = ZERO if NOTHING.fullmatch(text) else AMOUNT.validate_python(text)
        except ValidationError as refused:
            mistakes[name] = sentence_of(refused.errors()[0])
    return shares, mistakes


async def _edit(seat: Seat, request: Request, address: Named) -> str:
    form = await read(request, Changed)
    seen = await customer.read(seat, address)
    if form.policy is not None and form.policy not in seat.office.catalogue:
        raise Mistakes({"policy": "choose one of the policies"}, await given(request))
    contacts = _contacts(await typed(request))
    stated = seen.account.debtor.model_dump() | form.model_dump() | {"contacts": list(contacts.values())}
    try:
        event = DebtorRegistered(debtor=Debtor.model_validate(stated))
        admission = await seat.office.admit(event, seat.now, seat.person.id)
    except ValidationError as refused:
        wrong = {".".join(map(str, one["loc"])): sentence_of(one) for one in refused.errors()}
    except InputRefused as refusal:
        wrong = {refusal.field: NO_ADDRESS if refusal.field.endswith(".email") else refusal.remedy}
    else:
        return _say(seat, "Nothing has changed." if admission.status is Status.KNOWN else "Changed.")
    fields = {_field(path, list(contacts)): sentence for path, sentence in wrong.items()}
    raise Mistakes(fields, await given(request))


def _contacts(form: FormData) -> dict[int, dict[str, str | None]]:
    """Reads the rows of contacts by their place; a row left empty is none."""
    found = (OF_CONTACT_AT.fullmatch(name) for name in form)
    places = sorted({int(one[2]) for one in found if one is not None})
    rows = {
        turn: {name: str(form.get(f"{name}-{turn}", "")).strip() or None for name in OF_CONTACT}
        for turn in places
    }
    return {turn: row for turn, row in rows.items() if any(row.values())}


def _field(path: str, places: Sequence[int]) -> str:
    """Turns the path of a refusal into the name of a field: contacts.1.email is email-1."""
    found = re.search(r"contacts\.(\d+)\.(\w+)", path)
    return f"{found[2]}-{places[int(found[1])]}" if found else path.rsplit(".", 1)[-1]


COMMANDS: Mapping[str, Deed] = {
    "hold": _hold,
    "lift": _lift,
    "again": _again,
    "share": _share,
    "edit": _edit,
}
"""The commands by the last part of their address."""


async def given(request: Request) -> dict[str, Any]:
    """Gives what was typed, to show it again."""
    form = await typed(request)
    return {name: form[name] for name in form}


async def carry_out(seat: Seat, request: Request, address: Named) -> str:
    """Carries a command out and says what was done; raises Mistakes, InputRefused, NotAllowed, NotFound."""
    seat.check(address.creditor)
    return await COMMANDS[address.asked](seat, request, address)


async def form(
    seat: Seat, request: Request, address: Named, wrong: Mistakes | None = None, status: int = 200
) -> Response:
    """Shows the form of a command, with what was typed and what is wrong with it."""
    if not seat.may("operator"):
        raise NotYours("operator")
    seen = await customer.read(seat, address)
    filled = wrong.typed if wrong is not None else {}
    asked = "hold" if address.asked in {"lift", "again"} else address.asked
    told: dict[str, Any] = {}
    if asked == "share":
        reference = str(filled.get("reference") or request.query_params.get("reference", ""))
        told = _to_share(seen, reference)
    elif asked == "edit":
        told = _to_edit(seen, seat)
    return page(
        seat,
        request,
        f"debtors/{asked}.html",
        status=status,
        seen=seen,
        debtor=seen.account.debtor,
        home=customer.home(address),
        mistakes=wrong.fields if wrong is not None else {},
        longest=LONGEST_REASON,
        **told | {"typed": told.get("typed", {}) | filled},
    )


def _to_share(seen: Customer, reference: str) -> dict[str, Any]:
    """Proposes how money is shared: to the oldest invoices first, as it is presumed until then."""
    payment = next((one for one in seen.account.payments if one.reference == reference), None)
    if payment is None or payment.reversed:
        msg = f"this customer has no payment {reference!r} to share out"
        raise NotFound(msg)
    standing = {part.invoice: part.amount for part in payment.allocations}
    there = [
        case.invoice
        for case in seen.account.cases
        if case.invoice.currency == payment.currency
        and (seen.still(case.invoice.number) > ZERO or case.invoice.number in standing)
    ]
    there.sort(key=lambda one: (one.due_date, one.number))
    more = {part.invoice: part.amount for part in allocated(seen.account, payment.unallocated, there, {})}
    proposed = {one.number: standing.get(one.number, ZERO) + more.get(one.number, ZERO) for one in there}
    typed_ = {
        f"{SHARE}{number}": plain_amount(amount, seen.seat.language)
        for number, amount in proposed.items()
        if amount > ZERO
    }
    return {"payment": payment, "invoices": there, "standing": standing, "typed": typed_}


def _to_edit(seen: Customer, seat: Seat) -> dict[str, Any]:
    debtor = seen.account.debtor
    kept: dict[str, Any] = {
        f"{name}-{turn}": getattr(contact, name) or ""
        for turn, contact in enumerate(debtor.contacts)
        for name in OF_CONTACT
    }
    known = {name: getattr(debtor, name) for name in Changed.model_fields}
    for name, value in known.items():
        kept[name] = plain_amount(value, seat.language) if isinstance(value, Decimal) else value
    return {
        "typed": {name: value for name, value in kept.items() if value is not None},
        "rows": range(len(debtor.contacts) + SPARE_ROWS),
        "policies": [
            (one.id, one.title.get(seat.language) or next(iter(one.title.values())))
            for one in seat.office.catalogue.values()
        ],
    }
