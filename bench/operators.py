"""Operators at the console: each with a session and a window of their own, clicking as people do.

In: what they look at and what they do, the pauses in between, the window that renews itself.
Not in: how requests are timed (waits.py), programs that send events (traffic.py).

A window keeps one live stream open. When it says that the record has changed, a page with fresh parts asks
for itself again, once for each of them, as console.js does. Files of a page's looks are kept by browsers.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from urllib.parse import quote

import httpx2

from bench import lived
from bench.lived import Place
from bench.waits import PATIENCE, Waits
from console.seats import COOKIE

PAUSE = (2.0, 8.0)
"""Seconds between two clicks of one person."""

FRESH = 'class="fresh"'
TASK = re.compile(r'href="(/tasks/[^"?/]+)"')
STREAM = httpx2.Timeout(PATIENCE, read=None)

FILTERS = (
    "state=overdue&sort=-open",
    "state=open&sort=customer",
    "state=open&age=not-due&sort=next",
    "state=held",
    "state=disputed",
    "q=Dubois+12",
    "amount_from=2000&sort=-total",
    "state=open&page=40",
)
CUSTOMERS = ("", "?state=overdue&sort=-overdue", "?q=Dubois+31", "?state=&sort=name&page=3")


@dataclass
class Operator:
    """Sits at one window; `mine` are the positions of the invoices that nobody else does anything to."""

    client: httpx2.AsyncClient
    waits: Waits
    draw: Random
    token: str
    count: int
    mine: Iterator[int]
    today: date
    _page: str = "/"
    _parts: int = 0
    _renewing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def _seat(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.token}"}

    async def work(self) -> None:
        """Clicks until cancelled."""
        watching = asyncio.create_task(self._watch())
        deeds: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (20, self._today),
            (10, self._task),
            (20, self._invoices),
            (20, self._invoice),
            (8, self._customers),
            (10, self._customer),
            (4, self._overview),
            (4, self._hold),
            (4, self._mark_paid),
        ]
        weights = [weight for weight, _ in deeds]
        try:
            await asyncio.sleep(self.draw.uniform(0, PAUSE[1]))
            while True:
                [(_, deed)] = self.draw.choices(deeds, weights)
                await deed()
                await self._think()
        finally:
            for task in (watching, *self._renewing):
                task.cancel()
            await asyncio.gather(watching, *self._renewing, return_exceptions=True)

    async def _think(self) -> None:
        await asyncio.sleep(self.draw.uniform(*PAUSE))

    async def _look(self, kind: str, address: str, *, part: bool = False) -> str:
        """Opens a page in the window, or fetches a part of one."""
        answer = await self.waits.ask(self.client, kind, "GET", address, headers=self._seat)
        text = "" if answer is None else answer.text
        if not part:
            self._page, self._parts = address, text.count(FRESH)
        return text

    async def _send(self, kind: str, address: str, **form: str) -> None:
        """Sends a form, and opens the page that it leads to."""
        answer = await self.waits.ask(self.client, kind, "POST", address, headers=self._seat, data=form)
        if answer is not None and answer.has_redirect_location:
            await self._look("the page after a command", answer.headers["location"])

    async def _watch(self) -> None:
        """Listens to the live stream, and opens it again where it ends, as browsers do."""
        while True:
            with suppress(httpx2.TransportError):
                async with self.client.stream("GET", "/live", headers=self._seat, timeout=STREAM) as stream:
                    async for line in stream.aiter_lines():
                        if line == "event: changed":
                            self._renew()
            await asyncio.sleep(2)

    def _renew(self) -> None:
        if self._renewing:
            return  # a part that is being renewed is not asked for again
        for _ in range(self._parts):
            task = asyncio.create_task(self._renewed(self._page))
            self._renewing.add(task)
            task.add_done_callback(self._renewing.discard)

    async def _renewed(self, address: str) -> None:
        headers = self._seat | {"HX-Request": "true"}
        await self.waits.ask(self.client, "a page renewed", "GET", address, headers=headers)

    async def _today(self) -> None:
        await self._look("today", "/")

    async def _task(self) -> None:
        tasks = TASK.findall(await self._look("today", "/"))
        if tasks:
            await self._think()
            await self._look("a task", self.draw.choice(tasks))

    async def _invoices(self) -> None:
        await self._look("invoices, filtered", f"/invoices?{self.draw.choice(FILTERS)}")

    async def _invoice(self) -> None:
        await self._look("an invoice", _home(lived.place(self.draw.randrange(self.count))))

    async def _customers(self) -> None:
        await self._look("customers", f"/debtors{self.draw.choice(CUSTOMERS)}")

    async def _customer(self) -> None:
        one = lived.place(self.draw.randrange(self.count))
        await self._look("a customer", f"/debtors/{quote(one.creditor)}/{quote(one.debtor)}")

    async def _overview(self) -> None:
        await self._look("overview", self.draw.choice(("/overview", f"/overview?creditor={lived.HELD}")))

    async def _hold(self) -> None:
        until = self.today + timedelta(days=self.draw.randint(1, 20))
        await self._command("hold", until=until.isoformat(), reason="asked for time")

    async def _mark_paid(self) -> None:
        await self._command("pay", reference=f"console-{self.draw.getrandbits(64):x}")

    async def _command(self, name: str, **form: str) -> None:
        """Opens an invoice, the form of a command on it, and sends that."""
        at = next(self.mine, None)
        if at is None:
            return
        home = _home(lived.place(at))
        await self._look("an invoice", home)
        await self._think()
        await self._look("the form of a command", f"{home}/{name}", part=True)
        await self._think()
        await self._send({"hold": "a hold", "pay": "a mark-paid"}[name], f"{home}/{name}", **form)


def _home(one: Place) -> str:
    return f"/invoices/{quote(one.creditor)}/{quote(one.number)}"
