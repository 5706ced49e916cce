"""Cases moved to another policy: what is foreseen is what is done, in whole accounts, and once."""

from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from domain.actions import StepOutcome
from domain.faults import NotAllowed
from domain.policy import DunningPolicy, DunningStep
from domain.schedule import taken
from ledger import journal, policies
from ledger.moving import Move, accounts_under, carried_out, foreseen
from ledger.schema import invoices
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk

TONES = ("commercial", "courteous", "firm", "final", "formal")
CASES = 40


async def look(clerk: Clerk, debtor: str, policy: DunningPolicy, *versions: str) -> list[Move]:
    """Foresees the move of one account."""
    async with clerk.database.reading() as conn:
        account = ("acme", debtor)
        return await foreseen(conn, account, versions or (RULES.version,), policy, clerk.now, clerk.shelf)


async def act(clerk: Clerk, debtor: str, policy: DunningPolicy, *versions: str) -> list[Move]:
    """Moves one account."""
    async with clerk.database.writing() as conn:
        await policies.store(conn, policy, clerk.now)
        return await carried_out(
            conn, ("acme", debtor), versions or (RULES.version,), policy, "ann", clerk.now, clerk.shelf
        )


def drawn(chance: Random, name: str) -> DunningPolicy:
    """Draws a policy that climbs; some keys are shared by all, so that some steps are the same."""
    offsets = sorted(chance.sample(range(-10, 60), chance.randint(1, 6)))
    ranks = sorted(chance.choices(range(5), k=len(offsets)))
    rungs: list[DunningStep] = []
    for offset, rank in zip(offsets, ranks, strict=True):
        tone = TONES[min(rank, 1) if offset < 0 else rank]
        key = chance.choice([f"{name}{offset:+d}", f"k{offset // 5}"])
        if key not in {one.key for one in rungs}:
            channel = chance.choice(["email", "letter", "call"])
            rungs.append(build.step(key, offset, tone, channel, approval=chance.random() < 0.2))
    more = {"spacing_days": chance.randint(1, 6), "minimum": chance.choice([{}, {"EUR": "150.00"}])}
    return build.policy(
        *rungs, id=name, catch_up=chance.choice(["next_required", "contextual"]), roll="outward", **more
    )


async def lived(clerk: Clerk, chance: Random, old: DunningPolicy) -> None:
    """Bills many invoices of two customers under a policy, each with some of its steps on record."""
    async with clerk.database.writing() as conn:
        await policies.store(conn, old, clerk.now)
    for debtor in ("dubois", "martin"):
        async with clerk.book(debtor) as book:
            for turn in range(CASES // 2):
                due = build.day("2026-03-10") + timedelta(days=chance.randint(0, 90))
                owed = build.invoice(f"{debtor}-{turn}", due, f"{chance.randint(10, 300)}.00", debtor=debtor)
                await book.open_case(owed, old.version)
                for step in old.steps[: chance.randint(0, len(old.steps))]:
                    if chance.random() < 0.8:
                        on = due + timedelta(days=step.offset_days + chance.randint(0, 3))
                        await book.take_step(owed.number, taken(step, on))
                if chance.random() < 0.3:
                    last = chance.choice(old.steps).key
                    if not book.case(owed.number).has_taken(last):
                        await chance.choice([book.hurry, book.approve_step])(owed.number, last, "ann")


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_foreseen_is_what_is_stored(clerk: Clerk, seed: int) -> None:
    """For many cases under drawn policies, the plan that was listed is the plan on record after the move."""
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    old, new = drawn(chance, "old"), drawn(chance, "new")
    clerk.now = build.at("2026-03-01 12:00")
    await lived(clerk, chance, old)
    clerk.now = build.at("2026-04-20 11:00")
    for debtor in ("dubois", "martin"):
        before = (await clerk.account(debtor)).revision
        listed = await look(clerk, debtor, new, old.version)
        assert (await clerk.account(debtor)).revision == before
        assert await act(clerk, debtor, new, old.version) == listed
        account = await clerk.account(debtor)
        async with clerk.database.reading() as conn:
            query = sa.select(invoices.c.number, invoices.c.next, invoices.c.policy).filter_by(debtor=debtor)
            stored = {row.number: row for row in await conn.execute(query)}
        assert listed
        for one in listed:
            assert one.after is not None
            assert stored[one.number].next == one.after.model_dump(mode="json", exclude_none=True)
            assert stored[one.number].policy == (old if one.obstacle else new).version
            standing = [step.step for step in account.case(one.number).standing]
            assert one.after.step not in standing
            assert (one.passed in standing) is (one.passed is not None)
        again = [one for one in await act(clerk, debtor, new, old.version) if one.obstacle is None]
        assert again == []


async def test_a_move_is_in_the_journal(clerk: Clerk) -> None:
    """The journal says who moved a case, from where, what counts as said and why; the chain holds."""
    new = build.policy(build.step("a", -8, "commercial"), build.step("b", 5), id="new")
    await clerk.bill(build.invoice())
    await clerk.send("F-1", "2026-03-20 10:00")
    (one,) = await act(clerk, "dubois", new)
    assert (one.verdict, one.passed) == ("changes", None)
    later = build.policy(build.step("x", -12, "commercial"), build.step("b", 5), id="later")
    (one,) = await act(clerk, "dubois", later, new.version)
    assert (one.passed, one.said_as) == ("x", "D-10")
    async with clerk.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "dubois")
        assert [one async for one in journal.verify(conn)] == []
    told = {entry.kind: entry.facts for entry in entries}
    assert told["case.policy_moved"] == {"policy": later.version, "was": new.version, "author": "ann"}
    assert told["step.skipped"]["step"] == "x"
    assert told["step.skipped"]["reason"] == f"D-10 under {new.version} has said it"


