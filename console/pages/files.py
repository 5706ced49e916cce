"""Files dropped into the console: taken in beside the pages, shown as they were understood, remembered.

In: receiving files, those still being read, the history, one file.
Not in: limits of the request (console/uploads.py), what becomes of a file (intake/uploads.py).

Reading a file may take a while and keeps the processor busy. It happens on a thread with a connection of its
own; a page waits a few seconds for it, then says that it goes on.
"""

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response

from console import uploads
from console.forms import Mistakes
from console.screen import done, page
from console.seats import Operator, Seat, Viewer
from console.speech import speech
from console.uploads import Sent
from domain.faults import RelanceError
from intake.bank.answering import candidates
from intake.reports import LoadReport
from intake.uploads import Taken, Whose, take_upload
from ledger.database import Database
from ledger.views import creditors
from ledger.views import payments as view

router = APIRouter()
log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 6.0
REMEMBERED_FOR = timedelta(hours=1)
LISTED, SHOWN = 30, 100
UNFORESEEN = "This file could not be read to its end: the log of the console says why."


@dataclass
class Underway:
    """Follows files that are being taken in; `problem` says why one could not be."""

    whose: Whose
    began: datetime
    names: list[str]
    at: str = ""
    read: int = 0
    of: int = 0
    taken: list[Taken] = field(default_factory=list)
    ended: bool = False
    problem: str | None = None

    def heard(self, read: int, of: int) -> None:
        """Hears how far a file is."""
        self.read, self.of = read, of


@dataclass
class _Desk:
    """Remembers what this process is taking in; tasks are kept so that none is swept away half-way."""

    underway: list[Underway] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


def _desk(request: Request) -> _Desk:
    state = request.app.state
    if not hasattr(state, "files"):
        state.files = _Desk()
    found: _Desk = state.files
    return found


def underway(request: Request, seat: Seat) -> list[Underway]:
    """Lists what the person has sent that is still being read, or could not be."""
    kept = _desk(request).underway
    return [
        one for one in kept if one.whose.author == seat.person.id and seat.now - one.began < REMEMBERED_FOR
    ]


@router.post(uploads.ADDRESS)
async def send(request: Request, seat: Operator) -> Response:
    """Takes files in; shows what one was, or lists several."""
    folder = tempfile.TemporaryDirectory(prefix="relance-files-")
    try:
        form, sent = await uploads.received(request, Path(folder.name))
    except Mistakes as refused:
        folder.cleanup()
        return await _listed(request, seat, 0, refused)
    except BaseException:
        folder.cleanup()
        raise
    whose = Whose(
        author=seat.person.id,
        creditors=seat.creditors,
        administrator=seat.may("administrator"),
        creditor=_chosen(form.get("creditor")),
        account=_chosen(form.get("account")),
    )
    following = Underway(whose, seat.now, [one.name for one in sent])
    desk = _desk(request)
    desk.underway.append(following)
    task = asyncio.create_task(_take(seat, sent, following, desk, folder))
    desk.tasks.add(task)
    task.add_done_callback(desk.tasks.discard)
    finished, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
    for one in finished:
        one.result()
    return _went_on(seat, sent, following)


def _chosen(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _went_on(seat: Seat, sent: list[Sent], following: Underway) -> Response:
    """Says what became of the files, or that they are still being read."""
    say = speech(seat.language)
    large = [one.name for one in sent if one.path is None]
    if not following.ended:
        waits = say.gettext("Still being read: you may go on, it appears here when it is done.")
        return done("/payments", waits, kind="warn")
    if following.problem is not None:
        return done("/payments", say.gettext(following.problem), kind="warn")
    if large:
        told = say.gettext("More than 25 MB, so not taken: %(files)s. Ask for fewer days in a file.")
        return done(uploads.ADDRESS, told % {"files": ", ".join(large)}, kind="warn")
    if len(following.taken) == 1:
        return done(_address(following.taken[0].scope, following.taken[0].revision))
    told = say.ngettext("%(num)s file was read.", "%(num)s files were read.", len(following.taken))
    return done(uploads.ADDRESS, told % {"num": len(following.taken)})


def _address(scope: str, revision: int) -> str:
    return f"{uploads.ADDRESS}/{revision}?{urlencode({'of': scope})}"


async def _take(
    seat: Seat,
    sent: list[Sent],
    following: Underway,
    desk: _Desk,
    folder: "tempfile.TemporaryDirectory[str]",
) -> None:
    """Takes files in, one after the other, and tells the runs."""
    following.problem = UNFORESEEN
    try:
        for one in sent:
            if one.path is not None:
                following.at, following.read, following.of = one.name, 0, 0
                following.taken.append(await asyncio.to_thread(_on_its_own, seat, one.path, following))
        await seat.office.deliver()
        desk.underway.remove(following)
        following.problem = None
    except RelanceError as fault:
        following.problem = str(fault)
        log.warning("file_not_taken", fault=type(fault).__name__)
    finally:
        following.ended = True
        folder.cleanup()


def _on_its_own(seat: Seat, path: Path, following: Underway) -> Taken:
    """Takes one file in on a loop and a connection of its own."""

    async def work() -> Taken:
        settings = seat.office.settings
        async with await Database.open(settings.database_url) as database:
            return await take_upload(
                database,
                seat.office.catalogue,
                path,
                following.whose,
                now=seat.now,
                documents=settings.folders.documents,
                progress=following.heard,
            )

    return asyncio.run(work())


# What was handed in


@router.get(uploads.ADDRESS)
async def history(request: Request, seat: Viewer, after: int = 0) -> Response:
    """Lists the files that were handed in, the latest first."""
    return await _listed(request, seat, max(after, 0))


async def _listed(request: Request, seat: Seat, place: int, refused: Mistakes | None = None) -> Response:
    async with seat.office.database.reading() as conn:
        found = await view.files(conn, seat.creditors, seat.person.id, page=place, size=LISTED)
        whose = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "payments/files.html",
        status=422 if refused else 200,
        files=found[:LISTED],
        more=len(found) > LISTED,
        after=place,
        creditors=whose,
        underway=underway(request, seat),
        **({"mistakes": refused.fields, "typed": refused.typed} if refused else {}),
    )


@router.get(uploads.ADDRESS + "/{revision}")
async def show(request: Request, seat: Viewer, revision: int, of: str = "") -> Response:
    """Shows a file as it was understood: what was booked, what waits, what was refused and what to do."""
    if of:
        seat.check(of)
    async with seat.office.database.reading() as conn:
        found = await view.file(conn, seat.creditors, seat.person.id, of, revision)
        report = LoadReport.model_validate(found.facts["report"])
        entries = [
            await view.of_file(conn, one.creditor, one.account, days, found.at, SHOWN)
            for one in report.statements
            if seat.sees(one.creditor)
            for days in [(one.booked_from or one.booked_to, one.booked_to)]
        ]
    return page(
        seat,
        request,
        "payments/file.html",
        file=found,
        report=report,
        entries=[kept for each in entries for kept in each],
        guessed={kept.id: len(candidates(kept)) for each in entries for kept in each},
        shown=SHOWN,
    )
