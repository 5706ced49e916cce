"""Who paid: names as banks write them, held against the legal names of debtors.

In: the parts of a name that tell companies apart, and when two names are the same, alike, or neither.
Not in: accounts and identifiers (openitems.py), and what follows from a name (matching.py).

Legal forms are compared apart, because banks drop them or put them first. Umlauts are written in two
ways, so AE, OE and UE count as A, O and U. Nothing here depends on which other companies there are.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from domain.bank_words import CONNECTORS, LEGAL_FORMS, SHORT_FORMS
from domain.remittance import fold

LONG_NAME = 10
"""Fewer letters than these, without a legal form, are too few to tell a company by."""

LONG_WORD = 5
ALIKE = 0.6
"""The share of letters, on both sides, that similar names have in common."""


class Name(NamedTuple):
    """Holds what tells a company apart: the words of its name, and its legal forms."""

    core: tuple[str, ...]
    forms: frozenset[str]

    @property
    def line(self) -> str:
        """Gives the words in one line."""
        return " ".join(self.core)

    def same(self, legal: "Name") -> bool:
        """Tells whether this is the legal name in full: the same words and the same legal forms.

        Without any legal form the words must be long enough to tell the company by themselves.
        """
        if self.core != legal.core or self.forms != legal.forms:
            return False
        return bool(self.forms) or (len(self.core) > 1 and len(self.line) >= LONG_NAME)

    def begins(self, longer: "Name") -> bool:
        """Tells whether this may be the beginning of a longer name: a bank may have cut there."""
        if self.core == longer.core:
            cut = any(
                form != other and other.startswith(form) for form in self.forms for other in longer.forms
            )
            return cut or self.forms < longer.forms
        return not self.forms and longer.line.startswith(self.line)

    def alike(self, legal: "Name") -> bool:
        """Tells whether this may be the legal name cut by a bank, abbreviated, or written from memory."""
        if len(self.line) >= LONG_NAME and legal.line.startswith(self.line):
            return True
        ours = [word for word in self.core if any(_begins(word, other) for other in legal.core)]
        if _letters(ours) < ALIKE * _letters(self.core):
            return False
        theirs = [other for other in legal.core if any(_begins(word, other) for word in ours)]
        telling = len(ours) > 1 or any(len(word) >= LONG_WORD for word in ours)
        return telling and _letters(theirs) >= ALIKE * _letters(legal.core)

    def within(self, text: tuple[str, ...]) -> bool:
        """Tells whether a text has these words, with line breaks anywhere, or ends while it has them."""
        whole, told = "".join(self.core), "".join(text)
        if len(whole) < LONG_NAME:
            size = len(self.core) if len(whole) >= LONG_WORD else len(text) + 1
            return any(text[start : start + size] == self.core for start in range(len(text) - size + 1))
        ends = ("".join(text[-count:]) for count in range(1, min(len(self.core), len(text)) + 1))
        return whole in told or any(len(end) >= LONG_NAME and whole.startswith(end) for end in ends)


@lru_cache(maxsize=65536)
def name_of(text: str) -> Name:
    """Reads a name as a bank or a register writes it."""
    found = [SHORT_FORMS.get(word, word) for word in spaced(text)]
    return Name(
        core=tuple(word for word in found if word not in LEGAL_FORMS and word not in CONNECTORS),
        forms=frozenset(word for word in found if word in LEGAL_FORMS),
    )


def name_words(text: str) -> tuple[str, ...]:
    """Lists the words of a text in the way names are compared, without connectors and legal forms."""
    return name_of(text).core


def spaced(text: str) -> list[str]:
    """Cuts a text into words; single letters that follow each other are one word (S.A.S., S A S)."""
    plain = re.sub(r"([AOU])E", r"\1", fold(text))
    plain = re.sub(r"\b([A-Z])[. ](?=[A-Z]\b)", r"\1", plain)
    return re.findall(r"[A-Z0-9]+", plain)


def _begins(one: str, other: str) -> bool:
    """Tells whether one word abbreviates the other or is the same."""
    short = len(one) < 3 or len(other) < 3  # noqa: PLR2004
    return one == other or (not short and (one.startswith(other) or other.startswith(one)))


def _letters(core: Iterable[str]) -> int:
    return sum(map(len, core))
