"""How much a debtor owes in all, how much of it is overdue, and whether more may be delivered on credit.

In: exposure, what is overdue, the answer to an order with its reasons.
Not in: limits themselves, which are facts of the debtor, and what dunning does about debts (schedule.py).

Amounts of different currencies are never added. What is disputed, promised or held counts: the risk is
there all the same. What was written off does not.
"""

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from domain.account import Account
from domain.actions import Ending
from domain.fact import ZERO, Amount, Currency, Fact
from domain.receivable import Debtor


class Limits(Fact):
    """Bounds what one debtor may owe, in one currency; what is None is not bounded.

    `credit` bounds everything owed, an order included; `unpaid` bounds what is overdue by more than
    `margin_days`. A limit may be reached, not exceeded.
    """

    credit: Amount | None = Field(default=None, ge=0)
    unpaid: Amount | None = Field(default=None, ge=0)
    margin_days: int = Field(default=0, ge=0, le=120)
    currency: Currency = "EUR"

    @classmethod
    def of(cls, debtor: Debtor) -> "Limits":
        """Reads the limits among the facts of a debtor."""
        return cls(
            credit=debtor.credit_limit,
            unpaid=debtor.unpaid_limit,
            margin_days=debtor.unpaid_margin_days,
            currency=debtor.credit_currency,
        )


class Reason(StrEnum):
    """Names what speaks against a delivery."""

    CREDIT = "credit"
    UNPAID = "unpaid"
    CURRENCY = "currency"


SENTENCES = {
    "en": {
        Reason.CREDIT: "with this order {after} {currency} would be owed, the limit is {credit}",
        Reason.UNPAID: "{unpaid} {currency} are unpaid since more than {margin} day(s), the limit is {most}",
        Reason.CURRENCY: "the order is in another currency than the limit ({currency}): a person decides",
    },
    "fr": {
        Reason.CREDIT: "avec cette commande {after} {currency} seraient dus, le plafond est de {credit}",
        Reason.UNPAID: "{unpaid} {currency} sont impayés depuis plus de {margin} jour(s), plafond {most}",
        Reason.CURRENCY: "la commande n'est pas dans la devise du plafond ({currency}) : à décider",
    },
}


class CreditAnswer(Fact):
    """Says whether an order may be delivered on credit, and every reason why not.

    `exposure` and `unpaid` are in the currency of the limits, before the order.
    """

    order: Amount
    currency: Currency
    exposure: Amount
    unpaid: Amount
    limits: Limits
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tells whether nothing speaks against the delivery."""
        return not self.reasons

    def explained(self, language: str = "en") -> tuple[str, ...]:
        """Says each reason in a sentence, in French or English."""
        sentences = SENTENCES.get(language, SENTENCES["en"])
        facts = {
            "after": f"{self.exposure + self.order:.2f}",
            "currency": self.limits.currency,
            "credit": f"{self.limits.credit or ZERO:.2f}",
            "unpaid": f"{self.unpaid:.2f}",
            "margin": self.limits.margin_days,
            "most": f"{self.limits.unpaid or ZERO:.2f}",
        }
        return tuple(sentences[reason].format(**facts) for reason in self.reasons)


class Overdue(Fact):
    """Counts the overdue invoices of a debtor and sums what they owe, by currency."""

    count: int
    amounts: dict[str, Amount]


def exposure(account: Account, day: date) -> dict[str, Decimal]:
    """Sums what a debtor owes on a day by currency, due or not; below zero where money was paid ahead.

    Receipts dated after the day do not count yet.
    """
    known = _known_on(account, day)
    sums: dict[str, Decimal] = {}
    for case in known.cases:
        balance = known.balance(case.invoice.number)
        # Money beyond what an invoice asks for is the debtor's, whatever became of the invoice.
        beyond = max(ZERO, balance.credited + balance.paid - balance.total)
        owed = balance.open if case.ending is not Ending.WRITTEN_OFF else ZERO
        sums[case.invoice.currency] = sums.get(case.invoice.currency, ZERO) + owed - beyond
    for payment in known.payments:
        sums[payment.currency] = sums.get(payment.currency, ZERO) - payment.unallocated
    for note in known.credit_notes:
        if note.invoice is None and not note.cancelled:
            sums[note.currency] = sums.get(note.currency, ZERO) - note.total
    return sums


def overdue(account: Account, day: date, margin_days: int = 0) -> Overdue:
    """Counts the invoices that are still owed more than some days after their due date, and their amounts."""
    known = _known_on(account, day)
    latest = day - timedelta(days=margin_days)
    count, amounts = 0, dict[str, Decimal]()
    for case in known.cases:
        net = known.balance(case.invoice.number).net
        if net > ZERO and case.invoice.due_date < latest and case.ending is not Ending.WRITTEN_OFF:
            count += 1
            amounts[case.invoice.currency] = amounts.get(case.invoice.currency, ZERO) + net
    return Overdue(count=count, amounts=amounts)


def may_deliver(
    account: Account, order: Decimal, day: date, limits: Limits, *, currency: str = "EUR"
) -> CreditAnswer:
    """Says whether an order of an amount may be delivered on credit on a day."""
    owed = exposure(account, day).get(limits.currency, ZERO)
    unpaid = overdue(account, day, limits.margin_days).amounts.get(limits.currency, ZERO)
    reasons: list[Reason] = []
    if limits.credit is not None and currency != limits.currency:
        reasons.append(Reason.CURRENCY)
    elif limits.credit is not None and owed + order > limits.credit:
        reasons.append(Reason.CREDIT)
    if limits.unpaid is not None and unpaid > limits.unpaid:
        reasons.append(Reason.UNPAID)
    return CreditAnswer(
        order=order,
        currency=currency,
        exposure=owed,
        unpaid=unpaid,
        limits=limits,
        reasons=tuple(reasons),
    )


def _known_on(account: Account, day: date) -> Account:
    return account.having(
        payments=tuple(one for one in account.payments if one.received_on <= day),
        credit_notes=tuple(one for one in account.credit_notes if one.issue_date <= day),
    )
