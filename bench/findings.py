"""What a run of the bench has found.

In: rows of the table, curves of the plot. Not in: where they come from (sections.py).
"""

from dataclasses import dataclass, field

from bench.table import Row


@dataclass
class Findings:
    """Gathers rows, and the curves of the spike: the seconds by which each equal part had left."""

    rows: list[Row] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)

    def add(self, more: "Findings") -> None:
        """Takes another section's over; the same figure of another arm goes into the same row."""
        for row in more.rows:
            same = next((one for one in self.rows if (one.figure, one.unit) == (row.figure, row.unit)), None)
            if same is None:
                self.rows.append(row)
            else:
                self.rows[self.rows.index(same)] = same.completed_by(row)
        self.curves |= more.curves
