"""Statements, reports and notices of ISO 20022: camt.053, camt.052, camt.054, in all versions in use.

In: the message read piece by piece, its balances, what is booked and what is only announced.
Not in: what one entry says (camt_entry.py).

Elements are found by their local names, whatever the version. A report (052) and a notice (054) have no
balances that could be checked: there a broken entry is refused by itself. A statement with both balances
stands or falls as a whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from domain.bank import BankEntry, BankStatement
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers.bank.camt_entry import amount, day, entries, is_credit, iso_day, status
from intake.readers.bank.tree import Node, named
from intake.readers.bank.values import (
    GET_AGAIN,
    Notes,
    Read,
    account,
    last_booked,
    reference,
    statement,
    tidy,
)
from intake.readers.rows import shown

MESSAGES = {
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
"""The messages: how each is called, and the name of its statements."""

STATEMENTS = {name for _, name in MESSAGES.values()}
ENTRY = "Ntry"
MESSAGE = re.compile(rb"<(?:[\w.-]{1,40}:)?(" + "|".join(MESSAGES).encode() + rb")[\s/>]")
VERSION = re.compile(r"camt\.05[234]\.\d{3}\.\d{2}")
CHUNK = 1 << 20
LARGEST_ENTRY = 32_000_000
"""How many bytes one entry may have, with all its transactions."""

ENCODINGS = {"UTF-8", "UTF-16", "US-ASCII", "ASCII", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252"}

OPENING = ("OPBD", "PRCD")
CLOSING = ("CLBD",)
BOOKED = "BOOK"
ANNOUNCED = {"PDNG", "FUTR"}


def recognise(head: bytes) -> str | None:
    """Tells which message the beginning of an XML file is; None if none of these."""
    found = MESSAGE.search(head.replace(b"\0", b""))
    return MESSAGES[found[1].decode()][0] if found else None


def read(data: bytes) -> Iterator[Read]:
    """Yields the statements of a message one after another, and why one of them cannot be taken.

    What is read before the place where a file is broken is yielded before the refusal.
    """
    try:
        yield from _pieces(data)
    except etree.XMLSyntaxError as fault:
        remedy = f"is not well-formed XML from here on; {GET_AGAIN}"
        yield InputRefused("file", shown(fault.msg), remedy, line=fault.lineno or None)
    except InputRefused as refusal:
        yield refusal


@dataclass(frozen=True)
class _Balance:
    """Holds a balance with its sign, its day and its currency, as far as they are told."""

    value: Decimal | None = None
    on: date | None = None
    currency: str | None = None


@dataclass
class _Reading:
    """Gathers what one statement tells while it is read."""

    format: str
    head: list[etree._Element | None] | None = None
    account: str | None = None
    entries: list[BankEntry] = field(default_factory=list)
    refusals: list[InputRefused] = field(default_factory=list)
    pending: int = 0
    notes: Notes = field(default_factory=Notes)


def _pieces(data: bytes) -> Iterator[Read]:
    """Reads a message entry by entry; what has been read is dropped, so that size costs no memory."""
    reading: _Reading | None = None
    message = ""
    for event, element in _events(data):
        name = named(element)[1]
        if event == "start":
            if name in MESSAGES:
                _refuse_hidden(element)
                message = _version(element, MESSAGES[name][0])
            elif name in STATEMENTS and message and reading is None:
                reading = _Reading(message)
        elif reading is not None and name == ENTRY:
            _take(element, reading)
            _drop_before(element, reading)
        elif reading is not None and name in STATEMENTS:
            yield from _finished(element, reading)
            element.clear()
            reading = None


def _events(data: bytes) -> Iterator[tuple[str, etree._Element]]:
    """Parses chunk by chunk, and yields where messages, statements and entries begin and end.

    Raises InputRefused for an entry, or anything else that is not dropped, beyond LARGEST_ENTRY.
    """
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in (*MESSAGES, *STATEMENTS, ENTRY)],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    held = 0
    for start in range(0, len(data), CHUNK):
        fault = None
        try:
            parser.feed(data[start : start + CHUNK])
        except etree.XMLSyntaxError as broken:
            fault = broken
        held += CHUNK
        pieces: Iterator[Any] = parser.read_events()  # the type stubs do not know what was asked for
        for piece in pieces:
            held = 0
            yield piece
        if fault is not None:
            raise fault
        if held > LARGEST_ENTRY:
            remedy = f"has no end within {LARGEST_ENTRY / 1e6:.0f} MB; {GET_AGAIN}"
            raise InputRefused("entry", ENTRY, remedy)
    parser.close()


def _refuse_hidden(element: etree._Element) -> None:
    """Refuses what can hide anything: a document type, and encodings that nobody writes."""
    info: Any = element.getroottree().docinfo  # the type stubs leave its document type unsaid
    if info.doctype:
        remedy = "has a document type, which may hide anything; send the file without <!DOCTYPE ...>"
        raise InputRefused("file", "<!DOCTYPE", remedy, line=1)
    if info.encoding is not None and info.encoding.upper() not in ENCODINGS:
        remedy = "is an encoding that is not read; save it as UTF-8"
        raise InputRefused("file", shown(info.encoding), remedy, line=1)


def _version(element: etree._Element, called: str) -> str:
    found = VERSION.search(named(element)[0])
    return found[0] if found else called


def _drop_before(element: etree._Element, reading: _Reading) -> None:
    """Drops what was read between the head of the statement and this entry."""
    parent = element.getparent()
    if reading.head is None:
        reading.head = [element.getprevious()]
    while parent is not None and (before := element.getprevious()) is not reading.head[0]:
        if before is None:
            break
        parent.remove(before)


def _take(element: etree._Element, reading: _Reading) -> None:
    """Takes one entry, if it is booked."""
    ntry = Node(element)
    try:
        told = status(ntry)
        if told == BOOKED:
            if reading.account is None:
                reading.account = _account_above(element)
            number = len(reading.entries) + 1
            reading.entries.extend(entries(ntry, reading.account, number, reading.notes))
        elif told in ANNOUNCED:
            reading.pending += 1
        else:
            reading.notes.add(f"an entry of status {told} is left out: it moves no money")
    except InputRefused as refusal:
        reading.refusals.append(refusal)


def _account_above(element: etree._Element) -> str | None:
    parent = element.getparent()
    held = None if parent is None else parent.find("{*}Acct")
    return None if held is None else _account(Node(held))


def _finished(element: etree._Element, reading: _Reading) -> Iterator[Read]:
    """Makes the statement of what was read; one with balances needs every entry."""
    stmt = Node(element)
    if not named(element)[0]:
        reading.notes.add("it has no namespace; it was read as the message that its elements name")
    try:
        first, last = _balances(stmt, reading)
        if reading.refusals and first.value is not None and last.value is not None:
            yield from (_with_all(refusal) for refusal in reading.refusals)
            return
        made = _statement(stmt, reading, first, last)
    except InputRefused as refusal:
        yield from reading.refusals
        yield refusal
        return
    yield from reading.refusals
    yield made


def _with_all(refusal: InputRefused) -> InputRefused:
    remedy = f"{refusal.remedy} (its statement is not taken)"
    return InputRefused(refusal.field, refusal.value, remedy, line=refusal.line)


def _statement(stmt: Node, reading: _Reading, first: _Balance, last: _Balance) -> BankStatement:
    held = stmt.first("Acct")
    called = None if held is None else _account(held)
    if held is None or called is None:
        raise InputRefused("account", None, f"is not named; {GET_AGAIN}", line=stmt.line)
    since = stmt.value("FrToDt", "FrDtTm") or stmt.value("FrToDt", "FrDt")
    until = stmt.value("FrToDt", "ToDtTm") or stmt.value("FrToDt", "ToDt") or stmt.value("CreDtTm")
    covered = last.on or last_booked(reading.entries, iso_day(until, "ToDtTm", stmt.line) if until else None)
    money = held.value("Ccy") or first.currency or last.currency
    facts = {
        "format": reading.format,
        "account": called,
        "currency": money or next((each.currency for each in reading.entries), None),
        "id": reference(stmt.value("Id")),
        "number": tidy(stmt.value("ElctrncSeqNb") or stmt.value("LglSeqNb"), 35) or None,
        "opening": first.value,
        "closing": last.value,
        "booked_from": iso_day(since, "FrDtTm", stmt.line) if since else None,
        "booked_to": covered,
        "entries": tuple(reading.entries),
        "pending": reading.pending,
        "notes": reading.notes.all(),
    }
    return statement(facts, line=stmt.line)


def _account(held: Node) -> str | None:
    paths = (["IBAN"], ["Othr", "Id"], ["PrtryAcct", "Id"], ["BBAN"])
    return account(next(filter(None, (held.value("Id", *path) for path in paths)), None))


def _balances(stmt: Node, reading: _Reading) -> tuple[_Balance, _Balance]:
    """Finds the opening and the closing balance, each without its value where that says nothing.

    The balances of a page belong to all pages together; those of reports change with the hour of the day.
    """
    if not reading.format.startswith("camt.053"):
        return _Balance(), _Balance()
    own = stmt.value("Acct", "Ccy")
    first, last = _booked(stmt, OPENING, own), _booked(stmt, CLOSING, own)
    if _is_page(stmt):
        reading.notes.add("it is a page of several; its balances belong to all of them and were not compared")
        return _Balance(), _Balance(on=last[-1].on if last else None)
    if not first or not last:
        reading.notes.add("it lacks an opening or a closing balance; its entries were not compared with them")
    return first[0] if first else _Balance(), last[-1] if last else _Balance()


def _booked(stmt: Node, codes: tuple[str, ...], own: str | None) -> list[_Balance]:
    """Reads the balances of the first of these codes that is there, the earliest first."""
    found: dict[str, list[_Balance]] = {code: [] for code in codes}
    for balance in stmt.all("Bal"):
        code = balance.value("Tp", "CdOrPrtry", "Cd") or balance.value("Tp", "Cd") or ""
        if code not in found:
            continue
        value, money = amount(balance, "Amt")
        if own is not None and money != own:
            remedy = f"is in {money}, the account is in {own}; ask the bank which is right"
            raise InputRefused(code, f"{value} {money}", remedy, line=balance.line)
        on = balance.first("Dt")
        if on is None:
            raise InputRefused(code, f"{value} {money}", f"has no date; {GET_AGAIN}", line=balance.line)
        signed = value if value == ZERO or is_credit(balance) else -value
        found[code].append(_Balance(signed, day(on, code), money))
    kinds = (sorted(kind, key=lambda told: told.on or date.min) for kind in found.values() if kind)
    return next(kinds, [])


def _is_page(stmt: Node) -> bool:
    number = stmt.value("StmtPgntn", "PgNb") or "1"
    return number.lstrip("0") != "1" or stmt.value("StmtPgntn", "LastPgInd") in {"false", "0"}
