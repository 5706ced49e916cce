"""Rows of CSV files: invoices, debtors, payments and credit notes as spreadsheets save them.

In: the delimiter, records with their lines, and events out of their cells.
Not in: the names of columns (columns.py) and encodings (text.py).
"""

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from domain.events import EVENT, Event
from domain.faults import InputRefused
from intake.readers.columns import Layout, layout, recognised
from intake.readers.kinds import CREDIT_NOTES, DEBTORS, INVOICES, PAYMENTS
from intake.readers.rows import Reading, Row, explained, refused_whole, shown
from intake.readers.text import LONGEST_LINE, Line, Source

DELIMITERS = (";", ",", "\t")
STRANGERS = {"|": "|", ":": ":", "~": "~", "^": "^"}
RECORD_LINES = 40
"""How many lines a quoted cell may go over; beyond, a quote was left open."""

LINE_TOO_LONG = f"is longer than {LONGEST_LINE:,} characters; check the quotes"
QUOTE_OPEN = 'has a quote that is never closed; double the quotes inside a cell ("")'


class Record(NamedTuple):
    """Holds the text of one record, or why it cannot be cut into cells."""

    line: int
    text: str
    end: int
    problem: str | None = None


def records(source: Source) -> Iterator[Record]:
    """Joins the lines of quoted cells; a quote left open costs its own line only."""
    ahead: deque[Line] = deque()
    lines = source.lines()

    def upcoming() -> Line | None:
        return ahead.popleft() if ahead else next(lines, None)

    while (line := upcoming()) is not None:
        if line.text is None:
            yield Record(line.number, "", line.end, LINE_TOO_LONG)
            continue
        if not line.text.strip(" ;,\t"):
            continue
        parts = [line]
        while sum(part.text.count('"') for part in parts if part.text) % 2:
            more = upcoming() if len(parts) < RECORD_LINES else None
            if more is None or more.text is None:
                ahead.extendleft(reversed([*parts[1:], *([more] if more else [])]))
                parts = [line]
                break
            parts.append(more)
        text = "\n".join(part.text or "" for part in parts)
        odd = text.count('"') % 2
        yield Record(line.number, text, parts[-1].end, QUOTE_OPEN if odd else None)


def read(source: Source, reading: Reading, creditor: str | None) -> Iterator[Row]:
    """Yields the rows of a CSV file; `creditor` is whose they are where no column says it."""
    stream = records(source)
    head = next(stream, None)
    if head is None:
        yield from refused_whole("file", source.name, "is empty; give a header and at least one row")
        return
    try:
        delimiter, header = _header(head)
        found = layout(header)
    except InputRefused as refusal:
        yield Row(line=head.line, raw="", event=refusal, end=head.end)
        return
    if found.ignored:
        reading.notes.append(f"columns not used: {', '.join(shown(name) for name in found.ignored)}")
    empty = True
    for record in stream:
        empty = False
        event = _event(record, delimiter, header, found, creditor)
        raw = "" if record.problem == LINE_TOO_LONG else f"{head.text}\n{record.text}"
        yield Row(line=record.line, raw=raw, event=event, end=record.end)
    if empty:
        yield from refused_whole("file", source.name, "has a header but no row; give at least one")


def _header(head: Record) -> tuple[str, list[str]]:
    if head.problem is not None:
        raise InputRefused(field="header", value=shown(head.text), remedy=head.problem, line=head.line)
    cut = {delimiter: _cells(head.text, delimiter) or [] for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: recognised(cut[delimiter]))
    if recognised(cut[best]) > 1:
        return best, cut[best]
    for stranger in STRANGERS:
        if recognised(_cells(head.text, stranger) or []) > 1:
            raise InputRefused(
                field="delimiter",
                value=stranger,
                remedy="separates the columns; use a semicolon, a comma or a tab",
                line=head.line,
            )
    if len(cut[best]) == 1:
        best = max(DELIMITERS, key=lambda delimiter: len(cut[delimiter]))
    return best, cut[best]


