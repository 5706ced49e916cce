"""Business days as the auditor counts them.

In: how many business days of a creditor lie between two days.
Not in: the days on which steps may be taken, which are judged no closer than without holidays (policies.py).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import holidays

SATURDAY = 6
ELSEWHERE = {"57": "57", "67": "6AE", "68": "6AE"}
"""The French departments that rest on other days too, with the names that `holidays` gives them."""


def between(first: date, last: date, owner: Mapping[str, Any]) -> int:
    """Counts the business days of a creditor after one day and before another one."""
    days = (first + timedelta(days=more) for more in range(1, (last - first).days))
    calendar = _calendar(owner["address"], owner.get("subdivision"))
    if calendar is None:
        return sum(1 for day in days if day.isoweekday() < SATURDAY)
    return sum(1 for day in days if calendar.is_working_day(day))


def _calendar(address: Mapping[str, Any], part: str | None) -> holidays.HolidayBase | None:
    """Gives the calendar of a part of a country, or else of the country; None where it is not known."""
    country = address.get("country", "FR")
    if part is None and country == "FR":
        part = ELSEWHERE.get(address["postcode"][:2])
    for where in (part, None):
        try:
            return holidays.country_holidays(country, subdiv=where)
        except NotImplementedError:
            continue
    return None
