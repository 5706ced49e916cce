"""Webhooks: where news of invoices is sent, what is to be sent, and how far that is.

In: endpoints, what the journal has to announce, deliveries with their state.
Not in: what a delivery says (intake/announcing.py), sending it (activities/courier.py).

What is to be announced is written in the transaction of the journal's entry, and only while somebody
listens: nothing is lost, and nothing grows for nobody.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fact import Fact, Instant, Key
from domain.faults import NotAllowed, NotFound
from ledger.columns import Moment
from ledger.schema import CODE, KEY, METADATA, NAME
from ledger.writing import insert_once

webhooks = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("creditors", sa.JSON(none_as_null=True)),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", NAME, nullable=False),
    sa.Column("disabled_at", Moment),
    sa.Column("why_disabled", sa.Text),
)

announcements = sa.Table(
    "announcements",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("debtor", KEY, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
)
"""Entries of the journal that somebody is to hear of."""

deliveries = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("webhook", KEY, sa.ForeignKey("webhooks.id"), nullable=False),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("creditor", KEY, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("round", sa.Integer, nullable=False, default=0),
    sa.Column("state", CODE, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("last_at", Moment),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_answer", sa.Text),
    sa.Index("ix_deliveries_state", "state", "at"),
    sa.Index("ix_deliveries_webhook", "webhook", "at"),
)
"""`round` counts how often people asked for it again; the payload stays byte for byte the same."""


class News(StrEnum):
    """Names what endpoints can hear of."""

    STEP_SENT = "step.sent"
    PROMISE_MADE = "promise.made"
    PROMISE_BROKEN = "promise.broken"
    DISPUTE_OPENED = "dispute.opened"
    INVOICE_PAID = "invoice.paid"
    INVOICE_HANDED_OFF = "invoice.handed_off"


ANNOUNCED = frozenset(
    {
        "message.sent",
        "message.judged",
        "agreement.made",
        "agreement.broken",
        "agreement.partly",
        "case.closed",
    }
)
"""The kinds of entries of the journal that may be news."""


class State(StrEnum):
    """Names how far a delivery is: to be started, being tried, delivered, or given up."""

    WAITING = "waiting"
    TRYING = "trying"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Webhook(Fact):
    """States an endpoint; `creditors` None means all of them. Its secret is kept apart."""

    id: Key
    url: str
    kinds: tuple[News, ...]
    creditors: tuple[Key, ...] | None = None
    made_at: Instant
    made_by: str
    disabled_at: Instant | None = None
    why_disabled: str | None = None

    def hears(self, kind: News, creditor: str) -> bool:
        """Tells whether the endpoint is to hear of a creditor's news."""
        return (
            self.disabled_at is None
            and kind in self.kinds
            and (self.creditors is None or creditor in self.creditors)
        )


class Delivery(Fact):
    """States one delivery, and what the endpoint answered last."""

    id: Key
    webhook: Key
    kind: News
    creditor: Key
    at: Instant
    round: int
    state: State
    attempts: int
    last_at: Instant | None
    last_status: int | None
    last_answer: str | None


class Parcel(NamedTuple):
    """Holds what it takes to send a delivery once: where to, signed with what, saying what."""

    delivery: Delivery
    webhook: Webhook
    secret: str
    payload: str


_ANNOUNCE = sa.insert(announcements).from_select(
    ["creditor", "debtor", "revision", "at"],
    sa.select(
        *(sa.bindparam(f"of_{column.name}", type_=column.type) for column in announcements.columns)
    ).where(sa.exists().where(webhooks.c.disabled_at.is_(None))),
)


async def announce(conn: AsyncConnection, creditor: str, debtor: str, revision: int, at: datetime) -> None:
    """Marks an entry of the journal as news, where anybody listens."""
    row = {"of_creditor": creditor, "of_debtor": debtor, "of_revision": revision, "of_at": at}
    await conn.execute(_ANNOUNCE, row)


async def announced(conn: AsyncConnection, limit: int) -> list[tuple[str, str, int]]:
    """Lists the entries (creditor, debtor, revision) that are news, the oldest first."""
    query = sa.select(announcements).order_by(announcements.c.at, announcements.c.revision).limit(limit)
    return [(row.creditor, row.debtor, row.revision) for row in await conn.execute(query)]


async def told(conn: AsyncConnection, creditor: str, debtor: str, revision: int) -> bool:
    """Takes an entry off the news; False where somebody else has."""
    where = {"creditor": creditor, "debtor": debtor, "revision": revision}
    return (await conn.execute(sa.delete(announcements).filter_by(**where))).rowcount == 1


async def make(
    conn: AsyncConnection,
    url: str,
    kinds: Iterable[News],
    creditors: Iterable[str] | None,
    secret: str,
    author: str,
    now: datetime,
) -> Webhook:
    """Adds an endpoint; who may be called is checked by the caller (intake/announcing.py)."""
    made = Webhook(
        id=str(uuid4()),
        url=url,
        kinds=tuple(sorted(set(kinds))),
        creditors=None if creditors is None else tuple(sorted(set(creditors))),
        made_at=now,
        made_by=author,
    )
    row = made.model_dump() | {
        "secret": secret,
        "kinds": [kind.value for kind in made.kinds],
        "creditors": None if made.creditors is None else list(made.creditors),
    }
    await conn.execute(sa.insert(webhooks).values(row))
    return made


