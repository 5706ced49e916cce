"""One task: what it is about, why it waits, and the buttons that settle it; done moves on to the next.

In: showing a task, its answers.
Not in: the list (today.py), money to be matched (payments.py), commands on an invoice (case.py).

Every answer ends in the same way: a fact through the door, an order to the run, or a word in the journal;
then the next task.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from console.forms import Form, Mistakes, Text, TypedAmount, read, typed
from console.pages.today import GROUPS, local_day
from console.screen import SEE_OTHER, done, page
from console.seats import Operator, Seat, Viewer
from console.speech import speech
from correspondence.postbook import PostBook
from domain.account import Account
from domain.agreements import Agreement, HowEnded, PromiseToPay
from domain.events import AgreementEnded, AgreementMade, DebtorRegistered
from domain.faults import InputRefused, NotAllowed, NotFound, Unavailable
from domain.receivable import Contact
from intake import tasks as answered
from ledger import accounts, journal, queries
from ledger.people import Role
from ledger.queries import CaseLine, Task
from ledger.views import today as view
from workflows.ports import OperatorOrder, Verb

router = APIRouter()

LONGEST_WORD = 200


class Word(Form):
    """States what came of a task."""

    resolution: Text = Field(min_length=1, max_length=LONGEST_WORD)


class Later(Form):
    """States until when a task is put off, and why."""

    until: date
    resolution: Text = Field(default="nobody answered", max_length=LONGEST_WORD)


class Promise(Form):
    """States what was promised on the telephone; without an amount, everything."""

    pay_by: date
    amount: TypedAmount | None = None
    note: Text | None = Field(default=None, max_length=500)


class Reason(Form):
    """States why."""

    reason: Text = Field(min_length=1, max_length=LONGEST_WORD)


class MaybeReason(Form):
    """States why, where there is something to say."""

    reason: Text = Field(default="", max_length=LONGEST_WORD)


class Reached(Form):
    """States how somebody can be reached from now on."""

    email: Text = Field(default="", max_length=254)
    phone: Text = Field(default="", max_length=40)
    name: Text = Field(default="", max_length=140)


async def _close(seat: Seat, task: Task, form: Word) -> str:
    await answered.close(
        seat.office.database, seat.office.shelf, task, form.resolution, seat.person.id, seat.now
    )
    await seat.office.deliver()
    return "Done."


async def _later(seat: Seat, task: Task, form: Later) -> str:
    office = seat.office
    try:
        await answered.put_off(
            office.database, office.shelf, task, form.until, form.resolution, seat.person.id, seat.now
        )
    except NotAllowed as refusal:
        raise InputRefused("until", form.until, str(refusal)) from None
    return "You will be asked again."


async def _promise(seat: Seat, task: Task, form: Promise) -> str:
    numbers = (task.invoice,) if task.invoice else ()
    if not numbers:
        raise InputRefused("pay_by", form.pay_by, "this task names no invoice: record the promise there")
    digest = sha256(f"{task.id}{form.model_dump_json()}".encode()).hexdigest()[:8]
    stated = PromiseToPay(
        id=f"promise-{digest}",
        invoices=numbers,
        made_on=local_day(seat).date(),
        amount=form.amount,
        pay_by=form.pay_by,
        note=form.note,
    )
    event = AgreementMade(creditor=task.creditor, agreement=stated)
    admission = await seat.office.admit(event, seat.now, seat.person.id)
    await _close(seat, task, Word(resolution=f"promised by {form.pay_by}"))
    return f"Promise recorded: {admission.what}"


async def _approve(seat: Seat, task: Task, form: MaybeReason) -> str:
    line = await seat.case(task.creditor, task.invoice or "")
    order = OperatorOrder(step=str(task.detail.get("step", "")) or None)
    await seat.office.order(line, Verb.APPROVE, order, by=(seat.person.id, form.reason), now=seat.now)
    return "Approved: it leaves as soon as the sending window allows."


async def _skip(seat: Seat, task: Task, form: Reason) -> str:
    line = await seat.case(task.creditor, task.invoice or "")
    order = OperatorOrder(step=str(task.detail.get("step", "")) or None)
    await seat.office.order(line, Verb.SKIP, order, by=(seat.person.id, form.reason), now=seat.now)
    return "The step is left out; the next one keeps its distance."


async def _agree(seat: Seat, task: Task, _form: MaybeReason) -> str:
    name = str(task.detail["agreement"])
    if await _proposer(seat, task, name) == seat.person.id:
        msg = "you proposed this yourself: somebody else approves it"
        raise NotAllowed(msg)
    async with seat.office.book(task.creditor, task.debtor, seat.now) as book:
        await book.approve_agreement(name, seat.person.id)
    return "Approved: it is in effect."


async def _proposer(seat: Seat, task: Task, name: str) -> str | None:
    """Tells who made an agreement, by the journal."""
    async with seat.office.database.reading() as conn:
        entries = await journal.entries(conn, task.creditor, task.debtor)
    made = (one.facts for one in entries if one.kind == "agreement.made")
    return next((str(one["author"]) for one in made if one["agreement"]["id"] == name), None)


def _ended(how: HowEnded) -> Callable[[Seat, Task, Any], Awaitable[str]]:
    async def end(seat: Seat, task: Task, form: Reason) -> str:
        name = str(task.detail["agreement"])
        event = AgreementEnded(creditor=task.creditor, id=name, how=how, reason=form.reason)
        admission = await seat.office.admit(event, seat.now, seat.person.id)
        return f"Recorded: {admission.what}"

    return end


def _judged(*, delivered: bool) -> Callable[[Seat, Task, Any], Awaitable[str]]:
    async def judge(seat: Seat, task: Task, form: Reason) -> str:
        message = str(task.detail["message"])
        postbook = PostBook(seat.office.settings.folders.evidence)
        async with seat.office.book(task.creditor, task.debtor, seat.now) as book:
            await answered.judge(
                book, postbook, message, delivered=delivered, reason=form.reason, author=seat.person.id
            )
        return "It counts as delivered." if delivered else "It counts as not delivered and is taken again."

    return judge


async def _mend(seat: Seat, task: Task, form: Reached) -> str:
    if not form.email and not form.phone:
        raise InputRefused("email", "", "give an address or a number")
    async with seat.office.database.reading() as conn:
        debtor = (await accounts.load(conn, task.creditor, task.debtor)).account.debtor
    dead = str(task.detail.get("refused", task.detail.get("address", "")))
    kept = tuple(one for one in debtor.contacts if one.email is None or one.email not in dead)
    found = Contact.model_validate(
        {"email": form.email or None, "phone": form.phone or None, "name": form.name or None}
    )
    event = DebtorRegistered(debtor=debtor.model_copy(update={"contacts": (found, *kept)}))
    await seat.office.admit(event, seat.now, seat.person.id)
    await _close(seat, task, Word(resolution="the contact was mended"))
    return "The contact is mended; what waits for it goes on."


class Answer(BaseModel):
    """States one way to settle a task: its form, who may, what is done."""

    form: type[Form]
    role: Role
    deed: Callable[[Seat, Task, Any], Awaitable[str]]


def _by(role: Role, form: type[Form], deed: Callable[[Seat, Task, Any], Awaitable[str]]) -> Answer:
    return Answer(form=form, role=role, deed=deed)


ANSWERS: Mapping[str, Answer] = {
    "close": _by(Role.OPERATOR, Word, _close),
    "later": _by(Role.OPERATOR, Later, _later),
    "promise": _by(Role.OPERATOR, Promise, _promise),
    "approve": _by(Role.MANAGER, MaybeReason, _approve),
    "skip": _by(Role.OPERATOR, Reason, _skip),
    "agree": _by(Role.MANAGER, MaybeReason, _agree),
    "withdraw": _by(Role.OPERATOR, Reason, _ended(HowEnded.WITHDRAWN)),
    "uphold": _by(Role.OPERATOR, Reason, _ended(HowEnded.UPHELD)),
    "reject": _by(Role.OPERATOR, Reason, _ended(HowEnded.REJECTED)),
    "delivered": _by(Role.OPERATOR, Reason, _judged(delivered=True)),
    "undelivered": _by(Role.OPERATOR, Reason, _judged(delivered=False)),
    "mend": _by(Role.OPERATOR, Reached, _mend),
}

OFFERED: Mapping[str, tuple[str, ...]] = {
    "call": ("promise", "later", "close"),
    "approve": ("approve", "skip", "later"),
    "approve-agreement": ("agree", "withdraw"),
    "dispute": ("uphold", "reject", "later"),
    "dispute-expired": ("uphold", "reject"),
    "ambiguous": ("delivered", "undelivered"),
    "contact": ("mend", "close"),
    "unreachable": ("mend",),
    "bounce": ("mend", "close"),
    "claimed-paid": ("close",),
    "claimed-contact": ("mend", "close"),
    "claimed-missing": ("close",),
}
"""What is offered for each kind; the others are closed with a word, or put off."""


@router.get("/tasks/next")
async def following(seat: Viewer, group: str = "") -> Response:
    """Goes to the task to do next, or home where all is done."""
    return RedirectResponse(await _next(seat, group), SEE_OTHER)


async def _next(seat: Seat, group: str) -> str:
    async with seat.office.database.reading() as conn:
        task = await view.following(conn, local_day(seat).date(), seat.creditors, GROUPS.get(group))
    if task is None:
        return "/"
    return f"/tasks/{task}" + (f"?group={group}" if group in GROUPS else "")


async def _found(seat: Seat, task: str) -> Task:
    async with seat.office.database.reading() as conn:
        found = await queries.find_task(conn, task)
    if not seat.sees(found.creditor):
        msg = f"no task {task!r}"
        raise NotFound(msg)
    return found


async def _shown(
    seat: Seat, request: Request, task: Task, group: str, refused: Mistakes | None = None
) -> Response:
    line: CaseLine | None = None
    async with seat.office.database.reading() as conn:
        if task.invoice is not None:
            line = await queries.find_case(conn, task.invoice, task.creditor)
        account = (await accounts.load(conn, task.creditor, task.debtor)).account
    return page(
        seat,
        request,
        "tasks/task.html",
        status=422 if refused else 200,
        task=task,
        line=line,
        debtor=account.debtor,
        agreement=_agreement(account, task),
        offered=OFFERED.get(task.kind, ("close", "later")),
        asked=refused.typed.get("answer", "") if refused else "",
        group=group if group in GROUPS else "",
        tomorrow=local_day(seat).date() + timedelta(days=1),
        today=local_day(seat).date(),
        **({"mistakes": refused.fields, "typed": refused.typed} if refused else {}),
    )


def _agreement(account: Account, task: Task) -> Agreement | None:
    name = task.detail.get("agreement")
    return next((one for one in account.agreements if one.id == name), None)


@router.get("/tasks/{task}")
async def show(request: Request, seat: Viewer, task: str, group: str = "") -> Response:
    """Shows a task with its answers."""
    return await _shown(seat, request, await _found(seat, task), group)


@router.post("/tasks/{task}")
async def answer(request: Request, seat: Operator, task: str, group: str = "") -> Response:
    """Settles a task and moves on to the next."""
    found = await _found(seat, task)
    given = str((await typed(request)).get("answer", ""))
    if given not in ANSWERS or given not in OFFERED.get(found.kind, ("close", "later")):
        msg = f"a task of kind {found.kind} is not settled by {given!r}"
        raise NotAllowed(msg)
    if found.closed_at is not None:
        return done(await _next(seat, group), speech(seat.language).gettext("This was done before."))
    chosen = ANSWERS[given]
    if seat.person.role < chosen.role:
        wrong = {"": "your role does not allow this: a manager decides"}
        return await _shown(seat, request, found, group, Mistakes(wrong, {"answer": given}))
    try:
        form = await read(request, chosen.form)
        try:
            said = await chosen.deed(seat, found, form)
        except InputRefused as refusal:
            known = set(chosen.form.model_fields)
            raise Mistakes.of(refusal, form.model_dump(mode="json"), known) from refusal
        except (NotAllowed, Unavailable) as refusal:
            raise Mistakes({"": str(refusal)}, form.model_dump(mode="json")) from refusal
    except Mistakes as refused:
        kept = {name: value for name, value in refused.typed.items() if value is not None}
        wrong_form = Mistakes(refused.fields, kept | {"answer": given})
        return await _shown(seat, request, found, group, wrong_form)
    return done(await _next(seat, group), speech(seat.language).gettext(said))
