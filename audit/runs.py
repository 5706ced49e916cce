"""The runs against the record: every open case has one, no other case has, and none is stuck.

In: a live check of a Temporal server by its lists of runs.
Not in: starting or ending any run.

Lists of runs lag behind by seconds, and so do runs behind the record. What looks wrong is therefore asked
for again by its id, and a case with a wake-up on its way, or that was opened or closed within `grace`, is
not judged.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from time import perf_counter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from audit.findings import Kind, Report, Tally
from domain.faults import Unavailable
from ledger.database import Database
from ledger.schema import invoices, outbox

WORKFLOW = "InvoiceDunning"
PREFIX = "invoice:"
RUNNING = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
FAILING = f"{RUNNING} AND TemporalReportedProblems IS NOT NULL"
GRACE = timedelta(minutes=15)

Case = tuple[str, str]
"""A creditor and a number."""


async def audit_runs(
    database: Database,
    client: Client,
    *,
    now: datetime,
    creditor: str | None = None,
    grace: timedelta = GRACE,
) -> Report:
    """Compares the open runs of a Temporal server with the open cases; raises Unavailable."""
    began = perf_counter()
    tally = Tally()
    try:
        running = {name async for name in _listed(client, RUNNING, creditor)}
        failing = {name async for name in _listed(client, FAILING, creditor)}
        async with database.reading() as conn:
            cases = await _open_cases(conn, creditor)
            moving = await _moving(conn, creditor, now - grace)
        tally.counts.update({"runs": len(running), "open": len(cases)})
        for name in sorted(cases - running - moving):
            if not await _is_running(client, name):
                tally.find(
                    Kind.WITHOUT_RUN,
                    "the case is open and no run follows it",
                    creditor=name[0],
                    invoice=name[1],
                )
        for name in sorted(running - cases - moving):
            if await _is_running(client, name):
                sentence = "a run follows a case that is closed, or unknown to the record"
                tally.find(Kind.NEEDLESS_RUN, sentence, creditor=name[0], invoice=name[1])
        for name in sorted(failing):
            sentence = "the workflow code fails on this run, and is tried again until it is mended"
            tally.find(Kind.FAILING_RUN, sentence, creditor=name[0], invoice=name[1])
    except RPCError as fault:
        msg = f"Temporal does not list its runs ({fault.status.name.lower()}): {fault.message}"
        raise Unavailable(msg) from fault
    return tally.report(now, lambda: perf_counter() - began, creditor=creditor)


async def _listed(client: Client, query: str, creditor: str | None) -> AsyncIterator[Case]:
    async for run in client.list_workflows(query, page_size=1000):
        kind, owner, number = run.id.split(":", 2)
        if f"{kind}:" == PREFIX and creditor in {None, owner}:
            yield owner, number


async def _open_cases(conn: AsyncConnection, creditor: str | None) -> set[Case]:
    query = sa.select(invoices.c.creditor, invoices.c.number).where(invoices.c.ending.is_(None))
    if creditor is not None:
        query = query.where(invoices.c.creditor == creditor)
    return {(row.creditor, row.number) async for row in await conn.stream(query)}


async def _moving(conn: AsyncConnection, creditor: str | None, since: datetime) -> set[Case]:
    """Lists the cases whose run may be about to start or to end."""
    lately = sa.select(invoices.c.creditor, invoices.c.number).where(
        (invoices.c.opened_at > since) | (invoices.c.closed_at > since)
    )
    told = sa.select(outbox.c.creditor, outbox.c.number).where(outbox.c.delivered_at.is_(None))
    found: set[Case] = set()
    for query in (lately, told):
        found |= {(row.creditor, row.number) for row in await conn.execute(query)}
    return {case for case in found if creditor in {None, case[0]}}


async def _is_running(client: Client, case: Case) -> bool:
    """Asks for one run by its id."""
    try:
        described = await client.get_workflow_handle(f"{PREFIX}{case[0]}:{case[1]}").describe()
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.status is WorkflowExecutionStatus.RUNNING
