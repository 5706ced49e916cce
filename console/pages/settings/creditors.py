"""Creditors: in whose name everything leaves, and how their money is received.

In: what is known of each, changing it with a preview, registering one.
Not in: bank sources (banks.py), what makes a fact refused (intake/identity.py).

A change is looked at before it is made: every message from then on says what stands here.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from stdnum import iban

from console.forms import Form, Mistakes, Text, read, sentence_of, typed
from console.screen import done, page
from console.seats import Administrator, Manager, Seat
from console.speech import speech
from domain.caps import Sector
from domain.events import CreditorRegistered
from domain.faults import InputRefused
from domain.receivable import Creditor
from intake import identity
from ledger.views import creditors as view

router = APIRouter(prefix="/creditors")

NESTED = {
    **dict.fromkeys(("lines", "postcode", "city", "country"), "address"),
    **dict.fromkeys(("cents", "charges", "discount_days"), "tolerance"),
}
"""The fields that stand within another fact."""

NUMBERS = ("terms_days", "contact_cap_days", "daily_cap", "grace_days", "payment_freshness_hours")


class Typed(Form):
    """States what is typed of a creditor; what is left empty is unknown, or as it is by default."""

    id: str | None = None
    legal_name: Text | None = None
    siren: str | None = None
    vat: str | None = None
    lines: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    country: str | None = None
    subdivision: str | None = None
    time_zone: str | None = None
    language: str | None = None
    sector: str | None = None
    email: str | None = None
    reply_to: str | None = None
    phone: Text | None = None
    signatory: Text | None = None
    iban: str | None = None
    bic: str | None = None
    policy: str | None = None
    agency: Text | None = None
    terms_days: str | None = None
    contact_cap_days: str | None = None
    daily_cap: str | None = None
    grace_days: str | None = None
    payment_freshness_hours: str | None = None
    cents: str | None = None
    charges: str | None = None
    discount_days: str | None = None
    known: str | None = None
    confirmed: bool = False


FIELDS = tuple(name for name in Typed.model_fields if name not in {"known", "confirmed"})


def flat(creditor: Creditor) -> dict[str, str]:
    """Writes a creditor as its form shows it."""
    facts = creditor.model_dump(mode="json")
    facts |= facts["address"] | facts["tolerance"]
    facts["lines"] = "\n".join(facts["lines"])
    return {name: "" if facts[name] is None else str(facts[name]) for name in FIELDS}


def stated(form: Typed, known: Creditor | None) -> Creditor:
    """Gives the creditor that a form states, banks as they are known; raises Mistakes."""
    facts: dict[str, Any] = {} if known is None else known.model_dump(exclude={*FIELDS} - {"id"})
    facts |= {"address": {}, "tolerance": {}}
    for name in FIELDS:
        value: Any = getattr(form, name)
        if value is None or (name == "id" and known is not None):
            continue
        if name == "lines":
            value = [line.strip() for line in value.splitlines() if line.strip()]
        elif name == "iban":
            value = iban.compact(value)
        (facts[NESTED[name]] if name in NESTED else facts)[name] = value
    try:
        creditor = Creditor.model_validate(facts)
        identity.check(CreditorRegistered(creditor=creditor))
    except ValidationError as refused:
        raise Mistakes(
            {_field(one["loc"]): sentence_of(one) for one in refused.errors()}, _kept(form)
        ) from None
    except InputRefused as refusal:
        raise Mistakes.of(refusal, _kept(form), set(FIELDS)) from None
    return creditor


def _field(loc: tuple[int | str, ...]) -> str:
    return next((str(part) for part in reversed(loc) if part in FIELDS), "")


def _kept(form: Typed) -> dict[str, str]:
    return {name: getattr(form, name) or "" for name in FIELDS}


def fingerprint(creditor: Creditor) -> str:
    """Gives what tells whether a creditor has changed since it was looked at."""
    return hashlib.sha256(creditor.model_dump_json().encode()).hexdigest()[:16]


@router.get("")
async def creditors(seat: Manager, request: Request) -> Response:
    """Lists the creditors."""
    async with seat.office.database.reading() as conn:
        found = await view.known(conn, seat.creditors)
        cases = await view.open_cases(conn)
    return page(seat, request, "settings/creditors.html", creditors=found, cases=cases)


@router.get("/new")
async def ask(seat: Administrator, request: Request) -> Response:
    """Asks for a new creditor."""
    return await _form(seat, request, None)


@router.get("/{creditor}")
async def one(seat: Manager, request: Request, creditor: str) -> Response:
    """Shows a creditor."""
    return await _form(seat, request, await find(seat, creditor))


async def find(seat: Seat, creditor: str) -> Creditor:
    """Reads a creditor that the person may see; raises NotFound."""
    seat.check(creditor)
    async with seat.office.database.reading() as conn:
        return await view.find(conn, creditor)


async def _form(
    seat: Seat, request: Request, known: Creditor | None, wrong: Mistakes | None = None
) -> Response:
    banks = []
    async with seat.office.database.reading() as conn:
        if known is not None:
            banks = await view.banks(conn, known)
    return page(
        seat,
        request,
        "settings/creditor.html",
        status=422 if wrong else 200,
        known=known,
        mark=fingerprint(known) if known else "",
        banks=banks,
        policies=[(one, one) for one in sorted(seat.office.catalogue)],
        sectors=[(one.value, one.value.replace("_", " ")) for one in Sector],
        mistakes=wrong.fields if wrong else {},
        typed=wrong.typed if wrong else (flat(known) if known else {}),
    )


@router.post("/new")
async def register(seat: Administrator, request: Request) -> Response:
    """Shows what a new creditor would be, then registers it."""
    return await _changed(seat, request, None)


@router.post("/{creditor}")
async def change(seat: Administrator, request: Request, creditor: str) -> Response:
    """Shows what would change, then changes it."""
    return await _changed(seat, request, await find(seat, creditor))


async def _changed(seat: Seat, request: Request, known: Creditor | None) -> Response:
    office = seat.office
    try:
        form = await read(request, Typed)
        if "back" in await typed(request):
            return await _form(seat, request, known, Mistakes({}, _kept(form)))
        wanted = stated(form, known)
        await _check(seat, form, wanted, known)
    except Mistakes as wrong:
        return await _form(seat, request, known, wrong)
    differences = list(_differences(known, wanted))
    if not form.confirmed or not differences:
        async with office.database.reading() as conn:
            cases = (await view.open_cases(conn)).get(wanted.id, 0)
        return page(
            seat,
            request,
            "settings/creditor_change.html",
            known=known,
            wanted=wanted,
            differences=differences,
            cases=cases,
            kept=_kept(form) | {"known": fingerprint(known) if known else ""},
        )
    admission = await office.admit(CreditorRegistered(creditor=wanted), seat.now, seat.person.id)
    say = speech(seat.language).gettext
    sentence = say("%(name)s is registered.") if known is None else say("%(name)s is changed.")
    return done(f"/settings/creditors/{admission.creditor}", sentence % {"name": wanted.legal_name})


async def _check(seat: Seat, form: Typed, wanted: Creditor, known: Creditor | None) -> None:
    """Raises Mistakes for what only the record or the policies on offer can tell."""
    if wanted.policy not in seat.office.catalogue:
        raise Mistakes({"policy": "choose one of the policies on offer"}, _kept(form))
    if known is None:
        async with seat.office.database.reading() as conn:
            if any(one.id == wanted.id for one in await view.known(conn, None)):
                raise Mistakes({"id": "this creditor is known already: change it on its page"}, _kept(form))
    elif form.confirmed and form.known != fingerprint(known):
        sentence = "somebody has changed this creditor meanwhile: look at it again"
        raise Mistakes({"": sentence}, _kept(form))


def _differences(known: Creditor | None, wanted: Creditor) -> Iterator[tuple[str, str, str]]:
    """Lists what differs: the field, what stood there, what will."""
    before: Mapping[str, str] = flat(known) if known is not None else {}
    for name, after in flat(wanted).items():
        if before.get(name, "") != after:
            yield name, before.get(name, ""), after
