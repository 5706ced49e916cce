"""Facts typed at the terminal: money, credit, a write-off, how far payments are known.

In: `paid`, `credit`, `write-off`, `payments-known`, and `take`, which reads one event.
Not in: files (loading.py), and decisions about a case (steering.py).
"""

import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from domain.calendars import Agenda
from domain.events import CreditNoteIssued, Event, InvoiceWrittenOff, PaymentReceived, PaymentsKnown
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed
from intake.admission import Admission, Status
from intake.readers.files import read_text
from ledger import accounts
from ledger.queries import CaseLine
from terminal.bank_words import pointed_out
from terminal.options import Lang, Machine, Number, OfCreditor, Reason, Speech, amount, day_option
from terminal.record import Record, opened
from terminal.screen import give, say, warn
from terminal.shell import run

STANDARD_INPUT = "standard input"


def paid(
    number: Number,
    sum_: Annotated[
        Decimal | None,
        typer.Option(
            "--amount",
            metavar="SUM",
            parser=amount,
            help="How much; by default all that is open.",
            show_default=False,
        ),
    ] = None,
    received_on: Annotated[
        date | None, day_option("--on", "The day the money came; by default today.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The payment's own reference; it counts once.", show_default=False),
    ] = None,
    creditor: OfCreditor = None,
    *,
    machine: Machine = False,
) -> None:
    """Record a payment of an invoice, in full or in part."""

    async def work() -> None:
        async with opened() as record:
            line = await record.find(number, creditor)
            day = received_on or await _today(record, line)
            money, owed = sum_ or line.open, line.open
            if money <= ZERO:
                state = line.ending or "settled"
                msg = f"invoice {number} owes nothing ({state}); give --amount if money came all the same"
                raise NotAllowed(msg)
            event = PaymentReceived(
                creditor=line.creditor,
                reference=reference or f"terminal:{number}:{day}:{money:.2f}",
                amount=money,
                currency=line.currency,
                received_on=day,
                invoice=line.number,
            )
            admission = await admit(record, event, machine=machine)
            if admission.status is Status.TAKEN and money > owed:
                warn(_left_over(event, number, owed))

    run(work())


def _left_over(event: PaymentReceived, number: str, owed: Decimal) -> str:
    """Says how much of a payment no invoice takes, and what to type."""
    rest = f"{event.amount - owed:.2f} {event.currency}"
    command = f"starter.py allocate '{event.reference}' --creditor {event.creditor} --to NUMBER=AMOUNT"
    return (
        f"invoice {number} owed {owed:.2f}, the payment is of {event.amount:.2f}: {rest} stays unallocated; "
        f"to give it to another invoice of this customer, type: {command}"
    )


def credit(
    number: Number,
    sum_: Annotated[
        Decimal,
        typer.Option(
            "--amount", metavar="SUM", parser=amount, help="How much is credited.", show_default=False
        ),
    ],
    note: Annotated[
        str,
        typer.Option("--number", metavar="TEXT", help="The credit note's own number.", show_default=False),
    ],
    issued_on: Annotated[date | None, day_option("--on", "The credit note's date; by default today.")] = None,
    creditor: OfCreditor = None,
    *,
    machine: Machine = False,
) -> None:
    """Record a credit note on an invoice."""

    async def work() -> None:
        async with opened() as record:
            line = await record.find(number, creditor)
            event = CreditNoteIssued(
                creditor=line.creditor,
                number=note,
                invoice=line.number,
                issue_date=issued_on or await _today(record, line),
                currency=line.currency,
                total=sum_,
            )
            await admit(record, event, machine=machine)

    run(work())


def write_off(
    number: Number,
    reason: Reason,
    creditor: OfCreditor = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Take an earlier write-off back.")] = False,
    machine: Machine = False,
) -> None:
    """Give an invoice up: nobody is reminded of it any more."""

    async def work() -> None:
        async with opened() as record:
            line = await record.find(number, creditor)
            event = InvoiceWrittenOff(
                creditor=line.creditor, number=line.number, written_off=not undo, reason=reason
            )
            await admit(record, event, machine=machine)

    run(work())


def payments_known(
    creditor: Annotated[
        str, typer.Option("--creditor", metavar="ID", help="Who is owed.", show_default=False)
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT", help="As 2026-03-31T18:00+02:00; by default now.", show_default=False
        ),
    ] = None,
    *,
    machine: Machine = False,
) -> None:
    """State up to which moment all payments have been fed in."""

    async def work() -> None:
        async with opened() as record:
            event = PaymentsKnown(creditor=creditor, as_of=_instant(as_of) if as_of else record.now)
            await admit(record, event, machine=machine)

    run(work())


def take(*, lang: Lang = Speech.EN, machine: Machine = False) -> None:
    """Take one event, as JSON, from standard input."""
    event = read_event(sys.stdin.read())

    async def work() -> None:
        async with opened(create=True) as record:
            record.check_words()
            await admit(record, event, machine=machine, language=lang)

    run(work())


def read_event(text: str) -> Event:
    """Reads one event; raises InputRefused naming the line or the field, the value and the remedy."""
    rows = list(read_text(text, source=f"{STANDARD_INPUT}.json").rows)
    if len(rows) > 1:
        raise InputRefused(
            field=STANDARD_INPUT, value=f"{len(rows)} events", remedy="give one; `import` takes files of many"
        )
    event = rows[0].event
    if isinstance(event, InputRefused):
        raise event
    return event


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputRefused(
            field="as-of", value=text, remedy="write an instant with its offset, as 2026-03-31T18:00+02:00"
        ) from None
    return moment


async def _today(record: Record, line: CaseLine) -> date:
    async with record.database.reading() as conn:
        account = (await accounts.load(conn, line.creditor, line.debtor)).account
    return Agenda.of(account.creditor, account.debtor).today(record.now)


async def admit(record: Record, event: Event, *, machine: bool, language: str = Speech.EN) -> Admission:
    """Takes a fact in, tells the runs, and says what came of it."""
    admission = await record.door.admit(event, now=record.now, source="terminal")
    woken = await record.deliver()
    give(document_of(admission, woken=woken), say(*answered(admission, language)), machine=machine)
    return admission


def answered(admission: Admission, language: str = Speech.EN) -> list[str]:
    """Says what became of an event, and what a person should look at in it."""
    return [f"{admission.status}: {admission.what}", *pointed_out(admission.warnings, language)]


def document_of(admission: Admission, *, woken: bool) -> dict[str, Any]:
    """Writes an admission out for a machine; `delivered` tells whether the runs have heard of it."""
    return admission.model_dump(mode="json") | {"delivered": woken}
