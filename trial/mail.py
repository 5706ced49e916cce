"""A mail sink: an SMTP server of this machine that keeps every message and delivers none.

In: the Maildir, readable copies in the order of arrival, faults on demand.
Not in: sending (activities/).
"""

import asyncio
import mailbox
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.faults import Unavailable

LOCAL = "127.0.0.1"
SLUG_LENGTH = 60


class Fault(StrEnum):
    """Names what can go wrong at a mail server.

    DROP_KEPT takes the message and dies before the answer, DROP_LOST dies without having taken it: the
    sender cannot tell one from the other. SLOW answers late but well.
    """

    REFUSE_RECIPIENT = "550 at RCPT"
    DEFER_RECIPIENT = "451 at RCPT"
    REFUSE_MESSAGE = "554 after DATA"
    DEFER_MESSAGE = "451 after DATA"
    DROP_KEPT = "connection dies after the message was kept"
    DROP_LOST = "connection dies before the message was kept"
    SLOW = "answers late"


ANSWERS = {
    Fault.REFUSE_RECIPIENT: "550 5.1.1 no such mailbox",
    Fault.DEFER_RECIPIENT: "451 4.2.1 mailbox busy, try again later",
    Fault.REFUSE_MESSAGE: "554 5.7.1 message refused",
    Fault.DEFER_MESSAGE: "451 4.3.0 try again later",
}
AT_RECIPIENT = {Fault.REFUSE_RECIPIENT, Fault.DEFER_RECIPIENT}


@dataclass
class _Script:
    fault: Fault
    recipient: str | None
    left: int | None
    seconds: float

    def concerns(self, recipients: list[str]) -> bool:
        return self.left != 0 and (self.recipient is None or self.recipient in recipients)


@dataclass(frozen=True)
class Received:
    """Records a message that the sink has kept, byte for byte, and where its readable copy lies."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    path: Path

    @cached_property
    def message(self) -> EmailMessage:
        """Parses the message, once."""
        return message_from_bytes(self.content, policy=default)


class MailSink:
    """Keeps what arrives, and fails where a script says so; `port` is where it listens."""

    def __init__(self, maildir: Path, readable: Path) -> None:
        """Opens the Maildir and the folder of readable copies, and goes on counting where it left off."""
        self.port = 0
        self.received: list[Received] = []
        self._maildir = mailbox.Maildir(maildir, create=True)
        self._readable = readable
        readable.mkdir(parents=True, exist_ok=True)
        self._count = max((_number(path) for path in readable.glob("*.eml")), default=0)
        self._scripts: list[_Script] = []

    def script(
        self, fault: Fault, *, recipient: str | None = None, times: int | None = None, seconds: float = 1.0
    ) -> None:
        """Makes the fault happen the next `times` (or always) that the recipient (or anyone) is written to.

        `seconds` is how late SLOW answers.
        """
        self._scripts.append(_Script(fault, recipient, times, seconds))

    def heal(self) -> None:
        """Forgets every fault."""
        self._scripts.clear()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes or refuses one recipient."""
        script = self._due([address], at_recipient=True)
        if script is not None:
            return ANSWERS[script.fault]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        """Keeps one message, or fails as the script says."""
        script = self._due(envelope.rcpt_tos, at_recipient=False)
        fault = script.fault if script else None
        if fault in ANSWERS:
            return ANSWERS[fault]
        if script is not None and fault is Fault.SLOW:
            await asyncio.sleep(script.seconds)
        if fault is not Fault.DROP_LOST:
            self._keep(envelope)
        if fault in {Fault.DROP_KEPT, Fault.DROP_LOST}:
            _cut(server)
        return "250 OK"

    def _due(self, recipients: list[str], *, at_recipient: bool) -> _Script | None:
        for script in self._scripts:
            if (script.fault in AT_RECIPIENT) is at_recipient and script.concerns(recipients):
                if script.left is not None:
                    script.left -= 1
                return script
        return None

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        self._count += 1
        subject = str(message_from_bytes(content, policy=default).get("Subject", ""))
        path = self._readable / f"{self._count:04d}-{_slug(subject)}.eml"
        path.write_bytes(content)
        self._maildir.add(content)
        self.received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, path))


def _cut(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()


def _slug(subject: str) -> str:
    plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_LENGTH].strip("-") or "no-subject"


def _number(path: Path) -> int:
    digits = path.name.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


@asynccontextmanager
async def mail_sink(maildir: Path, port: int, *, readable: Path | None = None) -> AsyncIterator[MailSink]:
    """Runs a mail sink until the block ends; raises Unavailable where the port is taken.

    A port of 0 takes a free one. Readable copies lie in `readable`, by default the folder `eml` beside
    the Maildir.
    """
    maildir.parent.mkdir(parents=True, exist_ok=True)
    sink = MailSink(maildir, readable or maildir.parent / "eml")
    loop = asyncio.get_running_loop()
    connections: WeakSet[SMTP] = WeakSet()

    def connection() -> SMTP:
        smtp = SMTP(sink, hostname="localhost", enable_SMTPUTF8=True, loop=loop)
        connections.add(smtp)
        return smtp

    try:
        server = await loop.create_server(connection, LOCAL, port)
    except OSError as taken:
        msg = f"the mail sink cannot listen on {LOCAL}:{port}: {taken.strerror}; choose another port"
        raise Unavailable(msg) from None
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for smtp in connections:
            _cut(smtp)
        await server.wait_closed()
