"""A program that sends events to the API at a steady pace: alone, in small batches, in large ones.

In: which events, when, what was said of each, and when the last of a large batch was worked off.
Not in: how requests are timed (waits.py), people at the console (operators.py).

Of two hundred events ten come alone and ten together, answered at once; the others come in one batch, as a
program sends that hands over what its day brought: kept, answered with 202, worked off meanwhile. An event
that cannot be sent at its time is sent as soon as a connection is free, so that a console that is too slow
shows in the events accepted in a second.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from itertools import count, cycle
from random import Random
from typing import Any

import httpx2

from bench import lived
from bench.waits import Waits
from domain.events import Event, PaymentReceived
from domain.faults import Unavailable

CONNECTIONS = 16
BATCH, LARGE = 10, 180
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
DUE_IN = timedelta(days=45)
SHARES = {"bill": 45, "pay": 30, "customer": 15, "again": 10}
"""What events say, by weight: a new invoice, a payment in full, another contact, what was answered before."""

REMEMBERED = 200
LOOK_SECONDS, PAGE = 1.0, 1000
PATIENCE_SECONDS = 3600.0
"""How long the last batch may take to be worked off."""

CloudEvent = dict[str, Any]


@dataclass
class Traffic:
    """Sends so many events per second; `unpaid` are positions of invoices that nobody else pays."""

    client: httpx2.AsyncClient
    waits: Waits
    draw: Random
    per_second: float
    customers: list[int]
    unpaid: Iterator[int]
    today: date
    fates: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    _kept: list[str] = field(default_factory=list)
    _said: list[CloudEvent] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    async def flow(self, seconds: float) -> float:
        """Sends for so long; returns how many events were accepted in a second."""
        began, parcels = time.perf_counter(), self._parcels(seconds)

        async def connection() -> None:
            for due, parcel in parcels:
                now = time.perf_counter() - began
                if now > seconds:
                    return
                await asyncio.sleep(due - now)
                await self._send(parcel)

        await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
        return self.accepted / max(seconds, time.perf_counter() - began)

    async def worked_off(self) -> float:
        """Waits until the large batches are worked off, and reads what became of their events.

        Returns the seconds that it took. Raises Unavailable where it takes an hour.
        """
        began = time.perf_counter()
        for address in self._kept:
            while not await self._finished(address):
                if time.perf_counter() - began > PATIENCE_SECONDS:
                    msg = f"{address} is not worked off after {PATIENCE_SECONDS:.0f} s"
                    raise Unavailable(msg)
                await asyncio.sleep(LOOK_SECONDS)
        return time.perf_counter() - began

    async def _finished(self, address: str) -> bool:
        answer = await self.waits.ask(self.client, "a batch looked at", "GET", f"{address}?limit={PAGE}")
        if answer is None or answer.status_code != HTTPStatus.OK:
            return False
        batch = answer.json()
        if batch["status"] != "finished":
            return False
        self.fates.update(one["status"] for one in batch["results"])
        return True

    def _parcels(self, seconds: float) -> Iterator[tuple[float, list[CloudEvent]]]:
        """Gives what is sent together, each with the second at which it is due."""
        sent = 0
        for size in cycle((1,) * BATCH + (BATCH, LARGE)):
            due = sent / self.per_second
            if due >= seconds:
                return
            yield due, [self._event() for _ in range(size)]
            sent += size

    async def _send(self, parcel: list[CloudEvent]) -> None:
        single = len(parcel) == 1
        kind = "an event" if single else f"{len(parcel)} events"
        answer = await self.waits.ask(
            self.client,
            kind,
            "POST",
            "/v1/events",
            json=parcel[0] if single else parcel,
            headers={"Content-Type": STRUCTURED if single else BATCHED},
        )
        if answer is None or not answer.is_success:
            return
        self.accepted += len(parcel)
        said = answer.json()
        if answer.status_code == HTTPStatus.ACCEPTED:
            self._kept.append(answer.headers["location"])
        else:
            self.fates.update(one["status"] for one in ([said] if single else said["results"]))
            self._said = [*self._said, *parcel][-REMEMBERED:]

    def _event(self) -> CloudEvent:
        [kind] = self.draw.choices(tuple(SHARES), tuple(SHARES.values()))
        if kind == "again" and self._said:
            return self.draw.choice(self._said)
        place = next(self._numbers)
        return _written(f"event-{place:06d}", self._fact(kind, place))

    def _fact(self, kind: str, place: int) -> Event:
        at = next(self.unpaid, None) if kind == "pay" else None
        if at is not None:
            one = lived.place(at)
            return PaymentReceived(
                creditor=one.creditor,
                reference=f"API-{at:06d}",
                amount=one.amount,
                received_on=self.today,
                invoice=one.number,
            )
        customer = self.draw.choice(self.customers)
        if kind == "customer":
            return lived.customer(customer, f"compta-{place}")
        one = lived.place(customer * lived.EACH)._replace(number=f"N-{place:06d}")
        return lived.bill(one, self.today, self.today + DUE_IN)


def _written(name: str, event: Event) -> CloudEvent:
    data = event.model_dump(mode="json", exclude_none=True)
    kind = data.pop("type")
    return {"specversion": "1.0", "id": name, "source": "/bench", "type": f"relance.{kind}", "data": data}
