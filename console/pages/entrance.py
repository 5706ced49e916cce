"""Coming in and going out: signing in, signing out, one's language, one's password.

In: forms and the session's cookie.
Not in: what is checked (console/people.py), identity providers (provider.py).
"""

from datetime import timedelta
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from console import people
from console.forms import Form, Mistakes, read
from console.office import Office, wall_clock
from console.screen import SEE_OTHER, done, page, plain
from console.seats import COOKIE, SPEECHES, TheOffice, Viewer, spoken
from console.speech import speech
from domain.faults import InputRefused, NotAllowed
from ledger import people as record

router = APIRouter()


class SignIn(Form):
    """States what is typed to sign in."""

    name: str = Field(min_length=1, max_length=254)
    password: str = Field(min_length=1, max_length=1000)
    then: str = "/"


class Change(Form):
    """States what is typed to change a password."""

    current: str
    password: str


class Chosen(Form):
    """States a language chosen, and the page one was on."""

    language: str
    then: str = "/"


def inside(address: str) -> str:
    """Keeps the way back within the console: an address of elsewhere becomes the first page."""
    address = unquote(address)
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def asked(request: Request, office: Office, then: str, refused: Mistakes | None = None) -> Response:
    """Asks who it is, by a password or by the identity provider where there is one."""
    fields, typed = (refused.fields, refused.typed) if refused else ({}, {})
    oidc = office.settings.oidc
    return plain(
        spoken(request),
        "entrance/sign_in.html",
        status=401 if refused else 200,
        then=then,
        provider=None if oidc.issuer is None else oidc.title or urlsplit(oidc.issuer).hostname,
        mistakes=fields,
        typed=typed,
    )


@router.get("/sign-in")
async def ask(request: Request, office: TheOffice, then: str = "/") -> Response:
    """Asks who it is."""
    return asked(request, office, inside(then))


@router.post("/sign-in")
async def sign_in(request: Request, office: TheOffice) -> Response:
    """Lets a person in."""
    try:
        form = await read(request, SignIn)
    except Mistakes as refused:
        return asked(request, office, inside(str(refused.typed.get("then", "/"))), refused)
    lasts = timedelta(hours=office.settings.console.session_hours)
    try:
        token = await people.sign_in(office.database, form.name, form.password, wall_clock(), lasts)
    except NotAllowed as refusal:
        wrong = Mistakes({"": str(refusal)}, {"name": form.name})
        return asked(request, office, inside(form.then), wrong)
    return seated(RedirectResponse(inside(form.then), SEE_OTHER), office, token)


def seated(response: Response, office: Office, token: str) -> Response:
    """Gives the browser the cookie of a session."""
    console = office.settings.console
    response.set_cookie(
        COOKIE,
        token,
        max_age=console.session_hours * 3600,
        httponly=True,
        secure=console.secure,
        samesite="lax",
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, office: TheOffice) -> Response:
    """Ends the session."""
    token = request.cookies.get(COOKIE)
    if token is not None:
        async with office.database.writing() as conn:
            await record.signed_out(conn, people.fingerprint(token))
    response = RedirectResponse("/sign-in", SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


@router.post("/me/language")
async def choose(request: Request, seat: Viewer) -> Response:
    """Changes the language of one's pages."""
    form = await read(request, Chosen)
    if form.language in SPEECHES:
        who = seat.person.model_copy(update={"language": form.language})
        async with seat.office.database.writing() as conn:
            await record.save(conn, who, seat.now)
    return RedirectResponse(inside(form.then), SEE_OTHER)


@router.get("/me/password")
async def ask_password(request: Request, seat: Viewer) -> Response:
    """Asks for a new password."""
    return page(seat, request, "entrance/password.html")


@router.post("/me/password")
async def change(request: Request, seat: Viewer) -> Response:
    """Changes one's password; every other session ends."""
    office, lasts = seat.office, timedelta(hours=seat.office.settings.console.session_hours)
    try:
        form = await read(request, Change)
        try:
            await people.sign_in(office.database, seat.person.id, form.current, wall_clock(), lasts)
            kept = await people.hashed(form.password)
        except NotAllowed as refusal:
            raise Mistakes({"current": str(refusal)}, {}) from None
        except InputRefused as refusal:
            raise Mistakes({"password": refusal.remedy}, {}) from None
    except Mistakes as refused:
        return page(seat, request, "entrance/password.html", status=422, mistakes=refused.fields)
    async with office.database.writing() as conn:
        await record.save(conn, seat.person, seat.now, password=kept)
    token = await people.open_session(office.database, seat.person, wall_clock(), lasts)
    sentence = speech(seat.language).gettext("The password is changed.")
    return seated(done("/", sentence), office, token)
