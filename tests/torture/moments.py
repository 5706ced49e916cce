"""Moments: what happens in a story, each with its day.

In: one moment, and the lots that everything is drawn from.
Not in: the stories (stories.py, accords.py, tills.py), and how a moment is made to happen (deeds.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any


@dataclass(frozen=True)
class Moment:
    """Dates something that happens: so many days after the story begins."""

    day: float
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def after(self) -> timedelta:
        """Gives the time from the beginning of the story."""
        return timedelta(days=self.day)


def lots(seed: int, *names: object) -> Random:
    """Gives the lots of one part of the run, which no other part draws from."""
    return Random(":".join(str(name) for name in (seed, *names)))  # noqa: S311 - repeatable on purpose
