"""The mailbox of the bench: takes every message, keeps none, notes when each arrived.

In: the SMTP server as a process of its own, so that its processor time is counted apart.
Not in: faults (trial/mail.py has them), reading the notes (stage.py).

    python -m bench.sink NOTES

It prints its port once it listens. A line of NOTES is the instant of an arrival and the Message-ID.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

from aiosmtpd.smtp import SMTP, Envelope, Session

from trial.servers import LOCAL

HEADER = b"\r\nmessage-id:"


class Notes:
    """Notes arrivals, a line each."""

    def __init__(self, file: TextIO) -> None:
        """Takes the file to write to."""
        self._file = file

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Notes one message."""
        head = (envelope.original_content or b"")[:4096]
        start = head.lower().find(HEADER)
        name = head[start + len(HEADER) :].partition(b"\r\n")[0].strip().decode() if start >= 0 else "?"
        self._file.write(f"{time.time():.6f} {name}\n")
        return "250 OK"


async def main(path: Path) -> None:
    """Listens until it is ended."""
    loop = asyncio.get_running_loop()
    with path.open("a", encoding="utf-8", buffering=1) as file:
        notes = Notes(file)
        server = await loop.create_server(
            lambda: SMTP(notes, hostname="localhost", enable_SMTPUTF8=True, loop=loop), LOCAL, 0, backlog=512
        )
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
