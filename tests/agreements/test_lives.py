"""What agreements do to the life of an invoice: what waits, what comes forward, what is asked for."""

import pytest
from pydantic import ValidationError

from domain.account import Account
from domain.actions import Outcome, Rule
from domain.agreements import Agreement, HowEnded
from domain.gate import Approval, Refusal
from domain.schedule import next_action
from domain.simulation import Change
from domain.standing import Standing
from tests.agreements.made import agreed, dispute, plan, promise, settlement
from tests.domain.build import (
    account,
    at,
    case,
    changed,
    day,
    days,
    done,
    invoice,
    ladder,
    live,
    money,
    paying,
    payment,
    policy,
    preview,
    reminder,
    step,
    story,
    upcoming,
    verdict,
)

DUE = "2026-03-31"
RULES = policy(
    step("D-10", -10, "commercial"),
    step("D+2", 2),
    step("D+30", 30, "final"),
    step("notice", 45, "formal", "letter"),
    step("handoff", 60, channel="handoff"),
    roll="next",
    spacing_days=3,
)
OWED = account(RULES, case(invoice(), RULES, done(RULES, "D+2", "2026-04-02")))
"""One invoice of 100.00, due on 31 March 2026, of which the first reminder has left on 2 April."""

NEW = account(RULES, invoice())


def made(*agreements: Agreement, approved: bool = False) -> Change:
    """Makes the dated change that agrees on something."""
    return lambda account_: agreed(account_, *agreements, approved=approved)


def standing(of: Account, on: str) -> Standing:
    """Tells how the first agreement of an account stands on a day."""
    return of.standing(of.agreements[0], day(on))


def held(of: Account, now: str) -> tuple[Outcome, Rule]:
    """Asks the gate, which must refuse, for its reason."""
    answer = verdict(of, "F-1", RULES, now)
    assert isinstance(answer, Refusal), answer
    return answer.outcome, answer.because.rule


def test_u20_a_promise_pauses_and_a_broken_one_resumes_by_itself() -> None:
    """U20: nothing leaves until the grace is over; the next morning the reminder goes out by itself."""
    lived = live(NEW, RULES, "2026-04-01 10:00", {"2026-04-01 12:00": made(promise())}, end="2026-04-20")
    assert story(lived) == ["2026-04-14 F-1 D+2 sent"]
    waiting = agreed(NEW, promise())
    assert held(waiting, "2026-04-13 10:00") == (Outcome.HELD, Rule.PROMISED)


def test_a_broken_promise_brings_the_next_step_forward_once() -> None:
    """What was planned for 30 April leaves on 14 April, once; the formal notice keeps its day."""
    lived = live(OWED, RULES, "2026-04-03", {"2026-04-03 12:00": made(promise())}, end="2026-05-16 12:00")
    assert story(lived) == [
        "2026-04-14 F-1 D+30 sent",
        "2026-05-15 F-1 notice sent",
    ]
    assert days(preview(OWED, "F-1", RULES, "2026-04-03 10:00"))["D+30"] == "2026-04-30"


def test_a_formal_notice_never_comes_forward() -> None:
    """Where only the formal notice is left, a broken promise moves nothing: 15 May stays 15 May."""
    last = account(RULES, case(invoice(), RULES, done(RULES, "D+30", "2026-04-30")))
    broken = agreed(last, promise("2026-05-04", "2026-05-01"))
    assert upcoming(broken, "F-1", RULES, "2026-05-08 10:00") == "notice on 2026-05-15"


def test_a_promise_broken_before_the_due_date_hurries_nothing() -> None:
    """Until the due date nobody is late: the word before it keeps its day, the first reminder too."""
    early = agreed(NEW, promise("2026-03-10", "2026-03-02"))
    assert standing(early, "2026-03-14") is Standing.BROKEN
    assert days(preview(early, "F-1", RULES, "2026-03-14 10:00"))["D-10"] == "2026-03-23"
    told = account(RULES, case(invoice(), RULES, done(RULES, "D-10", "2026-03-20")))
    late = agreed(told, promise("2026-03-24", "2026-03-23"))
    assert upcoming(late, "F-1", RULES, "2026-03-28 10:00") == "D+2 on 2026-04-01"


