"""Movements that the web site of a bank gives as CSV.

In: the rows below the header: days, amounts with their side, and what is written.
Not in: the names of columns (sheet_columns.py), and files of accounting programs (readers/csv_rows.py).

Nothing in such a file can be added up: what could be read in two ways is refused row by row, and the file as
a whole where a date has the month first, for then every other date is in doubt.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from domain.bank import BankEntry, same_account
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers import written
from intake.readers.bank.sheet_columns import Sheet, cut, find, is_bank, names, refuse_twins
from intake.readers.bank.values import (
    LONGEST_NAME,
    Notes,
    Read,
    account,
    currency,
    decimal,
    entry,
    joined,
    last_booked,
    reference,
    statement,
    tidy,
)
from intake.readers.csv_rows import Record, records
from intake.readers.rows import shown
from intake.readers.text import Source
from intake.readers.written import folded

HEAD = 65_536
TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$", re.ASCII)
MONTH_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}", re.ASCII)
MONTHS = 12
SHORTEST_ACCOUNT = 7
"""How many digits at least make an account number; shorter ones are masked, or a name."""

INTO = {*names("c | crédit | credit | crdt")}
OUT = {*names("d | débit | debit | dbit")}
BOOKED = {
    *names("comptabilisé | comptabilisée | exécuté | exécutée | effectué | effectuée | validé | validée"),
    *names("terminé | terminée | booked | book | completed | settled | executed | posted | cleared"),
}
ANNOUNCED = {
    *names("en attente | en cours | à venir | prévu | prévue"),
    *names("pending | processing | scheduled | pdng"),
}


class _OtherCalendar(Exception):
    """Says that the dates of a file have the month first."""

    def __init__(self, told: str, line: int) -> None:
        super().__init__(told)
        self.told = told
        self.line = line


@dataclass
class _Reading:
    """Gathers the movements of a file by account."""

    sheet: Sheet
    account: str | None
    money: str | None
    entries: dict[str, list[BankEntry]] = field(default_factory=dict)
    pending: int = 0
    debits_below_zero: bool | None = None
    notes: Notes = field(default_factory=Notes)


def recognise(head: str) -> str | None:
    """Tells whether the beginning of a text is such a file; None if it is not."""
    try:
        sheet = find(records(Source.of_text(head[:HEAD], "head")))
    except InputRefused:
        return None
    return "CSV" if sheet is not None and is_bank(sheet) else None


def read(text: str, name: str, called: str | None = None, money: str | None = None) -> Iterator[Read]:
    """Yields the statement of a file, one for each account it names, and why a row cannot be taken.

    `called` is the account, `money` its currency, where no column says it.
    """
    rows = records(Source.of_text(text, name))
    sheet = find(rows)
    if sheet is None:
        remedy = "has no header that is known; name the columns date, libellé, débit, crédit or montant"
        yield InputRefused("header", name, remedy)
        return
    reading = _Reading(sheet, account(called), money)
    if sheet.unused:
        reading.notes.add(f"columns not used: {', '.join(shown(each) for each in sheet.unused)}")
    refusals: list[InputRefused] = []
    try:
        _check(reading)
        for record in rows:
            try:
                _take(record, reading)
            except InputRefused as refusal:
                refusals.append(refusal)
        yield from _statements(reading, name)
    except _OtherCalendar as other:
        remedy = "has the month first, so every date of the file is in doubt; export it with the day first"
        yield InputRefused("date", shown(other.told), remedy, line=other.line)
        return
    except InputRefused as refusal:
        yield refusal
    yield from refusals


def _check(reading: _Reading) -> None:
    """Refuses a file that neither says nor is told whose account it is, and in which currency."""
    refuse_twins(reading.sheet)
    if reading.account is None and "account" not in reading.sheet.places:
        remedy = "is not named in the file; name it with --account"
        raise InputRefused("account", None, remedy)
    if not (reading.money or reading.sheet.money or "currency" in reading.sheet.places):
        remedy = "is not named in the file; name it with --currency, or add a column for it"
        raise InputRefused("currency", None, remedy)


def _statements(reading: _Reading, name: str) -> Iterator[Read]:
    if not reading.entries:
        raise InputRefused("file", name, "has no row that could be taken; give at least one movement")
    for called, entries in reading.entries.items():
        currencies = {each.currency for each in entries}
        facts = {
            "format": "CSV",
            "account": called,
            "currency": currencies.pop() if len(currencies) == 1 else None,
            "booked_to": last_booked(entries),
            "entries": tuple(entries),
            "pending": reading.pending,
            "notes": reading.notes.all(),
        }
        yield statement(facts)


def _take(record: Record, reading: _Reading) -> None:
    """Takes one row."""
    if record.problem is not None:
        raise InputRefused("line", shown(record.text), record.problem, line=record.line)
    sheet = reading.sheet
    cells = cut(record.text, sheet.delimiter)
    if cells is None or any(cell.strip() for cell in cells[len(sheet.header) :]):
        remedy = "has quotes in wrong places, or more cells than there are columns; correct it"
        raise InputRefused("line", shown(record.text), remedy, line=record.line)
    told = {name: cells[place].strip() for name, place in sheet.places.items() if place < len(cells)}
    day = told.get("booked_on") or told.get("value_on")
    if not day and not any(told.get(name) for name in ("amount", "debit", "credit")):
        reading.notes.add("a row without day and amount is left out")
        return
    if not _is_booked(told, reading, record.line):
        return
    signed = _signed(told, reading, record.line)
    if signed == ZERO:
        reading.notes.add("an entry of zero is left out")
        return
    value_on = told.get("value_on")
    facts = {
        "amount": abs(signed),
        "currency": currency(told.get("currency") or sheet.money or reading.money, line=record.line),
        "credit": signed > ZERO,
        "booked_on": _day(day or "", record.line),
        "value_on": _day(value_on, record.line) if value_on else None,
        "bank_reference": reference(told.get("bank_reference")),
        "end_to_end": reference(told.get("end_to_end")),
        "text": joined(cells[place] for place in sheet.texts if place < len(cells)),
        "payer": tidy(told.get("payer"), LONGEST_NAME) or None,
        "payer_account": account(told.get("payer_account")),
    }
    called = _whose(told.get("account", ""), reading, record.line)
    reading.entries.setdefault(called, []).append(entry(facts, line=record.line))


def _is_booked(told: dict[str, str], reading: _Reading, line: int) -> bool:
    status = folded(told.get("status", ""))
    if not status or status in BOOKED:
        return True
    if status not in ANNOUNCED:
        remedy = "is a status that is not known: nobody can tell whether the money moved; ask the bank"
        raise InputRefused("status", shown(told["status"]), remedy, line=line)
    reading.pending += 1
    return False


def _signed(told: dict[str, str], reading: _Reading, line: int) -> Decimal:
    """Reads the amount of a row with its sign, from one column or from two."""
    if "amount" in told and not (told.get("debit") or told.get("credit")):
        amount = _amount(told["amount"], "amount", line)
        side = _side(told.get("side", ""), line)
        if side is None:
            return amount
        if side and amount < ZERO:
            raise InputRefused("amount", shown(told["amount"]), "is below zero on the credit side", line=line)
        return abs(amount) if side else -abs(amount)
    debit, credit = (_amount(told.get(name) or "0", name, line) for name in ("debit", "credit"))
    if debit and credit:
        remedy = "has a debit and a credit; nobody can tell which is meant"
        raise InputRefused("amount", f"{debit} / {credit}", remedy, line=line)
    if credit < ZERO:
        raise InputRefused("credit", str(credit), "is below zero in the column of credits", line=line)
    if debit:
        if reading.debits_below_zero is None:
            reading.debits_below_zero = debit < ZERO
        if reading.debits_below_zero != (debit < ZERO):
            remedy = "has another sign than the debits before it; nobody can tell which way the money went"
            raise InputRefused("debit", str(debit), remedy, line=line)
    return credit - abs(debit)


def _side(text: str, line: int) -> bool | None:
    """Tells whether a row is on the credit side; None where no column says it."""
    if not text:
        return None
    if text in {"+", "-"}:
        return text == "+"
    told = folded(text)
    if told not in INTO | OUT:
        raise InputRefused("side", shown(text), "is neither debit nor credit; correct it", line=line)
    return told in INTO


def _amount(text: str, name: str, line: int) -> Decimal:
    try:
        told = written.amount(text)
    except ValueError as fault:
        raise InputRefused(name, shown(text), str(fault), line=line) from fault
    value = decimal(told.removeprefix("-"), name, line=line)
    return -value if told.startswith("-") else value


def _day(text: str, line: int) -> str:
    """Reads a day, day before month; a time of day behind it is passed over."""
    bare = TIME.sub("", text.strip())
    found = MONTH_FIRST.fullmatch(bare)
    if found and int(found[2]) > MONTHS >= int(found[1]):
        raise _OtherCalendar(text, line)
    try:
        return written.day(bare)
    except ValueError as fault:
        raise InputRefused("date", shown(text), str(fault), line=line) from fault


def _whose(text: str, reading: _Reading, line: int) -> str:
    """Decides whose row this is; one of another account than was named is refused."""
    told = account(text) if sum(letter.isdigit() for letter in text) >= SHORTEST_ACCOUNT else None
    if told is None and reading.account is None:
        remedy = "is not named in this row; name it with --account"
        raise InputRefused("account", shown(text), remedy, line=line)
    if told is None or reading.account is None:
        return reading.account or told or ""
    if not same_account(told, reading.account):
        raise InputRefused("account", shown(told), f"is not {reading.account}, which was named", line=line)
    return reading.account
