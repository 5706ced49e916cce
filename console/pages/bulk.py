"""Many invoices at once: what is to be done, what it would do to each, doing it.

In: POST /bulk, which previews, and POST /bulk/do.
Not in: how it is done (intake/steering.py), the list where invoices are ticked (invoices.py).

What was previewed is what is done: the preview carries its invoices, and the step that each had, in hidden
fields. Doing it a second time changes nothing.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from console.commands.debtors import BOUNDS
from console.forms import Form, Mistakes, Text, read
from console.pages.invoices import narrowed
from console.pages.today import local_day
from console.screen import page
from console.seats import NotYours, Operator, Seat
from console.speech import speech
from domain.agreements import LONGEST_HOLD
from domain.faults import InputRefused
from domain.policy import DunningPolicy
from intake.holding import LONGEST_REASON
from intake.steering import MOST, Errand, Pick, Steered, Steering, What
from ledger.views import lists
from ledger.views.sought import asked

router = APIRouter()

DECIDED = {What.APPROVE: "manager", What.MOVE: "manager"}
"""What an operator may not do alone."""

IN_A_FIELD = 200
"""How many invoices a hidden field carries: fields are bounded."""


class Chosen(Form):
    """States what is to be done with which invoices: those ticked, or every one that an address finds."""

    what: What
    pick: tuple[str, ...] = ()
    every: bool = False
    where: str = Field(default="", max_length=2000)
    id: str | None = Field(default=None, pattern=r"^[0-9a-f-]{36}$")


class Wish(Form):
    """States until when, why, under which policy."""

    until: date | None = None
    reason: Text | None = Field(default=None, max_length=LONGEST_REASON)
    policy: str | None = Field(default=None, max_length=64)


NEEDS = {What.HOLD: ("until", "reason"), What.SKIP: ("reason",), What.MOVE: ("policy",)}


@router.post("/bulk")
async def preview(request: Request, seat: Operator) -> Response:
    """Asks for what is still needed, and shows what would become of each invoice."""
    chosen = await _chosen(request, seat)
    picks, back = await _picks(seat, chosen), _back(chosen.where)
    told: dict[str, Any] = {"found": [], "errand": None, "policy": None, "mistakes": {}, "typed": {}}
    status = 200
    if len(picks) <= MOST:
        try:
            wish = await read(request, Wish)
            told["typed"] = wish.model_dump(exclude_none=True)
            steering = _steering(seat, chosen, wish)
            told["errand"] = steering.errand
            told["found"] = await _steered(steering, seat, picks, really=False)
        except Mistakes as refused:
            # On the way in nobody has typed anything yet, and nothing can be wrong.
            if chosen.id is not None:
                told |= {"mistakes": refused.fields, "typed": refused.typed}
                status = 422
    return page(
        seat,
        request,
        "invoices/bulk.html",
        status=status,
        chosen=chosen,
        back=back,
        address=back,
        id=chosen.id or str(uuid4()),
        picks=_fields(picks),
        doable=_fields(_doable(told["found"])),
        count=len(picks),
        most=MOST,
        needs=NEEDS.get(chosen.what, ()),
        policies=[(one.id, _title(one, seat.language)) for one in seat.office.catalogue.values()],
        longest=LONGEST_REASON,
        **told,
    )


@router.post("/bulk/do")
async def do(request: Request, seat: Operator) -> Response:
    """Does what was previewed, and says what became of each invoice."""
    chosen = await _chosen(request, seat)
    try:
        steering = _steering(seat, chosen, await read(request, Wish))
    except Mistakes:
        return await preview(request, seat)
    found = await _steered(steering, seat, (await _picks(seat, chosen))[:MOST], really=True)
    delivered, back = await seat.office.deliver(), _back(chosen.where)
    return page(
        seat,
        request,
        "invoices/done.html",
        found=found,
        chosen=chosen,
        delivered=delivered,
        back=back,
        address=back,
    )


async def _chosen(request: Request, seat: Seat) -> Chosen:
    try:
        chosen = await read(request, Chosen)
    except Mistakes as refused:
        name, sentence = next(iter(refused.fields.items()))
        raise InputRefused(name, refused.typed.get(name), sentence) from None
    role = DECIDED.get(chosen.what)
    if role is not None and not seat.may(role):
        raise NotYours(role)
    return chosen


async def _picks(seat: Seat, chosen: Chosen) -> list[Pick]:
    """Gathers the invoices that are meant, one more than may be steered at once at most."""
    if not chosen.every:
        lines = [line.partition(":") for field in chosen.pick for line in field.splitlines()]
        parts = [(creditor, *rest.partition(":")) for creditor, _, rest in lines]
        return [Pick(creditor=one, number=number, step=step or None) for one, number, _, step in parts]
    asks = narrowed(dict(parse_qsl(chosen.where)))
    if asks.sought is None:
        raise InputRefused("where", chosen.where, "the filter cannot be read: go back to the list")
    async with seat.office.database.reading() as conn:
        where = await asked(conn, seat.creditors, seat.now)
        keys = await lists.invoice_keys(conn, asks.sought, where, sort=asks.sort, limit=MOST + 1)
    return [Pick(creditor=creditor, number=number) for creditor, number in keys]


def _steering(seat: Seat, chosen: Chosen, wish: Wish) -> Steering:
    """Makes the errand; raises Mistakes for what is missing or cannot be."""
    typed = wish.model_dump(exclude_none=True)
    missing = {name: "this is needed" for name in NEEDS.get(chosen.what, ()) if name not in typed}
    if missing:
        raise Mistakes(missing, typed)
    policy: DunningPolicy | None = None
    if chosen.what is What.MOVE:
        policy = seat.office.catalogue.get(wish.policy or "")
        if policy is None:
            raise Mistakes({"policy": "choose one of the policies"}, typed)
    today = local_day(seat).date()
    if wish.until is not None and not today <= wish.until <= today + LONGEST_HOLD:
        raise Mistakes({"until": speech(seat.language).gettext(BOUNDS) % {"days": LONGEST_HOLD.days}}, typed)
    errand = Errand(
        id=chosen.id or str(uuid4()), what=chosen.what, until=wish.until, reason=wish.reason or ""
    )
    office = seat.office
    return Steering(office.database, office.shelf, seat.now, seat.person.id, errand, policy)


async def _steered(steering: Steering, seat: Seat, picks: Iterable[Pick], *, really: bool) -> list[Steered]:
    """Steers what the person may see; anything else is as if there were none."""
    mine = [one for one in picks if seat.sees(one.creditor)]
    return await (steering.carry_out(mine) if really else steering.foresee(mine))


def _doable(found: Iterable[Steered]) -> list[Pick]:
    """Names what can be done, with the step that was looked at."""
    return [
        Pick(creditor=one.creditor, number=one.number, step=one.step) for one in found if one.problem is None
    ]


def _fields(picks: list[Pick]) -> list[str]:
    lines = [f"{one.creditor}:{one.number}:{one.step or ''}" for one in picks[:MOST]]
    return ["\n".join(lines[start : start + IN_A_FIELD]) for start in range(0, len(lines), IN_A_FIELD)]


def _back(where: str) -> str:
    return narrowed(dict(parse_qsl(where))).link() if where else "/invoices"


def _title(policy: DunningPolicy, language: str) -> str:
    return f"{policy.id}: {policy.title.get(language) or next(iter(policy.title.values()))}"
