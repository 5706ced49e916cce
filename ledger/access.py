"""Who may use the API: keys, of which only a hash is kept, and senders who sign what they send.

In: making, finding, listing and ending them; what each may do and whose invoices it may know.
Not in: how a request shows that it comes from one (console/api/caller.py), people (people.py).

A sender's secret signs, so that it has to be kept as it is; whoever reads the database can sign too.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes, token_hex, token_urlsafe
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant, Key
from domain.faults import InputRefused, NotFound
from ledger.columns import Moment
from ledger.schema import HASH, KEY, METADATA, NAME
from ledger.writing import insert_once

api_keys = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("name", NAME, nullable=False),
    sa.Column("sha256", HASH, nullable=False),
    sa.Column("rights", sa.JSON, nullable=False),
    sa.Column("creditors", sa.JSON(none_as_null=True)),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", NAME, nullable=False),
    sa.Column("ended_at", Moment),
)

senders = sa.Table(
    "senders",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("secrets", sa.JSON, nullable=False),
    sa.Column("creditors", sa.JSON(none_as_null=True)),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", NAME, nullable=False),
    sa.Column("ended_at", Moment),
)

MARK = "relance"
SECRETS_KEPT = 2
"""A sender's newest secret and the one before it, so that it can be changed without a gap."""


class Right(StrEnum):
    """Names what a key may be good for.

    EVENTS hands facts in, CREDITORS among them who is owed, and so where customers pay to; READ reads
    invoices, WRITE commands them, APPROVE lets grave steps leave, WEBHOOKS says where news is sent.
    """

    EVENTS = "events"
    CREDITORS = "creditors"
    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    WEBHOOKS = "webhooks"


class ApiKey(Fact):
    """States a key; `creditors` None means all of them."""

    id: Key
    name: str = Field(min_length=1, max_length=100)
    rights: tuple[Right, ...] = Field(min_length=1)
    creditors: tuple[Key, ...] | None = None
    made_at: Instant
    made_by: str
    ended_at: Instant | None = None


class Sender(Fact):
    """States a program that signs what it sends; it may hand facts in and nothing else."""

    id: Key
    creditors: tuple[Key, ...] | None = None
    made_at: Instant
    made_by: str
    ended_at: Instant | None = None


def signing_secret() -> str:
    """Makes a secret to sign with, as Standard Webhooks writes it."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def _listed(creditors: Iterable[str] | None) -> list[str] | None:
    return None if creditors is None else sorted(set(creditors))


async def make_key(
    conn: AsyncConnection,
    name: str,
    rights: Iterable[Right],
    creditors: Iterable[str] | None,
    author: str,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its token, which is shown once and kept nowhere."""
    made = ApiKey(
        id=token_hex(6),
        name=name,
        rights=tuple(sorted(set(rights))),
        creditors=None if creditors is None else tuple(sorted(set(creditors))),
        made_at=now,
        made_by=author,
    )
    secret = token_urlsafe(32)
    row = made.model_dump(exclude={"rights", "creditors"}) | {
        "rights": [right.value for right in made.rights],
        "creditors": _listed(creditors),
        "sha256": sha256(secret.encode()).hexdigest(),
    }
    await conn.execute(sa.insert(api_keys).values(row))
    return made, f"{MARK}_{made.id}_{secret}"


async def key_of(conn: AsyncConnection, token: str) -> ApiKey | None:
    """Finds the key that a token belongs to; None for one that is unknown, wrong or ended."""
    mark, _, rest = token.partition("_")
    name, _, secret = rest.partition("_")
    if mark != MARK or not name.isascii():
        return None
    query = sa.select(api_keys).where(api_keys.c.id == name, api_keys.c.ended_at.is_(None))
    row = (await conn.execute(query)).first()
    given = sha256(secret.encode("utf-8", "replace")).hexdigest()
    if row is None or not hmac.compare_digest(row.sha256, given):
        return None
    return _key(row)


async def keys(conn: AsyncConnection) -> list[ApiKey]:
    """Lists the keys, those that were ended too, the newest first."""
    return [_key(row) for row in await conn.execute(sa.select(api_keys).order_by(api_keys.c.made_at.desc()))]


async def end_key(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Ends a key for good; raises NotFound."""
    await _end(conn, api_keys, name, now, "key")


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey.model_validate({field: getattr(row, field) for field in ApiKey.model_fields})


async def make_sender(
    conn: AsyncConnection, name: str, creditors: Iterable[str] | None, author: str, now: datetime
) -> tuple[Sender, str]:
    """Makes a sender and returns it with its secret; raises InputRefused for a name that is taken."""
    made = Sender(
        id=name,
        creditors=None if creditors is None else tuple(sorted(set(creditors))),
        made_at=now,
        made_by=author,
    )
    secret = signing_secret()
    row = made.model_dump() | {"creditors": _listed(creditors), "secrets": [secret]}
    if not await insert_once(conn, senders, row):
        raise InputRefused("sender", name, "is taken; choose another name")
    return made, secret


async def sender_of(conn: AsyncConnection, name: str) -> tuple[Sender, tuple[str, ...]] | None:
    """Finds a sender and its secrets, the newest first; None for one that is unknown or ended."""
    query = sa.select(senders).where(senders.c.id == name, senders.c.ended_at.is_(None))
    row = (await conn.execute(query)).first()
    return None if row is None else (_sender(row), tuple(row.secrets))


async def everybody_sending(conn: AsyncConnection) -> list[Sender]:
    """Lists the senders, those that were ended too, by name."""
    return [_sender(row) for row in await conn.execute(sa.select(senders).order_by(senders.c.id))]


async def new_secret(conn: AsyncConnection, name: str) -> str:
    """Gives a sender another secret; the one before it is good until the next. Raises NotFound."""
    found = await sender_of(conn, name)
    if found is None:
        msg = f"no sender {name!r}"
        raise NotFound(msg)
    secret = signing_secret()
    kept = [secret, *found[1]][:SECRETS_KEPT]
    await conn.execute(sa.update(senders).where(senders.c.id == name).values(secrets=kept))
    return secret


async def end_sender(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Ends a sender for good; raises NotFound."""
    await _end(conn, senders, name, now, "sender")


def _sender(row: sa.Row[Any]) -> Sender:
    return Sender.model_validate({field: getattr(row, field) for field in Sender.model_fields})


async def _end(conn: AsyncConnection, table: sa.Table, name: str, now: datetime, what: str) -> None:
    where = (table.c.id == name, table.c.ended_at.is_(None))
    if not (await conn.execute(sa.update(table).where(*where).values(ended_at=now))).rowcount:
        msg = f"no {what} {name!r} that is in use"
        raise NotFound(msg)
