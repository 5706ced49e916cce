"""Answers of debtors at the door: each has a bounded effect, and none closes anything.

In: how often one may answer, what an answer sets going, the tasks that ask people to look at it.
Not in: the answers (domain/answers.py), how agreements are kept (domain/standing.py).

What a debtor says suspends reminders once between two messages: whoever goes on answering without paying
receives the next message all the same, and can then answer that.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from domain.account import Account
from domain.actions import Ending
from domain.agreements import (
    LONGEST_PROMISE,
    Agreement,
    Dispute,
    Hold,
    HoldScope,
    InstalmentPlan,
    PromiseToPay,
    Rhythm,
    equal_instalments,
)
from domain.answers import (
    AlreadyPaid,
    Answer,
    Contests,
    DebtorAnswered,
    NeedsInstalments,
    NeverReceived,
    WillPay,
    WrongContact,
)
from domain.calendars import Agenda
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.admission import Admission, Status
from intake.mailbox.taking import HELD_DAYS, READ_WITHIN_DAYS, business_day_after
from intake.visit import Visit
from ledger.book import Book
from ledger.schema import journal

ANSWERS_A_DAY = 10
"""How many answers one link gives on one day of the creditor's; more is no debtor typing."""

AT_ONCE = timedelta(days=30)
"""How far ahead a promise may lie to count without a person's approval."""

LATEST_START = timedelta(days=60)
"""How far ahead the first instalment that a debtor asks for may lie."""

LONGEST_AGO = timedelta(days=730)

ANSWERED_WITHIN = timedelta(days=30)
"""How long what a debtor contests is not asked for while the creditor has not answered."""

PREFIX = "answer-"
"""How the ids of all that answers make begin."""

LOGGED = "debtor.answered"


def author_of(debtor: str) -> str:
    """Names a debtor as an author in the journal."""
    return f"debtor:{debtor}"


def name_of(event: DebtorAnswered) -> str:
    """Names an answer by what it says and the link it came by: the same one again has the same name."""
    said = f"{event.creditor}\0{event.debtor}\0{event.link}\0{event.answer.model_dump_json()}"
    return f"{PREFIX}{hashlib.sha256(said.encode()).hexdigest()[:16]}"


async def debtor_answered(visit: Visit, event: DebtorAnswered) -> Admission:
    """Takes an answer; the same one again by the same link changes nothing.

    Raises InputRefused for one about invoices that are not open, for what contradicts the account, and for
    more answers by one link than anybody gives on a day (field `link`).
    """
    book = await visit.book(event.creditor, event.debtor)
    name, answer = name_of(event), event.answer
    numbers = () if isinstance(answer, WrongContact) else answer.invoices
    given = await _given(book, str(event.link))
    if any(facts["answer"] == name for _, facts in given):
        return _admitted(event, Status.KNOWN, numbers, "was given before")
    if sum(day == book.today for day, _ in given) >= ANSWERS_A_DAY:
        remedy = f"has given {ANSWERS_A_DAY} answers today; answer again tomorrow, or reply to the message"
        raise InputRefused("link", str(event.link), remedy)
    _check_open(book, numbers)
    await book.log(
        LOGGED,
        numbers[0] if len(numbers) == 1 else None,
        answer=name,
        link=str(event.link),
        said=answer.kind,
        invoices=list(numbers),
        author=author_of(event.debtor),
    )
    what = await _follow(book, answer, name)
    await book.settle()
    return _admitted(event, Status.TAKEN, numbers, what)


def _admitted(event: DebtorAnswered, status: Status, numbers: tuple[str, ...], what: str) -> Admission:
    told = f"answer of {event.debtor} ({event.answer.kind}): {what}"
    return Admission(status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=told)


async def _given(book: Book, link: str) -> list[tuple[date, dict[str, Any]]]:
    """Reads the earlier answers by a link, each with its day for the creditor."""
    agenda = Agenda.of(book.account.creditor, book.account.debtor)
    query = sa.select(journal.c.at, journal.c.facts).where(
        journal.c.creditor == book.creditor, journal.c.debtor == book.debtor, journal.c.kind == LOGGED
    )
    rows = await book.conn.execute(query)
    return [(agenda.today(row.at), row.facts) for row in rows if row.facts["link"] == link]


def _check_open(book: Book, numbers: Iterable[str]) -> None:
    for number in numbers:
        if not book.has_case(number) or not answerable(book, number):
            remedy = "is not an open invoice of this debtor; take one from the list"
            raise InputRefused("answer.invoices", number, remedy)


def answerable(book: Book, number: str) -> bool:
    """Tells whether something can still be said about an invoice here: the agency asks for the others."""
    return book.case(number).ending in {None, Ending.EXHAUSTED} and book.account.balance(number).open > ZERO


async def _follow(book: Book, answer: Answer, name: str) -> str:
    match answer:
        case AlreadyPaid():
            return await _paid(book, answer, name)
        case WillPay():
            return await _promised(book, answer, name)
        case Contests():
            return await _contested(book, answer, name)
        case NeedsInstalments():
            return await _asked_for_time(book, answer, name)
        case WrongContact():
            return await _misdirected(book, answer, name)
        case NeverReceived():
            return await _missed(book, answer, name)


async def _paid(book: Book, answer: AlreadyPaid, name: str) -> str:
    """Holds the invoices for a few days and asks a person to look for the money."""
    _check_day("answer.paid_on", answer.paid_on, book.today - LONGEST_AGO, book.today)
    held = await _hold(book, answer.invoices, name, "paid already, says the debtor")
    detail = answer.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    detail["currency"] = book.case(answer.invoices[0]).invoice.currency
    await _ask(book, "claimed-paid", name, answer.invoices, detail)
    return held


