"""Events written as JSON: one event, a list, an object that holds a list, or one event per line.

In: the text of each event with its line, and events out of what it says.
Not in: bytes and encodings (text.py).
"""

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from pydantic import ValidationError

from domain.events import EVENT, Event
from domain.faults import InputRefused
from intake.readers.rows import Row, explained, shown
from intake.readers.text import LONGEST_LINE, Source

LONGEST_INTEGER = 100
ENVELOPE = re.compile(r'\s*\{\s*"events"\s*:\s*\[')
BLANK = re.compile(r"\s*")
DATES = ("issue_date", "due_date", "received_on", "delivered_on", "effective_on")
AGREED_DATES = ("made_on", "until", "pay_by", "ended_on")
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
TOO_DEEP = "is nested too deeply; write each event as one plain object"
TOO_LONG = f"is longer than {LONGEST_LINE:,} characters; write one event per line"


class _Decoder:
    """Decodes JSON and notices fields that are given twice, of which Python would keep the last."""

    def __init__(self) -> None:
        self._repeated: list[str] = []
        self._json = json.JSONDecoder(object_pairs_hook=self._object, parse_int=self._integer)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                self._repeated.append(name)
            found[name] = value
        return found

    @staticmethod
    def _integer(digits: str) -> int | float:
        return int(digits) if len(digits) <= LONGEST_INTEGER else float("inf")

    def decode(self, text: str, begin: int) -> tuple[Any, int, str | None]:
        """Decodes one value; returns it with its end, and the name of a field that came twice."""
        self._repeated.clear()
        value, end = self._json.raw_decode(text, begin)
        return value, end, self._repeated[0] if self._repeated else None


def is_one_per_line(source: Source) -> bool:
    """Tells whether a text that begins like JSON has one event on each line."""
    if source.name.lower().endswith((".ndjson", ".jsonl")):
        return True
    seen: list[str] = []
    for line in source.lines():
        if line.text is None:
            return bool(seen)
        if line.text.strip():
            seen.append(line.text.strip())
        if len(seen) > 1:
            return all(text.startswith("{") and text.endswith("}") for text in seen)
    return False


def events_per_line(source: Source) -> Iterator[Row]:
    """Yields the event of each line; a line that is no event does not stop the others."""
    decoder = _Decoder()
    for line in source.lines():
        if line.text is None:
            refusal = InputRefused("line", f"line {line.number}", TOO_LONG, line=line.number)
            yield Row(line=line.number, raw="", event=refusal, end=line.end)
        elif line.text.strip():
            yield Row(
                line=line.number, raw=line.text, event=_of_line(decoder, line.text, line.number), end=line.end
            )


def _of_line(decoder: _Decoder, text: str, line: int) -> Event | InputRefused:
    try:
        value, end, repeated = decoder.decode(text, _skip(text, 0))
    except JSONDecodeError as fault:
        return _malformed(fault, line)
    except RecursionError:
        return InputRefused("json", shown(text), TOO_DEEP, line=line)
    if text[end:].strip():
        return InputRefused(
            "json",
            shown(text[end:].strip()),
            f"column {end + 1}: comes after the end of the event",
            line=line,
        )
    return event_of(value, line, repeated)


def events(source: Source) -> Iterator[Row]:
    """Yields the events of one JSON document; what follows a place that is no JSON cannot be read."""
    text = source.whole()
    decoder = _Decoder()
    found = ENVELOPE.match(text)
    begin = _skip(text, 0)
    try:
        if found is not None:
            yield from _elements(decoder, text, found.end(), closing="}")
        elif text.startswith("[", begin):
            yield from _elements(decoder, text, begin + 1, closing="")
        else:
            value, end, repeated = decoder.decode(text, begin)
            yield _row(text, begin, end, 1 + text.count("\n", 0, begin), (value, repeated))
            _finish(text, end, "")
    except JSONDecodeError as fault:
        yield Row(line=fault.lineno, raw="", event=_malformed(fault, fault.lineno), end=len(text))
    except RecursionError:
        yield Row(
            line=1, raw="", event=InputRefused("json", shown(text[:200]), TOO_DEEP, line=1), end=len(text)
        )


