"""JSON read strictly: what other readers would take in their own way is pointed out, with its place.

In: one document, and the first thing in a part of it that is not plain JSON: a name given twice, NaN, a
    number too large for anybody, text that cannot be stored.
Not in: what the document means (cloudevents.py).
"""

import json
from json import JSONDecodeError
from typing import Any

from domain.faults import InputRefused
from intake.readers.rows import shown

LONGEST_NUMBER = 100
TWICE = "is given twice; keep one"
NOT_A_NUMBER = 'is no JSON number; leave it out, or write an amount as a string such as "1250.00"'
TOO_LARGE = 'is no number that anybody means; write an amount as a string such as "1250.00"'
UNSTORABLE = "contains a character that cannot be stored; remove it"
TOO_DEEP = "is nested too deeply; write each event as one plain object"


class Flaw:
    """Stands in a document where something cannot be read as it is written."""

    def __init__(self, value: str, remedy: str) -> None:
        """Keeps what was written and what to do."""
        self.value = shown(value)
        self.remedy = remedy


def decode(data: bytes) -> Any:
    """Reads one document, with a Flaw wherever a value is not plain JSON.

    Raises InputRefused with the field `json` for what is no JSON at all.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        value, remedy = f"byte {fault.start}", "is not UTF-8; write the document in UTF-8"
        raise InputRefused("json", value, remedy) from None
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda word: Flaw(word, NOT_A_NUMBER),
        )
    except JSONDecodeError as fault:
        near = fault.doc[fault.pos : fault.pos + 20].split("\n")[0] or "the end"
        place = f"line {fault.lineno}, column {fault.colno}"
        remedy = f"{place}: the JSON breaks off here ({fault.msg}); correct it"
        raise InputRefused("json", shown(near), remedy) from None
    except RecursionError:
        raise InputRefused("json", shown(text[:200]), TOO_DEEP) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = Flaw(name, TWICE) if name in found else value
    return found


def _integer(digits: str) -> int | Flaw:
    return int(digits) if len(digits) <= LONGEST_NUMBER else Flaw(digits, TOO_LARGE)


def _float(digits: str) -> float | Flaw:
    number = float(digits)
    return Flaw(digits, TOO_LARGE) if abs(number) == float("inf") else number


def flaw_in(value: Any) -> InputRefused | None:
    """Finds the first place of a value that is not plain JSON; its field is the dotted path."""
    left: list[tuple[str, Any]] = [("", value)]
    while left:
        path, one = left.pop()
        match one:
            case Flaw():
                return InputRefused(path, one.value, one.remedy)
            case str() if not _storable(one):
                return InputRefused(path, shown(one), UNSTORABLE)
            case dict():
                bad = next((name for name in one if not _storable(name)), None)
                if bad is not None:
                    return InputRefused(_below(path, shown(bad)), None, UNSTORABLE)
                left += [(_below(path, name), inner) for name, inner in reversed(one.items())]
            case list():
                left += [(_below(path, str(turn)), inner) for turn, inner in reversed([*enumerate(one)])]
            case _:
                pass
    return None


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _storable(text: str) -> bool:
    """Tells whether every database keeps a text: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def plain(value: Any) -> str:
    """Writes a value as JSON again; what was not plain is written as the text it was."""
    text = json.dumps(value, ensure_ascii=False, default=lambda flaw: flaw.value)
    return text if _storable(text) else json.dumps(value, default=lambda flaw: flaw.value)
