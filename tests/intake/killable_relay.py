"""A relay that kills itself, with SIGKILL, at a given point of its first delivery.

In: the production relay, which knows when to die.
Not in: production code, which has no such points.

    python -m tests.intake.killable_relay POINT

The connection and the settings come from the environment, as for the worker.
"""

import asyncio
import os
import signal
import sys
from enum import StrEnum
from typing import Any

from config.settings import load
from intake.relay import Delivery, Relay
from intake.temporal import connect
from ledger.database import Database

SOME = 3
"""How many errands of a batch are delivered before a death in its middle."""


class Point(StrEnum):
    """Names the points at which the process dies, in the order in which a batch passes them."""

    BEFORE_DELIVERY = "before-delivery"
    MIDDLE = "middle"
    BEFORE_MARK = "before-mark"
    AFTER_MARK = "after-mark"


class FatalRelay(Relay):
    """Delivers until it reaches its point."""

    def __init__(self, point: Point, *parts: Any) -> None:
        """Knows where to die."""
        super().__init__(*parts)
        self._point = point
        self._told = 0

    async def _tell(self, delivery: Delivery) -> None:
        self._reached(Point.BEFORE_DELIVERY)
        await super()._tell(delivery)
        self._told += 1
        if self._told >= SOME:
            self._reached(Point.MIDDLE)

    async def _write_down(self, *outcome: Any) -> None:
        self._reached(Point.BEFORE_MARK)
        await super()._write_down(*outcome)
        self._reached(Point.AFTER_MARK)

    def _reached(self, point: Point) -> None:
        if point is self._point:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(point: Point) -> None:
    """Delivers until it dies."""
    settings = load()
    client = await connect()
    async with await Database.open(settings.database_url) as database:
        await FatalRelay(point, database, client, settings.task_queue).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(Point(sys.argv[1])))
