"""What may leave, and what stands in its way: holds, approval, freshness, recipients, a second time."""

import pytest

from domain.actions import Outcome, Rule, StepOutcome
from domain.agreements import Stop
from domain.gate import Approval, Call, Handoff, Refusal, judge
from domain.policy import Channel, Roll
from tests.domain.build import (
    account,
    at,
    case,
    changed,
    contact,
    creditor,
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
    reminder,
    seed_policy,
    sent,
    shelf,
    step,
    story,
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


def test_ac25_the_balance_is_read_again() -> None:
    """At the threshold the message leaves, a cent below it nothing does."""
    for total, minimum, leaves in (("99.00", "99.00", True), ("99.00", "99.01", False)):
        rules = ladder(2, minimum={"EUR": minimum})
        answer = verdict(account(rules, invoice(due=DUE, total=total)), "F-1", rules, MORNING)
        assert isinstance(answer, Refusal) is not leaves


def test_ac25_the_policy_and_the_customer_are_read_again() -> None:
    """A step whose policy has meanwhile moved it, or whose customer is excluded, does not leave."""
    later = ladder(20)
    moved = changed(OWED, "F-1", policy=later.version)
    assert refusal(judge(moved, "F-1", shelf(RULES, later), at(MORNING)))[0] is Outcome.DEFERRED
    excluded = OWED.having(holds=(hold("2026-03-04", "2026-03-04"),))
    assert refusal(verdict(excluded, "F-1", RULES, MORNING))[0] is Outcome.HELD


def test_ac25_only_what_is_ready_is_listed() -> None:
    """A message lists the invoices due today in its currency: none paid, held, early or foreign."""
    owed = account(
        RULES,
        invoice("F-1", "2026-03-01"),
        *(invoice(f"F-{number}", DUE) for number in (2, 3, 4)),
        invoice("F-5", DUE, currency="CHF"),
        invoice("F-6", "2026-03-30"),
        payments=(payment("100.00", F_3="100.00"),),
        holds=(hold("2026-03-01", "2026-04-01", "invoice", invoice="F-4"),),
    )
    message = reminder(owed, "F-1", RULES, MORNING)
    assert {line.number for line in message.lines} == {"F-1", "F-2"}


def test_ac61_a_voided_step_is_open_again() -> None:
    """A voided message's step comes again with the same amount; voiding never rewinds a step above it.

    Deviation: the void is added to the record and reopens the step; nothing is erased.
    """
    message = reminder(OWED, "F-1", RULES, MORNING)
    left = sent(OWED, message, MORNING)
    voided = tuple(one.model_copy(update={"outcome": StepOutcome.VOIDED}) for one in left.case("F-1").taken)
    reopened = changed(left, "F-1", taken=voided)
    again = reminder(reopened, "F-1", RULES, "2026-03-05 10:00")
    assert (again.step, again.asked) == (message.step, message.asked)
    assert len(reopened.case("F-1").taken) == 1
    second = changed(reopened, "F-1", taken=(*voided, done(RULES, "2", "2026-03-12")))
    assert upcoming(second, "F-1", RULES, "2026-03-13 10:00") == "close exhausted"


def test_ac73_without_a_recipient() -> None:
    """A debtor without any usable contact is unreachable; no address of the company is made up."""
    bare = OWED.having(debtor=debtor(contacts=()))
    assert refusal(verdict(bare, "F-1", RULES, MORNING)) == (Outcome.UNREACHABLE, Rule.UNREACHABLE)
    phone_only = OWED.having(debtor=debtor(contacts=({"phone": "+33 4 00 00 00 00"},)))
    assert refusal(verdict(phone_only, "F-1", RULES, MORNING))[0] is Outcome.UNREACHABLE


def test_ac73_the_fallback_of_the_step() -> None:
    """Without an e-mail address the step's own second channel is used, and only that."""
    bare = debtor(contacts=())
    letter = policy(step("1", 2, fallback="letter"))
    message = reminder(account(letter, invoice(due=DUE), debtor=bare), "F-1", letter, MORNING)
    assert (message.channel, message.recipients) == (Channel.LETTER, ())
    call = policy(step("1", 2, fallback="call"))
    assert isinstance(verdict(account(call, invoice(due=DUE), debtor=bare), "F-1", call, MORNING), Call)


def test_ac73_never_another_debtor_s_contact() -> None:
    """Each message goes to the contacts of its own debtor and to nobody else."""
    other = account(
        RULES,
        invoice("F-2", DUE, debtor="martin"),
        debtor=debtor(id="martin", contacts=({"email": "compta@martin.example"},)),
    )
    bare = account(RULES, invoice("F-3", DUE, debtor="leroy"), debtor=debtor(id="leroy", contacts=()))
    lived = live((OWED, other, bare), RULES, DUE, end="2026-03-05")
    assert {message.debtor.id: message.recipients for message in lived.messages} == {
        "dubois": ("factures@dubois.example",),
        "martin": ("compta@martin.example",),
    }
    assert "2026-03-04 F-3 - unreachable" in story(lived)


def test_ac75_a_second_judgement_refuses() -> None:
    """Once the step stands, judging again at the same instant lets nothing leave, for any covered invoice."""
    owed = account(RULES, invoice("F-1", DUE), invoice("F-2", DUE))
    message = reminder(owed, "F-1", RULES, MORNING)
    left = sent(owed, message, MORNING)
    for number in ("F-1", "F-2"):
        assert refusal(verdict(left, number, RULES, MORNING))[0] is Outcome.DEFERRED


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (StepOutcome.RESERVED, Outcome.DEFERRED),
        (StepOutcome.SENT, Outcome.DEFERRED),
        (StepOutcome.AMBIGUOUS, Outcome.HELD),
    ],
)
def test_ac75_a_step_in_hand_is_not_taken_again(outcome: StepOutcome, expected: Outcome) -> None:
    """A step reserved or sent stands; one of unknown fate holds its case until a person has judged."""
    behind = case(invoice(due=DUE), RULES, done(RULES, "1", "2026-03-04", outcome=outcome))
    assert refusal(verdict(account(RULES, behind), "F-1", RULES, MORNING))[0] is expected


