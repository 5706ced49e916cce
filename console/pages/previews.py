"""What of an invoice is shown by itself: the next message as it will leave, and the invoice's document.

In: the page of the next message, the message alone for a frame, the PDF.
Not in: what comes next (domain/preview.py), how it is made safe to look at (console/shown.py).
"""

from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import Response

from console import shown
from console.commands.desk import Desk
from console.screen import page
from domain.calendars import Agenda
from domain.gate import Call, Refusal
from domain.preview import preview
from domain.reminder import Reminder
from intake.telling import words


async def _foreseen(desk: Desk, request: Request) -> Response:
    """Shows the next message in a page of its own, beside what is known of it."""
    found = preview(desk.account, desk.line.number, desk.view.policies, desk.seat.now)
    reminder = found.what.reminder if isinstance(found.what, Call) else found.what
    said = None
    if isinstance(reminder, Reminder):
        said = await shown.rendered(reminder, desk.seat.office.settings.folders.wording)
    return page(
        desk.seat,
        request,
        "case/next.html",
        desk=desk,
        line=desk.line,
        home=desk.home,
        at=found.at,
        zone=Agenda.of(desk.account.creditor, desk.account.debtor).creditor_zone.key,
        step=desk.next_step,
        reminder=reminder if isinstance(reminder, Reminder) else None,
        refusal=found.what if isinstance(found.what, Refusal) else None,
        said=said if isinstance(said, shown.Words) else None,
        explained=desk.explain,
        label=lambda key: words.label(str(key), desk.seat.language),
    )


async def _framed(desk: Desk, _request: Request) -> Response:
    """Gives the next message alone, for a frame: an e-mail or a script as it reads, a letter as its PDF."""
    found = preview(desk.account, desk.line.number, desk.view.policies, desk.seat.now)
    reminder = found.what.reminder if isinstance(found.what, Call) else found.what
    if not isinstance(reminder, Reminder):
        return shown.framed(shown.paper(desk.say("Nothing is written next.")))
    said = await shown.rendered(reminder, desk.seat.office.settings.folders.wording)
    if isinstance(said, bytes):
        return shown.file(said, f"{desk.line.number}.pdf")
    return shown.framed(said.html)


async def _document(desk: Desk, _request: Request) -> Response:
    """Gives the PDF of the invoice."""
    name = desk.view.case.invoice.pdf
    content = shown.document(name, desk.seat.office.settings.folders.documents)
    return shown.file(content, name or "invoice.pdf")


PARTS: dict[str, Callable[[Desk, Request], Awaitable[Response]]] = {
    "next": _foreseen,
    "preview": _framed,
    "document": _document,
}
"""What the address of an invoice may name beside its commands."""