async def test_only_runs_whose_plan_changed_are_woken(clerk: Clerk) -> None:
    """A policy that says the same under another version wakes nobody; another day wakes its run."""
    await clerk.bill(build.invoice())
    await clerk.errands()
    same = build.seed_policy(title={"en": "Reworded"})
    (one,) = await act(clerk, "dubois", same)
    assert one.verdict == "same"
    assert await clerk.errands() == []
    other = build.seed_policy(spacing_days=4, steps=(build.step("D-5", -5, "commercial"),))
    (one,) = await act(clerk, "dubois", other, same.version)
    assert one.verdict == "changes"
    assert await clerk.errands() == [("wake", "F-1")]


async def test_a_message_that_is_leaving_keeps_its_case(clerk: Clerk) -> None:
    """A reserved step's case stays while the others move; once the message has left, it moves too."""
    new = build.policy(build.step("x", -12, "commercial"), build.step("y", 30), id="new")
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2", "2026-05-31"))
    message = await clerk.reserve("F-1", "2026-03-20 10:00")
    moves = {one.number: one for one in await act(clerk, "dubois", new)}
    assert (moves["F-1"].verdict, moves["F-2"].verdict) == ("stays", "changes")
    assert "is leaving" in str(moves["F-1"].obstacle)
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="stays under"):
            await book.move_policy("F-1", new.version, "ann")
    async with clerk.book() as book:
        await book.release(message, "not now")
    (one,) = await act(clerk, "dubois", new)
    assert (one.number, one.verdict) == ("F-1", "changes")
    assert (await clerk.account()).case("F-1").taken == ()


async def test_the_passed_step_keeps_its_place_in_the_ladder(clerk: Clerk) -> None:
    """What counts as said is on record as skipped, on the day of the last step, and never taken again."""
    new = build.policy(build.step("x", -12, "commercial"), build.step("y", 30), id="new")
    await clerk.bill(build.invoice())
    await clerk.send("F-1", "2026-03-20 10:00")
    await act(clerk, "dubois", new)
    marker = (await clerk.account()).case("F-1").taken[-1]
    assert (marker.step, marker.outcome) == ("x", StepOutcome.SKIPPED)
    assert marker.day == build.day("2026-03-20")
    async with clerk.database.reading() as conn:
        assert await accounts_under(conn, [new.version], "acme", None) == [("acme", "dubois")]
        assert await accounts_under(conn, [RULES.version], None, None) == []
        assert await accounts_under(conn, [new.version], "acme", "martin") == []
        assert await policies.versions(conn, "new") == [new.version]
