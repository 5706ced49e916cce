"""The console served within another program: a demonstration, a test.

In: listening until a block ends, without touching the program's signals.
Not in: the process of its own (terminal/serving.py).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from domain.faults import Unavailable


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the program."""
        yield


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int) -> AsyncIterator[None]:
    """Serves until the block ends; open streams are cut after a second. Raises Unavailable."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            msg = f"{host}:{port} cannot be listened on"
            raise Unavailable(msg)
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
