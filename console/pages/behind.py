"""The invoices behind a figure of the overview that the list of invoices cannot name.

In: one table for each: collected after a step, promised, with a recovery agency, taken next on a day.
Not in: the figures (overview.py).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.pages.overview import awaiting_in, titles_of
from console.scope import PERIOD, scope_of
from console.screen import page
from console.seats import Seat, Viewer
from domain.calendars import ONE_DAY
from domain.policy import Channel
from domain.standing import Standing
from ledger.views import figures
from ledger.views.figures import Line

router = APIRouter()


@router.get("/overview/collected")
async def collected(
    seat: Viewer, request: Request, currency: str, creditor: str = "", step: str | None = None
) -> Response:
    """Lists the invoices whose money came after a step."""
    scope = await scope_of(seat, creditor, currency)
    async with seat.office.database.reading() as conn:
        lines = await figures.collected_lines(
            conn, scope.narrowed, scope.since, scope.today, currency, step or None
        )
    title = titles_of(seat, {}).get(step or "", step)
    return _lines(seat, request, lines, figure="collected", of=title, period=PERIOD.days)


@router.get("/overview/promises")
async def promises(
    seat: Viewer, request: Request, currency: str, standing: Standing, creditor: str = ""
) -> Response:
    """Lists the invoices of promises that stand so."""
    scope = await scope_of(seat, creditor, currency)
    async with seat.office.database.reading() as conn:
        lines = await figures.promise_lines(conn, scope.narrowed, scope.since, currency, standing)
    return _lines(seat, request, lines, figure="promises", of=standing.value, period=PERIOD.days)


@router.get("/overview/recovery")
async def recovery(seat: Viewer, request: Request, currency: str, creditor: str = "") -> Response:
    """Lists the invoices that were handed off, or whose ladder is finished, and are still owed."""
    scope = await scope_of(seat, creditor, currency)
    async with seat.office.database.reading() as conn:
        lines = await figures.given_away_lines(conn, scope.narrowed, currency)
    return _lines(seat, request, lines, figure="recovery", of=None, period=None)


@router.get("/overview/ahead")
async def ahead(seat: Viewer, request: Request, day: date, channel: Channel, creditor: str = "") -> Response:
    """Lists the invoices whose next step is taken on a day by a channel."""
    scope = await scope_of(seat, creditor, "")
    async with seat.office.database.reading() as conn:
        waiting = [one for one in await awaiting_in(conn, scope) if one.day == day]
        policies = await seat.office.shelf.get_all(conn, {one.policy for one in waiting})
        taking = {
            (one.policy, one.step)
            for one in waiting
            if policies[one.policy].step(one.step).channel is channel
        }
        begin = None if day == scope.today else scope.midnight(day)
        between = (begin, scope.midnight(day + ONE_DAY))
        lines = await figures.awaiting_lines(conn, scope.narrowed, between, sorted(taking))
    return _lines(seat, request, lines, figure="ahead", of=channel.value, period=day)


def _lines(seat: Seat, request: Request, lines: Sequence[Line], **told: Any) -> Response:
    """Shows the invoices behind a figure."""
    most = figures.LISTED if len(lines) == figures.LISTED else None
    return page(seat, request, "overview/lines.html", lines=lines, most=most, **told)
