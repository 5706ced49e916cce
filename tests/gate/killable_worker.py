"""A worker that kills itself, with SIGKILL, the first time it reaches a given point of the gate.

In: worker.py's rooms, with a desk and a mail room that know when to die.
Not in: production code, which has no such points.

    python -m tests.gate.killable_worker POINT MARKER

It dies only where the file MARKER does not exist yet, and leaves it behind. The connection and the
settings come from the environment, as for the worker. An attempt is given up after a few seconds here
and not after a minute, which changes no command of the run.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from temporalio import activity
from temporalio.worker import UnsandboxedWorkflowRunner

import workflows.invoice
from activities.assembly import Hands, assemble
from activities.clerk import Clerk, Diary
from activities.desk import Desk
from activities.gate import Gate
from activities.mail import Delivery, LastWord, MailRoom, SmtpRoom
from config.settings import load
from correspondence.wording import Wording
from domain.actions import CaseRef
from intake.temporal import connect
from ledger.accounts import Loaded
from ledger.book import Book
from ledger.database import Database


class Point(StrEnum):
    """Names the points at which the process dies, in the order in which a message passes them."""

    BEFORE_RESERVE = "before-reserve"
    AFTER_RESERVE = "after-reserve"
    CONNECTED = "connected"
    HANDING_OVER = "handing-over"
    ACCEPTED = "accepted"
    BEFORE_CONFIRM = "before-confirm"
    AFTER_CONFIRM = "after-confirm"


@dataclass(frozen=True)
class Fate:
    """Knows the point at which to die, once."""

    point: Point
    marker: Path

    def reached(self, point: Point) -> None:
        """Dies here, where it is the time and the place."""
        if point is self.point and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class FatalRoom:
    """Dies before or after the mail server has taken the message."""

    inner: MailRoom
    fate: Fate

    async def hand_over(
        self, sender: str, recipients: Sequence[str], mime: bytes, may_leave: LastWord
    ) -> Delivery:
        """Hands one message over, if it lives to."""

        async def last_word() -> bool:
            self.fate.reached(Point.CONNECTED)
            word = await may_leave()
            self.fate.reached(Point.HANDING_OVER)
            return word

        delivery = await self.inner.hand_over(sender, recipients, mime, last_word)
        self.fate.reached(Point.ACCEPTED)
        return delivery


class FatalDesk(Desk):
    """Dies before the first book of an attempt is opened, after it is committed, or after the second one."""

    @asynccontextmanager
    async def book(self, case: CaseRef, now: datetime, known: Loaded | None = None) -> AsyncIterator[Book]:
        """Opens the book of a case."""
        attempt = (activity.info().workflow_run_id, activity.info().activity_id)
        opened = OPENED[attempt] = OPENED.get(attempt, 0) + 1
        if opened == 1:
            FATE[0].reached(Point.BEFORE_RESERVE)
        elif opened == 2:
            FATE[0].reached(Point.BEFORE_CONFIRM)
        async with super().book(case, now, known) as book:
            yield book
        FATE[0].reached(Point.AFTER_RESERVE if opened == 1 else Point.AFTER_CONFIRM)


OPENED: dict[tuple[str | None, str], int] = {}
FATE: list[Fate] = []


async def main(point: Point, marker: Path) -> None:
    """Works until it is killed."""
    workflows.invoice.ATTEMPT = timedelta(seconds=3)
    fate = Fate(point, marker)
    FATE.append(fate)
    settings = load()
    client = await connect()
    async with await Database.open(settings.database_url) as database:
        hands = Hands.of(
            settings,
            database,
            Wording.load(settings.folders.wording),
            FatalRoom(SmtpRoom(settings.smtp), fate),
        )
        desk = FatalDesk(database)
        gate = Gate(desk, hands.gate._dispatch, timedelta(seconds=settings.lease_seconds))
        hands = replace(hands, clerk=Clerk(desk), diary=Diary(desk), gate=gate)
        crew = assemble(
            client,
            settings,
            hands,
            workflow_runner=UnsandboxedWorkflowRunner(),
            cached_workflows=0,  # the server would wait for a dead process's memory
        )
        async with crew:
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Point(sys.argv[1]), Path(sys.argv[2])))
