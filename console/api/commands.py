"""Commands to one invoice: suspend it, take or skip a step, record money and agreements.

In: the body of each command, and what became of it.
Not in: reading (invoices.py), many facts at once (events.py), what commands do (intake/).

A step is named, not "the next one": the same command sent twice then does the same thing once. An agreement
or a payment without an id of its own gets one from what it says.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from console.api.bodies import json_of
from console.api.caller import Approver, Caller, Writer
from console.api.description import command
from console.api.desk import Desk, TheDesk
from console.api.invoices import Next, find, next_of
from domain.agreements import LONGEST_HOLD, DisputeReason, HowEnded
from domain.calendars import Agenda
from domain.events import AgreementEnded, CreditNoteIssued, Event, InvoiceWrittenOff, PaymentReceived
from domain.fact import ZERO, Fact, Key, PositiveAmount
from domain.faults import InputRefused, NotAllowed, Unavailable
from intake.readers.json_rows import ISO_DAY, event_of
from ledger import accounts, queries
from ledger.queries import CaseLine
from workflows.ports import OperatorOrder, Verb

SOURCE = "api"
AWAY = "Temporal does not answer, and an order needs the run. Nothing was changed; give it again later"

router = APIRouter(prefix="/invoices", tags=["commands"])


def _civil(value: Any) -> Any:
    if not (isinstance(value, str) and ISO_DAY.fullmatch(value)):
        msg = 'is not a date; write it as year-month-day, such as "2026-03-31"'
        raise ValueError(msg)
    return value


Day = Annotated[date, BeforeValidator(_civil)]
Step = Annotated[str, Field(min_length=1, max_length=40, description="The key of the step, such as D+2")]
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Why = Annotated[str, Field(max_length=200)]


class Command(BaseModel):
    """Is the body of a command."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hold(Command):
    """Suspends the invoice until a day, inclusive."""

    until: Day
    reason: str = Field(min_length=1, max_length=64, pattern=r"\S")


class Resume(Command):
    """Lifts every hold on the invoice."""

    reason: Why = ""


class Skip(Command):
    """Leaves a step out."""

    step: Step
    reason: Reason


class TakeStep(Command):
    """Takes a step as soon as the sending window allows, or approves one that waits."""

    step: Step
    reason: Why = ""


class MarkPaid(Command):
    """Records money for the invoice; all that is open by default, received today."""

    amount: PositiveAmount | None = None
    received_on: Day | None = None
    reference: str | None = Field(default=None, min_length=1, max_length=128)


class Credit(Command):
    """Records a credit note on the invoice."""

    number: Key
    total: PositiveAmount
    issue_date: Day | None = None


class WriteOff(Command):
    """Gives the invoice up; `undo` takes that back."""

    reason: Reason
    undo: StrictBool = False


class Agreed(Command):
    """Holds what agreements have in common; `made_on` is today by default."""

    id: Key | None = None
    made_on: Day | None = None
    note: str | None = Field(default=None, max_length=500)


class Dispute(Agreed):
    """Records that the debtor contests the invoice, or an amount of it."""

    reason: DisputeReason
    until: Day
    amount: PositiveAmount | None = None
    lines: tuple[str, ...] = Field(default=(), max_length=50)
    owner: str | None = Field(default=None, max_length=140)


class Promise(Agreed):
    """Records that the debtor promised to pay by a day, everything by default."""

    pay_by: Day
    amount: PositiveAmount | None = None


class Settlement(Agreed):
    """Offers to let the rest go if an amount is paid by a day; a person approves it first."""

    pay_by: Day
    amount: PositiveAmount


class Instalment(Command):
    """States one part of a plan."""

    pay_by: Day
    amount: PositiveAmount


class Plan(Agreed):
    """Records that the invoice is paid in instalments."""

    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=60)


class EndAgreement(Command):
    """Ends an agreement before its time, or answers a dispute."""

    id: Key
    how: HowEnded = HowEnded.WITHDRAWN
    reason: Reason


class Done(Fact):
    """Says what a command did, and what comes next."""

    status: Literal["done", "taken", "known", "waiting"]
    what: str
    next: Next | None


# Orders to the run


