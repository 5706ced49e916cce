"""People who sign in to the console, and their sessions.

In: who may see and do what, wrong passwords counted, sessions by the hash of their token.
Not in: how passwords are hashed and cookies are set (console/people.py, console/sessions.py).

What people do with invoices stands in the journal under their id, and so does what administrators do about
people.
"""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant, Key, Language
from domain.faults import NotFound
from ledger import house
from ledger.columns import Moment
from ledger.schema import CODE, HASH, METADATA, NAME

PERSON = sa.String(254)

people = sa.Table(
    "people",
    METADATA,
    sa.Column("id", PERSON, primary_key=True),
    sa.Column("name", NAME, nullable=False),
    sa.Column("role", CODE, nullable=False),
    sa.Column("creditors", sa.JSON(none_as_null=True)),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("password", sa.Text),
    sa.Column("wrong", sa.Integer, nullable=False, default=0),
    sa.Column("locked_until", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment),
)

sessions = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token", HASH, primary_key=True),
    sa.Column("person", PERSON, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("ix_sessions_person", "person"),
)

FREE_TRIES = 5
LONGEST_LOCK = timedelta(minutes=15)


class Role(IntEnum):
    """Ranks what people may do: each role may do what those below it may."""

    VIEWER = 1
    OPERATOR = 2
    MANAGER = 3
    ADMINISTRATOR = 4

    @property
    def key(self) -> str:
        """Names the role in the record."""
        return self.name.lower()


class Person(Fact):
    """States who may sign in; `creditors` None means all of them."""

    id: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1, max_length=140)
    role: Role
    creditors: tuple[Key, ...] | None = None
    language: Language = "en"
    disabled_at: Instant | None = None

    def sees(self, creditor: str) -> bool:
        """Says whether the person may know anything of a creditor."""
        return self.creditors is None or creditor in self.creditors


class Secret(Fact):
    """States what a sign-in is checked against: the password's hash and until when nobody is let in."""

    person: Person
    password: str | None
    locked_until: Instant | None


def _person(row: sa.Row[Any]) -> Person:
    seen = None if row.creditors is None else tuple(row.creditors)
    return Person(
        id=row.id,
        name=row.name,
        role=Role[row.role.upper()],
        creditors=seen,
        language=row.language,
        disabled_at=row.disabled_at,
    )


async def everybody(conn: AsyncConnection) -> list[Person]:
    """Lists the people by name, the disabled ones too."""
    return [_person(row) for row in await conn.execute(sa.select(people).order_by(people.c.name))]


async def person(conn: AsyncConnection, name: str) -> Person:
    """Reads a person; raises NotFound."""
    row = (await conn.execute(sa.select(people).where(people.c.id == name.lower()))).first()
    if row is None:
        msg = f"nobody signs in as {name}"
        raise NotFound(msg)
    return _person(row)


async def secret(conn: AsyncConnection, name: str) -> Secret | None:
    """Reads what a sign-in is checked against; None for a stranger or somebody disabled."""
    known = people.c.disabled_at.is_(None) & (people.c.id == name.lower())
    row = (await conn.execute(sa.select(people).where(known))).first()
    if row is None:
        return None
    return Secret(person=_person(row), password=row.password, locked_until=row.locked_until)


async def save(conn: AsyncConnection, who: Person, now: datetime, *, password: str | None = None) -> bool:
    """Adds a person, or changes one; True where they are new. `password` is a hash; None leaves it.

    Whoever is disabled or gets another password is signed out everywhere.
    """
    values = {
        "name": who.name,
        "role": who.role.key,
        "creditors": None if who.creditors is None else list(who.creditors),
        "language": who.language,
        "disabled_at": who.disabled_at,
    } | ({"password": password, "wrong": 0, "locked_until": None} if password is not None else {})
    name = who.id.lower()
    if who.disabled_at is not None or password is not None:
        await conn.execute(sa.delete(sessions).where(sessions.c.person == name))
    if (await conn.execute(sa.update(people).where(people.c.id == name).values(values))).rowcount:
        return False
    await conn.execute(sa.insert(people).values({"id": name, "created_at": now, "wrong": 0} | values))
    return True


async def note(conn: AsyncConnection, who: Person, what: str, author: str, now: datetime) -> None:
    """Writes into the journal of the whole installation what an author did about somebody."""
    seen = None if who.creditors is None else list(who.creditors)
    facts = {"person": who.id, "what": what, "role": who.role.key, "creditors": seen}
    await house.note(conn, "person.changed", author, now, **facts)


async def went_wrong(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Counts a wrong password; after five, nobody is let in for a while that doubles up to 15 minutes."""
    query = sa.select(people.c.wrong).where(people.c.id == name.lower()).with_for_update()
    wrong = (await conn.execute(query)).scalar_one() + 1
    beyond = wrong - FREE_TRIES
    lock = min(LONGEST_LOCK, timedelta(seconds=2 ** min(beyond, 20))) if beyond >= 0 else None
    changed = {"wrong": wrong, "locked_until": None if lock is None else now + lock}
    await conn.execute(sa.update(people).where(people.c.id == name.lower()).values(changed))


async def signed_in(conn: AsyncConnection, name: str, token: str, now: datetime, lasts: timedelta) -> None:
    """Opens a session by its token's hash, forgets wrong passwords, sweeps sessions that are over."""
    await conn.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
    await conn.execute(
        sa.update(people).where(people.c.id == name.lower()).values(wrong=0, locked_until=None)
    )
    opened = {"token": token, "person": name.lower(), "created_at": now, "expires_at": now + lasts}
    await conn.execute(sa.insert(sessions).values(opened))


async def seated(conn: AsyncConnection, token: str, now: datetime) -> Person | None:
    """Reads whose session a token's hash opens; None where it is over or its person is disabled."""
    query = (
        sa.select(people)
        .join(sessions, sessions.c.person == people.c.id)
        .where(sessions.c.token == token, sessions.c.expires_at > now, people.c.disabled_at.is_(None))
    )
    row = (await conn.execute(query)).first()
    return None if row is None else _person(row)


async def signed_out(conn: AsyncConnection, token: str) -> None:
    """Closes a session."""
    await conn.execute(sa.delete(sessions).where(sessions.c.token == token))
