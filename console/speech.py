"""The words of the console in the languages it speaks, and dates and amounts as each writes them.

In: translations from words/<language>/*.po, filters for templates.
Not in: what letters and e-mails say (config/wording), explanations of actions (domain/explanation.py).

Translations are read when the program starts; nothing is compiled beforehand. Each room of pages has a
file of its own.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
WORDS = Path(__file__).resolve().parent / "words"


class Speech(NullTranslations):
    """Translates the English of the templates; what has no translation stays English."""

    def __init__(self, language: str) -> None:
        """Reads every file of the language."""
        super().__init__()
        self.language = language
        self._said: dict[str, str | tuple[str, ...]] = {}
        for file in sorted((WORDS / language).glob("*.po")):
            with file.open("rb") as source:
                for message in read_po(source, locale=language):
                    if message.id and message.string:
                        key = message.id if isinstance(message.id, str) else message.id[0]
                        said = message.string
                        self._said[key] = said if isinstance(said, str) else tuple(said)

    @property
    def known(self) -> frozenset[str]:
        """Lists what has a translation."""
        return frozenset(self._said)

    def all_of(self, message: str) -> tuple[str, ...]:
        """Gives every form of a translation."""
        said = self._said[message]
        return (said,) if isinstance(said, str) else said

    def gettext(self, message: str) -> str:
        """Says a sentence."""
        said = self._said.get(message, message)
        return said if isinstance(said, str) else said[0]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Says a sentence about one or several: French counts zero with one."""
        said = self._said.get(msgid1)
        one = n <= 1 if self.language == "fr" else n == 1
        if isinstance(said, tuple):
            return said[0] if one else said[-1]
        return msgid1 if one else msgid2


@cache
def speech(language: str) -> Speech:
    """Gives the words of a language, read once."""
    return Speech(language)


def money(amount: Decimal, currency: str, language: str) -> str:
    """Writes an amount as the language writes it, its decimals always shown: 1 234,50 €."""
    return format_currency(amount, currency, locale=language)


def plain_amount(amount: Decimal, language: str) -> str:
    """Writes an amount as one would type it, to be changed in a field."""
    written = f"{amount:.2f}"
    return written.replace(".", ",") if language == "fr" else written


def number(value: Decimal | int, language: str) -> str:
    """Writes a number."""
    return format_decimal(value, locale=language)


def percent(value: Decimal, language: str) -> str:
    """Writes a share of one as a percentage with one decimal."""
    return format_percent(value, "#,##0.0 %" if language == "fr" else "#,##0.0%", locale=language)


def day(value: date, language: str, length: str = "medium") -> str:
    """Writes a civil day: 24 nov. 2026."""
    return format_date(value, length, locale=_dated(language))


def moment(value: datetime, zone: str, language: str) -> str:
    """Writes an instant in a time zone, to the minute."""
    return format_datetime(value.astimezone(ZoneInfo(zone)), "medium", locale=_dated(language)).rsplit(
        ":", 1
    )[0]


def hour(value: datetime, zone: str) -> str:
    """Writes the hour of an instant in a time zone, to the minute."""
    return f"{value.astimezone(ZoneInfo(zone)):%H:%M}"


def dated(sentence: str, language: str) -> str:
    """Writes the days in a sentence of the rules as pages write them; French has them as it should."""
    return ISO_DAY.sub(lambda found: day(date.fromisoformat(found[0]), language), sentence)


def _dated(language: str) -> str:
    # The users are European: English dates put the day before the month.
    return "en_GB" if language == "en" else language
