"""What suspends dunning for a while, and what happens when it ends."""

import pytest
from pydantic import ValidationError

from domain.actions import Ending, Outcome, Rule
from domain.agreements import Hold
from domain.gate import Refusal
from domain.schedule import calendar
from tests.domain.build import (
    account,
    at,
    case,
    changed,
    day,
    done,
    hold,
    invoice,
    ladder,
    live,
    money,
    reminder,
    sent,
    upcoming,
    verdict,
)

DUE = "2026-03-02"
MORNING = "2026-03-04 10:00"
"""Two days after `DUE`, a Wednesday: step +2 may leave."""

RULES = ladder(2, 10, spacing_days=3)
OWED = account(RULES, invoice(due=DUE))


def refusal(answer: object) -> tuple[Outcome, Rule]:
    """Reads a refusal as its outcome and its rule."""
    assert isinstance(answer, Refusal), answer
    return answer.outcome, answer.because.rule


def test_ac21_written_off() -> None:
    """An invoice written off is over; once that is taken back, its first step comes."""
    given_up = changed(OWED, "F-1", ending=Ending.WRITTEN_OFF)
    assert refusal(verdict(given_up, "F-1", RULES, MORNING)) == (Outcome.SETTLED, Rule.WRITTEN_OFF)
    assert reminder(changed(given_up, "F-1", ending=None), "F-1", RULES, MORNING).step == "1"


def test_ac21_enforcement_off() -> None:
    """A hold on the debtor from day 0 stops everything; lifted, the first step comes."""
    off = OWED.having(holds=(hold("2026-03-02", "2027-03-02"),))
    assert refusal(verdict(off, "F-1", RULES, MORNING)) == (Outcome.HELD, Rule.HOLD)
    lifted = OWED.having(holds=(hold("2026-03-02", "2027-03-02", lifted_on=day("2026-03-04")),))
    assert reminder(lifted, "F-1", RULES, MORNING).step == "1"


def test_ac21_a_hold_does_not_repeat_a_step() -> None:
    """Held and released after the first step, the case goes on with the second; the first is not repeated."""
    left = sent(OWED, reminder(OWED, "F-1", RULES, MORNING), MORNING)
    off = left.having(holds=(hold("2026-03-05", "2026-03-31"),))
    assert refusal(verdict(off, "F-1", RULES, "2026-03-12 10:00")) == (Outcome.HELD, Rule.HOLD)
    assert reminder(left, "F-1", RULES, "2026-03-12 10:00").step == "2"


def test_ac58_a_hold_lasts_through_its_last_day() -> None:
    """A hold until today stops today; one that ended yesterday stops nothing."""
    until_today = OWED.having(holds=(hold("2026-03-01", "2026-03-04", "invoice", invoice="F-1"),))
    assert refusal(verdict(until_today, "F-1", RULES, MORNING)) == (Outcome.HELD, Rule.HOLD)
    assert upcoming(until_today, "F-1", RULES, MORNING) == "1 on 2026-03-05"
    ended = OWED.having(holds=(hold("2026-03-01", "2026-03-03"),))
    assert reminder(ended, "F-1", RULES, MORNING).step == "1"


def test_ac58_a_hold_ends() -> None:
    """A hold without its last day, or without a reason, does not exist.

    Deviation: the peer allows a block without an end date.
    """
    facts = hold("2026-03-01", "2026-03-04").model_dump()
    for missing in ("until", "reason", "starts_on"):
        with pytest.raises(ValidationError, match=missing):
            Hold.model_validate({name: value for name, value in facts.items() if name != missing})


def test_ac58_the_reason_shown_is_the_hold() -> None:
    """While blocked, the refusal says until when; of two holds the one that ends last counts."""
    holds = (hold("2026-03-01", "2026-03-10"), hold("2026-03-09", "2026-03-20", id="H-2"))
    answer = verdict(OWED.having(holds=holds), "F-1", RULES, MORNING)
    assert isinstance(answer, Refusal)
    assert (answer.because.until, answer.until) == (day("2026-03-20"), at("2026-03-21 09:00"))


def test_a_hold_met_after_the_weekend_is_named() -> None:
    """A step that would move over a weekend into a hold is held, not merely late."""
    rules = ladder(2, 10, roll="next", spacing_days=3)
    behind = case(invoice(due="2026-02-20"), rules, done(rules, "1", "2026-03-04"))
    owed = account(rules, behind, holds=(hold("2026-03-09", "2026-03-11"),))
    answer = verdict(owed, "F-1", rules, "2026-03-07 10:00")
    assert refusal(answer) == (Outcome.HELD, Rule.HOLD)


def test_ac59_a_pause_that_ended_yesterday() -> None:
    """Eight days after the first reminder, one after the pause, exactly one message is announced and leaves.

    Deviation: no fee is added; the message asks for the 120.00 that are owed.
    """
    rules = ladder(2, 9, spacing_days=7)
    owed = account(
        rules,
        case(invoice(due="2026-03-02", total="120.00"), rules, done(rules, "1", "2026-03-04")),
        invoice("F-2", "2026-04-30"),
        holds=(hold("2026-03-05", "2026-03-11"),),
    )
    before = owed.model_dump_json()
    now = at("2026-03-12 10:00")
    announced = [
        (number, line.step)
        for number in ("F-1", "F-2")
        for line in calendar(owed, number, rules, now)
        if line.at <= now
    ]
    lived = live(owed, rules, "2026-03-12 10:00", end="2026-03-12 23:00")
    (message,) = lived.messages
    assert announced == [("F-1", "2")] == [(line.number, line.step) for line in message.lines]
    assert message.asked == money("120.00")
    assert message == reminder(owed, "F-1", rules, "2026-03-12 10:00")
    assert owed.model_dump_json() == before
