"""A message as it was sent: who received what, when, and for which invoices it spoke.

In: the page of one message, its words for a frame, its bytes.
Not in: how they are made safe to look at (console/shown.py), voiding and judging (console/commands/).
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console import shown
from console.commands.desk import home
from console.screen import page
from console.seats import Seat, Viewer
from domain.faults import NotFound
from domain.policy import Channel
from intake.telling import words
from ledger import queries
from ledger.messages import MessageRecord

router = APIRouter()


async def _found(seat: Seat, message: str) -> tuple[str, str, MessageRecord]:
    """Finds a message that the person may see; raises NotFound."""
    async with seat.office.database.reading() as conn:
        creditor, debtor, record = await queries.find_message(conn, message)
    if not seat.sees(creditor):
        msg = f"no message {message!r}"
        raise NotFound(msg)
    return creditor, debtor, record


def _content(seat: Seat, record: MessageRecord) -> bytes:
    return shown.evidence(record, seat.office.settings.folders.evidence)


@router.get("/messages/{message}")
async def show(request: Request, seat: Viewer, message: str) -> Response:
    """Shows a message with everything that is known of it."""
    creditor, debtor, record = await _found(seat, message)
    is_mail, said, missing = record.reminder.channel is Channel.EMAIL, None, ""
    try:
        content = _content(seat, record)
        said = shown.read_mail(content) if is_mail else None
    except NotFound as fault:
        missing = str(fault)
    return page(
        seat,
        request,
        "case/message.html",
        creditor=creditor,
        debtor=debtor,
        record=record,
        reminder=record.reminder,
        said=said,
        missing=missing,
        zone=record.reminder.creditor.time_zone,
        home=home(creditor, record.reminder.lead),
        label=lambda key: words.label(str(key), seat.language),
    )


@router.get("/messages/{message}/text")
async def text(seat: Viewer, message: str) -> Response:
    """Gives what an e-mail says, for a frame; a letter is its PDF."""
    _, _, record = await _found(seat, message)
    content = _content(seat, record)
    if record.reminder.channel is Channel.EMAIL:
        return shown.framed(shown.read_mail(content).html)
    return shown.file(content, f"{record.id}.pdf")


@router.get("/messages/{message}/file")
async def whole(seat: Viewer, message: str) -> Response:
    """Gives the bytes that left: an e-mail to keep, a letter to look at."""
    _, _, record = await _found(seat, message)
    content = _content(seat, record)
    if record.reminder.channel is Channel.EMAIL:
        return shown.file(content, f"{record.id}.eml", kind="message/rfc822")
    return shown.file(content, f"{record.id}.pdf")
