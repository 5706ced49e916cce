"""Any file taken in: what was taken, known, waiting or refused, and the refused rows kept.

In: loading a file of events row by row, and loading a refused row again once it is mended.
Not in: formats (readers/), files that are one thing as a whole (documents.py), and what becomes of each
event (door.py).
"""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from domain.events import (
    AgreementMade,
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    Event,
    InvoiceCreated,
    PaymentReceived,
    PaymentReversed,
)
from domain.faults import InputRefused, NotAllowed, NotFound
from intake.admission import Admission, Status
from intake.agreements import BY_INTAKE
from intake.documents import HASHED, take_file
from intake.door import Door
from intake.readers.files import JSON_NAMES, Kind, read_file, read_text, recognise
from intake.readers.rows import Reading, Row, shown
from intake.reports import LoadReport, RefusedRow
from intake.warnings import Warned
from ledger import desk
from ledger.schema import quarantine

Progress = Callable[[int, int], None]
"""Hears how much of a file has been read, and its size in bytes."""

ROW = "row"

__all__ = ["LoadReport", "Progress", "RefusedRow", "load", "problem_of", "retry"]


async def load(
    door: Door,
    path: Path,
    *,
    now: datetime,
    creditor: str | None = None,
    account: str | None = None,
    currency: str | None = None,
    documents: Path | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Loads a file of any kind that is known by its content; what is refused stops nothing else and is kept.

    `creditor` is whose the rows of a CSV are where no column says it; `account` and `currency` are those of
    a bank's CSV that names none; PDFs of invoices are copied into `documents`. The same file again changes
    nothing. Raises Unavailable for a busy database; what was taken before stays taken.
    """
    kind = recognise(path)
    if kind is not Kind.EVENTS:
        return await take_file(
            door,
            path,
            kind,
            now=now,
            account=account,
            currency=currency,
            documents=documents,
            progress=progress,
        )
    loading = _Loading(door, read_file(path, creditor=creditor), creditor, now)
    return await loading.run(progress)


class _Loading:
    """Loads the rows of one reading and counts what becomes of them."""

    def __init__(self, door: Door, reading: Reading, creditor: str | None, now: datetime) -> None:
        self.door = door
        self.reading = reading
        self.creditor = creditor
        self.now = now
        self.counts = dict.fromkeys(Status, 0)
        self.refused: list[RefusedRow] = []
        self.warnings: list[Warned] = []
        self.aside: dict[str, int] = {}
        self.lines: dict[int, list[str]] = {}

    async def run(self, progress: Progress | None) -> LoadReport:
        """Takes every row in turn."""
        source, size = self.reading.source, self.reading.size
        self.aside = await self._set_aside_before()
        for row in self.reading.rows:
            await self._take(row)
            if progress is not None:
                progress(min(row.end, size), size)
        if progress is not None:
            progress(size, size)
        return LoadReport(
            source=source,
            taken=self.counts[Status.TAKEN],
            known=self.counts[Status.KNOWN],
            waiting=self.counts[Status.WAITING],
            refused=tuple(self.refused),
            notes=tuple(self.reading.notes),
            warnings=tuple(self.warnings),
        )

    async def _take(self, row: Row) -> None:
        if isinstance(row.event, InputRefused):
            await self._refuse(row, row.event)
            return
        try:
            admission = await self.door.admit(row.event, now=self.now, source=self.reading.source)
        except InputRefused as refusal:
            await self._refuse(row, refusal)
            return
        self.counts[admission.status] += 1
        place = {"line": row.line, "about": _identity(row.event) or None}
        self.warnings += [one.model_copy(update=place) for one in admission.warnings]
        for raw in self._mended_by(row, row.event):
            async with self.door.database.writing() as conn:
                await desk.set_right(conn, self.aside.pop(raw), self.now)

    def _mended_by(self, row: Row, event: Event) -> list[str]:
        """Finds the kept rows that a taken row settles: its own text, or its line with the same identity.

        Two files may share a name, so that the line alone does not tell that it is the same row.
        """
        name = _identity(event)
        whole = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        before = [raw for raw in self.lines.get(row.line, ()) if name and whole.search(raw)]
        return [raw for raw in dict.fromkeys((row.raw, *before)) if raw in self.aside]

    async def _refuse(self, row: Row, refusal: InputRefused) -> None:
        """Keeps a refused row, once."""
        kept = self.aside.get(row.raw)
        if kept is None and row.raw:
            async with self.door.database.writing() as conn:
                kept = await desk.set_aside(
                    conn, self.reading.source, row.line, row.raw, problem_of(refusal, self.creditor), self.now
                )
            self.aside[row.raw] = kept
        self.refused.append(
            RefusedRow(
                line=row.line,
                field=refusal.field,
                value=_text(refusal.value),
                remedy=refusal.remedy,
                kept=kept,
                whole=kept is None,
            )
        )

    async def _set_aside_before(self) -> dict[str, int]:
        """Finds the rows of this source that still wait to be mended."""
        query = sa.select(quarantine.c.raw, quarantine.c.id, quarantine.c.line).where(
            quarantine.c.source == self.reading.source, quarantine.c.resolved_at.is_(None)
        )
        async with self.door.database.reading() as conn:
            rows = (await conn.execute(query)).all()
        for row in rows:
            if row.line is not None:
                self.lines.setdefault(row.line, []).append(row.raw)
        return {row.raw: row.id for row in rows}


def _identity(event: Event) -> str:
    """Gives the name by which an event is known again; "" for one that has none."""
    match event:
        case InvoiceCreated() | CreditNoteIssued():
            return event.number
        case PaymentReceived() | PaymentReversed():
            return event.reference
        case AgreementMade():
            return event.agreement.id
        case CreditorRegistered():
            return event.creditor.id
        case DebtorRegistered():
            return event.debtor.id
        case _:
            return ""


def problem_of(refusal: InputRefused, creditor: str | None) -> dict[str, str | None]:
    """Writes a refusal down as quarantine keeps it, with the creditor to read the row again for."""
    return {
        "field": refusal.field,
        "value": _text(refusal.value),
        "remedy": refusal.remedy,
        "creditor": creditor,
    }


def _text(value: object) -> str | None:
    return None if value is None else shown(value)


async def retry(
    door: Door, row: int, mended: str | None = None, *, now: datetime, author: str = BY_INTAKE
) -> Admission:
    """Loads a refused row again, as it is or as it was mended; a mended CSV row may omit the header.

    Raises NotFound for an unknown row, NotAllowed for one that is settled, InputRefused where it is
    refused again: it then stays where it is.
    """
    async with door.database.reading() as conn:
        kept = (await conn.execute(sa.select(quarantine).where(quarantine.c.id == row))).one_or_none()
    if kept is None:
        msg = f"no refused row {row}"
        raise NotFound(msg)
    if kept.resolved_at is not None:
        msg = f"row {row} was settled on {kept.resolved_at:%Y-%m-%d}"
        raise NotAllowed(msg)
    if kept.raw.startswith(HASHED):
        msg = f"row {row} is a whole file: import it again, mended; then drop the row if it is still listed"
        raise NotAllowed(msg)
    event = _one_event(kept.raw, mended, kept.source, kept.problem.get("creditor"))
    admission = await door.admit(event, now=now, source=kept.source, author=author)
    async with door.database.writing() as conn:
        await desk.set_right(conn, row, now)
    return admission


def _one_event(raw: str, mended: str | None, source: str, creditor: str | None) -> Event:
    text = raw if mended is None else mended
    is_json = source.lower().endswith(JSON_NAMES) or raw.lstrip().startswith(("{", "["))
    header, separator, _ = raw.partition("\n")
    if mended is not None and not is_json and separator and "\n" not in mended.strip():
        text = f"{header}\n{mended}"
    rows = list(read_text(text, source=f"{ROW}.json" if is_json else ROW, creditor=creditor).rows)
    if len(rows) != 1:
        refusal = InputRefused(ROW, f"{len(rows)} rows", "give exactly one")
        raise refusal
    event = rows[0].event
    if isinstance(event, InputRefused):
        raise event
    return event
