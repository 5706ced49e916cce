"""Steps against what was agreed, contested or debited, and agreements told wrongly: each found alone."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from domain.agreements import HowEnded
from ledger.schema import agreements, allocations, invoices
from tests.audit.forging import Forger
from workflows.ports import Verb

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PATIENT = timedelta(days=365)


async def approve(forger: Forger, name: str) -> None:
    """Approves an agreement."""
    async with forger.house.hands.gate._desk.book(forger.house.case("F-1"), forger.house.now) as book:
        await book.approve_agreement(name, "ann")
        await book.settle()


async def test_agreements_that_were_heeded(forger: Forger) -> None:
    """A dispute over a part, a promise kept in part and a settlement leave nothing to find."""
    house = forger.house
    await house.bill("F-2", "F-3", due="2026-04-20")
    await forger.agree("dispute", "F-2", days=40, amount="30.00")
    await forger.agree("promise", "F-1", days=3)
    await house.pay("F-1", "10.00")
    await house.knock("F-1")
    assert (house.now.date(), (await forger.entry("message.reserved"))["step"]) == (date(2026, 4, 20), "D+30")
    await house.knock("F-2")
    asked = (await forger.entry("message.reserved"))["reminder"]["asked"]
    assert asked == "170.00"
    await approve(forger, await forger.agree("settlement", "F-3", amount="50.00"))
    await house.pay("F-3", "50.00", "VIR-3")
    assert (await house.account()).case("F-3").ending == "paid"
    assert (await house.next("F-1")).step == "handoff"
    forger.later(minutes=1)
    assert await forger.found(grace=PATIENT) == {}


async def test_a_reminder_about_what_is_contested(forger: Forger) -> None:
    """A reminder in the time of a dispute is found, and none on the day after it, or once it is answered."""
    name = await forger.agree("dispute")
    forger.later(days=5)
    await forger.message()
    assert await forger.found() == {"disputed": 1}
    forger.later(days=1)
    await forger.settle()
    await forger.message()
    assert await forger.found() == {"disputed": 1}
    async with forger.house.hands.gate._desk.book(forger.house.case("F-1"), forger.house.now) as book:
        await book.end_agreement(name, HowEnded.REJECTED, "the price was right", "ann")
        await book.settle()
    assert await forger.found() == {"disputed": 1}


async def test_a_reminder_that_asks_for_the_contested_part(forger: Forger) -> None:
    """Of an invoice contested in part the rest may be asked for, and not a cent more."""
    await forger.agree("dispute", amount="40.00")
    forger.later(days=1)
    await forger.message(asked="60.00")
    assert await forger.found() == {}
    forger.later(days=2)
    await forger.message(asked="60.01")
    assert await forger.found() == {"claimed_more": 1}
    await forger.house.pay("F-1", "60.00")
    right = (await forger.reminder())["lines"][0] | {"open": "40.00", "disputed": "40.00"}
    await forger.message(asked="0.00", lines=[right])
    assert await forger.found() == {"claimed_more": 1, "disputed": 1}


@pytest.mark.parametrize("kind", ["promise", "plan", "settlement", "an undecided settlement"])
async def test_a_reminder_in_the_time_that_was_given(forger: Forger, kind: str) -> None:
    """A reminder before an agreement's day and its grace are over is found, and none on the day after."""
    if "settlement" in kind:
        name = await forger.agree("settlement", amount="50.00")
    else:
        name = await forger.agree(kind)
    if kind == "settlement":
        await approve(forger, name)
    forger.later(days=7 if "undecided" in kind else 8)
    await forger.message()
    assert await forger.found() == {"agreed": 1}
    forger.later(days=1)
    await forger.settle()
    await forger.message()
    assert await forger.found() == {"agreed": 1}


async def test_a_reminder_while_a_debit_is_on_its_way(forger: Forger) -> None:
    """A reminder of an invoice that is debited is found until its debit came back."""
    house = forger.house
    await house.bill("F-2", due="2026-04-20", direct_debit=True)
    await forger.message("D-10", "F-2")
    assert await forger.found() == {"debited": 1}
    await house.pay("F-2")
    await house.take("payment.reversed", reference="VIR-1")
    forger.later(days=2)
    await forger.message("D-3", "F-2")
    assert await forger.found() == {"debited": 1}


async def test_a_grave_step_of_what_is_contested(forger: Forger) -> None:
    """A handoff is found while nobody has answered a dispute, run out or not, unless a person approved it."""
    house = forger.house
    await house.knock()
    await forger.agree("dispute", days=2)
    forger.later(days=10)
    await forger.settle()
    await forger.message("handoff")
    assert await forger.found(grace=PATIENT) == {"unapproved": 1}
    await house.knock()
    await house.obey(Verb.APPROVE, "F-1", step="handoff")
    await forger.message("handoff")
    assert await forger.found(grace=PATIENT) == {"unapproved": 1}


