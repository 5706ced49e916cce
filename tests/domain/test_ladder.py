"""Which step is next: thresholds, required steps, spacing, deadlines, conditions, late entry."""

from datetime import timedelta

import pytest

from domain.account import Account
from domain.actions import Rule, StepOutcome
from domain.policy import DunningPolicy
from domain.schedule import next_action
from tests.domain.build import (
    account,
    at,
    case,
    changed,
    credit_note,
    day,
    debtor,
    done,
    handoff,
    hold,
    invoice,
    ladder,
    live,
    paying,
    payment,
    policy,
    preview,
    reminder,
    sent,
    step,
    story,
    upcoming,
)

DUE = "2026-01-01"


def stage(rules: DunningPolicy, late: int) -> str:
    """Tells which step is due that many days after the due date for an invoice that enters then, or 0."""
    noon = at(f"{DUE} 12:00") + timedelta(days=late)
    action = next_action(account(rules, invoice(due=DUE)), "F-1", rules, noon)
    return (
        action.step or "0" if action.kind == "take" and action.at is not None and action.at <= noon else "0"
    )


@pytest.mark.parametrize(("late", "expected"), [(-5, "0"), (2, "0"), (3, "1"), (30, "4")])
def test_ac04_threshold_ladder(late: int, expected: str) -> None:
    """With stages at 3, 10, 20 and 30 days, a contextual entry takes the stage of its day."""
    assert stage(ladder(3, 10, 20, 30, catch_up="contextual"), late) == expected


def test_ac04_a_stage_left_out() -> None:
    """With the third stage disabled, 25 days late is stage 2."""
    rules = policy(step("1", 3), step("2", 10), step("4", 30), catch_up="contextual")
    assert stage(rules, 25) == "2"


def test_ac04_credit_notes_are_never_dunned() -> None:
    """A credit note has no case and appears on no message, however old it is."""
    rules = ladder(3)
    owed = account(
        rules, invoice(due=DUE), credit_notes=(credit_note("40.00", issue_date=day("2025-12-01")),)
    )
    message = reminder(owed, "F-1", rules, "2026-01-05 10:00")
    assert [line.number for line in message.lines] == ["F-1"]


@pytest.mark.parametrize(
    ("late", "behind", "without", "expected"),
    [(30, "", "", "1"), (30, "12", "", "3"), (30, "", "1", "2"), (12, "12", "", "0")],
)
def test_ac05_next_required_stage(late: int, behind: str, without: str, expected: str) -> None:
    """The next required stage comes next, whatever stage the calendar has reached."""
    stages = {"1": 3, "2": 10, "3": 20, "4": 30}
    rules = policy(*(step(key, offset) for key, offset in stages.items() if key not in without))
    taken = (done(rules, key, f"2026-01-0{4 + int(key)}") for key in behind)
    owed = account(rules, case(invoice(due=DUE), rules, *taken))
    now = at(f"2026-01-{1 + late:02}" + " 11:00")
    action = next_action(owed, "F-1", rules, now)
    assert (action.step if action.at == now else "0") == expected


def test_ac06_levels_with_a_block_and_a_payment() -> None:
    """One reminder at D+5, nothing while blocked, level 2 once unblocked, nothing after the payment.

    Deviation: an automatic step is not a draft that freezes the case; it leaves by itself.
    """
    rules = ladder(5, 20, 40)
    paid = payment("100.00", F_1="100.00")
    owed = account(rules, invoice("F-1", DUE), invoice("F-2", DUE), payments=(paid,))
    assert not live(owed, rules, "2026-01-01", end="2026-01-05 23:00").messages
    lived = live(owed, rules, "2026-01-01", end="2026-01-30 23:00")
    assert story(lived) == [
        "2026-01-01 F-1 - settled paid",
        "2026-01-06 F-2 1 sent",
        "2026-01-21 F-2 2 sent",
    ]
    (first,) = live(owed, rules, "2026-01-01", end="2026-01-06 12:00").accounts
    blocked = first.having(holds=(hold("2026-01-07", "2026-02-28", "invoice", invoice="F-2"),))
    assert next_action(blocked, "F-2", rules, at("2026-01-31 10:00")).because.rule is Rule.HOLD
    assert upcoming(blocked, "F-2", rules, "2026-01-31 10:00") == "2 on 2026-03-01"
    assert upcoming(first, "F-2", rules, "2026-01-31 10:00") == "2 on 2026-01-31"
    second = sent(first, reminder(first, "F-2", rules, "2026-01-31 10:00"), "2026-01-31 10:00")
    facts = {"2026-02-03 09:00": paying(payment("100.00", reference="VIR-2", F_2="100.00"))}
    assert story(live(second, rules, "2026-02-01", facts))[-1] == "2026-02-03 F-2 - settled paid"