def _elements(decoder: _Decoder, text: str, begin: int, closing: str) -> Iterator[Row]:
    begin = _skip(text, begin)
    line = 1 + text.count("\n", 0, begin)
    if text.startswith("]", begin):
        _finish(text, begin + 1, closing)
        refusal = InputRefused("events", "[]", "is empty; give at least one event", line=line)
        yield Row(line=line, raw="", event=refusal, end=len(text))
        return
    while True:
        value, end, repeated = decoder.decode(text, begin)
        yield _row(text, begin, end, line, (value, repeated))
        after = _skip(text, end)
        if text.startswith("]", after):
            _finish(text, after + 1, closing)
            return
        if not text.startswith(",", after):
            msg = "Expecting ',' delimiter"
            raise JSONDecodeError(msg, text, after)
        following = _skip(text, after + 1)
        line += text.count("\n", begin, following)
        begin = following


def _finish(text: str, begin: int, closing: str) -> None:
    after = _skip(text, begin)
    if closing and text.startswith(closing, after):
        after = _skip(text, after + 1)
    elif closing:
        msg = f"Expecting {closing!r}: nothing but the events belongs here"
        raise JSONDecodeError(msg, text, after)
    if after < len(text):
        msg = "Extra data"
        raise JSONDecodeError(msg, text, after)


def _row(text: str, begin: int, end: int, line: int, decoded: tuple[Any, str | None]) -> Row:
    if end - begin > LONGEST_LINE:
        refusal = InputRefused("event", shown(text[begin : begin + 200]), TOO_LONG, line=line)
        return Row(line=line, raw="", event=refusal, end=end)
    return Row(line=line, raw=text[begin:end], event=event_of(decoded[0], line, decoded[1]), end=end)


def _skip(text: str, begin: int) -> int:
    found = BLANK.match(text, begin)
    return found.end() if found else begin


def _malformed(fault: JSONDecodeError, line: int) -> InputRefused:
    near = fault.doc[fault.pos : fault.pos + 20].split("\n")[0] or "the end"
    return InputRefused(
        "json",
        shown(near),
        f"column {fault.colno}: the JSON breaks off here ({fault.msg}); correct it",
        line=line,
    )


def event_of(value: Any, line: int | None = None, repeated: str | None = None) -> Event | InputRefused:
    """Makes an event of what JSON says, or tells why it is none."""
    if not isinstance(value, dict):
        return InputRefused("event", shown(value), "is no event; write an object with its type", line=line)
    if repeated is not None:
        return InputRefused(repeated, shown(value.get(repeated)), "is given twice; keep one", line=line)
    for name, written in _dates(value):
        if written is not None and not (isinstance(written, str) and ISO_DAY.fullmatch(written.strip())):
            return InputRefused(
                name,
                shown(written),
                'is not a date; write it as year-month-day, such as "2026-03-31"',
                line=line,
            )
    as_of = value.get("as_of")
    if as_of is not None and not (isinstance(as_of, str) and INSTANT.fullmatch(as_of.strip())):
        return InputRefused(
            "as_of",
            shown(as_of),
            'is not an instant; write it such as "2026-03-31T18:00:00+02:00"',
            line=line,
        )
    try:
        return EVENT.validate_python(value)
    except ValidationError as fault:
        return explained(fault, line=line)


def _dates(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields every date of an event: numbers would be read as seconds since 1970."""
    for name in DATES:
        yield name, value.get(name)
    maturities = value.get("maturities")
    for index, part in enumerate(maturities if isinstance(maturities, list) else ()):
        if isinstance(part, dict):
            yield f"maturities.{index}.due_date", part.get("due_date")
    agreement = value.get("agreement")
    if not isinstance(agreement, dict):
        return
    for name in AGREED_DATES:
        yield f"agreement.{name}", agreement.get(name)
    instalments = agreement.get("instalments")
    for index, part in enumerate(instalments if isinstance(instalments, list) else ()):
        if isinstance(part, dict):
            yield f"agreement.instalments.{index}.pay_by", part.get("pay_by")
