"""Who sits at the desk: the signed-in person of a request, the instant, the language.

In: reading the session's cookie, asking for a role, what one may see of creditors.
Not in: signing in (pages/entrance.py), what pages show.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from console.office import Office, wall_clock
from console.people import fingerprint
from domain.actions import CaseRef
from domain.faults import NotFound
from ledger import people, queries
from ledger.people import Person, Role
from ledger.queries import CaseLine

COOKIE = "relance"
SPEECHES = ("en", "fr")


class SignInFirst(Exception):
    """Says that the request came from nobody."""

    def __init__(self, then: str) -> None:
        """Takes the address to come back to."""
        super().__init__(then)
        self.then = then


class NotYours(Exception):
    """Says that the person's role does not allow what was asked."""


def office_of(request: Request) -> Office:
    """Gives the open office."""
    office: Office = request.app.state.office
    return office


TheOffice = Annotated[Office, Depends(office_of)]


def spoken(request: Request) -> str:
    """Chooses the person's language; a stranger's by what the browser asks for, English otherwise."""
    known: str | None = getattr(request.state, "language", None)
    if known is not None:
        return known
    for part in request.headers.get("accept-language", "").split(","):
        language = part.split(";")[0].strip()[:2].lower()
        if language in SPEECHES:
            return language
    return "en"


@dataclass(frozen=True)
class Seat:
    """Holds the person of a request, the office, the instant at which the request is served."""

    person: Person
    office: Office
    now: datetime

    @property
    def language(self) -> str:
        """Gives the language in which pages speak to the person."""
        return self.person.language

    def sees(self, creditor: str) -> bool:
        """Says whether the person may know anything of a creditor."""
        return self.person.sees(creditor)

    def may(self, role: str) -> bool:
        """Says whether the person has a role's rights: viewer, operator, manager, administrator."""
        return self.person.role >= Role[role.upper()]

    @property
    def creditors(self) -> tuple[str, ...] | None:
        """Gives the creditors that lists are narrowed to; None for all."""
        return self.person.creditors

    def check(self, creditor: str) -> None:
        """Raises NotFound for a creditor that the person may not see: it is as if there were none."""
        if not self.sees(creditor):
            msg = f"no such creditor: {creditor}"
            raise NotFound(msg)

    async def case(self, creditor: str, number: str) -> CaseLine:
        """Reads the line of a case; raises NotFound for one that is not there or not theirs to see."""
        self.check(creditor)
        async with self.office.database.reading() as conn:
            return await queries.find_case(conn, number, creditor)

    def ref(self, line: CaseLine) -> CaseRef:
        """Names a case."""
        return CaseRef(creditor=line.creditor, number=line.number)


async def seat(request: Request, office: TheOffice) -> Seat:
    """Seats the person whose session the cookie opens; raises SignInFirst."""
    now = office.clock()
    request.state.beat = request.app.state.pulse.beat  # before anything is read: later changes are told
    token = request.cookies.get(COOKIE)
    who = None
    if token is not None:
        async with office.database.reading() as conn:
            # Sessions end by the real clock, also where a demonstration moves its own.
            who = await people.seated(conn, fingerprint(token), wall_clock())
    if who is None:
        back = str(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        raise SignInFirst(quote(back if request.method == "GET" else "/", safe=""))
    request.state.language = who.language
    return Seat(who, office, now)


Viewer = Annotated[Seat, Depends(seat)]


def _at_least(role: Role) -> Callable[[Seat], Awaitable[Seat]]:
    async def asked(one: Viewer) -> Seat:
        if one.person.role < role:
            raise NotYours(role.key)
        return one

    return asked


Operator = Annotated[Seat, Depends(_at_least(Role.OPERATOR))]
Manager = Annotated[Seat, Depends(_at_least(Role.MANAGER))]
Administrator = Annotated[Seat, Depends(_at_least(Role.ADMINISTRATOR))]
