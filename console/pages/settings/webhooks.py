"""Webhooks: where news is sent, and what became of each delivery.

In: adding endpoints, their secret shown once; disabling and enabling; deliveries, sending one again.
Not in: what news says (intake/announcing.py), calling endpoints (activities/courier.py).
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from console.forms import Mistakes, Text, read
from console.pages.settings.seeing import Seeing, within
from console.screen import done, page
from console.seats import Administrator, Manager, Seat
from console.speech import speech
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.outside import check_endpoint
from ledger import access, house, webhooks
from ledger.views import creditors
from ledger.webhooks import News, State, Webhook

router = APIRouter(prefix="/webhooks")

LISTED = 100


class NewWebhook(Seeing):
    """States an endpoint to be added."""

    url: Text = Field(min_length=1, max_length=2000)
    kinds: tuple[News, ...] = Field(min_length=1)


@router.get("")
async def endpoints(seat: Manager, request: Request) -> Response:
    """Lists the endpoints."""
    return await _shown(seat, request)


async def _shown(
    seat: Seat, request: Request, wrong: Mistakes | None = None, *, secret: str | None = None, of: str = ""
) -> Response:
    async with seat.office.database.reading() as conn:
        known = [one for one in await webhooks.endpoints(conn) if within(seat, one.creditors)]
        owners = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "settings/webhooks.html",
        status=422 if wrong else 200,
        endpoints=known,
        owners=owners,
        kinds=[kind.value for kind in News],
        secret=secret,
        of=of,
        mistakes=wrong.fields if wrong else {},
        typed=wrong.typed if wrong else {},
    )


@router.post("")
async def add(seat: Administrator, request: Request) -> Response:
    """Adds an endpoint; the secret that signs every delivery is shown once."""
    try:
        form = await read(request, NewWebhook)
        try:
            check_endpoint(form.url, private=seat.office.settings.webhooks.private)
            bounds = form.bounds_for(seat)
        except InputRefused as refusal:
            raise Mistakes.of(refusal, form.model_dump(mode="json"), {"url"}) from None
        except Mistakes as wrong:
            raise Mistakes(wrong.fields, form.model_dump(mode="json")) from None
    except Mistakes as wrong:
        return await _shown(seat, request, wrong)
    secret = access.signing_secret()
    async with seat.office.database.writing() as conn:
        made = await webhooks.make(conn, form.url, form.kinds, bounds, secret, seat.person.id, seat.now)
        kinds = [kind.value for kind in made.kinds]
        await house.note(conn, "webhook.made", seat.person.id, seat.now, webhook=made.id, kinds=kinds)
    return await _shown(seat, request, secret=secret, of=made.url)


@router.get("/{name}")
async def one(seat: Manager, request: Request, name: str, state: State | None = None) -> Response:
    """Shows an endpoint with its latest deliveries."""
    found = await _find(seat, name)
    async with seat.office.database.reading() as conn:
        sent = await webhooks.sent_to(conn, name, state=state, limit=LISTED)
    return page(seat, request, "settings/webhook.html", endpoint=found, sent=sent, state=state, listed=LISTED)


async def _find(seat: Seat, name: str) -> Webhook:
    """Reads an endpoint that lies within what the person sees; raises NotFound."""
    async with seat.office.database.reading() as conn:
        found = await webhooks.endpoint(conn, name)
    if not within(seat, found.creditors):
        msg = f"no webhook {name!r}"
        raise NotFound(msg)
    return found


@router.post("/{name}/disable")
async def disable(seat: Administrator, name: str) -> Response:
    """Sends nothing more to an endpoint; what is on its way is given up."""
    await _find(seat, name)
    async with seat.office.database.writing() as conn:
        await webhooks.disable(conn, name, f"by {seat.person.id}", seat.now)
        await house.note(conn, "webhook.disabled", seat.person.id, seat.now, webhook=name)
    return _done(seat, name, "Nothing more is sent there.")


@router.post("/{name}/enable")
async def enable(seat: Administrator, name: str) -> Response:
    """Sends news to an endpoint again; what happened meanwhile is not told."""
    await _find(seat, name)
    async with seat.office.database.writing() as conn:
        await webhooks.enable(conn, name)
        await house.note(conn, "webhook.enabled", seat.person.id, seat.now, webhook=name)
    return _done(seat, name, "News is sent there from now on.")


@router.post("/{name}/deliveries/{delivery}")
async def again(seat: Administrator, name: str, delivery: str) -> Response:
    """Has a delivery sent once more, byte for byte the same."""
    await _find(seat, name)
    try:
        async with seat.office.database.writing() as conn:
            if (await webhooks.parcel(conn, delivery)).webhook.id != name:
                msg = f"no delivery {delivery!r}"
                raise NotFound(msg)
            await webhooks.again(conn, delivery)
            facts = {"webhook": name, "delivery": delivery}
            await house.note(conn, "webhook.redelivered", seat.person.id, seat.now, **facts)
    except NotAllowed:
        return _done(seat, name, "It has not been tried yet: it will be by itself.", kind="warn")
    return _done(seat, name, "It is sent once more.")


def _done(seat: Seat, name: str, sentence: str, *, kind: str = "done") -> Response:
    return done(f"/settings/webhooks/{name}", speech(seat.language).gettext(sentence), kind=kind)
