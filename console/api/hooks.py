"""Webhooks: where news is sent, and what became of each delivery.

In: adding, disabling and enabling endpoints, their deliveries, asking for one again.
Not in: what news says (intake/announcing.py), calling endpoints (activities/courier.py).
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from console.api.bodies import json_of
from console.api.caller import Announcer, Caller
from console.api.commands import Command
from console.api.description import body_of, problems
from console.api.desk import Desk, TheDesk
from domain.fact import Fact, Key
from domain.faults import InputRefused, NotFound
from domain.outside import check_endpoint
from ledger import access, webhooks
from ledger.webhooks import Delivery, News, State, Webhook

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


class NewWebhook(Command):
    """States where news is to be sent; of all creditors that the key covers unless some are named."""

    url: str = Field(min_length=1, max_length=2000)
    kinds: tuple[News, ...] = Field(min_length=1)
    creditors: tuple[Key, ...] | None = Field(default=None, min_length=1)


class MadeWebhook(Webhook):
    """States an endpoint with its secret, which is shown this once."""

    secret: str


class Webhooks(Fact):
    """Lists endpoints."""

    webhooks: tuple[Webhook, ...]


class Deliveries(Fact):
    """Lists deliveries, the newest first."""

    deliveries: tuple[Delivery, ...]


EXAMPLE = {"url": "https://erp.maree.example/relance", "kinds": ["invoice.paid", "promise.broken"]}


@router.get("", summary="List webhooks", responses=problems(401, 403, 503))
async def list_webhooks(caller: Announcer, desk: TheDesk) -> Webhooks:
    """Lists the endpoints that the key may know of, those that are disabled too."""
    async with desk.office.database.reading() as conn:
        found = await webhooks.endpoints(conn)
    return Webhooks(webhooks=tuple(one for one in found if _covers(caller, one)))


@router.post(
    "",
    status_code=201,
    summary="Add a webhook",
    responses=problems(400, 401, 403, 408, 413, 415, 422, 503),
    openapi_extra=body_of(NewWebhook, EXAMPLE),
)
async def add_webhook(request: Request, caller: Announcer, desk: TheDesk) -> MadeWebhook:
    """Adds an endpoint and shows its secret, which signs every delivery (Standard Webhooks)."""
    said = await json_of(request, NewWebhook)
    check_endpoint(said.url, private=desk.office.settings.webhooks.private)
    creditors = said.creditors or (None if caller.creditors is None else tuple(caller.creditors))
    for one in creditors or ():
        if not caller.sees(one):
            raise InputRefused("creditors", one, "is no creditor of yours; ask for a key that covers it")
    secret = access.signing_secret()
    async with desk.office.database.writing() as conn:
        made = await webhooks.make(
            conn, said.url, said.kinds, creditors, secret, caller.author, desk.office.clock()
        )
    return MadeWebhook(**made.model_dump(), secret=secret)


@router.post("/{webhook}/disable", summary="Disable a webhook", responses=problems(401, 403, 404, 503))
async def disable_webhook(webhook: str, caller: Announcer, desk: TheDesk) -> Webhook:
    """Sends nothing more to an endpoint; what is on its way is given up."""
    await _find(desk, caller, webhook)
    async with desk.office.database.writing() as conn:
        await webhooks.disable(conn, webhook, f"by {caller.author}", desk.office.clock())
    return await _find(desk, caller, webhook)


@router.post("/{webhook}/enable", summary="Enable a webhook", responses=problems(401, 403, 404, 503))
async def enable_webhook(webhook: str, caller: Announcer, desk: TheDesk) -> Webhook:
    """Sends news to an endpoint again; what happened meanwhile is not told."""
    await _find(desk, caller, webhook)
    async with desk.office.database.writing() as conn:
        await webhooks.enable(conn, webhook)
    return await _find(desk, caller, webhook)


@router.get("/{webhook}/deliveries", summary="List deliveries", responses=problems(401, 403, 404, 422, 503))
async def list_deliveries(
    webhook: str,
    caller: Announcer,
    desk: TheDesk,
    state: Annotated[State | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Deliveries:
    """Lists the deliveries to an endpoint with what it answered last, the newest first."""
    await _find(desk, caller, webhook)
    async with desk.office.database.reading() as conn:
        return Deliveries(deliveries=tuple(await webhooks.sent_to(conn, webhook, state=state, limit=limit)))


@router.post(
    "/{webhook}/deliveries/{delivery}/redeliver",
    summary="Send a delivery again",
    responses=problems(401, 403, 404, 409, 503),
)
async def redeliver(webhook: str, delivery: str, caller: Announcer, desk: TheDesk) -> Delivery:
    """Sends a delivery once more, byte for byte and under the same webhook-id."""
    await _find(desk, caller, webhook)
    async with desk.office.database.writing() as conn:
        if (await webhooks.parcel(conn, delivery)).webhook.id != webhook:
            msg = f"no delivery {delivery!r}"
            raise NotFound(msg)
        return await webhooks.again(conn, delivery)


def _covers(caller: Caller, webhook: Webhook) -> bool:
    if caller.creditors is None:
        return True
    return webhook.creditors is not None and caller.creditors.issuperset(webhook.creditors)


async def _find(desk: Desk, caller: Caller, name: str) -> Webhook:
    async with desk.office.database.reading() as conn:
        found = await webhooks.endpoint(conn, name)
    if not _covers(caller, found):
        msg = f"no webhook {name!r}"
        raise NotFound(msg)
    return found
