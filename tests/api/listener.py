"""An endpoint that listens to news on 127.0.0.1 and answers as a test says.

In: a small HTTP server that keeps what it heard. Not in: what is checked of it (test_deliveries.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Heard:
    """Keeps one request."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """Answers each request with the next of `answers`, the last one ever after."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.heard.append(Heard(line, headers, body))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            writer.write(said)
            await writer.drain()
        except ConnectionError:
            pass  # who does not want to hear more has hung up
        finally:
            writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Runs an endpoint on a free port."""
    listener = Listener()
    async with await asyncio.start_server(listener.answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        listener.url = f"http://127.0.0.1:{port}/hear"
        yield listener
