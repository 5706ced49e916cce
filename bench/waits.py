"""How long requests were waited for, by their kind, and what failed.

In: a request of a kind, timed; percentiles. Not in: who asks for what (operators.py, traffic.py).
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from bench.stage import percentile

PATIENCE = 30.0
"""Seconds after which nobody waits any longer: an error."""


@dataclass
class Waits:
    """Gathers the seconds that each kind of request took, and its errors."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    async def ask(
        self, client: httpx2.AsyncClient, kind: str, method: str, address: str, **more: Any
    ) -> httpx2.Response | None:
        """Makes a request and reads all of the answer; None where there is none.

        No answer in time and an answer of 5xx are errors; one of 4xx is counted as refused.
        """
        began = time.perf_counter()
        try:
            answer = await client.request(method, address, **more)
        except httpx2.TransportError as fault:
            self.errors[f"{kind}: {type(fault).__name__}"] += 1
            return None
        self.seconds.setdefault(kind, []).append(time.perf_counter() - began)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.errors[f"{kind}: {answer.status_code}"] += 1
        elif answer.status_code >= HTTPStatus.BAD_REQUEST:
            self.refused[f"{kind}: {answer.status_code}"] += 1
        return answer

    def within(self, kind: str, part: float) -> float:
        """Tells the milliseconds within which such a part of a kind was answered."""
        return 1000 * percentile(self.seconds[kind], part)

    @property
    def count(self) -> int:
        """Counts the requests that were answered."""
        return sum(map(len, self.seconds.values()))