def test_ac75_invoices_in_two_messages_are_listed_once_each() -> None:
    """Every invoice of a message is one line of it, however many of its steps are overdue."""
    owed = account(RULES, *(invoice(f"F-{number}", "2025-12-01") for number in range(1, 6)))
    numbers = [line.number for line in reminder(owed, "F-3", RULES, MORNING).lines]
    assert sorted(numbers) == sorted(set(numbers)) == [f"F-{number}" for number in range(1, 6)]


def test_sending_stopped() -> None:
    """The kill switch holds whatever is due, and is no reason to close anything."""
    stopped = OWED.having(stops=(Stop(),))
    assert refusal(verdict(stopped, "F-1", RULES, MORNING)) == (Outcome.HELD, Rule.SENDING_STOPPED)
    paid = stopped.having(payments=(payment("100.00", F_1="100.00"),))
    assert refusal(verdict(paid, "F-1", RULES, MORNING)) == (Outcome.SETTLED, Rule.PAID)


@pytest.mark.parametrize(
    ("known", "fresh"), [("2026-03-03 08:00", True), ("2026-03-03 07:59", False), (None, False)]
)
def test_ac42_stale_payments(known: str | None, fresh: bool) -> None:  # noqa: FBT001 - a column of the table
    """Under a bound of 26 hours, payments known 26 hours ago let the message leave, a minute older do not."""
    owed = OWED.having(
        creditor=creditor(payment_freshness_hours=26), payments_as_of=at(known) if known else None
    )
    answer = verdict(owed, "F-1", RULES, MORNING)
    if fresh:
        assert reminder(owed, "F-1", RULES, MORNING).known_on == day("2026-03-03")
    else:
        assert refusal(answer) == (Outcome.HELD, Rule.STALE)


def test_ac42_stale_payments_stop_the_handoff_too() -> None:
    """Nothing goes to recovery on payment data that is too old."""
    rules = policy(handoff(2))
    owed = account(rules, invoice(due=DUE), creditor=creditor(payment_freshness_hours=26))
    assert refusal(verdict(owed, "F-1", rules, MORNING)) == (Outcome.HELD, Rule.STALE)
    assert isinstance(
        verdict(OWED.having(cases=account(rules, invoice(due=DUE)).cases), "F-1", rules, MORNING), Handoff
    )


def test_a_stale_case_goes_on_when_payments_are_known() -> None:
    """Held for want of fresh data in the walk through time, a step leaves once the data has come."""
    owed = OWED.having(creditor=creditor(payment_freshness_hours=26))
    facts = {"2026-03-06 11:00": lambda account_: account_.having(payments_as_of=at("2026-03-06 11:00"))}
    assert story(live(owed, RULES, DUE, facts, end="2026-03-07")) == [
        "2026-03-04 F-1 - held",
        "2026-03-06 F-1 1 sent",
    ]


