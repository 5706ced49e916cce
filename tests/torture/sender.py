"""A program that hands the events of one account in through the API, and does not trust it.

In: single events and batches, the same one twice at once, again after silence, and earlier ones among new
    ones in any order; what must be answered each time.
Not in: the process that answers (porter.py), which events there are (deeds.py).

An event bears an id made of what it says and when: whoever has heard nothing sends the very same again.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from random import Random
from typing import Any

import httpx2

from domain.events import Event
from domain.faults import InputRefused, Unavailable
from ledger import access, received
from ledger.access import Right
from ledger.database import Database
from tests.torture.porter import CLOCK

SHARE = 0.4
"""The odds that an event goes in by the API."""

TWICE, AMONG_OTHERS = 0.15, 0.3
EARLIER = 4
"""The most earlier events that are sent again with a new one."""

PATIENCE = 4.0
"""Seconds after which an answer is not waited for any more, shorter than a lock may last."""

SOURCE = "/torture"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
ON_RECORD = {"taken", "known", "waiting"}
OVERLOADED = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_TIMEOUT}

CloudEvent = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """Leads to the API of the run; `caller` is the name that our ids are our own under."""

    client: httpx2.AsyncClient
    caller: str


async def key(database: Database) -> tuple[str, str]:
    """Makes a key for events of every kind; gives its holder's name and its token."""
    async with database.writing() as conn:
        made, token = await access.make_key(
            conn, "torture", (Right.EVENTS, Right.CREDITORS), None, "torture", datetime.now(UTC)
        )
    return f"key:{made.id}", token


@dataclass
class Sender:
    """Sends the events of one account; `flaws` are answers that must not be."""

    api: Api
    debtor: str
    lots: Random
    flaws: list[str] = field(default_factory=list)
    _done: dict[str, CloudEvent] = field(default_factory=dict)

    def is_drawn(self) -> bool:
        """Tells whether an event goes in by the API."""
        return self.lots.random() < SHARE

    async def send(self, event: Event, now: datetime) -> str:
        """Sends an event and says what came of it.

        Raises InputRefused where the record contradicts it, Unavailable and TimeoutError where it is not
        known what became of it.
        """
        new = self._written(event, now)
        earlier = list(self._done.values())
        lot = self.lots.random()
        if lot < TWICE:
            answers = await asyncio.gather(
                *(self._post([new], now) for _ in range(2)), return_exceptions=True
            )
            said = next((one for one in answers if not isinstance(one, BaseException)), None)
            if said is None:
                raise Unavailable(str(answers[0]))
        elif lot < TWICE + AMONG_OTHERS and earlier:
            sent = [new, *self.lots.sample(earlier, min(len(earlier), self.lots.randint(1, EARLIER)))]
            self.lots.shuffle(sent)
            said = await self._post(sent, now)
        else:
            said = await self._post([new], now)
        return self._judged(new, said)

    def _written(self, event: Event, now: datetime) -> CloudEvent:
        data = event.model_dump(mode="json", exclude_none=True)
        kind = data.pop("type")
        written = json.dumps([self.debtor, now.isoformat(), kind, data], sort_keys=True)
        name = hashlib.sha256(written.encode()).hexdigest()
        return {"specversion": "1.0", "id": name, "source": SOURCE, "type": f"relance.{kind}", "data": data}

    async def _post(self, sent: list[CloudEvent], now: datetime) -> dict[str, dict[str, Any]]:
        """Sends events; gives the answer to each by its id."""
        single = len(sent) == 1 and self.lots.random() < 0.5
        try:
            answer = await asyncio.wait_for(
                self.api.client.post(
                    "/v1/events",
                    json=sent[0] if single else sent,
                    headers={
                        "Content-Type": STRUCTURED if single else BATCHED,
                        CLOCK.decode(): now.isoformat(),
                    },
                ),
                PATIENCE,
            )
        except httpx2.TransportError as fault:
            msg = f"the API does not answer ({type(fault).__name__})"
            raise Unavailable(msg) from fault
        if answer.status_code in OVERLOADED:
            raise Unavailable(answer.text[:300])
        said = answer.json()
        if "results" in said:
            return {one["id"]: one for one in said["results"]}
        if answer.status_code == HTTPStatus.OK:
            return {said["id"]: said}
        return {sent[0]["id"]: {"status": said["type"].rpartition(":")[2], "problem": said}}

    def _judged(self, new: CloudEvent, answers: dict[str, dict[str, Any]]) -> str:
        """Looks at every answer: what was on record is known, what is new is taken or refused."""
        for name in answers.keys() & self._done.keys() - {new["id"]}:
            if answers[name]["status"] != "known":
                self.flaws.append(f"{name}, sent again, is answered {answers[name]['status']}")
        mine = answers.get(new["id"], {"status": "not answered"})
        if mine["status"] == "refused":
            [wrong, *_] = mine["problem"]["errors"]
            raise InputRefused(wrong["pointer"], wrong["detail"], wrong["remedy"])
        if mine["status"] not in ON_RECORD:
            self.flaws.append(f"{new['type']} {new['id']} is answered {mine}")
            return f"wrongly answered: {mine}"
        self._done[new["id"]] = new
        return f"{mine['what']} (by the API: {mine['status']})"

    async def found(self, database: Database) -> list[str]:
        """Lists the flaws, and what was acknowledged and is not on record."""
        async with database.reading() as conn:
            lost = [
                f"{name} was acknowledged and is not on record"
                for name in self._done
                if await received.find(conn, self.api.caller, SOURCE, name) is None
            ]
        return [*self.flaws, *lost]
