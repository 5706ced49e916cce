"""Who opens a link: one debtor of one creditor, for as long as the link lives, and nothing else.

In: reading the link, the account behind it, the language; what everybody else is shown.
Not in: how a link is signed (correspondence/links.py), what the page says (statement.py).

Nothing here sets a cookie or asks for one. What is refused is refused alike, forged or expired, so that a
link tells nothing of anybody.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from activities.links import links_of
from console.office import Office
from console.screen import plain
from console.seats import SPEECHES, TheOffice
from console.speech import Speech, speech
from correspondence.links import Invitation, Links
from domain.account import Account
from domain.calendars import Agenda
from domain.faults import NotFound, RelanceError, Unavailable
from ledger import accounts

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "no-store",
}

log = structlog.get_logger(__name__)


class Uninvited(Exception):
    """Says that a link leads nowhere: forged, cut, expired, or of nobody who is known."""


@dataclass(frozen=True)
class Guest:
    """Holds who opened a link, and the account as it stands at the instant of the request."""

    token: str
    invitation: Invitation
    account: Account
    office: Office
    now: datetime
    language: str

    @property
    def today(self) -> date:
        """Tells the civil day in the creditor's zone."""
        return Agenda.of(self.account.creditor, self.account.debtor).today(self.now)

    @property
    def speech(self) -> Speech:
        """Gives the words of the guest's language."""
        return speech(self.language)

    def address(self, rest: str = "") -> str:
        """Gives an address under the guest's link, in the language chosen."""
        chosen = "" if self.language == spoken_by(self.account.debtor.language) else f"lang={self.language}"
        path, _, query = rest.partition("?")
        asked = "&".join(part for part in (query, chosen) if part)
        return f"/a/{self.token}{path}" + (f"?{asked}" if asked else "")


def spoken_by(language: str) -> str:
    """Gives the language in which the page speaks to a debtor: his own, or English."""
    return language if language in SPEECHES else "en"


def _links(request: Request, office: Office) -> Links | None:
    """Reads the keys once for an application."""
    state = request.app.state
    if not hasattr(state, "links"):
        state.links = links_of(office.settings)
    links: Links | None = state.links
    return links


async def _guest(request: Request, office: TheOffice, token: str) -> Guest:
    links, now = _links(request, office), office.clock()
    invitation = links.read(token, now.astimezone(UTC).date()) if links else None
    if invitation is None:
        raise Uninvited
    async with office.database.reading() as conn:
        try:
            account = (await accounts.load(conn, invitation.creditor, invitation.debtor)).account
        except NotFound:
            raise Uninvited from None
    chosen = request.query_params.get("lang", "")
    language = chosen if chosen in SPEECHES else spoken_by(account.debtor.language)
    return Guest(token, invitation, account, office, now, language)


Invited = Annotated[Guest, Depends(_guest)]


class GuestRoute(APIRoute):
    """Serves a guest: every answer carries the same careful headers, no fault tells of anything inside."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps the route."""
        serve = super().get_route_handler()

        async def served(request: Request) -> Response:
            try:
                response = await serve(request)
            except Uninvited:
                response = plain("en", "answers/uninvited.html", status=404)
            except RelanceError as fault:
                # Not the path: it would tell the link to whoever reads the log.
                log.warning("guest_not_served", fault=type(fault).__name__)
                status = 503 if isinstance(fault, Unavailable) else 500
                response = plain("en", "answers/away.html", status=status)
            finally:
                await request.close()  # the files of its form
            response.headers.update(HEADERS)
            return response

        return served
