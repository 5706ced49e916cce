"""People and their roles: who signs in, what they may do, whose invoices they see.

In: adding, changing, disabling, a new password shown once. Not in: signing in (pages/entrance.py).

Somebody who can administer is always left.
"""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from console.forms import Mistakes, Text, read, sentence_of
from console.pages.settings.seeing import Seeing, within
from console.people import hashed
from console.screen import done, page
from console.seats import SPEECHES, Administrator, Manager, Seat
from console.speech import speech
from domain.faults import NotAllowed, NotFound
from ledger import people as record
from ledger.people import Person, Role
from ledger.views import creditors

router = APIRouter(prefix="/people")

ROLES = [role.key for role in Role]
LAST = "somebody must be left who can administer: make another administrator first"


def _role(key: Any) -> Any:
    if str(key) not in ROLES:
        msg = "choose one of the roles"
        raise ValueError(msg)
    return Role[str(key).upper()]


def _spoken(language: str) -> str:
    if language not in SPEECHES:
        msg = "choose one of the languages"
        raise ValueError(msg)
    return language


class Who(Seeing):
    """States what is typed of a person."""

    name: Text = Field(min_length=1, max_length=140)
    role: Annotated[Role, BeforeValidator(_role)]
    language: Annotated[str, AfterValidator(_spoken)]

    def person(self, seat: Seat, name: str, known: Person | None) -> Person:
        """Gives the person; raises Mistakes."""
        facts = self.model_dump(include={"name", "role", "language"}) | {
            "id": name.lower(),
            "creditors": self.bounds_for(seat),
            "disabled_at": known.disabled_at if known else None,
        }
        try:
            return Person.model_validate(facts)
        except ValidationError as refused:
            wrong = {str(one["loc"][0]): sentence_of(one) for one in refused.errors()}
            if "id" in wrong:
                wrong["email"] = "give an e-mail address"
            raise Mistakes(wrong, {}) from None


class Newcomer(Who):
    """States what is typed of somebody new."""

    email: str = Field(min_length=3, max_length=254)


@router.get("")
async def everybody(seat: Manager, request: Request) -> Response:
    """Lists the people."""
    async with seat.office.database.reading() as conn:
        found = await record.everybody(conn)
    mine = [one for one in found if within(seat, one.creditors)]
    return page(seat, request, "settings/people.html", people=mine)


@router.get("/new")
async def ask(seat: Administrator, request: Request) -> Response:
    """Asks for somebody new."""
    return await _form(seat, request, None)


async def _form(
    seat: Seat,
    request: Request,
    known: Person | None,
    wrong: Mistakes | None = None,
    password: str | None = None,
) -> Response:
    async with seat.office.database.reading() as conn:
        owners = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "settings/person.html",
        status=422 if wrong else 200,
        known=known,
        owners=owners,
        roles=ROLES,
        password=password,
        mistakes=wrong.fields if wrong else {},
        typed=wrong.typed if wrong else {},
    )


@router.post("/new")
async def add(seat: Administrator, request: Request) -> Response:
    """Lets somebody sign in; the password is shown once, on this answer alone."""
    try:
        form = await read(request, Newcomer)
        try:
            who = form.person(seat, form.email, None)
        except Mistakes as wrong:
            raise Mistakes(wrong.fields, form.model_dump(mode="json")) from None
    except Mistakes as wrong:
        return await _form(seat, request, None, wrong)
    async with seat.office.database.reading() as conn:
        known = {one.id for one in await record.everybody(conn)}
    if who.id in known:
        twice = Mistakes({"email": "this person is known already"}, form.model_dump(mode="json"))
        return await _form(seat, request, None, twice)
    return await _with_password(seat, request, who, "added")


async def _with_password(seat: Seat, request: Request, who: Person, what: str) -> Response:
    password = secrets.token_urlsafe(12)
    mixed = await hashed(password)
    async with seat.office.database.writing() as conn:
        await record.save(conn, who, seat.now, password=mixed)
        await record.note(conn, who, what, seat.person.id, seat.now)
    return await _form(seat, request, who, password=password)


@router.get("/{name}")
async def one(seat: Administrator, request: Request, name: str) -> Response:
    """Shows a person."""
    return await _form(seat, request, await _known(seat, name))


async def _known(seat: Seat, name: str) -> Person:
    """Reads somebody who sees no more than the administrator; raises NotFound."""
    async with seat.office.database.reading() as conn:
        found = await record.person(conn, name)
    if not within(seat, found.creditors):
        msg = f"nobody signs in as {name}"
        raise NotFound(msg)
    return found


@router.post("/{name}")
async def change(seat: Administrator, request: Request, name: str) -> Response:
    """Changes what somebody may do and see."""
    known = await _known(seat, name)
    try:
        form = await read(request, Who)
        try:
            who = form.person(seat, known.id, known)
            await _save(seat, who, "changed")
        except Mistakes as wrong:
            raise Mistakes(wrong.fields, form.model_dump(mode="json")) from None
        except NotAllowed as refusal:
            raise Mistakes({"role": str(refusal)}, form.model_dump(mode="json")) from None
    except Mistakes as wrong:
        return await _form(seat, request, known, wrong)
    return _done(seat, "%(name)s is changed.", who)


@router.post("/{name}/password")
async def new_password(seat: Administrator, request: Request, name: str) -> Response:
    """Gives somebody a new password, shown once; they are signed out everywhere."""
    return await _with_password(seat, request, await _known(seat, name), "given a password")


@router.post("/{name}/disable")
async def disable(seat: Administrator, request: Request, name: str) -> Response:
    """Lets somebody in no more, and signs them out."""
    known = await _known(seat, name)
    try:
        await _save(seat, known.model_copy(update={"disabled_at": seat.now}), "disabled")
    except NotAllowed as refusal:
        return await _form(seat, request, known, Mistakes({"": str(refusal)}, {}))
    return _done(seat, "%(name)s can sign in no more.", known)


@router.post("/{name}/enable")
async def enable(seat: Administrator, name: str) -> Response:
    """Lets somebody in again."""
    known = await _known(seat, name)
    await _save(seat, known.model_copy(update={"disabled_at": None}), "enabled")
    return _done(seat, "%(name)s can sign in again.", known)


async def _save(seat: Seat, who: Person, what: str) -> None:
    """Writes a person; raises NotAllowed where nobody would be left who can administer."""
    async with seat.office.database.writing() as conn:
        left = [one for one in await record.everybody(conn) if one.id != who.id] + [who]
        if not any(one.role is Role.ADMINISTRATOR and one.disabled_at is None for one in left):
            raise NotAllowed(LAST)
        await record.save(conn, who, seat.now)
        await record.note(conn, who, what, seat.person.id, seat.now)


def _done(seat: Seat, sentence: str, who: Person) -> Response:
    return done("/settings/people", speech(seat.language).gettext(sentence) % {"name": who.name})
