"""Whose figures a page is asked for: which creditors, which currency, as of which day of theirs.

In: reading that, and the addresses of the lists behind figures. Not in: the figures (pages/overview.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from console.seats import Seat
from domain.calendars import ONE_DAY
from domain.faults import NotFound
from domain.receivable import Creditor
from ledger.views import creditors

PERIOD = timedelta(days=90)
"""The days that sales and collections are looked at for, as the simple DSO usually is."""


@dataclass(frozen=True)
class Scope:
    """Says whose figures are asked for, in which currency, as of which day of theirs."""

    known: Sequence[Creditor]
    chosen: str | None
    narrowed: tuple[str, ...] | None
    zone: ZoneInfo
    today: date
    currency: str | None

    @property
    def since(self) -> date:
        """Gives the first day of the period looked back at."""
        return self.today - PERIOD + ONE_DAY

    @property
    def yesterday(self) -> date:
        """Gives the last day on which what is overdue fell due."""
        return self.today - ONE_DAY

    def before(self, late: timedelta) -> date:
        """Gives the last due date from which money should have come, paid so late."""
        return self.yesterday - late

    def here(self, currency: str) -> str:
        """Gives the address of the same page in another currency."""
        return _address("/overview", creditor=self.chosen, currency=currency)

    def midnight(self, day: date) -> datetime:
        """Gives the instant at which a day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def invoices(self, currency: str, **more: Any) -> str:
        """Gives the address of the list of the open invoices of a figure."""
        return _address("/invoices", state="open", creditor=self.chosen, currency=currency, **more)

    def behind(self, figure: str, **more: Any) -> str:
        """Gives the address of the invoices behind a figure that the list cannot name."""
        return _address(f"/overview/{figure}", creditor=self.chosen, **more)


def _address(path: str, **asked: Any) -> str:
    return f"{path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


async def scope_of(seat: Seat, creditor: str, currency: str) -> Scope:
    """Reads whose figures are asked for; raises NotFound for a creditor that is not theirs to see."""
    async with seat.office.database.reading() as conn:
        known = await creditors.known(conn, seat.creditors)
    chosen = creditor or None
    if chosen is not None:
        seat.check(chosen)
    whose = next((one for one in known if chosen in {None, one.id}), None)
    if chosen is not None and whose is None:
        msg = f"no such creditor: {chosen}"
        raise NotFound(msg)
    zone = ZoneInfo(whose.time_zone if whose else "Europe/Paris")
    narrowed = (chosen,) if chosen is not None else seat.creditors
    return Scope(known, chosen, narrowed, zone, seat.now.astimezone(zone).date(), currency or None)
