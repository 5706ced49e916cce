"""What a payer wrote: texts as banks carry them, and the numbers and words found in them.

In: folding, the RF reference (ISO 11649), numbers as runs of letters and digits, slips of the pen, words.
Not in: which invoices have these numbers (openitems.py), and what follows from it (matching.py).

Banks carry capitals without accents, cut texts at a length of their own, and break lines anywhere; people
drop dashes, prefixes and leading zeros. So a number is compared by its letters and digits alone, and every
doubt about where it begins or ends is kept beside it.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

SPELLED_OUT = str.maketrans({"ß": "SS", "Æ": "AE", "æ": "AE", "Œ": "OE", "œ": "OE", "Ø": "O", "ø": "O",
                             "Ł": "L", "ł": "L", "Đ": "D", "đ": "D", "Þ": "TH", "þ": "TH"})  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RUNS = re.compile(r"[A-Z]+|[0-9]+")
REFERENCE_START = re.compile(r"RF[0-9]{2}")
REFERENCE_LENGTH = 21
"""The most letters and digits that a creditor reference holds after its check digits."""
KEPT = 13
NEAREST_YEARS = 2


def fold(text: str) -> str:
    """Writes a text in plain capitals, as banks do; what is no letter, digit or sign becomes a space."""
    if text.isascii():
        return text.upper()
    plain = unicodedata.normalize("NFKD", text.translate(SPELLED_OUT)).upper()
    kept = (char for char in plain if not unicodedata.combining(char))
    return "".join(char if char.isascii() and char.isprintable() else " " for char in kept)


@lru_cache(maxsize=131072)
def compact(text: str) -> str:
    """Gives the letters and digits of a text alone: by these, numbers are compared."""
    return "".join(RUNS.findall(fold(text)))


def words(text: str) -> frozenset[str]:
    """Lists the words of a text, for what they say about the money."""
    return frozenset(re.findall(r"[A-Z]+", fold(text)))


class Run(NamedTuple):
    """Holds one run of letters or of digits, with what stands between it and the run before.

    `gap` is empty for runs that touch, `-` for a dash, slash or the like, a space for all that parts.
    """

    text: str
    gap: str
    start: int
    end: int


def runs(folded: str) -> tuple[Run, ...]:
    """Cuts a folded text into its runs of letters and of digits."""
    found: list[Run] = []
    end = 0
    for match in RUNS.finditer(folded):
        between = folded[end : match.start()]
        gap = between if not between or not found else ("-" if between in JOINTS else " ")
        found.append(Run(match.group(), gap if found else " ", match.start(), match.end()))
        end = match.end()
    return tuple(found)


JOINTS = frozenset("-_/.\\#'")
"""Signs that keep two runs in one number."""


# Numbers


@lru_cache(maxsize=131072)
def number_parts(number: str) -> tuple[str, str, str]:
    """Gives a number whole, without its prefix, and its last digits without their zeros."""
    whole = compact(number)
    last = re.findall(r"[0-9]+", number)[-1:] or [""]
    return whole, whole.lstrip(LETTERS), last[0].lstrip("0")


def without_zeros(parts: Iterator[str] | tuple[str, ...]) -> str:
    """Joins the runs of a number without leading zeros: FA-2026-0042 and FA 2026 42 become the same."""
    return "|".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def loose_forms(number: str) -> frozenset[str]:
    """Lists what people write for a number: without leading zeros, without its prefix, or both.

    Forms with fewer than four digits are left out, because everything has them.
    """
    parts = tuple(run.text for run in runs(fold(number)))
    first = next((turn for turn, part in enumerate(parts) if part.isdigit()), len(parts))
    tail = parts[first:]
    forms = {without_zeros(parts), without_zeros(tail)}
    if all(part.isdigit() for part in tail):
        forms.add(without_zeros(("".join(tail),)))
    return frozenset(form for form in forms if sum(char.isdigit() for char in form) >= 4)  # noqa: PLR2004


def one_slip(written: str, meant: str) -> bool:
    """Tells whether one slip parts two numbers: a character wrong, missing or too much, or two swapped."""
    if abs(len(written) - len(meant)) > 1 or written == meant:
        return False
    if len(written) == len(meant):
        wrong = [turn for turn, pair in enumerate(zip(written, meant, strict=True)) if pair[0] != pair[1]]
        if len(wrong) == 1:
            return True
        return wrong == [wrong[0], wrong[0] + 1] and written[wrong[0]] + written[wrong[1]] == (
            meant[wrong[1]] + meant[wrong[0]]
        )
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    return any(longer[:turn] + longer[turn + 1 :] == shorter for turn in range(len(longer)))


def slips(number: str) -> frozenset[str]:
    """Lists the numbers that one wrong, missing or additional digit, or two swapped, would make of one."""
    cuts = [(number[:turn], number[turn:]) for turn in range(len(number) + 1)]
    near = {left + right[1:] for left, right in cuts if right}
    near |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    near |= {left + digit + right for left, right in cuts for digit in "0123456789"}
    near |= {left + digit + right[1:] for left, right in cuts if right for digit in "0123456789"}
    return frozenset(near - {number})


def dated(digits: str, day: date) -> bool:
    """Tells whether six or eight digits can be read as a day, or as a month, around a given one."""
    fours = {
        4: (),
        6: ((4, 2, 0), (0, 2, 4), (0, 4, None), (2, 0, None)),
        8: ((0, 4, 6), (4, 2, 0)),
    }.get(len(digits), ())
    return any(_is_day(digits, order, day) for order in fours)


def _is_day(digits: str, order: tuple[int, int, int | None], day: date) -> bool:
    """Reads digits as year, month and day, which begin at the given places; a month alone has no day."""
    year_at, month_at, day_at = order
    long = len(digits) == 8 or day_at is None  # noqa: PLR2004
    year = int(digits[year_at : year_at + (4 if long else 2)]) + (0 if long else 2000)
    if abs(year - day.year) > NEAREST_YEARS:
        return False
    try:
        date(
            year,
            int(digits[month_at : month_at + 2]),
            int(digits[day_at : day_at + 2]) if day_at is not None else 1,
        )
    except ValueError:
        return False
    return True


def spelled(amount: Decimal) -> frozenset[str]:
    """Gives the digits in which an amount may stand in a text: with its cents, and without."""
    whole = f"{amount:.2f}".replace(".", "")
    return frozenset({whole, whole[:-2]})


# The creditor reference


def reference_body(number: str) -> str:
    """Gives what a creditor reference holds of a number, after RF and the check digits.

    Longer numbers keep their beginning and eight digits of their SHA-256, as the references that Relance
    prints (correspondence/payment_code.py).
    """
    whole = compact(number)
    if len(whole) <= REFERENCE_LENGTH:
        return whole
    return whole[:KEPT] + sha256(whole.encode()).hexdigest()[: REFERENCE_LENGTH - KEPT].upper()


def checked(reference: str) -> bool:
    """Tells whether a compact text is a creditor reference with right check digits (ISO 11649, mod 97)."""
    if not REFERENCE_START.match(reference) or not 4 < len(reference) <= REFERENCE_LENGTH + 4:  # noqa: PLR2004
        return False
    turned = reference[4:] + reference[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def references_in(text: str) -> Iterator[str]:
    """Yields every reading of a creditor reference with right check digits in a text, the longest first.

    A reference may be printed in groups of four, so it may end at any of the runs that follow it.
    """
    parts = runs(fold(text))
    for first, part in enumerate(parts):
        if part.text != "RF":
            continue
        whole, readings = "RF", []
        for run in parts[first + 1 :]:
            whole += run.text
            if len(whole) > REFERENCE_LENGTH + 4:
                break
            if checked(whole):
                readings.append(whole)
        yield from reversed(readings)
