"""How the values of bank files become facts: amounts, texts, references, and statements that add up.

In: what every format needs, and how a fault of the models becomes a refusal that names the place.
Not in: any particular format.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from domain.bank import BankEntry, BankStatement
from domain.faults import InputRefused
from intake.readers.rows import explained, shown

Read = BankStatement | InputRefused
"""A statement, or why one statement, or one entry of it, cannot be taken."""

LONGEST_TEXT = 2000
LONGEST_NAME = 140
LONGEST_REFERENCE = 140
LONGEST_ACCOUNT = 64
MOST_WHOLE_DIGITS = 12
MOST_REFUSALS = 100
"""How many refusals of one file are told; the others are counted."""

CLOSING = "closing balance"
GET_AGAIN = "get the file from the bank again"
CURRENCY = re.compile(r"[A-Z]{3}")
NO_REFERENCE = {
    "N/A",
    "NON REF",
    "NONE",
    "NONREF",
    "NOREF",
    "NOT AVAILABLE",
    "NOT PROVIDED",
    "NOTAVAILABLE",
    "NOTPROVIDED",
    "NULL",
    "UNKNOWN",
}
"""What banks write where there is no reference."""


def decimal(text: str, field: str, *, point: str = ".", line: int | None = None) -> Decimal:
    """Reads an amount without sign: digits and at most one point, exact to the cent.

    `point` lists the characters that may part whole and fraction. Raises InputRefused for anything else:
    what could be read in two ways, more than two decimals, more digits than are kept.
    """
    found = re.fullmatch(rf"(\d*)(?:[{re.escape(point)}](\d*))?", text, re.ASCII)
    if found is None or not any(found.groups()):
        raise InputRefused(field, shown(text), f"is not an amount; {GET_AGAIN}", line=line)
    whole, fraction = found[1].lstrip("0"), (found[2] or "").rstrip("0")
    if len(whole) > MOST_WHOLE_DIGITS:
        raise InputRefused(field, shown(text), "is larger than any amount that is kept; check it", line=line)
    if len(fraction) > 2:  # noqa: PLR2004 - a cent has two decimals
        remedy = "has more than two decimals, which are not kept; record this money by hand"
        raise InputRefused(field, shown(text), remedy, line=line)
    return Decimal(f"{whole or 0}.{fraction:0<2}")


def currency(text: str | None, *, line: int | None = None) -> str:
    """Reads the code of a currency; raises InputRefused for what is none."""
    code = (text or "").strip().upper()
    if CURRENCY.fullmatch(code) is None:
        remedy = 'is not a currency; its code has three letters, such as "EUR"'
        raise InputRefused("currency", shown(text or ""), remedy, line=line)
    return code


def tidy(text: str | None, longest: int = LONGEST_TEXT) -> str:
    """Writes a text on one line with single spaces, without what cannot be shown, cut to a length."""
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())[:longest].rstrip()


def joined(texts: Iterable[str | None]) -> str:
    """Joins texts into one; what stands in it already is not repeated."""
    return tidy(" ".join(dict.fromkeys(filter(None, map(tidy, texts)))))


def reference(text: str | None) -> str | None:
    """Reads a reference; None for what banks write where there is none, or for more than one can be."""
    found = tidy(text)
    bare = found.upper().strip("/-. ")
    if not bare.strip("0") or bare in NO_REFERENCE or len(found) > LONGEST_REFERENCE:
        return None
    return found


def account(text: str | None) -> str | None:
    """Reads how an account is called: an IBAN without its spaces, another number as it is."""
    found = tidy(text, LONGEST_ACCOUNT)
    bare = found.replace(" ", "").upper()
    return bare if bare[:2].isalpha() and bare[2:4].isdigit() else found or None


def entry(facts: Mapping[str, Any], *, line: int | None = None) -> BankEntry:
    """Makes an entry; raises InputRefused for a value that it cannot hold, with its line."""
    try:
        return BankEntry(**facts)
    except ValidationError as fault:
        raise explained(fault, line=line) from fault


def statement(facts: Mapping[str, Any], *, line: int | None = None) -> BankStatement:
    """Makes a statement; raises InputRefused where its entries do not lead from balance to balance."""
    since = facts.get("booked_from") or min((each.booked_on for each in facts["entries"]), default=None)
    try:
        return BankStatement(**{**facts, "booked_from": since})
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        if first["loc"]:
            raise explained(fault, line=line) from fault
        remedy = first["msg"].removeprefix("Value error, ")
        raise InputRefused(CLOSING, f"{facts['closing']} {facts['currency']}", remedy, line=line) from fault


def last_booked(entries: Iterable[BankEntry], otherwise: date | None = None) -> date:
    """Finds the last booking day; raises InputRefused where nothing tells one."""
    last = max((each.booked_on for each in entries), default=otherwise)
    if last is None:
        raise InputRefused("date", None, f"is missing: nothing says up to which day this is; {GET_AGAIN}")
    return last


class Notes:
    """Counts what was left out or read in another way than written, and says each once."""

    def __init__(self) -> None:
        """Begins without any."""
        self._told: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Counts one more of a kind."""
        self._told[text] += 1

    def all(self) -> tuple[str, ...]:
        """Gives every kind with how often it came."""
        return tuple(f"{text} ({count} times)" if count > 1 else text for text, count in self._told.items())


def bounded(found: Iterable[Read], name: str) -> list[Read]:
    """Keeps every statement and the first refusals; the others are counted in one more."""
    kept: list[Read] = []
    refused = 0
    for each in found:
        refused += isinstance(each, InputRefused)
        if isinstance(each, BankStatement) or refused <= MOST_REFUSALS:
            kept.append(each)
    if refused > MOST_REFUSALS:
        remedy = f"has {refused - MOST_REFUSALS} more faults; correct the first ones"
        kept.append(InputRefused("file", name, remedy))
    return kept
