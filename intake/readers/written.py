"""Dates, amounts and names of places as people and their programs write them.

In: French and English ways of writing; what could be read in two ways is refused, never guessed.
Not in: which column holds what (columns.py).

Every function raises ValueError with the remedy in words.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale

from domain.caps import TermRule

ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: 00:00(?::00)?)?")
SHORT_YEAR = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
MONTHS = 12
THOUSAND = 3

CURRENCY_SIGNS = {"€": "EUR", "£": "GBP"}
AMOUNT = re.compile(
    r"(?P<whole>\d+|\d{1,3}(?:(?P<group>[ '.,])\d{3})(?:(?P=group)\d{3})*)(?:(?P<point>[.,])(?P<cents>\d+))?"
)


def folded(text: str) -> str:
    """Reduces a text to its letters and digits: no case, no accents, single spaces."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in bare).split())


def day(text: str) -> str:
    """Reads a date, the day before the month, and writes it as ISO does."""
    text = text.strip()
    if found := ISO.fullmatch(text) or COMPACT.fullmatch(text):
        year, month, number = found.groups()[:3]
    elif found := DAY_FIRST.fullmatch(text):
        number, month, year = found.groups()[:3]
        if int(month) > MONTHS >= int(number):
            msg = "has the month first; write the day first (31/03/2026) or 2026-03-31"
            raise ValueError(msg)
    elif SHORT_YEAR.fullmatch(text):
        msg = "has a year of two digits; write all four, such as 31/03/2026"
        raise ValueError(msg)
    else:
        msg = "is not a date; write 31/03/2026 or 2026-03-31"
        raise ValueError(msg)
    try:
        return date(int(year), int(month), int(number)).isoformat()
    except ValueError:
        msg = "is not a day of the calendar; correct it"
        raise ValueError(msg) from None


def amount(text: str) -> str:
    """Reads an amount with a decimal comma or point, and writes it with a point.

    One separator with three digits after it ("1,234") may mean a thousand or a fraction: it is refused.
    """
    bare = "".join(
        " " if letter.isspace() or letter == "\N{NARROW NO-BREAK SPACE}" else letter for letter in text
    )
    bare = bare.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("\N{MINUS SIGN}", "-").strip()
    bare = re.sub(r"^(?:EUR|€|£|\$)\s*|\s*(?:EUR|€|£|\$)$", "", bare, flags=re.IGNORECASE).strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1]
    sign, bare = ("-", bare[1:].strip()) if bare.startswith("-") else ("", bare.removeprefix("+"))
    found = AMOUNT.fullmatch(bare)
    if found is None or not bare.isascii():
        msg = "is not an amount; write 1234.56 or 1 234,56"
        raise ValueError(msg)
    group, point = found["group"], found["point"]
    if point is not None and point == group:
        msg = "is not an amount; write 1234.56 or 1 234,56"
        raise ValueError(msg)
    lone = [letter for letter in bare if letter in ".,"]
    if len(lone) == 1 and len(re.split(r"[.,]", bare)[1]) == THOUSAND and group in {None, ".", ","}:
        msg = "can be read in two ways; write it with two decimals, such as 1234.00"
        raise ValueError(msg)
    whole = re.sub(r"[ '.,]", "", found["whole"])
    return sign + whole + (f".{found['cents']}" if found["cents"] else "")


YES = frozenset({"yes", "y", "true", "1", "x", "oui", "o", "vrai"})
NO = frozenset({"no", "n", "false", "0", "non", "faux"})

TERM_RULES = {
    **{folded(rule): rule for rule in TermRule},
    **dict.fromkeys(("60 days", "60 jours", "60 days net", "60 jours nets"), TermRule.NET_60),
    **dict.fromkeys(("end of month 45 days", "fin de mois 45 jours"), TermRule.EOM_FIRST),
    **dict.fromkeys(("45 days then end of month", "45 jours puis fin de mois"), TermRule.EOM_LAST),
}
"""Rules that bound payment terms, by how people write them."""

EITHER_WAY = frozenset({"45 days end of month", "45 days eom", "45 jours fin de mois", "45 jours fdm"})


def country(text: str) -> str:
    """Reads a country's code, or its French or English name."""
    text = text.strip()
    if len(text) == 2:  # noqa: PLR2004 - a code has two letters
        return text.upper()
    try:
        return _countries()[folded(text)]
    except KeyError:
        msg = "is not a country; write its code, such as FR"
        raise ValueError(msg) from None


def language(text: str) -> str:
    """Reads a language's code, or its French or English name."""
    text = text.strip()
    if len(text) == 2:  # noqa: PLR2004 - a code has two letters
        return text.lower()
    try:
        return _languages()[folded(text)]
    except KeyError:
        msg = "is not a language; write its code, such as fr"
        raise ValueError(msg) from None


def currency(text: str) -> str:
    """Reads a currency's code, or the sign of one that has no rival."""
    return CURRENCY_SIGNS.get(text.strip(), text.strip().upper())


def days(text: str) -> str:
    """Reads a number of days: 30, 30 j, 30 jours, 30 days; other terms are refused."""
    found = re.fullmatch(r"\s*(\d{1,3})\s*(?:j|jours?|d|days?)?(?:\s+nets?)?\s*", text, flags=re.IGNORECASE)
    if found is None:
        msg = "is not a number of days; write 30, or give each invoice its due date"
        raise ValueError(msg)
    return found[1]


def percent(text: str) -> str:
    """Reads a percentage: 2, 2,5 or 2.5 %."""
    found = re.fullmatch(r"(\d{1,2})(?:[.,](\d{1,3}))?\s*%?", text.strip(), flags=re.ASCII)
    if found is None:
        msg = "is not a percentage; write 2 or 2.5"
        raise ValueError(msg)
    read = f"{found[1]}.{found[2] or '0'}"
    if not Decimal(read):
        msg = "is no discount; leave the cell empty, and that of its last day"
        raise ValueError(msg)
    return read


def yes_or_no(text: str) -> str:
    """Reads yes or no, in French or English."""
    word = folded(text)
    if word in YES:
        return "true"
    if word in NO:
        return "false"
    msg = "is neither yes nor no; write one of them"
    raise ValueError(msg)


def terms_rule(text: str) -> str:
    """Reads the rule that bounds payment terms, by its code or as it is commonly written.

    "45 days end of month" has two lawful readings: it is refused unless the order says which one is meant.
    """
    word = folded(text)
    if word in EITHER_WAY:
        msg = "can be read in two ways; write 45_eom_first (end of month, then 45 days) or 45_eom_last"
        raise ValueError(msg)
    if word not in TERM_RULES:
        msg = f"is no rule for payment terms; write one of {', '.join(TermRule)}"
        raise ValueError(msg)
    return TERM_RULES[word]


def is_negative(text: str) -> bool:
    """Tells whether an amount that was read lies below zero."""
    return Decimal(text) < 0


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    return _names("territories", length=2)


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    return _names("languages", length=2)


def _names(kind: str, *, length: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for spoken in ("fr", "en"):
        for code, name in getattr(Locale(spoken), kind).items():
            if len(code) == length and code.isalpha():
                found[folded(name)] = code
    return found
