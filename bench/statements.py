"""A bank statement of thousands of entries, until each is booked and every run has been woken.

In: the measurement of one import of a camt.053 file, and the file.
Not in: what the runs make of it (payments.py), the table (table.py).

Every entry pays an invoice in one of the ways in which people do; a few are fees. A debtor has ten invoices.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

from bench import portfolio
from bench.processes import usage
from bench.relance import Relance
from correspondence.payment_code import creditor_reference
from domain.events import DebtorRegistered, Event, InvoiceCreated
from domain.fact import ZERO
from domain.faults import Unavailable
from intake.loading import load

IBAN = "FR7630006000011234567890189"
EACH = 10
"""Invoices of one debtor."""

TWENTIETHS = 20
"""Of twenty entries, fourteen quote the reference, four name the invoice in words, one is nameless money of a
known debtor, one is a fee."""


@dataclass(frozen=True)
class Imported:
    """States what an import took, in seconds and bytes; `told` is when the last run had been woken."""

    count: int
    wall: float
    told: float
    cpu: float
    memory: int


async def import_statement(arm: Relance, count: int) -> Imported:
    """Imports a statement of so many entries for as many invoices; raises Unavailable where one is lost."""
    now = datetime.now(UTC)
    for event in _opening(count, now.date()):
        await arm.door.admit(event, now=now)
    await arm.relay()  # the runs are there, and sleep
    file = _file(arm.stage.folder, count, now.date())
    before = usage(os.getpid()).resident
    began, cpu = time.perf_counter(), time.process_time()
    report = await load(arm.door, file, now=now)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    memory = usage(os.getpid()).peak - before
    await arm.relay()
    told = time.perf_counter() - began
    [done] = report.statements
    if done.entries != count or done.booked + done.on_account + done.not_ours != count:
        msg = f"Relance: of {count} entries {done.booked} were booked, {done.asked} asked about"
        raise Unavailable(msg)
    return Imported(count, wall, told, cpu, memory)


def _opening(count: int, today: date) -> Iterator[Event]:
    """Makes a creditor, debtors and so many invoices known."""
    yield portfolio.creditor()
    parties = (event for event in portfolio.invoices(0, count, today) if isinstance(event, DebtorRegistered))
    yield from islice(parties, -(-count // EACH))
    for place, bill in enumerate(portfolio.invoices(0, count, today)):
        if isinstance(bill, InvoiceCreated):
            yield bill.model_copy(update={"debtor": _debtor(place // 2), "total": _amount(place // 2)})


def _amount(place: int) -> Decimal:
    """Gives each invoice an amount of its own, as real ones have."""
    return portfolio.TOTAL + Decimal(place) / 100


def _debtor(place: int) -> str:
    return f"client-{place // EACH:06d}"


def _file(folder: Path, count: int, today: date) -> Path:
    file = folder / "statement.xml"
    total = sum((_amount(place) if place % TWENTIETHS else -_amount(place) for place in range(count)), ZERO)
    with file.open("w", encoding="utf-8") as stream:
        stream.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr>'
            f"<MsgId>1</MsgId><CreDtTm>{today}T06:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
            f"<Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{_balance('OPBD', 0, today)}"
            f"{_balance('CLBD', total, today)}\n"
        )
        stream.writelines(_entries(count, today))
        stream.write("</Stmt></BkToCstmrStmt></Document>\n")
    return file


def _balance(code: str, amount: object, today: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{today}</Dt></Dt></Bal>"
    )


def _entries(count: int, today: date) -> Iterator[str]:
    for place in range(count):
        turn = place % TWENTIETHS
        side, text, reference = "CRDT", f"Facture {portfolio.number(place)}", ""
        if turn == 0:
            side, text = "DBIT", "FRAIS"
        elif turn == 1:
            text = "VIREMENT"
        elif turn <= TWENTIETHS - 5:
            structured = creditor_reference(portfolio.number(place))
            reference = f"<Strd><CdtrRefInf><Ref>{structured}</Ref></CdtrRefInf></Strd>"
        written = reference or f"<Ustrd>{text}</Ustrd>"
        yield (
            f"<Ntry><Amt Ccy='EUR'>{_amount(place)}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>BOOK</Sts>"
            f"<BookgDt><Dt>{today}</Dt></BookgDt><ValDt><Dt>{today}</Dt></ValDt>"
            f"<AcctSvcrRef>B{place:09}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId>"
            f"</Refs><RltdPties><Dbtr><Nm>ATELIER DUBOIS {place // EACH} SARL</Nm></Dbtr></RltdPties>"
            f"<RmtInf>{written}</RmtInf></TxDtls></NtryDtls></Ntry>\n"
        )
