"""What follows from facts: cases close and reopen, and only runs whose plan changed are woken."""

import pytest

from domain.actions import Because, Ending, Rule, StepOutcome, StepTaken
from domain.agreements import Stop
from domain.faults import NotAllowed, NotFound
from ledger import journal, outbox, parties, policies, queries, switches
from tests.domain import build
from tests.ledger.conftest import RULES, Clerk


async def test_a_new_case_starts_a_run(clerk: Clerk) -> None:
    """A new case puts one start in the outbox, with the plan of its first step."""
    await clerk.bill(build.invoice())
    async with clerk.database.reading() as conn:
        (errand,) = await outbox.pending(conn)
    assert (errand.kind, errand.case.workflow_id) == ("start", "invoice:acme:F-1")
    assert errand.plan is not None
    assert (errand.plan.revision, errand.plan.next.step) == (2, "D-10")


async def test_only_changed_plans_wake(clerk: Clerk) -> None:
    """A payment of one invoice wakes its run alone; a quiet number is planned but not woken."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2"), build.invoice("F-3"))
    assert await clerk.errands() == [("start", "F-1"), ("start", "F-2"), ("start", "F-3")]
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_2="100.00"))
    assert await clerk.errands() == [("wake", "F-2")]
    async with clerk.book(settle=False) as book:
        await book.put_payment(build.payment("100.00", reference="VIR-2", F_3="100.00"))
        changed = await book.settle(quiet=frozenset({"F-3"}))
        assert changed["F-3"].ending is Ending.PAID
        assert book.plan("F-3").revision == book.account.revision
    assert await clerk.errands() == []


async def test_settling_twice_changes_nothing(clerk: Clerk) -> None:
    """Planning the same facts again finds nothing to change."""
    await clerk.bill(build.invoice())
    await clerk.errands()
    async with clerk.book() as book:
        assert await book.settle() == {}
    assert await clerk.errands() == []


async def test_a_reversed_payment_reopens(clerk: Clerk) -> None:
    """A case closed as paid starts again when the money comes back; its steps stay taken."""
    await clerk.bill(build.invoice())
    await clerk.send("F-1", "2026-03-20 10:00")
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    assert (await clerk.account()).case("F-1").ending is Ending.PAID
    await clerk.errands()
    async with clerk.book() as book:
        assert await book.reverse_payment("VIR-1", "returned")
        assert not await book.reverse_payment("VIR-1", "returned")
    case = (await clerk.account()).case("F-1")
    assert (case.ending, [step.step for step in case.taken]) == (None, ["D-10"])
    assert await clerk.errands() == [("start", "F-1")]


async def test_credit_notes_close_and_reopen(clerk: Clerk) -> None:
    """A full credit note closes a case as credited; cancelled, it starts again."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        await book.put_credit_note(build.credit_note("100.00", invoice="F-1"))
    assert (await clerk.account()).case("F-1").ending is Ending.CREDITED
    await clerk.errands()
    async with clerk.book() as book:
        assert await book.cancel_credit_note("A-1")
    assert await clerk.errands() == [("start", "F-1")]


async def test_writing_off_closes_and_can_be_taken_back(clerk: Clerk) -> None:
    """A written-off invoice closes and wakes its run; taken back, it starts again."""
    await clerk.bill(build.invoice())
    await clerk.errands()
    async with clerk.book() as book:
        assert await book.write_off("F-1", written_off=True, reason="too small")
        assert not await book.write_off("F-1", written_off=True, reason="too small")
    assert (await clerk.account()).case("F-1").ending is Ending.WRITTEN_OFF
    assert await clerk.errands() == [("wake", "F-1")]
    async with clerk.book() as book:
        assert await book.write_off("F-1", written_off=False, reason="a mistake")
    assert (await clerk.account()).case("F-1").ending is None
    assert await clerk.errands() == [("start", "F-1")]


async def test_an_invoice_paid_before_it_came_never_starts(clerk: Clerk) -> None:
    """An invoice whose payment had waited for it closes at once and starts no run."""
    async with clerk.book() as book:
        await book.open_case(build.invoice(), RULES.version)
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    assert (await clerk.account()).case("F-1").ending is Ending.PAID
    assert await clerk.errands() == []