def test_ac07_after_the_last_step() -> None:
    """A ladder without a handoff ends exhausted; with one, it hands over exactly once."""
    plain = ladder(1)
    assert story(live(account(plain, invoice(due=DUE)), plain, "2026-01-01"))[1:] == [
        "2026-01-02 F-1 - settled exhausted"
    ]
    ending = policy(step("1", 1), handoff(2))
    told = story(live(account(ending, invoice(due=DUE)), ending, "2026-01-01"))
    assert [line for line in told if "handoff" in line] == ["2026-01-03 F-1 handoff handed_off"]
    assert told[-1] == "2026-01-03 F-1 - settled handed_off"


@pytest.mark.parametrize(
    ("first_on", "second_day", "changes", "expected"),
    [
        ("2026-01-14", 10, {}, "2026-01-21"),
        ("2026-01-02", 10, {}, "2026-01-11"),
        ("2026-01-14", 10, {"deadline": "2026-01-24"}, "2026-01-25"),
        ("2026-01-14", 10, {"outcome": StepOutcome.SKIPPED}, "2026-01-21"),
        ("2026-01-14", 31, {"deadline": "2026-01-24"}, "2026-02-01"),
    ],
)
def test_ac14_spacing_after_a_late_send(
    first_on: str, second_day: int, changes: dict[str, object], expected: str
) -> None:
    """The next stage waits seven days or the printed deadline, and the calendar where it is later."""
    rules = ladder(3, second_day, spacing_days=7)
    if isinstance(changes.get("deadline"), str):
        changes = changes | {"deadline": day(str(changes["deadline"]))}
    owed = account(rules, case(invoice(due=DUE), rules, done(rules, "1", first_on, **changes)))
    (line,) = preview(owed, "F-1", rules, f"{first_on} 18:00")
    assert line.day == day(expected)


@pytest.mark.parametrize("hour", ["14:00:00", "23:59:59"])
def test_ac14_the_hour_of_a_send_does_not_count(hour: str) -> None:
    """Sent at any hour of 2026-01-14, the next stage is due on 2026-01-21."""
    rules = ladder(3, 10, spacing_days=7, window={"opens": "00:00", "closes": "23:59:59.999999"})
    owed = account(rules, invoice(due=DUE))
    message = reminder(owed, "F-1", rules, f"2026-01-14 {hour}")
    left = sent(owed, message, f"2026-01-14 {hour}")
    (line,) = preview(left, "F-1", rules, f"2026-01-14 {hour}")
    assert line.at == at("2026-01-21 00:00")


def test_ac15_the_deadline_is_printed_and_kept() -> None:
    """A period of 10 days from day T is printed as T+10; the next step comes on T+11 at the earliest."""
    rules = policy(step("1", 3, payment_period_days=10), step("2", 5))
    owed = account(rules, invoice(due=DUE))
    message = reminder(owed, "F-1", rules, "2026-01-14 10:00")
    assert message.deadline == day("2026-01-24")
    left = sent(owed, message, "2026-01-14 10:00")
    action = next_action(left, "F-1", rules, at("2026-01-14 11:00"))
    assert (action.day, action.because.rule, action.because.until) == (
        day("2026-01-25"),
        Rule.DEADLINE,
        day("2026-01-24"),
    )


def overdue_customer() -> tuple[Account, DunningPolicy]:
    """Gives the customer of AC-16: two invoices of 2012-05-31, one of 06-02, one of 06-03."""
    rules = policy(step("WARNING", 5), step("BLOCKED", 7), step("CANCELLATION", 11))
    owed = account(
        rules,
        invoice("F-1", "2012-05-31", "249.95"),
        invoice("F-2", "2012-05-31", "500.00"),
        invoice("F-3", "2012-06-02", "700.00"),
        invoice("F-4", "2012-06-03", "200.00"),
    )
    return owed, rules


def test_ac16_no_step_is_skipped_when_the_oldest_are_paid() -> None:
    """Once the two oldest are paid, the next invoice climbs from its own first step, on 06-07, 09 and 13.

    Deviation: the ladder is the invoice's own, counted from its due date, never the customer's.
    """
    owed, rules = overdue_customer()
    money = (payment("749.95", F_1="249.95", F_2="500.00"),)
    told = story(live(owed, rules, "2012-06-01", {"2012-06-02 08:00": paying(*money)}))
    assert [line for line in told if "F-3" in line] == [
        "2012-06-07 F-3 WARNING sent",
        "2012-06-09 F-3 BLOCKED sent",
        "2012-06-13 F-3 CANCELLATION sent",
        "2012-06-13 F-3 - settled exhausted",
    ]
    assert not any(line.startswith("2012-06-05") for line in told)


