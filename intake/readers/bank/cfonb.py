"""Account statements of French banks in records of 120 characters (CFONB 120).

In: the records 01 (opening balance), 04 (movement), 05 (what is written about it) and 07 (closing balance).
Not in: records of 240 characters; they are recognised, their layout is not published, and they are refused.

Places in a record are those of the standard "Relevé de compte sur support informatique" (2004, amended for
SEPA in 2010), counted from zero here. The last character of an amount holds its last digit and its sign.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from domain.bank import BankEntry, BankStatement
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers.bank.values import (
    GET_AGAIN,
    LONGEST_NAME,
    Notes,
    Read,
    account,
    currency,
    decimal,
    entry,
    joined,
    reference,
    statement,
    tidy,
)
from intake.readers.rows import shown

LENGTH = 120
OPENING, MOVEMENT, COMPLEMENT, CLOSING = "01", "04", "05", "07"
CODES = {OPENING, MOVEMENT, COMPLEMENT, CLOSING}
FIRST = re.compile(r"0[1457][0-9A-Z]{5}.{4}[0-9A-Z ]{5}[A-Z ]{3}[0-9 ].[0-9A-Z ]{11}.{2}\d{6}", re.ASCII)
FIRST_240 = re.compile(r"31[0-9A-Z ]{2}.{117,236}$")

DIGITS = dict(zip("{ABCDEFGHI}JKLMNOPQR", [*range(10), *range(10)], strict=True))
NEGATIVE = set("}JKLMNOPQR")
CENTURY_TURN = 80
"""Years of two digits below this are after 2000."""

DAY = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)
ISO_REASON = re.compile(r"[A-Z]{2}\d{2}")
UNREAD = {"MMO", "FEE"}
"""Complements that hold figures in other currencies and fees: their digits would look like references."""


def recognise(text: str) -> str | None:
    """Tells whether a text is made of records of 120 or 240 characters; None if it is not."""
    first = next((line for line in text[:4096].split("\n") if line.strip()), "")
    if FIRST.match(first):
        return "CFONB120"
    return "CFONB240" if FIRST_240.match(first.rstrip("\r")) else None


def refused_240(name: str) -> InputRefused:
    """Says why records of 240 characters are not read."""
    remedy = (
        "is CFONB 240, which is not read: its layout is not published; ask the bank for CFONB 120 or camt.053"
    )
    return InputRefused("file", name, remedy, line=1)


@dataclass(frozen=True)
class _Record:
    """Holds one record, padded to its length, and its line."""

    line: int
    text: str

    def __getitem__(self, place: slice) -> str:
        return self.text[place]

    @property
    def code(self) -> str:
        return self.text[:2]

    def day(self, start: int, name: str) -> date:
        """Reads a date written DDMMYY."""
        told = self[start : start + 6]
        found = DAY.fullmatch(told)
        try:
            number, month, year = map(int, found.groups() if found else (0, 0, 0))
            return date(year + (2000 if year < CENTURY_TURN else 1900), month, number)
        except ValueError:
            raise self.refused(name, told, f"is not a date written DDMMYY; {GET_AGAIN}") from None

    def amount(self) -> Decimal:
        """Reads the amount with its sign; raises InputRefused for what is garbled."""
        told = self[90:104]
        last = told[-1]
        if last not in DIGITS or re.fullmatch(r" *\d+", told[:-1], re.ASCII) is None:
            raise self.refused("amount", told, f"is not a signed amount of 14 characters; {GET_AGAIN}")
        decimals = self[19:20] if self[19:20].strip() else "2"
        if not decimals.isdigit():
            raise self.refused("decimals", decimals, f"is not a number of decimals; {GET_AGAIN}")
        digits = f"{told[:-1].strip()}{DIGITS[last]}".rjust(24, "0")
        cut = len(digits) - int(decimals)
        value = decimal(f"{digits[:cut]}.{digits[cut:]}", "amount", line=self.line)
        return -value if last in NEGATIVE else value

    def refused(self, name: str, value: str, remedy: str) -> InputRefused:
        """Refuses a value of this record."""
        return InputRefused(name, shown(value), remedy, line=self.line)


@dataclass
class _Movement:
    record: _Record
    complements: list[_Record] = field(default_factory=list)


@dataclass
class _Reading:
    """Gathers one statement from its opening to its closing balance."""

    first: _Record
    movements: list[_Movement] = field(default_factory=list)
    fault: InputRefused | None = None
    last: _Record | None = None

    def take(self, record: _Record) -> None:
        """Adds a record; the first that cannot belong here is kept as the fault of the statement."""
        self.fault = self.fault or self._stranger(record)
        if record.code == MOVEMENT:
            self.movements.append(_Movement(record))
        elif record.code == CLOSING:
            self.last = record
        elif self.movements:
            self.movements[-1].complements.append(record)
        else:
            remedy = f"comes before any movement; {GET_AGAIN}"
            self.fault = self.fault or record.refused("record", record.code, remedy)

    def _stranger(self, record: _Record) -> InputRefused | None:
        """Refuses a record of another account or currency, and one of an unknown kind."""
        if record.code not in CODES:
            return record.refused("record", record.code, f"is none of 01, 04, 05, 07; {GET_AGAIN}")
        for name, place in (("account", slice(21, 32)), ("currency", slice(16, 19))):
            if record[place] != self.first[place]:
                remedy = f"differs from {self.first[place].strip()!r} of the opening balance; {GET_AGAIN}"
                return record.refused(name, record[place], remedy)
        return None


def read(text: str, money: str | None = None) -> Iterator[Read]:
    """Yields the statements of a file, and why one cannot be taken; `money` is for banks that name none."""
    reading: _Reading | None = None
    for record in _records(text):
        if isinstance(record, InputRefused):
            if reading is None:
                yield record
            else:
                reading.fault = reading.fault or record
        elif record.code == OPENING:
            if reading is not None:
                yield _cut_short(reading)
            reading = _Reading(record)
        elif reading is None:
            remedy = f"stands outside of a statement: its opening balance is missing; {GET_AGAIN}"
            yield record.refused("record", record.code, remedy)
        else:
            reading.take(record)
            if reading.last is not None:
                yield _finished(reading, record, money)
                reading = None
    if reading is not None:
        yield _cut_short(reading)


def _records(text: str) -> Iterator[_Record | InputRefused]:
    """Cuts a file into records, whether they stand on lines or follow one another."""
    lines = text.split("\n")
    if len(lines) == 1 and len(text.rstrip()) > LENGTH:
        lines = [text[start : start + LENGTH] for start in range(0, len(text), LENGTH)]
    for number, each in enumerate(lines, start=1):
        line = each.rstrip("\r\x1a\0 ")
        if len(line) > LENGTH:
            remedy = f"is longer than {LENGTH} characters; {GET_AGAIN}"
            yield InputRefused("record", shown(line[:2]), remedy, line=number)
        elif line:
            yield _Record(number, line.ljust(LENGTH))


def _cut_short(reading: _Reading) -> InputRefused:
    remedy = f"has no closing balance: the file is cut short; {GET_AGAIN}"
    return reading.fault or reading.first.refused("statement", reading.first[21:32], remedy)


def _finished(reading: _Reading, last: _Record, money: str | None) -> BankStatement | InputRefused:
    """Makes the statement of what was read."""
    if reading.fault is not None:
        return reading.fault
    first, notes = reading.first, Notes()
    try:
        code = currency(first[16:19].strip() or money, line=first.line)
        entries = []
        for movement in reading.movements:
            if movement.record[2:7] != first[2:7]:
                notes.add(f"a movement names the bank {movement.record[2:7]} instead of {first[2:7]}")
            if movement.record.amount() == ZERO:
                notes.add("an entry of zero is left out")
            else:
                entries.append(_entry(movement, code))
        facts = {
            "format": "CFONB120",
            "account": account(first[2:7] + first[11:16] + first[21:32]),
            "currency": code,
            "opening": first.amount(),
            "closing": last.amount(),
            "booked_to": last.day(34, "date of the closing balance"),
            "entries": tuple(entries),
            "notes": notes.all(),
        }
        return statement(facts, line=first.line)
    except InputRefused as refusal:
        return refusal


def _entry(movement: _Movement, money: str) -> BankEntry:
    record, told = movement.record, _complements(movement)
    amount = record.amount()
    returned = _returned(record, told)
    ends = [each[:35] for each in told.get("RCN", [])]
    structured = [each[:35] for each in told.get("LCS", [])]
    into = amount > ZERO
    names = ["NPY", "NPO", "NBE", "NBU"] if into or returned else ["NBE", "NBU", "NPY", "NPO"]
    payer = next((found for name in names for each in told.get(name, []) if (found := tidy(each))), None)
    remittance = "".join([*told.get("LCC", []), *told.get("LC2", [])])
    rest = [
        text for name, texts in told.items() if name not in {*UNREAD, *names, "LCC", "LC2"} for text in texts
    ]
    facts = {
        "amount": abs(amount),
        "currency": money,
        "credit": into,
        "booked_on": record.day(34, "booking date"),
        "value_on": record.day(42, "value date") if record[42:48].strip("0 ") else None,
        "bank_reference": next(filter(None, (reference(each[:35]) for each in told.get("REF", []))), None),
        "end_to_end": next(filter(None, map(reference, ends)), None),
        "references": tuple(filter(None, map(reference, structured))),
        "text": joined([record[48:79], remittance, *rest, record[104:120]]),
        "payer": payer[:LONGEST_NAME] if payer else None,
        "payer_account": None if into else account(next(iter(told.get("CBE", [])), None)),
        "code": record[32:34].strip() or None,
        "returned": returned,
    }
    return entry(facts, line=record.line)


def _complements(movement: _Movement) -> dict[str, list[str]]:
    """Gathers what records 05 say by their qualifier, in their order."""
    told: dict[str, list[str]] = {}
    for record in movement.complements:
        told.setdefault(record[45:48], []).append(record[48:118])
    return told


def _returned(record: _Record, told: dict[str, list[str]]) -> str | None:
    """Finds why a payment came back: the ISO reason if the bank gives it, else its own code."""
    for text in told.get("RET", []):
        if found := ISO_REASON.match(text.strip()):
            return found[0]
    code = record[40:42].strip()
    return code if code.strip("0") else None
