"""Up to which day an account is known: statements that follow one another, and gaps between them.

In: whether a statement goes on where the account is known to, and what is missing where it does not.
Not in: what is done about days that are not known (domain/gate.py), and the record (ledger/bank_accounts.py).

A statement goes on where it overlaps the days that are known, where its opening balance is the closing one
of the last, or, without balances, where no business day lies between. What lies beyond a gap is remembered:
the statement that is missing closes it whenever it comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from domain.bank import BankStatement
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.gate import unseen_days
from domain.receivable import Creditor
from intake.identity import EARLIEST
from ledger.bank_accounts import Covered, Known

WHOLE_DAYS = ("camt.053", "cfonb120", "mt940")
"""The formats that banks make once a day is over; exports and intraday reports may end in the middle."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Gap:
    """Says what is missing between the days that are known and those of a statement.

    `days` counts business days; none are where the days meet and the balances do not.
    """

    after: date
    before: date
    days: int


def covered_by(statement: BankStatement, today: date, *, whole: bool = True) -> Covered | None:
    """Tells which days a statement covers for certain; None where none of them is over, or it is not whole.

    Raises InputRefused for days that cannot be meant.
    """
    days = [entry.booked_on for entry in statement.entries]
    last = max([statement.booked_to, *days])
    first = statement.booked_from or min([last, *days])
    if last > today:
        remedy = "lies in the future; check the date, or get the file again once the day is over"
        raise InputRefused("booked_to", last.isoformat(), remedy)
    if min([first, *days]) < EARLIEST:
        remedy = f"lies before {EARLIEST.year}; check the date"
        raise InputRefused("booked_from", min([first, *days]).isoformat(), remedy)
    closing = statement.closing
    if last == today and not (closing is not None and statement.format.lower().startswith(WHOLE_DAYS)):
        last, closing = today - ONE_DAY, None
    if last < first or not whole:
        return None
    return Covered(
        first=first,
        last=last,
        opening=statement.opening,
        closing=closing,
        statement=statement.id or statement.number,
    )


def advance(
    creditor: Creditor, account: str, known: Known | None, told: Iterable[Covered]
) -> tuple[Known | None, Gap | None]:
    """Tells how far an account is known with what statements covered, and the first gap that remains."""
    left = sorted(told, key=lambda one: (one.first, one.last))
    if known is None:
        if not left:
            return None, None
        known = _known(account, left.pop(0))
    while True:
        # Only the first one beyond can go on: a later one whose balance meets by chance proves nothing.
        beyond = next((one for one in left if one.last > known.booked_to), None)
        same_day = [one for one in left if one.last <= known.booked_to]
        ahead = [*same_day, *([beyond] if beyond is not None else [])]
        following = next((one for one in ahead if _goes_on(creditor, known, one)), None)
        if following is None:
            return known, _gap(creditor, known, beyond) if beyond is not None else None
        left.remove(following)
        known = _known(account, following)


def _known(account: str, told: Covered) -> Known:
    return Known(account=account, booked_to=told.last, closing=told.closing, statement=told.statement)


def _goes_on(creditor: Creditor, known: Known, told: Covered) -> bool:
    met = None not in {known.closing, told.opening} and told.opening == known.closing
    if told.last <= known.booked_to:
        # Several statements of one day follow one another by their balances.
        return met and told.last == known.booked_to and told.closing not in {None, known.closing}
    if told.first <= known.booked_to:
        return True
    no_day_between = unseen_days(creditor, known.booked_to, told.first) == 0
    if known.closing is None or told.opening is None:
        return no_day_between
    # Accounts that are emptied every night always begin with nothing: that proves no succession.
    return met and (told.opening != ZERO or no_day_between)


def _gap(creditor: Creditor, known: Known, told: Covered) -> Gap:
    days = unseen_days(creditor, known.booked_to, told.first)
    return Gap(after=known.booked_to, before=told.first, days=days)