async def test_what_a_broken_promise_brings_forward(forger: Forger) -> None:
    """After a broken promise one step comes before its day, once, and never a grave one."""
    house = forger.house
    await forger.agree("promise", days=1)
    forger.later(days=5)
    await forger.settle()
    await forger.message("D+30", state="kept_back")
    await forger.message("handoff")
    found = {"early": 1, "forgotten": 1}
    assert await forger.found() == found, "it jumps over a required step, too"
    assert (await house.next()).because.rule == "broken"
    await house.knock()
    assert (await forger.entry("message.reserved"))["step"] == "D+30"
    assert await forger.found() == found
    await house.bill("F-2", due="2026-04-10")
    await forger.agree("promise", "F-2", days=1)
    forger.later(days=5)
    await forger.settle()
    await forger.message("D+2", "F-2", state="sent")
    forger.later(days=2)
    await forger.message("D+30", "F-2")
    assert await forger.found(grace=PATIENT) == found | {"early": 2}


async def test_a_case_that_was_closed_while_money_was_owed(forger: Forger) -> None:
    """A case closed as paid although a cent was owed is found, also where the rest was not let go."""
    name = await forger.agree("settlement", amount="50.00")
    await forger.house.pay("F-1", "50.00")
    because = {"rule": "waived"}
    await forger.append("case.closed", "F-1", ending="paid", because=because, was=None)
    await forger.run(sa.update(invoices).values(ending="paid"))
    assert await forger.found() == {"closed_owing": 1}
    await approve(forger, name)
    assert (await forger.house.account()).balance("F-1").open == 0


@pytest.mark.parametrize("settled", ["let go", "waived"])
async def test_a_reminder_about_what_was_let_go(forger: Forger, settled: str) -> None:
    """What was let go with a payment, or by a settlement that was kept, is not to be asked for."""
    if settled == "let go":
        part = {"invoice": "F-1", "amount": "98.00", "allowed": "2.00", "allowance": "discount"}
        on = {"received_on": forger.house.now.date(), "reference": "VIR-1"}
        await forger.house.take("payment.received", amount="98.00", allocations=[part], **on)
    else:
        await approve(forger, await forger.agree("settlement", amount="50.00"))
        await forger.house.pay("F-1", "50.00")
    forger.later(minutes=1)
    assert await forger.found() == {}
    await forger.message()
    assert await forger.found() == {"paid": 1}


async def test_an_agreement_that_is_told_wrongly(forger: Forger) -> None:
    """An entry that calls a promise kept, or broken, against the money is found."""
    name = await forger.agree("promise")
    told: dict[str, Any] = {"agreement": name, "agreement_kind": "promise", "invoices": ["F-1"]}
    await forger.append("agreement.kept", "F-1", **told)
    await forger.run(sa.update(agreements).values(standing="kept"))
    assert await forger.found() == {"misjudged": 1}
    await forger.house.pay("F-1")
    await forger.append("agreement.broken", "F-1", **told)
    await forger.run(sa.update(agreements).values(standing="broken"))
    assert await forger.found() == {"misjudged": 2}


async def test_a_broken_promise_of_which_nobody_is_told(forger: Forger) -> None:
    """A broken promise that nobody noted, or noted without a task, is found a day later."""
    name = await forger.agree("promise", days=1)
    forger.later(days=6)
    assert await forger.found() == {"broken_without_task": 1}
    told: dict[str, Any] = {"agreement": name, "agreement_kind": "promise", "invoices": ["F-1"]}
    await forger.append("agreement.broken", "F-1", **told)
    await forger.run(sa.update(agreements).values(standing="broken"))
    assert await forger.found() == {"broken_without_task": 1}
    await forger.run(sa.update(agreements).values(standing="running"))
    await forger.settle()
    assert await forger.found() == {}


CHANGES = {
    "facts": sa.update(agreements).values(facts={}),
    "approved": sa.update(agreements).values(approved=True),
    "ended": sa.update(agreements).values(ended_how="withdrawn"),
    "standing": sa.update(agreements).values(standing="kept"),
    "lost": sa.delete(agreements),
    "let go": sa.update(allocations).values(allowed=Decimal("1.00")),
}


@pytest.mark.parametrize("changed", CHANGES)
async def test_tables_that_say_something_else(forger: Forger, changed: str) -> None:
    """One value of an agreement, or of what was let go, changed behind the back of the journal is found."""
    await forger.house.pay("F-1", "10.00")
    await forger.agree("promise")
    assert await forger.found() == {}
    await forger.run(CHANGES[changed])
    assert await forger.found() == {"differs": 1}
