"""Reading: lists, files, counts, and what waits on the desk."""

import pytest
from sqlalchemy.dialects import sqlite

from domain.actions import CaseRef
from domain.faults import InputRefused, NotFound
from ledger import desk, parties, queries
from ledger.book import Book
from ledger.queries import Filters
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk

MARCH = build.day("2026-04-01")


async def test_cases_are_listed_by_filters(clerk: Clerk) -> None:
    """Each filter narrows the list, and the next to act comes first."""
    await clerk.bill(build.invoice("F-2", due="2026-04-30"), build.invoice("F-1"), build.invoice("F_3"))
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00").model_copy(update={"allocations": ()}))
        await book.put_credit_note(build.credit_note("100.00", invoice="F_3"))

    async def numbers(**filters: object) -> list[str]:
        async with clerk.database.reading() as conn:
            wanted = Filters.model_validate(filters)
            found = await queries.cases(conn, wanted)
            assert len(found) == await queries.count_cases(conn, wanted)
            return [line.number for line in found]

    assert await numbers(status="open") == ["F-2", "F-1"]
    assert await numbers(status="closed") == ["F_3"]
    assert await numbers(ending="credited") == ["F_3"]
    assert await numbers(rule="allocate") == ["F-1"]
    assert await numbers(next_step="D-10") == ["F-2"]
    assert await numbers(overdue_on=MARCH) == ["F-1"]
    assert await numbers(text="f_") == ["F_3"]
    assert len(await numbers(text="dubois", debtor="dubois", creditor="acme")) == 3
    assert await numbers(text="%") == []
    async with clerk.database.reading() as conn:
        (line,) = await queries.cases(conn, Filters(rule="allocate"))
        assert (line.open, line.net, line.debtor_name) == (
            build.money("100.00"),
            build.money("0.00"),
            "Dubois SARL",
        )
        assert await queries.counts(conn) == {
            "open": 2, "closed": 1, "tasks": 1, "troubles": 0, "errands": 5, "waiting": 0, "quarantine": 0
        }  # fmt: skip


async def test_a_number_is_found_or_asked_about(clerk: Clerk) -> None:
    """A number finds its case; one that two creditors use asks for the creditor; an unknown one is told."""
    await clerk.bill(build.invoice())
    async with clerk.database.writing() as conn:
        await parties.put_creditor(conn, build.creditor(id="beta"), clerk.now)
        await parties.put_debtor(conn, build.debtor(creditor="beta"), clerk.now)
        book = await Book.open(conn, "beta", "dubois", clerk.now, clerk.shelf)
        await book.open_case(build.invoice(creditor="beta"), RULES.version)
    async with clerk.database.reading() as conn:
        with pytest.raises(InputRefused, match="acme, beta"):
            await queries.find_case(conn, "F-1")
        assert (await queries.find_case(conn, "F-1", "beta")).creditor == "beta"
        with pytest.raises(NotFound, match="F-9"):
            await queries.find_case(conn, "F-9")
        assert await queries.open_accounts(conn) == [("acme", "dubois"), ("beta", "dubois")]
        assert await queries.open_accounts(conn, "beta") == [("beta", "dubois")]


async def test_the_file_of_a_case_holds_what_concerns_it(clerk: Clerk) -> None:
    """The file gathers the entries, messages and tasks of one invoice and of no other."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2", due="2026-05-31"))
    message = await clerk.send("F-1", "2026-03-20 10:00")
    async with clerk.book() as book:
        await book.open_task("call", "call:F-1", "F-1", build.day("2026-03-21"), {"step": "call"})
        await book.open_task("call", "call:F-1", "F-1", build.day("2026-03-21"), {"step": "call"})
    async with clerk.database.reading() as conn:
        file = await queries.case_file(conn, CaseRef(creditor="acme", number="F-1"))
        other = await queries.case_file(conn, CaseRef(creditor="acme", number="F-2"))
    kinds = [entry.kind for entry in file.entries]
    assert kinds == ["invoice.opened", "message.reserved", "message.sent", "task.opened"]
    assert [one.id for one in file.messages] == [message]
    assert [one.kind for one in file.tasks] == ["call"]
    assert (len(other.entries), other.messages, other.tasks) == (1, (), ())


async def test_events_wait_for_their_invoice(clerk: Clerk) -> None:
    """An event for an unknown invoice waits once and is handed out once."""
    async with clerk.database.writing() as conn:
        assert await desk.park(conn, "acme", "F-1", {"type": "payment.received", "reference": "1"}, clerk.now)
        assert not await desk.park(
            conn, "acme", "F-1", {"reference": "1", "type": "payment.received"}, clerk.now
        )
        assert await desk.park(conn, "acme", "F-1", {"type": "payment.received", "reference": "2"}, clerk.now)
        assert [event["reference"] for event in await desk.unpark(conn, "acme", "F-1")] == ["1", "2"]
        assert await desk.unpark(conn, "acme", "F-1") == []


async def test_bad_rows_wait_to_be_mended(clerk: Clerk) -> None:
    """A row set aside keeps its text, even a binary one, until it is set right."""
    async with clerk.database.writing() as conn:
        row = await desk.set_aside(conn, "a.csv", 3, "F-1;\0;x", {"field": "total"}, clerk.now)
        (kept,) = await desk.aside(conn)
        assert (kept.id, kept.line, kept.raw, kept.problem) == (row, 3, "F-1;\\0;x", {"field": "total"})
        assert await desk.set_right(conn, row, clerk.now)
        assert not await desk.set_right(conn, row, clerk.now)
        assert await desk.aside(conn) == []


async def test_words_are_kept_out_of_histories(clerk: Clerk) -> None:
    """An operator's words are found by their id."""
    async with clerk.database.writing() as conn:
        note = await desk.write_note(conn, "ann", "promised by telephone", clerk.now)
        assert (await desk.read_note(conn, note)).text == "promised by telephone"
        with pytest.raises(NotFound):
            await desk.read_note(conn, "unknown")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "filters", [{"rule": "hold"}, {"next_step": "D+2"}, {"debtor": "dubois", "creditor": "acme"}]
)
async def test_lists_are_read_by_index(clerk: Clerk, filters: dict[str, str]) -> None:
    """Common filters search an index of the invoices instead of scanning the table."""
    query = queries.lines().where(*queries.conditions(Filters.model_validate(filters)))
    sql = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    async with clerk.database.reading() as conn:
        plan = (await conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")).all()
    assert not any("SCAN invoices" in row.detail for row in plan), plan