def _cells(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _event(
    record: Record, delimiter: str, header: Sequence[str], found: Layout, creditor: str | None
) -> Event | InputRefused:
    if record.problem is not None:
        return InputRefused("line", shown(record.text), record.problem, line=record.line)
    cells = _cells(record.text, delimiter)
    if cells is None:
        remedy = 'has quotes in wrong places; double the quotes inside a cell ("")'
        return InputRefused("line", shown(record.text), remedy, line=record.line)
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        return InputRefused(
            "line",
            shown(record.text),
            f"has {len(cells)} cells under {len(header)} columns; quote cells holding {_named(delimiter)}",
            line=record.line,
        )
    try:
        fields = _fields(cells, header, found, record.line)
        fields.setdefault("creditor", creditor)
        return EVENT.validate_python(_shaped(found, fields, record.line))
    except ValidationError as fault:
        return _under_column(explained(fault, line=record.line), header, found)
    except InputRefused as refusal:
        return refusal


def _named(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else repr(delimiter)


def _fields(cells: Sequence[str], header: Sequence[str], found: Layout, line: int) -> dict[str, Any]:
    """Reads the cells that are not empty."""
    fields: dict[str, Any] = {}
    for field, place in found.places.items():
        text = cells[place].strip() if place < len(cells) else ""
        if not text:
            continue
        try:
            fields[field] = found.kind.columns[field].read(text)
        except ValueError as fault:
            raise InputRefused(header[place].strip(), shown(text), str(fault), line=line) from fault
    return fields


def _shaped(found: Layout, fields: dict[str, Any], line: int) -> dict[str, Any]:
    """Gives the fields the shape of their event."""
    if fields["creditor"] is None:
        remedy = "is missing; add a column creditor, or name the creditor when loading"
        raise InputRefused(field="creditor", value=None, remedy=remedy, line=line)
    if found.kind is INVOICES:
        return {"type": found.kind.event, **_invoice(fields, line)}
    if found.kind is DEBTORS:
        return {"type": found.kind.event, "debtor": _debtor(fields)}
    if found.kind is PAYMENTS and str(fields.get("amount", "")).startswith("-"):
        remedy = "is negative; a payment that came back is a payment.reversed event, not a row of payments"
        raise InputRefused(field="amount", value=fields["amount"], remedy=remedy, line=line)
    if found.kind is CREDIT_NOTES and "total" in fields:
        # Programs write credit notes with either sign, and mean the same.
        fields["total"] = str(fields["total"]).removeprefix("-")
    return {"type": found.kind.event, **fields}


def _invoice(fields: Mapping[str, Any], line: int) -> dict[str, Any]:
    """Makes an early-payment discount of its two cells; one without the other is refused."""
    invoice = dict(fields)
    percent, until = (invoice.pop(field, None) for field in ("discount_percent", "discount_until"))
    if (percent is None) != (until is None):
        field = "discount percent" if percent is None else "discount until"
        raise InputRefused(field, None, "is missing; a discount has a percentage and a last day", line=line)
    return invoice | ({"discounts": [{"percent": percent, "until": until}]} if percent else {})


def _debtor(fields: Mapping[str, Any]) -> dict[str, Any]:
    debtor = dict(fields)
    if "siret" in debtor and "siren" not in debtor:
        debtor["siren"] = "".join(debtor["siret"].split())[:9]
    emails = [
        email.strip() for email in debtor.pop("email", "").replace(",", ";").split(";") if email.strip()
    ]
    contact = {"name": debtor.pop("contact", None), "phone": debtor.pop("phone", None)}
    contacts: list[dict[str, Any]] = [{"email": email} for email in emails] or (
        [{}] if any(contact.values()) else []
    )
    if contacts:
        contacts[0] |= contact
    address = {"lines": [line for line in (debtor.pop("street", None), debtor.pop("street2", None)) if line]}
    address |= {field: debtor.pop(field) for field in ("postcode", "city") if field in debtor}
    if any(address.values()):
        debtor["address"] = address | {"country": debtor.get("country", "FR")}
    debtor["tags"] = [
        tag.strip() for tag in debtor.pop("tags", "").replace(",", ";").split(";") if tag.strip()
    ]
    return debtor | {"contacts": contacts}


INSIDE = {
    "debtor.address.lines": "street",
    "debtor.address.postcode": "postcode",
    "debtor.address.city": "city",
    "discounts.0.percent": "discount_percent",
    "discounts.0.until": "discount_until",
}


def _under_column(refusal: InputRefused, header: Sequence[str], found: Layout) -> InputRefused:
    """Names the column as the file does."""
    field = INSIDE.get(refusal.field, refusal.field.removeprefix("debtor."))
    if field not in found.places and field in found.kind.columns:
        name = found.kind.columns[field].names[0]
    elif field in found.places:
        name = header[found.places[field]].strip()
    else:
        name = refusal.field
    return InputRefused(name, refusal.value, refusal.remedy, line=refusal.line)
