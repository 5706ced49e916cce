"""The longest payment terms that the law allows, as days on which a due date may lie at the latest.

In: the caps of French law by rule and by sector, those of the EU elsewhere, which ones a due date exceeds.
Not in: which due date holds (terms.py), and what is said about one that lies too late (intake/warnings.py).

A cap flags a due date and never moves it: what was agreed beyond it is the creditor's to put right.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

from domain.fact import Fact

MONTH = timedelta(days=30)
LONGER = timedelta(days=45)
LONGEST = timedelta(days=60)
LIVESTOCK_TERM = timedelta(days=20)

EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
"""The countries that Directive 2011/7/EU binds."""


class TermRule(StrEnum):
    """Names a rule that bounds payment terms; what was agreed with a debtor says which one applies.

    "Forty-five days end of month" is lawful in two readings, and the contract fixes one of them:
    EOM_FIRST goes to the end of the month of issue and then adds 45 days; EOM_LAST adds 45 days to the
    issue date and then goes to the end of that month.
    """

    NET_60 = "60_net"
    EOM_FIRST = "45_eom_first"
    EOM_LAST = "45_eom_last"
    PERIODIC_45 = "45_periodic"
    DEFAULT_30 = "30_default"
    PERISHABLE_30 = "30_perishable"
    LIVESTOCK_20 = "20_livestock"
    ALCOHOL_30 = "30_alcohol"
    TRANSPORT_30 = "30_transport"
    EU_DEFAULT_30 = "eu_30_default"
    EU_60 = "eu_60"


class Sector(StrEnum):
    """Names the trades whose terms are shorter, whatever was agreed (Code de commerce L441-11 II).

    ALCOHOL is what bears the duty on consumption (spirits, CGI 403); wine keeps the general caps.
    TRANSPORT is carriage of goods, freight forwarding, vehicle hire.
    """

    PERISHABLE = "perishable"
    LIVESTOCK = "livestock"
    ALCOHOL = "alcohol"
    TRANSPORT = "transport"


SOURCES = {
    TermRule.NET_60: "C. com. L441-10 I",
    TermRule.EOM_FIRST: "C. com. L441-10 I",
    TermRule.EOM_LAST: "C. com. L441-10 I",
    TermRule.PERIODIC_45: "C. com. L441-10 I",
    TermRule.DEFAULT_30: "C. com. L441-10 I",
    TermRule.PERISHABLE_30: "C. com. L441-11 II",
    TermRule.LIVESTOCK_20: "C. com. L441-11 II",
    TermRule.ALCOHOL_30: "C. com. L441-11 II",
    TermRule.TRANSPORT_30: "C. com. L441-11 II",
    TermRule.EU_DEFAULT_30: "Directive 2011/7/EU art. 3(3)",
    TermRule.EU_60: "Directive 2011/7/EU art. 3(5)",
}
"""The article behind each rule."""

UNLESS_AGREED = frozenset({TermRule.DEFAULT_30, TermRule.EU_DEFAULT_30})
"""The rules that bind only where nothing was agreed."""

DEROGATIONS = frozenset({TermRule.EOM_FIRST, TermRule.EOM_LAST})
"""The rules that allow a longer term than 60 days, where the contract says so in so many words."""


class Cap(Fact):
    """States the last day on which an invoice may fall due under a rule, and the article behind it."""

    rule: TermRule
    last_day: date
    source: str


def caps(
    issue_date: date,
    receipt_date: date | None = None,
    *,
    sector: Sector | None = None,
    periodic: bool = False,
    country: str = "FR",
) -> tuple[Cap, ...]:
    """Lists the caps on the due date of an invoice, in civil days; none for a debtor outside the EU.

    `receipt_date` is the day of the delivery or performance; where it is unknown the issue date stands for
    it. `periodic` says that the invoice sums up the deliveries of a period (CGI 289 I 3). `country` is the
    debtor's. A sector's cap is public order: no other stands beside it.
    """
    received = receipt_date or issue_date
    if country != "FR":
        start = max(issue_date, received)
        days = {TermRule.EU_DEFAULT_30: start + MONTH, TermRule.EU_60: start + LONGEST}
        return _caps(days if country in EU.split() else {})
    if sector is not None:
        return _caps(_of_sector(sector, issue_date, received, periodic=periodic))
    if periodic:
        return _caps({TermRule.PERIODIC_45: issue_date + LONGER})
    return _caps(
        {
            TermRule.NET_60: issue_date + LONGEST,
            TermRule.EOM_FIRST: end_of_month(issue_date) + LONGER,
            TermRule.EOM_LAST: end_of_month(issue_date + LONGER),
            TermRule.DEFAULT_30: received + MONTH,
        }
    )


def exceeding(due: date, known: Iterable[Cap], agreed: TermRule | None = None) -> tuple[Cap, ...]:
    """Lists the caps that a due date lies after; with a rule that was agreed, that one alone.

    A rule that is not among the caps cannot have been agreed: public order leaves no choice, and all count.
    """
    found = tuple(known)
    chosen = tuple(cap for cap in found if cap.rule is agreed) or found
    return tuple(cap for cap in chosen if due > cap.last_day)


def end_of_month(day: date) -> date:
    """Gives the last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def end_of_ten_days(day: date) -> date:
    """Gives the end of the ten-day period (décade) of a day: the 10th, the 20th or the month's last."""
    return next((day.replace(day=last) for last in (10, 20) if day.day <= last), end_of_month(day))


def _of_sector(sector: Sector, issued: date, received: date, *, periodic: bool) -> dict[TermRule, date]:
    match sector:
        case Sector.PERISHABLE:
            start = end_of_ten_days(received) if periodic else received
            return {TermRule.PERISHABLE_30: start + MONTH}
        case Sector.LIVESTOCK:
            return {TermRule.LIVESTOCK_20: received + LIVESTOCK_TERM}
        case Sector.ALCOHOL:
            return {TermRule.ALCOHOL_30: end_of_month(received) + MONTH}
        case Sector.TRANSPORT:
            return {TermRule.TRANSPORT_30: issued + MONTH}


def _caps(days: dict[TermRule, date]) -> tuple[Cap, ...]:
    return tuple(Cap(rule=rule, last_day=day, source=SOURCES[rule]) for rule, day in days.items())