def test_a_promise_kept_early_frees_the_rest() -> None:
    """Once the promised 40.00 have come, the reminder of the other 60.00 waits no longer."""
    facts = {
        "2026-04-01 12:00": made(promise(amount="40.00")),
        "2026-04-07 08:00": paying(payment("40.00", on="2026-04-07", F_1="40.00")),
    }
    lived = live(NEW, RULES, "2026-04-01 10:00", facts, end="2026-04-20")
    assert story(lived) == ["2026-04-07 F-1 D+2 sent"]
    assert lived.messages[0].asked == money("60.00")
    assert standing(lived.accounts[0], "2026-04-07") is Standing.KEPT


def test_a_promise_kept_in_part_is_not_kept() -> None:
    """All but a cent in time is kept in part: the rest is asked for on the day after the grace."""
    facts = {
        "2026-04-03 12:00": made(promise()),
        "2026-04-09 08:00": paying(payment("99.99", on="2026-04-09", F_1="99.99")),
    }
    lived = live(OWED, RULES, "2026-04-03", facts, end="2026-04-20")
    assert story(lived) == ["2026-04-14 F-1 D+30 sent"]
    assert lived.messages[0].asked == money("0.01")
    assert standing(lived.accounts[0], "2026-04-14") is Standing.PARTLY


def test_a_bank_file_that_comes_late_breaks_nothing() -> None:
    """Money of the 13th, told on the 16th, keeps the promise; the step that came forward goes back."""
    broken = agreed(OWED, promise(amount="40.00"))
    assert standing(broken, "2026-04-14") is Standing.BROKEN
    told = broken.having(payments=(payment("40.00", on="2026-04-13", F_1="40.00"),))
    assert standing(told, "2026-04-16") is Standing.KEPT
    assert upcoming(told, "F-1", RULES, "2026-04-16 10:00") == "D+30 on 2026-04-30"


def test_late_money_does_not_mend() -> None:
    """Money of the 14th leaves the promise of the 10th broken, and the step brought forward."""
    broken = agreed(OWED, promise(amount="40.00"))
    told = broken.having(payments=(payment("40.00", on="2026-04-14", F_1="40.00"),))
    assert standing(told, "2026-04-14") is Standing.BROKEN
    assert upcoming(told, "F-1", RULES, "2026-04-14 08:00") == "D+30 on 2026-04-14"


def test_a_reversal_unkeeps() -> None:
    """A promise kept by money that comes back runs again while its day lies ahead, and breaks after it."""
    promised = agreed(OWED, promise(amount="40.00"))
    kept = promised.having(payments=(payment("40.00", on="2026-04-08", F_1="40.00"),))
    back = promised.having(payments=(payment("40.00", on="2026-04-08", F_1="40.00", reversed=True),))
    assert standing(kept, "2026-04-09") is Standing.KEPT
    assert standing(back, "2026-04-09") is Standing.RUNNING
    assert held(back, "2026-04-13 10:00") == (Outcome.DEFERRED, Rule.BROKEN)
    assert upcoming(back, "F-1", RULES, "2026-04-14 08:00") == "D+30 on 2026-04-14"


def test_a_plan_goes_from_instalment_to_instalment_and_ends_with_the_first_missed() -> None:
    """Each instalment in time carries the pause on; the third is missed, and all the rest is asked for."""
    facts: dict[str, Change] = {"2026-04-03 12:00": made(plan(count=4))}
    for turn, on in enumerate(("2026-04-10", "2026-04-20")):
        facts[f"{on} 08:00"] = paying(payment("25.00", reference=f"VIR-{turn}", on=on, F_1="25.00"))
    lived = live(OWED, RULES, "2026-04-03", facts, end="2026-05-05")
    assert story(lived) == ["2026-04-28 F-1 D+30 sent"]
    assert lived.messages[0].asked == money("50.00")


