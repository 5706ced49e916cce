"""The sample company: a creditor, its customers and their invoices, dated from the day of the run.

In: reading the file of the sample, whose days are written as `day+30`, and writing it out for a day.
Not in: what happens afterwards (story.py).
"""

import json
import re
from datetime import date, timedelta
from pathlib import Path

from domain.events import EVENT, Event

FILE = Path(__file__).with_name("company.ndjson")
CREDITOR = "vauban"
DAY = re.compile(r'"day([+-]\d+)"')


def company(today: date) -> tuple[Event, ...]:
    """Gives the events of the sample as they stand on a day."""
    return tuple(EVENT.validate_python(json.loads(line)) for line in _dated(today).splitlines())


def write(path: Path, today: date) -> None:
    """Writes the sample as a file that can be imported, one event on each line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_dated(today), encoding="utf-8")


def _dated(today: date) -> str:
    def iso(found: re.Match[str]) -> str:
        return f'"{today + timedelta(days=int(found[1]))}"'

    return DAY.sub(iso, FILE.read_text(encoding="utf-8"))
