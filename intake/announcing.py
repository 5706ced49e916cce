"""News: what the journal says that endpoints are to hear of, as deliveries with a run for each.

In: what each piece of news says, by ids, days, codes and amounts; making deliveries; starting their runs.
Not in: marking entries as news (ledger/folio.py), calling endpoints (activities/courier.py).

Nothing is lost: an entry is marked in its own transaction, becomes deliveries in another, and a delivery
is started until Temporal has it. Names, addresses and texts are never said.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from domain.actions import Ending
from domain.faults import Unavailable
from intake.relay import PATIENCE
from ledger import queries, webhooks
from ledger.database import Database
from ledger.journal import Entry
from ledger.schema import invoices, journal
from ledger.webhooks import Delivery, News, State, Webhook
from workflows.webhooks import DeliveryOrder, WebhookDelivery, webhook_queue

BATCH = 100
AT_ONCE = 20
EVERY = 1.0

MONEY_AGREED = {"promise", "plan"}
MADE = dict.fromkeys(MONEY_AGREED, News.PROMISE_MADE) | {"dispute": News.DISPUTE_OPENED}
CLOSED = {Ending.PAID.value: News.INVOICE_PAID, Ending.HANDED_OFF.value: News.INVOICE_HANDED_OFF}
SAID_OF_AGREEMENTS = ("invoices", "made_on", "pay_by", "until", "amount", "owed", "instalments", "reason")
"""What news says of an agreement: days, amounts and codes. A dispute's reason is a code, too."""

log = structlog.get_logger(__name__)


