"""The pace of a ladder: missed days, spacing that cascades, late entry, tone that is remembered."""

import pytest

from domain.account import Account, Underway
from domain.agreements import Stop
from domain.policy import Channel, DunningPolicy, Tone
from domain.reminder import Reminder
from tests.domain.build import (
    account,
    case,
    contact,
    day,
    days,
    debtor,
    done,
    hold,
    invoice,
    ladder,
    live,
    payment,
    policy,
    preview,
    reminder,
    sent,
    step,
    story,
    upcoming,
    verdict,
)

DUE = "2026-01-01"


def test_ac31_a_missed_day_is_caught_up() -> None:
    """A step at +5 met by an engine that was down until day 6 leaves on day 6, once, late by one day.

    Deviation: Akaunting and Dolibarr, which look for the exact date, send nothing.
    """
    rules = ladder(5)
    owed = account(rules, invoice(due=DUE))
    on_time, late = (reminder(owed, "F-1", rules, f"2026-01-{on} 10:00") for on in ("06", "07"))
    assert (on_time.lines[0].late_days, late.lines[0].late_days) == (0, 1)
    left = sent(owed, late, "2026-01-07 10:00")
    assert upcoming(left, "F-1", rules, "2026-01-07 10:01") == "close exhausted"


def test_ac31_before_means_before() -> None:
    """Step -3 of an invoice due on 2026-06-10 is on 2026-06-07, never on 2026-06-13."""
    rules = ladder(-3)
    owed = account(rules, invoice(due="2026-06-10"))
    assert days(preview(owed, "F-1", rules, "2026-06-01")) == {"1": "2026-06-07"}
    assert upcoming(owed, "F-1", rules, "2026-06-10 08:00") == "close exhausted"


