"""Any file or text that holds events, read row by row.

In: which format it is, and its rows.
Not in: what becomes of the events (door.py, loading.py).
"""

from collections.abc import Iterator
from pathlib import Path

from domain.faults import InputRefused
from intake.readers import csv_rows, json_rows
from intake.readers.rows import Reading, Row
from intake.readers.text import Source

JSON_NAMES = (".json", ".ndjson", ".jsonl")


def read_file(path: Path, *, creditor: str | None = None) -> Reading:
    """Reads a file of JSON, NDJSON or CSV; `creditor` is whose the rows of a CSV are.

    Never raises for what is in the file: a row says what is wrong with it.
    """
    reading = Reading(source=path.name, rows=iter(()))
    try:
        source = Source.of_file(path)
    except InputRefused as refusal:
        reading.rows = iter([Row(line=1, raw="", event=_at(refusal, 1))])
        return reading
    return _read(source, reading, creditor)


def read_text(text: str, *, source: str, creditor: str | None = None) -> Reading:
    """Reads events out of a text, as from a file of that name."""
    reading = Reading(source=source, rows=iter(()))
    try:
        given = Source.of_text(text, source)
    except InputRefused as refusal:
        reading.rows = iter([Row(line=1, raw="", event=_at(refusal, 1))])
        return reading
    return _read(given, reading, creditor)


def _read(source: Source, reading: Reading, creditor: str | None) -> Reading:
    reading.size = source.size
    if source.note is not None:
        reading.notes.append(source.note)
    reading.rows = _rows(source, reading, creditor)
    return reading


def _rows(source: Source, reading: Reading, creditor: str | None) -> Iterator[Row]:
    if not _looks_like_json(source):
        return csv_rows.read(source, reading, creditor)
    if json_rows.is_one_per_line(source):
        return json_rows.events_per_line(source)
    return json_rows.events(source)


def _looks_like_json(source: Source) -> bool:
    if source.name.lower().endswith(JSON_NAMES):
        return True
    with source.open() as stream:
        while head := stream.read(4096):
            if head.strip():
                return head.lstrip()[0] in "{["
    return False


def _at(refusal: InputRefused, line: int) -> InputRefused:
    return InputRefused(refusal.field, refusal.value, refusal.remedy, line=line)
