"""What stands between the network and the pages: headers, cross-site posts, the size of what comes in.

In: three ASGI wrappers.
Not in: who has signed in (seats.py), signatures of events (api/).
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OK = 200
SAFE = {"GET", "HEAD", "OPTIONS"}
LARGEST_BODY = 30 * 1024 * 1024
"""The most bytes of any request; narrower limits stand where a form or the API asks for less."""


class Headed:
    """Adds the headers that keep browsers careful; what a page has set itself is kept."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS:
                    headers.setdefault(name, value)
                kept = scope["path"].startswith("/static/") and message["status"] == OK
                headers.setdefault(
                    "Cache-Control", "public, max-age=31536000, immutable" if kept else "no-store"
                )
            await send(message)

        await self._app(scope, receive, headed if scope["type"] == "http" else send)


_HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)


class SameSite:
    """Refuses commands that another site's page sends with the visitor's cookie.

    Browsers say where a request comes from (Fetch Metadata); where they do not, its Origin must be ours.
    Programs send neither, and no cookie. `free` are the beginnings of paths that use no cookie.
    """

    def __init__(self, app: ASGIApp, free: Iterable[str]) -> None:
        """Wraps an application."""
        self._app = app
        self._free = tuple(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or refuses it with 403."""
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE
            and not scope["path"].startswith(self._free)
        ):
            headers = Headers(scope=scope)
            site, origin = headers.get("sec-fetch-site"), headers.get("origin")
            ours = (
                site in {"same-origin", "none"}
                if site is not None
                else origin is None or urlsplit(origin).netloc == headers.get("host")
            )
            if not ours:
                refused = PlainTextResponse("this command came from another site and was refused", 403)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


class TooLarge(Exception):
    """Says that a body is larger than anything that Relance takes."""


class Bounded:
    """Stops a body that grows beyond the limit, whatever its length claims to be."""

    def __init__(
        self, app: ASGIApp, limit: int = LARGEST_BODY, wider: Mapping[str, int] | None = None
    ) -> None:
        """Wraps an application; limits are in bytes, `wider` ones by path."""
        self._app = app
        self._limit = limit
        self._wider = wider or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or answers 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read, started = 0, False
        limit = self._wider.get(scope["path"], self._limit)
        too_large = PlainTextResponse(f"at most {limit} bytes can be taken", 413)
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > limit:
            await too_large(scope, receive, send)
            return

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except TooLarge:
            if not started:
                await too_large(scope, receive, send)
