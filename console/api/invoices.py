"""Invoices to read: lists, and one in full.

In: pages of cases, and of one case its facts, balance, calendar, next action with its reason, messages.
Not in: changing anything (events.py, commands.py), pages for people (console/pages/).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from console.api.caller import Caller, Reader
from console.api.description import problems
from console.api.desk import Desk, TheDesk
from domain.account import Account
from domain.actions import CaseRef, NextAction
from domain.agreements import Agreement, Hold
from domain.calendars import Agenda
from domain.explanation import explain
from domain.fact import Amount, Fact, Instant
from domain.faults import InputRefused, NotFound
from domain.receivable import Invoice
from domain.schedule import PlannedStep, calendar
from domain.standing import Standing
from ledger import queries
from ledger.messages import MessageRecord, State
from ledger.queries import CaseFile, CaseLine, Filters
from ledger.views import interface

MOST = 500
KEPT = "%2F"
"""How a slash inside a name is written in an address (application.py)."""

Speech = Literal["en", "fr"]
Lang = Annotated[Speech, Query(description="The language of reasons")]
Name = Annotated[str | None, Query(max_length=64)]

router = APIRouter(prefix="/invoices", tags=["invoices"])


class Next(Fact):
    """States what comes next and why; `rule` for programs, `reason` for people."""

    kind: Literal["take", "wait", "close"]
    step: str | None
    at: Instant | None
    day: date | None
    rule: str
    reason: str


class InvoiceLine(Fact):
    """States one case in a list; `net` takes unallocated money off what is open."""

    creditor: str
    number: str
    debtor: str
    debtor_name: str
    status: str
    due_date: date
    currency: str
    total: Amount
    open: Amount
    net: Amount
    policy: str
    next: Next | None
    opened_at: Instant
    closed_at: Instant | None
    href: str


class InvoicePage(Fact):
    """Lists cases by creditor and number; `next` is the `after` of the page that follows."""

    invoices: tuple[InvoiceLine, ...]
    next: str | None


class BalanceSheet(Fact):
    """States what an invoice owes, and what reduced it."""

    total: Amount
    paid: Amount
    credited: Amount
    allowed: Amount
    waived: Amount
    open: Amount
    presumed: Amount
    net: Amount


class CalendarLine(Fact):
    """States one step to come, if nothing else happens."""

    step: str
    channel: str
    day: date
    at: Instant
    late_days: int
    rule: str
    reason: str


class MessageLine(Fact):
    """States one message about the invoice: whether it left, which invoices it speaks for, what it asks."""

    id: str
    step: str
    channel: str
    tone: str
    state: State
    planned_at: Instant
    sent_at: Instant | None
    invoices: tuple[str, ...]
    asked: Amount
    currency: str


class AgreementLine(Fact):
    """States one agreement about the invoice, and how it stands today."""

    id: str
    kind: str
    standing: Standing
    invoices: tuple[str, ...]
    made_on: date
    pay_by: date | None
    until: date | None
    amount: Amount | None


class InvoiceSheet(InvoiceLine):
    """States everything about one case that a program can use."""

    facts: Invoice
    balance: BalanceSheet
    calendar: tuple[CalendarLine, ...]
    holds: tuple[Hold, ...]
    agreements: tuple[AgreementLine, ...]
    messages: tuple[MessageLine, ...]


@router.get("", summary="List invoices", responses=problems(401, 403, 422, 503))
async def list_invoices(
    caller: Reader,
    desk: TheDesk,
    status: Annotated[Literal["open", "closed"] | None, Query()] = None,
    creditor: Name = None,
    debtor: Name = None,
    overdue_on: Annotated[date | None, Query(description="Past their due date on that day, and open")] = None,
    rule: Annotated[str | None, Query(max_length=40, description="Whose next action has this rule")] = None,
    text: Annotated[str | None, Query(max_length=140, description="In the number or the name")] = None,
    after: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    lang: Lang = "en",
) -> InvoicePage:
    """Lists the invoices that every filter lets through; nothing is missed or twice while one pages."""
    _check_storable(creditor=creditor, debtor=debtor, rule=rule, text=text)
    filters = Filters(
        status=status, creditor=creditor, debtor=debtor, overdue_on=overdue_on, rule=rule, text=text
    )
    async with desk.office.database.reading() as conn:
        found = await interface.page(
            conn, filters, creditors=caller.creditors, after=_place(after), limit=limit + 1
        )
    lines = [line_of(one, lang) for one in found[:limit]]
    following = _cursor(lines[-1]) if len(found) > limit else None
    return InvoicePage(invoices=tuple(lines), next=following)


def _check_storable(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and not text.isprintable():
            field = f"query.{name}"
            raise InputRefused(field, text, "contains a control character; remove it")


def _cursor(line: InvoiceLine) -> str:
    return urlsafe_b64encode(json.dumps([line.creditor, line.number]).encode()).decode().rstrip("=")


def _place(after: str | None) -> tuple[str, str] | None:
    if after is None:
        return None
    try:
        creditor, number = json.loads(urlsafe_b64decode(after + "=="))
    except ValueError:  # also what is neither base64 nor JSON
        creditor = number = None
    if isinstance(creditor, str) and isinstance(number, str) and f"{creditor}{number}".isprintable():
        return creditor, number
    raise InputRefused("query.after", after, "is not the `next` of a page; leave it out to begin anew")


@router.get(
    "/{creditor}/{number}",
    summary="See an invoice",
    responses=problems(401, 403, 404, 422, 503),
)
async def see_invoice(
    creditor: str, number: str, caller: Reader, desk: TheDesk, lang: Lang = "en"
) -> InvoiceSheet:
    """Says everything about an invoice; a slash inside its number is written %2F in the address."""
    now = desk.office.clock()
    line = await find(desk, caller, creditor, number)
    case = CaseRef(creditor=line.creditor, number=line.number)
    async with desk.office.database.reading() as conn:
        file = await queries.case_file(conn, case)
        policy = await desk.office.shelf.get(conn, line.policy)
    steps = () if line.ending else calendar(file.account, line.number, policy, now)
    today = Agenda.of(file.account.creditor, file.account.debtor).today(now)
    return InvoiceSheet(
        **line_of(file.line, lang).model_dump(),
        facts=file.account.case(line.number).invoice,
        balance=_balance(file),
        calendar=tuple(_step(one, lang) for one in steps),
        holds=tuple(one for one in file.account.holds if one.invoice in {None, line.number}),
        agreements=tuple(
            _agreement(file.account, one, today)
            for one in file.account.agreements
            if line.number in one.invoices
        ),
        messages=tuple(_message(one) for one in file.messages),
    )


async def find(desk: Desk, caller: Caller, creditor: str, number: str) -> CaseLine:
    """Finds a case by its segments of the address; raises NotFound, also for what is not the caller's."""
    creditor, number = creditor.replace(KEPT, "/"), number.replace(KEPT, "/")
    if not f"{creditor}{number}".isprintable():
        msg = "no such invoice"
        raise NotFound(msg)
    caller.check(creditor)
    async with desk.office.database.reading() as conn:
        return await queries.find_case(conn, number, creditor)


