"""What stands in the record and should not: each seeded by hand into a clean record, and found alone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

import audit.auditing
import audit.tables
from audit.auditing import audit as audit_all
from domain.agreements import Stop
from domain.faults import NotFound
from ledger import switches
from ledger.database import Database
from ledger.schema import (
    METADATA,
    creditors,
    debtors,
    holds,
    invoices,
    journal,
    messages,
    outbox,
    payments,
    steps,
    tasks,
    troubles,
)
from tests.audit.forging import OF_ACME, Forger
from trial.mail import Fault
from workflows.ports import Verb

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
OF_DUBOIS = (journal.c.creditor == "acme", journal.c.debtor == "dubois")
OF_F1 = invoices.c.number == "F-1"


async def contents(database: Database) -> dict[str, list[Any]]:
    """Reads every row of every table."""
    async with database.reading() as conn:
        return {
            table.name: [tuple(row) for row in await conn.execute(sa.select(table))]
            for table in METADATA.sorted_tables
        }


async def test_an_audit_changes_nothing(forger: Forger) -> None:
    """Every row of every table is after an audit what it was before."""
    await forger.house.errands()
    before = await contents(forger.house.database)
    await forger.audit(evidence=forger.house.settings.folders.evidence)
    assert await contents(forger.house.database) == before


async def test_breaks_of_a_chain(forger: Forger) -> None:
    """An entry changed, an entry taken out, an end cut off and a head moved are each a break."""
    await forger.house.bill("F-2", "F-3")
    whole = await contents(forger.house.database)
    third = (*OF_DUBOIS, journal.c.revision == 3)
    breaks = {
        "entry 3 has been changed": sa.update(journal).where(*third).values(kind="case.closed"),
        "after entry 2 comes entry 4": sa.delete(journal).where(*third),
        "the chain ends at entry 5": sa.delete(journal).where(*OF_DUBOIS, journal.c.revision > 5),
        "the chain ends with another entry": sa.update(debtors).values(journal_head="0" * 64),
        "the chain ends at entry 0": sa.delete(journal).where(*OF_DUBOIS),
    }
    for said, statement in breaks.items():
        await forger.run(statement)
        report = await forger.audit()
        assert [(one.kind, one.debtor) for one in report.findings] == [("chain", "dubois")], said
        assert report.findings[0].sentence.startswith(said)
        rows = [dict(zip(journal.c.keys(), row, strict=True)) for row in whole["journal"]]
        heads = [dict(zip(debtors.c.keys(), row, strict=True)) for row in whole["debtors"]]
        restored = {"journal_head": heads[0]["journal_head"]}
        await forger.run(
            sa.delete(journal), sa.insert(journal).values(rows), sa.update(debtors).values(restored)
        )
        assert await forger.found() == {}


async def test_breaks_of_a_creditors_chain(forger: Forger) -> None:
    """A change in the chain of a creditor or of the whole installation is a break, and so is a lost owner."""
    async with forger.house.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "drill", forger.house.now)
    for owner in ("acme", ""):
        own = (journal.c.creditor == owner, journal.c.debtor == "")
        await forger.run(sa.update(journal).where(*own).values(at=forger.house.now - timedelta(days=90)))
        assert await forger.found() == {"chain": 1 if owner else 2}
    await forger.append("debtor.registered", account=("acme", "nobody"), stated={})
    assert await forger.found() == {"chain": 3}


async def test_an_entry_that_makes_no_sense(forger: Forger) -> None:
    """An entry that fits into the chain but tells of what never was is a break, not a crash."""
    await forger.append("payment.reversed", "F-1", reference="never-came", amount="1.00")
    assert await forger.found() == {"chain": 1}


@pytest.mark.parametrize("said", ["sent", "failed"])
async def test_messages_of_which_the_journal_says_otherwise(forger: Forger, said: str) -> None:
    """A message on record in another state than its journal tells is found."""
    if said == "sent":
        (record,) = await forger.house.messages()
        await forger.cut((await revision_of(forger, "message.sent")) - 1)
        assert record.state == "sent"
    else:
        await forger.run(sa.update(messages).values(state="failed"))
    assert await forger.found() == {"untold": 1}


async def revision_of(forger: Forger, kind: str) -> int:
    """Finds the last entry of a kind."""
    async with forger.house.database.reading() as conn:
        query = sa.select(sa.func.max(journal.c.revision)).where(*OF_DUBOIS, journal.c.kind == kind)
        return int((await conn.execute(query)).scalar_one())


@SQLITE
async def test_messages_that_one_side_does_not_know(forger: Forger) -> None:
    """A message without entries is found, and so are entries without their message."""
    async with forger.house.database.reading() as conn:
        row = dict((await conn.execute(sa.select(messages))).mappings().one())
    await forger.run(sa.insert(messages).values(row | {"id": "copy", "key": "copy"}))
    assert await forger.found() == {"untold": 1}
    await forger.run(
        sa.delete(messages).where(messages.c.id == "copy"), sa.delete(steps), sa.delete(messages)
    )
    assert await forger.found() == {"untold": 1}


async def test_a_lost_step(forger: Forger) -> None:
    """A step whose record is gone is found; under a later step it has been forgotten."""
    await forger.run(sa.delete(steps))
    assert await forger.found() == {"differs": 1}
    await forger.run(
        sa.insert(steps).values(
            creditor="acme", invoice="F-1", step="D+2", cycle=1, void=0, outcome="sent", day=forger.house.now
        )
    )
    assert await forger.found() == {}
    await forger.house.knock()
    await forger.run(sa.delete(steps).where(steps.c.step == "D+2"))
    assert await forger.found() == {"forgotten": 1}


CHANGES = {
    "open": sa.update(invoices).where(OF_F1).values(open=Decimal("1.00")),
    "total": sa.update(invoices).where(OF_F1).values(total=Decimal("99.00")),
    "ending": sa.update(invoices).where(OF_F1).values(ending="paid"),
    "payment": sa.update(payments).values(reversed=True),
    "amount": sa.update(payments).values(amount=Decimal("11.00")),
    "lost payment": sa.delete(METADATA.tables["allocations"]),
    "hold": sa.update(holds).values(lifted_on=sa.func.current_date()),
    "step": sa.update(steps).values(outcome="skipped"),
    "extra step": sa.insert(steps).values(
        creditor="acme",
        invoice="F-1",
        step="D-3",
        cycle=1,
        void=0,
        outcome="skipped",
        day=sa.func.current_date(),
    ),
    "known": sa.update(creditors).where(OF_ACME).values(payments_as_of=None),
    "stop": sa.delete(METADATA.tables["switches"]),
    "debtor": sa.update(debtors).values(facts={"id": "dubois"}),
    "creditor": sa.update(creditors).values(facts={"id": "acme"}),
}


@SQLITE
@pytest.mark.parametrize("changed", CHANGES)
async def test_tables_that_say_something_else(forger: Forger, changed: str) -> None:
    """One value changed in a table behind the back of the journal is found, wherever it is."""
    house = forger.house
    await house.pay("F-1", "10.00")
    await house.obey(Verb.HOLD, until=house.now.date() + timedelta(days=9))
    await house.take("payments.known", as_of=house.now)
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(channel="letter"), "ann", "drill", house.now)
    assert await forger.found() == {}
    await forger.run(CHANGES[changed])
    assert await forger.found() == {"differs": 1}


async def test_cases_that_nobody_comes_back_to(forger: Forger) -> None:
    """A case without a next action, and one whose next action is overdue, are forgotten."""
    assert await forger.found() == {}
    forger.later(days=60)
    assert await forger.found() == {"forgotten": 1}
    assert await forger.found(grace=timedelta(days=90)) == {}
    await forger.run(sa.update(invoices).values(next_kind=None, next_at=None))
    assert await forger.found(grace=timedelta(days=90)) == {"forgotten": 1}


@SQLITE
@pytest.mark.parametrize("excuse", ["stop", "task", "trouble", "errand"])
async def test_what_explains_a_delay(forger: Forger, excuse: str) -> None:
    """A stop, an open task, a trouble and a wake-up on its way each explain an overdue action."""
    house = forger.house
    await house.errands()
    forger.later(days=60)
    row = {"creditor": "acme", "debtor": "dubois", "opened_at": house.now, "due_on": house.now.date()}
    match excuse:
        case "stop":
            async with house.database.writing() as conn:
                await switches.stop(conn, Stop(policy="seed"), "ann", "drill", house.now)
        case "task":
            await forger.run(sa.insert(tasks).values(id="t", key="t", kind="mend", detail={}, **row))
        case "trouble":
            found = {"creditor": "acme", "number": "F-1", "doing": "gate", "fault": "KeyError", "detail": ""}
            when = {"attempts": 3, "first_at": house.now, "last_at": house.now}
            await forger.run(sa.insert(troubles).values(found | when))
        case "errand":
            told = {"creditor": "acme", "number": "F-1", "kind": "wake", "revision": 1, "next": {}}
            await forger.run(sa.insert(outbox).values(told | {"written_at": house.now}))
    assert (await audit_all(house.database, now=house.now)).findings == ()


async def test_wake_ups_that_wait_too_long(forger: Forger) -> None:
    """A wake-up older than an hour is found."""
    house = forger.house
    await house.errands()
    await house.bill("F-2", due="2026-06-30")
    assert (await audit_all(house.database, now=house.now)).clean
    report = await audit_all(house.database, now=forger.later(hours=2))
    assert [(one.kind, one.invoice) for one in report.findings] == [("undelivered", "F-2")]


@SQLITE
async def test_waits_that_only_people_can_end(forger: Forger) -> None:
    """A case that waits for an approval without an open task for it is forgotten; with one it is not."""
    house = forger.house
    await house.bill("F-2", policy="french-b2b")
    while (await house.next("F-2")).step != "formal-notice":
        await house.knock("F-2")
    await house.knock("F-2")
    patient = timedelta(days=365)
    assert await forger.found(grace=patient) == {}
    await forger.run(sa.update(tasks).where(tasks.c.kind == "approve").values(closed_at=house.now))
    assert await forger.found(grace=patient) == {"forgotten": 1}


@SQLITE
async def test_waits_for_more_to_be_owed(forger: Forger) -> None:
    """A case below the policy's minimum may wait; one that is above it was forgotten."""
    house = forger.house
    await house.bill("F-2", policy="french-b2b", total="14.99", debtor="dubois", currency="USD")
    await house.debtor("petit")
    await house.bill("F-3", policy="french-b2b", total="14.99", debtor="petit")
    assert (await house.next("F-3")).because.rule == "below_minimum"
    assert await forger.found() == {}
    waits = {"next_kind": "wait", "next_at": None, "next_rule": "below_minimum"}
    await forger.run(sa.update(invoices).where(invoices.c.number == "F-2").values(waits))
    assert await forger.found() == {"forgotten": 1}


