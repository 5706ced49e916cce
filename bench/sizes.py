"""How much the bench measures: a smoke run of minutes, or the figures that the project states.

In: the counts of each section. Not in: the sections (sections.py).
"""

from dataclasses import dataclass


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
    ),
}
