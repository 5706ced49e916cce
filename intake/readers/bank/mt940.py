"""Customer statements of SWIFT (MT940).

In: messages cut into fields, balances, movements, and messages of one statement put together.
Not in: what stands in field 86 (mt940_details.py).

A message ends with its closing balance: what follows speaks of the account, not of the last movement.
Interim reports (MT942) have no balances; they are recognised and refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from domain.bank import UNSTATED, BankEntry
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers.bank.mt940_details import details
from intake.readers.bank.values import (
    GET_AGAIN,
    Notes,
    Read,
    account,
    decimal,
    entry,
    joined,
    reference,
    statement,
    tidy,
)
from intake.readers.rows import shown

FIELD = re.compile(r":(\d\d[A-Z]?|NS):")
BALANCE = re.compile(r"([DC])(\d{6})([A-Z]{3})(\d[\d,]*) *", re.ASCII)
MOVEMENT = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4}| {4})?(?P<mark>R?[DC])[A-Z]? ?(?P<amount>\d[\d,]*)(?![\d,.])"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<customer>(?:(?!//).)*)(?://(?P<bank>.*))?",
    re.ASCII,
)
IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
OPENING, CLOSING = ("60F", "60M", "60"), ("62F", "62M", "62")
OPENS, CLOSES = "opening balance", "closing balance"
RETURNED_ITEM = "RTI"
CENTURY_TURN = 80
"""Years of two digits below this are after 2000."""


def recognise(text: str) -> str | None:
    """Tells whether the beginning of a text is a statement, or an interim report; None if neither."""
    found = {match[1] for line in text.split("\n") if (match := FIELD.match(line))}
    if not {"20", "25"} <= found:
        return None
    if found & {*OPENING}:
        return "MT940"
    return "MT942" if found & {"34F", "13D"} else None


def refused_942(name: str) -> InputRefused:
    """Says why an interim report is not read."""
    remedy = "is an interim report (MT942), which may still change; give the statement of the day (MT940)"
    return InputRefused("file", name, remedy, line=1)


@dataclass(frozen=True)
class _Field:
    tag: str
    line: int
    lines: list[str]

    @property
    def first(self) -> str:
        return self.lines[0]

    def refused(self, name: str, remedy: str) -> InputRefused:
        """Refuses this field; amounts and days may be repeated, what people wrote is not."""
        return InputRefused(name, shown(self.first[:40]), f"{remedy}; {GET_AGAIN}", line=self.line)


@dataclass(frozen=True)
class _Balance:
    value: Decimal
    on: date
    currency: str
    interim: bool


@dataclass
class _Page:
    """Holds one message: a statement, or a page of one."""

    line: int
    account: str
    id: str | None
    number: str
    opening: _Balance
    closing: _Balance
    entries: list[BankEntry] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def goes_on_in(self, other: "_Page") -> bool:
        """Tells whether another message is the next page of this statement."""
        return (
            self.closing.interim
            and other.opening.interim
            and (self.account, self.number.partition("/")[0])
            == (other.account, other.number.partition("/")[0])
            and (self.closing.value, self.closing.currency) == (other.opening.value, other.opening.currency)
        )


def read(text: str) -> Iterator[Read]:
    """Yields the statements of a file, their pages put together, and why one cannot be taken."""
    before: _Page | None = None
    for message in _messages(text):
        try:
            page = _page(message)
        except InputRefused as refusal:
            if before is not None:
                yield _statement(before)
            before = None
            yield refusal
            continue
        if before is not None and before.goes_on_in(page):
            before.entries += page.entries
            before.closing, before.number = page.closing, before.number.partition("/")[0]
            continue
        if before is not None:
            yield _statement(before)
        before = page
    if before is not None:
        yield _statement(before)


def _messages(text: str) -> Iterator[list[_Field]]:
    """Cuts a file into messages, and these into fields up to the closing balance."""
    message: list[_Field] = []
    ended = True
    for number, line in enumerate(text.split("\n"), start=1):
        found = FIELD.match(line)
        if found and found[1] == "20":
            if message:
                yield message
            message, ended = [], False
        if ended:
            continue
        if found:
            message.append(_Field(found[1], number, [line[found.end() :]]))
            ended = found[1] in CLOSING
        elif line.strip() not in {"", "-"}:
            message[-1].lines.append(line)
    if message:
        yield message


def _page(message: list[_Field]) -> _Page:
    """Reads one message."""
    opening, closing = _balance(message, OPENING, OPENS), _balance(message, CLOSING, CLOSES)
    named = _only(message, ("25", "25P"), "account")
    called = _account(named.first, opening.currency)
    if called is None:
        raise named.refused("account", "is not named")
    if closing.currency != opening.currency:
        remedy = f"is in another currency than {opening.currency}"
        raise message[-1].refused(CLOSES, remedy)
    number = next((tidy(each.first, 35) for each in message if each.tag in {"28", "28C"}), "")
    page = _Page(message[0].line, called, reference(message[0].first), number, opening, closing)
    movement: _Field | None = None
    written: list[str] = []
    for each in [*message, None]:
        if each is None or each.tag in {"61", *CLOSING}:
            if movement is not None:
                _take(page, movement, written)
            movement, written = each, []
            if each is not None and each.tag != "61":
                break
        elif each.tag == "86":
            written += each.lines
    return page


def _only(message: list[_Field], tags: tuple[str, ...], name: str) -> _Field:
    found = [each for each in message if each.tag in tags]
    if len(found) != 1:
        what = "has two fields" if found else "lacks its field"
        remedy = f"{what} {tags[0]}: the message is cut short or mixed with another"
        raise (found[-1] if found else message[0]).refused(name, remedy)
    return found[0]


def _balance(message: list[_Field], tags: tuple[str, ...], name: str) -> _Balance:
    told = _only(message, tags, name)
    found = BALANCE.fullmatch(told.first.rstrip())
    if found is None:
        raise told.refused(name, "is garbled")
    value = decimal(found[4], name, point=",", line=told.line)
    on = _day(told, found[2], name)
    return _Balance(value if found[1] == "C" else -value, on, found[3], told.tag.endswith("M"))


def _day(told: _Field, digits: str, name: str) -> date:
    year, month, number = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        return date(year + (2000 if year < CENTURY_TURN else 1900), month, number)
    except ValueError:
        raise told.refused(name, "holds a day that the calendar does not have") from None


def _take(page: _Page, movement: _Field, written: list[str]) -> None:
    found, rest = MOVEMENT.fullmatch(movement.first.rstrip()), movement.lines[1:]
    if found is None and rest:
        found, rest = MOVEMENT.fullmatch(movement.first.rstrip() + rest[0].rstrip()), rest[1:]
    if found is None:
        raise movement.refused("entry", "is garbled")
    amount = decimal(found["amount"], "amount", point=",", line=movement.line)
    if amount == ZERO:
        page.notes.add("an entry of zero is left out")
        return
    value_on = _day(movement, found["value"], "value date")
    told = details(written)
    customer = reference(found["customer"]) or ""
    kind = (found["type"] or "")[1:].strip()
    facts = {
        "amount": amount,
        "currency": page.opening.currency,
        "credit": found["mark"] in {"C", "RD"},
        "booked_on": _booked(movement, found["booked"], value_on),
        "value_on": value_on,
        "bank_reference": reference(found["bank"]),
        "end_to_end": told.end_to_end,
        "references": told.references,
        "text": joined([told.text, "" if len(customer) == 1 or customer.endswith("+") else customer, *rest]),
        "payer": told.payer,
        "payer_account": told.payer_account,
        "code": told.code or kind or None,
        "reversal": found["mark"].startswith("R"),
        "returned": told.returned or (UNSTATED if kind == RETURNED_ITEM else None),
    }
    page.entries.append(entry(facts, line=movement.line))


def _booked(movement: _Field, digits: str | None, value_on: date) -> date:
    """Reads the booking day, which has no year: the nearest to the value date."""
    if digits is None or not digits.strip():
        return value_on
    days = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            days.append(date(year, int(digits[:2]), int(digits[2:])))
        except ValueError:
            continue
    if not days:
        raise movement.refused("entry", "holds a day that the calendar does not have")
    return min(days, key=lambda on: abs(on - value_on))


def _account(told: str, money: str) -> str | None:
    """Reads how the account is called; some banks write its bank before its IBAN, or its currency behind."""
    called = account(told)
    for part in tidy(told).replace(" ", "").upper().split("/"):
        for iban in (part, part.removesuffix(money)):
            if IBAN.fullmatch(iban) and _is_iban(iban):
                return iban
    return called


def _is_iban(text: str) -> bool:
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _statement(page: _Page) -> Read:
    facts = {
        "format": "MT940",
        "account": page.account,
        "currency": page.opening.currency,
        "id": page.id,
        "number": page.number or None,
        "opening": page.opening.value,
        "closing": page.closing.value,
        "booked_to": page.closing.on,
        "entries": tuple(page.entries),
        "notes": page.notes.all(),
    }
    try:
        return statement(facts, line=page.line)
    except InputRefused as refusal:
        return refusal
