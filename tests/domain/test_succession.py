"""A case under another policy: what has been said stays said, and nothing grave is jumped over."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account, Case
from domain.actions import Because, Rule, StepOutcome
from domain.policy import DunningPolicy, DunningStep
from domain.schedule import step_day, steps_above
from domain.succession import Succession, foresee, moved, succession
from tests.domain.arbitrary import Life, lives, policies
from tests.domain.build import account, at, case, done, handoff, invoice, policy, shelf, step, upcoming

OLD = policy(
    step("D+2", 2, "courteous"),
    step("D+15", 15, "firm"),
    step("D+30", 30, "final"),
    handoff(45),
    id="old",
)


def enter(rules: DunningPolicy, *behind: tuple[str, str], **more: object) -> tuple[Succession, Case]:
    """Moves a case that has taken steps of the old policy; gives how, and the case afterwards."""
    owed = case(invoice(), OLD, *(done(OLD, key, on) for key, on in behind), **more)
    how = succession(owed, [OLD], rules)
    return how, moved(owed, how, rules.version)


def following(rules: DunningPolicy, entered: Case, now: str) -> str:
    """Says what comes next under the new policy."""
    return upcoming(account(rules, entered), "F-1", rules, now)


def test_a_ladder_is_not_climbed_again_from_the_bottom() -> None:
    """A case that took D+15 under keys the new policy lacks goes on above it, at its day."""
    rules = policy(step("a", 3), step("b", 10, "firm"), step("c", 20, "firm"), step("d", 40, "final"))
    how, entered = enter(rules, ("D+2", "2026-04-02"), ("D+15", "2026-04-15"))
    assert how.passed is not None
    assert (how.passed.step, how.passed.outcome, how.said_as) == ("b", StepOutcome.SKIPPED, "D+15")
    assert following(rules, entered, "2026-04-16") == "c on 2026-04-20"


def test_nobody_is_spoken_to_more_softly() -> None:
    """A slower ladder's courteous step at D+20 counts as said by the firm one of D+15."""
    rules = policy(step("a", 20), step("b", 40, "firm"), handoff(60))
    _, entered = enter(rules, ("D+15", "2026-04-15"))
    assert following(rules, entered, "2026-04-16") == "b on 2026-05-10"


def test_what_is_sterner_than_all_that_was_said_is_taken() -> None:
    """A final notice that the new ladder puts before D+15 is not jumped over: it comes late, spaced."""
    rules = policy(step("a", 3), step("b", 12, "final"), handoff(45), spacing_days=4)
    _, entered = enter(rules, ("D+2", "2026-04-02"), ("D+15", "2026-04-15"))
    assert following(rules, entered, "2026-04-16") == "b on 2026-04-19"


def test_the_spacing_counts_from_the_last_step() -> None:
    """The mark of what counts as said bears the day of the last step, not that of the move."""
    rules = policy(step("a", 3), step("b", 16, "firm"), spacing_days=10)
    how, entered = enter(rules, ("D+2", "2026-04-02"))
    assert how.passed is None or how.passed.day.isoformat() == "2026-04-02"
    assert following(rules, entered, "2026-04-20") == "a on 2026-04-20"
    _, entered = enter(rules, ("D+15", "2026-04-15"))
    assert following(rules, entered, "2026-04-20") == "b on 2026-04-25"


def test_a_step_of_the_same_key_is_the_same_step() -> None:
    """Where the keys are known the case goes on above them, and nothing is put on record."""
    rules = policy(
        step("D+2", 5), step("x", 9), step("D+15", 15, "firm"), step("D+30", 25, "final"), id="new"
    )
    how, entered = enter(rules, ("D+2", "2026-04-02"), ("D+15", "2026-04-15"))
    assert how.passed is None
    assert following(rules, entered, "2026-04-16") == "D+30 on 2026-04-25"


def test_a_case_with_nothing_said_starts_at_the_bottom() -> None:
    """Without a step on record nothing counts as passed."""
    rules = policy(step("a", 5), step("b", 20, "firm"))
    how, entered = enter(rules)
    assert how == Succession()
    assert following(rules, entered, "2026-04-01") == "a on 2026-04-05"


def test_a_ladder_that_ends_below_closes_the_case() -> None:
    """Where all of the new ladder has been said, the case is exhausted."""
    rules = policy(step("a", 3), step("b", 10))
    _, entered = enter(rules, ("D+30", "2026-04-30"))
    assert following(rules, entered, "2026-05-02") == "close exhausted"


def test_a_required_step_is_never_jumped_by_a_key() -> None:
    """A step on record that the new ladder puts above a sterner, unsaid one keeps the case where it is."""
    sterner = (step("a", 20, "final"), step("D+15", 25, "final"), handoff(60))
    how, _ = enter(policy(*sterner), ("D+15", "2026-04-15"))
    assert how.obstacle is not None
    assert "D+15 is on record and stands above a" in how.obstacle
    optional = policy(step("a", 20, "final", required=False), *sterner[1:])
    how, entered = enter(optional, ("D+15", "2026-04-15"))
    assert how.obstacle is None
    assert following(optional, entered, "2026-04-16") == "handoff on 2026-05-30"


@pytest.mark.parametrize(
    ("outcome", "why"), [(StepOutcome.RESERVED, "is leaving"), (StepOutcome.AMBIGUOUS, "judge")]
)
def test_a_step_under_way_keeps_the_case(outcome: StepOutcome, why: str) -> None:
    """While a message is leaving, or nobody knows whether it left, its case stays and says what to do."""
    owed = case(invoice(), OLD, done(OLD, "D+15", "2026-04-15", outcome=outcome))
    how = succession(owed, [OLD], policy(step("a", 5)))
    assert why in str(how.obstacle)


