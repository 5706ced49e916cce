"""What goes wrong, as RFC 9457 problem details: the same shape for every status.

In: the problem, what faults mean as problems, the answer with one, the last resort.
Not in: what is checked (the modules of each address), counting (tally.py).

A problem's `type` is `urn:relance:problem:` and a word that programs can rely on; its sentences may change.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.fact import Fact
from domain.faults import ConfigurationFault, InputRefused, NotAllowed, NotFound, RelanceError, Unavailable
from intake.readers.rows import shown

MEDIA_TYPE = "application/problem+json"
NAMESPACE = "urn:relance:problem:"
RETRY_SECONDS = "5"

TITLES = {
    "malformed": "The body is not JSON",
    "no-credentials": "No credentials",
    "wrong-key": "The key is not known",
    "signature": "The signature is not right",
    "timestamp": "The signature is too old or too new",
    "forbidden": "Not allowed with these credentials",
    "not-found": "Not found",
    "method": "No such method here",
    "slow": "The body came too slowly",
    "conflict": "The id is taken",
    "not-allowed": "The facts forbid it",
    "too-large": "The body is too large",
    "media-type": "The media type is not understood",
    "refused": "Something in it cannot be taken",
    "unread": "It is no event",
    "unforeseen": "Something went wrong here",
    "unavailable": "Not available at the moment",
}
"""Every kind of problem; `type` ends with it."""

OF_STATUS = {
    400: "malformed",
    401: "no-credentials",
    403: "forbidden",
    404: "not-found",
    405: "method",
    413: "too-large",
    415: "media-type",
    422: "refused",
    503: "unavailable",
}

MEANING: Mapping[type[RelanceError], tuple[int, str]] = {
    InputRefused: (422, "refused"),
    NotFound: (404, "not-found"),
    NotAllowed: (409, "not-allowed"),
    Unavailable: (503, "unavailable"),
    ConfigurationFault: (503, "unavailable"),
}
"""The status and the kind that a fault of ours means; any other is unforeseen."""

log = structlog.get_logger(__name__)


class Wrong(Fact):
    """Points at what is wrong in the body, by a JSON pointer (RFC 6901), and says what to do."""

    pointer: str
    detail: str
    remedy: str


class Problem(Fact):
    """States a problem (RFC 9457); `kept` is the row in quarantine where a refused event can be mended."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Wrong, ...] = ()
    id: str | None = None
    source: str | None = None
    kept: int | None = None


class Refusal(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        """Takes the problem, and what the status wants among the headers."""
        super().__init__(problem.type)
        self.problem = problem
        self.headers = dict(headers or {})


def problem(kind: str, status: int, detail: str, errors: Iterable[Wrong] = (), **more: object) -> Problem:
    """Makes a problem of a kind."""
    facts = {"type": NAMESPACE + kind, "title": TITLES[kind], "status": status, "detail": detail}
    return Problem.model_validate(facts | {"errors": tuple(errors)} | more)


def pointer(field: str) -> str:
    """Turns a dotted path into a JSON pointer; the whole document is the empty one."""
    parts = [part.replace("~", "~0").replace("/", "~1") for part in field.split(".")] if field else []
    return "".join(f"/{part}" for part in parts)


def wrong(field: str, value: object, remedy: str) -> Wrong:
    """Points at a field by its dotted path."""
    place = "" if field == "json" else pointer(field)
    said = "" if value is None else f" = {shown(value)!r}"
    return Wrong(pointer=place, detail=f"{field or 'the document'}{said}: {remedy}", remedy=remedy)


def of_refused(fault: InputRefused) -> Problem:
    """Says what in a body cannot be taken."""
    kind, status = ("malformed", 400) if fault.field == "json" else ("refused", 422)
    one = wrong(fault.field, fault.value, fault.remedy)
    return problem(kind, status, one.detail, [one])


def answer(said: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answers with a problem."""
    body = said.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, said.status, headers, media_type=MEDIA_TYPE)


def meaning(fault: Exception) -> tuple[Problem, Mapping[str, str] | None]:
    """Says what a fault means as a problem, and what the status wants among the headers."""
    match fault:
        case Refusal():
            return fault.problem, fault.headers
        case InputRefused():
            return of_refused(fault), None
        case RelanceError():
            return _of_fault(fault)
        case RequestValidationError():
            errors = [
                wrong(".".join(str(part) for part in one["loc"]), one.get("input"), str(one["msg"]))
                for one in fault.errors()
            ]
            return problem("refused", 422, errors[0].detail, errors), None
        case HTTPException():
            kind = OF_STATUS.get(fault.status_code, "refused")
            return problem(kind, fault.status_code, str(fault.detail)), fault.headers
        case _:
            return unforeseen(), None


def _of_fault(fault: RelanceError) -> tuple[Problem, Mapping[str, str] | None]:
    found = next((meant for kind, meant in MEANING.items() if isinstance(fault, kind)), None)
    if found is None:
        log.error("api_failed", fault=type(fault).__name__)
        return unforeseen(), None
    status, kind = found
    headers = {"Retry-After": RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(kind, status, str(fault)), headers


def unforeseen() -> Problem:
    """Says that nobody foresaw what went wrong; the log has it."""
    return problem("unforeseen", 500, "it is in the log; nothing of this request was written by halves")


class LastResort:
    """Answers what nobody foresaw with a problem, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if started or scope["type"] != "http":
                raise
            log.exception("api_failed", path=scope["path"])
            await answer(unforeseen())(scope, receive, send)
