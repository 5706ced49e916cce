"""Relance as an arm: the production worker over a ledger of its own.

In: facts through the door, runs started from their plans, the worker as `worker.py` runs it.
Not in: any part of Relance put together otherwise than in production.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from temporalio.client import Client

from bench import portfolio
from bench.arms import ALL, Arm, each
from bench.processes import ROOT, environment, program, until_healthy
from bench.stage import Stage
from config.catalogue import load_policies
from config.sections import Folders
from config.settings import Settings
from domain.actions import CaseRef, NextAction
from intake.door import Door
from intake.relay import Relay
from ledger.database import Database
from ledger.schema import debtors, invoices, outbox
from trial.servers import LOCAL, free_port
from workflows.invoice import InvoiceDunning
from workflows.told import DunningRun

QUEUE = "relance"
UNBOUNDED = "messages_per_second"
"""The setting that bounds the pace of sending: the bench measures what is possible, not what is polite."""


class Relance(Arm):
    """Lives through invoices as Relance does."""

    name = "Relance"

    def __init__(self, stage: Stage, url: str, database: Database) -> None:
        """Takes the stage and an empty ledger; use `open`."""
        super().__init__(stage)
        self.url = url
        self.database = database
        self.folders = Folders(var=stage.folder / "var")
        self.door = Door(database, load_policies(self.folders.policies))
        self.prepared: list[DunningRun] = []
        self._known = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, stage: Stage, url: str | None = None) -> AsyncIterator["Relance"]:
        """Opens a ledger beside the stage's files, or in the database of the URL."""
        url = url or f"sqlite+aiosqlite:///{stage.folder / 'ledger.sqlite3'}"
        async with await Database.open(url) as database:
            await database.migrate()
            yield cls(stage, url, database)

    async def admit(self, count: int) -> None:
        """Makes so many invoices known through the door."""
        now = datetime.now(UTC)
        if not self._known:
            await self.door.admit(portfolio.creditor(), now=now)
        for event in portfolio.invoices(self._known, count, now.date()):
            await self.door.admit(event, now=now)
        self._known += count

    async def relay(self) -> None:
        """Starts the runs of what was admitted by the relay itself."""
        relay = Relay(self.database, self.stage.client, QUEUE)
        while await relay.deliver():
            pass

    async def prepare(self, count: int) -> None:
        """Makes invoices known through the door, and takes the errands to start their runs upon itself."""
        await self.admit(count)
        async with self.database.writing() as conn:
            # The worker's relay would start the runs on the real clock, before we can.
            await conn.execute(sa.delete(outbox))
        self.prepared = await self._plans()

    async def _plans(self) -> list[DunningRun]:
        of = (debtors.c.creditor == invoices.c.creditor) & (debtors.c.id == invoices.c.debtor)
        query = sa.select(invoices.c.creditor, invoices.c.number, invoices.c.next, debtors.c.revision)
        async with self.database.reading() as conn:
            rows = (await conn.execute(query.join(debtors, of).order_by(invoices.c.number))).all()
        return [
            DunningRun(
                case=CaseRef(creditor=row.creditor, number=row.number),
                revision=row.revision,
                next=NextAction.model_validate(row.next),
            )
            for row in rows
        ]

    def run_id(self, place: int) -> str:
        """Names the run of the invoice at a place."""
        return CaseRef(creditor=portfolio.CREDITOR, number=portfolio.number(place)).workflow_id

    def first_due(self) -> datetime:
        """Tells when the first steps are due; all at the same instant, because nothing spreads them."""
        (at,) = {run.next.at for run in self.prepared}
        if at is None:
            msg = "the invoices of the bench wait for something"
            raise AssertionError(msg)
        return at

    async def start(self, client: Client, places: slice = ALL) -> None:
        """Starts the runs as the relay does."""

        async def start(run: DunningRun) -> None:
            summary = f"invoice {run.case.number}"
            await client.start_workflow(
                InvoiceDunning.run, run, id=run.case.workflow_id, task_queue=QUEUE, static_summary=summary
            )

        await each(self.prepared[places], start)

    @property
    def told(self) -> dict[str, str]:
        """Gives the settings of every process of the arm."""
        told = {
            "TEMPORAL_ADDRESS": self.stage.address,
            "RELANCE_FOLDERS__VAR": str(self.folders.var),
            "RELANCE_DATABASE_URL": self.url,
            "RELANCE_TASK_QUEUE": QUEUE,
            "RELANCE_SMTP__HOST": LOCAL,
            "RELANCE_SMTP__PORT": str(self.stage.port),
            "RELANCE_SMTP__TLS": "none",
            "RELANCE_LOG_FORMAT": "json",
        }
        if UNBOUNDED in Settings.model_fields:
            told[f"RELANCE_{UNBOUNDED.upper()}"] = ""
        return told

    @asynccontextmanager
    async def working(self) -> AsyncIterator[int]:
        """Runs `worker.py`."""
        bind, log = f"{LOCAL}:{free_port()}", self.stage.folder / "worker.log"
        told = self.told | {"RELANCE_HEALTH_BIND": bind}
        worker = str(ROOT / "worker.py")
        async with program(worker, env=environment(**told), folder=self.stage.folder, log=log) as process:
            await until_healthy(process, bind, log)
            yield process.pid

    async def ledger_bytes(self) -> int:
        """Tells how large the ledger is, all of it merged into its file first."""
        if self.database.dialect == "sqlite":
            file = Path(self.url.partition(":///")[2])
            return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
        async with self.database.reading() as conn:
            return int(
                (await conn.execute(sa.text("SELECT pg_database_size(current_database())"))).scalar_one()
            )

    def evidence_bytes(self) -> int:
        """Tells how large the messages are that are kept as evidence."""
        with os.scandir(self.folders.evidence) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
