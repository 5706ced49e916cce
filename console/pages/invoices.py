"""Invoices as a list: narrowed, sorted, a page at a time, taken along as a file.

In: GET /invoices and /invoices.csv.
Not in: what is done to many of them (bulk.py), one invoice (case.py).
"""

from collections.abc import AsyncIterator, Iterable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.forms import TypedAmount
from console.narrowing import PER_PAGE, Narrowed
from console.screen import page
from console.seats import Seat, Viewer
from console.sheets import Cell, sheet
from console.speech import speech
from domain.ageing import Age
from domain.explanation import explain
from intake.telling import words
from ledger.views import lists
from ledger.views.lists import InvoiceLine
from ledger.views.sought import Sought, State, asked

router = APIRouter()

USUAL = {"state": State.OPEN.value}
"""What is shown where an address asks for nothing."""


class Filters(Sought):
    """Reads what is sought as people type it."""

    amount_from: TypedAmount | None = None
    amount_to: TypedAmount | None = None


def narrowed(typed: Mapping[str, str]) -> Narrowed[Filters]:
    """Reads the filters of an address."""
    return Narrowed("/invoices", dict(typed) or USUAL, Filters, "due")


@router.get("/invoices")
async def invoices(request: Request, seat: Viewer) -> Response:
    """Lists invoices."""
    asks = narrowed(request.query_params)
    async with seat.office.database.reading() as conn:
        where = await asked(conn, seat.creditors, seat.now)
        lines: list[InvoiceLine] = []
        sums: list[lists.Sum] = []
        if asks.sought is not None:
            sums = await lists.invoice_sums(conn, asks.sought, where)
            keys = await lists.invoice_keys(
                conn, asks.sought, where, sort=asks.sort, limit=PER_PAGE, offset=asks.offset
            )
            lines = await lists.invoice_lines(conn, keys)
        marks = await lists.marks(conn, lines, where)
        choices = await lists.choices(conn, seat.creditors)
    return page(
        seat,
        request,
        "invoices/list.html",
        status=422 if asks.mistakes else 200,
        asks=asks,
        typed=asks.typed,
        mistakes=asks.mistakes,
        lines=lines,
        sums=sums,
        found=sum(one.count for one in sums),
        marks=marks,
        choices=choices,
        today=where.today,
        states=[one.value for one in State],
        ages=[one.value for one in Age],
        last=asks.offset + len(lines),
    )


HEADS = (
    *("Creditor", "Number", "Customer", "Customer's id", "Issued", "Due", "Days late", "Currency"),
    *("Total", "Open", "State", "Next step", "Next on", "Why", "Policy"),
)


@router.get("/invoices.csv")
async def export(request: Request, seat: Viewer) -> Response:
    """Sends every invoice of the filtered list as a file."""
    asks, said = narrowed(request.query_params), speech(seat.language)
    if asks.sought is None:
        return await invoices(request, seat)
    sought = asks.sought

    async def rows() -> AsyncIterator[Iterable[list[Cell]]]:
        async with seat.office.database.reading() as conn:
            where = await asked(conn, seat.creditors, seat.now)
            async for some in lists.all_lines(conn, sought, where, asks.sort):
                yield [_row(seat, line, (where.today[line.creditor] - line.due_date).days) for line in some]

    heads = [said.gettext(head) for head in HEADS]
    return sheet(f"{said.gettext('invoices')}-{seat.now:%Y-%m-%d}", heads, rows(), seat.language)


def _row(seat: Seat, line: InvoiceLine, late: int) -> list[Cell]:
    coming = line.next if line.ending is None else None
    state = "open" if line.ending is None else line.ending.value
    return [
        line.creditor,
        line.number,
        line.debtor_name,
        line.debtor,
        line.issue_date,
        line.due_date,
        max(0, late) if line.ending is None else None,
        line.currency,
        line.total,
        line.open,
        words.label("open_case" if state == "open" else state, seat.language),
        coming.step if coming is not None else None,
        coming.day if coming is not None else None,
        explain(coming.because, seat.language) if coming is not None else None,
        line.policy,
    ]
