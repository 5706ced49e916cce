"""The mailbox of the torture run: a mail sink that can be taken away and brought back.

In: the server on one port for the whole run, and what it has kept.
Not in: the faults within a conversation (trial/mail.py), and when they happen (injector.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from trial.mail import LOCAL, MailSink
from trial.servers import free_port


class Mailbox(MailSink):
    """Keeps what arrives for the whole run, while its server comes and goes."""

    def __init__(self, folder: Path) -> None:
        """Opens the folders and chooses a port."""
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "Maildir", folder / "eml")
        self.port = free_port()
        self._taking = 0
        self._server: asyncio.Server | None = None
        self._connections: WeakSet[SMTP] = WeakSet()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keeps one message, or fails as the script says."""
        self._taking += 1
        try:
            return await super().handle_DATA(server, session, envelope)
        finally:
            self._taking -= 1

    @property
    def quiet(self) -> bool:
        """Tells that no message is being taken at this moment."""
        return self._taking == 0

    def holds(self, message: str) -> bool:
        """Tells whether a message lies here, by its id."""
        return any(message in str(one.message["Message-ID"]) for one in self.received)

    async def open(self) -> None:
        """Lets the server listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, LOCAL, self.port)

    async def close(self) -> None:
        """Takes the server away, with every conversation that it was holding."""
        if self._server is not None:
            self._server.close()
            for smtp in self._connections:
                if isinstance(smtp.transport, asyncio.WriteTransport):
                    smtp.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def _connect(self) -> SMTP:
        smtp = SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())
        self._connections.add(smtp)
        return smtp


@asynccontextmanager
async def mailbox(folder: Path) -> AsyncIterator[Mailbox]:
    """Runs a mailbox until the block ends."""
    opened = Mailbox(folder)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
