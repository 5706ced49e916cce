"""The deeds at the bank: money booked, files fetched and taken in, questions about entries answered.

In: what befalls the bank account of a creditor, and what a person makes of entries that nobody is sure about.
Not in: when it happens (tills.py), the files (branch.py), the process that takes them in (teller.py).
"""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from domain.fact import ZERO
from domain.receivable import Allocation
from intake.bank.answering import book_entry, ignore, name_return, undo
from intake.bank.booking import Teller
from intake.loading import load
from ledger import bank
from ledger.bank import Kept, State
from tests.torture.branch import Booked, Branch
from tests.torture.deeds import AUTHOR, House
from tests.torture.echoes import Echoes
from tests.torture.moments import lots
from tests.torture.stories import Story
from tests.torture.teller import ANSWERS, INBOX

TAKEN_SECONDS = 40.0
BESIDE = 0.2
"""The odds that somebody else takes the same file in at the same moment."""


class Banking(Echoes):
    """Does what happens to one account, and at the bank of its creditor."""

    def __init__(self, house: House, story: Story, begun: datetime) -> None:
        """Opens the creditor's account."""
        super().__init__(house, story, begun)
        self._fetched: dict[str, list[bytes]] = {}
        self._lots = lots(story.seed, story.debtor.id, "bank")
        self.branch = Branch(
            story.creditor.iban or "",
            story.debtor.id,
            story.debtor.legal_name,
            begun.date(),
            self._lots,
        )

    async def _bank_credit(
        self, now: datetime, reference: str, amount: str, number: str | None, how: str
    ) -> str:
        return self.branch.credit(reference, self.civil(now), Decimal(amount), number, how)

    async def _bank_return(self, now: datetime, reference: str) -> str:
        return self.branch.give_back(reference, self.civil(now))

    async def _statement(self, now: datetime, what: str, turn: int | str) -> str:
        """Fetches what the bank tells, and has it taken in; what was fetched is the same at every attempt."""
        name = f"{self.story.debtor.id}-{turn}"
        if name not in self._fetched:
            self._fetched[name] = self.branch.files(what, self.civil(now))
        told = [
            await self._taken(f"{name}-{place}", data, now) for place, data in enumerate(self._fetched[name])
        ]
        return "; ".join(told)

    async def _taken(self, name: str, data: bytes, now: datetime) -> str:
        """Lays a file into the inbox, and waits for what is said of it."""
        answer = self.house.bank / ANSWERS / f"{name}.json"
        path = self.house.bank / INBOX / f"{name}~{now.astimezone(UTC):%Y%m%d%H%M%S}.xml"
        if not answer.exists() and not path.exists():
            await asyncio.to_thread(_lay, path, data)
            if self._lots.random() < BESIDE:
                await self._beside(name, data, now)
        async with asyncio.timeout(TAKEN_SECONDS):
            while not answer.exists():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.1)
        return str(json.loads(answer.read_text("utf-8")))

    async def _beside(self, name: str, data: bytes, now: datetime) -> None:
        copy = self.house.bank / f"{name}.xml"
        await asyncio.to_thread(copy.write_bytes, data)
        await load(self.house.door, copy, now=now)

    async def payments_known(self, now: datetime) -> str:
        """States that the payments are known up to now: by a file, where the bank is read."""
        if self.story.creditor.banks:
            return await self._statement(now, "longer", f"{now:%j%H%M%S}")
        return await super().payments_known(now)

    # What people make of entries

    async def share_out(self, entry: str, now: datetime) -> str | None:
        """Gives what is left of an entry to the oldest invoices that are open; None where none is.

        What it gave before stays given: it may have kept a settlement, and its invoice is closed by that.
        """
        async with self.house.database.reading() as conn:
            kept = await bank.find(conn, entry, self.creditor)
        async with self.book(now) as book:
            [payment] = [one for one in book.account.payments if one.reference == kept.payment]
            left, shares = payment.unallocated, {one.invoice: one.amount for one in payment.allocations}
            for number in book.open_invoices():
                part = min(left, book.account.balance(number).open)
                left -= part
                if part > ZERO:
                    shares[number] = shares.get(number, ZERO) + part
        if left == payment.unallocated:
            return None
        parts = [Allocation(invoice=number, amount=share) for number, share in shares.items()]
        teller = Teller(self.house.database, self.house.shelf, now)
        return await book_entry(teller, kept, self.story.debtor.id, tuple(parts), AUTHOR)

    async def _answer_bank(self, now: datetime) -> str:
        async with self.house.database.reading() as conn:
            kept = await bank.listed(conn, creditor=self.creditor)
        asked = [one for one in kept if one.state is State.ASKED]
        return "; ".join([await self._answer(one, kept, now) for one in asked]) or "nothing is asked"

    async def _answer(self, kept: Kept, others: list[Kept], now: datetime) -> str:
        """Answers as somebody who knows what the money was for."""
        teller, debtor = Teller(self.house.database, self.house.shelf, now), self.story.debtor.id
        truth = self._truth(kept)
        if truth is None or truth.payer != self.story.debtor.legal_name:
            await ignore(teller, kept, "a stranger's", AUTHOR)
            return "ignored"
        if truth.back is not None:
            first = (one for one in others if self._is_of(one, truth.back) and one.payment is not None)
            payment = next((one.payment for one in first), None)
            if payment is None:
                return "nobody knows what came back"
            await name_return(teller, kept, payment, AUTHOR)
            return "named"
        parts = await self._parts(kept, truth, now)
        return await book_entry(teller, kept, debtor, parts, AUTHOR)

    def _truth(self, kept: Kept) -> Booked | None:
        return next((one for one in self.branch.booked.values() if one.is_told_by(kept.entry)), None)

    def _is_of(self, kept: Kept, reference: str) -> bool:
        truth = self._truth(kept)
        return truth is not None and truth.reference == reference

    async def _parts(self, kept: Kept, truth: Booked, now: datetime) -> tuple[Allocation, ...]:
        async with self.book(now) as book:
            known = truth.number is not None and book.has_case(truth.number)
            owed = book.account.balance(truth.number).open if known and truth.number else ZERO
        part = min(owed, kept.entry.amount)
        return (Allocation(invoice=truth.number, amount=part),) if part > ZERO and truth.number else ()

    async def _undo_bank(self, now: datetime) -> str:
        async with self.house.database.reading() as conn:
            kept = await bank.listed(conn, state=State.BOOKED, creditor=self.creditor)
        if not kept:
            return "nothing is booked"
        await undo(Teller(self.house.database, self.house.shelf, now), kept[-1], "wrongly booked", AUTHOR)
        return f"undone: {kept[-1].payment}"

    async def flaws(self) -> list[str]:
        """Says which entries are not on record as often as files told of them."""
        return list(await self.branch.flaws(self.house.database, self.creditor)) if self.branch.told else []


def _lay(path: Path, data: bytes) -> None:
    """Lays a file down whole, or not at all."""
    draft = path.with_suffix(".part")
    draft.write_bytes(data)
    draft.replace(path)
