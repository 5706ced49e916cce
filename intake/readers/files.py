"""Any file: what it is, by its content, and its rows where it holds events row by row.

In: telling the kinds of files apart; reading those of events.
Not in: other formats (einvoice/, bank/, cdar.py), and what becomes of it all (loading.py, documents.py).
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from domain.faults import InputRefused
from intake.readers import bank, cdar, csv_rows, json_rows, xml
from intake.readers.bank.reading import HEAD
from intake.readers.einvoice import reading as einvoice
from intake.readers.rows import Reading, Row
from intake.readers.text import Source

JSON_NAMES = (".json", ".ndjson", ".jsonl")


class Kind(StrEnum):
    """Names the kinds of files that are told apart; XML is what is none of the kinds that are read."""

    EVENTS = "events"
    INVOICE = "invoice"
    STATEMENT = "statement"
    STATUSES = "statuses"
    XML = "xml"


def recognise(path: Path) -> Kind:
    """Tells what a file is by its first bytes; one that cannot be read is taken for one of events."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except (OSError, ValueError):
        return Kind.EVENTS
    if path.name.lower().endswith(JSON_NAMES) or head.lstrip()[:1] in {b"{", b"["}:
        return Kind.EVENTS
    if cdar.recognise(head):
        return Kind.STATUSES
    if einvoice.recognise(head) is not None:
        return Kind.INVOICE
    if bank.recognise(head, path.name) is not None:
        return Kind.STATEMENT
    return Kind.XML if xml.looks_like_xml(head) else Kind.EVENTS


def name_of(path: Path) -> str:
    """Gives the name of a file as it can be stored and shown, whatever bytes it is made of."""
    name = path.name.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


def read_file(path: Path, *, creditor: str | None = None) -> Reading:
    """Reads a file of JSON, NDJSON or CSV; `creditor` is whose the rows of a CSV are.

    Never raises for what is in the file: a row says what is wrong with it.
    """
    reading = Reading(source=name_of(path), rows=iter(()))
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
