"""A resume that was cut short: what waited for a stop goes on by itself."""

from domain.actions import Rule
from domain.agreements import Stop
from intake.resuming import replan_the_stopped
from ledger import switches
from ledger.policies import Shelf
from tests.gate.house import House


async def test_a_resume_cut_short_is_completed_by_itself(house: House) -> None:
    """Where a stop was lifted and nobody planned its cases anew, the worker does, and tells the runs."""
    await house.register()
    await house.bill("F-1")
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", house.now)
    await house.knock()
    assert (await house.next()).because.rule is Rule.SENDING_STOPPED
    assert await replan_the_stopped(house.database, Shelf(), house.now) == 0
    async with house.database.writing() as conn:
        await switches.resume(conn, Stop(), "ann", house.now)
    await house.errands()
    assert await replan_the_stopped(house.database, Shelf(), house.now) == 1
    assert (await house.next()).kind == "take"
    assert await house.errands() == [("wake", "F-1")]
    assert await replan_the_stopped(house.database, Shelf(), house.now) == 0