async def test_a_case_without_an_ending(forger: Forger) -> None:
    """An open case is found where every case should have ended, and only there."""
    assert await forger.found() == {}
    assert await forger.found(all_closed=True) == {"unending": 1}


async def test_ambiguous_messages_have_their_task(forger: Forger) -> None:
    """An ambiguous message is counted, and found only once nobody is asked about it."""
    house = forger.house
    house.sink.script(Fault.DROP_KEPT, times=1)
    await house.knock()
    report = await forger.audit()
    assert (report.findings, report.counts["ambiguous"], report.counts["ever_ambiguous"]) == ((), 1, 1)
    await forger.run(sa.update(tasks).values(closed_at=house.now))
    assert await forger.found() == {"ambiguous_without_task": 1}


@SQLITE
async def test_messages_that_nobody_decides(forger: Forger) -> None:
    """A reservation whose claim ended hours ago is found; a fresh one is not."""
    await forger.message(state="reserved")
    assert await forger.found() == {}
    forger.later(hours=2)
    assert await forger.found() == {"stranded": 1}


@SQLITE
async def test_evidence_that_is_gone_or_changed(forger: Forger) -> None:
    """The kept bytes of a message are found missing, or changed, where they are looked at."""
    folder = forger.house.settings.folders.evidence
    (record,) = await forger.house.messages()
    path = forger.house.evidence(record)
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert await forger.found(evidence=folder) == {"evidence": 1}
    path.unlink()
    assert await forger.found(evidence=folder) == {"evidence": 1}
    assert await forger.found() == {}