def test_a_voided_step_was_not_said() -> None:
    """A step whose message was voided does not count."""
    voided = done(OLD, "D+15", "2026-04-15", outcome=StepOutcome.VOIDED)
    owed = case(invoice(), OLD, done(OLD, "D+2", "2026-04-02"), voided)
    rules = policy(step("a", 1), step("b", 10, "firm"))
    assert str(succession(owed, [OLD], rules).passed).count("step='a'") == 1


def test_orders_carry_over_to_the_same_step_only() -> None:
    """Approvals and send-now hold for a step that says the same in the same way; others are dropped."""
    old = policy(step("x", 5), step("y", 10, "firm"), step("z", 20, "final", approval=True), id="old")
    new = policy(step("x", 6), step("y", 12, "firm", "letter"), step("z", 20, "final"), id="new")
    owed = case(invoice(), old, approved=("z", "y"), hurried="x")
    how = succession(owed, [old], new)
    assert (how.approved, how.hurried, how.dropped) == (("z",), "x", ("y",))
    owed = case(invoice(), old, hurried="y")
    assert succession(owed, [old], new).dropped == ("y",)
    entered = moved(owed, succession(owed, [old], new), new.version)
    assert following(new, entered, "2026-04-01") == "x on 2026-04-06"
    assert entered.hurried is None
    owed = case(invoice(), old, done(old, "z", "2026-04-20"), approved=("z",), hurried="x")
    how = succession(owed, [old], new)
    assert (how.approved, how.hurried, how.dropped) == (("z",), None, ("x",))


def test_a_question_for_approval_is_taken_back() -> None:
    """A case that waits for approval waits no more: its step may not exist any longer."""
    blocked = Because(rule=Rule.APPROVAL, reference="D+30")
    _, entered = enter(policy(step("a", 20)), ("D+15", "2026-04-15"), blocked=blocked)
    assert entered.blocked is None
    _, entered = enter(policy(step("a", 20)), blocked=Because(rule=Rule.UNREACHABLE))
    assert entered.blocked is not None


def test_a_step_of_a_policy_left_before_counts() -> None:
    """After two moves the steps of the first policy count as what they were, known to the second or not."""
    second = policy(step("m", 20, "firm"), handoff(60), id="second")
    owed = case(invoice(), OLD, done(OLD, "D+15", "2026-04-15"))
    owed = moved(owed, succession(owed, [OLD], second), second.version)
    third = policy(step("a", 5), step("b", 14, "firm"), step("c", 30, "final"), id="third")
    how = succession(owed, [second, OLD], third)
    assert how.passed is not None
    assert how.passed.step == "b"
    assert succession(owed, [second], third).passed is None


def test_a_case_that_closes_counts_for_nobody() -> None:
    """Foreseeing closes what the new policy exhausts first: it counts no more in the sums of the others."""
    rules = policy(step("a", 3), step("b", 60), minimum={"EUR": "150.00"}, id="new")
    over = policy(step("a", 3), id="over")
    first = case(invoice("F-1"), OLD, done(OLD, "D+30", "2026-04-30"))
    other = case(invoice("F-2"), rules, done(rules, "a", "2026-04-03"))
    owed = account(OLD, first, other)
    how = {"F-1": succession(first, [OLD], over)}
    plans = foresee(owed, how, over.version, shelf(OLD, rules, over), at("2026-05-02"))
    assert plans["F-1"].closes
    assert upcoming(owed, "F-2", rules, "2026-06-02") == "b on 2026-06-02"


def _severity(one: DunningStep, owed: Case) -> tuple[object, ...]:
    return one.tone, step_day(one, owed.invoice)


@given(lived=lives(), rules=policies(), turn=st.integers(0, 3))
def test_any_case_enters_any_policy_by_the_rule(lived: Life, rules: DunningPolicy, turn: int) -> None:
    """What comes is sterner than all that was said, or as stern and later; nothing required is jumped."""
    owed: Account = lived.story.accounts[0]
    one = owed.cases[turn % len(owed.cases)]
    how = succession(one, [lived.rules], rules)
    said = [_severity(lived.rules.step(taken.step), one) for taken in one.standing]
    entered = moved(one, how, rules.version)
    above = steps_above(entered, rules)
    if how.obstacle is not None:
        assert said
        return
    assert not {step.key for step in above} & {taken.step for taken in one.standing}
    keys = {taken.step for taken in one.standing}
    for rung, each in enumerate(rules.steps):
        if each in above and said:
            assert _severity(each, one) > max(said)
        if each not in above and each.key not in keys and rules.must_take(each):
            assert said
            assert _severity(each, one) <= max(said), rung


@given(lived=lives())
def test_the_same_policy_changes_nothing(lived: Life) -> None:
    """Under the same steps by another name of the version, each case goes on exactly as it would have."""
    rules = DunningPolicy.model_validate(lived.rules.model_dump() | {"title": {"en": "Another"}})
    assert rules.version != lived.rules.version
    now = lived.start + timedelta(days=30)
    owed: Account = lived.story.accounts[0]
    how = {
        one.invoice.number: succession(one, [lived.rules], rules) for one in owed.cases if one.ending is None
    }
    assert all(one.passed is None and one.obstacle is None for one in how.values())
    plans = foresee(owed, how, rules.version, shelf(lived.rules, rules), now)
    kept = foresee(owed, how, lived.rules.version, shelf(lived.rules, rules), now)
    assert plans == kept
