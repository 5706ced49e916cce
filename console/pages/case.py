"""The page of an invoice: what is owed, the line in time, what comes next and why, what was said and agreed.

In: reading everything for the page, its commands and their forms.
Not in: what a command does (console/commands/), what comes and has left (previews.py, messages.py).

The page is written from the record alone: it is the same while Temporal and the worker are away.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.commands.agreeing import AGREEMENTS, agreement_of
from console.commands.desk import Command, Desk
from console.commands.facts import FACTS
from console.commands.steering import ORDERS
from console.forms import Mistakes, read, typed
from console.pages.previews import PARTS
from console.screen import done, page
from console.seats import NotYours, Seat, Viewer
from console.speech import dated
from console.timeline import line as timeline
from domain.actions import Because, CaseRef
from domain.agreements import Agreement
from domain.calendars import Agenda
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound, Unavailable
from domain.schedule import calendar
from intake.telling import agreed, words
from intake.telling.history import told
from intake.temporal import page_of
from ledger.queries import find_case
from ledger.views import case as reading
from ledger.views.days import Day, on_day, passed_over

router = APIRouter()

COMMANDS: dict[str, Command] = FACTS | AGREEMENTS | ORDERS
LATER = "Temporal does not answer: the run hears of it once it is back, and asks before anything leaves."


class Named(NamedTuple):
    """Names an invoice, and what of it is asked for: a command, a part, or nothing for its page."""

    creditor: str
    number: str
    asked: str


def _named(request: Request, creditor: str, rest: str) -> Named:
    """Reads the address as it was written.

    Numbers may hold a slash, which links write as %2F; the path that the router sees has lost that.
    """
    raw: bytes = request.scope.get("raw_path") or f"/invoices/{creditor}/{rest}".encode()
    parts = [unquote(part) for part in raw.decode("ascii").removeprefix("/invoices/").split("/")]
    return Named(parts[0], parts[1], "/".join(parts[2:]))


async def _desk(seat: Seat, creditor: str, number: str) -> Desk:
    seat.check(creditor)
    async with seat.office.database.reading() as conn:
        line = await find_case(conn, number, creditor)
        return Desk(seat, await reading.view(conn, line, seat.office.shelf))


@router.get("/invoices/{creditor}/{rest:path}")
async def show(
    request: Request, seat: Viewer, address: Annotated[Named, Depends(_named)], day: str = ""
) -> Response:
    """Shows an invoice, or the part of it that the address names."""
    creditor, number, asked = address
    desk = await _desk(seat, creditor, number)
    if asked in COMMANDS:
        return _asked(desk, request, asked, dict(request.query_params))
    if asked in PARTS:
        return await PARTS[asked](desk, request)
    if asked:
        msg = f"an invoice has no page {asked!r}"
        raise NotFound(msg)
    return await _page(desk, request, day)


@router.post("/invoices/{creditor}/{rest:path}")
async def command(request: Request, seat: Viewer, address: Annotated[Named, Depends(_named)]) -> Response:
    """Carries a command out and goes back to the invoice; its form comes back with what is wrong."""
    creditor, number, asked = address
    desk = await _desk(seat, creditor, number)
    if asked not in COMMANDS:
        msg = f"an invoice has no command {asked!r}"
        raise NotFound(msg)
    chosen = COMMANDS[asked]
    if seat.person.role < chosen.role:
        raise NotYours(chosen.role.key)
    form = await typed(request)
    given = {name: form.getlist(name) if name == "invoices" else form[name] for name in form}
    try:
        said = await chosen.deed(desk, await read(request, chosen.form))
    except Mistakes as mistakes:
        return _asked(desk, request, asked, given, mistakes.fields, 422)
    except InputRefused as refusal:
        fields = Mistakes.of(refusal, given, set(chosen.form.model_fields)).fields
        return _asked(desk, request, asked, given, fields, 422)
    except NotAllowed as refusal:
        return _asked(desk, request, asked, given, {"": str(refusal)}, 409)
    except Unavailable as away:
        return _asked(desk, request, asked, given, {"": str(away)}, 503)
    return await _done(desk, request, said)


async def _done(desk: Desk, request: Request, said: str) -> Response:
    """Goes back to the invoice, and says so where its run has not heard of it yet."""
    line = desk.line
    async with desk.seat.office.database.reading() as conn:
        untold = await reading.untold(conn, line)
    kind = "done"
    if untold:
        later = (
            "Temporal does not answer: the run hears of it once it is back, and asks before anything leaves."
        )
        said, kind = f"{said} {desk.say(later)}", "warn"
    answer = done(desk.home, said, kind=kind)
    if "hx-request" in request.headers:
        # A part of a page cannot be the page: the browser goes there itself.
        kept = {"HX-Redirect": answer.headers["location"], "set-cookie": answer.headers["set-cookie"]}
        return Response(status_code=204, headers=kept)
    return answer


def _asked(
    desk: Desk,
    request: Request,
    asked: str,
    given: dict[str, Any],
    mistakes: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Shows the form of a command, with what was typed and what is wrong."""
    chosen, seat = COMMANDS[asked], desk.seat
    agreement = agreement_of(desk, str(given.get("agreement"))) if chosen.about == "agreement" else None
    if seat.person.role < chosen.role:
        raise NotYours(chosen.role.key)
    return page(
        seat,
        request,
        f"case/commands/{asked}.html",
        status=status,
        desk=desk,
        line=desk.line,
        asked=asked,
        back=desk.home,
        agreement=agreement,
        said=_agreement(desk, agreement) if agreement is not None else "",
        others=[one for one in desk.account.open_numbers() if one != desk.line.number],
        typed=given,
        mistakes=mistakes or {},
    )