async def endpoints(conn: AsyncConnection) -> list[Webhook]:
    """Lists the endpoints, those that are disabled too, the newest first."""
    return [
        _webhook(row) for row in await conn.execute(sa.select(webhooks).order_by(webhooks.c.made_at.desc()))
    ]


async def endpoint(conn: AsyncConnection, name: str) -> Webhook:
    """Finds an endpoint; raises NotFound."""
    row = (await conn.execute(sa.select(webhooks).where(webhooks.c.id == name))).one_or_none()
    if row is None:
        msg = f"no webhook {name!r}"
        raise NotFound(msg)
    return _webhook(row)


async def disable(conn: AsyncConnection, name: str, why: str, now: datetime) -> None:
    """Disables an endpoint: what it was to hear is given up. Changes nothing where it is disabled."""
    where = (webhooks.c.id == name, webhooks.c.disabled_at.is_(None))
    await conn.execute(sa.update(webhooks).where(*where).values(disabled_at=now, why_disabled=why))


async def enable(conn: AsyncConnection, name: str) -> None:
    """Enables an endpoint again; what happened meanwhile is not told."""
    await conn.execute(
        sa.update(webhooks).where(webhooks.c.id == name).values(disabled_at=None, why_disabled=None)
    )


async def put(conn: AsyncConnection, delivery: Delivery, payload: str) -> bool:
    """Adds a delivery, once by its id."""
    row = delivery.model_dump(mode="python") | {"payload": payload}
    return await insert_once(conn, deliveries, {name: _plain(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


async def waiting(conn: AsyncConnection, limit: int) -> list[Delivery]:
    """Lists the deliveries that are to be started, the oldest first."""
    query = sa.select(deliveries).where(deliveries.c.state == State.WAITING.value)
    return [_delivery(row) for row in await conn.execute(query.order_by(deliveries.c.at).limit(limit))]


async def started(conn: AsyncConnection, delivery: Delivery) -> None:
    """Records that a run tries a delivery; one that it has ended meanwhile stays ended."""
    where = (
        deliveries.c.id == delivery.id,
        deliveries.c.round == delivery.round,
        deliveries.c.state == State.WAITING.value,
    )
    await conn.execute(sa.update(deliveries).where(*where).values(state=State.TRYING.value))


async def parcel(conn: AsyncConnection, name: str) -> Parcel:
    """Finds what it takes to send a delivery; raises NotFound."""
    query = sa.select(deliveries).where(deliveries.c.id == name)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        msg = f"no delivery {name!r}"
        raise NotFound(msg)
    owner = (await conn.execute(sa.select(webhooks).where(webhooks.c.id == row.webhook))).one()
    return Parcel(_delivery(row), _webhook(owner), owner.secret, row.payload)


async def tried(conn: AsyncConnection, name: str, values: Mapping[str, Any]) -> None:
    """Records an attempt: `state`, `last_at`, `last_status`, `last_answer`."""
    counted = {"attempts": deliveries.c.attempts + 1} | {key: _plain(value) for key, value in values.items()}
    await conn.execute(sa.update(deliveries).where(deliveries.c.id == name).values(counted))


async def again(conn: AsyncConnection, name: str) -> Delivery:
    """Has a delivery sent once more; raises NotFound, NotAllowed where it has not been tried yet.

    A run that still tries it gives way to the new one.
    """
    found = (await parcel(conn, name)).delivery
    if found.state is State.WAITING:
        msg = f"delivery {name} has not been tried yet: it will be by itself"
        raise NotAllowed(msg)
    changed = {"state": State.WAITING.value, "round": found.round + 1}
    await conn.execute(sa.update(deliveries).where(deliveries.c.id == name).values(changed))
    return (await parcel(conn, name)).delivery


async def sent_to(
    conn: AsyncConnection,
    webhook: str,
    *,
    state: State | None = None,
    limit: int = 50,
    before: datetime | None = None,
) -> list[Delivery]:
    """Lists the deliveries to an endpoint, the newest first."""
    query = sa.select(deliveries).where(deliveries.c.webhook == webhook)
    if state is not None:
        query = query.where(deliveries.c.state == state.value)
    if before is not None:
        query = query.where(deliveries.c.at < before)
    order = (deliveries.c.at.desc(), deliveries.c.id)
    return [_delivery(row) for row in await conn.execute(query.order_by(*order).limit(limit))]


def _webhook(row: sa.Row[Any]) -> Webhook:
    return Webhook.model_validate({name: getattr(row, name) for name in Webhook.model_fields})


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery.model_validate({name: getattr(row, name) for name in Delivery.model_fields})
