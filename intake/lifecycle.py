"""What the e-invoicing network reports of an invoice, at the door.

In: statuses taken in, each once, in whatever order they come; what keeps a case from going on.
Not in: how messages are read (readers/cdar.py), the rules among statuses and what each sets going
    (einvoicing/).

A later status, by its own instant, is not undone by an earlier one that arrives after it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from domain.actions import Rule
from domain.calendars import ONE_DAY
from domain.events import StatusReported
from domain.faults import InputRefused
from intake.admission import Admission, Status
from intake.einvoicing.effects import EFFECTS, claimed
from intake.einvoicing.report import BY_NETWORK, Report, take_back, told_by
from intake.einvoicing.statuses import (
    NOT_ACCEPTED,
    REFUSED,
    Reported,
    Word,
    because_of,
    blocking,
    key_of,
    label,
    replaced,
    replacing,
    word_of,
)
from intake.visit import Visit
from ledger import tasks
from ledger.book import Book
from ledger.schema import journal

REPORTED, UNBLOCKED, REVISED = "status.reported", "case.unblocked", "invoice.revised"

OF_A_VERSION = REFUSED | NOT_ACCEPTED | {"206", "207", "208"}
"""The statuses that say nothing of an invoice that was mended since."""

ASKED = {Rule.REJECTED: "rejected", Rule.FACTORED: "factored"}
"""The task behind each rule by which a status stops a case."""


class History(NamedTuple):
    """Holds what was reported of an invoice, when each case was let go, and when the invoice was mended."""

    reported: tuple[Reported, ...]
    let_go: dict[str, int]
    mended_at: datetime | None

    def is_outdated(self, status: StatusReported) -> bool:
        """Tells whether a status speaks of the invoice as it was before it was mended."""
        return self.mended_at is not None and status.at < self.mended_at and status.code in OF_A_VERSION

    def standing(self, number: str, told: Iterable[Reported]) -> list[Reported]:
        """Lists the statuses that still count for a case."""
        since = self.let_go.get(number, 0)
        return [one for one in told if one.revision > since and not self.is_outdated(one.status)]


async def status_reported(visit: Visit, event: StatusReported) -> Admission:
    """Takes in a status of an invoice; one of an unknown invoice waits for it."""
    await visit.creditor(event.creditor)
    if event.at > visit.now + ONE_DAY:
        raise InputRefused("at", event.at.isoformat(), "lies in the future; correct the instant")
    await visit.take_turn(event.creditor, {event.number})
    known = await visit.known(event.creditor, {event.number})
    what = f"status {event.code} ({label(event.code)}) of invoice {event.number}"
    if not known:
        new = await visit.park(event.creditor, (event.number,), event)
        waits = f"{what} waits for the invoice"
        return _answer(event, Status.WAITING if new else Status.KNOWN, waits if new else f"{waits} already")
    book = await visit.book(event.creditor, known[0].debtor)
    followed = await apply_status(visit, book, event)
    numbers = tuple(one.number for one in known)
    if followed is None:
        return _answer(event, Status.KNOWN, f"{what} was known", numbers)
    await book.settle()
    return _answer(event, Status.TAKEN, f"{what}: {followed}", numbers)


def _answer(event: StatusReported, status: Status, what: str, numbers: tuple[str, ...] = ()) -> Admission:
    return Admission(status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=what)


async def apply_status(visit: Visit, book: Book, event: StatusReported) -> str | None:
    """Writes a status into the account of its invoice and says what followed; None where it is known.

    Raises InputRefused where it is known with other facts, or contradicts the invoice.
    """
    numbers = _cases(book, event)
    history = await _history(book, event.number)
    for one in history.reported:
        if key_of(one.status) == key_of(event):
            if one.status != event:
                remedy = "is known with other facts; the platform gives each message an id of its own"
                raise InputRefused("message", event.message, remedy)
            return None
    report = Report(visit, book, event, numbers, history.reported)
    word = Word.NOTED if history.is_outdated(event) else word_of(event)
    followed = await _follow(report, word)
    await book.log(
        REPORTED,
        numbers[0] if len(numbers) == 1 else None,
        stated=event.model_dump(mode="json", exclude_none=True),
        word=word.value,
        followed=followed,
        invoices=list(numbers),
        **report.facts,
    )
    told = (*history.reported, Reported(book.account.revision, event, word))
    for number in numbers:
        await _stop(book, number, blocking(history.standing(number, told)))
    return followed


def _cases(book: Book, event: StatusReported) -> tuple[str, ...]:
    """Lists the cases of the invoice, the oldest due date first; refuses another issue date than theirs."""
    invoices = [
        case.invoice
        for case in book.account.cases
        if event.number in {case.invoice.number, case.invoice.of_document}
    ]
    issued = invoices[0].issue_date
    if event.issue_date not in {None, issued}:
        remedy = f"invoice {event.number} was issued on {issued}: the message is about another one"
        raise InputRefused("issue_date", f"{event.issue_date}", remedy)
    invoices.sort(key=lambda invoice: (invoice.due_date, invoice.number))
    return tuple(invoice.number for invoice in invoices)


async def _history(book: Book, number: str) -> History:
    """Reads what the journal says of earlier statuses of an invoice."""
    query = (
        sa.select(journal.c.revision, journal.c.at, journal.c.kind, journal.c.invoice, journal.c.facts)
        .where(
            journal.c.creditor == book.creditor,
            journal.c.debtor == book.debtor,
            journal.c.kind.in_((REPORTED, UNBLOCKED, REVISED)),
        )
        .order_by(journal.c.revision)
    )
    reported: list[Reported] = []
    let_go: dict[str, int] = {}
    mended_at: datetime | None = None
    for row in await book.conn.execute(query):
        if row.kind == UNBLOCKED:
            let_go[row.invoice] = row.revision
        elif row.kind == REPORTED:
            status = StatusReported.model_validate(row.facts["stated"])
            if status.number == number:
                same_as = row.facts.get("same_as")
                reported.append(Reported(row.revision, status, Word(row.facts["word"]), same_as))
        elif not row.facts.get("delivered") and number in {row.invoice, row.facts["stated"].get("document")}:
            mended_at = row.at
    return History(tuple(reported), let_go, mended_at)


async def _follow(report: Report, word: Word) -> str:
    """Does what follows from a status, and says it."""
    if word is Word.CLAIMED:
        return await claimed(report)
    if word is Word.NOTED:
        return "noted, nothing follows from it"
    later = replacing(report.status, report.before)
    if later is not None:
        return f"noted: status {later.code} of {later.at:%Y-%m-%d %H:%M} is later"
    gone = replaced(report.status, report.before)
    for earlier in gone:
        await take_back(report, earlier)
    effect = EFFECTS.get(report.status.code)
    followed = await effect(report) if effect is not None else "noted"
    return followed + "".join(f"; status {earlier.code} counts no more" for earlier in gone)


async def _stop(book: Book, number: str, status: StatusReported | None) -> None:
    """Stops a case by a status and asks a person about it, or lets it go on."""
    case = book.case(number)
    because = because_of(status) if status is not None else None
    if case.ending is not None or case.blocked == because:
        return
    if status is not None and because is not None:
        await book.block(number, because)
        kind, key = ASKED[because.rule], _key(book, because.rule, number)
        await tasks.ask_again(book, kind, key, number, book.today, told_by(status))
    elif case.blocked is not None and case.blocked.rule in ASKED:
        await book.unblock(number)
    for rule in ASKED:
        if because is None or rule is not because.rule:
            await tasks.close_if_open(book, _key(book, rule, number), "no longer needed", BY_NETWORK)


def _key(book: Book, rule: Rule, number: str) -> str:
    return f"{ASKED[rule]}:{book.creditor}:{number}"


async def mended(book: Book, numbers: Iterable[str], how: str) -> tuple[str, ...]:
    """Lets cases go on whose invoice was refused and has been mended since, and lists them."""
    freed = []
    for number in numbers:
        blocked = book.case(number).blocked
        if blocked is not None and blocked.rule is Rule.REJECTED:
            await book.unblock(number)
            await tasks.close_if_open(book, _key(book, Rule.REJECTED, number), how, BY_NETWORK)
            freed.append(number)
    return tuple(freed)
