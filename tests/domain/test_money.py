"""What is still owed, and so asked for: maturities, credit notes, unallocated money, minimums."""

import pytest

from domain.account import Account
from domain.actions import Ending, Outcome, Rule
from domain.allotment import parts_of
from domain.events import InvoiceCreated
from domain.gate import Refusal
from domain.policy import DunningPolicy
from domain.schedule import next_action
from tests.domain.build import (
    account,
    at,
    case,
    changed,
    contact,
    credit_note,
    creditor,
    day,
    debtor,
    done,
    handoff,
    invoice,
    ladder,
    live,
    money,
    paying,
    payment,
    policy,
    reminder,
    sent,
    step,
    story,
    upcoming,
    verdict,
)

DUE = "2026-03-02"
MORNING = "2026-03-04 10:00"
"""Two days after `DUE`, a Wednesday: step +2 may leave."""

RULES = ladder(2, 10, spacing_days=3)


def two_maturities() -> tuple[Account, DunningPolicy]:
    """Gives an invoice of 100 posted on 2026-03-01, in two halves due five and ten days later."""
    rules = ladder(1)
    posted = InvoiceCreated.model_validate(
        {
            "creditor": "acme",
            "number": "F-1",
            "debtor": "dubois",
            "issue_date": "2026-03-01",
            "total": "100.00",
            "maturities": [
                {"due_date": "2026-03-06", "amount": "50.00"},
                {"due_date": "2026-03-11", "amount": "50.00"},
            ],
        }
    )
    return account(rules, *(parts_of(posted, creditor(), debtor()) or [])), rules


def test_ac36_only_the_first_maturity_is_dunned() -> None:
    """Six days after posting, the first half alone is asked for, under the number of its document."""
    owed, rules = two_maturities()
    message = reminder(owed, "F-1/1", rules, "2026-03-07 10:00")
    assert [(line.number, line.document, line.open) for line in message.lines] == [
        ("F-1/1", "F-1", money("50.00"))
    ]
    assert message.asked == money("50.00")
    assert upcoming(owed, "F-1/2", rules, "2026-03-07 10:00") == "1 on 2026-03-12"


def test_ac36_paying_the_first_half_leaves_the_second() -> None:
    """Fifty received for the first maturity closes its case; the document is partly paid."""
    owed, rules = two_maturities()
    half = payment("50.00").model_dump() | {"allocations": [{"invoice": "F-1/1", "amount": money("50.00")}]}
    paid = Account.model_validate(owed.model_dump() | {"payments": [half]})
    assert upcoming(paid, "F-1/1", rules, "2026-03-07 10:00") == "close paid"
    assert paid.balance("F-1/2").open == money("50.00")
    undone = Account.model_validate(owed.model_dump() | {"payments": [half | {"reversed": True}]})
    assert upcoming(undone, "F-1/1", rules, "2026-03-07 10:00") == "1 on 2026-03-07"


def test_ac36_a_payment_that_comes_back_reopens_the_case() -> None:
    """After the reversal the steps taken stay taken, and the next one comes with its spacing."""
    came, went = payment("100.00", F_1="100.00"), payment("100.00", F_1="100.00", reversed=True)
    facts = {
        "2026-03-05 09:00": paying(came),
        "2026-03-20 09:00": lambda account_: account_.having(payments=(went,)),
    }
    assert story(live(account(RULES, invoice(due=DUE)), RULES, DUE, facts)) == [
        "2026-03-04 F-1 1 sent",
        "2026-03-05 F-1 - settled paid",
        "2026-03-20 F-1 2 sent",
        "2026-03-20 F-1 - settled exhausted",
    ]


def test_ac37_credit_notes() -> None:
    """A full credit note on the invoice settles it; cancelled, the invoice is open again."""
    owed = account(RULES, invoice(due=DUE))
    note = credit_note("100.00", invoice="F-1")
    assert upcoming(owed.having(credit_notes=(note,)), "F-1", RULES, MORNING) == "close credited"
    cancelled = credit_note("100.00", invoice="F-1", cancelled=True)
    assert upcoming(owed.having(credit_notes=(cancelled,)), "F-1", RULES, MORNING) == "1 on 2026-03-04"


