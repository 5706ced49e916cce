"""Agreements at the door: disputes, promises, plans and settlements, made and ended.

In: whose invoices they are about, a document's number that stands for all its maturities.
Not in: whether one can be made (domain/concluding.py), and how it is kept (domain/standing.py).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.agreements import (
    Agreement,
    Dispute,
    HowEnded,
    InstalmentPlan,
    PromiseToPay,
    Settlement,
)
from domain.concluding import UNDER_WAY, divided, parts_named
from domain.events import AgreementEnded, AgreementMade
from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed
from intake.admission import Admission, Status
from intake.readers.rows import explained
from intake.visit import Visit, closed_as
from ledger import agreement_queries
from ledger.book import Book

BY_INTAKE = "intake"
"""The author of what an event says without naming anybody."""

DECIDED_HERE = ("owed", "approved", "ended_on", "ended_how")
"""What only the record can say of an agreement."""


async def agreement_made(visit: Visit, event: AgreementMade, author: str = BY_INTAKE) -> Admission:
    """Records an agreement about invoices of one debtor."""
    owner = await visit.creditor(event.creditor)
    _check(event.agreement, visit.now.astimezone(ZoneInfo(owner.time_zone)).date())
    await visit.take_turn(event.creditor, event.agreement.invoices)
    known = await visit.known(event.creditor, event.agreement.invoices)
    found = {name for one in known for name in (one.number, one.document)}
    unknown = [name for name in event.agreement.invoices if name not in found]
    if unknown:
        remedy = "is not a known invoice; correct the number or send the invoice first"
        raise InputRefused("agreement.invoices", ", ".join(unknown), remedy)
    if len({one.debtor for one in known}) > 1:
        raise InputRefused(
            "agreement.invoices",
            ", ".join(one.number for one in known),
            "are of different debtors; send one agreement for each debtor",
        )
    numbers = tuple(one.number for one in known)
    book = await visit.book(event.creditor, known[0].debtor)
    closed = closed_as(book, numbers)
    made = _recorded(book, event.agreement, numbers) or _divided(book, event.agreement, numbers)
    changed = [await book.put_agreement(one, author) for one in made]
    if not any(changed):
        recorded = next(one for one in book.account.agreements if one.id == made[0].id)
        how = book.account.standing(recorded, book.today).value
        what = f"{event.agreement.kind} {event.agreement.id} was known ({how}){closed}"
        return _answer(event, Status.KNOWN, numbers, what)
    await book.settle()
    written = [one for one in book.account.agreements if one.id in {each.id for each in made}]
    what = "; ".join(_told(book, one) for one in written)
    return _answer(event, Status.TAKEN, numbers, what + closed)


def _answer(
    event: AgreementMade | AgreementEnded, status: Status, numbers: tuple[str, ...], what: str
) -> Admission:
    return Admission(status=status, event=event.type, creditor=event.creditor, numbers=numbers, what=what)


def _check(agreement: Agreement, today: date) -> None:
    for name in DECIDED_HERE:
        value, field = getattr(agreement, name), f"agreement.{name}"
        if value not in {None, False}:
            remedy = "is decided on record; leave it out, and approve or end the agreement by its id"
            raise InputRefused(field, str(value), remedy)
    if agreement.made_on > today:
        remedy = f"lies in the future; today is {today}"
        raise InputRefused("agreement.made_on", agreement.made_on.isoformat(), remedy)


def _recorded(book: Book, stated: Agreement, numbers: tuple[str, ...]) -> tuple[Agreement, ...]:
    """Finds the parts of a dispute about a whole document that is on record already.

    How its amount was divided depended on what each maturity owed then, so only the sum is compared.
    """
    names = parts_named(stated.id, len(numbers))
    parts = tuple(one for one in book.account.agreements if one.id in names)
    if not isinstance(stated, Dispute) or len(numbers) == 1 or not parts:
        return ()
    shares = [one.amount for one in parts if isinstance(one, Dispute)]
    said = {"id": stated.id, "amount": stated.amount, "invoices": stated.invoices}
    same = all(
        one.model_copy(update=said).model_dump(exclude={*DECIDED_HERE, "needs_approval"})
        == stated.model_dump(exclude={*DECIDED_HERE, "needs_approval"})
        for one in parts
    )
    if not same or sum((share or ZERO for share in shares), ZERO) != (stated.amount or ZERO):
        remedy = "this agreement is known with other facts; end it, and give the new one an id of its own"
        raise InputRefused("agreement.id", stated.id, remedy)
    return parts


def _divided(book: Book, stated: Agreement, numbers: tuple[str, ...]) -> tuple[Agreement, ...]:
    try:
        return divided(book.account, stated, numbers)
    except ValidationError as fault:
        raise explained(fault, model=type(stated)) from fault


def _told(book: Book, agreement: Agreement) -> str:
    """Says what was recorded, what it changes and until when."""
    on = ", ".join(agreement.invoices)
    what = f"{agreement.kind} {agreement.id} recorded on {on}: {_terms(book, agreement)}"
    if agreement.needs_approval:
        what += f"; it waits for approval: agreements approve {agreement.id}"
    standing = book.account.standing(agreement, book.today)
    return what if standing in UNDER_WAY else f"{what}; it is {standing.value} already"


def _terms(book: Book, agreement: Agreement) -> str:
    grace = timedelta(days=book.account.creditor.grace_days)
    currency = book.case(agreement.invoices[0]).invoice.currency
    owed = agreement.owed or ZERO
    match agreement:
        case Dispute(amount=amount):
            contested = f"{amount:.2f} {currency} is not asked for" if amount else "nothing is asked for"
            return f"until {agreement.until}, that day included, {contested}"
        case PromiseToPay(pay_by=pay_by):
            return f"{agreement.amount or owed:.2f} {currency} by {pay_by}; {_quiet(pay_by + grace)}"
        case InstalmentPlan(instalments=parts):
            first = f"the first of {parts[0].amount:.2f} by {parts[0].pay_by}"
            whole = f"{agreement.total:.2f} {currency} in {len(parts)} instalments"
            return f"{whole}, {first}; {_quiet(parts[0].pay_by + grace)}"
        case Settlement():
            return f"{agreement.amount:.2f} of {owed:.2f} {currency} by {agreement.pay_by} lets the rest go"


def _quiet(until: date) -> str:
    return f"no reminders until {until}, that day included, unless it is kept before"


async def agreement_ended(visit: Visit, event: AgreementEnded, author: str = BY_INTAKE) -> Admission:
    """Ends an agreement, or all the parts of a dispute about a document of several maturities."""
    await visit.creditor(event.creditor)
    parts = await agreement_queries.parts(visit.conn, event.creditor, event.id)
    if not parts:
        remedy = f"is not a known agreement of {event.creditor}; correct the id, or send the agreement first"
        raise InputRefused("id", event.id, remedy)
    book = await visit.book(event.creditor, parts[0][1])
    names = {name for name, _ in parts}
    ended = [one for one in book.account.agreements if one.id in names]
    try:
        changed = [await book.end_agreement(one.id, event.how, event.reason, author) for one in ended]
    except NotAllowed as fault:
        raise InputRefused("id", event.id, str(fault)) from None
    numbers = tuple(number for one in ended for number in one.invoices)
    if not any(changed):
        return _answer(event, Status.KNOWN, numbers, f"{ended[0].kind} {event.id} was ended so before")
    await book.settle()
    what = f"{ended[0].kind} {event.id} ended ({event.how.value})"
    if event.how is HowEnded.UPHELD:
        what += f"; issue a credit note {_contested(book, ended)}; for a week nothing is asked for"
    return _answer(event, Status.TAKEN, numbers, what)


def _contested(book: Book, disputes: Iterable[Agreement]) -> str:
    """Says of how much a credit note is to be issued on which invoices."""
    sums = []
    for one in disputes:
        (number,) = one.invoices
        amount = one.amount if isinstance(one, Dispute) else None
        total = amount or book.account.balance(number).open
        sums.append(f"of {total:.2f} {book.case(number).invoice.currency} on {number}")
    return " and ".join(sums)
