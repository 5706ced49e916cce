"""Today: what waits for people, and what the engine did by itself.

In: the list of the day with its groups, holds that end, the sentences about yesterday.
Not in: doing a task (tasks.py).
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.screen import page
from console.seats import Seat, Viewer
from domain.calendars import COUNTRY_ZONES
from ledger.views import today as view

router = APIRouter()

ZONE = COUNTRY_ZONES["FR"]

GROUPS: dict[str, tuple[str, ...]] = {
    "calls": ("call",),
    "approvals": ("approve", "approve-agreement"),
    "payments": ("match", "claimed-paid", "allocate", "payments", "cashed-differs", "new-account"),
    "disputes": ("dispute", "dispute-expired", "credit-note", "broken-promise", "missing-piece", "factored"),
    "contacts": ("contact", "bounce", "unreachable", "mend", "reply", "claimed-contact", "claimed-missing"),
    "sends": ("ambiguous", "post", "report", "status-claimed"),
    "ends": ("handoff", "recall", "exhausted"),
}
"""The tabs of the list; a kind that none of them has stands under the first list alone."""

DONE = (
    "message.sent",
    "payment.received",
    "case.closed",
    "agreement.kept",
    "agreement.broken",
    "mail.replied",
    "message.bounced",
    "hold.lifted",
    "invoice.opened",
    "case.reopened",
)
"""What is told of the engine's day, in this order."""


def local_day(seat: Seat) -> datetime:
    """Gives the midnight at which the person's day began."""
    here = seat.now.astimezone(ZoneInfo(ZONE))
    return datetime.combine(here.date(), time(), here.tzinfo)


@router.get("/")
async def today(request: Request, seat: Viewer, group: str = "") -> Response:
    """Shows the work of the day."""
    kinds = GROUPS.get(group)
    midnight = local_day(seat)
    async with seat.office.database.reading() as conn:
        items = await view.work(conn, midnight.date(), seat.creditors, kinds)
        counted = await view.counts(conn, seat.creditors)
        ending = await view.ending_holds(conn, midnight.date(), seat.creditors)
        done = await view.done_since(conn, midnight - timedelta(days=1), seat.creditors)
    groups = {name: sum(counted.get(kind, 0) for kind in its) for name, its in GROUPS.items()}
    return page(
        seat,
        request,
        "today/today.html",
        items=items,
        group=group if kinds else "",
        groups=groups,
        waiting=sum(counted.values()),
        ending=ending,
        done={kind: done[kind] for kind in DONE if done.get(kind)},
        today=midnight.date(),
    )
