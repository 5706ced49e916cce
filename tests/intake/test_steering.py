"""Many cases steered at once: foreseen exactly, done one account at a time, never stopped by a broken one."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from intake.steering import Errand, Pick, Steering, What
from ledger import journal
from ledger.schema import debtors, invoices
from tests.domain import build
from tests.ledger.conftest import NOON, RULES, Clerk
from tests.ledger.conftest import clerk as clerk  # noqa: PLC0414 - a fixture
from tests.ledger.conftest import other_rules as other_rules  # noqa: PLC0414 - a fixture

DAY = timedelta(days=1)


def steering(clerk: Clerk, what: What, **more: object) -> Steering:
    """Gives Ann an errand."""
    errand = Errand.model_validate({"id": "0" * 36, "what": what, "reason": "asked for time"} | more)
    return Steering(clerk.database, clerk.shelf, clerk.now, "ann", errand)


async def billed(clerk: Clerk) -> list[Pick]:
    """Gives two customers an invoice each, the first one two."""
    await clerk.bill(build.invoice("F-1", due="2026-03-31"), build.invoice("F-2", due="2026-04-30"))
    async with clerk.book("martin") as book:
        await book.open_case(build.invoice("M-1", due="2026-03-31", debtor="martin"), RULES.version)
    return [Pick(creditor="acme", number=number) for number in ("F-1", "M-1", "F-2")]


async def entries(clerk: Clerk, debtor: str = "dubois") -> list[journal.Entry]:
    """Reads what was written about a customer."""
    async with clerk.database.reading() as conn:
        return list(await journal.entries(conn, "acme", debtor))


async def test_what_is_foreseen_is_what_is_done(clerk: Clerk) -> None:
    """Foreseeing writes nothing; doing it gives each invoice the next action that was shown."""
    picks = await billed(clerk)
    until = NOON.date() + 60 * DAY
    hold = steering(clerk, What.HOLD, until=until)
    before = [await entries(clerk, name) for name in ("dubois", "martin")]
    foreseen = await hold.foresee(picks)
    assert [await entries(clerk, name) for name in ("dubois", "martin")] == before
    done = await hold.carry_out(picks)
    assert done == foreseen
    assert [(one.number, one.changed, one.problem) for one in done] == [
        ("F-1", True, None),
        ("M-1", True, None),
        ("F-2", True, None),
    ]
    assert [one.after.day > until for one in done if one.after and one.after.day] == [True] * 3
    placed = [one for one in await entries(clerk) if one.kind == "hold.placed"]
    assert [(one.invoice, one.facts["author"]) for one in placed] == [("F-1", "ann"), ("F-2", "ann")]
    assert ("wake", "F-1") in await clerk.errands()


async def test_a_second_time_changes_nothing(clerk: Clerk) -> None:
    """The same hold is placed once; a step that was skipped is not followed by another one skipped."""
    picks = await billed(clerk)
    hold = steering(clerk, What.HOLD, until=NOON.date() + DAY)
    await hold.carry_out(picks)
    again = await hold.carry_out(picks)
    assert [one.changed for one in again] == [False] * 3
    skip = steering(clerk, What.SKIP)
    seen = [Pick(creditor="acme", number=one.number, step=one.step) for one in await skip.foresee(picks)]

    await skip.carry_out(seen)
    twice = await skip.carry_out(seen)
    assert {one.problem for one in twice} == {"step %(step)s is not its next one any more"}
    account = await clerk.account()
    assert [step.step for step in account.case("F-1").taken] == ["D-10"]


async def test_one_that_cannot_be_done_stops_no_other(clerk: Clerk) -> None:
    """What is closed, unknown or of a customer whose facts cannot be read is listed; the rest is done."""
    picks = await billed(clerk)
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    async with clerk.database.writing() as conn:
        await conn.execute(sa.update(debtors).where(debtors.c.id == "martin").values(facts={"id": 1}))
    found = await steering(clerk, What.SKIP).carry_out([*picks, Pick(creditor="acme", number="X")])
    assert {one.number: one.problem for one in found} == {
        "F-1": "its case is closed",
        "M-1": "ValidationError",
        "F-2": None,
        "X": "there is no such invoice",
    }


async def test_an_approval_where_none_is_asked_for_is_refused(clerk: Clerk) -> None:
    """It is said beside the invoice; resuming what is not held changes nothing."""
    picks = await billed(clerk)
    approved = await steering(clerk, What.APPROVE).carry_out(picks[:1])
    assert approved[0].problem == "its next step needs no approval"
    resumed = await steering(clerk, What.RESUME).carry_out(picks[:1])
    assert (resumed[0].changed, resumed[0].problem) == (False, None)


@pytest.mark.parametrize("really", [False, True])
async def test_only_picked_invoices_change_their_policy(clerk: Clerk, really: bool) -> None:  # noqa: FBT001
    """The other invoices of the customer stay; a policy that was only looked at is not stored."""
    picks, other = await billed(clerk), build.ladder(5, id="other")
    steer = steering(clerk, What.MOVE)
    steer.policy = other
    found = await (steer.carry_out(picks[:1]) if really else steer.foresee(picks[:1]))
    assert [(one.number, one.changed) for one in found] == [("F-1", True)]
    assert found[0].after is not None
    assert found[0].after.step == "1"
    async with clerk.database.reading() as conn:
        rows = await conn.execute(sa.select(invoices.c.number, invoices.c.policy).order_by(invoices.c.number))
        under = {row.number: row.policy for row in rows}
    moved = other.version if really else RULES.version
    assert under == {"F-1": moved, "F-2": RULES.version, "M-1": RULES.version}