def test_a_plan_keeps_its_cents_and_its_last_of_the_month() -> None:
    """100.00 in three monthly parts from 31 May: 33.33, 33.33, 33.34, on the last day of each month."""
    parts = plan("100.00", 3, "2026-05-31", "monthly").instalments
    assert [f"{part.pay_by} {part.amount}" for part in parts] == [
        "2026-05-31 33.33",
        "2026-06-30 33.33",
        "2026-07-31 33.34",
    ]
    of = agreed(OWED, plan("100.00", 3, "2026-05-31", "monthly"))
    short = of.having(payments=(payment("33.32", on="2026-05-31", F_1="33.32"),))
    met = of.having(payments=(payment("33.33", on="2026-06-03", F_1="33.33"),))
    assert standing(short, "2026-06-04") is Standing.PARTLY
    assert standing(met, "2026-06-04") is Standing.RUNNING


@pytest.mark.parametrize(
    ("on", "left", "then"),
    [("2026-04-13", "0.00", "close paid"), ("2026-04-14", "40.00", "D+30 on 2026-04-30")],
)
def test_a_settlement_waives_what_was_paid_for_in_time(on: str, left: str, then: str) -> None:
    """60.00 on the last day of the grace close the invoice; a day later the other 40.00 stay owed."""
    offered = agreed(OWED, settlement(), approved=True)
    paid = offered.having(payments=(payment("60.00", on=on, F_1="60.00"),))
    assert paid.balance("F-1").open == money(left)
    assert upcoming(paid, "F-1", RULES, "2026-04-15 08:00") == then


def test_what_a_settlement_waived_comes_back_with_a_reversal() -> None:
    """The money that had settled the invoice comes back: all of it is owed again."""
    offered = agreed(OWED, settlement(), approved=True)
    back = offered.having(payments=(payment("60.00", on="2026-04-08", F_1="60.00", reversed=True),))
    assert back.balance("F-1").net == money("100.00")
    assert upcoming(back, "F-1", RULES, "2026-04-20 08:00") == "D+30 on 2026-04-30"


def test_an_agreement_that_nobody_approves_pauses_a_week() -> None:
    """An offer of 1 April holds the reminder until the 8th; then dunning goes on, and nothing is waived."""
    offered = agreed(NEW, settlement())
    assert held(offered, "2026-04-02 10:00") == (Outcome.HELD, Rule.UNDECIDED)
    assert upcoming(offered, "F-1", RULES, "2026-04-02 10:00") == "D+2 on 2026-04-09"
    paid = offered.having(payments=(payment("60.00", on="2026-04-03", F_1="60.00"),))
    assert paid.balance("F-1").open == money("40.00")


def test_a_dispute_before_the_due_date_silences_the_word_before_it() -> None:
    """Contested from 16 March to 3 April: no word before the due date; the first reminder on the 6th."""
    contested = dispute("2026-04-03", "2026-03-16")
    lived = live(NEW, RULES, "2026-03-10", {"2026-03-16 12:00": made(contested)}, end="2026-04-10")
    assert story(lived) == ["2026-04-07 F-1 D+2 sent"]
    assert held(agreed(NEW, contested), "2026-04-03 10:00") == (Outcome.HELD, Rule.DISPUTED)


def test_a_dispute_over_a_part_lets_the_rest_be_asked_for() -> None:
    """Of 100.00, 30.00 are contested: the reminder leaves on its day and asks for 70.00, saying so."""
    part = agreed(NEW, dispute(amount="30.00"))
    message = reminder(part, "F-1", RULES, "2026-04-02 10:00")
    (line,) = message.lines
    assert (line.open, line.disputed, message.asked) == (money("100.00"), money("30.00"), money("70.00"))
    paid = part.having(payments=(payment("70.00", on="2026-04-02", F_1="70.00"),))
    assert held(paid, "2026-04-06 10:00") == (Outcome.HELD, Rule.DISPUTED)


