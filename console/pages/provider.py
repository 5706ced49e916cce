"""Signing in by an identity provider: the way there and the way back.

In: two addresses, and the cookie that ties the one to the other.
Not in: what the provider is asked and believed (console/oidc.py).
"""

from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from console import oidc, people
from console.forms import Mistakes
from console.office import Office
from console.oidc import Pending, Provider
from console.pages.entrance import asked, inside, seated
from console.screen import SEE_OTHER
from console.seats import TheOffice
from domain.faults import NotAllowed, NotFound

router = APIRouter(prefix="/sign-in/provider")

COOKIE = "relance_provider"
LASTS_SECONDS = 600


def provider_of(request: Request, office: Office) -> Provider:
    """Gives the provider that is set, one for the process; raises NotFound where none is."""
    if office.settings.oidc.issuer is None:
        msg = "no identity provider is set"
        raise NotFound(msg)
    known: Provider | None = getattr(request.app.state, "provider", None)
    if known is None:
        address = office.settings.console.public_url or str(request.base_url).rstrip("/")
        known = Provider(office.settings.oidc, f"{address}{router.prefix}/back")
        request.app.state.provider = known
    return known


@router.get("")
async def there(request: Request, office: TheOffice, then: str = "/") -> Response:
    """Sends the person to the provider."""
    pending = Pending.begin(inside(then))
    address = await provider_of(request, office).ask(pending)
    response = RedirectResponse(address, SEE_OTHER)
    response.set_cookie(
        COOKIE,
        urlencode(pending.model_dump()),
        max_age=LASTS_SECONDS,
        path=router.prefix,
        httponly=True,
        secure=office.settings.console.secure,
        samesite="lax",
    )
    return response


@router.get("/back")
async def back(request: Request, office: TheOffice) -> Response:
    """Lets the person in whom the provider vouches for."""
    pending = _pending(request)
    try:
        claims = await provider_of(request, office).answered(pending, request.query_params)
        who = await oidc.person(office.database, office.settings.oidc, claims, office.clock())
    except NotAllowed as refusal:
        response = asked(request, office, "/", Mistakes({"": str(refusal)}, {}))
    else:
        lasts = timedelta(hours=office.settings.console.session_hours)
        token = await people.open_session(office.database, who, office.clock(), lasts)
        response = seated(
            RedirectResponse(inside(pending.then if pending else "/"), SEE_OTHER), office, token
        )
    response.delete_cookie(COOKIE, path=router.prefix)
    return response


def _pending(request: Request) -> Pending | None:
    try:
        return Pending.model_validate(dict(parse_qsl(request.cookies.get(COOKIE, ""))))
    except ValidationError:
        return None