class Announcer:
    """Turns marked entries of the journal into deliveries, and starts their runs."""

    def __init__(self, database: Database, client: Client, task_queue: str) -> None:
        """Takes the record, the connection, and the name of the installation's queue."""
        self._database = database
        self._client = client
        self._queue = webhook_queue(task_queue)

    async def make(self) -> int:
        """Makes the deliveries of what was marked, and returns how many entries those were."""
        async with self._database.writing() as conn:
            marked = await webhooks.announced(conn, BATCH)
            listening = await webhooks.endpoints(conn) if marked else []
            for place in marked:
                entry = await _entry(conn, *place)
                news = await news_of(conn, entry)
                if news is not None:
                    await _tell(conn, entry, *news, listening)
                await webhooks.told(conn, *place)
        return len(marked)

    async def start(self) -> int:
        """Starts the runs of deliveries that wait; raises Unavailable where Temporal does not answer."""
        async with self._database.reading() as conn:
            waiting = await webhooks.waiting(conn, BATCH)
        if not waiting:
            return 0
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(delivery: Delivery) -> None:
            async with gate:
                await self._start(delivery)

        results = await asyncio.gather(*map(one, waiting), return_exceptions=True)
        pairs = list(zip(waiting, results, strict=True))
        async with self._database.writing() as conn:
            for delivery, result in pairs:
                if result is None:
                    await webhooks.started(conn, delivery)
        fault = next((result for result in results if isinstance(result, BaseException)), None)
        if isinstance(fault, RPCError | RuntimeError):
            msg = "Temporal does not answer: deliveries wait"
            raise Unavailable(msg) from fault
        if fault is not None:
            raise fault
        return len(waiting)

    async def _start(self, delivery: Delivery) -> None:
        try:
            await self._client.start_workflow(
                WebhookDelivery.run,
                DeliveryOrder(delivery=delivery.id, round=delivery.round),
                id=f"webhook:{delivery.id}:{delivery.round}",
                task_queue=self._queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=delivery.kind.value,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return  # it was started, and this process or another died before writing so

    async def run(self, stop: asyncio.Event, every: float = EVERY) -> None:
        """Goes on until told to stop."""
        while not stop.is_set():
            try:
                done = await self.make() + await self.start()
            except Unavailable:
                done = 0  # the relay says that a server is away; what is marked stays so
            if not done:
                try:
                    await asyncio.wait_for(stop.wait(), every)
                except TimeoutError:
                    continue


async def _entry(conn: AsyncConnection, creditor: str, debtor: str, revision: int) -> Entry:
    query = sa.select(journal).filter_by(creditor=creditor, debtor=debtor, revision=revision)
    return Entry.model_validate(dict((await conn.execute(query)).mappings().one()))


async def _tell(
    conn: AsyncConnection, entry: Entry, kind: News, facts: Mapping[str, Any], listening: Iterable[Webhook]
) -> None:
    """Makes a delivery for each endpoint that is to hear of it."""
    for endpoint in listening:
        if endpoint.hears(kind, entry.creditor):
            await webhooks.put(conn, *_delivery(entry, kind, facts, endpoint.id))


def _delivery(entry: Entry, kind: News, facts: Mapping[str, Any], endpoint: str) -> tuple[Delivery, str]:
    place = f"{entry.creditor}:{entry.debtor}:{entry.revision}"
    made = Delivery(
        id=str(uuid5(NAMESPACE_URL, f"relance:news:{endpoint}:{kind.value}:{place}")),
        webhook=endpoint,
        kind=kind,
        creditor=entry.creditor,
        at=entry.at,
        round=0,
        state=State.WAITING,
        attempts=0,
        last_at=None,
        last_status=None,
        last_answer=None,
    )
    owner = {"creditor": entry.creditor, "debtor": entry.debtor}
    said = {"type": kind.value, "timestamp": entry.at.isoformat(), "data": owner | dict(facts)}
    return made, json.dumps(said, separators=(",", ":"))


async def news_of(conn: AsyncConnection, entry: Entry) -> tuple[News, dict[str, Any]] | None:
    """Says what an entry of the journal is to outsiders; nothing for most."""
    facts, found = entry.facts, None
    match entry.kind:
        case "message.sent":
            found = News.STEP_SENT, await _sent(conn, facts["message"])
        case "message.judged" if facts["delivered"]:
            found = News.STEP_SENT, await _sent(conn, facts["message"])
        case "agreement.made" if facts["agreement_kind"] in MADE:
            found = MADE[facts["agreement_kind"]], _agreed(facts["agreement"])
        case "agreement.broken" | "agreement.partly" if facts["agreement_kind"] in MONEY_AGREED:
            found = News.PROMISE_BROKEN, _broken(entry)
        case "case.closed" if facts["ending"] in CLOSED and entry.invoice is not None:
            found = CLOSED[facts["ending"]], await _invoice(conn, entry.creditor, entry.invoice)
    return found


async def _sent(conn: AsyncConnection, message: str) -> dict[str, Any]:
    _, _, record = await queries.find_message(conn, message)
    reminder = record.reminder
    return {
        "message": record.id,
        "step": reminder.step,
        "channel": reminder.channel.value,
        "tone": reminder.tone.name.lower(),
        "sent_at": record.sent_at.isoformat() if record.sent_at else None,
        "asked": f"{reminder.asked:.2f}",
        "currency": reminder.currency,
        "invoices": [
            {"number": line.number, "step": line.step, "open": f"{line.open:.2f}"} for line in reminder.lines
        ],
    }


def _broken(entry: Entry) -> dict[str, Any]:
    facts = entry.facts
    return {
        "agreement": facts["agreement"],
        "kind": facts["agreement_kind"],
        "invoices": facts["invoices"],
        "standing": entry.kind.removeprefix("agreement."),
        "came": facts["came"],
    }


def _agreed(agreement: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: agreement[name] for name in SAID_OF_AGREEMENTS if agreement.get(name) is not None}
    return {"agreement": agreement["id"], "kind": agreement["kind"]} | said


async def _invoice(conn: AsyncConnection, creditor: str, number: str) -> dict[str, Any]:
    row = (await conn.execute(sa.select(invoices).filter_by(creditor=creditor, number=number))).one()
    return {
        "number": number,
        "due_date": row.due_date.isoformat(),
        "currency": row.currency,
        "total": f"{row.total:.2f}",
        "open": f"{row.open:.2f}",
    }
