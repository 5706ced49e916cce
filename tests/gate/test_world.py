"""The gate as runs knock at it: the real server, the real rooms, in virtual time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.assembly import Hands, assemble
from config.settings import Settings
from correspondence.wording import Wording
from domain.actions import CaseRef, Ending
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated
from ledger import accounts, queries
from ledger.database import Database
from tests.domain import build
from tests.patience import until
from trial.mail import Fault, MailSink
from trial.servers import TemporalServer
from trial.world import Moment, real_now, world
from workflows.told import CaseEnded

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


async def test_three_runs_share_messages_and_keep_their_ladders(
    temporal: Client,
    temporal_server: TemporalServer,
    database: Database,
    settings: Settings,
    wording: Wording,
    sink: MailSink,
) -> None:
    """Three runs, two workers, a mail server that fails once: one message a step for all of one debtor."""
    settings = settings.model_copy(update={"task_queue": f"world-{uuid4().hex}"})
    numbers = [f"F-{uuid4().hex[:8]}" for _ in range(3)]
    sink.script(Fault.DEFER_RECIPIENT, times=1)
    another = await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
    second = assemble(another, settings, Hands.of(settings, database, wording), grace=timedelta(seconds=1))
    async with world(temporal, settings, database) as lived, second:
        now = real_now()
        await lived.admit(CreditorRegistered(creditor=build.creditor(policy="seed")), now)
        await lived.admit(DebtorRegistered(debtor=build.debtor()), now)
        for number in numbers:
            due = now.date() + timedelta(days=30)
            invoice = InvoiceCreated(
                creditor="acme",
                number=number,
                debtor="dubois",
                issue_date=now.date(),
                due_date=due,
                total="100.00",
            )
            await lived.admit(invoice, now)
        await asyncio.wait_for(lived.live([], now + timedelta(days=29)), 60)
        assert len(sink.received) == 2
        paid = CaseRef(creditor="acme", number=numbers[0])

        async def pay(_: object) -> None:
            await lived.pay(paid, "100.00", "VIR-1", now + timedelta(days=30))

        moments = [Moment(now + timedelta(days=30), "dubois", pay)]
        await asyncio.wait_for(lived.live(moments, now + timedelta(days=36)), 60)
        for number in numbers:
            await lived.settled(CaseRef(creditor="acme", number=number))
        async with database.reading() as conn:
            account = (await accounts.load(conn, "acme", "dubois")).account
        run = lived.client.get_workflow_handle(paid.workflow_id, result_type=CaseEnded)
        assert (await asyncio.wait_for(run.result(), 20)).ending is Ending.PAID
    spoken = [
        {number for number in numbers if number in str(one.message["Subject"])} for one in sink.received
    ]
    assert spoken == [set(numbers), set(numbers), set(numbers[1:])]
    steps = [{step.step for step in account.case(number).standing} for number in numbers]
    assert steps == [{"D-10", "D-3"}, {"D-10", "D-3", "D+2"}, {"D-10", "D-3", "D+2"}]


async def test_paid_by_signal_while_the_mail_server_is_away(
    temporal: Client, database: Database, settings: Settings, sink: MailSink
) -> None:
    """A payment reported by signal during an outage is on record at once, and no mail leaves after it."""
    settings = settings.model_copy(update={"task_queue": f"world-{uuid4().hex}"})
    case = CaseRef(creditor="acme", number=f"F-{uuid4().hex[:8]}")
    sink.script(Fault.DEFER_RECIPIENT)
    async with world(temporal, settings, database) as lived:
        now = real_now()
        await lived.admit(CreditorRegistered(creditor=build.creditor(policy="seed")), now)
        await lived.admit(DebtorRegistered(debtor=build.debtor()), now)
        invoice = InvoiceCreated(
            creditor="acme",
            number=case.number,
            debtor="dubois",
            issue_date=now.date(),
            due_date=now.date() + timedelta(days=30),
            total="100.00",
        )
        await lived.admit(invoice, now)

        async def has_failed() -> bool:
            async with database.reading() as conn:
                file = await queries.case_file(conn, case)
            return any(message.error is not None for message in file.messages)

        async def is_paid() -> bool:
            async with database.reading() as conn:
                account = (await accounts.load(conn, "acme", "dubois")).account
            return [payment.reference for payment in account.payments] == ["VIR-1"]

        async with database.reading() as conn:
            upcoming = (await queries.find_case(conn, case.number)).next
        assert upcoming is not None
        assert upcoming.at is not None
        await lived.advance([case], upcoming.at + timedelta(seconds=2))
        await until(has_failed, 30)
        await lived.handle(case).signal("mark_paid", {"reference": "VIR-1"})
        await until(is_paid, 30)
        sink.heal()
        run = lived.client.get_workflow_handle(case.workflow_id, result_type=CaseEnded)
        assert (await asyncio.wait_for(run.result(), 60)).ending is Ending.PAID
    assert sink.received == []