def _agreement(desk: Desk, agreement: Agreement) -> str:
    language = desk.seat.language
    return dated(agreed.sentence(desk.account, agreement, desk.today, language), language)


async def _page(desk: Desk, request: Request, day: str) -> Response:
    seat, view, line = desk.seat, desk.view, desk.line
    asked = _day(day)
    coming = () if line.ending else calendar(view.account, line.number, view.policy, seat.now)
    passed, chain = passed_over(view, coming, seat.now), None
    if asked is not None or passed:
        async with seat.office.database.reading() as conn:
            chain = await reading.chain(conn, line, seat.office.shelf)
    ui, ref = seat.office.settings.console.temporal_ui, CaseRef(creditor=line.creditor, number=line.number)
    balance = view.account.balance(line.number)
    return page(
        seat,
        request,
        "case/show.html",
        desk=desk,
        view=view,
        line=line,
        account=view.account,
        invoice=view.case.invoice,
        policy=view.policy,
        steps={step.key: step.named(seat.language) for step in view.policy.steps},
        zone=Agenda.of(view.account.creditor, view.account.debtor).creditor_zone.key,
        today=desk.today,
        balance=balance,
        free=_free(desk),
        home=desk.home,
        offered={name for name, one in COMMANDS.items() if _offers(desk, one)},
        points=timeline(view, coming, passed, chain, seat.now),
        agreements=[
            (one, view.account.standing(one, desk.today), _agreement(desk, one))
            for one in sorted(view.account.agreements, key=lambda one: (one.made_on, one.id))
            if line.number in one.invoices
        ],
        holds=[
            one
            for one in view.account.holds
            if one.lifted_on is None and one.invoice in {None, line.number} and one.until >= desk.today
        ],
        asked=asked,
        misread=day if day and asked is None else "",
        answer=(answer := on_day(view, chain, asked, seat.now) if asked is not None and chain else None),
        suspended=_suspension(answer),
        run=page_of(ui, ref.workflow_id) if ui is not None else None,
        told=lambda entry: dated(told(entry, seat.language), seat.language),
        label=lambda key: words.label(str(key), seat.language),
        explained=desk.explain,
    )


def _free(desk: Desk) -> Decimal:
    """Sums the customer's money and credit that no invoice has taken, in the invoice's currency."""
    currency = desk.line.currency
    money = (one.unallocated for one in desk.account.payments if one.currency == currency)
    notes = (
        one.total
        for one in desk.account.credit_notes
        if one.currency == currency and one.invoice is None and not one.cancelled
    )
    return sum((*money, *notes), ZERO)


def _suspension(answer: Day | None) -> Because | None:
    """Gives the reason of what keeps a day to come free."""
    if answer is None or answer.suspended is None:
        return None
    return Because(rule=answer.suspended.rule, until=answer.suspended.until)


def _offers(desk: Desk, command: Command) -> bool:
    return desk.seat.person.role >= command.role and not command.about and command.offered(desk)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
