"""Keys of programs: who may use the API, and who sends events signed.

In: making keys and senders, whose secrets are shown once; giving another secret, ending them.
Not in: what the API takes (console/api/), endpoints that hear of news (webhooks.py).
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from console.forms import Mistakes, Text, read
from console.pages.settings.seeing import Seeing, within
from console.screen import done, page
from console.seats import Administrator, Manager, Seat
from console.speech import speech
from domain.fact import Key
from domain.faults import InputRefused, NotFound
from ledger import access, house
from ledger.access import Right
from ledger.views import creditors

router = APIRouter(prefix="/keys")

KEY: TypeAdapter[str] = TypeAdapter(Key)


class NewKey(Seeing):
    """States a key to be made."""

    name: Text = Field(min_length=1, max_length=100)
    rights: tuple[Right, ...] = Field(min_length=1)


class NewSender(Seeing):
    """States a sender to be made."""

    sender: Text = Field(min_length=1, max_length=64)


@router.get("")
async def keys(seat: Manager, request: Request) -> Response:
    """Lists the keys and the senders."""
    return await _shown(seat, request)


async def _shown(
    seat: Seat, request: Request, wrong: Mistakes | None = None, *, secret: str | None = None, of: str = ""
) -> Response:
    async with seat.office.database.reading() as conn:
        made = [one for one in await access.keys(conn) if within(seat, one.creditors)]
        sending = [one for one in await access.everybody_sending(conn) if within(seat, one.creditors)]
        owners = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "settings/keys.html",
        status=422 if wrong else 200,
        keys=made,
        senders=sending,
        owners=owners,
        rights=[right.value for right in Right],
        secret=secret,
        of=of,
        mistakes=wrong.fields if wrong else {},
        typed=wrong.typed if wrong else {},
    )


@router.post("")
async def make_key(seat: Administrator, request: Request) -> Response:
    """Makes a key; its token is shown once, on this answer alone."""
    try:
        form = await read(request, NewKey)
        try:
            bounds = form.bounds_for(seat)
        except Mistakes as wrong:
            raise Mistakes(wrong.fields, form.model_dump(mode="json")) from None
    except Mistakes as wrong:
        return await _shown(seat, request, wrong)
    async with seat.office.database.writing() as conn:
        made, token = await access.make_key(conn, form.name, form.rights, bounds, seat.person.id, seat.now)
        rights = [right.value for right in made.rights]
        await _note(conn, seat, "key.made", key=made.id, rights=rights, creditors=_listed(bounds))
    return await _shown(seat, request, secret=token, of=form.name)


def _listed(bounds: tuple[str, ...] | None) -> list[str] | None:
    return None if bounds is None else list(bounds)


async def _note(conn: AsyncConnection, seat: Seat, kind: str, **facts: object) -> None:
    await house.note(conn, kind, seat.person.id, seat.now, **facts)


@router.post("/{key}/end")
async def end_key(seat: Administrator, key: str) -> Response:
    """Ends a key for good."""
    async with seat.office.database.writing() as conn:
        _theirs(seat, {one.id: one.creditors for one in await access.keys(conn)}, key)
        await access.end_key(conn, key, seat.now)
        await _note(conn, seat, "key.ended", key=key)
    return done("/settings/keys", speech(seat.language).gettext("The key opens nothing any more."))


def _theirs(seat: Seat, known: dict[str, tuple[str, ...] | None], name: str) -> None:
    """Raises NotFound for what is not there, or covers more than the person sees."""
    if name not in known or not within(seat, known[name]):
        msg = f"no key or sender {name!r}"
        raise NotFound(msg)


@router.post("/senders")
async def make_sender(seat: Administrator, request: Request) -> Response:
    """Makes a sender; the secret with which it signs is shown once."""
    try:
        form = await read(request, NewSender)
        try:
            name, bounds = KEY.validate_python(form.sender), form.bounds_for(seat)
        except ValidationError:
            plain = {"sender": "letters, digits and hyphens, please"}
            raise Mistakes(plain, form.model_dump(mode="json")) from None
        except Mistakes as wrong:
            raise Mistakes(wrong.fields, form.model_dump(mode="json")) from None
    except Mistakes as wrong:
        return await _shown(seat, request, wrong)
    try:
        async with seat.office.database.writing() as conn:
            made, secret = await access.make_sender(conn, name, bounds, seat.person.id, seat.now)
            await _note(conn, seat, "sender.made", sender=made.id, creditors=_listed(bounds))
    except InputRefused as refusal:
        taken = Mistakes({"sender": refusal.remedy}, form.model_dump(mode="json"))
        return await _shown(seat, request, taken)
    return await _shown(seat, request, secret=secret, of=name)


@router.post("/senders/{name}/secret")
async def new_secret(seat: Administrator, request: Request, name: str) -> Response:
    """Gives a sender another secret; the one before it counts until the next."""
    async with seat.office.database.writing() as conn:
        _theirs(seat, {one.id: one.creditors for one in await access.everybody_sending(conn)}, name)
        secret = await access.new_secret(conn, name)
        await _note(conn, seat, "sender.changed", sender=name)
    return await _shown(seat, request, secret=secret, of=name)


@router.post("/senders/{name}/end")
async def end_sender(seat: Administrator, name: str) -> Response:
    """Ends a sender for good."""
    async with seat.office.database.writing() as conn:
        _theirs(seat, {one.id: one.creditors for one in await access.everybody_sending(conn)}, name)
        await access.end_sender(conn, name, seat.now)
        await _note(conn, seat, "sender.ended", sender=name)
    return done("/settings/keys", speech(seat.language).gettext("Nothing that it signs is taken any more."))
