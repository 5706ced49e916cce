"""CloudEvents 1.0: the envelope in which programs send events, over HTTP and by brokers.

In: one event or a batch in the JSON format, and an event whose attributes travel in headers (binary mode);
    which type stands for which event.
Not in: JSON itself (strict_json.py), what an event says (json_rows.py), taking it in (receiving.py).

`data` is what `starter.py take` reads, without its `type`: the envelope's type says it, as
`relance.invoice.created`. Attributes that are not ours to read are left alone.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from domain.events import Event
from domain.faults import InputRefused
from intake.readers.json_rows import event_of
from intake.readers.rows import TYPES, shown
from intake.readers.strict_json import decode, flaw_in, plain
from ledger.received import LONGEST_NAME

PREFIX = "relance."
SPECIFICATION = "1.0"
MOST_EVENTS = 10_000
"""The most events of one batch."""

HEADER = "ce-"
JSON_TYPE = re.compile(r"\s*(?:application/json|[\w.+-]+/[\w.+-]+\+json)\s*(?:;.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Spoken:
    """Says which event a type of the envelope stands for, and what it says by itself of the event."""

    event: str
    says: tuple[tuple[tuple[str, ...], Any], ...] = ()
    needs: tuple[str, ...] = ()


ALIASES = {
    "invoice.updated": Spoken("invoice.created", needs=("version",)),
    "invoice.cancelled": Spoken("invoice.written_off", says=((("written_off",), True),)),
    "customer.registered": Spoken("debtor.registered"),
    "customer.updated": Spoken("debtor.registered"),
    "debtor.updated": Spoken("debtor.registered"),
    "creditor.updated": Spoken("creditor.registered"),
    "dispute.opened": Spoken("agreement.made", says=((("agreement", "kind"), "dispute"),)),
    "promise.made": Spoken("agreement.made", says=((("agreement", "kind"), "promise"),)),
}
"""Other names that programs have for our events."""

SPOKEN = {PREFIX + name: Spoken(name) for name in TYPES} | {
    PREFIX + name: one for name, one in ALIASES.items()
}
"""Every type that is understood."""


@dataclass(frozen=True)
class CloudEvent:
    """Holds one event that was understood; `raw` is the event as `starter.py take` reads it.

    `sha256` is the same for the same type and data, however they are written.
    """

    id: str
    source: str
    type: str
    event: Event
    raw: str
    sha256: str


@dataclass(frozen=True)
class Unread:
    """Holds what is no event: why, its text, and its id and source as far as they could be read."""

    refusal: InputRefused
    raw: str
    id: str | None = None
    source: str | None = None


Read = CloudEvent | Unread


def read_event(body: bytes) -> Read:
    """Reads one event in the JSON format."""
    try:
        return _event(decode(body))
    except InputRefused as refusal:
        return Unread(refusal, _text(body))


def read_batch(body: bytes) -> list[Read]:
    """Reads a batch; raises InputRefused where it is none as a whole, else answers for each event."""
    document = decode(body)
    if not isinstance(document, list):
        raise InputRefused("json", shown(document), "is no batch; write a list of events, [ ... ]")
    if not document:
        raise InputRefused("json", "[]", "is empty; give at least one event")
    if len(document) > MOST_EVENTS:
        remedy = f"a batch holds {MOST_EVENTS:,} events at most; send several"
        raise InputRefused("json", f"{len(document):,} events", remedy)
    return [_event(value) for value in document]


def read_headers(headers: Mapping[str, str], body: bytes) -> Read:
    """Reads an event whose attributes stand in headers, `ce-id` and so on, and whose body is its data."""
    envelope: dict[str, Any] = {
        name.lower().removeprefix(HEADER): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(HEADER)
    }
    try:
        return _event(envelope | {"data": decode(body)})
    except InputRefused as refusal:
        return Unread(refusal, _text(body), _name(envelope, "id"), _name(envelope, "source"))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _name(envelope: Mapping[str, Any], attribute: str) -> str | None:
    value = envelope.get(attribute)
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_NAME
    return value if fits and flaw_in(value) is None else None


def _event(envelope: Any) -> Read:
    try:
        return _understood(envelope)
    except InputRefused as refusal:
        if not isinstance(envelope, dict):
            return Unread(refusal, plain(envelope))
        kept = plain(_kept(envelope))
        return Unread(refusal, kept, _name(envelope, "id"), _name(envelope, "source"))


def _kept(envelope: Mapping[str, Any]) -> Any:
    """Gives what can be mended and taken again: the event without its envelope where there is one."""
    spoken, data = SPOKEN.get(str(envelope.get("type"))), envelope.get("data")
    if spoken is None or not isinstance(data, dict):
        return envelope
    return {"type": spoken.event} | {name: value for name, value in data.items() if name != "type"}


def _understood(envelope: Any) -> CloudEvent:
    if not isinstance(envelope, dict):
        raise InputRefused(
            "", shown(envelope), "is no event; write an object with specversion, id, source..."
        )
    flaw = flaw_in(envelope)
    if flaw is not None:
        raise flaw
    if envelope.get("specversion") != SPECIFICATION:
        stated = envelope.get("specversion")
        raise InputRefused("specversion", stated and shown(stated), f'write "{SPECIFICATION}"')
    name, source = _attribute(envelope, "id"), _attribute(envelope, "source")
    kind = _attribute(envelope, "type")
    spoken = SPOKEN.get(kind)
    if spoken is None:
        raise InputRefused("type", shown(kind), f"is no event; {_nearest(kind)}")
    _check_optional(envelope)
    value = _value(spoken, envelope.get("data"))
    event = event_of(value)
    if isinstance(event, InputRefused):
        raise below_data(event)
    written = json.dumps([spoken.event, value], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(written.encode()).hexdigest()
    return CloudEvent(name, source, kind, event, json.dumps(value, ensure_ascii=False), digest)


def _attribute(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name)
    if value is None:
        raise InputRefused(name, None, "is missing; give it")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not value.isprintable():
        remedy = f"must be a text of 1 to {LONGEST_NAME} printable characters"
        raise InputRefused(name, shown(value), remedy)
    return value


def _check_optional(envelope: Mapping[str, Any]) -> None:
    stated = envelope.get("datacontenttype")
    if stated is not None and not (isinstance(stated, str) and JSON_TYPE.fullmatch(stated)):
        raise InputRefused("datacontenttype", shown(stated), "send the data as application/json")
    if "data_base64" in envelope:
        raise InputRefused("data_base64", "...", "send the data as JSON, in `data`")
    time = envelope.get("time")
    if time is not None and not (isinstance(time, str) and _is_instant(time)):
        remedy = 'is not an instant; write it such as "2026-03-31T18:00:00+02:00"'
        raise InputRefused("time", shown(time), remedy)


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _value(spoken: Spoken, data: Any) -> dict[str, Any]:
    """Makes the event of its data, with what the type says by itself."""
    if not isinstance(data, dict):
        raise InputRefused("data", shown(data), "write an object with the facts of the event")
    if data.get("type", spoken.event) != spoken.event:
        remedy = f"contradicts the event's own type; write {spoken.event!r}, or leave it out"
        raise InputRefused("data.type", shown(data["type"]), remedy)
    for name in spoken.needs:
        if name not in data:
            field = f"data.{name}"
            raise InputRefused(field, None, "is missing; give it")
    value: dict[str, Any] = {"type": spoken.event} | data
    for path, said in spoken.says:
        value = _said(value, path, said)
    return value


def _said(value: dict[str, Any], path: tuple[str, ...], said: Any) -> dict[str, Any]:
    """Puts in what the type says; raises InputRefused where the data contradict it."""
    inner, place = value, []
    for name in path[:-1]:
        place.append(name)
        found = inner.get(name)
        if not isinstance(found, dict):
            remedy = "is missing; give it" if found is None else "must be an object"
            raise InputRefused(".".join(("data", *place)), found and shown(found), remedy)
        inner = found
    if inner.get(path[-1], said) != said:
        remedy = "contradicts the event's type; leave it out"
        raise InputRefused(".".join(("data", *path)), shown(inner[path[-1]]), remedy)
    return _with(value, path, said)


def _with(value: dict[str, Any], path: tuple[str, ...], said: Any) -> dict[str, Any]:
    if len(path) == 1:
        return value | {path[0]: said}
    return value | {path[0]: _with(value[path[0]], path[1:], said)}


def below_data(refusal: InputRefused) -> InputRefused:
    """Says of a refused event where in the envelope its field stands; `event` is all of it."""
    field = "data" if refusal.field == "event" else f"data.{refusal.field}"
    return InputRefused(field, refusal.value, refusal.remedy)


def _nearest(kind: str) -> str:
    near = get_close_matches(kind, list(SPOKEN), n=1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(SPOKEN)}"
