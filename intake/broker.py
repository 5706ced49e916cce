"""Events from a message broker: the same door, the same shapes, an answer to nobody.

In: listening to a subject, taking each message in, dead letters, when a message is done with.
Not in: reading events (readers/cloudevents.py), the command (terminal/listening.py).

A message is acknowledged once the record has it, or has why not: what is refused waits in quarantine, and a
copy goes to the dead-letter subject with the reason. While the database is away nothing is acknowledged, and
the broker hands the message out again. FastStream is an extra: without it this module still imports.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from domain.faults import ConfigurationFault, InputRefused, Unavailable
from intake.door import Door
from intake.readers.cloudevents import HEADER, Read, Unread, read_batch, read_event, read_headers
from intake.receiving import Answer, Mail, receive

SUBJECT = "relance.events"
DEAD = "relance.dead"
DURABLE = "relance"
BATCHED = "application/cloudevents-batch+json"
REST_SECONDS = 2.0
"""How long to wait before a message is handed back that could not be taken in yet."""

CONNECT_SECONDS = 10.0
NAME = "broker"
INSTALL = (
    "listening to a broker needs an extra: pip install --no-deps --require-hashes -r requirements/broker.txt"
)

Deliver = Callable[[], Awaitable[object]]
Heard = Callable[[Answer], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    """Holds one message of a broker."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def reads(self) -> list[Read]:
        """Reads its events: one, a batch, or one whose attributes stand in headers."""
        names = {name.lower(): value for name, value in self.headers.items()}
        if f"{HEADER}specversion" in names:
            return [read_headers(names, self.body)]
        if names.get("content-type", "").partition(";")[0].strip().lower() != BATCHED:
            return [read_event(self.body)]
        try:
            return read_batch(self.body)
        except InputRefused as refusal:
            return [
                Unread(
                    refusal, self.body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
                )
            ]


async def take(door: Door, letter: Letter, mail: Mail, now: datetime) -> list[Answer]:
    """Takes a message in and says what became of each of its events; raises Unavailable."""
    return [await receive(door, read, mail, now) for read in letter.reads()]


def reason(answers: list[Answer]) -> dict[str, str]:
    """Says in headers why a message is a dead letter; nothing where all of it was taken."""
    refused = [one for one in answers if one.is_refused]
    if not refused:
        return {}
    first = refused[0]
    kept = ",".join(str(one.kept) for one in refused if one.kept is not None)
    stated = {
        "relance-status": first.status.value,
        "relance-kept": kept,
        "relance-refused": str(len(refused)),
    }
    return stated | ({"relance-field": first.wrong.field} if first.wrong is not None else {})


@asynccontextmanager
async def listening(
    url: str,
    door: Door,
    clock: Callable[[], datetime],
    deliver: Deliver,
    *,
    subject: str = SUBJECT,
    dead: str = DEAD,
    registers: bool = False,
    heard: Heard = lambda _: None,
) -> AsyncIterator[None]:
    """Takes in what a broker hands out while the block runs; `heard` hears of each answer.

    With `registers` its events may say who is owed, and so where customers pay to.

    Raises ConfigurationFault for another kind of broker or where the extra is missing, Unavailable where the
    broker does not answer.
    """
    if urlsplit(url).scheme not in {"nats", "tls"}:
        msg = "this kind of broker is not known: name a NATS server with JetStream, nats://host:4222"
        raise ConfigurationFault(msg)
    try:
        from faststream import AckPolicy  # noqa: PLC0415 - an extra, which most installations do without
        from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub  # noqa: PLC0415 - see above
        from nats.errors import Error  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationFault(INSTALL) from None

    async def as_it_came(message: NatsMessage) -> Letter:
        return Letter(message.body, {name: str(value) for name, value in message.headers.items()})

    mail = Mail(NAME, NAME, registers=registers, keeps=True)
    broker = NatsBroker(url, logger=None, apply_types=False, max_reconnect_attempts=-1, decoder=as_it_came)
    letters = broker.publisher(dead, stream=JStream(_stream(dead), subjects=[dead]))

    @broker.subscriber(
        subject,
        stream=JStream(_stream(subject), subjects=[subject]),
        durable=DURABLE,
        pull_sub=PullSub(batch_size=1),  # more would be handled at once, a payment before its invoice
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def on_letter(letter: Letter) -> None:
        try:
            answers = await take(door, letter, mail, clock())
        except Unavailable as fault:
            log.warning("broker_waits", reason=str(fault))
            await asyncio.sleep(REST_SECONDS)
            raise
        except Exception:
            log.exception("letter_failed")
            await asyncio.sleep(REST_SECONDS)
            raise
        why = reason(answers)
        if why:
            await letters.publish(letter.body, headers=dict(letter.headers) | why)
        for one in answers:
            log.info("event_heard", status=one.status.value, kept=one.kept)
            heard(one)
        await deliver()

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await broker.start()
    except (TimeoutError, OSError, Error) as fault:
        kind = type(fault).__name__
        msg = f"the broker does not answer at {_place(url)} ({kind}): start it, or correct the URL"
        raise Unavailable(msg) from None
    try:
        yield
    finally:
        await broker.stop()


def _stream(subject: str) -> str:
    """Names the stream that keeps a subject: names of streams have no dots."""
    return subject.replace(".", "_").replace("*", "any").replace(">", "all").upper()


def _place(url: str) -> str:
    """Names a broker without the password that its URL may hold."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 4222}"
