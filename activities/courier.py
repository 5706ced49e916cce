"""The courier: news is sent to an endpoint, signed, and what it answered is written down.

In: looking a name up, calling what may be called, the signature, what an answer means, the worker.
Not in: what news says (intake/announcing.py), how often it is tried (workflows/webhooks.py).

The name is looked up once and the address that was checked is the one that is called: a name that means
something else a moment later leads nowhere. Redirects are not followed, and no proxy is asked.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import SplitResult

import httpx2
import structlog
from standardwebhooks import Webhook as Signature
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Interceptor, Worker

from activities.assembly import SANDBOX
from activities.deployment import deployment
from activities.desk import wall_clock
from activities.discretion import Discretion
from config.settings import Settings
from domain.faults import InputRefused
from domain.outside import check_endpoint, may_call
from ledger import webhooks
from ledger.database import Database
from ledger.webhooks import Parcel, State
from workflows.webhooks import ATTEMPTS, Courier, DeliveryEnd, DeliveryOrder, WebhookDelivery, webhook_queue

SECONDS = 15.0
"""How long an endpoint may take, from the first packet to the end of its answer."""

HEARD = 1024
"""How many bytes of an answer are read."""

KEPT = 300
"""How many characters of it are kept."""

AT_ONCE = 10
SUPERSEDED = "superseded"
AGENT = "Relance (+webhooks)"

log = structlog.get_logger(__name__)


class NotHeard(Exception):
    """Says that an endpoint did not take a delivery; `status` is None where it did not answer."""

    def __init__(self, why: str, status: int | None = None) -> None:
        """Takes the reason, without any address, and the status of the answer."""
        super().__init__(why)
        self.why = why
        self.status = status


class HttpCourier(Courier):
    """Delivers over HTTP; `private` also to addresses of one's own network."""

    def __init__(
        self, database: Database, *, private: bool = False, clock: Callable[[], datetime] = wall_clock
    ) -> None:
        """Takes the record."""
        self._database = database
        self._private = private
        self._clock = clock
        self._tls = ssl.create_default_context()

    @activity.defn(name="Courier.deliver")
    async def deliver(self, order: DeliveryOrder) -> DeliveryEnd:
        """Sends a delivery once; raises ApplicationError where it is to be tried again."""
        attempt = activity.info().attempt
        async with self._database.reading() as conn:
            parcel = await webhooks.parcel(conn, order.delivery)
        if parcel.delivery.round != order.round or parcel.delivery.state is State.DELIVERED:
            return DeliveryEnd(how=SUPERSEDED, attempts=attempt - 1)
        if parcel.webhook.disabled_at is not None:
            await self._note(parcel, State.GIVEN_UP, None, "the endpoint is disabled")
            return DeliveryEnd(how=State.GIVEN_UP.value, attempts=attempt - 1)
        try:
            status, answer = await self._send(parcel)
        except NotHeard as fault:
            return await self._missed(parcel, fault, attempt)
        await self._note(parcel, State.DELIVERED, status, answer)
        return DeliveryEnd(how=State.DELIVERED.value, attempts=attempt)

    async def _missed(self, parcel: Parcel, fault: NotHeard, attempt: int) -> DeliveryEnd:
        """Gives up after the last attempt, or where the endpoint says that it is gone for good."""
        gone = fault.status == HTTPStatus.GONE
        over = gone or attempt >= ATTEMPTS
        await self._note(parcel, State.GIVEN_UP if over else State.TRYING, fault.status, fault.why)
        if gone:
            async with self._database.writing() as conn:
                why = "it answered 410 Gone"
                await webhooks.disable(conn, parcel.webhook.id, why, self._clock())
        if over:
            log.warning("delivery_given_up", delivery=parcel.delivery.id, webhook=parcel.webhook.id)
            return DeliveryEnd(how=State.GIVEN_UP.value, attempts=attempt)
        status = fault.status or "no answer"
        msg = f"the endpoint did not take it ({status}); the list of deliveries says more"
        raise ApplicationError(msg, type="NotHeard") from None

    async def _note(self, parcel: Parcel, state: State, status: int | None, answer: str) -> None:
        values = {
            "state": state,
            "last_at": self._clock(),
            "last_status": status,
            "last_answer": _kept(answer),
        }
        async with self._database.writing() as conn:
            await webhooks.tried(conn, parcel.delivery.id, values)

    async def _send(self, parcel: Parcel) -> tuple[int, str]:
        """Calls the endpoint; raises NotHeard unless it answers that it has taken the delivery."""
        try:
            parts = check_endpoint(parcel.webhook.url, private=self._private)
            async with asyncio.timeout(SECONDS):
                address = await self._address(parts)
                status, answer = await self._call(parcel, parts, address)
        except InputRefused as fault:
            raise NotHeard(fault.remedy) from None
        except TimeoutError:
            msg = f"no answer within {SECONDS:.0f} s"
            raise NotHeard(msg) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as fault:
            why = f"{type(fault).__name__}: {fault}"
            raise NotHeard(why) from None
        if HTTPStatus(200) <= status < HTTPStatus(300):
            return status, answer
        if HTTPStatus(300) <= status < HTTPStatus(400):
            answer = "redirects are not followed; give the address itself"
        raise NotHeard(answer or f"answered {status}", status)

    async def _address(self, parts: SplitResult) -> str:
        """Looks the endpoint's name up; raises NotHeard where it leads into a private network."""
        assert parts.hostname is not None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not addresses or not all(may_call(one, private=self._private) for one in addresses):
            msg = "its name leads into a private network; set webhooks.private to allow it"
            raise NotHeard(msg)
        return addresses[0]

    async def _call(self, parcel: Parcel, parts: SplitResult, address: str) -> tuple[int, str]:
        host = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()
        async with (
            httpx2.AsyncClient(
                verify=self._tls, trust_env=False, follow_redirects=False, timeout=SECONDS
            ) as client,
            client.stream(
                "POST",
                target,
                content=parcel.payload.encode(),
                headers=self._headers(parcel) | {"Host": parts.netloc},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            heard = b""
            async for part in answer.aiter_raw():
                heard += part
                if len(heard) >= HEARD:
                    break
            return answer.status_code, heard[:HEARD].decode("utf-8", "replace")

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        at = self._clock().astimezone(UTC).replace(microsecond=0)
        signature = Signature(parcel.secret).sign(parcel.delivery.id, at, parcel.payload)
        return {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "webhook-id": parcel.delivery.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }


def _kept(answer: str) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in answer[:KEPT])
    return text.encode("utf-8", "replace").decode()


def courier_worker(
    client: Client,
    settings: Settings,
    courier: Courier,
    *,
    interceptors: tuple[Interceptor, ...] = (),
    grace: timedelta = timedelta(seconds=25),
) -> Worker:
    """Puts the worker of deliveries together; it has a queue of its own."""
    return Worker(
        client,
        task_queue=webhook_queue(settings.task_queue),
        workflows=[WebhookDelivery],
        activities=[courier.deliver],
        workflow_runner=SANDBOX,
        interceptors=(*interceptors, Discretion()),
        max_concurrent_activities=AT_ONCE,
        graceful_shutdown_timeout=grace,
        deployment_config=deployment(settings),
    )