async def test_a_finished_ladder_asks_a_person(clerk: Clerk) -> None:
    """A case whose ladder is climbed ends exhausted with one task, and reopens for a longer ladder."""
    short = build.ladder(2)
    longer = build.ladder(2, 30)
    async with clerk.database.writing() as conn:
        await policies.store(conn, short, clerk.now)
        await policies.store(conn, longer, clerk.now)
    await clerk.bill(build.invoice(), rules=short)
    async with clerk.book() as book:
        await book.skip_step("F-1", "1", "said by telephone", "ann")
    assert (await clerk.account()).case("F-1").ending is Ending.EXHAUSTED
    async with clerk.book() as book:
        await book.place_hold(build.hold("2026-03-01", "2026-03-20"), "ann")
    assert (await clerk.account()).case("F-1").ending is Ending.EXHAUSTED
    async with clerk.database.reading() as conn:
        assert [task.kind for task in await queries.open_tasks(conn)] == ["exhausted"]
    await clerk.errands()
    async with clerk.book() as book:
        await book.move_policy("F-1", longer.version, "ann")
    assert (await clerk.account()).case("F-1").ending is None
    assert await clerk.errands() == [("start", "F-1")]


async def test_a_handoff_ends_the_case_until_it_is_paid(clerk: Clerk) -> None:
    """The handoff closes the case; a later payment changes the ending, and nothing starts again."""
    await clerk.bill(build.invoice())
    await clerk.errands()
    taken = StepTaken(step="handoff", outcome=StepOutcome.HANDED_OFF, day=build.day("2026-05-15"))
    async with clerk.book() as book:
        assert await book.take_step("F-1", taken)
    assert (await clerk.account()).case("F-1").ending is Ending.HANDED_OFF
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="closed"):
            await book.take_step("F-1", taken)
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    assert (await clerk.account()).case("F-1").ending is Ending.PAID
    assert [kind for kind, _ in await clerk.errands()] == ["wake", "wake"]


async def test_operators_steer_a_case(clerk: Clerk) -> None:
    """Skip, approve, hurry, block and hold change the plan, refuse what cannot be, and answer once."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        assert await book.skip_step("F-1", "D-10", "new customer", "ann")
        assert not await book.skip_step("F-1", "D-10", "new customer", "ann")
        with pytest.raises(NotAllowed, match="already on record"):
            await book.hurry("F-1", "D-10", "ann")
        with pytest.raises(NotFound, match="has no step"):
            await book.hurry("F-1", "D+99", "ann")
        assert await book.approve_step("F-1", "D+2", "ann")
        assert not await book.approve_step("F-1", "D+2", "ann")
        assert await book.hurry("F-1", "D-3", "ann")
        await book.settle()
        assert book.plan("F-1").next.because.rule is Rule.OPERATOR
        assert await book.block("F-1", Because(rule=Rule.UNREACHABLE))
        await book.settle()
        assert book.plan("F-1").next.kind == "wait"
        assert await book.unblock("F-1")
        assert await book.place_hold(build.hold("2026-03-01", "2026-03-09"), "ann")
        assert await book.lift_hold("H-1", "ann")
        assert not await book.lift_hold("H-1", "ann")
    case = (await clerk.account()).case("F-1")
    assert (case.approved, case.hurried, case.blocked) == (("D+2",), "D-3", None)


async def test_errands_wait_until_they_are_delivered(clerk: Clerk) -> None:
    """A failed errand stays behind the others, with its error counted."""
    await clerk.bill(build.invoice("F-1"), build.invoice("F-2"))
    async with clerk.database.writing() as conn:
        first, _ = await outbox.pending(conn)
        await outbox.failed(conn, first, "no Temporal")
    async with clerk.database.reading() as conn:
        assert [(one.case.number, one.attempts) for one in await outbox.pending(conn)] == [
            ("F-2", 0),
            ("F-1", 1),
        ]


async def test_money_that_covers_a_debt_unallocated_asks_a_person(clerk: Clerk) -> None:
    """A case that waits for an allocation has a task, which closes by itself once the money is allocated."""
    await clerk.bill(build.invoice("F-1"))
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00"))
    assert await _kinds(clerk) == ["allocate"]
    async with clerk.book() as book:
        await book.allocate("VIR-1", build.payment("100.00", F_1="100.00").allocations, "anna")
    assert await _kinds(clerk) == []


async def test_a_debtor_out_of_reach_is_asked_for_until_a_person_answers(clerk: Clerk) -> None:
    """Closing the question why a debtor cannot be reached lets the case try again."""
    await clerk.bill(build.invoice("F-1"))
    async with clerk.book() as book:
        await book.block("F-1", Because(rule=Rule.UNREACHABLE))
    async with clerk.database.reading() as conn:
        (task,) = await queries.open_tasks(conn)
    assert task.kind == "unreachable"
    async with clerk.book() as book:
        await book.close_task(task.id, "the mailbox exists again", "anna")
    assert (await clerk.account()).case("F-1").blocked is None
    assert await _kinds(clerk) == []


async def test_skipping_a_step_that_waits_for_approval_lets_the_case_go_on(clerk: Clerk) -> None:
    """A case blocked for an approval is free once the step is skipped instead."""
    await clerk.bill(build.invoice("F-1"))
    async with clerk.book() as book:
        await book.block("F-1", Because(rule=Rule.APPROVAL, reference="D-10"))
    async with clerk.book() as book:
        await book.skip_step("F-1", "D-10", "not this customer", "anna")
    assert (await clerk.account()).case("F-1").blocked is None


async def _revisions(clerk: Clerk) -> list[int]:
    async with clerk.database.reading() as conn:
        return [errand.revision for errand in await outbox.pending(conn)]


async def test_facts_of_the_creditor_reach_runs_with_a_higher_revision(clerk: Clerk) -> None:
    """A hold on everybody and its end each raise the account's revision, or runs would not listen."""
    await clerk.bill(build.invoice())
    everybody = build.hold("2026-03-01", "2026-12-31", scope="creditor")
    async with clerk.database.writing() as conn:
        await parties.hold_all(conn, "acme", everybody, "ann", clerk.now)
    async with clerk.book():
        pass
    async with clerk.database.writing() as conn:
        await parties.lift_all(conn, "acme", everybody.id, "ann", build.day("2026-03-01"), clerk.now)
    async with clerk.book():
        pass
    started, held, lifted = await _revisions(clerk)
    assert started < held < lifted == (await clerk.account()).revision
    async with clerk.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "dubois")
    assert [entry.kind for entry in entries][-2:] == ["account.replanned"] * 2
    async with clerk.book():
        pass
    assert (await clerk.account()).revision == lifted


