"""The plot of a run, drawn by hand as SVG: ratios to the floor, and the curves of the spike.

In: bars and curves. Not in: the figures.
"""

from collections.abc import Iterator, Sequence
from html import escape

from bench.findings import Findings
from bench.table import LESS, Row

WIDTH = 860
LEFT = 380
SPAN = 400
LINE = 24
CURVES = 260
GOAL = 0.8
INK, PALE, GOOD, COST = "#333333", "#bbbbbb", "#2b7a78", "#b5651d"
COLOURS = ("#2b7a78", "#888888", "#17408b", "#c9a227")


def plot(found: Findings) -> str:
    """Draws a run."""
    rates = [row for row in found.rows if row.ratio is not None and row.better != LESS]
    costs = [row for row in found.rows if row.ratio is not None and row.better == LESS]
    drawn: list[str] = []
    top = 30
    for title, rows, colour, goal in (
        ("Relance to the floor: throughput (more is better)", rates, GOOD, GOAL),
        ("Relance to the floor: cost and waiting (less is better)", costs, COST, None),
    ):
        if rows:
            drawn += _bars(title, rows, colour, goal, top)
            top += LINE * (len(rows) + 2) + 10
    if found.curves:
        drawn += _curves(found.curves, top)
        top += CURVES + 70
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    )
    style = 'font-family="system-ui, sans-serif" font-size="13"'
    body = "\n".join(drawn)
    return f'{head} {style}>\n<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'


def _bars(title: str, rows: Sequence[Row], colour: str, goal: float | None, top: int) -> Iterator[str]:
    longest = max(1.0, *(row.ratio or 0.0 for row in rows))
    yield _text(LEFT, top, title, weight="bold")
    for place, row in enumerate(rows, start=1):
        middle = top + LINE * place
        ratio = row.ratio or 0.0
        length = SPAN * ratio / longest
        yield _text(LEFT - 10, middle + 4, f"{row.figure} ({row.unit})", anchor="end")
        yield f'<rect x="{LEFT}" y="{middle - 8}" width="{length:.1f}" height="16" fill="{colour}"/>'
        yield _text(LEFT + length + 6, middle + 4, f"{ratio:.2f}")
    for mark in filter(None, (goal, 1.0)):
        at = LEFT + SPAN * mark / longest
        bottom = top + LINE * len(rows) + 12
        yield f'<path d="M{at:.1f} {top + 8} V{bottom}" stroke="{INK}" stroke-dasharray="3 3"/>'
        yield _text(at, bottom + 13, f"{mark:g}", anchor="middle")


def _curves(curves: dict[str, list[float]], top: int) -> Iterator[str]:
    longest = max(max(curve) for curve in curves.values())
    left, right, bottom = 80, WIDTH - 230, top + CURVES
    yield _text(left, top, "Steps that fall due in one second: how many have left, by seconds", weight="bold")
    yield f'<path d="M{left} {top + 12} V{bottom} H{right}" fill="none" stroke="{PALE}"/>'
    for part in (0, 0.5, 1):
        yield _text(left - 8, bottom - (CURVES - 20) * part + 4, f"{part:.0%}", anchor="end")
        yield _text(left + (right - left) * part, bottom + 18, f"{longest * part:.0f} s", anchor="middle")
    for place, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(
            f"{left + (right - left) * at / longest:.1f},{bottom - (CURVES - 20) * part / len(curve):.1f}"
            for part, at in enumerate(curve, start=1)
        )
        yield f'<polyline points="{left},{bottom} {points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        level = top + 30 + LINE * place
        yield f'<rect x="{right + 20}" y="{level - 9}" width="12" height="12" fill="{colour}"/>'
        yield _text(right + 38, level + 2, name)


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="{INK}">{escape(words)}</text>'