def test_ac37_a_credit_note_that_is_not_linked() -> None:
    """A credit note of the account that covers the invoice leaves it open and holds it.

    Deviation: nobody is dunned while a credit of the same customer waits to be allocated.
    """
    owed = account(RULES, invoice(due=DUE), credit_notes=(credit_note("100.00"),))
    assert upcoming(owed, "F-1", RULES, MORNING) == "wait allocate"
    assert owed.balance("F-1").open == money("100.00")
    refusal = verdict(owed, "F-1", RULES, MORNING)
    assert isinstance(refusal, Refusal)
    assert refusal.because.rule is Rule.ALLOCATE


def test_ac38_several_invoices_in_one_message() -> None:
    """Invoices of 100 and 300 are two lines of 100 and 300 and one sum of 400."""
    owed = account(RULES, invoice("F-1", DUE, "100.00"), invoice("F-2", DUE, "300.00"))
    message = reminder(owed, "F-1", RULES, MORNING)
    assert {line.number: line.open for line in message.lines} == {
        "F-1": money("100.00"),
        "F-2": money("300.00"),
    }
    assert message.asked == money("400.00")


@pytest.mark.parametrize(("paid", "unpaid"), [("F-1", "F-2"), ("F-2", "F-1")])
def test_ac38_one_of_two_paid(paid: str, unpaid: str) -> None:
    """Whichever of the two is paid, the other stays open and is the only line."""
    owed = account(
        RULES, invoice("F-1", DUE), invoice("F-2", DUE), payments=(payment("100.00", **{paid: "100.00"}),)
    )
    assert upcoming(owed, paid, RULES, MORNING) == "close paid"
    assert [line.number for line in reminder(owed, unpaid, RULES, MORNING).lines] == [unpaid]


def test_ac40_an_unapplied_payment_is_taken_off() -> None:
    """With 50 unallocated of 100 owed, the message lists the 50 and asks for 50; A, paid, is absent."""
    owed = account(
        RULES,
        invoice("F-1", DUE),
        invoice("F-2", DUE),
        payments=(payment("100.00", F_1="100.00"), payment("50.00", reference="VIR-2")),
    )
    message = reminder(owed, "F-2", RULES, MORNING)
    assert [(line.number, line.open) for line in message.lines] == [("F-2", money("100.00"))]
    assert (message.received, message.asked) == (money("50.00"), money("50.00"))


@pytest.mark.parametrize("amount", ["100.00", "100.01"])
def test_ac40_unapplied_payments_that_cover_the_debt(amount: str) -> None:
    """Unallocated money at or above what is due means no message: it waits to be allocated."""
    owed = account(RULES, invoice(due=DUE), payments=(payment(amount),))
    assert upcoming(owed, "F-1", RULES, MORNING) == "wait allocate"


def test_ac41_a_credit_larger_than_the_debt() -> None:
    """No reminder leaves while the customer is in credit, even with single invoices overdue."""
    owed = account(
        RULES,
        invoice("F-1", DUE, "100.00"),
        invoice("F-2", DUE, "60.00"),
        credit_notes=(credit_note("250.00", invoice="F-1"),),
    )
    assert upcoming(owed, "F-1", RULES, MORNING) == "close credited"
    assert owed.balance("F-2").presumed == money("60.00")
    assert upcoming(owed, "F-2", RULES, MORNING) == "wait allocate"
    assert not live(owed, RULES, DUE).messages


