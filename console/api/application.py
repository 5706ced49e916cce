"""The API as one application, to be mounted at /v1: its addresses, its faults, its description.

In: composing them; a name's slash, which in an address is written %2F.
Not in: what each address does (events.py, invoices.py, commands.py, hooks.py).
"""

from urllib.parse import unquote

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from console.api import commands, events, hooks, invoices
from console.api.caller import Reader
from console.api.description import describe
from console.api.desk import Desk, TheDesk
from console.api.invoices import KEPT
from console.api.problems import LastResort, Refusal, answer, meaning
from console.office import Office
from domain.faults import RelanceError


def build(office: Office) -> FastAPI:
    """Composes the API on an open office, which outlives it."""
    desk = Desk(office)
    app = FastAPI(
        title="Relance",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(LastResort), Middleware(Segments)],
    )
    app.state.desk = desk
    for router in (status, events.router, invoices.router, commands.router, hooks.router):
        app.include_router(router)
    for kind in (Refusal, RelanceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _refused)
    describe(app)
    return app


async def _refused(request: Request, fault: Exception) -> Response:
    """Answers a fault with a problem, and counts it."""
    desk: Desk = request.app.state.desk
    said, headers = meaning(fault)
    desk.tally.refuse(said, getattr(request.state, "caller", None))
    return answer(said, headers)


class Segments:
    """Keeps a slash inside a name apart from those that divide an address.

    Servers decode an address before it is matched. Here %2F stays as it is written, and stands for a slash
    in the parameters that `named` gives out.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%2f" in raw.lower():
            kept = raw.decode("ascii", "replace").replace("%2f", KEPT).replace(KEPT, "%252F")
            scope = dict(scope) | {"path": unquote(kept)}
        await self._app(scope, receive, send)


status = APIRouter(tags=["status"])


@status.get("/metrics", summary="Count what came in", response_class=PlainTextResponse)
async def metrics(_: Reader, desk: TheDesk) -> PlainTextResponse:
    """Counts events and refusals since this process began, as Prometheus reads them."""
    return PlainTextResponse(desk.tally.text())
