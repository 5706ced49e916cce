"""The aged balance: what is owed, by how long it has been due.

In: the five ages, the one a due date has on a day, the due dates of an age.
Not in: what is owed (account.py), how long it takes to be paid (dso.py).
"""

from datetime import date, timedelta
from enum import StrEnum


class Age(StrEnum):
    """Names how many days ago something fell due; what falls due today is not due yet."""

    NOT_DUE = "not-due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    BEYOND = "over-90"


DAYS = {Age.TO_30: (1, 30), Age.TO_60: (31, 60), Age.TO_90: (61, 90)}
"""The first and the last day of the ages that have both."""


def age(due: date, today: date) -> Age:
    """Tells the age of what fell, or falls, due on a day."""
    late = (today - due).days
    if late < 1:
        return Age.NOT_DUE
    return next((one for one, (_, last) in DAYS.items() if late <= last), Age.BEYOND)


def due_dates(one: Age, today: date) -> tuple[date | None, date | None]:
    """Gives the first and the last due date of an age, both inclusive; None where it is not bounded."""
    if one is Age.NOT_DUE:
        return today, None
    if one is Age.BEYOND:
        return None, today - timedelta(days=DAYS[Age.TO_90][1] + 1)
    first, last = DAYS[one]
    return today - timedelta(days=last), today - timedelta(days=first)