def test_ac16_without_any_payment() -> None:
    """Unpaid, the oldest invoices climb on 06-05, 06-07 and 06-11, in one message each time."""
    owed, rules = overdue_customer()
    lived = live(owed, rules, "2012-06-01")
    oldest = [message for message in lived.messages if message.lines[0].due_date == day("2012-05-31")]
    assert [(message.day.isoformat(), message.step) for message in oldest] == [
        ("2012-06-05", "WARNING"),
        ("2012-06-07", "BLOCKED"),
        ("2012-06-11", "CANCELLATION"),
    ]
    assert all({line.number for line in message.lines} >= {"F-1", "F-2"} for message in oldest)


@pytest.mark.parametrize(
    ("bound", "total", "more", "applies"),
    [
        ({"min_open_invoices": 1}, "10.00", 0, True),
        ({"min_open_invoices": 2}, "10.00", 0, False),
        ({"min_open_invoices": 2}, "10.00", 1, True),
        ({"min_balance": "100.00"}, "99.99", 0, False),
        ({"min_balance": "100.00"}, "100.00", 0, True),
        ({"min_balance": "100.00"}, "200.00", 0, True),
        ({"max_balance": "100.00"}, "100.00", 0, True),
        ({"max_balance": "100.00"}, "100.01", 0, False),
        ({"min_days_late": 10}, "10.00", 0, True),
        ({"min_days_late": 11}, "10.00", 0, False),
        ({"tag": "vip"}, "10.00", 0, True),
        ({"tag": "public"}, "10.00", 0, False),
        ({"tag": "vip", "min_balance": "100.00"}, "100.00", 0, True),
        ({"tag": "vip", "min_balance": "100.00"}, "99.99", 0, False),
        ({"tag": "public", "min_balance": "100.00"}, "100.00", 0, False),
    ],
)
def test_ac19_conditions(bound: dict[str, object], total: str, more: int, applies: bool) -> None:  # noqa: FBT001
    """A step applies when every one of its bounds is met, bounds included; it is passed over otherwise."""
    rules = policy(step("1", 10, when=bound), step("2", 12))
    others = (invoice(f"F-{number}", "2026-06-01") for number in range(2, 2 + more))
    owed = account(rules, invoice("F-1", DUE, total), *others, debtor=debtor(tags=("vip",)))
    expected = "1 on 2026-01-11" if applies else "2 on 2026-01-13"
    assert upcoming(owed, "F-1", rules, "2026-01-11 10:00") == expected


def test_ac19_nothing_unpaid_meets_no_condition() -> None:
    """Without an unpaid invoice no condition is met: the case is over."""
    rules = policy(step("1", 10, when={"min_open_invoices": 1}))
    owed = account(rules, invoice(due=DUE), payments=(payment("100.00", F_1="100.00"),))
    assert upcoming(owed, "F-1", rules, "2026-01-11 10:00") == "close paid"


def test_a_required_step_is_not_jumped_in_contextual_mode() -> None:
    """A step that says it is required is taken first, even where later ones are due already."""
    rules = policy(step("1", 2), step("2", 5, required=True), step("3", 9), catch_up="contextual")
    assert upcoming(account(rules, invoice(due=DUE)), "F-1", rules, "2026-01-18 08:00") == "2 on 2026-01-18"


def test_steps_before_the_due_date_lapse() -> None:
    """An invoice that comes in after its due date starts with the first step after it."""
    rules = ladder(-10, -3, 2)
    assert upcoming(account(rules, invoice(due=DUE)), "F-1", rules, "2026-01-02 08:00") == "3 on 2026-01-03"
    assert upcoming(account(rules, invoice(due=DUE)), "F-1", rules, "2025-12-30 08:00") == "2 on 2025-12-30"


def test_a_new_cycle_starts_at_the_bottom() -> None:
    """A ladder started again on purpose forgets the steps of the cycle before."""
    rules = ladder(3, 10)
    owed = account(rules, case(invoice(due=DUE), rules, done(rules, "1", "2026-01-04")))
    again = changed(owed, "F-1", cycle=2)
    assert upcoming(again, "F-1", rules, "2026-01-05 10:00") == "1 on 2026-01-05"
    assert reminder(again, "F-1", rules, "2026-01-05 10:00").key == "acme:F-1:1:2"


def test_a_call_is_a_task_and_says_nothing_in_writing() -> None:
    """A call goes to a person, counts as a step, and does not use up the debtor's contact cap."""
    rules = policy(step("1", 2), step("call", 3, "firm", "call"), step("3", 5, "firm"))
    lived = live(account(rules, invoice(due=DUE)), rules, DUE)
    assert story(lived)[:3] == ["2026-01-03 F-1 1 sent", "2026-01-04 F-1 call task", "2026-01-06 F-1 3 sent"]
    assert len(lived.messages) == 2
