"""The main stories on the classic test server, whose one clock jumps whenever nobody works."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from domain.actions import Ending, Outcome, Plan
from tests.workflows.world import PATIENCE, Lab, answer, close, events, lab, take
from workflows.invoice import InvoiceDunning
from workflows.ports import PaymentNote
from workflows.told import CaseEnded

LADDER = ("D-10", "D-3", "D+2", "D+10", "D+30", "handoff")


@pytest_asyncio.fixture(loop_scope="session")
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """Runs the classic test server for one test: a hung test would leave its clock stopped."""
    beside = Path(sys.executable).parent
    path = os.pathsep.join([str(beside), os.environ.get("PATH", os.defpath)])
    binary = shutil.which("temporal-test-server", path=path)
    if binary is None:
        pytest.skip("temporal-test-server is missing: `make test` installs it")
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter, test_server_existing_path=binary
    ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def bench(env: WorkflowEnvironment) -> AsyncIterator[Lab]:
    """Opens a lab on the classic server, without memory between tasks."""
    async with lab(env.client, cached_workflows=0) as opened:
        yield opened


async def pass_over(env: WorkflowEnvironment, to: datetime) -> None:
    """Lets time pass until just after an instant."""
    ahead = to + timedelta(seconds=2) - await env.get_current_time()
    await asyncio.wait_for(env.sleep(ahead), PATIENCE)


async def test_paid_before_the_first_reminder(env: WorkflowEnvironment, bench: Lab) -> None:
    """A case paid before its first reminder costs 11 events here too."""
    run = await bench.start(take("D-10", await env.get_current_time() + timedelta(days=20)))
    await pass_over(env, await env.get_current_time() + timedelta(days=3))
    await bench.wake(run, 2, close())
    assert await bench.end(run) == CaseEnded(ending=Ending.PAID, revision=2)
    assert len(events(await run.fetch_history())) == 11


async def test_paid_after_two_reminders(env: WorkflowEnvironment, bench: Lab) -> None:
    """A case paid after two reminders costs 33 events here too."""
    begun = await env.get_current_time()
    first, second, third = (begun + timedelta(days=days) for days in (10, 17, 22))
    bench.collector.answers = [answer(2, take("D-3", second), "D-10"), answer(3, take("D+2", third), "D-3")]
    run = await bench.start(take("D-10", first))
    await pass_over(env, second)
    await bench.wake(run, 4, close())
    assert (await bench.end(run)).revision == 4
    assert len(events(await run.fetch_history())) == 33


async def test_full_escalation(env: WorkflowEnvironment, bench: Lab) -> None:
    """Six steps up to the handoff cost 71 events here too."""
    begun = await env.get_current_time()
    ladder = [take(step, begun + timedelta(days=10 * rung)) for rung, step in enumerate(LADDER, start=1)]
    bench.collector.answers = [
        answer(rung, upcoming, step)
        for rung, (upcoming, step) in enumerate(zip(ladder[1:], LADDER, strict=False), start=2)
    ] + [answer(7, close(Ending.HANDED_OFF), "handoff", Outcome.HANDED_OFF)]
    run = await bench.start(ladder[0])
    assert (await bench.end(run)).ending is Ending.HANDED_OFF
    assert len(events(await run.fetch_history())) == 71


async def test_a_payment_reported_by_signal(env: WorkflowEnvironment, bench: Lab) -> None:
    """A reported payment is written down at once and not at the next step, with the clock at a stand."""
    bench.ledger.plans = [Plan(revision=2, next=close())]
    begun = await env.get_current_time()
    with env.auto_time_skipping_disabled():
        run = await bench.start(take("D-10", begun + timedelta(days=20)))
        await run.signal(InvoiceDunning.mark_paid, PaymentNote(amount="120.00"))
        await bench.end(run)
    assert await env.get_current_time() - begun < timedelta(hours=1)
