"""A simulated clerk: answers the tasks that keep an account waiting, as an honest person would.

In: approvals, addresses, payment data, unallocated money, messages of which nobody knows.
Not in: what the story itself wants (deeds.py).

An ambiguous message is judged by what lies in the mailbox or in the outbox folder, and not before its
sender can have no hand in it any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from domain.fact import ZERO
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.receivable import Allocation
from ledger.queries import Task
from ledger.schema import messages, tasks
from tests.torture.banking import Banking
from tests.torture.deeds import AUTHOR
from tests.torture.mailbox import Mailbox

SETTLING = timedelta(seconds=3)
"""How long after the end of its lease nobody can be sending a message any more."""

REFUSED = (InputRefused, NotAllowed, NotFound)

WAITING = ("approve", "unreachable", "payments", "allocate", "ambiguous", "rejected", "factored")
"""The kinds of tasks that keep a case from going on."""


@dataclass
class Clerk:
    """Answers the tasks of one account."""

    deeds: Banking
    mailbox: Mailbox
    letters: Path
    tell: Callable[[datetime, str], None]

    async def answer(self, now: datetime) -> bool:
        """Answers every open task that keeps a case waiting; False where none could be answered yet."""
        answered = False
        for task in await self._open():
            about = f"{task.kind} of {task.invoice or 'the account'}"
            try:
                what = await self._answer(task, now)
            except REFUSED as refused:
                self.tell(now, f"the clerk is refused {about}: {refused}")
                continue
            if what is not None:
                self.tell(now, f"the clerk answers {about}: {what}")
                answered = True
        return answered

    async def _open(self) -> list[Task]:
        query = sa.select(tasks).where(
            tasks.c.creditor == self.deeds.creditor,
            tasks.c.debtor == self.deeds.story.debtor.id,
            tasks.c.closed_at.is_(None),
            tasks.c.kind.in_(WAITING),
        )
        async with self.deeds.house.database.reading() as conn:
            rows = (await conn.execute(query.order_by(tasks.c.opened_at, tasks.c.id))).all()
        return [Task.model_validate(dict(row._mapping)) for row in rows]

    async def _answer(self, task: Task, now: datetime) -> str | None:  # noqa: PLR0911 - one for each kind
        match task.kind:
            case "approve":
                return await self.deeds.order("approve", task.invoice or "", step=task.detail["step"])
            case "unreachable":
                return await self.deeds.reachable(now, f"{now:%j%H%M%S}")
            case "payments":
                return await self.deeds.payments_known(now)
            case "allocate" if task.invoice is None:
                return await self.deeds.share_out(task.detail["entry"], now)
            case "allocate":
                return await self.pay_off(task.invoice or "", now)
            case "rejected":
                return await self.deeds.mend(task.invoice or "", now)
            case "factored":
                return await self.deeds.take_over(task.invoice or "", now)
            case _:
                return await self._judge(task.detail["message"], now)

    async def pay_off(self, number: str, now: datetime) -> str:
        """Gives an invoice the money that lies unallocated, and receives what is open then.

        Unallocated money counts beside a settlement that it kept: until it is allocated, the case is open.
        """
        async with self.deeds.book(now) as book:
            for payment in book.account.payments:
                part = min(payment.unallocated, book.account.balance(number).open)
                if part > ZERO:
                    shares = {one.invoice: one.amount for one in payment.allocations}
                    shares[number] = shares.get(number, Decimal()) + part
                    parts = tuple(Allocation(invoice=name, amount=share) for name, share in shares.items())
                    await book.allocate(payment.reference, parts, AUTHOR)
            left, revision = book.account.balance(number).open, book.account.revision
        if left == ZERO:
            return "allocated, if anything was open"
        # The same sum may be open again, if another surplus took the place of this one.
        facts = {"reference": f"L-{number}-{revision}", "received_on": now.date(), "invoice": number}
        return await self.deeds.admit(
            now, "payment.received", creditor=self.deeds.creditor, amount=f"{left:.2f}", **facts
        )

    async def _judge(self, message: str, now: datetime) -> str | None:
        query = sa.select(messages.c.leased_until, messages.c.channel, messages.c.state)
        async with self.deeds.house.database.reading() as conn:
            row = (await conn.execute(query.where(messages.c.id == message))).one()
        if row.state != "ambiguous" or datetime.now(UTC) < row.leased_until + SETTLING:
            return None
        if not self.mailbox.quiet:
            return None
        delivered = (
            any(self.letters.glob(f"*_{message}.pdf"))
            if row.channel == "letter"
            else self.mailbox.holds(message)
        )
        async with self.deeds.book(now) as book:
            await book.judge_ambiguous(message, delivered=delivered, reason="looked it up", author=AUTHOR)
        return "delivered" if delivered else "not delivered"
