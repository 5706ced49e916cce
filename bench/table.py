"""The table of the bench: figures side by side, each with its ratio to the floor.

In: a row, its numbers as text, the table as lines. Not in: how the figures are found.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

MORE, LESS = "more", "less"
"""What is better of a figure."""

THOUSAND = 1000
"""From here on figures are written whole."""

HEADINGS = ("", "Relance", "floor", "floor, no send", "scan", "ratio")


@dataclass(frozen=True)
class Row:
    """States one figure for each arm; None where an arm has none. The ratio is Relance's to the floor's."""

    section: str
    figure: str
    unit: str
    relance: float | None = None
    floor: float | None = None
    stub: float | None = None
    scan: float | None = None
    better: str = field(default=MORE, kw_only=True)

    @property
    def ratio(self) -> float | None:
        """Divides Relance's figure by the floor's."""
        return self.relance / self.floor if self.relance is not None and self.floor else None

    def completed_by(self, other: "Row") -> "Row":
        """Adds the figures of arms that this row has not."""
        arms = ("relance", "floor", "stub", "scan")
        missing = {arm: getattr(other, arm) for arm in arms if getattr(self, arm) is None}
        return replace(self, **missing)

    def as_json(self) -> dict[str, Any]:
        """Gives the row for the file of results."""
        return asdict(self) | {"ratio": self.ratio}

    def cells(self) -> tuple[str, ...]:
        """Writes the row's cells."""
        figures = (self.relance, self.floor, self.stub, self.scan)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (f"{self.figure} ({self.unit})", *(_written(figure) for figure in figures), ratio)


def lines(rows: list[Row]) -> list[str]:
    """Writes the table in Markdown, its columns aligned."""
    cells = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    written = [_line(line, widths) for line in cells]
    rule = "|".join(
        ["", *("-" * (width + 1) + (":" if place else "-") for place, width in enumerate(widths)), ""]
    )
    return [written[0], rule, *written[1:]]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join([first, *rest])} |"


def _written(figure: float | None) -> str:
    if figure is None:
        return ""
    if abs(figure) >= THOUSAND:
        return f"{figure:,.0f}"
    return f"{figure:.4g}"
