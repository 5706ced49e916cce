"""Tables as CSV files for spreadsheets: sent as they are read, and safe to open.

In: how cells are written, the response.
Not in: which rows (pages/).

A byte order mark tells Excel that it is UTF-8. French sheets part cells by semicolons and write decimals
with a comma, as Excel reads them in France. A text that a spreadsheet would take for a formula is led by an
apostrophe.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from decimal import Decimal

from fastapi.responses import StreamingResponse

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | Decimal | date | None


def written(value: Cell, language: str) -> str:
    """Writes a cell: days as 2026-12-24, amounts and numbers without thousands, texts defused."""
    match value:
        case None:
            return ""
        case Decimal():
            return str(value).replace(".", ",") if language == "fr" else str(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case _:
            return str(value)


def sheet(
    name: str, heads: Sequence[str], rows: AsyncIterator[Iterable[Sequence[Cell]]], language: str
) -> StreamingResponse:
    """Sends rows as a CSV file of that name, some hundred at a time."""

    async def parts() -> AsyncIterator[bytes]:
        yield (MARK + _lines([heads], language)).encode()
        async for some in rows:
            yield _lines(some, language).encode()

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(parts(), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Iterable[Sequence[Cell]], language: str) -> str:
    text = io.StringIO()
    sheet = csv.writer(text, delimiter=";" if language == "fr" else ",")
    sheet.writerows([written(one, language) for one in row] for row in rows)
    return text.getvalue()