async def test_a_case_that_waited_for_a_stop_is_found_and_woken(clerk: Clerk) -> None:
    """What a stop made wait is listed by its plan until it is planned anew, however often one tries."""
    await clerk.bill(build.invoice())
    async with clerk.database.writing() as conn:
        await switches.stop(conn, Stop(), "ann", "wrong letterhead", clerk.now)
    async with clerk.book():
        pass
    async with clerk.database.writing() as conn:
        assert await switches.resume(conn, Stop(), "ann", clerk.now)
        assert not await switches.resume(conn, Stop(), "ann", clerk.now)
    await clerk.errands()
    async with clerk.database.reading() as conn:
        assert await queries.open_accounts(conn, rule=Rule.SENDING_STOPPED) == [("acme", "dubois")]
    async with clerk.book() as book:
        await book.settle()
        assert book.plan("F-1").next.kind == "take"
    assert await clerk.errands() == [("wake", "F-1")]
    async with clerk.database.reading() as conn:
        assert await queries.open_accounts(conn, rule=Rule.SENDING_STOPPED) == []


async def test_a_reopened_case_is_not_blocked(clerk: Clerk) -> None:
    """What blocked a case before it was paid does not block it when the money comes back."""
    await clerk.bill(build.invoice())
    async with clerk.book() as book:
        await book.block("F-1", Because(rule=Rule.UNREACHABLE))
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00"))
    async with clerk.book() as book:
        await book.reverse_payment("VIR-1")
    assert (await clerk.account()).case("F-1").blocked is None
    assert await _kinds(clerk) == []


async def test_an_allocation_is_not_made_by_closing_its_task(clerk: Clerk) -> None:
    """The question where money belongs is answered by allocating it; its task cannot be closed by hand."""
    await clerk.bill(build.invoice("F-1"))
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00"))
    async with clerk.database.reading() as conn:
        (task,) = await queries.open_tasks(conn)
    async with clerk.book() as book:
        with pytest.raises(NotAllowed, match="allocate the money"):
            await book.close_task(task.id, "seen", "ann")
    assert await _kinds(clerk) == ["allocate"]


async def _kinds(clerk: Clerk) -> list[str]:
    async with clerk.database.reading() as conn:
        return [task.kind for task in await queries.open_tasks(conn)]
