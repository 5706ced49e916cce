"""Charts drawn on the server: where each bar of a chart stands, in per cent of its frame.

In: the geometry of columns beside and upon one another. Not in: how they look (templates/parts/chart.html).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

TOP, FOOT = Decimal(8), Decimal(82)
"""Where the highest bar ends and where all of them stand, from above."""

FILLED = Decimal("0.72")
"""How much of its place a column fills."""

Number = Decimal | int


class Bar(NamedTuple):
    """Places a rectangle; `kind` chooses its colour."""

    kind: str
    x: str
    y: str
    width: str
    height: str


class Column(NamedTuple):
    """Places what stands above one label, which is written in lines of one word."""

    label: tuple[str, ...]
    x: str
    bars: tuple[Bar, ...]


class Columns(NamedTuple):
    """Holds a chart and the value at its top."""

    columns: tuple[Column, ...]
    highest: Decimal


def columns(given: Sequence[tuple[str, Sequence[Sequence[tuple[str, Number]]]]]) -> Columns:
    """Places columns: each has a label and stacks beside one another, each stack its parts from below."""
    stacks = [sum(value for _, value in stack) for _, beside in given for stack in beside]
    highest = Decimal(max(stacks, default=0))
    place = Decimal(100) / max(len(given), 1)
    drawn = []
    for turn, (label, beside) in enumerate(given):
        bars = _bars(beside, turn, place, highest)
        drawn.append(Column(tuple(label.split(" ", 1)), _percent(place * turn + place / 2), tuple(bars)))
    return Columns(tuple(drawn), highest)


def _bars(
    beside: Sequence[Sequence[tuple[str, Number]]], turn: int, place: Decimal, highest: Decimal
) -> list[Bar]:
    width = place * FILLED / max(len(beside), 1)
    left = place * turn + place * (1 - FILLED) / 2
    bars = []
    for number, stack in enumerate(beside):
        floor = FOOT
        for kind, value in stack:
            if value > 0:
                height = (FOOT - TOP) * value / highest
                floor -= height
                x = _percent(left + width * number)
                bars.append(Bar(kind, x, _percent(floor), _percent(width), _percent(height)))
    return bars


def share(value: Number, highest: Number) -> str:
    """Gives the length of a lying bar as a percentage of the longest one."""
    return _percent(Decimal(100) * value / highest) if highest > 0 and value > 0 else "0%"


def _percent(value: Decimal) -> str:
    return f"{value:.2f}%"
