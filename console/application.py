"""The console as one application: guards, pages, API, the debtor's page.

In: composing them, and what a fault looks like to the person who met it.
Not in: the process that serves it (terminal/serving.py), what is open (office.py).
"""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from console import live, uploads
from console.answers import files, page
from console.api import application as api
from console.guards import Bounded, Headed, SameSite
from console.live import Pulse
from console.office import Office
from console.pages import ROUTERS
from console.screen import HERE, SEE_OTHER, plain
from console.seats import NotYours, SignInFirst, TheOffice, spoken
from domain.faults import InputRefused, NotAllowed, NotFound, RelanceError, Unavailable

WITHOUT_COOKIE = ("/v1/",)
STATUS = {InputRefused: 422, NotFound: 404, NotAllowed: 409, Unavailable: 503}

log = structlog.get_logger(__name__)


def build(office: Office) -> FastAPI:
    """Composes the application on an open office, which outlives it."""
    app = FastAPI(
        title="Relance",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(Headed),
            Middleware(SameSite, free=WITHOUT_COOKIE),
            Middleware(Bounded, wider={uploads.ADDRESS: uploads.LARGEST_BODY}),
        ],
    )
    app.state.office = office
    app.state.pulse = Pulse(office.database)
    for router in (live.router, page.router, files.router, *ROUTERS):
        app.include_router(router, include_in_schema=False)
    app.add_api_route("/health", _health, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.mount("/v1", api.build(office))
    app.add_exception_handler(SignInFirst, _sign_in)
    app.add_exception_handler(NotYours, _not_yours)
    app.add_exception_handler(RelanceError, _fault)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unread)
    return app


async def _health(office: TheOffice) -> PlainTextResponse:
    async with office.database.reading():
        return PlainTextResponse("well")


async def _sign_in(request: Request, detour: Exception) -> Response:
    assert isinstance(detour, SignInFirst)
    to = f"/sign-in?then={detour.then}"
    if "hx-request" in request.headers:  # a part of a page cannot be a sign-in: the whole page goes there
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, SEE_OTHER)


async def _not_yours(request: Request, refusal: Exception) -> Response:
    language = spoken(request)
    return plain(language, "trouble.html", status=403, heading="not yours", sentence=str(refusal))


async def _fault(request: Request, fault: Exception) -> Response:
    """Shows a fault of ours in a sentence: what is wrong and what to do."""
    status = next((code for kind, code in STATUS.items() if isinstance(fault, kind)), 500)
    if status == STATUS[Unavailable]:
        route = request.scope.get("route")  # not the path: a debtor's link is a secret
        log.warning("unavailable", path=getattr(route, "path", ""))
    return plain(spoken(request), "trouble.html", status=status, heading=str(status), sentence=str(fault))


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if request.url.path.startswith(WITHOUT_COOKIE):
        return JSONResponse({"detail": fault.detail}, fault.status_code)
    heading = str(fault.status_code)
    return plain(
        spoken(request), "trouble.html", status=fault.status_code, heading=heading, sentence=fault.detail
    )


async def _unread(request: Request, fault: Exception) -> Response:
    """Says which part of an address cannot be read; whoever typed it mends it there."""
    assert isinstance(fault, RequestValidationError)
    parts = ", ".join(sorted({str(error["loc"][-1]) for error in fault.errors()}))
    sentence = f"the address cannot be read: mend {parts}"
    return plain(spoken(request), "trouble.html", status=422, heading="422", sentence=sentence)
