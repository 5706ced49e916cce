"""What reading a file yields: rows, each an event or the reason why it is none.

In: rows, the reading as a whole, and how a fault of the models becomes a refusal in words.
Not in: any particular format.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.agreements import Dispute, InstalmentPlan, PromiseToPay, Settlement
from domain.events import (
    AgreementEnded,
    AgreementMade,
    CreditNoteCancelled,
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    InvoiceWrittenOff,
    PaymentReceived,
    PaymentReversed,
    PaymentsKnown,
    StatusReported,
)
from domain.faults import InputRefused

SHOWN = 120
"""How many characters of an offending value are repeated."""

TYPES = {
    kind.model_fields["type"].default: kind
    for kind in (
        CreditorRegistered,
        DebtorRegistered,
        InvoiceCreated,
        InvoiceWrittenOff,
        PaymentReceived,
        PaymentReversed,
        CreditNoteIssued,
        CreditNoteCancelled,
        PaymentsKnown,
        AgreementMade,
        AgreementEnded,
        StatusReported,
    )
}
"""The model of every event by its `type`."""

AGREED = {
    kind.model_fields["kind"].default: kind for kind in (Dispute, PromiseToPay, InstalmentPlan, Settlement)
}
"""The model of every agreement by its `kind`."""

REMEDIES = {
    "missing": "is missing; give it",
    "greater_than": "must be above {gt}; a sum in the debtor's favour is a credit note",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_parsing": "is neither true nor false; write one of them",
    "decimal_max_places": "has more than two decimals; round it to the cent",
    "decimal_max_digits": "is larger than any amount that is kept; check it",
    "decimal_whole_digits": "is larger than any amount that is kept; check it",
    "decimal_parsing": 'is not an amount; write it with a point and two decimals, such as "1234.56"',
    "decimal_type": 'is not an amount; write it as a string, such as "1234.56"',
    "string_type": "must be a text",
    "string_too_short": "is empty; give it",
    "string_too_long": "is longer than {max_length} characters; shorten it",
    "timezone_aware": 'has no time zone; write an instant such as "2026-03-31T18:00:00+02:00"',
    "finite_number": "is not an amount",
}
"""What to do about the faults that the models find, by pydantic's name of the fault."""

DATE_FAULTS = ("date_", "datetime_")
PATTERNS = {
    "^[A-Z]{3}$": 'is not a currency; write its ISO 4217 code in capitals, such as "EUR"',
    "^[A-Z]{2}$": 'is not a country; write its ISO 3166 code in capitals, such as "FR"',
    "^[a-z]{2}$": 'is not a language; write its ISO 639 code, such as "fr"',
}
KEY_REMEDY = (
    "is not an identifier; use up to 64 letters, digits and . _ / # - or single spaces, "
    "beginning and ending with a letter or a digit"
)


@dataclass(frozen=True)
class Row:
    """Holds one row of a file: the line it begins on, its text, and the event or why there is none.

    `raw` can be read again by itself; it is empty where the file as a whole cannot be read.
    `end` counts the characters of the file up to the end of the row.
    """

    line: int
    raw: str
    event: Event | InputRefused
    end: int = 0


@dataclass
class Reading:
    """Holds the rows of a file as they are read, and what is worth saying about the file.

    `notes` is complete once the rows have been read. `size` is in bytes.
    """

    source: str
    rows: Iterator[Row]
    size: int = 0
    notes: list[str] = field(default_factory=list)


def refused_whole(field_name: str, value: object, remedy: str, line: int = 1) -> Iterator[Row]:
    """Yields the one row that says why a file cannot be read at all."""
    yield Row(line=line, raw="", event=InputRefused(field_name, shown(value), remedy, line=line))


def shown(value: object) -> str:
    """Shortens a value for a message; characters that cannot be stored or shown are replaced."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def explained(
    error: ValidationError, *, line: int | None = None, model: type[Any] | None = None
) -> InputRefused:
    """Says in words the first thing that a model found wrong."""
    return _explained(error.errors(include_url=False)[0], line, model)


def explained_each(error: ValidationError, model: type[Any]) -> list[InputRefused]:
    """Says in words everything that a model found wrong."""
    return [_explained(one, None, model) for one in error.errors(include_url=False)]


def _explained(first: ErrorDetails, line: int | None, model: type[Any] | None) -> InputRefused:
    path = [str(part) for part in first["loc"]]
    if path and path[0] in TYPES:
        model = TYPES[path.pop(0)]
    for place in [turn for turn, name in enumerate(path[:2]) if name in AGREED]:
        # An agreement is told apart by its kind, which is no field that holds the others.
        model = AGREED[path.pop(place)]
    context = first.get("ctx", {})
    if path and first["type"].startswith("union_tag_"):
        remedy = f"is no kind of agreement; use one of {', '.join(AGREED)}"
        return InputRefused(".".join((*path, "kind")), context.get("tag"), remedy, line=line)
    if first["type"] == "union_tag_invalid":
        return InputRefused(
            "type", shown(context.get("tag")), f"is no event; {_nearest(context.get('tag'))}", line=line
        )
    if first["type"] == "union_tag_not_found":
        return InputRefused("type", None, f"is missing; give one of {', '.join(TYPES)}", line=line)
    value = None if first["type"] == "missing" else shown(first["input"])
    if not path:
        return InputRefused("event", _brief(first), _remedy(first, path, model), line=line)
    if path == ["agreement"] and first["type"] != "missing":
        value = _brief(first)
    return InputRefused(".".join(path), value, _remedy(first, path, model), line=line)


def _brief(error: ErrorDetails) -> str:
    """Names an event as a whole by its identity rather than by all its fields."""
    found = error["input"]
    if not isinstance(found, dict):
        return shown(found)
    return shown(next((found[key] for key in ("number", "reference", "id", "type") if key in found), "{...}"))


def _remedy(error: ErrorDetails, path: list[str], model: type[Any] | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(model.model_fields) if model is not None and path[:-1] in ([], ["agreement"]) else []
        near = get_close_matches(path[-1], known, n=1)
        return (
            f"there is no such field; did you mean {near[0]}?"
            if near
            else "there is no such field; remove it"
        )
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context.get("pattern", ""), KEY_REMEDY)
    if kind.startswith(DATE_FAULTS):
        return 'is not a date; write it as year-month-day, such as "2026-03-31"'
    if kind in REMEDIES:
        return REMEDIES[kind].format(**context)
    return error["msg"].removeprefix("Value error, ")


def _nearest(tag: object) -> str:
    near = get_close_matches(str(tag), list(TYPES), n=1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(TYPES)}"
