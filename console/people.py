"""Signing in: passwords, and the tokens of sessions.

In: hashing and checking passwords off the event loop, opening a session, the first administrator.
Not in: the rows (ledger/people.py), cookies (seats.py), other ways to sign in (oidc.py).
"""

import asyncio
import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.faults import InputRefused, NotAllowed
from ledger import people
from ledger.database import Database
from ledger.people import Person, Role

HASHER = PasswordHasher()
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
WRONG = "the address or the password is wrong"

_AT_ONCE = asyncio.Semaphore(2)
"""A hash takes 64 MiB and half a second: a flood of sign-ins must not take the machine."""


async def hashed(password: str) -> str:
    """Hashes a password with argon2id; raises InputRefused for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        remedy = f"take {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a few words are good"
        raise InputRefused("password", "(not shown)", remedy)
    async with _AT_ONCE:
        return await asyncio.to_thread(HASHER.hash, password)


async def _is_right(kept: str | None, password: str) -> bool:
    """Checks a password; takes the same time whether there is one to compare with or not."""

    def check() -> bool:
        if kept is None:
            HASHER.hash(password)
            return False
        try:
            return HASHER.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async with _AT_ONCE:
        return await asyncio.to_thread(check)


async def sign_in(database: Database, name: str, password: str, now: datetime, lasts: timedelta) -> str:
    """Opens a session and returns its token; raises NotAllowed, whose words do not say what was wrong."""
    async with database.reading() as conn:
        found = await people.secret(conn, name)
    if found is not None and found.locked_until is not None and found.locked_until > now:
        seconds = int((found.locked_until - now).total_seconds()) + 1
        msg = f"too many wrong passwords: try again in {seconds} seconds"
        raise NotAllowed(msg)
    right = await _is_right(found.password if found else None, password[: LONGEST_PASSWORD + 1])
    if found is None:
        raise NotAllowed(WRONG)
    if not right:
        async with database.writing() as conn:
            await people.went_wrong(conn, name, now)
        raise NotAllowed(WRONG)
    return await open_session(database, found.person, now, lasts)


async def open_session(database: Database, who: Person, now: datetime, lasts: timedelta) -> str:
    """Opens a session for somebody who has proved who they are; returns its token, kept as a hash alone."""
    token = secrets.token_urlsafe(32)
    async with database.writing() as conn:
        await people.signed_in(conn, who.id, fingerprint(token), now, lasts)
    return token


def fingerprint(token: str) -> str:
    """Gives the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


async def first_administrator(database: Database, now: datetime, name: str = "admin@localhost") -> str | None:
    """Makes the first administrator where nobody can sign in yet; returns the password, shown once."""
    async with database.reading() as conn:
        if await people.everybody(conn):
            return None
    password = secrets.token_urlsafe(15)
    kept = await hashed(password)
    who = Person(id=name, name="Administrator", role=Role.ADMINISTRATOR)
    async with database.writing() as conn:
        if await people.everybody(conn):
            return None
        await people.save(conn, who, now, password=kept)
    return password
