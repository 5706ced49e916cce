"""Files that a person hands in: taken in as any other, in that person's name, and remembered.

In: what one may hand in, taking a file, the entry of the journal that says who handed in what.
Not in: reading the request (console/uploads.py), what becomes of a file (loading.py).

The file itself is not kept; its name, its hash and what was said of it are.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.answers import DebtorAnswered
from domain.bank import BankStatement
from domain.events import CreditorRegistered, DebtorRegistered, Event
from domain.faults import InputRefused
from domain.policy import DunningPolicy
from intake.admission import Admission
from intake.agreements import BY_INTAKE
from intake.bank.owners import owner
from intake.bank.passes import match_all_waiting
from intake.door import Also, Door
from intake.loading import Progress, load
from intake.readers import bank
from intake.readers.files import Kind, name_of, recognise
from intake.readers.rows import shown
from intake.reports import LoadReport, RefusedRow
from ledger import journal
from ledger.database import Database

TAKEN = "file.taken"
"""The kind of journal entry that remembers a file."""

REMEMBERED = 50
"""How many refusals, notes and warnings of one file the journal remembers; quarantine has every row."""

STRANGE = "is not an account of a creditor whose payments you may hand in; ask an administrator"


class Whose(NamedTuple):
    """Says who hands a file in, for which creditors (None: all), and what the file may leave out."""

    author: str
    creditors: tuple[str, ...] | None = None
    administrator: bool = False
    creditor: str | None = None
    account: str | None = None


class Taken(NamedTuple):
    """Names the entry of the journal about a file that was taken in, and says what became of it."""

    scope: str
    revision: int
    report: LoadReport


class _Counter(Door):
    """Lets in what one person may hand in, in that person's name."""

    def __init__(self, database: Database, catalogue: Mapping[str, DunningPolicy], whose: Whose) -> None:
        super().__init__(database, catalogue)
        self._whose = whose
        self.concerned: set[str] = set()

    async def admit(
        self,
        event: Event | DebtorAnswered,
        *,
        now: datetime,
        source: str = "",
        author: str = BY_INTAKE,
        also: Also | None = None,
    ) -> Admission:
        creditor = _creditor(event)
        if self._whose.creditors is not None and creditor not in self._whose.creditors:
            raise InputRefused("creditor", creditor, "is not one whose facts you may hand in")
        if isinstance(event, CreditorRegistered) and not self._whose.administrator:
            # It says where customers pay to: whoever may not change that in the settings may not by a file.
            raise InputRefused("type", event.type, "only an administrator changes a creditor")
        author = self._whose.author if author == BY_INTAKE else author
        admission = await super().admit(event, now=now, source=source, author=author, also=also)
        self.concerned.add(creditor)
        return admission


def _creditor(event: Event | DebtorAnswered) -> str:
    match event:
        case CreditorRegistered():
            return event.creditor.id
        case DebtorRegistered():
            return event.debtor.creditor
        case _:
            return event.creditor


async def take_upload(
    database: Database,
    catalogue: Mapping[str, DunningPolicy],
    path: Path,
    whose: Whose,
    *,
    now: datetime,
    documents: Path,
    progress: Progress | None = None,
) -> Taken:
    """Takes a file in and remembers it; the same file again changes nothing but is remembered again.

    Raises Unavailable for a busy database; what was taken before stays taken.
    """
    counter = _Counter(database, catalogue, whose)
    strange = await _strange(database, path, whose)
    if strange is not None:
        report = LoadReport(source=name_of(path), kind=Kind.STATEMENT.value, refused=(strange,))
    else:
        report = await load(
            counter,
            path,
            now=now,
            creditor=whose.creditor,
            account=whose.account,
            documents=documents,
            progress=progress,
        )
    if report.taken:
        await match_all_waiting(database, now=now)
    concerned = counter.concerned | {one.creditor for one in report.statements}
    scope = concerned.pop() if len(concerned) == 1 else ""
    async with database.writing() as conn:
        revision = await journal.note(conn, scope, now, TAKEN, **_facts(path, report, whose.author))
    return Taken(scope, revision, report)


async def _strange(database: Database, path: Path, whose: Whose) -> RefusedRow | None:
    """Refuses a bank file of an account that is not of the person's creditors, before anything is written.

    Whether somebody else has declared the account is not told.
    """
    if whose.creditors is None or recognise(path) is not Kind.STATEMENT:
        return None
    read = _statements(path, whose.account)
    told = {part.account: place for place, part in enumerate(read, 1) if isinstance(part, BankStatement)}
    if whose.account is not None:
        told.setdefault(whose.account, 1)
    for account, place in told.items():
        if not await _is_theirs(database, account, whose.creditors):
            value = shown(account)
            return RefusedRow(line=place, field="account", value=value, remedy=STRANGE, whole=True)
    return None


def _statements(path: Path, account: str | None) -> list[BankStatement | InputRefused]:
    return bank.read(path.read_bytes(), path.name, account=account)


async def _is_theirs(database: Database, account: str, creditors: tuple[str, ...]) -> bool:
    try:
        async with database.reading() as conn:
            return (await owner(conn, account)).creditor.id in creditors
    except InputRefused:
        return False


def _facts(path: Path, report: LoadReport, author: str) -> dict[str, object]:
    content = path.read_bytes()
    brief = report.model_copy(
        update={
            "refused": report.refused[:REMEMBERED],
            "notes": report.notes[:REMEMBERED],
            "warnings": report.warnings[:REMEMBERED],
        }
    )
    return {
        "report": brief.model_dump(mode="json", exclude={"warnings": {"__all__": {"sentences"}}}),
        "refused": len(report.refused),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "author": author,
    }
