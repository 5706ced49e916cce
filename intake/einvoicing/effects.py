"""What each status of an invoice sets going: disputes, holds, tasks, money, a day of delivery.

In: the effect of each status by itself.
Not in: which statuses count and in which order (statuses.py), what keeps a case from going on
    (intake/lifecycle.py), money that was cashed (cashing.py).
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

from domain.agreements import LONGEST_DISPUTE, Dispute
from domain.calendars import ONE_DAY, Agenda
from domain.concluding import UNDER_WAY, divided
from domain.fact import ZERO
from domain.faults import InputRefused
from intake.einvoicing.cashing import cashed
from intake.einvoicing.report import BY_NETWORK, NOTHING_OWED, Report, ask, check_currency, hold, name_of
from intake.einvoicing.statuses import contested

ANSWERED_WITHIN = timedelta(days=30)
LOOKED_AT_WITHIN = timedelta(days=7)
SUSPENDED = timedelta(days=60)
VERIFIED_WITHIN = timedelta(days=30)
LONGEST_WAIT = timedelta(days=60)
BANKING_DAYS = 2


async def delivered(report: Report) -> str:
    """Notes the day on which the invoice reached the debtor, where none is known."""
    book = report.book
    for number in report.numbers:
        known = book.case(number).invoice
        if known.delivered_on is None:
            invoice = known.model_copy(update={"delivered_on": report.day})
            facts = invoice.model_dump(mode="json")
            await book.write_case(number, {"facts": facts})
            book.amend_case(number, invoice=invoice)
            was, version = known.model_dump(mode="json"), book.stored[number].version
            # The same version: who sent the invoice did not say when it arrived.
            await book.log("invoice.revised", number, version=version, stated=facts, was=was, delivered=True)
    return f"delivered on {report.day}"


async def disputed(report: Report) -> str:
    """Opens a dispute of what the debtor contests: of the amount not approved where it is told."""
    book, status, numbers = report.book, report.status, report.owing
    if not numbers:
        return NOTHING_OWED
    for one in book.account.agreements:
        running = isinstance(one, Dispute) and book.account.standing(one, book.today) in UNDER_WAY
        if running and not set(one.invoices).isdisjoint(numbers):
            return f"noted: dispute {one.id} is under way"
    part = _part(report)
    made_on = min(report.day, book.today)
    until = max(made_on + ANSWERED_WITHIN, book.today + LOOKED_AT_WITHIN)
    stated = Dispute(
        id=name_of(status),
        invoices=numbers[:1],
        made_on=made_on if until <= made_on + LONGEST_DISPUTE else book.today,
        reason=contested(status.reasons),
        amount=part,
        until=until,
        note=": ".join(filter(None, (", ".join(status.reasons), status.text)))[:500] or None,
    )
    for one in divided(book.account, stated, numbers):
        await book.put_agreement(one, BY_NETWORK)
    what = f"{part:.2f} disputed" if part is not None else "disputed"
    return f"{what} ({stated.reason.value}) until {until}"


def _part(report: Report) -> Decimal | None:
    """Gives the part of the invoice that is contested; None where it is all that is owed.

    Raises InputRefused for more than the invoice asked for, and for another currency.
    """
    check_currency(report, report.numbers)
    amount, approved = report.status.amount, report.status.approved
    total = sum((report.book.case(number).invoice.total for number in report.numbers), ZERO)
    if amount is None and approved is not None and approved < total:
        amount = total - approved
    if amount is not None and amount > total:
        remedy = f"is more than the invoice's total of {total:.2f}; get the message again from the platform"
        raise InputRefused("amount", f"{amount:.2f}", remedy)
    return amount if amount is not None and amount < report.open else None


async def suspended(report: Report) -> str:
    """Holds the invoice until the piece that is missing has been sent, and asks for it."""
    if not report.owing:
        return NOTHING_OWED
    await ask(report, "missing-piece")
    return await hold(report, report.day + SUSPENDED, "a piece is missing, says the debtor")


async def payment_sent(report: Report) -> str:
    """Holds the invoice while the money is on the bank's way."""
    agenda = Agenda.of(report.book.account.creditor, report.book.account.debtor)
    until = (report.status.effective_on or report.day) + timedelta(
        days=report.book.account.creditor.grace_days
    )
    for _ in range(BANKING_DAYS):
        until += ONE_DAY
        while not agenda.is_business_day(until):
            until += ONE_DAY
    return await hold(report, min(until, report.book.today + LONGEST_WAIT), "payment sent, says the debtor")


async def stopped(report: Report) -> str:
    """Says that the case does not go on (intake/lifecycle.py)."""
    if not report.owing:
        return NOTHING_OWED
    if report.status.code == "225":
        return "stopped: the factor collects it"
    return "stopped until the invoice is mended and sent again"


async def factored_confidentially(report: Report) -> str:
    """Tells a person to see to the account that is printed: the creditor goes on collecting."""
    if not report.owing:
        return NOTHING_OWED
    await ask(report, "factored")
    return "goes on; the dedicated account is to be used"


async def account_changed(report: Report) -> str:
    """Holds the invoice until a person has verified the new account by another channel: it may be fraud."""
    if not report.owing:
        return NOTHING_OWED
    await ask(report, "new-account")
    return await hold(report, report.book.today + VERIFIED_WITHIN, "the account to pay changes: verify it")


async def claimed(report: Report) -> str:
    """Holds the invoice for a few days: the debtor's side says what only the creditor's could know."""
    if not report.owing:
        return NOTHING_OWED
    await ask(report, "status-claimed")
    return await hold(report, report.book.today + LOOKED_AT_WITHIN, "claimed by the debtor's side")


EFFECTS: dict[str, Callable[[Report], Awaitable[str]]] = {
    "203": delivered,
    "206": disputed,
    "207": disputed,
    "208": suspended,
    "210": stopped,
    "211": payment_sent,
    "212": cashed,
    "213": stopped,
    "220": stopped,
    "221": stopped,
    "225": stopped,
    "226": factored_confidentially,
    "227": account_changed,
    "501": stopped,
}
"""What each status sets going; the others are noted."""