def test_u21_a_disputed_invoice_leaves_the_message_and_the_others_stay() -> None:
    """U21: of three overdue invoices one is disputed: the message lists the other two and their sum."""
    three = account(RULES, invoice("F-1"), invoice("F-2", total="300.00"), invoice("F-3", total="7.00"))
    message = reminder(agreed(three, dispute()), "F-2", RULES, "2026-04-02 10:00")
    assert {line.number for line in message.lines} == {"F-2", "F-3"}
    assert message.asked == money("307.00")


@pytest.mark.parametrize("disputed", ["F-1", "F-2"])
def test_ac38_one_of_two_disputed(disputed: str) -> None:
    """AC-38: of invoices of 100 and 300, whichever is disputed, the other one is the only line, in full."""
    two = account(RULES, invoice("F-1"), invoice("F-2", total="300.00"))
    contested = agreed(two, dispute(invoices=(disputed,)))
    other, sum_ = {"F-1": ("F-2", "300.00"), "F-2": ("F-1", "100.00")}[disputed]
    message = reminder(contested, other, RULES, "2026-04-02 10:00")
    assert [(line.number, line.open) for line in message.lines] == [(other, money(sum_))]
    assert upcoming(contested, disputed, RULES, "2026-04-02 10:00") == "D+2 on 2026-05-04"


def test_ac38_rows_of_a_partly_disputed_case() -> None:
    """AC-38: rows of 100 and 300, of which 50 are disputed, show 100 and 300, and ask for 350 in all."""
    two = account(RULES, invoice("F-1"), invoice("F-2", total="300.00"))
    contested = agreed(two, dispute(invoices=("F-2",), amount="50.00"))
    message = reminder(contested, "F-1", RULES, "2026-04-02 10:00")
    assert {line.number: (line.open, line.disputed) for line in message.lines} == {
        "F-1": (money("100.00"), money("0.00")),
        "F-2": (money("300.00"), money("50.00")),
    }
    assert message.asked == money("350.00")


@pytest.mark.parametrize(
    ("amount", "then"),
    [(None, "wait below_minimum"), ("80.01", "wait below_minimum"), ("80.00", "1 on 2026-04-02")],
)
def test_u45_a_disputed_invoice_counts_in_no_sum(amount: str | None, then: str) -> None:
    """U45: of 40.00 and 100.00 with a minimum of 60.00, the first is asked for only if 20.00 more may be."""
    rules = ladder(2, minimum={"EUR": "60.00"})
    owed = account(rules, invoice("F-1", total="40.00"), invoice("F-2", "2026-03-30"))
    contested = agreed(owed, dispute(invoices=("F-2",), amount=amount))
    assert upcoming(owed, "F-1", rules, "2026-04-02 08:00") == "1 on 2026-04-02"
    assert upcoming(contested, "F-1", rules, "2026-04-02 08:00") == then


def test_u45_a_disputed_invoice_selects_no_step() -> None:
    """U45: a step for those who owe two invoices is not taken while one of the two is disputed."""
    rules = policy(step("1", 2, when={"min_open_invoices": 2}), step("2", 30), catch_up="next_required")
    owed = account(rules, invoice("F-1"), invoice("F-2", "2026-03-20"))
    assert upcoming(owed, "F-1", rules, "2026-04-02 08:00") == "1 on 2026-04-02"
    contested = agreed(owed, dispute(invoices=("F-2",)))
    assert upcoming(contested, "F-1", rules, "2026-04-02 08:00") == "2 on 2026-04-30"


