"""An import of a statement that kills itself, with SIGKILL, at a given point.

In: the production import, which knows when to die.
Not in: production code, which has no such points.

    python -m tests.bank.killable_import POINT STATEMENT NOW

STATEMENT is a file with the statement as JSON, NOW an instant; the database comes from the environment.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from config.settings import load
from domain.bank import BankStatement
from intake import statements
from intake.bank import booking
from ledger.database import Database

SOME = 3
"""How many accounts are booked before a death among them."""

Work = Callable[..., Awaitable[Any]]


class Point(StrEnum):
    """Names the points at which the process dies, in the order in which an import passes them."""

    READ = "read"
    IN_TRANSACTION = "in-transaction"
    AMONG_ACCOUNTS = "among-accounts"
    BOOKED = "booked"
    DAYS_KNOWN = "days-known"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(work: Work) -> Work:
    async def fatal(*args: Any, **more: Any) -> Any:
        _die()
        return await work(*args, **more)

    return fatal


def _after(work: Work, times: int = 1) -> Work:
    done = 0

    async def fatal(*args: Any, **more: Any) -> Any:
        nonlocal done
        answer = await work(*args, **more)
        done += 1
        if done >= times:
            _die()
        return answer

    return fatal


PLACES: dict[Point, tuple[object, str, Callable[[Work], Work]]] = {
    Point.READ: (statements, "match_waiting", _before),
    Point.IN_TRANSACTION: (booking, "record", _after),
    Point.AMONG_ACCOUNTS: (booking.Teller, "book", partial(_after, times=SOME)),
    Point.BOOKED: (statements, "take_days", _before),
    Point.DAYS_KNOWN: (statements, "plan_waiting", _before),
}


async def main(point: Point, told: BankStatement, now: datetime) -> None:
    """Imports until it dies."""
    where, name, deadly = PLACES[point]
    setattr(where, name, deadly(getattr(where, name)))
    async with await Database.open(load().database_url) as database:
        await statements.take_statement(database, told, now=now)


if __name__ == "__main__":
    given = BankStatement.model_validate_json(Path(sys.argv[2]).read_text("utf-8"))
    asyncio.run(main(Point(sys.argv[1]), given, datetime.fromisoformat(sys.argv[3])))
