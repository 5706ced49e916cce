"""Builders of agreements about F-1, as short as a sentence.

In: a dispute, a promise, a plan, a settlement; an account to which they are added by the rules.
Not in: the other facts (tests/domain/build.py).
"""

from domain.account import Account
from domain.agreements import (
    Agreement,
    Dispute,
    InstalmentPlan,
    PromiseToPay,
    Rhythm,
    Settlement,
    equal_instalments,
)
from domain.concluding import concluded
from tests.domain.build import day, money

MADE = "2026-04-01"


def dispute(until: str = "2026-05-01", made: str = MADE, **more: object) -> Dispute:
    """Gives a dispute about all of F-1, or about `amount`."""
    facts = {"id": "D-1", "invoices": ("F-1",), "made_on": day(made), "until": day(until), "reason": "price"}
    return Dispute.model_validate(facts | more)


def promise(pay_by: str = "2026-04-10", made: str = MADE, **more: object) -> PromiseToPay:
    """Gives a promise to pay all of F-1, or `amount`."""
    facts = {"id": "P-1", "invoices": ("F-1",), "made_on": day(made), "pay_by": day(pay_by)}
    return PromiseToPay.model_validate(facts | more)


def settlement(
    amount: str = "60.00", pay_by: str = "2026-04-10", made: str = MADE, **more: object
) -> Settlement:
    """Gives an offer to let the rest of F-1 go for an amount."""
    facts = {"id": "S-1", "invoices": ("F-1",), "made_on": day(made), "pay_by": day(pay_by)}
    return Settlement.model_validate(facts | {"amount": amount} | more)


def plan(
    total: str = "100.00",
    count: int = 4,
    first: str = "2026-04-10",
    rhythm: str = "weekly",
    made: str = MADE,
    **more: object,
) -> InstalmentPlan:
    """Gives a plan of equal instalments for F-1."""
    parts = equal_instalments(money(total), count, day(first), Rhythm(rhythm))
    facts = {"id": "L-1", "invoices": ("F-1",), "made_on": day(made), "instalments": parts}
    return InstalmentPlan.model_validate(facts | more)


def agreed(account: Account, *agreements: Agreement, approved: bool = False) -> Account:
    """Gives the account with agreements made on it, as the record would fill them in."""
    for one in agreements:
        made = concluded(account, one, one.made_on).model_copy(update={"approved": approved})
        account = account.having(agreements=(*account.agreements, made))
    return account
