"""A forger: defects seeded by hand into a record that the real rooms have made.

In: entries that fit into their chain, messages as a faulty gate would have written them, bare statements.
Not in: what an audit should find of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from audit.auditing import audit
from audit.findings import Report
from ledger import journal
from ledger.schema import creditors, debtors, messages, steps
from ledger.schema import journal as chains
from tests.gate.house import House

ACCOUNT = ("acme", "dubois")
GONE = ("tone", "wording", "planned_at", "invoices", "overdue", "recipients")


class Forger:
    """Changes the record of a house behind the back of its rooms."""

    def __init__(self, house: House) -> None:
        """Takes the house."""
        self.house = house

    async def audit(self, **more: Any) -> Report:
        """Audits the house now, once its wake-ups are delivered."""
        await self.house.errands()
        return await audit(self.house.database, **({"now": self.house.now} | more))

    async def found(self, **more: Any) -> dict[str, int]:
        """Audits, and gives what was found by its kind."""
        totals = (await self.audit(**more)).totals
        return {kind.value: count for kind, count in totals.items() if count}

    async def run(self, *statements: sa.Executable) -> None:
        """Executes statements."""
        async with self.house.database.writing() as conn:
            for statement in statements:
                await conn.execute(statement)

    async def append(
        self,
        kind: str,
        invoice: str | None = None,
        account: tuple[str, str] = ACCOUNT,
        **facts: Any,
    ) -> None:
        """Appends an entry that fits, as of the house's time."""
        async with self.house.database.writing() as conn:
            revision, previous = await journal.last(conn, *account)
            await journal.append(
                conn,
                account=account,
                revision=revision + 1,
                previous=previous,
                at=self.house.now,
                kind=kind,
                invoice=invoice,
                facts=facts,
            )

    async def entry(self, kind: str) -> Mapping[str, Any]:
        """Finds the facts of the account's last entry of a kind."""
        async with self.house.database.reading() as conn:
            entries = await journal.entries(conn, *ACCOUNT)
        return [one for one in entries if one.kind == kind][-1].facts

    async def cut(self, revision: int, *, head: bool = True) -> None:
        """Cuts the end of the account's chain off after an entry; with `head`, the account forgets it too."""
        where = (chains.c.creditor == ACCOUNT[0], chains.c.debtor == ACCOUNT[1])
        await self.run(sa.delete(chains).where(*where, chains.c.revision > revision))
        if head:
            async with self.house.database.writing() as conn:
                last = await journal.last(conn, *ACCOUNT)
                owner = (debtors.c.creditor == ACCOUNT[0], debtors.c.id == ACCOUNT[1])
                values = {"revision": last[0], "journal_head": last[1]}
                await conn.execute(sa.update(debtors).where(*owner).values(values))

    async def reminder(self, step: str = "D-3", number: str = "F-1", **changes: Any) -> dict[str, Any]:
        """Writes the reminder of a step, modelled on the last one that was reserved."""
        model = (await self.entry("message.reserved"))["reminder"]
        named = [one for one in model["lines"] if one["number"] == number]
        line = named[0] if named else model["lines"][0] | {"number": number, "document": number}
        day = self.house.now.date().isoformat()
        told = {"step": step, "lead": number, "day": day, "lines": [line | {"step": step}]}
        return dict(model) | told | {"asked": line["open"], "received": "0.00"} | changes

    async def agree(self, kind: str, number: str = "F-1", *, days: int = 5, **more: Any) -> str:
        """Has people agree on something about an invoice today, for some days; gives its id."""
        today = self.house.now.date()
        until = today + timedelta(days=days)
        parts = [{"pay_by": until + timedelta(days=days * turn), "amount": "50.00"} for turn in (0, 1)]
        bounds: dict[str, dict[str, Any]] = {
            "dispute": {"reason": "price", "until": until},
            "plan": {"instalments": parts},
        }
        facts = bounds.get(kind, {"pay_by": until})
        told = {"id": f"{kind}-{today}", "kind": kind, "invoices": [number], "made_on": today} | facts
        await self.house.take("agreement.made", agreement=told | more)
        return str(told["id"])

    async def settle(self) -> None:
        """Has the account settled, as any fact would."""
        async with self.house.hands.gate._desk.book(self.house.case("F-1"), self.house.now) as book:
            await book.settle()

    async def message(
        self, step: str = "D-3", number: str = "F-1", *, state: str = "failed", **changes: Any
    ) -> str:
        """Writes a message in a state, and its entries, as a gate would that asked nobody.

        One that is `failed` may have left: nobody knew until a person said that it had not. One that was
        `kept_back` never left, beyond doubt.
        """
        reminder = await self.reminder(step, number, **changes)
        name = str(uuid4())
        about: dict[str, Any] = {"message": name, "invoices": [number]}
        await self.append("message.reserved", number, step=step, reminder=reminder, **about)
        if state == "failed":
            await self.append("message.ambiguous", number, **about)
            await self.append("message.judged", number, message=name, delivered=False)
        state = "failed" if state == "kept_back" else state
        if state in {"failed", "sent"}:
            await self.append(f"message.{state}", number, **about)
        async with self.house.database.writing() as conn:
            model = (await conn.execute(sa.select(messages).limit(1))).mappings().one()
            row = {key: model[key] for key in GONE} | {
                "id": name,
                "key": name,
                "creditor": ACCOUNT[0],
                "debtor": ACCOUNT[1],
                "lead": number,
                "step": step,
                "cycle": 1,
                "channel": reminder["channel"],
                "state": state,
                "claim": "forged",
                "leased_until": self.house.now,
                "day": self.house.now.date(),
                "asked": model["asked"],
                "currency": reminder["currency"],
                "reminder": reminder,
                "sent_at": self.house.now if state == "sent" else None,
            }
            await conn.execute(sa.insert(messages).values(row))
            taken = {"creditor": ACCOUNT[0], "invoice": number, "step": step, "cycle": 1, "void": 0}
            stands = (await conn.execute(sa.select(steps).filter_by(**taken))).first()
            if state != "failed" and stands is None:
                row = taken | {"outcome": state, "day": self.house.now.date(), "message": name}
                await conn.execute(sa.insert(steps).values(row))
        return name

    def later(self, **more: float) -> datetime:
        """Lets time go on."""
        self.house.now += timedelta(**more)
        return self.house.now


OF_ACME = creditors.c.id == "acme"
