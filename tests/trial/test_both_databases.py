"""A short story lived through on each kind of database, from the door to the handoff."""

import asyncio
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client

from config.sections import Folders, Smtp
from config.settings import Settings
from domain.actions import CaseRef, Ending
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated, PaymentReceived
from ledger import journal, queries
from ledger.database import Database
from tests.domain import build
from trial.mail import mail_sink
from trial.world import Moment, real_now, world


async def test_a_story_ends_the_same_on_either_database(
    temporal: Client, database: Database, tmp_path: Path, database_kind: str
) -> None:
    """Two invoices share messages, one is paid after three, the other is handed off; the journal holds."""
    begin = real_now()
    due = begin.date() + timedelta(days=30)
    async with mail_sink(tmp_path / "mail", 0) as sink:
        settings = Settings(
            folders=Folders(var=tmp_path), smtp=Smtp(port=sink.port), task_queue=f"story-{database_kind}"
        )
        async with world(temporal, settings, database) as lives:
            # One server serves every test: the creditor's name keeps the workflow ids apart.
            owner = f"acme-{database_kind}"
            await lives.admit(CreditorRegistered(creditor=build.creditor(id=owner, policy="seed")), begin)
            await lives.admit(DebtorRegistered(debtor=build.debtor(creditor=owner)), begin)
            for number in ("F-1", "F-2"):
                invoice = {"creditor": owner, "number": number, "debtor": "dubois", "total": "100.00"}
                dated = {"issue_date": begin.date(), "due_date": due}
                await lives.admit(InvoiceCreated.model_validate(invoice | dated), begin)
            paid = {"creditor": owner, "reference": "VIR-1", "amount": "100.00", "invoice": "F-1"}
            payment = PaymentReceived.model_validate(paid | {"received_on": due + timedelta(days=9)})
            moment = Moment(begin + timedelta(days=39), "dubois", payment)
            await asyncio.wait_for(lives.live([moment], begin + timedelta(days=120)), 100)
    async with database.reading() as conn:
        files = [await queries.case_file(conn, CaseRef(creditor=owner, number=n)) for n in ("F-1", "F-2")]
        assert [broken async for broken in journal.verify(conn)] == []
    assert [file.line.ending for file in files] == [Ending.PAID, Ending.HANDED_OFF]
    assert [len(file.messages) for file in files] == [3, 4]
    assert len(sink.received) == 4
