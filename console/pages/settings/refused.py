"""What could not be taken in: refused rows to be mended or dropped, and events that wait for their invoice.

In: both lists, one row with its problem, taking it in again, dropping it with a reason.
Not in: why a row is refused (intake/).

A refused row belongs to nobody yet: only those who see every creditor are shown any.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from console.forms import Form, Mistakes, Text, read
from console.screen import done, page
from console.seats import Manager, NotYours, Seat
from console.speech import speech
from domain.faults import InputRefused, NotAllowed
from intake.documents import HASHED
from intake.loading import retry
from ledger import desk
from ledger.desk import Quarantined
from ledger.views import refused as view

router = APIRouter(prefix="/refused")

LISTED = 200


class Mended(Form):
    """States a row as it was mended; not at all, to try it as it is."""

    text: str | None = None


class Drop(Form):
    """States why a row is not needed."""

    reason: Text = Field(min_length=1, max_length=500)


def _whole(seat: Seat) -> None:
    if seat.creditors is not None:
        raise NotYours(seat.person.role.key)


@router.get("")
async def refused(seat: Manager, request: Request) -> Response:
    """Lists the refused rows, the oldest first, and what waits for its invoice."""
    async with seat.office.database.reading() as conn:
        rows = await desk.aside(conn, LISTED) if seat.creditors is None else []
        waiting = await view.waiting_events(conn, seat.creditors, LISTED)
        counted = await view.count_refused(conn) if seat.creditors is None else 0
    return page(
        seat, request, "settings/refused.html", rows=rows, counted=counted, waiting=waiting, listed=LISTED
    )


@router.get("/{row}")
async def one_row(seat: Manager, request: Request, row: int) -> Response:
    """Shows a refused row with its problem."""
    return await _shown(seat, request, row)


async def _shown(seat: Seat, request: Request, row: int, mistakes: Mistakes | None = None) -> Response:
    _whole(seat)
    async with seat.office.database.reading() as conn:
        kept = await view.refused_row(conn, row)
    return page(
        seat,
        request,
        "settings/refused_row.html",
        status=422 if mistakes else 200,
        row=kept,
        whole=kept.raw.startswith(HASHED),
        mistakes=mistakes.fields if mistakes else {},
        typed=mistakes.typed if mistakes else {},
    )


@router.post("/{row}")
async def mend(seat: Manager, request: Request, row: int) -> Response:
    """Takes a refused row in again, as it was mended; one that is refused again stays."""
    _whole(seat)
    form, office = await read(request, Mended), seat.office
    kept = await _kept(seat, row)
    try:
        text = None if form.text is None or _same(form.text, kept.raw) else form.text
        admission = await retry(office.door, row, text, now=seat.now, author=seat.person.id)
    except InputRefused as refusal:
        wrong = Mistakes({"text": f"{refusal.field}: {refusal.remedy}"}, {"text": form.text or kept.raw})
        return await _shown(seat, request, row, wrong)
    except NotAllowed as refusal:
        return await _shown(seat, request, row, Mistakes({"": str(refusal)}, {}))
    await office.deliver()
    say = speech(seat.language).gettext
    return done("/settings/refused", say("Taken in: %(what)s") % {"what": admission.what})


async def _kept(seat: Seat, row: int) -> Quarantined:
    async with seat.office.database.reading() as conn:
        return await view.refused_row(conn, row)


def _same(text: str, raw: str) -> bool:
    """Tells whether a text is the row as it was kept; forms change the ends of lines."""
    return text.replace("\r\n", "\n").strip() == raw.replace("\r\n", "\n").strip()


@router.post("/{row}/drop")
async def drop(seat: Manager, request: Request, row: int) -> Response:
    """Sets a refused row aside for good; the reason is kept with it."""
    _whole(seat)
    try:
        form = await read(request, Drop)
        async with seat.office.database.writing() as conn:
            await desk.give_up(conn, row, form.reason, seat.person.id, seat.now)
    except Mistakes as wrong:
        return await _shown(seat, request, row, wrong)
    except NotAllowed as refusal:
        return await _shown(seat, request, row, Mistakes({"": str(refusal)}, {}))
    return done("/settings/refused", speech(seat.language).gettext("The row is set aside."))
