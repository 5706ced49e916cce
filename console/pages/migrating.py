"""Open cases moved to another version of a policy: looked at first, then done by a manager.

In: the preview, a part at a time; the move, which goes on until it is all done.
Not in: the work through the accounts (intake/moving.py), what moving means (domain/succession.py).
"""

import asyncio
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from console.forms import Form, Mistakes, read
from console.pages.policies import chosen, offered
from console.screen import done, page
from console.seats import Manager, Seat
from console.speech import speech
from correspondence.wording import Wording
from domain.faults import NotAllowed
from domain.policy import DunningPolicy
from intake.moving import Mover, Moving
from ledger.views import creditors

router = APIRouter()

AT_ONCE = 20
"""How many accounts one page looks at."""

SECONDS = 6.0
"""How long a person waits for a move; what is left is moved by asking again."""


class Wish(Form):
    """States what is to be moved where; `version` is the one that was looked at."""

    source: str = Field(min_length=1, max_length=140)
    target: str = Field(min_length=1, max_length=140)
    creditor: str | None = Field(default=None, max_length=64)
    version: str = ""


def _wanted(seat: Seat, creditor: str | None) -> tuple[str, ...] | None:
    if creditor:
        seat.check(creditor)
        return (creditor,)
    return seat.creditors


async def _mover(seat: Seat, source: str, target: str) -> Mover:
    """Makes ready what moves; raises NotFound, ConfigurationFault where words are missing."""
    policy = await chosen(seat, target)
    await asyncio.to_thread(_check_words, seat, policy)
    office = seat.office
    return await Mover.of(office.database, office.shelf, seat.now, source, policy, seat.person.id)


def _check_words(seat: Seat, policy: DunningPolicy) -> None:
    Wording.unproven(seat.office.settings.folders.wording).check(policy)


@router.get("/policies/move")
async def preview(
    request: Request, seat: Manager, source: str = "", target: str = "", creditor: str = "", after: int = 0
) -> Response:
    """Says what moving would do to each case: its next action before and after."""
    found: Moving | None = None
    accounts: list[tuple[str, str]] = []
    place = max(after, 0)
    if source and target:
        mover = await _mover(seat, source, target)
        accounts = await mover.accounts(_wanted(seat, creditor))
        found = mover.begin(dry_run=True)
        await mover.go_through(accounts[place * AT_ONCE : (place + 1) * AT_ONCE], found)
    every = await offered(seat)
    async with seat.office.database.reading() as conn:
        whose = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "policies/move.html",
        found=found,
        accounts=len(accounts),
        first=place * AT_ONCE,
        after=place,
        more=(place + 1) * AT_ONCE < len(accounts),
        source=source,
        target=target,
        creditor=creditor,
        offered=[one for one in every if one.policy is not None],
        creditors=whose,
        query=urlencode({"source": source, "target": target, "creditor": creditor}),
        typed={"source": source, "target": target, "creditor": creditor},
    )


@router.post("/policies/move")
async def move(request: Request, seat: Manager) -> Response:
    """Moves what was looked at; what is left after a few seconds is moved by asking again."""
    try:
        wish = await read(request, Wish)
    except Mistakes as refused:
        msg = "; ".join(f"{name}: {sentence}" for name, sentence in refused.fields.items())
        raise NotAllowed(msg) from None
    mover = await _mover(seat, wish.source, wish.target)
    if mover.policy.version != wish.version:
        msg = "the policy has changed since you looked: look again"
        raise NotAllowed(msg)
    accounts = await mover.accounts(_wanted(seat, wish.creditor))
    moved = mover.begin(dry_run=False)
    loop = asyncio.get_running_loop()
    ends = loop.time() + SECONDS
    await mover.go_through(accounts, moved, lambda: loop.time() > ends)
    await seat.office.deliver()
    given = {"source": wish.source, "target": wish.target, "creditor": wish.creditor or ""}
    return done(f"/policies/move?{urlencode(given)}", _told(seat, moved), kind=_kind(moved))


def _kind(moved: Moving) -> str:
    return "warn" if moved.failed or moved.not_reached or "stays" in moved.counts else "done"


def _told(seat: Seat, moved: Moving) -> str:
    """Says what was moved and what is left."""
    say = speech(seat.language)
    stays = moved.counts.get("stays", 0)
    count = len(moved.moves) - stays
    told = [say.ngettext("%(num)s case was moved.", "%(num)s cases were moved.", count) % {"num": count}]
    if moved.not_reached:
        left = say.gettext("%(num)s customers are left: move again.")
        told.append(left % {"num": moved.not_reached})
    if stays or moved.failed:
        kept = say.gettext("%(num)s could not be moved: the list says why.")
        told.append(kept % {"num": stays + len(moved.failed)})
    return " ".join(told)
