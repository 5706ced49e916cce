"""The desk of the API: the open office, the counts, and one messenger who tells the runs.

In: what every address needs, and telling the runs once for many requests.
Not in: who calls (caller.py), the office itself (console/office.py).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from console.api.tally import Tally
from console.office import Office

QUIET_SECONDS = 0.2
"""How long no event must have come before the runs are told from here."""


@dataclass
class Desk:
    """Serves the API of one installation."""

    office: Office
    tally: Tally = field(default_factory=Tally)
    _asked_at: float = 0.0
    _telling: asyncio.Task[None] | None = None

    def tell_runs(self) -> None:
        """Has the runs told what was written, as soon as no more comes in.

        Nobody waits for it. While events pour in it is left to the worker's relay, which looks every second:
        two who deliver the same do the work twice.
        """
        self._asked_at = asyncio.get_running_loop().time()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        while (quiet := loop.time() - self._asked_at) < QUIET_SECONDS:  # noqa: ASYNC110 - it waits for silence
            await asyncio.sleep(QUIET_SECONDS - quiet)
        await self.office.deliver()

    async def told(self) -> None:
        """Waits until the runs have been told."""
        if self._telling is not None:
            await self._telling


async def desk_of(request: Request) -> Desk:
    """Gives the desk."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]
