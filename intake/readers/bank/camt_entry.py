"""One entry of an ISO 20022 statement: amount, sign, days, the other party, and what was written.

In: the entry as the bank booked it, split into its transactions where these sum to it.
Not in: the message around it (camt.py).
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from domain.bank import UNSTATED, BankEntry, same_account
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers.bank.tree import Node
from intake.readers.bank.values import (
    GET_AGAIN,
    LONGEST_NAME,
    Notes,
    account,
    currency,
    decimal,
    entry,
    joined,
    reference,
    tidy,
)
from intake.readers.rows import shown

CREDIT = {"CRDT": True, "DBIT": False}
TRUE = {"true", "1"}
STATUSES = {"BOOK", "PDNG", "FUTR", "INFO"}
ISO_DAY = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII
)
RETURNS = {"RRTN", "UPDD", "UPCQ", "UPCT"}
"""Sub-families of bank transaction codes that say that a payment came back."""


def amount(parent: Node, name: str) -> tuple[Decimal, str]:
    """Reads an amount and its currency; raises InputRefused for what is garbled or missing."""
    found = parent.first(name)
    if found is None or not found.text:
        raise InputRefused("amount", None, f"is missing; {GET_AGAIN}", line=parent.line)
    return decimal(found.text, "amount", line=found.line), currency(found.currency, line=found.line)


def is_credit(parent: Node) -> bool:
    """Tells whether money came in; raises InputRefused where the indicator is missing or unknown."""
    told = parent.value("CdtDbtInd")
    if told not in CREDIT:
        remedy = f"says neither CRDT nor DBIT; {GET_AGAIN}"
        raise InputRefused("CdtDbtInd", shown(told or ""), remedy, line=parent.line)
    return CREDIT[told]


def status(ntry: Node) -> str:
    """Reads whether an entry is booked: the status as text, or its code as in later versions."""
    told = ntry.value("Sts") or ntry.value("Sts", "Cd")
    if told not in STATUSES:
        remedy = "is none of BOOK, PDNG, FUTR, INFO: nobody can tell whether the money moved; ask the bank"
        raise InputRefused("Sts", shown(told or ""), remedy, line=ntry.line)
    return told


def iso_day(told: str, name: str, place: int | None) -> date:
    """Reads the day of a date or an instant as the bank wrote it, in its own zone."""
    found = ISO_DAY.fullmatch(told)
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise InputRefused(name, shown(told), f"is not a date; {GET_AGAIN}", line=place) from None


def day(parent: Node, name: str) -> date:
    """Reads the day of an element that holds a date or an instant."""
    return iso_day(parent.value("Dt") or parent.value("DtTm") or "", name, parent.line)


def entries(ntry: Node, own: str | None, number: int, notes: Notes) -> list[BankEntry]:
    """Gives a booked entry, or its transactions where several of them sum to it.

    `own` is the account that the statement is of; `number` tells batches of one statement apart.
    """
    total, money = amount(ntry, "Amt")
    credit = is_credit(ntry)
    booked, value = ntry.first("BookgDt"), ntry.first("ValDt")
    if booked is None and value is None:
        raise InputRefused("BookgDt", None, f"is missing; {GET_AGAIN}", line=ntry.line)
    if total == ZERO:
        notes.add("an entry of zero is left out")
        return []
    value_on = None if value is None else day(value, "ValDt")
    details = list(ntry.all("NtryDtls", "TxDtls"))
    mark = reference(ntry.value("AcctSvcrRef"))
    facts: dict[str, Any] = {
        "currency": money,
        "booked_on": value_on if booked is None else day(booked, "BookgDt"),
        "value_on": value_on,
        "code": _code(ntry),
        "reversal": ntry.value("RvslInd") in TRUE,
    }
    shares = _shares(details, total, money, credit=credit)
    if shares is not None:
        facts |= {"bank_reference": mark, "batch": f"{(mark or 'batch')[:120]}#{number}"}
        return [
            entry(facts | _told(ntry, [part], own, share), line=ntry.line)
            for part, share in zip(details, shares, strict=True)
            if share
        ]
    if len(details) > 1:
        notes.add("an entry has details that do not sum to it; it is kept as one")
    elif details and mark is None:
        mark = reference(details[0].value("Refs", "AcctSvcrRef"))
    facts["bank_reference"] = mark
    return [entry(facts | _told(ntry, details, own, total if credit else -total), line=ntry.line)]


def _shares(details: list[Node], total: Decimal, money: str, *, credit: bool) -> list[Decimal] | None:
    """Gives the signed amounts of several transactions; None unless they sum to the entry."""
    if len(details) < 2:  # noqa: PLR2004 - one detail is the entry itself
        return None
    shares = []
    for part in details:
        holder = part if part.first("Amt") is not None else part.first("AmtDtls", "TxAmt")
        if holder is None:
            return None
        try:
            value, its_money = amount(holder, "Amt")
            into = credit if part.first("CdtDbtInd") is None else is_credit(part)
        except InputRefused:
            return None
        if its_money != money:
            return None
        shares.append(value if into else -value)
    return shares if sum(shares, ZERO) == (total if credit else -total) else None


def _told(ntry: Node, details: list[Node], own: str | None, signed: Decimal) -> dict[str, Any]:
    """Gathers what is written in an entry and in those of its transactions that belong to it."""
    credit = signed > ZERO
    structured = [each for part in details for each in part.all("RmtInf", "Strd")]
    returned = _returned(ntry, details)
    back = returned is not None or ntry.value("RvslInd") in TRUE
    parties = {_other(part, own, credit=credit, back=back) for part in details}
    payer, payer_account = parties.pop() if len(parties) == 1 else (None, None)
    ends = {reference(part.value("Refs", "EndToEndId")) for part in details}
    return {
        "amount": abs(signed),
        "credit": credit,
        "returned": returned,
        "end_to_end": ends.pop() if len(ends) == 1 else None,
        "references": _distinct(each for part in structured for each in part.values("CdtrRefInf", "Ref")),
        "documents": _distinct(each for part in structured for each in part.values("RfrdDocInf", "Nb")),
        "text": joined(_texts(ntry, details, structured)),
        "payer": payer,
        "payer_account": payer_account,
    }


def _texts(ntry: Node, details: list[Node], structured: list[Node]) -> Iterable[str | None]:
    """Yields what was written freely, by the payer first; parties behind the parties are named in it."""
    for part in details:
        yield from part.values("RmtInf", "Ustrd")
    for part in structured:
        yield from part.values("AddtlRmtInf")
    for part in details:
        yield _name(part, "UltmtDbtr")
        yield _name(part, "UltmtCdtr")
        yield from part.values("RtrInf", "AddtlInf")
        yield from part.values("AddtlTxInf")
    yield from ntry.values("AddtlNtryInf")


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in map(reference, found) if each))


def _returned(ntry: Node, details: list[Node]) -> str | None:
    """Finds why a payment came back; None for one that did not."""
    returns = [found for part in details for found in part.all("RtrInf")]
    if not returns and ntry.value("BkTxCd", "Domn", "Fmly", "SubFmlyCd") not in RETURNS:
        return None
    reasons = [found.value("Rsn", "Cd") or found.value("Rsn", "Prtry") for found in returns]
    return tidy(next(filter(None, reasons), None), 16) or UNSTATED


def _code(ntry: Node) -> str | None:
    paths = (["Cd"], ["Fmly", "Cd"], ["Fmly", "SubFmlyCd"])
    told = "/".join(filter(None, (ntry.value("BkTxCd", "Domn", *path) for path in paths)))
    return tidy(told or ntry.value("BkTxCd", "Prtry", "Cd"), 64) or None


def _other(part: Node, own: str | None, *, credit: bool, back: bool) -> tuple[str | None, str | None]:
    """Finds the other party and its account: who paid, or who was paid.

    A payment that comes back keeps the roles of the first time, so that they are the other way round. A
    side is taken for the other one's only where its account is ours.
    """
    sides = [(_name(part, role), _number(part, role)) for role in ("Dbtr", "Cdtr")]
    if credit == back:
        sides.reverse()
    other, ours = sides
    if own is not None and other[1] is not None and same_account(other[1], own):
        return ours
    return other if any(other) or not back or ours[1] is None else ours


def _name(part: Node, role: str) -> str | None:
    found = part.value("RltdPties", role, "Nm") or part.value("RltdPties", role, "Pty", "Nm")
    return tidy(found, LONGEST_NAME) or None


def _number(part: Node, role: str) -> str | None:
    held = part.first("RltdPties", f"{role}Acct", "Id")
    return None if held is None else account(held.value("IBAN") or held.value("Othr", "Id"))
