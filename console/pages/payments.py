"""Payments: what the bank told, what waits for a decision, and money that no invoice has got.

In: the entries to decide with the accounts beside them, all entries, unallocated money, days declared known.
Not in: one entry and its answers (entries.py), files (files.py), what the rules decide (intake/bank/).
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from console.forms import Form, Mistakes, Text, read
from console.pages.files import underway
from console.pages.today import local_day
from console.screen import SEE_OTHER, done, page
from console.seats import Operator, Seat, Viewer
from console.speech import speech
from domain.candidates import Candidate
from domain.faults import InputRefused, NotFound
from domain.reasons import Reason, explain_reason
from intake.bank.answering import candidates
from intake.bank.days import declare_known
from intake.bank.owners import owner
from intake.lookups import names_of
from ledger import accounts, queries
from ledger.bank import Kept, State
from ledger.bank_accounts import Known
from ledger.views import creditors
from ledger.views import payments as view
from ledger.views import unused as money
from ledger.views.payments import Wanted

router = APIRouter()

DECIDING, LISTED = 15, 50
CUSTOMERS = 200


class Proposal(NamedTuple):
    """Says what an entry may be for, in words; `stamp` changes with what is proposed."""

    place: int
    candidate: Candidate
    name: str
    reasons: list[str]
    stamp: str


class Question(NamedTuple):
    """Holds an entry, what it may be for, and what keeps that from being certain.

    `takes_back` are the payments that it may be the return of.
    """

    kept: Kept
    proposals: list[Proposal]
    doubts: list[str]
    takes_back: list[str]
    name: str | None


def stamp(one: Candidate) -> str:
    """Names what a candidate proposes, so that nobody confirms another than the one they saw."""
    parts = ",".join(f"{part.invoice}={part.amount}+{part.allowed}" for part in one.allocations)
    return f"{one.debtor}:{parts}"[:1000]


def _question(kept: Kept, names: dict[tuple[str, str], str], language: str) -> Question:
    def proposal(place: int, one: Candidate) -> Proposal:
        name = names.get((kept.creditor, one.debtor), one.debtor)
        numbers = [part.invoice for part in one.allocations]
        why = [explain_reason(reason, numbers, name, language) for reason in one.reasons]
        return Proposal(place, one, name, why, stamp(one))

    told = kept.proposal or {}
    doubts = [explain_reason(Reason(one), (), "?", language) for one in told.get("doubts") or []]
    name = names.get((kept.creditor, kept.debtor), kept.debtor) if kept.debtor else None
    return Question(
        kept,
        [proposal(place, one) for place, one in enumerate(candidates(kept), 1)],
        doubts,
        [one for one in told.get("candidates", []) if isinstance(one, str)],
        name,
    )


async def questions(seat: Seat, found: Iterable[Kept]) -> list[Question]:
    """Puts entries into words, with the names of the customers they speak of."""
    kept = list(found)
    meant = {(one.creditor, each.debtor) for one in kept for each in candidates(one)}
    meant |= {(one.creditor, one.debtor) for one in kept if one.debtor}
    async with seat.office.database.reading() as conn:
        names = await names_of(conn, meant)
    return [_question(one, names, seat.language) for one in kept]


@router.get("/payments")
async def desk(request: Request, seat: Viewer, task: str = "", after: int = 0) -> Response:
    """Shows what waits for a decision, where files are dropped, and how fresh each account is."""
    if task:
        return RedirectResponse(await _of_task(seat, task), SEE_OTHER)
    return await shown(request, seat, after=after)


async def shown(request: Request, seat: Seat, *, after: int = 0, refused: Mistakes | None = None) -> Response:
    """Shows the desk, with what was wrong with what was sent."""
    seen, today = seat.creditors, local_day(seat).date()
    wanted = Wanted(state=State.ASKED)
    async with seat.office.database.reading() as conn:
        listed = await view.entries(conn, seen, wanted, page=max(after, 0), size=DECIDING)
        counted = await view.counted(conn, seen)
        whose = await creditors.known(conn, seen)
        sources = await view.sources(conn, whose, today)
        files = await view.files(conn, seen, seat.person.id, page=0, size=3)
    return page(
        seat,
        request,
        "payments/desk.html",
        status=422 if refused else 200,
        questions=await questions(seat, listed.entries),
        more=listed.more,
        after=max(after, 0),
        waiting=counted.get(State.ASKED, 0),
        sources=sources,
        creditors=whose,
        files=files[:3],
        underway=underway(request, seat),
        today=today,
        **({"mistakes": refused.fields, "typed": refused.typed} if refused else {}),
    )


async def _of_task(seat: Seat, task: str) -> str:
    """Finds where a task about money is answered."""
    async with seat.office.database.reading() as conn:
        found = await queries.find_task(conn, task)
        seat.check(found.creditor)
        payment = found.detail.get("payment")
        entry = found.detail.get("entry")
        if entry is None and payment is not None:
            entry = await view.entry_of(conn, found.creditor, str(payment))
    if entry is not None:
        return f"/payments/entries/{entry}?{urlencode({'of': found.creditor, 'task': 1})}"
    if payment is not None:
        return f"/payments/money?{urlencode({'of': found.creditor, 'payment': str(payment), 'task': 1})}"
    return f"/payments/unallocated?{urlencode({'of': found.creditor, 'debtor': found.debtor})}"


class Sought(Form):
    """States what entries are looked for; what cannot be read is left out."""

    q: str | None = Field(default=None, max_length=140)
    state: State | None = None
    account: str | None = Field(default=None, max_length=64)
    since: date | None = None
    until: date | None = None


def _sought(request: Request) -> Sought:
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    fields: dict[str, object] = {}
    for name, value in given.items():
        try:
            fields |= Sought.model_validate({name: value}).model_dump(exclude_unset=True)
        except ValueError:
            continue
    return Sought.model_validate(fields)


@router.get("/payments/entries")
async def entries(request: Request, seat: Viewer, after: int = 0) -> Response:
    """Lists entries of bank files, searched and paged."""
    sought = _sought(request)
    wanted = Wanted(text=sought.q, **sought.model_dump(exclude={"q"}))
    async with seat.office.database.reading() as conn:
        listed = await view.entries(conn, seat.creditors, wanted, page=max(after, 0), size=LISTED)
        counted = await view.counted(conn, seat.creditors)
        whose = await creditors.known(conn, seat.creditors)
        sources = await view.sources(conn, whose, local_day(seat).date())
        meant = {(one.creditor, one.debtor) for one in listed.entries if one.debtor}
        names = await names_of(conn, meant)
    given = sought.model_dump(mode="json", exclude_none=True)
    return page(
        seat,
        request,
        "payments/entries.html",
        entries=listed.entries,
        names=names,
        more=listed.more,
        after=max(after, 0),
        counted=counted,
        accounts=[one.account for one in sources],
        typed=given,
        query=urlencode(given),
        states=list(State),
    )


@router.get("/payments/unallocated")
async def unallocated(request: Request, seat: Viewer, of: str = "", debtor: str = "") -> Response:
    """Lists customers whose money no invoice has got; of one customer, each payment."""
    if not debtor:
        async with seat.office.database.reading() as conn:
            found = await money.unused(conn, seat.creditors, limit=CUSTOMERS)
        return page(seat, request, "payments/unallocated.html", found=found, most=CUSTOMERS)
    seat.check(of)
    async with seat.office.database.reading() as conn:
        names = await names_of(conn, {(of, debtor)})
        if (of, debtor) not in names:
            msg = f"no customer {debtor!r}"
            raise NotFound(msg)
        account = (await accounts.load(conn, of, debtor)).account
    each = [one for one in account.payments if one.unallocated > 0]
    return page(
        seat, request, "payments/customer.html", of=of, debtor=debtor, name=names[of, debtor], each=each
    )


class Complete(Form):
    """States up to which day no entry of an account is missing, and how one knows."""

    account: str = Field(min_length=1, max_length=64)
    to: date
    reason: Text = Field(min_length=1, max_length=200)


@router.post("/payments/accounts/complete")
async def complete(request: Request, seat: Operator) -> Response:
    """Lets days of an account count as known on a person's word."""
    try:
        form = await read(request, Complete)
        known = await _declared(seat, form)
    except Mistakes as refused:
        return await shown(request, seat, refused=refused)
    await seat.office.deliver()
    said = speech(seat.language).gettext("Payments on this account count as known up to %(day)s.")
    return done("/payments", said % {"day": known.booked_to.isoformat()})


async def _declared(seat: Seat, form: Complete) -> Known:
    try:
        async with seat.office.database.reading() as conn:
            owned = await owner(conn, form.account)
        seat.check(owned.creditor.id)
        database, author = seat.office.database, seat.person.id
        return await declare_known(database, owned, form.to, seat.now, reason=form.reason, author=author)
    except InputRefused as refusal:
        raise Mistakes({"to": refusal.remedy}, form.model_dump()) from None