@pytest.mark.parametrize(("offsets", "expected"), [((0, 4, 8), (1, 6, 11)), ((0, 4, 8, 20), (1, 6, 11, 21))])
def test_ac33_the_spacing_cascades(offsets: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Planned at 0, 4 and 8 with five days between them, steps go to 0, 5 and 10; day 20 is not moved."""
    rules = ladder(*offsets, spacing_days=5)
    lines = preview(account(rules, invoice(due=DUE)), "F-1", rules, DUE)
    assert tuple(line.day.day for line in lines) == expected


def test_ac33_a_late_manual_action_pushes_the_next_ones() -> None:
    """A first step taken by hand on day 2 pushes the others to 7 and 12."""
    rules = ladder(0, 4, 8, spacing_days=5)
    owed = account(rules, case(invoice(due=DUE), rules, done(rules, "1", "2026-01-03")))
    assert days(preview(owed, "F-1", rules, "2026-01-03 12:00")) == {"2": "2026-01-08", "3": "2026-01-13"}


def test_ac33_two_invoices_share_the_debtor_s_cap() -> None:
    """A message to the debtor delays the other invoice's step until the cap allows the next one."""
    rules = ladder(2)
    owed = account(
        rules,
        invoice("F-1", "2026-01-04"),
        invoice("F-2", "2026-01-05"),
        debtor=debtor(contact_cap_days=3),
    )
    assert story(live(owed, rules, "2026-01-01"))[::2] == ["2026-01-06 F-1 1 sent", "2026-01-09 F-2 1 sent"]


def upflow() -> tuple[Account, DunningPolicy]:
    """Gives the customer of AC-33b on 2026-03-31: four invoices overdue, reminder 4 sent a week ago."""
    rules = policy(
        step("1", 2, "courteous", message="first"),
        step("2", 9, "courteous", message="second"),
        step("3", 16, "firm", message="third"),
        step("4", 30, "final", message="fourth"),
        step("5", 60, "final", message="fifth"),
        spacing_days=5,
    )
    marched = {"F-1": "1234", "F-2": "123", "F-3": "12", "F-4": ""}
    due = {"F-1": "2026-01-31", "F-2": "2026-02-24", "F-3": "2026-03-10", "F-4": "2026-03-28"}
    cases = [
        case(
            invoice(number, due[number]),
            rules,
            *(done(rules, key, f"2026-03-{int(key) * 6:02}") for key in keys),
        )
        for number, keys in marched.items()
    ]
    message = contact("2026-03-24", Tone.FINAL, "F-1", "F-2", "F-3", wording="fourth")
    return account(rules, *cases, contacts=(message,)), rules


def test_ac33b_paying_others_leaves_the_ladder_where_it_is() -> None:
    """Once B and C are paid, A goes on to its reminder 5."""
    owed, rules = upflow()
    owed = owed.having(payments=(payment("200.00", F_2="100.00", F_3="100.00"),))
    assert upcoming(owed, "F-1", rules, "2026-03-31 08:00") == "5 on 2026-04-01"


def test_ac33b_paying_the_oldest_does_not_soften_the_tone() -> None:
    """Once A is paid, B, C and D go on at their own steps and the message stays as stern as the last one.

    Deviation: the ladder does not restart at reminder 1.
    """
    owed, rules = upflow()
    owed = owed.having(payments=(payment("100.00", F_1="100.00"),))
    message = reminder(owed, "F-2", rules, "2026-03-31 10:00")
    assert {line.number: line.step for line in message.lines} == {"F-2": "4", "F-3": "3", "F-4": "1"}
    alone = owed.having(payments=(payment("200.00", F_1="100.00", F_2="100.00"),))
    softer = reminder(alone, "F-4", rules, "2026-03-31 10:00")
    assert {line.number: line.step for line in softer.lines} == {"F-3": "3", "F-4": "1"}
    assert (softer.tone, softer.wording) == (Tone.FINAL, "fourth")


def test_ac33b_the_memory_ends() -> None:
    """The stern tone is forgotten after thirty days, and at once when everything overdue was paid."""
    owed, rules = upflow()
    part = owed.having(payments=(payment("300.00", F_1="100.00", F_2="100.00", F_3="100.00"),))
    assert reminder(part, "F-4", rules, "2026-03-31 10:00").tone is Tone.COURTEOUS
    older = owed.having(contacts=(contact("2026-02-28", Tone.FINAL, "F-1"),), cases=owed.cases[2:])
    assert reminder(older, "F-4", rules, "2026-03-31 10:00").tone is Tone.FIRM


def test_ac33d_first_entry_at_17_days_next_step_only() -> None:
    """An invoice that enters at day 17 takes every step, five days apart: 17, 22, 27, 32, 37."""
    rules = ladder(2, 5, 9, 14, 30, spacing_days=5)
    lines = preview(account(rules, invoice(due="2026-01-01")), "F-1", rules, "2026-01-18 08:00")
    assert [(line.step, (line.day - day(DUE)).days) for line in lines] == [
        ("1", 17),
        ("2", 22),
        ("3", 27),
        ("4", 32),
        ("5", 37),
    ]


def test_ac33d_first_entry_at_17_days_contextual() -> None:
    """In contextual mode it takes step 4 on day 17 and step 5 on day 30, and nothing else."""
    rules = ladder(2, 5, 9, 14, 30, spacing_days=5, catch_up="contextual")
    lines = preview(account(rules, invoice(due=DUE)), "F-1", rules, "2026-01-18 08:00")
    assert [(line.step, (line.day - day(DUE)).days) for line in lines] == [("4", 17), ("5", 30)]


def test_a_step_sent_at_once_skips_the_waiting_alone() -> None:
    """What an operator hurries leaves before its day and its spacing, but neither at night nor in a hold."""
    rules = ladder(3, 10, spacing_days=7)
    behind = case(invoice(due=DUE), rules, done(rules, "1", "2026-01-04"), hurried="2")
    hurried = account(rules, behind)
    assert upcoming(hurried, "F-1", rules, "2026-01-05 10:00") == "2 on 2026-01-05"
    assert upcoming(hurried, "F-1", rules, "2026-01-05 22:00") == "2 on 2026-01-06"
    held = hurried.having(holds=(hold("2026-01-05", "2026-01-07"),))
    assert upcoming(held, "F-1", rules, "2026-01-05 10:00") == "2 on 2026-01-08"


def test_the_preview_counts_its_own_messages() -> None:
    """Where the debtor's cap is wider than the spacing, the preview keeps the cap, as the run does."""
    rules = ladder(2, 3, 4)
    owed = account(rules, invoice(due=DUE), debtor=debtor(contact_cap_days=5))
    expected = ["2026-01-03", "2026-01-08", "2026-01-13"]
    assert list(days(preview(owed, "F-1", rules, DUE)).values()) == expected
    assert [message.day.isoformat() for message in live(owed, rules, DUE).messages] == expected


def test_a_formal_step_is_not_delayed_by_the_cap() -> None:
    """A formal notice leaves on its day although a message left the day before, and alone."""
    rules = policy(step("1", 2), step("notice", 3, "formal", "letter"))
    owed = account(
        rules,
        case(invoice("F-1", DUE), rules, done(rules, "1", "2026-01-03")),
        invoice("F-2", "2026-01-02"),
        contacts=(contact("2026-01-03", Tone.COURTEOUS, "F-1"),),
        debtor=debtor(contact_cap_days=5),
    )
    notice = reminder(owed, "F-1", rules, "2026-01-04 10:00")
    assert (notice.channel, notice.tone, len(notice.lines)) == (Channel.LETTER, Tone.FORMAL, 1)
    assert not isinstance(verdict(owed, "F-2", rules, "2026-01-04 10:00"), Reminder)


def test_a_message_underway_counts_for_the_contact_cap() -> None:
    """A message that is leaving, or may have left, moves the next one as far as one that did leave."""
    rules = ladder(5)
    owed = account(rules, invoice(due=DUE))
    leaving = owed.having(underway=(Underway(message="m", day=day("2026-01-06")),))
    left = owed.having(contacts=(contact("2026-01-06", Tone.COURTEOUS, "F-2"),))
    for seen in (leaving, left):
        assert upcoming(seen, "F-1", rules, "2026-01-06 10:00") == "1 on 2026-01-07"


def test_a_stop_is_seen_from_the_account() -> None:
    """While sending is stopped every open case waits, blocked or not, and none remembers it afterwards."""
    rules = ladder(5)
    owed = account(rules, invoice(due=DUE))
    assert upcoming(owed.having(stops=(Stop(),)), "F-1", rules, DUE) == "wait sending_stopped"
    assert upcoming(owed, "F-1", rules, DUE) == "1 on 2026-01-06"
