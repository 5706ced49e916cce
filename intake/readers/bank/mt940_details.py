"""Field 86 of a customer statement: what the payer and the bank wrote beside a movement.

In: the ways of filling it: subfields ?20 (Germany, Austria, Poland), codes /EREF/ (Netherlands, Belgium,
banks abroad), and free text.
Not in: the movement itself (mt940.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.bank import UNSTATED
from intake.readers.bank.values import LONGEST_NAME, account, joined, reference, tidy

WIDTH = 65
"""How many characters a line holds; the next goes on without a space."""

NEARLY_FULL = 60
SUBFIELD_WIDTH = 27
SUBFIELDS = re.compile(r" ?(\d{3})([?<~^])(?=\d\d)")
PURPOSES = [*map(str, range(20, 30)), *map(str, range(60, 64))]
KEYWORD = re.compile(
    r"\b((?:ABWA|ABWE|BIC|COAM|CRED|DEBT|EREF|IBAN|KREF|MDAT|MREF|OAMT|ORCR|ORMR|PURP|SQTP|SVWZ)\+|MTLG:)"
)
RETURNS = {"009", "059", "108", "109", "159"}
"""Business transaction codes (GVC) of debits and transfers that came back."""

CODED = re.compile(
    r"/(ACCW|BENM|BIC|CNTP|CSID|EREF|IBAN|INFO|ISDT|KREF|MARF|NAME|NRTX|OCMT|ORDP|PREF|PURP|REMI|RTRN|SVCL"
    r"|TRCD|TRTP|ULTB|ULTC|ULTD)/"
)
LEADING_CODES = 2
"""How many codes a text must hold to be read by them."""


@dataclass(frozen=True)
class Details:
    """Holds what field 86 tells, as far as it can be told apart."""

    text: str
    payer: str | None = None
    payer_account: str | None = None
    end_to_end: str | None = None
    references: tuple[str, ...] = ()
    returned: str | None = None
    code: str | None = None


def details(lines: Sequence[str]) -> Details:
    """Reads the lines of field 86; what cannot be told apart stays text."""
    whole = _unwrapped(lines)
    if (found := SUBFIELDS.match(whole)) is not None:
        return _subfields(found[1], whole[found.end() - 1 :])
    if whole.lstrip().startswith("/") and len(CODED.findall(whole)) >= LEADING_CODES:
        return _coded(whole)
    return Details(joined([" ".join(lines)]))


def _unwrapped(lines: Sequence[str]) -> str:
    """Puts lines together as they were cut: in the middle of words, a space at the end being lost."""
    bare = [line.rstrip() for line in lines]
    return "".join(f"{line} " if NEARLY_FULL <= len(line) < WIDTH else line for line in bare)


def _subfields(code: str, whole: str) -> Details:
    """Reads subfields of two digits, and the keywords in those that hold the purpose."""
    pieces = re.split(rf"{re.escape(whole[0])}(\d\d)", whole)
    fields: dict[str, list[str]] = {}
    for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
        fields.setdefault(number, []).append(text)
    purpose = _continued([text for number in PURPOSES for text in fields.get(number, [])])
    told = KEYWORD.split(purpose)
    words = dict(zip(told[1::2], told[2::2], strict=True))
    reason = tidy(next(iter(fields.get("34", [])), None), 16)
    return Details(
        text=joined(
            [told[0], words.get("SVWZ+"), words.get("MTLG:"), words.get("ABWA+"), *fields.get("00", [])]
        ),
        payer=tidy(_continued([*fields.get("32", []), *fields.get("33", [])]), LONGEST_NAME) or None,
        payer_account=account(next(iter(fields.get("31", [])), None) or words.get("IBAN+")),
        end_to_end=reference(words.get("EREF+")),
        returned=(reason or UNSTATED) if code in RETURNS else None,
        code=code,
    )


def _continued(pieces: Sequence[str]) -> str:
    """Joins subfields: a full one goes on in the next, a shorter one or a keyword begins anew."""
    text = ""
    for piece, before in zip(pieces, ["", *pieces], strict=False):
        cut = before and (len(before) < SUBFIELD_WIDTH or KEYWORD.match(piece))
        text += f" {piece}" if cut else piece
    return text


def _coded(whole: str) -> Details:
    """Reads values between codes; a value may hold slashes."""
    pieces = CODED.split(whole)
    told: dict[str, str] = {}
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        told.setdefault(name, text.strip("/ "))
    counterparty = [part.strip() for part in told.get("CNTP", "").split("/")] + [""] * 3
    remittance = told.get("REMI", "")
    structured = re.fullmatch(r"STRD/(?:CUR|ISO)/(.+)", remittance)
    return Details(
        text=joined([pieces[0].strip("/ "), remittance.removeprefix("USTD").lstrip("/"), told.get("PREF")]),
        payer=tidy(told.get("NAME") or counterparty[2], LONGEST_NAME) or None,
        payer_account=account(told.get("IBAN") or counterparty[0]),
        end_to_end=reference(told.get("EREF")),
        references=tuple(filter(None, [reference(structured[1] if structured else None)])),
        returned=tidy(told["RTRN"], 16) or UNSTATED if "RTRN" in told else None,
        code=tidy(told.get("TRTP") or told.get("TRCD"), 64) or None,
    )
