"""The import of a statement is killed at each of its points, and given again: nothing lost, nothing twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from correspondence.payment_code import creditor_reference
from domain.actions import Because, Rule
from domain.events import DebtorRegistered
from intake.bank.days import plan_waiting
from ledger.bank import State
from ledger.book import Book
from ledger.policies import Shelf
from tests.bank.conftest import SOURCE, Branch, entry, statement
from tests.bank.killable_import import Point
from tests.domain import build

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
CUSTOMERS = tuple(f"c{place}" for place in range(6))


async def die(point: Point, file: Path, url: str, now: str) -> int | None:
    """Runs an import as a process of its own until it kills itself; gives its exit code."""
    environment = {"PATH": os.environ["PATH"], "RELANCE_DATABASE_URL": url}
    with file.with_suffix(".log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bank.killable_import", point.value, str(file), now),
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def open_up(branch: Branch) -> None:
    """Bills six customers twice each; one of them waits for the bank's file."""
    owner = build.creditor(policy="seed", banks=[SOURCE])
    await branch.take("creditor.registered", creditor=owner.model_dump(mode="json"))
    for name in CUSTOMERS:
        debtor = build.debtor(id=name, legal_name=f"Maison {name.upper()} Bertrand SARL")
        await branch.admit(DebtorRegistered(debtor=debtor))
        for turn in (1, 2):
            await branch.bill(f"F-{name}-{turn}", debtor=name)
    async with branch.database.writing() as conn:
        book = await Book.open(conn, "acme", "c5", branch.now, Shelf())
        await book.block("F-c5-2", Because(rule=Rule.STALE, reference="main"))
        await book.settle()


@pytest.mark.parametrize("point", list(Point))
async def test_a_killed_import_loses_and_doubles_nothing(
    branch: Branch, point: Point, database_url: str, tmp_path: Path
) -> None:
    """Whatever was on record when it died, the same statement again completes it: each payment once."""
    await open_up(branch)
    money: list[Any] = [entry(text=creditor_reference(f"F-{name}-1")) for name in CUSTOMERS]
    unknown = entry("9.00", text="?", payer="Qui")
    told = statement(*money, unknown, entry("2.00", credit=False, text="frais"), opening="10.00")
    file = tmp_path / "statement.json"
    file.write_text(told.model_dump_json(), "utf-8")
    assert await die(point, file, database_url, branch.now.isoformat()) == -signal.SIGKILL
    payments = [payment for name in CUSTOMERS for payment in (await branch.account(name)).payments]
    booked = await branch.kept(State.BOOKED)
    assert {one.payment for one in booked} == {payment.reference for payment in payments}
    known = await branch.known()
    assert (known is None) == (point is not Point.DAYS_KNOWN)
    report = await branch.send(*told.entries, opening="10.00")
    assert (report.known, report.known_to) == (8, build.day("2026-03-02"))
    assert await branch.states() == ["asked", *["booked"] * 6, "not_ours"]
    for name in CUSTOMERS:
        account = await branch.account(name)
        assert [payment.amount for payment in account.payments] == [100]
        assert account.balance(f"F-{name}-1").open == 0
    assert (await branch.next("F-c5-2")).because.rule is not Rule.STALE
    before = await branch.written()
    await branch.send(*told.entries, opening="10.00")
    await plan_waiting(branch.database, "acme", branch.now)
    assert await branch.written() == before
