"""The kill switch: nothing leaves, for everybody or for one creditor, policy or channel, until it is lifted.

In: what is stopped, what a stop would hold back, stopping and going on.
Not in: what a stop means (intake/stopping.py, domain/gate.py).
"""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from console.forms import Form, Mistakes, Text, read
from console.screen import done, page
from console.seats import Manager, NotYours, Seat
from console.speech import speech
from domain.agreements import Stop
from domain.faults import InputRefused
from domain.policy import Channel
from intake import stopping
from ledger import policies, switches
from ledger.views import creditors

router = APIRouter(prefix="/stops")

AHEAD = timedelta(hours=24)
SHOWN = 200
"""How many steps are listed; all are counted."""


class Part(Form):
    """States what is to be stopped or to go on; what is left open is not limited."""

    creditor: str | None = None
    policy: str | None = None
    channel: Channel | None = None

    @property
    def stop(self) -> Stop:
        """Gives what the switch understands."""
        return Stop(creditor=self.creditor, policy=self.policy, channel=self.channel)


class Halt(Part):
    """States a stop with its reason."""

    reason: Text = Field(min_length=1, max_length=500)


@router.get("")
async def stops(
    seat: Manager, request: Request, creditor: str = "", policy: str = "", channel: str = ""
) -> Response:
    """Shows what is stopped, and what the stop that is chosen would hold back."""
    typed = {"creditor": creditor, "policy": policy, "channel": channel}
    asked = any(typed.values()) or "look" in request.query_params
    return await _shown(seat, request, typed, look=asked)


async def _shown(
    seat: Seat, request: Request, typed: dict[str, Any], *, look: bool, refused: Mistakes | None = None
) -> Response:
    office, leaving = seat.office, None
    async with office.database.reading() as conn:
        known = await creditors.known(conn, seat.creditors)
        offered = sorted({*office.catalogue, *(await policies.ids(conn))})
        stopped = [
            one for one in await switches.stopped(conn) if one.creditor is None or seat.sees(one.creditor)
        ]
        what = _meant(seat, typed) if look else None
        if what is not None:
            leaving = await stopping.leaving(conn, office.shelf, what, seat.now + AHEAD)
    lines = [] if leaving is None else [one for one in leaving.lines if seat.sees(one.creditor)]
    return page(
        seat,
        request,
        "settings/stops.html",
        status=422 if refused else 200,
        stopped=[one for one in stopped if one.creditor is None or seat.sees(one.creditor)],
        creditors=[(one.id, one.legal_name) for one in known],
        policies=[(one, one) for one in offered],
        everybody=seat.creditors is None,
        leaving=leaving,
        lines=lines[:SHOWN],
        counted=len(lines),
        typed=typed,
        mistakes=refused.fields if refused else {},
    )


def _meant(seat: Seat, typed: dict[str, Any]) -> Stop | None:
    """Gives the stop that is chosen; None where it is none that the person may choose."""
    creditor, channel = typed.get("creditor") or None, typed.get("channel") or None
    if creditor is None and seat.creditors is not None:
        return None
    if creditor is not None and not seat.sees(creditor):
        return None
    if channel is not None and channel not in {one.value for one in Channel}:
        return None
    policy = typed.get("policy") or None
    return Stop(creditor=creditor, policy=policy, channel=Channel(channel) if channel else None)


@router.post("")
async def stop(seat: Manager, request: Request) -> Response:
    """Stops sending at once."""
    office = seat.office
    try:
        form = await read(request, Halt)
    except Mistakes as refused:
        return await _shown(seat, request, refused.typed, look=True, refused=refused)
    _allowed(seat, form.stop)
    try:
        async with office.database.writing() as conn:
            await stopping.check_policy(conn, office.catalogue, form.policy)
            new = await switches.stop(conn, form.stop, seat.person.id, form.reason, seat.now)
        async with office.database.reading() as conn:
            leaving = await stopping.leaving(conn, office.shelf, form.stop, seat.now + AHEAD)
    except InputRefused as refusal:
        wrong = Mistakes.of(refusal, form.model_dump(mode="json"), {"policy"})
        return await _shown(seat, request, wrong.typed, look=False, refused=wrong)
    say = speech(seat.language)
    sentence = say.gettext("Sending is stopped.") if new else say.gettext("This was stopped before.")
    sentence += " " + say.gettext("%(count)s steps of the next 24 hours are held back.") % {
        "count": len(leaving.lines)
    }
    if leaving.underway:
        told = say.gettext("%(count)s messages were being handed over and may still leave.")
        sentence += " " + told % {"count": len(leaving.underway)}
    return done("/settings/stops", sentence, kind="warn")


@router.post("/resume")
async def resume(seat: Manager, request: Request) -> Response:
    """Lets sending go on; what is late is caught up as the policies say."""
    office, form = seat.office, await read(request, Part)
    _allowed(seat, form.stop)
    new = await stopping.resume(office.database, office.shelf, form.stop, seat.person.id, seat.now)
    woken = await office.deliver()
    say = speech(seat.language).gettext
    sentence = say("Sending goes on.") if new else say("This was not stopped.")
    if not woken:
        sentence += " " + say("The runs hear of it once Temporal is back.")
    return done("/settings/stops", sentence)


def _allowed(seat: Seat, what: Stop) -> None:
    """Raises NotFound for a stranger's creditor; who sees only some may not stop what concerns others."""
    if what.creditor is not None:
        seat.check(what.creditor)
    elif seat.creditors is not None:
        raise NotYours(seat.person.role.key)
