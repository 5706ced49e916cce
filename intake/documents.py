"""Files that are taken in as a whole: bank files, electronic invoices, life-cycle messages.

In: what each part of such a file becomes, and what is kept of a part that was refused.
Not in: formats (readers/), files of rows (loading.py), what becomes of events (door.py) and of statements
(statements.py).

A part that is refused stops no other. Its content stays in the file: the record keeps the file's name, the
reason, and the hash by which the same file is known once it can be taken.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import ValidationError

from domain.bank import BankStatement
from domain.events import Event, InvoiceCreated
from domain.faults import InputRefused
from domain.receivable import Creditor
from intake import attachments, lookups
from intake.admission import Status
from intake.bank.owners import owner
from intake.door import Door
from intake.readers import bank, cdar, xml
from intake.readers.einvoice import reading as einvoice
from intake.readers.einvoice.events import to_events
from intake.readers.einvoice.identification import creditor_of
from intake.readers.files import Kind, name_of
from intake.readers.rows import explained, shown
from intake.readers.text import LARGEST_FILE
from intake.reports import LoadReport, RefusedRow
from intake.statements import StatementReport, take_statements
from intake.warnings import Concern, Warned
from ledger import desk
from ledger.schema import quarantine

HASHED = "sha256:"
"""How the content of a refused file is kept: not at all, but for its hash."""

Progress = Callable[[int, int], None]
"""Hears how much of a file has been taken in, and how much there is."""


async def take_file(
    door: Door,
    path: Path,
    kind: Kind,
    *,
    now: datetime,
    account: str | None = None,
    currency: str | None = None,
    documents: Path | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Takes a file in as a whole; the same file again changes nothing.

    `account` and `currency` are those of a bank file that names none; PDFs of invoices are copied into
    `documents`, to be sent along with reminders. Raises Unavailable for a busy database; what was taken
    before stays taken.
    """
    taking = _Taking(door, path, now)
    try:
        data = _content(path)
        await taking.begin(data)
        match kind:
            case Kind.STATEMENT:
                currency = currency or await taking.declared(account)
                parts = bank.read(data, path.name, account=account, currency=currency)
                await taking.statements(parts, progress)
            case Kind.INVOICE:
                await taking.invoice(data, documents)
            case Kind.STATUSES:
                await taking.statuses(data)
            case _:
                await taking.refuse(_unknown(data))
    except InputRefused as refusal:
        await taking.refuse(refusal)
    return taking.report(kind)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            remedy = f"has {size / 1e6:.0f} MB, more than {LARGEST_FILE / 1e6:.0f}; split it"
            raise InputRefused("file", shown(path.name), remedy)
        return path.read_bytes()
    except OSError as fault:
        remedy = "cannot be opened; check its name and its rights"
        raise InputRefused("file", shown(path.name), remedy) from fault


def _unknown(data: bytes) -> InputRefused:
    root = xml.root_name(data)
    remedy = "is XML that is not read; give an invoice (Factur-X, UBL, CII), a camt or a CDAR"
    return InputRefused("file", shown(root[1]) if root else None, remedy)


