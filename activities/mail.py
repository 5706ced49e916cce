"""The mail room: hands one e-mail over to the mail server and knows how far it got.

In: the SMTP conversation, told apart into accepted, refused, not now, and nobody can know.
Not in: what the message says (correspondence/), and whether it may leave (the gate).

The server is reached and the recipients are named before the last word is asked whether the message may
leave: whatever fails until then has sent nothing, and nobody need be asked about it. Once the body is on
its way, only the server's answer settles the matter: 250 accepts, a permanent refusal (5yz) sends
nothing; anything else, a broken connection or a temporary answer alike, leaves it open, because some
servers deliver what they have just deferred.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import aiosmtplib

from config.sections import Smtp, Tls

WHOLE_CONVERSATION = 45.0
"""Seconds after which a conversation is given up, well before Temporal would try the step again."""

PERMANENT = range(500, 600)
DATA = b"DATA\r\n"


class Fate(StrEnum):
    """Names what may have become of a message that was to be handed over.

    WITHDRAWN means that the last word was no: its body was not handed over.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_NOW = "not_now"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


LastWord = Callable[[], Awaitable[bool]]
"""Says, at the last moment, whether a message may leave; after a yes its body is on its way."""


@dataclass(frozen=True)
class Delivery:
    """States the fate of a message; `refused` holds the recipients that the server does not know.

    `answer` is a code or a short word, never the server's text, which may name people.
    """

    fate: Fate
    answer: str
    refused: tuple[str, ...] = ()


class MailRoom(Protocol):
    """Hands e-mails over; the tests put rooms of their own in its place."""

    async def hand_over(
        self, sender: str, recipients: Sequence[str], mime: bytes, may_leave: LastWord
    ) -> Delivery:
        """Hands one message over to all recipients that the server takes, if it may leave."""


class SmtpRoom:
    """Hands e-mails over to the mail server of the settings, one connection a message."""

    def __init__(self, settings: Smtp) -> None:
        """Takes the server's address and credentials."""
        self._settings = settings

    async def hand_over(
        self, sender: str, recipients: Sequence[str], mime: bytes, may_leave: LastWord
    ) -> Delivery:
        """Hands one message over to all recipients that the server takes, if it may leave."""
        stage = _Stage()
        try:
            async with asyncio.timeout(WHOLE_CONVERSATION), self._connected() as smtp:
                return await self._converse(smtp, sender, recipients, mime, may_leave, stage)
        except aiosmtplib.SMTPAuthenticationError as refusal:
            return Delivery(Fate.NOT_NOW, f"login refused ({refusal.code})")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as fault:
            return stage.broken_by(fault)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            use_tls=settings.tls is Tls.IMPLICIT,
            start_tls=settings.tls is Tls.STARTTLS,
            timeout=settings.timeout_seconds,
        )
        await smtp.connect()
        try:
            yield smtp
        finally:
            smtp.close()

    async def _converse(
        self,
        smtp: aiosmtplib.SMTP,
        sender: str,
        recipients: Sequence[str],
        mime: bytes,
        may_leave: LastWord,
        stage: "_Stage",
    ) -> Delivery:
        try:
            await smtp.mail(sender)
        except aiosmtplib.SMTPResponseException as refusal:
            return Delivery(Fate.NOT_NOW, f"sender refused ({refusal.code})")
        refused, deferred = await _name_recipients(smtp, recipients)
        if len(refused) + len(deferred) == len(recipients):
            fate = Fate.NOT_NOW if deferred else Fate.REFUSED
            return Delivery(fate, str(max(deferred.values(), default=550)), tuple(refused))
        if not await may_leave():
            return Delivery(Fate.WITHDRAWN, "withdrawn")
        stage.watch(smtp)
        try:
            answer = await smtp.data(mime)
        except aiosmtplib.SMTPDataError as refusal:
            fate = _fate_of(refusal.code) if stage.body_on_its_way else Fate.NOT_NOW
            return Delivery(fate, str(refusal.code), tuple(refused))
        return Delivery(Fate.ACCEPTED, str(answer.code), tuple(refused))


@dataclass
class _Stage:
    """Remembers how far a conversation got, for the moment it breaks."""

    body_on_its_way: bool = False

    def watch(self, smtp: aiosmtplib.SMTP) -> None:
        """Notes the moment at which the body, and not the DATA command any more, is written."""
        protocol = smtp.protocol
        if protocol is None:
            return
        write = protocol.write

        def watched(data: bytes) -> None:
            self.body_on_its_way = data != DATA
            write(data)

        # The library tells a refusal of the command and one of the body apart by nothing else.
        protocol.write = watched  # type: ignore[method-assign]

    def broken_by(self, fault: Exception) -> Delivery:
        return Delivery(Fate.UNKNOWN if self.body_on_its_way else Fate.NOT_NOW, type(fault).__name__)


async def _name_recipients(
    smtp: aiosmtplib.SMTP, recipients: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Names the recipients to the server; returns those it refuses for good and those it defers."""
    refused: dict[str, int] = {}
    deferred: dict[str, int] = {}
    for recipient in recipients:
        try:
            await smtp.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as refusal:
            (refused if refusal.code in PERMANENT else deferred)[recipient] = refusal.code
    return refused, deferred


def _fate_of(code: int) -> Fate:
    """Reads the answer to a body that was not accepted."""
    return Fate.REFUSED if code in PERMANENT else Fate.UNKNOWN


async def reachable(settings: Smtp) -> bool:
    """Tells whether the mail server answers at all."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(settings.host, settings.port), 3)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
