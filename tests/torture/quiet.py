"""A quiet life: one account's story lived through in virtual time, without Temporal and without a fault.

In: the same stories and deeds as in the torture run, the real gate and clerk, one step after another.
Not in: faults, processes and races (walker.py), and what is made of it (the auditor).

It is many times faster than the run under faults: what it finds is a rule that is wrong, or judged wrongly.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from domain.actions import CaseRef, NextAction
from domain.faults import NotAllowed
from intake.loading import load
from ledger import desk
from ledger.schema import invoices
from tests.gate.house import House
from tests.torture import deeds
from tests.torture.banking import Banking
from tests.torture.clerk import REFUSED, Clerk
from tests.torture.mailbox import Mailbox
from tests.torture.moments import Moment
from tests.torture.stories import Story
from workflows.ports import (
    OperatorCommand,
    OperatorOrder,
    PaymentNote,
    PaymentReport,
    PlanQuery,
    StepOrder,
    Verb,
)

GIVEN_UP = timedelta(days=500)
TICK = timedelta(seconds=2)


class QuietDeeds(Banking):
    """Does what happens to one account, where nothing stands between a deed and the record."""

    rooms: House
    now: datetime

    async def run(self, activity: Any, order: Any) -> Any:
        """Runs an activity as a worker would."""
        env = ActivityEnvironment()
        self.asked = getattr(self, "asked", 0) + 1
        env.info = replace(env.info, workflow_run_id=self.story.debtor.id, activity_id=str(self.asked))
        return await env.run(activity, order)

    async def order(self, verb: str, number: str, **order: Any) -> str:
        """Gives an order as a run does."""
        async with self.house.database.writing() as conn:
            note = await desk.write_note(conn, deeds.AUTHOR, f"{verb}: because", self.begun)
        given = OperatorOrder(note=note, **order)
        command = OperatorCommand(case=self.case(number), verb=Verb(verb), order=given, as_of=self.now)
        try:
            plan = await self.run(self.rooms.hands.clerk.obey, command)
        except ApplicationError as refused:
            raise NotAllowed(str(refused)) from None
        return f"next: {plan.next.kind} {plan.next.step or ''}"

    async def _report(self, _now: datetime, number: str, amount: str | None, reference: str) -> str:
        note = PaymentNote(reference=reference, amount=amount)
        report = PaymentReport(case=self.case(number), note=note, as_of=self.now)
        return str(await self.run(self.rooms.hands.clerk.record_payment, report))

    async def _taken(self, name: str, data: bytes, now: datetime) -> str:
        path = self.house.bank / f"{name}.xml"
        path.write_bytes(data)
        report = await load(self.house.door, path, now=now)
        assert not report.refused, report.refused
        return str([one.model_dump(exclude_defaults=True) for one in report.statements])


@dataclass
class Life:
    """Lives one story to its end; `told` is what happened."""

    rooms: House
    story: Story
    folder: Path
    begun: datetime
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begins where the story begins."""
        rooms = self.rooms
        house = deeds.House(cast("Client", None), rooms.database, rooms.door, rooms.catalogue, self.folder)
        self.now = self.begun
        self.deeds = QuietDeeds(house, self.story, self.begun)
        self.deeds.rooms = rooms
        letters = rooms.settings.folders.letters
        self.clerk = Clerk(self.deeds, cast("Mailbox", None), letters, lambda _, what: self._tell(what))

    def _tell(self, what: str) -> None:
        self.told.append(f"{self.now:%Y-%m-%d %H:%M} {what}")

    async def live(self) -> None:
        """Lives until every case has ended and nothing more happens."""
        await self.deeds.begin(self.now)
        waiting = list(self.story.moments)
        while True:
            agenda = await self._agenda()
            if self.now > self.begun + GIVEN_UP:
                msg = f"the account has not come to its end by {self.now:%Y-%m-%d}: {agenda}"
                raise AssertionError(msg)
            step = min((one.at for one in agenda.values() if one.at is not None), default=None)
            if waiting and (step is None or self.begun + waiting[0].after <= step):
                await self._happen(waiting.pop(0))
            elif step is not None:
                await self._take(agenda, step)
            elif agenda:
                await self._answer(agenda)
            else:
                return

    async def _agenda(self) -> dict[CaseRef, NextAction]:
        columns = (invoices.c.creditor, invoices.c.number, invoices.c.next)
        of = (invoices.c.creditor == self.deeds.creditor, invoices.c.debtor == self.story.debtor.id)
        query = sa.select(*columns).where(*of, invoices.c.ending.is_(None))
        async with self.rooms.database.reading() as conn:
            rows = (await conn.execute(query.order_by(invoices.c.number))).all()
        return {
            CaseRef(creditor=row.creditor, number=row.number): NextAction.model_validate(row.next)
            for row in rows
        }

    async def _happen(self, moment: Moment) -> None:
        self.now = max(self.now, self.begun + moment.after)
        self.deeds.now = self.now
        try:
            what = await self.deeds.do(moment, self.now)
        except REFUSED as refused:
            what = f"refused: {refused}"
        self._tell(f"{moment.kind} {moment.facts}: {what}")

    async def _take(self, agenda: dict[CaseRef, NextAction], step: datetime) -> None:
        """Has every run that is due then knock or plan anew; where nothing moves, somebody is asked."""
        self.now = self.deeds.now = max(self.now, step)
        hands = self.rooms.hands
        for case, action in agenda.items():
            if action.at is None or action.at > self.now:
                continue
            if action.kind == "take":
                order = StepOrder(case=case, step=action.step or "", planned_at=action.at, as_of=self.now)
                came = await self.deeds.run(hands.gate.take, order)
                self._tell(f"{case.number} knocks for {action.step}: {came.outcome}")
            else:
                await self.deeds.run(hands.diary.next, PlanQuery(case=case, as_of=self.now))
        if await self._agenda() == agenda:
            await self._answer(agenda)

    async def _answer(self, agenda: dict[CaseRef, NextAction]) -> None:
        self.now += timedelta(hours=1)
        self.deeds.now = self.now
        if await self.clerk.answer(self.now):
            return
        if any(action.because.rule == "below_minimum" for action in agenda.values()):
            for case in agenda:
                await self.clerk.pay_off(case.number, self.now)
            return
        msg = f"nobody gets this account going again: {agenda}"
        raise AssertionError(msg)