def test_unallocated_money_pays_the_oldest_first() -> None:
    """Money nobody allocated is presumed to pay the oldest due date, in its own currency."""
    owed = account(
        RULES,
        invoice("F-1", "2026-03-02", "80.00"),
        invoice("F-2", "2026-02-02", "50.00"),
        invoice("F-3", "2026-01-02", "50.00", currency="CHF"),
        payments=(payment("70.00"),),
    )
    presumed = {number: owed.balance(number).presumed for number in ("F-1", "F-2", "F-3")}
    assert presumed == {"F-1": money("20.00"), "F-2": money("50.00"), "F-3": money("0.00")}


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("08:59:59", ["2026-03-04 F-1 - settled paid"]),
        ("09:00:00", ["2026-03-04 F-1 - settled paid"]),
        ("09:00:01", ["2026-03-04 F-1 1 sent", "2026-03-04 F-1 - settled paid"]),
    ],
)
def test_ac42_crossing_payment(received: str, expected: list[str]) -> None:
    """A payment booked up to the instant of the step stops it; one second later the message has left."""
    facts = {f"2026-03-04 {received}": paying(payment("100.00", F_1="100.00"))}
    assert story(live(account(RULES, invoice(due=DUE)), RULES, DUE, facts)) == expected


def test_facts_of_one_instant_come_in_the_order_given() -> None:
    """Of two facts at the same instant the one told first happens first."""
    came, went = payment("100.00", F_1="100.00"), payment("100.00", F_1="100.00", reversed=True)
    facts = {"2026-03-03 09:00": [paying(came), lambda account_: account_.having(payments=(went,))]}
    assert "2026-03-04 F-1 1 sent" in story(live(account(RULES, invoice(due=DUE)), RULES, DUE, facts))


@pytest.mark.parametrize(("total", "reminded"), [("49.99", False), ("50.00", True), ("50.01", True)])
def test_ac62_the_minimum_is_inclusive(total: str, reminded: bool) -> None:  # noqa: FBT001 - a column of the table
    """With a minimum of 50.00, 49.99 is left alone and 50.00 is reminded."""
    rules = ladder(2, minimum={"EUR": "50.00"})
    expected = "1 on 2026-03-04" if reminded else "wait below_minimum"
    assert upcoming(account(rules, invoice(due=DUE, total=total)), "F-1", rules, MORNING) == expected


def test_ac62_credits_count_before_the_minimum() -> None:
    """An invoice of 60 with a credit note of 20 is 40: below the minimum, nothing leaves."""
    rules = ladder(2, minimum={"EUR": "50.00"})
    for note in (credit_note("20.00"), credit_note("20.00", invoice="F-1")):
        owed = account(rules, invoice(due=DUE, total="60.00"), credit_notes=(note,))
        assert upcoming(owed, "F-1", rules, MORNING) == "wait below_minimum"


def test_ac62_a_wait_below_the_minimum_ends_when_others_fall_due() -> None:
    """Below the minimum a case waits until the midnight after the first due date that lifts the sum to it."""
    rules = ladder(2, 90, minimum={"EUR": "50.00"})
    small, larger = invoice("F-1", DUE, "20.00"), invoice("F-2", "2026-04-30", "30.00")
    foreign = invoice("F-3", "2026-04-10", "90.00", currency="CHF")
    owed = account(rules, small, invoice("F-4", "2026-04-15", "29.99"), larger, foreign)
    waiting = next_action(owed, "F-1", rules, at(MORNING))
    assert (waiting.kind, waiting.at) == ("wait", at("2026-05-01"))
    assert upcoming(owed, "F-1", rules, "2026-04-30 10:00") == "wait below_minimum"
    assert upcoming(owed, "F-1", rules, "2026-05-01") == "1 on 2026-05-01"
    alone = next_action(account(rules, small, foreign), "F-1", rules, at(MORNING))
    assert (alone.kind, alone.at) == ("wait", None)


