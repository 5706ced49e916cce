"""An outage of weeks: what was missed is caught up as the policy says, without a burst and without a jump."""

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.actions import Outcome, StepOutcome
from tests.domain import build
from tests.gate.house import House

DUE = {"F-1": "2026-03-31", "F-2": "2026-04-14", "F-3": "2026-05-12", "F-4": "2026-06-10"}
BACK = build.at("2026-06-17 11:00")
"""Everything was down from the end of March until this Wednesday in June."""

REQUIRED = {"seed": ["D+2", "D+30", "handoff"], "french-b2b": ["D+2", "D+10", "D+20", "D+30", "D+45"]}


async def climb(house: House, number: str) -> list[Outcome]:
    """Knocks for one invoice whenever its plan says so, until it ends or waits for a person."""
    outcomes: list[Outcome] = []
    while (await house.next(number)).kind == "take" and len(outcomes) < 30:
        outcomes.append((await house.knock(number)).outcome)
    return outcomes


async def test_nothing_leaves_in_a_burst_when_everything_comes_back(house: House) -> None:
    """After 78 days down, each customer gets one mail that day, whatever number of steps each has missed."""
    customers = {number: f"c{number[-1]}" for number in DUE}
    await house.register(*customers.values())
    for number, due in DUE.items():
        await house.bill(number, debtor=customers[number], due=due)
    house.now = BACK
    for number in DUE:
        assert (await house.knock(number)).outcome is Outcome.SENT
        assert (await house.next(number)).at is not None
        assert (await house.next(number)).at > BACK + timedelta(hours=12)  # type: ignore[operator]
    assert sorted(one.recipients[0] for one in house.sink.received) == [
        f"compta@{customer}.example" for customer in sorted(customers.values())
    ]


@pytest.mark.parametrize("number", list(DUE))
async def test_no_required_step_is_jumped_and_the_spacing_is_kept(house: House, number: str) -> None:
    """Whatever was missed, every required step is taken, in order, at least the spacing apart."""
    await house.register()
    await house.bill(number, due=DUE[number])
    house.now = BACK
    assert Outcome.AMBIGUOUS not in await climb(house, number)
    case = (await house.account()).case(number)
    taken = [(step.step, step.day) for step in case.taken if step.outcome is not StepOutcome.SKIPPED]
    assert [step for step, _ in taken] == REQUIRED["seed"]
    spacing = house.catalogue["seed"].spacing_days
    assert all((after - before).days >= spacing for (_, before), (_, after) in pairwise(taken))
    assert taken[0][1] == BACK.date()
    late = [step.late_days for step in case.taken]
    assert late[0] == (BACK.date() - build.day(DUE[number])).days - 2 + _rolled(number)


def _rolled(number: str) -> int:
    """Counts the days by which the calendar had moved D+2 anyway."""
    return {"F-1": 0, "F-2": 0, "F-3": -1, "F-4": 0}[number]