class _Taking:
    """Takes the parts of one file, and gathers what is to be said of it."""

    def __init__(self, door: Door, path: Path, now: datetime) -> None:
        self.door = door
        self.source = name_of(path)
        self.now = now
        self.counts = dict.fromkeys(Status, 0)
        self.refused: list[RefusedRow] = []
        self.notes: list[str] = []
        self.warnings: list[Warned] = []
        self.reports: list[StatementReport] = []
        self.digest = ""
        self.part = 0
        self.aside: dict[str, int] = {}

    async def begin(self, data: bytes) -> None:
        """Finds what this very file has in quarantine."""
        self.digest = hashlib.sha256(data).hexdigest()
        query = sa.select(quarantine.c.raw, quarantine.c.id).where(
            quarantine.c.resolved_at.is_(None), quarantine.c.raw.startswith(f"{HASHED}{self.digest}")
        )
        async with self.door.database.reading() as conn:
            self.aside = {row.raw: row.id for row in await conn.execute(query)}

    def report(self, kind: Kind) -> LoadReport:
        """Says what became of the file."""
        return LoadReport(
            source=self.source,
            kind=kind.value,
            taken=self.counts[Status.TAKEN],
            known=self.counts[Status.KNOWN],
            waiting=self.counts[Status.WAITING],
            refused=tuple(self.refused),
            notes=tuple(self.notes),
            warnings=tuple(self.warnings),
            statements=tuple(self.reports),
        )

    async def refuse(self, refusal: InputRefused) -> None:
        """Keeps why a part of the file was refused, once."""
        value = None if refusal.value is None else shown(refusal.value)
        kept = self.aside.pop(self._raw, None)
        if kept is None and self.digest:
            problem = {
                "field": refusal.field,
                "value": value,
                "remedy": refusal.remedy,
                "creditor": None,
                "sha256": self.digest,
            }
            async with self.door.database.writing() as conn:
                kept = await desk.set_aside(conn, self.source, refusal.line, self._raw, problem, self.now)
        self.refused.append(
            RefusedRow(
                line=refusal.line or 1,
                field=refusal.field,
                value=value,
                remedy=refusal.remedy,
                kept=kept,
                whole=True,
            )
        )

    async def settled(self) -> None:
        """Takes a part that was refused before out of quarantine: it is in the record now."""
        kept = self.aside.pop(self._raw, None)
        if kept is not None:
            async with self.door.database.writing() as conn:
                await desk.set_right(conn, kept, self.now)

    @property
    def _raw(self) -> str:
        return f"{HASHED}{self.digest}" + (f"#{self.part}" if self.part else "")

    # Bank files

    async def declared(self, account: str | None) -> str | None:
        """Tells the currency that is declared for an account; none where nobody declared it."""
        if account is None:
            return None
        async with self.door.database.reading() as conn:
            with suppress(InputRefused):  # files that name their account need none from outside
                return (await owner(conn, account)).currency
        return None

    async def statements(self, parts: list[BankStatement | InputRefused], progress: Progress | None) -> None:
        """Takes the statements of a bank file."""
        read = [part for part in parts if isinstance(part, BankStatement)]
        torn = len(read) < len(parts)
        told = iter(
            await take_statements(
                self.door.database, read, now=self.now, source=self.source, torn=torn, progress=progress
            )
        )
        for self.part, part in enumerate(parts, 1):
            report = part if isinstance(part, InputRefused) else next(told)
            if isinstance(report, InputRefused):
                unplaced = report is not part and len(parts) > 1
                await self.refuse(_of_part(report, self.part) if unplaced else report)
                continue
            self.reports.append(report)
            self.counts[Status.TAKEN] += report.new
            self.counts[Status.KNOWN] += report.known
            await self.settled()

    # Electronic invoices

    async def invoice(self, data: bytes, documents: Path | None) -> None:
        """Takes an electronic invoice, or a credit note."""
        read = einvoice.read(data)
        async with self.door.database.reading() as conn:
            creditors = await lookups.all_creditors(conn)
            creditor = creditor_of(read, creditors)
            understood = to_events(read, creditors, await lookups.debtors_like(conn, creditor, read))
            name = await lookups.attached_pdf(conn, creditor.id, read.number)
        self.notes += understood.notes
        read_with = [
            Warned(concern=Concern.AS_READ, field="file", value=said) for said in understood.warnings
        ]
        attached: attachments.Attached | None = None
        bills = any(isinstance(event, InvoiceCreated) for event in understood.events)
        if read.embedded is not None and documents is not None and bills and name is None:
            attached = attachments.attach(documents, read.number, data)
            name = attached.name
        try:
            for event in understood.events:
                await self._admit(_with_pdf(event, name))
        except InputRefused:
            self.warnings += read_with
            if attached is not None:
                attached.take_back()
            raise
        if self.counts[Status.KNOWN] < len(understood.events) or not understood.events:
            self.warnings += read_with
        await self.settled()

    # Life-cycle messages

    async def statuses(self, data: bytes) -> None:
        """Takes what a life-cycle message says of each invoice."""
        async with self.door.database.reading() as conn:
            creditors = await lookups.all_creditors(conn)
        for self.part, message in enumerate(cdar.read(data), 1):
            try:
                if isinstance(message, InputRefused):
                    raise message
                await self._admit(_status(message, creditors))
            except InputRefused as refusal:
                await self.refuse(refusal)
            else:
                await self.settled()

    async def _admit(self, event: Event) -> None:
        admission = await self.door.admit(event, now=self.now, source=self.source)
        self.counts[admission.status] += 1
        self.notes.append(admission.what)
        self.warnings += admission.warnings


def _of_part(refusal: InputRefused, part: int) -> InputRefused:
    """Says which statement of a file is meant, where no line does."""
    if refusal.line is not None:
        return refusal
    return InputRefused(f"statement {part}: {refusal.field}", refusal.value, refusal.remedy)


def _with_pdf(event: Event, name: str | None) -> Event:
    return event.model_copy(update={"pdf": name}) if isinstance(event, InvoiceCreated) else event


def _status(message: cdar.LifecycleMessage, creditors: list[Creditor]) -> Event:
    try:
        return cdar.to_event(message, creditors)
    except ValidationError as fault:
        raise explained(fault) from fault