async def _order(
    desk: Desk, caller: Caller, line: CaseLine, verb: Verb, order: OperatorOrder, why: str
) -> Done:
    now = desk.office.clock()
    if order.until is not None and order.until > now.date() + LONGEST_HOLD:
        remedy = f"a hold lasts {LONGEST_HOLD.days} days at most; give an earlier day"
        raise InputRefused("until", order.until.isoformat(), remedy)
    if line.ending is None and not await desk.office.deliver():
        raise Unavailable(AWAY)
    state = await desk.office.order(line, verb, order, by=(caller.author, why), now=now)
    return Done(status="done", what=f"{verb.value.replace('_', '-')}: done", next=next_of(state.next, "en"))


@router.post("/{creditor}/{number}/hold", **command(Hold, {"until": "2026-12-24", "reason": "on site"}))
async def hold(request: Request, creditor: str, number: str, caller: Writer, desk: TheDesk) -> Done:
    """Suspends the invoice until a day, inclusive; dunning resumes by itself after it."""
    line, said = await find(desk, caller, creditor, number), await json_of(request, Hold)
    return await _order(desk, caller, line, Verb.HOLD, OperatorOrder(until=said.until), said.reason)


@router.post("/{creditor}/{number}/resume", **command(Resume, {}))
async def resume(request: Request, creditor: str, number: str, caller: Writer, desk: TheDesk) -> Done:
    """Lifts every hold on the invoice."""
    line, said = await find(desk, caller, creditor, number), await json_of(request, Resume)
    return await _order(desk, caller, line, Verb.RESUME, OperatorOrder(), said.reason)


@router.post("/{creditor}/{number}/skip", **command(Skip, {"step": "D+2", "reason": "they have just called"}))
async def skip(request: Request, creditor: str, number: str, caller: Writer, desk: TheDesk) -> Done:
    """Leaves a step out; the one after it keeps its distance."""
    line, said = await find(desk, caller, creditor, number), await json_of(request, Skip)
    return await _order(desk, caller, line, Verb.SKIP, OperatorOrder(step=said.step), said.reason)


@router.post("/{creditor}/{number}/send-now", **command(TakeStep, {"step": "D-10"}))
async def send_now(request: Request, creditor: str, number: str, caller: Writer, desk: TheDesk) -> Done:
    """Takes a step as soon as the sending window allows."""
    line, said = await find(desk, caller, creditor, number), await json_of(request, TakeStep)
    return await _order(desk, caller, line, Verb.SEND_NOW, OperatorOrder(step=said.step), said.reason)


@router.post("/{creditor}/{number}/approve", **command(TakeStep, {"step": "formal-notice"}))
async def approve(request: Request, creditor: str, number: str, caller: Approver, desk: TheDesk) -> Done:
    """Approves a step that waits for a person; it needs a key that may approve."""
    line, said = await find(desk, caller, creditor, number), await json_of(request, TakeStep)
    return await _order(desk, caller, line, Verb.APPROVE, OperatorOrder(step=said.step), said.reason)


# Facts through the door

Making = Callable[[CaseLine, date, Any], Event]
"""Makes the event of a case, the civil day and the body."""


async def _state(
    request: Request, where: tuple[str, str], caller: Caller, desk: Desk, body: Any, make: Making
) -> Done:
    """Takes the fact of a command in; what the door refuses points at the fields of the command."""
    line = await find(desk, caller, *where)
    said = await json_of(request, body)
    now = desk.office.clock()
    async with desk.office.database.reading() as conn:
        account = (await accounts.load(conn, line.creditor, line.debtor)).account
    today = Agenda.of(account.creditor, account.debtor).today(now)
    try:
        event = make(line, today, said)
        admission = await desk.office.door.admit(event, now=now, source=SOURCE, author=caller.author)
    except InputRefused as fault:
        field = fault.field.removeprefix("agreement.")
        raise InputRefused(
            "" if field in {"agreement", "event"} else field, fault.value, fault.remedy
        ) from None
    desk.tell_runs()
    async with desk.office.database.reading() as conn:
        after = await queries.find_case(conn, line.number, line.creditor)
    following = next_of(after.next, "en") if after.next else None
    return Done(status=admission.status.value, what=admission.what, next=following)