def test_ac62_the_minimum_is_compared_per_currency() -> None:
    """Each currency has its own minimum and its own sum.

    Deviation: nothing is converted; a currency without a minimum has none.
    """
    rules = ladder(2, minimum={"EUR": "50.00", "CHF": "30.00"})
    owed = account(
        rules,
        invoice("F-1", DUE, "40.00"),
        invoice("F-2", "2026-03-01", "40.00", currency="CHF"),
        invoice("F-3", DUE, "1.00", currency="USD"),
    )
    assert upcoming(owed, "F-1", rules, MORNING) == "wait below_minimum"
    assert upcoming(owed, "F-2", rules, MORNING) == "1 on 2026-03-04"
    assert upcoming(owed, "F-3", rules, MORNING) == "1 on 2026-03-04"
    assert [line.number for line in reminder(owed, "F-2", rules, MORNING).lines] == ["F-2"]


def test_ac62_small_invoices_add_up() -> None:
    """Two overdue invoices of 30 reach a minimum of 50 together, and one message speaks for both."""
    rules = ladder(2, minimum={"EUR": "50.00"})
    owed = account(rules, invoice("F-1", DUE, "30.00"), invoice("F-2", DUE, "30.00"))
    assert {line.number for line in reminder(owed, "F-1", rules, MORNING).lines} == {"F-1", "F-2"}


def test_below_the_minimum_no_required_step_is_jumped() -> None:
    """An invoice too small to be reminded is neither called nor handed over without its reminder."""
    rules = policy(step("1", 2), step("call", 5, "firm", "call"), handoff(9), minimum={"EUR": "50.00"})
    owed = account(rules, invoice(due=DUE, total="20.00"))
    assert upcoming(owed, "F-1", rules, "2026-04-01 10:00") == "wait below_minimum"
    assert not live(owed, rules, DUE).entries


def test_a_written_off_invoice_takes_no_money() -> None:
    """Unallocated money is not presumed to pay what has been given up."""
    owed = account(RULES, invoice("F-1", "2026-02-02"), invoice("F-2", DUE), payments=(payment("60.00"),))
    given_up = changed(owed, "F-1", ending=Ending.WRITTEN_OFF)
    assert given_up.balance("F-2").net == money("40.00")


def test_two_currencies_are_two_messages_on_two_days() -> None:
    """Francs are never added to euros: the older debt's message leaves first, the other after the cap."""
    owed = account(RULES, invoice("F-1", "2026-03-01"), invoice("F-2", DUE, currency="CHF"))
    euros = reminder(owed, "F-1", RULES, MORNING)
    assert ([line.number for line in euros.lines], euros.currency) == (["F-1"], "EUR")
    waiting = verdict(owed, "F-2", RULES, MORNING)
    assert isinstance(waiting, Refusal)
    assert (waiting.outcome, waiting.because.rule) == (Outcome.DEFERRED, Rule.CONTACT_CAP)
    later = sent(owed, euros, MORNING)
    assert reminder(later, "F-2", RULES, "2026-03-05 10:00").currency == "CHF"


def test_an_earlier_message_is_recalled() -> None:
    """A message lists what was written before about the same invoices, oldest first, and nothing else."""
    owed = account(
        RULES,
        case(invoice(due=DUE), RULES, done(RULES, "1", "2026-03-04")),
        contacts=(
            contact("2026-03-04", RULES.steps[0].tone, "F-1"),
            contact("2026-03-01", RULES.steps[0].tone, "F-9"),
        ),
        debtor=debtor(language="en"),
    )
    message = reminder(owed, "F-1", RULES, "2026-03-12 10:00")
    assert [one.day.isoformat() for one in message.earlier] == ["2026-03-04"]
    assert (message.language, message.known_on) == ("en", day("2026-03-12"))


def test_the_whole_plan_is_made_from_the_facts_alone() -> None:
    """The same account, policy and instant give equal answers, to the last field."""
    owed = account(RULES, invoice(due=DUE))
    assert next_action(owed, "F-1", RULES, at(MORNING)) == next_action(
        Account.model_validate_json(owed.model_dump_json()), "F-1", RULES, at(MORNING)
    )
