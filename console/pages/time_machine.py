"""The time machine of a demonstration: the next event, a day, a week.

In: moving its clock. Not in: what happens meanwhile (trial/open_house.py).
"""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.forms import Form, read
from console.screen import done
from console.seats import Operator
from domain.faults import NotFound

router = APIRouter()

LEAPS = {"next": None, "day": timedelta(days=1), "week": timedelta(days=7)}


class Leap(Form):
    """States how far to go, and the page one is on."""

    by: str
    then: str = "/"


@router.post("/time")
async def forward(request: Request, seat: Operator) -> Response:
    """Moves the time of the demonstration; there is no such thing elsewhere."""
    form = await read(request, Leap)
    machine = seat.office.time_machine
    if machine is None or form.by not in LEAPS:
        msg = "time cannot be moved here"
        raise NotFound(msg)
    await machine.forward(LEAPS[form.by])
    return done(form.then if form.then.startswith("/") and not form.then.startswith("//") else "/")
