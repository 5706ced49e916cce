"""The bank sources of a creditor: which accounts tell what has been paid, and how fresh they must be.

In: declaring, changing and taking away a source. Not in: reading statements (pages/payments.py).
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError

from console.forms import Form, Mistakes, Text, read, sentence_of
from console.pages.settings.creditors import find
from console.screen import done, page
from console.seats import Administrator, Seat
from console.speech import speech
from domain.events import CreditorRegistered
from domain.faults import InputRefused, NotFound
from domain.receivable import BankSource, Creditor

router = APIRouter(prefix="/creditors/{creditor}/banks")

FIELDS = frozenset(BankSource.model_fields)


class Source(Form):
    """States what is typed of a bank source."""

    key: str = Field(min_length=1)
    account: Text = Field(min_length=1)
    currency: str = "EUR"
    fresh_within_days: str = "1"
    file: Text | None = None
    owner: Text | None = None


def _source(form: Source) -> BankSource:
    try:
        return BankSource.model_validate(form.model_dump())
    except ValidationError as refused:
        fields = {str(one["loc"][0]): sentence_of(one) for one in refused.errors()}
        raise Mistakes(fields, form.model_dump()) from None


@router.get("/new")
async def ask(seat: Administrator, request: Request, creditor: str) -> Response:
    """Asks for a new source."""
    return _form(seat, request, await find(seat, creditor), None)


@router.get("/{key}")
async def one(seat: Administrator, request: Request, creditor: str, key: str) -> Response:
    """Shows a source."""
    whose = await find(seat, creditor)
    return _form(seat, request, whose, _known(whose, key))


def _known(creditor: Creditor, key: str) -> BankSource:
    for source in creditor.banks:
        if source.key == key:
            return source
    msg = f"no bank source {key!r}"
    raise NotFound(msg)


def _form(
    seat: Seat, request: Request, creditor: Creditor, known: BankSource | None, wrong: Mistakes | None = None
) -> Response:
    return page(
        seat,
        request,
        "settings/bank.html",
        status=422 if wrong else 200,
        creditor=creditor,
        known=known,
        mistakes=wrong.fields if wrong else {},
        typed=wrong.typed if wrong else {},
    )


@router.post("/new")
async def add(seat: Administrator, request: Request, creditor: str) -> Response:
    """Declares a source."""
    return await _put(seat, request, await find(seat, creditor), None)


@router.post("/{key}")
async def change(seat: Administrator, request: Request, creditor: str, key: str) -> Response:
    """Changes a source."""
    whose = await find(seat, creditor)
    return await _put(seat, request, whose, _known(whose, key))


async def _put(seat: Seat, request: Request, creditor: Creditor, known: BankSource | None) -> Response:
    try:
        form = await read(request, Source)
        source = _source(form)
        if known is None:
            banks = (*creditor.banks, source)
        else:
            banks = tuple(source if one == known else one for one in creditor.banks)
        try:
            await _admit(seat, creditor, banks)
        except InputRefused as refusal:
            raise Mistakes.of(refusal, form.model_dump(), set(FIELDS)) from None
    except Mistakes as wrong:
        return _form(seat, request, creditor, known, wrong)
    return _done(seat, creditor, "The bank source is kept.")


@router.post("/{key}/remove")
async def remove(seat: Administrator, creditor: str, key: str) -> Response:
    """Takes a source away: what its statements told stays, its freshness counts no more."""
    whose = await find(seat, creditor)
    known = _known(whose, key)
    await _admit(seat, whose, tuple(one for one in whose.banks if one != known))
    return _done(seat, whose, "The bank source is taken away.")


async def _admit(seat: Seat, creditor: Creditor, banks: tuple[BankSource, ...]) -> None:
    event = CreditorRegistered(creditor=creditor.model_copy(update={"banks": banks}))
    await seat.office.admit(event, seat.now, seat.person.id)


def _done(seat: Seat, creditor: Creditor, sentence: str) -> Response:
    return done(f"/settings/creditors/{creditor.id}", speech(seat.language).gettext(sentence))
