"""Whether an agreement can be made on an account, and what is filled in when it is.

In: what contradicts the account, what its invoices owed, when a person must approve, the parts of a
    document; the money come since.
Not in: how an agreement stands (standing.py), and how it is recorded (ledger/agreements.py).
"""

from datetime import date, timedelta
from decimal import Decimal

from domain.account import Account
from domain.actions import Ending
from domain.agreements import (
    AGREEMENT,
    DECIDED_WITHIN,
    Agreement,
    Dispute,
    InstalmentPlan,
    PromiseToPay,
    Settlement,
)
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.standing import Duty, Standing, duties, unmet

UNDER_WAY = frozenset({Standing.PENDING, Standing.RUNNING})
UNKEPT = frozenset({Standing.PARTLY, Standing.BROKEN})


def concluded(account: Account, agreement: Agreement, today: date) -> Agreement:
    """Gives an agreement as it is recorded: with what was owed, and whether a person must approve it.

    Money for one invoice keeps one agreement at a time, or it would keep several at once. Raises KeyError
    for an unknown invoice, InputRefused for what contradicts the account.
    """
    invoices = [account.case(number).invoice for number in agreement.invoices]
    if len({invoice.currency for invoice in invoices}) > 1:
        currencies = " and ".join(sorted({invoice.currency for invoice in invoices}))
        raise _refused("invoices", ", ".join(agreement.invoices), f"are in {currencies}; agree on one each")
    for number in agreement.invoices:
        if account.case(number).ending is Ending.WRITTEN_OFF:
            raise _refused("invoices", number, "was written off; take that back first")
        for other in account.agreements:
            if number in other.invoices and _collides(agreement, other, account.standing(other, today)):
                remedy = f"has a {other.kind} under way ({other.id}); end that one first"
                raise _refused("invoices", number, remedy)
    owed = account.owed(agreement.invoices, agreement.made_on)
    _check_amounts(account, agreement, owed, today)
    return agreement.model_copy(
        update={
            "owed": owed,
            "needs_approval": agreement.needs_approval or _was_let_down(account, agreement, today),
            "approved": False,
            "ended_on": None,
            "ended_how": None,
        }
    )


def _refused(name: str, value: object, remedy: str) -> InputRefused:
    return InputRefused(f"agreement.{name}", value, remedy)


def _collides(new: Agreement, other: Agreement, how: Standing) -> bool:
    return how in UNDER_WAY and isinstance(new, Dispute) == isinstance(other, Dispute)


def _was_let_down(account: Account, agreement: Agreement, today: date) -> bool:
    """Tells whether a promise or a plan about one of the invoices was not kept before."""
    if not isinstance(agreement, PromiseToPay | InstalmentPlan):
        return False
    return any(
        isinstance(other, PromiseToPay | InstalmentPlan)
        and not set(agreement.invoices).isdisjoint(other.invoices)
        and account.standing(other, today) in UNKEPT
        for other in account.agreements
    )


def _check_amounts(account: Account, agreement: Agreement, owed: Decimal, today: date) -> None:
    settled = all(account.balance(number).open <= ZERO for number in agreement.invoices)
    if (owed <= ZERO or settled) and not isinstance(agreement, Dispute):
        numbers = ", ".join(agreement.invoices)
        raise _refused("invoices", numbers, "nothing is owed, so there is nothing to agree on")
    match agreement:
        case Dispute(amount=Decimal() as amount):
            total = account.case(agreement.invoices[0]).invoice.total
            if amount > total:
                raise _refused("amount", f"{amount:.2f}", f"is more than the invoice's total of {total:.2f}")
        case PromiseToPay(amount=None):
            contested = [one for one in agreement.invoices if _is_disputed(account, one, today)]
            if contested:
                remedy = f"is missing, and {', '.join(contested)} is disputed: name the amount promised"
                raise _refused("amount", None, remedy)
        case PromiseToPay(amount=Decimal() as amount) if amount > owed:
            raise _refused("amount", f"{amount:.2f}", f"is more than the {owed:.2f} owed; promise less")
        case InstalmentPlan(total=total) if total > owed:
            raise _refused("instalments", f"{total:.2f}", f"sum to more than the {owed:.2f} owed; lower them")
        case Settlement(amount=amount) if amount >= owed:
            remedy = f"lets nothing go of the {owed:.2f} owed; settle for less, or take it as a promise"
            raise _refused("amount", f"{amount:.2f}", remedy)


def _is_disputed(account: Account, number: str, today: date) -> bool:
    return any(
        isinstance(one, Dispute) and number in one.invoices and account.standing(one, today) in UNDER_WAY
        for one in account.agreements
    )


def divided(account: Account, stated: Agreement, numbers: tuple[str, ...]) -> tuple[Agreement, ...]:
    """Puts the cases, oldest first, in the place of what was named: a document's number stands for them all.

    A dispute about several becomes one for each, `id/1`, `id/2`...; the amount contested falls to the
    oldest first, as the credit note would that may follow. Raises ValidationError for an id too long.
    """
    if not isinstance(stated, Dispute) or len(numbers) == 1:
        return (_remade(stated, invoices=numbers),)
    shares: dict[str, Decimal | None] = dict.fromkeys(numbers)
    if stated.amount is not None:
        left = stated.amount
        for number in numbers:
            share = left if number == numbers[-1] else min(left, account.balance(number).open)
            shares[number] = share
            left -= share
        shares = {number: share for number, share in shares.items() if share}
    return tuple(
        _remade(stated, id=name, invoices=(number,), amount=share)
        for name, (number, share) in zip(parts_named(stated.id, len(shares)), shares.items(), strict=True)
    )


def parts_named(name: str, count: int) -> tuple[str, ...]:
    """Names the parts of an agreement about so many maturities."""
    return tuple(f"{name}/{turn}" for turn in range(1, count + 1))


def _remade(stated: Agreement, **facts: object) -> Agreement:
    return AGREEMENT.validate_python(stated.model_dump() | facts)


def came(account: Account, agreement: Agreement, day: date) -> Decimal:
    """Tells how much has come for an agreement's invoices since it was made, up to a day."""
    return max(ZERO, (agreement.owed or ZERO) - account.owed(agreement.invoices, day))


def next_duty(account: Account, agreement: Agreement) -> Duty | None:
    """Finds what must come next, and by when with the days of grace; None where nothing more is asked."""
    grace = timedelta(days=account.creditor.grace_days)
    return unmet(agreement, lambda day: came(account, agreement, day), grace)


def turns(agreement: Agreement, grace_days: int) -> tuple[date, ...]:
    """Lists the last days, inclusive, after which the standing of an agreement may change by itself."""
    if agreement.needs_approval and not agreement.approved:
        return (agreement.made_on + DECIDED_WITHIN,)
    if isinstance(agreement, Dispute):
        return (agreement.until,)
    return tuple(duty.by for duty in duties(agreement, timedelta(days=grace_days)))
