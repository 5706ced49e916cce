"""How much the bench measures: a smoke run of minutes, or the figures that the project states.

In: the counts of each section. Not in: the sections (sections.py).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Crowd:
    """States who is at the console for how long, and how many invoices it knows."""

    invoices: int
    operators: int
    events_per_second: int
    seconds: float


@dataclass(frozen=True)
class Size:
    """States how many invoices each section lives through."""

    rounds: int
    lives: int
    starts: int
    spike: int
    payments: int
    statements: int
    scanned: int
    populations: tuple[int, ...]
    crowd: Crowd


SIZES = {
    "small": Size(
        rounds=1,
        lives=40,
        starts=200,
        spike=100,
        payments=100,
        statements=200,
        scanned=200,
        populations=(200, 500),
        crowd=Crowd(invoices=500, operators=10, events_per_second=50, seconds=8),
    ),
    "full": Size(
        rounds=3,
        lives=300,
        starts=2000,
        spike=5000,
        payments=10_000,
        statements=10_000,
        scanned=2000,
        populations=(1000, 10_000, 50_000),
        crowd=Crowd(invoices=50_000, operators=50, events_per_second=200, seconds=120),
    ),
}