def _agreement(kind: str) -> Making:
    def make(line: CaseLine, today: date, said: Agreed) -> Event:
        stated = said.model_dump(mode="json", exclude_none=True)
        facts = {"made_on": today.isoformat()} | stated | {"kind": kind, "invoices": [line.number]}
        if said.id is None:
            digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
            facts["id"] = f"{kind}-{digest}"
        event = event_of({"type": "agreement.made", "creditor": line.creditor, "agreement": facts})
        if isinstance(event, InputRefused):
            raise event
        return event

    return make


def _paid(line: CaseLine, today: date, said: MarkPaid) -> Event:
    money, day = said.amount or line.open, said.received_on or today
    if money <= ZERO:
        state = line.ending.value if line.ending else "settled"
        msg = f"invoice {line.number} owes nothing ({state}); give an amount if money came all the same"
        raise NotAllowed(msg)
    return PaymentReceived(
        creditor=line.creditor,
        reference=said.reference or f"api:{line.number}:{day}:{money:.2f}",
        amount=money,
        currency=line.currency,
        received_on=day,
        invoice=line.number,
    )


def _credited(line: CaseLine, today: date, said: Credit) -> Event:
    return CreditNoteIssued(
        creditor=line.creditor,
        number=said.number,
        invoice=line.number,
        issue_date=said.issue_date or today,
        currency=line.currency,
        total=said.total,
    )


def _written_off(line: CaseLine, _: date, said: WriteOff) -> Event:
    return InvoiceWrittenOff(
        creditor=line.creditor, number=line.number, written_off=not said.undo, reason=said.reason
    )


def _ended(line: CaseLine, _: date, said: EndAgreement) -> Event:
    return AgreementEnded(creditor=line.creditor, id=said.id, how=said.how, reason=said.reason)


FACTS: Mapping[str, tuple[type[Command], Making, dict[str, Any], str]] = {
    "mark-paid": (
        MarkPaid,
        _paid,
        {"amount": "300.00", "received_on": "2026-11-21", "reference": "VIR-7"},
        "Records money for the invoice.",
    ),
    "credit": (
        Credit,
        _credited,
        {"number": "AV-2026-0032", "total": "40.00"},
        "Records a credit note on the invoice.",
    ),
    "write-off": (
        WriteOff,
        _written_off,
        {"reason": "a gesture of goodwill"},
        "Gives the invoice up, or takes that back.",
    ),
    "dispute": (
        Dispute,
        _agreement("dispute"),
        {"id": "dispute-1", "reason": "price", "until": "2026-12-20", "amount": "100.00"},
        "Records that the debtor contests the invoice, or an amount of it.",
    ),
    "promise": (
        Promise,
        _agreement("promise"),
        {"pay_by": "2026-12-30", "amount": "600.00"},
        "Records that the debtor promised to pay.",
    ),
    "plan": (
        Plan,
        _agreement("plan"),
        {"instalments": [{"pay_by": "2026-12-30", "amount": "200.00"}]},
        "Records that the invoice is paid in instalments.",
    ),
    "settlement": (
        Settlement,
        _agreement("settlement"),
        {"pay_by": "2026-12-30", "amount": "600.00"},
        "Offers to let the rest go; a person approves it first.",
    ),
    "end-agreement": (
        EndAgreement,
        _ended,
        {"id": "dispute-1", "how": "rejected", "reason": "the delivery note is signed"},
        "Ends an agreement, or answers a dispute.",
    ),
}
"""The commands that state a fact: their body, their event, an example, what they do."""


def _endpoint(body: type[Command], make: Making) -> Callable[..., Awaitable[Done]]:
    async def state(request: Request, creditor: str, number: str, caller: Writer, desk: TheDesk) -> Done:
        return await _state(request, (creditor, number), caller, desk, body, make)

    return state


for _name, (_body, _make, _example, _text) in FACTS.items():
    router.add_api_route(
        f"/{{creditor}}/{{number}}/{_name}",
        _endpoint(_body, _make),
        methods=["POST"],
        description=_text,
        operation_id=_name.replace("-", "_"),
        **command(_body, _example, _name.replace("-", " ").capitalize()),
    )
