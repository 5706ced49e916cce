"""The addresses under a debtor's link: the statement, its documents and codes, and a form for each answer.

In: what is served to a guest.
Not in: who is one (guests.py), what the statement says (statement.py), what an answer sets going (intake/).
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from activities.documents import find_pdf
from console.answers.forms import ALL, FORMS, Contact, Disputed, refused
from console.answers.guests import Guest as Guest_
from console.answers.guests import GuestRoute, Invited, Uninvited
from console.answers.statement import MOST, Statement, code_of, eligible, statement
from console.answers.uploads import TooLarge, WrongKind, content_of, keep, place
from console.forms import Mistakes, read
from console.screen import SEE_OTHER, plain
from domain.answers import DebtorAnswered
from domain.faults import InputRefused, NotFound
from intake.answers import author_of

router = APIRouter(prefix="/a/{token}", route_class=GuestRoute)


def _shown(guest: Guest_, template: str, *, status: int = 200, **values: Any) -> Response:
    told = {
        "guest": guest,
        "creditor": guest.account.creditor,
        "debtor": guest.account.debtor,
        "typed": {},
        "mistakes": {},
    }
    return plain(guest.language, f"answers/{template}", status=status, **(told | values))


def _offered(guest: Guest_, said: Statement) -> dict[str, bool]:
    """Tells which answers can be given now."""
    return {kind: form is Contact or bool(eligible(guest, said, kind)) for kind, form in FORMS.items()}


@router.get("")
async def show(guest: Invited, said: str = "") -> Response:
    """Shows what is owed, how to pay it, and what can be answered."""
    stated = statement(guest)
    thanks = said if said in FORMS else ""
    return _shown(guest, "page.html", stated=stated, offered=_offered(guest, stated), thanks=thanks)


@router.get("/code")
async def code(guest: Invited, invoice: str = "") -> Response:
    """Draws the payment code of an open invoice."""
    line = statement(guest).line(invoice)
    drawn = code_of(guest.account, invoice, line.asked) if line else None
    if drawn is None:
        raise Uninvited
    return Response(drawn.png, media_type="image/png")


@router.get("/document")
async def document(guest: Invited, invoice: str = "") -> Response:
    """Gives the PDF of an open invoice, where it is kept."""
    line = statement(guest).line(invoice)
    if line is None or not line.has_document:
        raise Uninvited
    stated = guest.account.case(invoice).invoice
    try:
        path = find_pdf(guest.office.settings.folders, stated.of_document, stated.pdf or "")
    except NotFound:
        return _shown(guest, "no_document.html", status=404)
    name = "".join(char if char.isalnum() or char in "+-." else "-" for char in stated.of_document)
    return FileResponse(path, media_type="application/pdf", filename=f"{name}.pdf")


@router.get("/{kind}")
async def ask(guest: Invited, kind: str) -> Response:
    """Shows the form of an answer."""
    return _asked(guest, kind)


def _asked(guest: Guest_, kind: str, mistakes: Mistakes | None = None) -> Response:
    if kind not in FORMS:
        raise Uninvited
    stated = statement(guest)
    lines = eligible(guest, stated, kind)
    currencies = {line.currency for line in lines}
    together = 1 < len(lines) <= MOST and len(currencies) == 1 and kind != "dispute"
    return _shown(
        guest,
        "answer.html",
        status=422 if mistakes else 200,
        kind=kind,
        lines=lines,
        together=together,
        all=ALL,
        offered=kind == "contact" or bool(lines),
        typed=mistakes.typed if mistakes else {},
        mistakes=mistakes.fields if mistakes else {},
    )


@router.post("/{kind}")
async def answer(request: Request, guest: Invited, kind: str) -> Response:
    """Takes an answer and says thank you; the same one again changes nothing."""
    if kind not in FORMS:
        raise Uninvited
    try:
        await _take(request, guest, kind)
    except Mistakes as mistakes:
        return _asked(guest, kind, mistakes)
    return RedirectResponse(guest.address(f"?said={kind}"), SEE_OTHER)


async def _take(request: Request, guest: Guest_, kind: str) -> None:
    """Reads a form and lets the answer in; raises Mistakes."""
    form = await read(request, FORMS[kind])
    typed = form.model_dump(mode="json", exclude={"file"}, exclude_none=True)
    say = guest.speech.gettext
    invoices: tuple[str, ...] = ()
    if not isinstance(form, Contact):
        invoices = form.chosen(eligible(guest, statement(guest), kind))
        if not 0 < len(invoices) <= MOST:
            raise Mistakes(refused(InputRefused("invoices", form.invoices, ""), say), typed)
    name, new = await _attached(guest, form, typed)
    made = form.answer(invoices, name) if isinstance(form, Disputed) else form.answer(invoices)
    event = DebtorAnswered(
        creditor=guest.account.creditor.id,
        debtor=guest.account.debtor.id,
        link=guest.invitation.reminder,
        answer=made,
    )
    taken = False
    try:
        author = author_of(guest.account.debtor.id)
        await guest.office.admit(event, guest.now, author, source="link")
        taken = True
    except InputRefused as refusal:
        raise Mistakes(refused(refusal, say), typed) from None
    finally:
        if name is not None and new and not taken:
            place(guest.office.settings.folders, name).unlink(missing_ok=True)


async def _attached(guest: Guest_, form: Any, typed: dict[str, Any]) -> tuple[str | None, bool]:
    """Keeps the file of a dispute; gives its name, and whether it is new."""
    if not isinstance(form, Disputed) or form.attached is None:
        return None, False
    say = guest.speech.gettext
    try:
        content = await content_of(form.attached)
    except TooLarge:
        sentence = say("The file is larger than 5 MB: send a smaller one, or leave it out.")
        raise Mistakes({"file": sentence}, typed) from None
    except WrongKind:
        sentence = say("Only PDF, JPEG and PNG files can be taken: send another one, or leave it out.")
        raise Mistakes({"file": sentence}, typed) from None
    return keep(guest.office.settings.folders, guest.invitation.reminder, content)
