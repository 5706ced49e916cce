"""An invoice that nobody has sent, to try a policy on before anything runs.

In: two parties who are nobody, the calendar that their invoice would follow.
Not in: the calendar of a real invoice (schedule.py), a portfolio lived through (simulation.py).
"""

from datetime import date, timedelta
from decimal import Decimal

from domain.account import Account, Case
from domain.calendars import COUNTRY_ZONES, Agenda
from domain.faults import InputRefused
from domain.policy import DunningPolicy
from domain.receivable import Contact, Creditor, Debtor, Invoice, PostalAddress
from domain.schedule import PlannedStep, calendar

USUAL_TERM = timedelta(days=30)
LEAST = Decimal("1000.00")


def sample_calendar(
    policy: DunningPolicy,
    due: date,
    *,
    issued: date | None = None,
    country: str = "FR",
    postcode: str | None = None,
    amount: Decimal | None = None,
    currency: str | None = None,
) -> tuple[PlannedStep, ...]:
    """Works out the calendar of an invoice that nobody has sent yet, as seen on its issue date.

    Without an amount it is one that the policy reminds of; below the policy's minimum nothing leaves.
    Raises InputRefused for what is no country's code.
    """
    creditor, debtor = parties(country, postcode)
    start = issued or due - USUAL_TERM
    invoice = Invoice(
        creditor=creditor.id,
        number="SAMPLE",
        debtor=debtor.id,
        issue_date=start,
        due_date=due,
        total=amount if amount is not None else max([LEAST, *policy.minimum.values()]),
        currency=currency or next(iter(policy.minimum), "EUR"),
    )
    account = Account(creditor=creditor, debtor=debtor, cases=(Case(invoice=invoice, policy=policy.version),))
    return calendar(account, invoice.number, policy, Agenda.of(creditor, debtor).midnight(start))


def parties(country: str, postcode: str | None) -> tuple[Creditor, Debtor]:
    """Makes a creditor and a debtor of one place, whose holidays count; raises InputRefused."""
    if len(country) != 2 or not country.isalpha() or not country.isupper():  # noqa: PLR2004 - ISO 3166-1 alpha-2
        raise InputRefused(
            field="country", value=country, remedy="write the two capital letters of a country, as FR"
        )
    address = PostalAddress(lines=("-",), postcode=postcode or "-", city="-", country=country)
    zone = COUNTRY_ZONES.get(country, "Europe/Paris")
    creditor = Creditor(
        id="sample", legal_name="-", address=address, email="sample@relance.example", time_zone=zone
    )
    debtor = Debtor(
        creditor="sample",
        id="sample",
        legal_name="-",
        address=address,
        country=country,
        contacts=(Contact(email="sample@relance.example"),),
    )
    return creditor, debtor