async def test_one_creditor_alone(forger: Forger) -> None:
    """An audit of one creditor looks at no other's accounts, and refuses one that it does not know."""
    await forger.append("payment.reversed", "F-1", reference="never-came")
    await forger.house.register(creditor={"id": "other"})
    assert await forger.found(creditor="other") == {}
    assert await forger.found(creditor="acme") == {"chain": 1}
    with pytest.raises(NotFound):
        await forger.audit(creditor="nobody")


async def test_one_state_of_the_record_is_seen(forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while an audit reads on is not seen by half; accounts are read batch by batch."""
    house = forger.house
    for name in ("a", "b", "c"):
        await house.debtor(name)
        await house.bill(f"{name}-1", debtor=name, due="2026-06-30")
    await house.errands()
    monkeypatch.setattr(audit.tables, "ACCOUNTS", 1)
    whole = audit.tables.batches

    async def meddled(*wanted: Any) -> Any:
        async for batch in whole(*wanted):
            yield batch
            if "a" in batch:
                await house.pay("c-1", reference="meanwhile")

    monkeypatch.setattr(audit.auditing, "batches", meddled)
    heard: list[int] = []
    report = await audit_all(house.database, now=house.now, progress=heard.append)
    assert (report.findings, heard) == ((), [1, 2, 3, 4])
    assert report.counts["open"] == 4
    assert await house.next("c-1") == (await house.plan("c-1")).next
    assert (await audit_all(house.database, now=house.now)).counts["open"] == 3
