"""The points at which a process kills itself: of the gate, the clerk, the bank's counter, the API.

In: the production rooms with a death at each point, drawn by lot and written down before it happens.
Not in: production code, which has no such points; kills from outside (injector.py).
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from temporalio import activity

from activities.desk import Desk
from activities.dispatch import Dispatch, Parcel
from activities.mail import Delivery, Fate, LastWord
from ledger.book import Book


class Point(StrEnum):
    """Names the points, in the order in which a message, a bank file, an event passes them."""

    BEFORE_RESERVE = "before reserve"
    AFTER_RESERVE = "after reserve"
    HANDING_OVER = "while handing over"
    ACCEPTED = "after the server accepted"
    BEFORE_CONFIRM = "before confirm"
    AFTER_CONFIRM = "after confirm"
    WRITING_DOWN = "while a fact is written down"
    KEEPING = "while bank entries are written down"
    MATCHING = "before their money is booked"
    BOOKING = "while it is booked"
    DAYS = "before their days are known"
    NOTING = "before an event by the API is kept"
    ANSWERING = "before an event by the API is answered"


GATE = "Collector.take"

OPENED: ContextVar[bool] = ContextVar("opened", default=False)
"""Whether this attempt at the gate has opened a book before."""

HANDED: ContextVar[bool] = ContextVar("handed", default=False)
"""Whether this attempt has handed a message over, and the server has accepted it."""

LONGEST_CONVERSATION = 0.01
"""Seconds within which a death in the middle of handing over comes."""


SELDOM = {Point.BEFORE_RESERVE: 0.25, Point.WRITING_DOWN: 0.5}
"""The points that are passed more often than the others, with the share of the odds that is left to them."""


@dataclass(frozen=True)
class Reaper:
    """Draws lots at each point, and writes a death down before it happens."""

    lots: Random
    odds: float
    record: Path

    def drawn(self, point: Point) -> bool:
        """Draws one lot."""
        return self.lots.random() < self.odds * SELDOM.get(point, 1.0)

    def reached(self, point: Point) -> None:
        """Dies here where the lot says so."""
        if self.drawn(point):
            self.die(point)

    def die(self, point: Point) -> None:
        """Writes the death down for good, and dies as a power cut would have it."""
        line = f"{time.time():.3f}\t{os.getpid()}\t{point.value}\n"
        record = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(record, line.encode())
        os.fsync(record)
        os.kill(os.getpid(), signal.SIGKILL)


def infest(reaper: Reaper) -> None:
    """Puts the points into the rooms of this process, which is not to be used for anything else."""
    patch.object(Desk, "book", _fatal_book(reaper, Desk.book)).start()
    patch.object(Dispatch, "hand_over", _fatal_hand_over(reaper, Dispatch.hand_over)).start()


def _fatal_book(reaper: Reaper, enter: Callable[..., AbstractAsyncContextManager[Book]]) -> object:
    @asynccontextmanager
    async def book(desk: Desk, *more: Any) -> AsyncIterator[Book]:
        at_gate = activity.info().activity_type == GATE
        if at_gate and not OPENED.get():
            OPENED.set(True)
            reaper.reached(Point.BEFORE_RESERVE)
        async with enter(desk, *more) as opened:
            before = len(opened.account.underway)
            yield opened
            reserved = len(opened.account.underway) > before
            if HANDED.get():
                reaper.reached(Point.BEFORE_CONFIRM)
            elif not at_gate:
                reaper.reached(Point.WRITING_DOWN)
        if HANDED.get():
            reaper.reached(Point.AFTER_CONFIRM)
        elif reserved:
            reaper.reached(Point.AFTER_RESERVE)

    return book


def _fatal_hand_over(reaper: Reaper, hand_over: Callable[..., Awaitable[Delivery]]) -> object:
    async def fatal(dispatch: Dispatch, parcel: Parcel, may_leave: LastWord) -> Delivery:
        async def last_word() -> bool:
            word = await may_leave()
            if word and reaper.drawn(Point.HANDING_OVER):
                moment = reaper.lots.uniform(0, LONGEST_CONVERSATION)
                asyncio.get_running_loop().call_later(moment, reaper.die, Point.HANDING_OVER)
            return word

        delivery = await hand_over(dispatch, parcel, last_word)
        if delivery.fate is Fate.ACCEPTED:
            reaper.reached(Point.ACCEPTED)
            HANDED.set(True)
        return delivery

    return fatal
