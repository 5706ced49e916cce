"""The next message is foreseen as the gate will permit it."""

import pytest

from domain.actions import Because, Rule
from domain.gate import Call, Handoff, Refusal
from domain.preview import preview
from domain.reminder import Reminder
from tests.domain.build import (
    account,
    at,
    case,
    creditor,
    done,
    handoff,
    hold,
    invoice,
    payment,
    policy,
    shelf,
    step,
)

RULES = policy(
    step("mild", 2),
    step("grave", 20, "formal", approval=True),
    step("call", 30, "formal", "call", message="call"),
    handoff(45),
)
NOW = at("2026-04-01 12:00")


def test_the_message_is_the_one_of_its_day() -> None:
    """It speaks of the day on which it will leave, and for every invoice that is due by then."""
    owed = account(RULES, invoice("F-1", due="2026-03-31"), invoice("F-2", due="2026-03-31"))
    found = preview(owed, "F-1", shelf(RULES), NOW)
    assert found.at == at("2026-04-02 09:00")
    assert isinstance(found.what, Reminder)
    assert {line.number for line in found.what.lines} == {"F-1", "F-2"}
    assert found.what.creditor == owed.creditor


def test_what_people_still_decide_does_not_hide_it() -> None:
    """A step that waits for approval, and payments that are not known up to date, are shown all the same."""
    waits = case(
        invoice(due="2026-03-31"),
        RULES,
        done(RULES, "mild", "2026-04-02"),
        blocked=Because(rule=Rule.APPROVAL, reference="grave"),
    )
    stale = account(RULES, waits, creditor=creditor(payment_freshness_hours=24))
    found = preview(stale, "F-1", shelf(RULES), at("2026-05-01 12:00"))
    assert isinstance(found.what, Reminder)
    assert found.what.step == "grave"
    assert found.what.creditor.payment_freshness_hours == 24


@pytest.mark.parametrize(("last", "kind"), [("grave", Call), ("call", Handoff)])
def test_calls_and_handoffs_are_foreseen_too(last: str, kind: type) -> None:
    """A call has its script to show, a handoff says that nothing more is written."""
    keys = [one.key for one in RULES.steps]
    behind = [done(RULES, key, "2026-04-03") for key in keys[: keys.index(last) + 1]]
    owed = account(RULES, case(invoice(due="2026-03-31"), RULES, *behind))
    assert isinstance(preview(owed, "F-1", shelf(RULES), NOW).what, kind)


def test_where_nothing_leaves_the_reason_is_given() -> None:
    """A held invoice shows its message of the day after; a paid one the reason why there is none."""
    rests = account(RULES, invoice(due="2026-03-31"), holds=(hold("2026-04-01", "2026-04-10"),))
    assert preview(rests, "F-1", shelf(RULES), NOW).at == at("2026-04-11 09:00")
    paid = account(RULES, invoice(due="2026-03-31"), payments=(payment("100.00", F_1="100.00"),))
    found = preview(paid, "F-1", shelf(RULES), NOW).what
    assert isinstance(found, Refusal)
    assert found.because.rule is Rule.PAID
