"""Single values of an electronic invoice, read exactly or refused with their place.

In: texts, amounts, days, quantities of days, out of elements. Not in: where they stand (cii.py, ubl.py).

A field is called by its business term, such as "BT-1 number". What is stated twice with two meanings is
refused, never chosen from.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from lxml import etree

from domain.fact import CENT
from domain.faults import InputRefused
from intake.identity import EARLIEST, LATEST
from intake.readers import xml
from intake.readers.einvoice.model import Identifier
from intake.readers.rows import shown

AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{0,12})?")
ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
COMPACT_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
CALENDAR_DATE = "102"
"""The one date format that EN 16931 allows in CII: year, month, day (UNTDID 2379)."""


def single(text: str) -> str:
    """Writes a text on one line, with single spaces."""
    return " ".join(text.split())


def value(element: etree._Element, field: str) -> str:
    """Gives the text of an element; raises InputRefused where other elements interrupt it."""
    if len(element):
        remedy = f"holds the element {xml.local(element[0])} where a value belongs; correct the file"
        raise InputRefused(field, shown(element.text or ""), remedy, line=xml.line(element))
    return (element.text or "").strip()


def stated(parent: etree._Element, path: str, field: str) -> list[etree._Element]:
    """Lists the elements on a path that are not empty."""
    return [element for element in xml.children(parent, path) if value(element, field)]


def one(parent: etree._Element, path: str, field: str) -> etree._Element | None:
    """Finds the element on a path that is not empty; several are refused unless they say the same."""
    found = stated(parent, path, field)
    differing = {single(value(element, field)) for element in found}
    if len(differing) > 1:
        remedy = "is stated more than once, and differently; keep one"
        raise InputRefused(field, shown(", ".join(sorted(differing))), remedy, line=xml.line(found[1]))
    return found[0] if found else None


def text(parent: etree._Element, path: str, field: str) -> str | None:
    """Reads a text that may be missing, on one line."""
    element = one(parent, path, field)
    return None if element is None else single(value(element, field))


def needed(parent: etree._Element, path: str, field: str) -> str:
    """Reads a text that must be there."""
    found = text(parent, path, field)
    if found is None:
        raise missing(parent, path, field)
    return found


def texts(parent: etree._Element, path: str, field: str) -> tuple[str, ...]:
    """Reads all the different texts on a path, each on one line."""
    found = (single(value(element, field)) for element in stated(parent, path, field))
    return tuple(dict.fromkeys(found))


def first(parent: etree._Element, path: str, field: str) -> str | None:
    """Reads the first text on a path, where several do no harm."""
    return next(iter(texts(parent, path, field)), None)


def missing(parent: etree._Element, path: str, field: str) -> InputRefused:
    """Makes the refusal of an invoice that lacks a field."""
    remedy = f"is missing; an invoice must state it in {path.rpartition('/')[2]}"
    return InputRefused(field, None, remedy, line=xml.line(parent))


def amount(parent: etree._Element, path: str, field: str, currency: str) -> Decimal | None:
    """Reads an amount of the invoice's currency, to the cent; None where there is none.

    Amounts of another currency (BT-111 has the VAT in two) are passed over where one of this is there.
    """
    found = stated(parent, path, field)
    ours = [element for element in found if element.get("currencyID", currency) == currency]
    if found and not ours:
        other = found[0].get("currencyID", "")
        remedy = f"is in another currency than the invoice ({currency}); correct one of the two"
        raise InputRefused(field, shown(other), remedy, line=xml.line(found[0]))
    amounts = {exact(element, field) for element in ours}
    if len(amounts) > 1:
        remedy = "is stated more than once, and differently; keep one"
        values = ", ".join(str(each) for each in sorted(amounts))
        raise InputRefused(field, shown(values), remedy, line=xml.line(ours[1]))
    return amounts.pop() if amounts else None


def exact(element: etree._Element, field: str) -> Decimal:
    """Reads an amount of at most two decimals; trailing zeros are none."""
    written = value(element, field)
    if not AMOUNT.fullmatch(written):
        remedy = 'is not an amount; write it with a point and two decimals, such as "1234.56"'
        raise InputRefused(field, shown(written), remedy, line=xml.line(element))
    read = Decimal(written)
    if read != read.quantize(CENT):
        remedy = "has more than two decimals; round it to the cent"
        raise InputRefused(field, shown(written), remedy, line=xml.line(element))
    return read.quantize(CENT)


def decimal(parent: etree._Element, path: str, field: str) -> Decimal | None:
    """Reads a percentage or a quantity, with all its decimals."""
    written = text(parent, path, field)
    if written is None:
        return None
    if not AMOUNT.fullmatch(written):
        raise InputRefused(field, shown(written), "is not a number; correct it", line=xml.line(parent))
    return Decimal(written)


def iso_day(element: etree._Element, field: str) -> date:
    """Reads a day as UBL writes it; a time zone that follows says nothing more."""
    return _day(ISO_DAY, element, field, "2026-03-31")


def compact_day(element: etree._Element, field: str) -> date:
    """Reads a day as CII writes it: DateTimeString in format 102."""
    string = one(element, "DateTimeString", field)
    if string is None or string.get("format", CALENDAR_DATE) != CALENDAR_DATE:
        written = None if string is None else string.get("format")
        remedy = 'has no DateTimeString in format 102; write the day so, such as "20260331"'
        raise InputRefused(field, shown(written or ""), remedy, line=xml.line(element))
    return _day(COMPACT_DAY, string, field, "20260331")


def identifiers(parent: etree._Element, path: str) -> Iterator[Identifier]:
    """Yields the identifiers on a path with their schemes."""
    field = "party identifier"
    for element in stated(parent, path, field):
        yield Identifier(id=single(value(element, field)), scheme=element.get("schemeID"))


def only(days: set[date], field: str) -> date:
    """Gives the one day that there is; raises InputRefused where several are stated."""
    if len(days) > 1:
        remedy = "is stated more than once, and differently; keep one"
        raise InputRefused(field, ", ".join(each.isoformat() for each in sorted(days)), remedy)
    return next(iter(days))


def _day(pattern: re.Pattern[str], element: etree._Element, field: str, example: str) -> date:
    written = value(element, field)
    found = pattern.fullmatch(written)
    if found is None:
        remedy = f'is not a date; write it such as "{example}"'
        raise InputRefused(field, shown(written), remedy, line=xml.line(element))
    try:
        day = date(*(int(part) for part in found.groups()))
    except ValueError:
        remedy = "is not a day of the calendar; correct it"
        raise InputRefused(field, shown(written), remedy, line=xml.line(element)) from None
    if not EARLIEST <= day <= LATEST:
        remedy = f"lies outside {EARLIEST.year}-{LATEST.year}; check the year"
        raise InputRefused(field, written, remedy, line=xml.line(element))
    return day


def account(written: str) -> str:
    """Normalises an IBAN or another number of an account: capitals, without spaces and hyphens."""
    return re.sub(r"[\s.-]", "", written).upper()
