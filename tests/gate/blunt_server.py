"""A blunt mail server: it answers each command with what the script says, or with nothing at all.

In: the dialogue of SMTP, line by line, as far as a test wants it to go.
Not in: keeping messages; trial/mail.py is a mail server that works.
"""

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

DROP = "drop"
SILENCE = "silence"
"""Answers that are none: the connection dies, or nothing is ever said."""

POLITE = {
    "greeting": "220 ready",
    "EHLO": "250 hello",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "body": "250 taken",
    "QUIT": "221 bye",
}


@asynccontextmanager
async def blunt_server(script: dict[str, str]) -> AsyncIterator[int]:
    """Runs a server that follows the script, and is polite where it says nothing; gives its port.

    The script may be changed while the server runs.
    """
    lines = ChainMap(script, dict(POLITE))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(reader, writer, lines)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20) as server:
        yield server.sockets[0].getsockname()[1]


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: Mapping[str, str]
) -> None:
    said = "greeting"
    while True:
        answer = lines.get(said, "502 what?")
        if answer == DROP:
            writer.transport.abort()
            return
        if answer == SILENCE:
            await reader.read()  # until the other side gives up
            return
        writer.write(f"{answer}\r\n".encode())
        if said == "DATA" and answer.startswith("354"):
            if lines["body"] == f"{DROP} at once":
                await reader.readline()
                writer.transport.abort()
                return
            await reader.readuntil(b"\r\n.\r\n")
            said = "body"
            continue
        line = await reader.readline()
        if not line:
            return
        said = line.decode().split()[0].upper()