def line_of(line: CaseLine, language: str) -> InvoiceLine:
    """Says of a case what a list says."""
    facts = line.model_dump(exclude={"next", "ending"})
    return InvoiceLine(
        **facts,
        status=line.ending.value if line.ending else "open",
        next=next_of(line.next, language) if line.next else None,
        href=f"/v1/invoices/{_segment(line.creditor)}/{_segment(line.number)}",
    )


def _segment(name: str) -> str:
    return name.replace("#", "%23").replace("/", "%2F").replace(" ", "%20")


def next_of(action: NextAction, language: str) -> Next:
    """Says what comes next, and why."""
    return Next(
        kind=action.kind,
        step=action.step,
        at=action.at,
        day=action.day,
        rule=action.because.rule.value,
        reason=explain(action.because, language),
    )


def _balance(file: CaseFile) -> BalanceSheet:
    balance = file.account.balance(file.line.number)
    facts: dict[str, Any] = balance.model_dump()
    return BalanceSheet(**facts, open=balance.open, net=max(Decimal(0), balance.net))


def _step(line: PlannedStep, language: str) -> CalendarLine:
    return CalendarLine(
        step=line.step,
        channel=line.channel.value,
        day=line.day,
        at=line.at,
        late_days=line.late_days,
        rule=line.because.rule.value,
        reason=explain(line.because, language),
    )


def _agreement(account: Account, agreement: Agreement, today: date) -> AgreementLine:
    return AgreementLine(
        id=agreement.id,
        kind=agreement.kind,
        standing=account.standing(agreement, today),
        invoices=agreement.invoices,
        made_on=agreement.made_on,
        pay_by=getattr(agreement, "pay_by", None),
        until=getattr(agreement, "until", None),
        amount=getattr(agreement, "amount", None),
    )


def _message(record: MessageRecord) -> MessageLine:
    reminder = record.reminder
    return MessageLine(
        id=record.id,
        step=reminder.step,
        channel=reminder.channel.value,
        tone=reminder.tone.name.lower(),
        state=record.state,
        planned_at=reminder.planned_at,
        sent_at=record.sent_at,
        invoices=tuple(record.numbers),
        asked=reminder.asked,
        currency=reminder.currency,
    )
