"""The deeds of people who agree: said at the door, approved and ended in the book, noticed the day after.

In: agreements of every kind, in words that are the same whenever they are said again.
Not in: when anything is said (accords.py), and money (deeds.py, counter.py).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.agreements import HowEnded
from tests.torture.accords import WEEK
from tests.torture.deeds import AUTHOR, Deeds


class Parley(Deeds):
    """Does what happens to one account, and says what people agree about it."""

    def civil(self, at: datetime) -> date:
        """Gives the creditor's civil day."""
        return at.astimezone(ZoneInfo(self.story.creditor.time_zone)).date()

    async def _agree(
        self,
        now: datetime,
        name: str,
        what: str,
        numbers: Sequence[str],
        on: float,
        days: int,
        amounts: Sequence[str] = (),
        **terms: Any,
    ) -> str:
        # The day of an agreement is a fact of its own: said again, it is the same.
        made_on = min(self.civil(self.begun + timedelta(days=on)), self.civil(now))
        until = made_on + timedelta(days=days)
        bounds: dict[str, dict[str, Any]] = {
            "dispute": {"until": until},
            "plan": {
                "instalments": [
                    {"pay_by": until + timedelta(days=WEEK * turn), "amount": Decimal(amount)}
                    for turn, amount in enumerate(amounts)
                ]
            },
        }
        facts = {"id": name, "kind": what, "invoices": numbers, "made_on": made_on} | terms
        agreed = facts | bounds.get(what, {"pay_by": until})
        return await self.admit(now, "agreement.made", creditor=self.creditor, agreement=agreed)

    async def _approve(self, now: datetime, name: str) -> str:
        async with self.book(now) as book:
            new = await book.approve_agreement(name, AUTHOR)
        return "approved" if new else "approved before"

    async def _withdraw(self, now: datetime, name: str) -> str:
        return await self._end(now, name, HowEnded.WITHDRAWN)

    async def _uphold(self, now: datetime, name: str) -> str:
        return await self._end(now, name, HowEnded.UPHELD)

    async def _reject(self, now: datetime, name: str) -> str:
        return await self._end(now, name, HowEnded.REJECTED)

    async def _end(self, now: datetime, name: str, how: HowEnded) -> str:
        facts = {"id": name, "how": how, "reason": "answered"}
        return await self.admit(now, "agreement.ended", creditor=self.creditor, **facts)

    async def _notice(self, now: datetime) -> str:
        """Settles the account, as is done every half hour with those whose agreements time has overtaken."""
        async with self.book(now):
            pass
        return "noticed"
