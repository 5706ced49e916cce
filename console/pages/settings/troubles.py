"""What does not go on by itself, or not yet: cases that fail, wake-ups that wait.

In: both lists, having a case tried again. Not in: tasks, which are questions to people (pages/tasks.py).
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.forms import Form, read
from console.screen import done, page
from console.seats import Manager
from console.speech import speech
from domain.faults import Unavailable
from intake.failing import failing, on_record, retry
from ledger import outbox

router = APIRouter(prefix="/troubles")

LISTED = 200


class Case(Form):
    """Names the case that is to be tried again."""

    creditor: str
    number: str


@router.get("")
async def troubles(seat: Manager, request: Request) -> Response:
    """Lists the cases that fail with what to do, and the wake-ups that wait."""
    office, away = seat.office, False
    try:
        found = await failing(office.database, await office.temporal(), LISTED)
    except Unavailable:
        away, found = True, await on_record(office.database, LISTED)
    async with office.database.reading() as conn:
        waiting = await outbox.undelivered(conn, LISTED)
    return page(
        seat,
        request,
        "settings/troubles.html",
        failing=[one for one in found if seat.sees(one.creditor)],
        waiting=[one for one in waiting if seat.sees(one.creditor)],
        away=away,
    )


@router.post("/retry")
async def again(seat: Manager, request: Request) -> Response:
    """Has a case tried again at once; raises Unavailable where Temporal is away."""
    form = await read(request, Case)
    line = await seat.case(form.creditor, form.number)
    count = await retry(seat.office.database, await seat.office.temporal(), seat.ref(line))
    say = speech(seat.language).gettext
    sentence = (
        say("Tried again now: %(number)s.") if count else say("Nothing of %(number)s waits to be tried.")
    )
    return done("/settings/troubles", sentence % {"number": line.number})


@router.post("/deliver")
async def deliver(seat: Manager) -> Response:
    """Delivers the wake-ups that wait."""
    say = speech(seat.language).gettext
    if await seat.office.deliver():
        return done("/settings/troubles", say("What waited was delivered."))
    return done(
        "/settings/troubles", say("Temporal is away: it will be delivered once it is back."), kind="warn"
    )
