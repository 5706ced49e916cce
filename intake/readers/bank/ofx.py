"""Account downloads in Open Financial Exchange (OFX, also QFX and QBO): SGML of 1.x, XML of 2.x.

In: bank accounts, their movements and the closing balance.
Not in: cards, loans and securities, which are refused.

In 1.x values are not closed, and in both versions they hold nothing but text: both are cut at the tags that
matter, so that no XML parser and no entity declaration is involved. There is no opening balance; movements
stand by themselves, and a broken one stops no other.
"""

import html
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from domain.bank import BankEntry
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
    last_booked,
    reference,
    statement,
    tidy,
)
from intake.readers.rows import shown

HEAD = re.compile(r"\s*(?:OFXHEADER\s*:|(?:<\?[^>]*>\s*)*<OFX>)", re.IGNORECASE)
LEAF = re.compile(r"<([A-Za-z][A-Za-z0-9.]*)>([^<]*)")
AMOUNT = re.compile(r"([+-]?)([\d.,]+)", re.ASCII)
THOUSANDS = re.compile(r"\d+,\d{3}")
DAY = re.compile(r"(\d{8})(?:\d{2}.*)?", re.ASCII)

STATEMENT, MOVEMENT, PENDING = "STMTRS", "STMTTRN", "STMTTRNP"
OTHERS = {"CCSTMTRS": "a card", "INVSTMTRS": "securities", "LOANSTMTRS": "a loan"}
INSIDE = ("PAYEE", "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY")
"""What a movement holds besides values."""

SIGNS = {"CREDIT": True, "DEBIT": False}
FRENCH = (5, 5, 11)
"""How long the bank, the branch and the number of a French account are."""


def recognise(head: str) -> str | None:
    """Tells whether the beginning of a text is such a download; None if it is not."""
    return "OFX" if HEAD.match(head) else None


def read(text: str, money: str | None = None) -> Iterator[Read]:
    """Yields the statements of a download, and why one of them, or a movement, cannot be taken.

    `money` is the currency of files that name none.
    """
    text = _without_sections(text)
    for line, body in _cut(text, STATEMENT, 1):
        if body is None:
            remedy = f"is not closed: the file is cut short; {GET_AGAIN}"
            yield InputRefused("statement", STATEMENT, remedy, line=line)
        else:
            yield from _statement(body, line, money)
    for name, whose in OTHERS.items():
        for line, _ in _cut(text, name, 1):
            remedy = f"is the statement of {whose}; give that of the bank account"
            yield InputRefused("statement", name, remedy, line=line)


def _without_sections(text: str) -> str:
    """Writes character data sections as plain text."""
    first, *pieces = text.split("<![CDATA[")
    parts = [piece.partition("]]>") for piece in pieces]
    return first + "".join(html.escape(inside) + after for inside, _, after in parts)


def _cut(text: str, name: str, line: int) -> Iterator[tuple[int, str | None]]:
    """Yields what stands in each element of a name, with its line; None for one that is not closed."""
    first, *pieces = re.split(f"<{name}>", text, flags=re.IGNORECASE)
    line += first.count("\n")
    for piece in pieces:
        body, *after = re.split(f"</{name}>", piece, maxsplit=1, flags=re.IGNORECASE)
        yield line, body if after else None
        line += piece.count("\n")


def _values(text: str) -> dict[str, str]:
    """Reads the values of an element; the first of a name counts."""
    values: dict[str, str] = {}
    for found in LEAF.finditer(text):
        values.setdefault(found[1].upper(), html.unescape(found[2]).strip())
    return values


def _taken_out(text: str, name: str) -> tuple[dict[str, str], str]:
    """Reads the values of the first element of a name, and gives the text without any of that name."""
    rest, *pieces = re.split(f"<{name}>", text, flags=re.IGNORECASE)
    values: dict[str, str] = {}
    for piece in pieces:
        body, *after = re.split(f"</{name}>", piece, maxsplit=1, flags=re.IGNORECASE)
        values = values or _values(body)
        rest += "".join(after)
    return values, rest