def test_a_dispute_that_ran_out_keeps_grave_steps_for_a_person() -> None:
    """Unanswered by its day, reminders go on by themselves; the formal notice and the handoff ask first."""
    facts = {"2026-04-03 12:00": made(dispute("2026-04-20"))}
    lived = live(OWED, RULES, "2026-04-03", facts, end="2026-05-16 12:00")
    assert story(lived) == ["2026-04-30 F-1 D+30 sent", "2026-05-15 F-1 notice task"]
    run_out = changed(lived.accounts[0], "F-1", blocked=None)
    assert standing(run_out, "2026-04-21") is Standing.EXPIRED
    assert isinstance(verdict(run_out, "F-1", RULES, "2026-05-15 10:00"), Approval)
    answer = {"ended_on": day("2026-05-14"), "ended_how": HowEnded.REJECTED}
    free = run_out.having(agreements=(run_out.agreements[0].model_copy(update=answer),))
    assert upcoming(free, "F-1", RULES, "2026-05-15 10:00") == "notice on 2026-05-15"
    assert reminder(free, "F-1", RULES, "2026-05-15 10:00").step == "notice"


def test_ac58_an_agreement_lasts_through_its_last_day() -> None:
    """AC-58: a dispute until today is silent today; one that ended yesterday silences nothing."""
    today = agreed(NEW, dispute("2026-04-02"))
    assert held(today, "2026-04-02 10:00") == (Outcome.HELD, Rule.DISPUTED)
    assert reminder(today, "F-1", RULES, "2026-04-03 10:00").step == "D+2"


def test_ac58_an_agreement_ends() -> None:
    """AC-58: a dispute or a promise without its last day, or beyond all measure, does not exist."""
    for agreement, bound in ((dispute(), "until"), (promise(), "pay_by")):
        facts = agreement.model_dump()
        for wrong in (None, day("2027-04-01"), day("2026-03-31")):
            with pytest.raises(ValidationError):
                type(agreement).model_validate(facts | {bound: wrong})


def test_ac59_a_promise_whose_grace_ended_yesterday() -> None:
    """AC-59: exactly one message is announced, that very one leaves, and announcing it changed nothing.

    Deviation: no fee is added; the message asks for the 120.00 that are owed.
    """
    rules = ladder(2, 9, spacing_days=7)
    first = case(invoice(due="2026-03-02", total="120.00"), rules, done(rules, "1", "2026-03-04"))
    owed = agreed(account(rules, first, invoice("F-2", "2026-04-30")), promise("2026-03-08", "2026-03-05"))
    before, now = owed.model_dump_json(), "2026-03-12 10:00"
    announced = [
        (number, line.step)
        for number in ("F-1", "F-2")
        for line in preview(owed, number, rules, now)
        if line.at <= at(now)
    ]
    lived = live(owed, rules, now, end="2026-03-12 23:00")
    (message,) = lived.messages
    assert announced == [("F-1", "2")] == [(line.number, line.step) for line in message.lines]
    assert message.asked == money("120.00")
    assert message == reminder(owed, "F-1", rules, now)
    assert owed.model_dump_json() == before


def test_u19_a_pause_names_its_reason_and_its_end() -> None:
    """U19: what pauses an invoice says by which rule and until when, and ends by itself on the day after."""
    for agreement, rule, until in (
        (promise(), Rule.PROMISED, "2026-04-13"),
        (plan(), Rule.INSTALMENTS, "2026-04-13"),
        (dispute("2026-04-13"), Rule.DISPUTED, "2026-04-13"),
    ):
        answer = verdict(agreed(NEW, agreement), "F-1", RULES, "2026-04-02 10:00")
        assert isinstance(answer, Refusal)
        assert (answer.because.rule, answer.because.until) == (rule, day(until))
        assert answer.until == at("2026-04-14 09:00")


def test_u45_what_is_contested_no_more_counts_again_by_itself() -> None:
    """U45: below the minimum only while a part is contested, the case plans anew on the day after."""
    rules = ladder(2, 60, minimum={"EUR": "60.00"})
    contested = agreed(account(rules, invoice()), dispute("2026-04-20", amount="50.00"))
    lived = live(contested, rules, "2026-04-01", end="2026-04-30")
    assert story(lived) == ["2026-04-21 F-1 1 sent"]
    waiting = next_action(contested, "F-1", rules, at("2026-04-02 08:00"))
    assert (waiting.because.rule, waiting.at) == (Rule.BELOW_MINIMUM, at("2026-04-21"))
