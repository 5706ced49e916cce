"""The arms of a comparison: Relance, and the floor, told to do the same.

In: what an arm can do, calls many at a time.
Not in: how each does it (relance.py, floor.py), what is measured (lifecycles.py and its neighbours).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import ClassVar, TypeVar

from temporalio.client import Client

from bench.stage import Stage

AT_ONCE = 50
"""How many calls to the server are under way at a time."""

ALL = slice(None)
Thing = TypeVar("Thing")


class Arm(ABC):
    """Lives through invoices on a stage."""

    name: ClassVar[str]

    def __init__(self, stage: Stage) -> None:
        """Takes the stage."""
        self.stage = stage

    @abstractmethod
    async def prepare(self, count: int) -> None:
        """Makes so many new invoices known, without any run."""

    @abstractmethod
    def run_id(self, place: int) -> str:
        """Names the run of the invoice at a place."""

    @abstractmethod
    def first_due(self) -> datetime:
        """Tells when the first step of every prepared invoice is due."""

    @abstractmethod
    async def start(self, client: Client, places: slice = ALL) -> None:
        """Starts the runs of the prepared invoices, many at a time."""

    @abstractmethod
    def working(self) -> AbstractAsyncContextManager[int]:
        """Runs a worker while the block runs, and gives its process id."""


async def each(things: Iterable[Thing], do: Callable[[Thing], Awaitable[object]]) -> None:
    """Does the same with each of many things, so many at a time."""
    waiting = iter(things)

    async def hand() -> None:
        for thing in waiting:
            await do(thing)

    await asyncio.gather(*(hand() for _ in range(AT_ONCE)))