def _statement(text: str, line: int, money: str | None) -> Iterator[Read]:
    """Reads one statement."""
    entries: list[BankEntry] = []
    notes = Notes()
    head, *_ = re.split(f"<{MOVEMENT}>", text, maxsplit=1, flags=re.IGNORECASE)
    told, (closing, _) = _values(head), _taken_out(text, "LEDGERBAL")
    try:
        code = currency(told.get("CURDEF") or money, line=line)
        for place, body in _cut(text, MOVEMENT, line):
            try:
                entries += _movement(body, place, code, notes)
            except InputRefused as refusal:
                yield refusal
        ends = [_day(each, line) for each in (closing.get("DTASOF"), told.get("DTEND")) if each]
        covered = last_booked(entries, min(ends, default=None))
        since = told.get("DTSTART")
        facts = {
            "format": "OFX",
            "account": _account(_taken_out(head, "BANKACCTFROM")[0], line),
            "currency": code,
            "closing": _amount(closing["BALAMT"], "BALAMT", line) if closing.get("BALAMT") else None,
            "booked_from": _day(since, line) if since else None,
            "booked_to": max(covered, min(ends, default=covered)),
            "entries": tuple(entries),
            "pending": sum(1 for _ in _cut(text, PENDING, line)),
            "notes": notes.all(),
        }
        yield statement(facts, line=line)
    except InputRefused as refusal:
        yield refusal


def _account(told: dict[str, str], line: int) -> str:
    """Reads how the account is called; a French one is called by bank, branch and number."""
    parts = [told.get(name, "").replace(" ", "") for name in ("BANKID", "BRANCHID", "ACCTID")]
    called = account("".join(parts) if tuple(map(len, parts)) == FRENCH else told.get("ACCTID"))
    if called is None:
        raise InputRefused("account", None, f"is not named; {GET_AGAIN}", line=line)
    return called


def _amount(told: str, name: str, line: int) -> Decimal:
    """Reads an amount with its sign; its comma parts cents, never thousands."""
    found = AMOUNT.fullmatch(told)
    if found is None or THOUSANDS.fullmatch(found[2]):
        remedy = f"is not an amount, or can be read in two ways; {GET_AGAIN}"
        raise InputRefused(name, shown(told), remedy, line=line)
    value = decimal(found[2], name, point=".,", line=line)
    return -value if found[1] == "-" else value


def _day(told: str, line: int) -> date:
    found = DAY.fullmatch(told)
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise InputRefused("date", shown(told), f"is not a date; {GET_AGAIN}", line=line) from None


def _movement(text: str | None, line: int, code: str, notes: Notes) -> list[BankEntry]:
    """Reads one movement; none for one of zero."""
    if text is None:
        raise InputRefused("movement", MOVEMENT, f"is not closed; {GET_AGAIN}", line=line)
    inside: dict[str, dict[str, str]] = {}
    for name in INSIDE:
        inside[name], text = _taken_out(text, name)
    told = _values(text)
    if told.get("CORRECTFITID"):
        remedy = "corrects an earlier movement, which is not read; record the correction by hand"
        raise InputRefused("CORRECTFITID", shown(told["CORRECTFITID"]), remedy, line=line)
    amount = _amount(told.get("TRNAMT", ""), "TRNAMT", line)
    kind = told.get("TRNTYPE", "").upper()
    if amount == ZERO:
        notes.add("an entry of zero is left out")
        return []
    if SIGNS.get(kind, amount > ZERO) != (amount > ZERO):
        remedy = f"has the wrong sign for a {kind.lower()}: nobody can tell which way it went; ask the bank"
        raise InputRefused("TRNAMT", shown(told["TRNAMT"]), remedy, line=line)
    payer = told.get("NAME") or inside["PAYEE"].get("NAME")
    texts = (payer, told.get("EXTDNAME"), told.get("MEMO"), told.get("REFNUM"), told.get("CHECKNUM"))
    foreign = inside["CURRENCY"].get("CURSYM")
    facts = {
        "amount": abs(amount),
        "currency": currency(foreign, line=line) if foreign else code,
        "credit": amount > ZERO,
        "booked_on": _day(told.get("DTPOSTED", ""), line),
        "value_on": _day(told["DTAVAIL"], line) if told.get("DTAVAIL") else None,
        "bank_reference": reference(told.get("FITID")),
        "text": joined(texts),
        "payer": tidy(payer, LONGEST_NAME) or None,
        "payer_account": account(inside["BANKACCTTO"].get("ACCTID")),
        "code": tidy(kind, 64) or None,
    }
    return [entry(facts, line=line)]