def test_a_step_that_needs_approval() -> None:
    """A step that must be approved asks for it, is left out of others' messages, and leaves once approved."""
    rules = policy(step("1", 2), step("notice", 10, "formal", "letter", approval=True))
    owed = account(
        rules, case(invoice("F-1", DUE), rules, done(rules, "1", "2026-03-04")), invoice("F-2", "2026-03-10")
    )
    asked = verdict(owed, "F-1", rules, "2026-03-12 10:00")
    assert asked == Approval(number="F-1", step="notice")
    assert [line.number for line in reminder(owed, "F-2", rules, "2026-03-12 10:00").lines] == ["F-2"]
    approved = changed(owed, "F-1", approved=("notice",))
    assert reminder(approved, "F-1", rules, "2026-03-12 10:00").step == "notice"


def test_one_message_in_the_tone_of_the_highest() -> None:
    """Three invoices at three steps make one message, led by the sternest; each keeps its own step."""
    rules = seed_policy(Roll.NONE, spacing_days=1)
    owed = account(
        rules,
        case(invoice("F-1", "2026-02-02"), rules, done(rules, "D+2", "2026-02-04")),
        invoice("F-2", DUE),
        invoice("F-3", "2026-03-07"),
    )
    message = reminder(owed, "F-3", rules, MORNING)
    assert (message.lead, message.step, message.tone.name) == ("F-1", "D+30", "FIRM")
    assert {line.number: line.step for line in message.lines} == {"F-1": "D+30", "F-2": "D+2", "F-3": "D-3"}
    assert {line.number for line in message.upcoming_lines} == {"F-3"}


def test_a_softer_reminder_yields_to_a_formal_notice() -> None:
    """When a formal notice is due the same day, the softer reminder waits for the cap, and still leaves."""
    rules = policy(step("1", 2), step("notice", 20, "formal", "letter"), spacing_days=2)
    owed = account(
        rules,
        invoice("F-1", "2026-03-20"),
        case(invoice("F-2", DUE), rules, done(rules, "1", "2026-03-04")),
        debtor=debtor(contact_cap_days=3),
    )
    assert refusal(verdict(owed, "F-1", rules, "2026-03-22 10:00")) == (Outcome.DEFERRED, Rule.CONTACT_CAP)
    told = [line for line in story(live(owed, rules, "2026-03-21")) if line.endswith("sent")]
    assert told[:2] == ["2026-03-22 F-2 notice sent", "2026-03-25 F-1 1 sent"]


def test_an_unreachable_formal_notice_does_not_stop_the_rest() -> None:
    """A notice that cannot be posted becomes a person's task; the debtor's softer reminder goes on later."""
    rules = policy(step("1", 2), step("notice", 20, "formal", "letter"), spacing_days=2)
    owed = account(
        rules,
        invoice("F-1", "2026-03-20"),
        case(invoice("F-2", DUE), rules, done(rules, "1", "2026-03-04")),
        debtor=debtor(address=None),
    )
    told = story(live(owed, rules, "2026-03-21", end="2026-03-30"))
    assert "2026-03-22 F-2 - unreachable" in told
    assert "2026-03-23 F-1 1 sent" in told


def test_the_last_contact_keeps_other_invoices_waiting() -> None:
    """A message to the debtor within the cap defers every other written step below the formal ones."""
    capped = OWED.having(
        contacts=(contact("2026-03-03", RULES.steps[0].tone, "F-9"),), debtor=debtor(contact_cap_days=3)
    )
    assert refusal(verdict(capped, "F-1", RULES, MORNING)) == (Outcome.DEFERRED, Rule.CONTACT_CAP)
    assert upcoming(capped, "F-1", RULES, MORNING) == "1 on 2026-03-06"


def test_a_handed_over_case_stays_closed_until_paid() -> None:
    """After the handoff nothing of ours leaves; money still settles the case."""
    rules = policy(step("1", 2), handoff(5))
    over = account(rules, case(invoice(due=DUE), rules, done(rules, "handoff", "2026-03-07")))
    assert refusal(verdict(over, "F-1", rules, "2026-03-20 10:00")) == (Outcome.SETTLED, Rule.HANDED_OFF)
    paid = paying(payment("100.00", F_1="100.00"))(over)
    assert upcoming(paid, "F-1", rules, "2026-03-20 10:00") == "close paid"