async def _promised(book: Book, answer: WillPay, name: str) -> str:
    """Records a promise; one that is late, partial or not the first waits for a person's approval."""
    _check_day("answer.pay_by", answer.pay_by, book.today, book.today + LONGEST_PROMISE)
    claimable = _claimable(book, answer.invoices)
    amount = answer.amount if answer.amount is not None else claimable
    late = answer.pay_by > book.today + AT_ONCE
    promise = PromiseToPay(
        id=name,
        invoices=answer.invoices,
        made_on=book.today,
        pay_by=answer.pay_by,
        amount=amount,
        needs_approval=late or amount < claimable,
    )
    return await _agree(book, promise)


async def _contested(book: Book, answer: Contests, name: str) -> str:
    """Opens a dispute for the creditor to answer."""
    dispute = Dispute(
        id=name,
        invoices=answer.invoices,
        made_on=book.today,
        until=book.today + ANSWERED_WITHIN,
        reason=answer.reason,
        lines=answer.lines,
        amount=answer.amount,
        note=answer.text,
        document=answer.document,
    )
    return await _agree(book, dispute)


async def _asked_for_time(book: Book, answer: NeedsInstalments, name: str) -> str:
    """Proposes a plan, which a person approves or not."""
    _check_day("answer.first", answer.first, book.today, book.today + LATEST_START)
    try:
        parts = equal_instalments(
            _claimable(book, answer.invoices), answer.count, answer.first, Rhythm.MONTHLY
        )
    except ValueError as fault:
        raise InputRefused("answer.count", answer.count, str(fault)) from None
    plan = InstalmentPlan(
        id=name,
        invoices=answer.invoices,
        made_on=book.today,
        instalments=parts,
        needs_approval=True,
    )
    return await _agree(book, plan)


async def _misdirected(book: Book, answer: WrongContact, name: str) -> str:
    """Holds the account for a few days and asks a person to mend its contacts; nothing changes by itself."""
    held = await _hold(book, (None,), name, "wrong contact, says the debtor")
    detail = answer.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    await _ask(book, "claimed-contact", name, (), detail)
    return held


async def _missed(book: Book, answer: NeverReceived, name: str) -> str:
    """Asks a person to send the invoice again; the debtor may take its copy from the page."""
    await _ask(book, "claimed-missing", name, answer.invoices, {"invoices": list(answer.invoices)})
    return "noted; reminders go on"


def _check_day(field: str, day: date, first: date, last: date) -> None:
    if not first <= day <= last:
        raise InputRefused(field, day.isoformat(), f"give a day from {first} to {last}")


def _claimable(book: Book, numbers: Iterable[str]) -> Decimal:
    """Sums what may be asked for; raises InputRefused where that is nothing."""
    numbers = tuple(numbers)
    total = sum((book.account.claimable(one, book.today) for one in numbers), ZERO)
    if total <= ZERO:
        raise InputRefused("answer.invoices", ", ".join(numbers), "nothing is asked for of these now")
    return total


async def _agree(book: Book, made: Agreement) -> str:
    """Records what the debtor says; the second time about one invoice a person decides first."""
    earlier = [
        one
        for one in book.account.agreements
        if one.id.startswith(PREFIX)
        and isinstance(one, Dispute) == isinstance(made, Dispute)
        and not set(one.invoices).isdisjoint(made.invoices)
    ]
    if any(is_since_last_message(book.account, one.made_on) for one in earlier):
        remedy = "was answered for already; reply to the message to change what was said"
        raise InputRefused("answer.invoices", ", ".join(made.invoices), remedy)
    if earlier:
        made = made.model_copy(update={"needs_approval": True})
    await book.put_agreement(made, author_of(book.debtor))
    recorded = next(one for one in book.account.agreements if one.id == made.id)
    return f"{made.kind} {made.id} recorded" + ("; it waits for approval" if recorded.needs_approval else "")


def is_since_last_message(account: Account, day: date) -> bool:
    """Tells whether a day lies at or after that of the latest message, or of none."""
    contacted = account.last_contact()
    return contacted is None or day >= contacted


async def _hold(book: Book, numbers: Iterable[str | None], name: str, reason: str) -> str:
    """Suspends invoices, or the account (None), for a few days: once between two messages."""
    until = business_day_after(book.today, HELD_DAYS, book.account.creditor)
    used = {
        one.invoice
        for one in book.account.holds
        if one.id.startswith(PREFIX) and is_since_last_message(book.account, one.starts_on)
    }
    free = [number for number in numbers if number not in used]
    for turn, number in enumerate(free, start=1):
        hold = Hold(
            id=f"{name}/{turn}",
            scope=HoldScope.DEBTOR if number is None else HoldScope.INVOICE,
            invoice=number,
            starts_on=book.today,
            until=until,
            reason=reason,
        )
        await book.place_hold(hold, author_of(book.debtor))
    return f"held until {until}" if free else "noted; it was held before"


async def _ask(book: Book, kind: str, name: str, numbers: tuple[str, ...], detail: Mapping[str, Any]) -> None:
    """Gives a person the task; closing it ends what the answer holds."""
    due = business_day_after(book.today, READ_WITHIN_DAYS, book.account.creditor)
    number = numbers[0] if len(numbers) == 1 else None
    await book.open_task(kind, f"{kind}:{book.creditor}:{name}", number, due, {**detail, "hold": name})
