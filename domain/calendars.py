"""Days and hours: which days are business days, and when a message may leave.

In: public holidays by country, the rolling of a day, sending windows in the right time zone.
Not in: which step falls on which day (schedule.py). No clock is read here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

import holidays

from domain.policy import Roll, SendingWindow
from domain.receivable import Creditor, Debtor

ONE_DAY = timedelta(days=1)

ALSACE_MOSELLE = {"67": "6AE", "68": "6AE", "57": "57"}
"""French departments with Good Friday and 26 December as public holidays, as `holidays` names them."""

COUNTRY_ZONES = {
    "FR": "Europe/Paris", "BE": "Europe/Brussels", "DE": "Europe/Berlin", "LU": "Europe/Luxembourg",
    "ES": "Europe/Madrid", "IT": "Europe/Rome", "NL": "Europe/Amsterdam", "PT": "Europe/Lisbon",
    "IE": "Europe/Dublin", "GB": "Europe/London", "CH": "Europe/Zurich", "AT": "Europe/Vienna",
    "PL": "Europe/Warsaw", "SE": "Europe/Stockholm", "DK": "Europe/Copenhagen", "FI": "Europe/Helsinki",
}  # fmt: skip
"""The time zone of a debtor that names none, by country; elsewhere the creditor's zone holds."""


@lru_cache(maxsize=256)
def _closed(country: str, subdivision: str | None) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return _closed(country, None) if subdivision is not None else None


def is_business_day(day: date, country: str, subdivision: str | None = None) -> bool:
    """Tells whether a country works on a day; where its holidays are unknown, Monday to Friday."""
    closed = _closed(country, subdivision)
    return day.isoweekday() < 6 if closed is None else closed.is_working_day(day)  # noqa: PLR2004 - Saturday


def subdivision_of(country: str, postcode: str | None, stated: str | None = None) -> str | None:
    """Finds the part of a country that has holidays of its own: Alsace and Moselle in France."""
    if stated is not None or country != "FR" or postcode is None:
        return stated
    return ALSACE_MOSELLE.get(postcode[:2])


@dataclass(frozen=True)
class Agenda:
    """Knows the days and hours at which one creditor may write to one debtor.

    A business day is one on which both work. Days are civil days in the creditor's zone; the window is
    in the debtor's local time.
    """

    places: tuple[tuple[str, str | None], ...]
    creditor_zone: ZoneInfo
    debtor_zone: ZoneInfo
    seed: str

    @classmethod
    def of(cls, creditor: Creditor, debtor: Debtor) -> "Agenda":
        """Makes the agenda of a creditor and a debtor."""
        debtor_postcode = debtor.address.postcode if debtor.address else None
        places = {
            (
                creditor.country,
                subdivision_of(creditor.country, creditor.address.postcode, creditor.subdivision),
            ),
            (debtor.country, subdivision_of(debtor.country, debtor_postcode, debtor.subdivision)),
        }
        zone = debtor.time_zone or COUNTRY_ZONES.get(debtor.country) or creditor.time_zone
        return cls(
            places=tuple(sorted(places, key=str)),
            creditor_zone=ZoneInfo(creditor.time_zone),
            debtor_zone=ZoneInfo(zone),
            seed=f"{creditor.id}:{debtor.id}",
        )

    def today(self, now: datetime) -> date:
        """Gives the civil day in the creditor's zone."""
        return now.astimezone(self.creditor_zone).date()

    def midnight(self, day: date) -> datetime:
        """Gives the instant at which a civil day begins for the creditor."""
        return datetime.combine(day, time(), self.creditor_zone).astimezone(UTC)

    def works_on(self, day: date, window: SendingWindow) -> bool:
        """Tells whether messages may leave on a day."""
        return day.isoweekday() in window.days and self.is_business_day(day)

    def is_business_day(self, day: date) -> bool:
        """Tells whether both countries work on a day."""
        return all(is_business_day(day, *place) for place in self.places)

    def roll(self, day: date, how: Roll, window: SendingWindow, *, before_due: bool) -> date:
        """Moves a day onto a business day; OUTWARD means away from the due date."""
        if how is Roll.NONE:
            return day
        backwards = how is Roll.PREVIOUS or (how is Roll.OUTWARD and before_due)
        return self._first(day, window, -ONE_DAY if backwards else ONE_DAY)

    def _first(self, day: date, window: SendingWindow, pace: timedelta) -> date:
        for _ in range(366):
            if self.works_on(day, window):
                return day
            day += pace
        msg = f"no business day within a year of {day}: the window's days {window.days} never meet one"
        raise ValueError(msg)

    def window_on(self, day: date, window: SendingWindow) -> tuple[datetime, datetime]:
        """Gives the instants between which messages may leave on a civil day of the creditor's.

        The window is clipped to that day, so that nothing leaves a day early for a debtor far away; where
        nothing remains of it, the debtor's window of the next day, or of the day before, counts.
        """
        start, end = self.midnight(day), self.midnight(day + ONE_DAY)
        for local in (day, day + ONE_DAY, day - ONE_DAY):
            opens = datetime.combine(local, window.opens, self.debtor_zone) + self._spread(window)
            closes = datetime.combine(local, window.closes, self.debtor_zone)
            clipped = max(opens.astimezone(UTC), start), min(closes.astimezone(UTC), end)
            if clipped[0] < clipped[1]:
                return clipped
        return start, start

    def _spread(self, window: SendingWindow) -> timedelta:
        if not window.spread_minutes:
            return timedelta()
        digest = int.from_bytes(sha256(self.seed.encode()).digest()[:4])
        return timedelta(seconds=digest % (window.spread_minutes * 60))

    def first_moment(
        self, day: date, now: datetime, window: SendingWindow, *, any_day: bool, free: Callable[[date], bool]
    ) -> tuple[date, datetime]:
        """Finds the first instant, from a day and from now on, at which a message may leave.

        `any_day` drops the question of business days (Roll.NONE); `free` refuses days (holds).
        """
        day = max(day, self.today(now))
        for _ in range(1100):
            opens, closes = self.window_on(day, window)
            local = opens.astimezone(self.debtor_zone).date()
            works = any_day or (self.works_on(day, window) and (local == day or self.is_business_day(local)))
            if max(opens, now) < closes and works and free(day):
                return day, max(opens, now)
            day += ONE_DAY
        msg = f"no sending window within three years before {day}"
        raise ValueError(msg)
