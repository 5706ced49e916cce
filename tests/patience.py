"""Patience: waiting until something has become true, and no longer than it is worth.

In: the one loop that asks again and again. Not in: what is waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 120.0) -> None:
    """Waits until a condition holds; raises TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.03)
