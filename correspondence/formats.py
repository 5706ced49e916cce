"""How figures, dates and names read in the language of a message.

In: money, dates, IBAN and SIREN grouping, enumerations, names made safe for one line.
Not in: any sentence (config/wording/), and which figure is printed (statement.py).
"""

import unicodedata
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency

_REGIONS = {"fr": "fr_FR", "en": "en_GB"}
_SHORT = {"fr": "dd/MM/yyyy", "en": "d MMMM yyyy"}
_FIRST = 1
_REMEMBERED = 1024
"""A message writes the same few amounts and dates again and again, and so do those of the same day."""


@lru_cache(maxsize=_REMEMBERED)
def locale_of(language: str) -> Locale:
    """Chooses the locale of a language; raises babel.UnknownLocaleError for one that Babel does not know."""
    return Locale.parse(_REGIONS.get(language, language))


def money(amount: Decimal, currency: str, language: str) -> str:
    """Writes an amount in units of its currency as the language writes money."""
    return _money(str(amount), currency, language)


@lru_cache(maxsize=_REMEMBERED)
def short_date(day: date, language: str) -> str:
    """Writes a date as tables and sentences carry it: 01/10/2026, or 1 October 2026."""
    return format_date(day, _SHORT.get(language, "medium"), locale=locale_of(language))


def long_date(day: date, language: str) -> str:
    """Writes a date as the head of a letter carries it; the first of a month is `1er` in French."""
    written = format_date(day, "long", locale=locale_of(language))
    if language == "fr" and day.day == _FIRST and not written.startswith("1er"):
        return "1er" + written.removeprefix("1")
    return written


def enumeration(items: tuple[str, ...], language: str) -> str:
    """Joins items as a sentence does: A, B et C."""
    return format_list(items, locale=locale_of(language))


def country_name(code: str, language: str) -> str:
    """Names a country in a language, or gives its code where it has no name."""
    return str(locale_of(language).territories.get(code, code))


def grouped(code: str, size: int) -> str:
    """Writes a code in groups: an IBAN by four, a SIREN by three."""
    bare = "".join(code.split())
    return " ".join(bare[start : start + size] for start in range(0, len(bare), size))


def one_line(text: str) -> str:
    """Reduces a text from outside to one line without control or direction-changing characters.

    Names come from files that anybody may have written: a line break in one could forge a header or a
    paragraph, and a direction mark could make an amount read backwards.
    """
    if text.isprintable():
        return " ".join(text.split())
    kept = (" " if _breaks(char) else char for char in text if unicodedata.category(char) != "Cf")
    return " ".join("".join(kept).split())


@lru_cache(maxsize=_REMEMBERED)
def _money(amount: str, currency: str, language: str) -> str:
    """Writes an amount given by its digits: as numbers, 0 and -0 would be remembered as one."""
    return format_currency(Decimal(amount), currency, locale=locale_of(language))


def _breaks(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
