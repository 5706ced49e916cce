"""What can be agreed on an account, and what is filled in when it is."""

from typing import Any

import pytest

from domain.actions import Ending
from domain.agreements import Agreement
from domain.concluding import came, concluded, divided, next_duty, turns
from domain.faults import InputRefused
from domain.standing import Standing
from tests.agreements.made import MADE, agreed, dispute, plan, promise, settlement
from tests.domain.build import account, changed, credit_note, day, invoice, ladder, money, payment

RULES = ladder(2, 30)
OWED = account(RULES, invoice(), invoice("F-2", total="50.00"), invoice("F-3", currency="CHF"))
LATE = day("2026-04-20")
"""A day after the grace of a promise for 10 April."""


def refusal(agreement: Agreement, on: Any = OWED, today: str = MADE) -> tuple[str, str]:
    """Gives the field that is refused, and the remedy."""
    with pytest.raises(InputRefused) as refused:
        concluded(on, agreement, day(today))
    return refused.value.field, refused.value.remedy


def test_what_was_owed_is_filled_in() -> None:
    """What the invoices owed on the day of the agreement is kept with it, whenever it is recorded."""
    paid = OWED.having(payments=(payment("40.00", on="2026-04-05", F_1="40.00"),))
    both = promise(invoices=("F-1", "F-2"))
    assert concluded(OWED, both, day(MADE)).owed == money("150.00")
    assert concluded(paid, both, day("2026-04-06")).owed == money("150.00")
    assert concluded(paid, promise(made="2026-04-05"), day("2026-04-06")).owed == money("60.00")


def test_nothing_decided_elsewhere_is_believed() -> None:
    """An approval or an end that an agreement brings along is dropped: only people here decide them."""
    forged = settlement().model_copy(update={"approved": True, "ended_on": day(MADE), "owed": money("9.00")})
    made = concluded(OWED, forged, day(MADE))
    assert (made.approved, made.ended_on, made.owed) == (False, None, money("100.00"))


@pytest.mark.parametrize(
    ("agreement", "field"),
    [
        (promise(amount="100.01"), "amount"),
        (plan("100.04"), "instalments"),
        (settlement("100.00"), "amount"),
        (settlement("100.01"), "amount"),
        (dispute(amount="100.01"), "amount"),
        (promise(invoices=("F-1", "F-3")), "invoices"),
    ],
)
def test_amounts_that_cannot_be_meant_are_refused(agreement: Agreement, field: str) -> None:
    """More than is owed cannot be promised, settled or contested, nor two currencies summed."""
    assert refusal(agreement)[0] == f"agreement.{field}"


@pytest.mark.parametrize("agreement", [promise(amount="100.00"), plan("100.00"), settlement("99.99")])
def test_all_that_is_owed_can_be_agreed_on(agreement: Agreement) -> None:
    """To the cent, what is owed can be promised and divided, and all but a cent be settled for."""
    assert concluded(OWED, agreement, day(MADE)).owed == money("100.00")


def test_nothing_is_agreed_on_what_is_not_owed() -> None:
    """A paid, a settled and a written-off invoice leave nothing to promise; a paid one can be contested."""
    paid = OWED.having(payments=(payment("100.00", F_1="100.00"),))
    assert "nothing is owed" in refusal(promise(), paid)[1]
    assert concluded(paid, dispute(), day(MADE)).owed == money("0.00")
    closed = agreed(OWED, settlement(), approved=True)
    kept = closed.having(payments=(payment("60.00", on="2026-04-05", F_1="60.00"),))
    assert "nothing is owed" in refusal(promise(made="2026-04-06"), kept, "2026-04-06")[1]
    given_up = changed(OWED, "F-1", ending=Ending.WRITTEN_OFF)
    assert "written off" in refusal(promise(), given_up)[1]


@pytest.mark.parametrize("second", [promise(id="P-2"), plan(), settlement()])
def test_money_keeps_one_agreement_at_a_time(second: Agreement) -> None:
    """While a promise is under way its invoice takes no other one about money, and names the first."""
    assert "(P-1); end that one first" in refusal(second, agreed(OWED, promise()))[1]


def test_a_dispute_and_a_promise_go_together() -> None:
    """The rest of a disputed invoice can be promised, if the promise says how much; no second dispute can."""
    contested = agreed(OWED, dispute(amount="30.00"))
    assert "is disputed: name the amount" in refusal(promise(), contested)[1]
    assert concluded(contested, promise(amount="70.00"), day(MADE)).owed == money("100.00")
    assert "a dispute under way (D-1)" in refusal(dispute(id="D-2"), contested)[1]
    later = dispute("2026-06-30", "2026-05-02", id="D-2")
    assert concluded(contested, later, day("2026-05-02")).id == "D-2"


@pytest.mark.parametrize("first", [promise(), plan(count=1)])
@pytest.mark.parametrize("second", [promise("2026-05-10", "2026-04-20"), plan("40.00", first="2026-05-10")])
@pytest.mark.parametrize("came_in_time", ["", "40.00"])
def test_u20_a_second_promise_after_a_broken_one_needs_approval(
    first: Agreement, second: Agreement, came_in_time: str
) -> None:
    """U20: after a promise or a plan that was broken, or kept in part, the next one waits for a person."""
    before = agreed(OWED, first)
    if came_in_time:
        before = before.having(payments=(payment(came_in_time, on="2026-04-10", F_1=came_in_time),))
    after = second.model_copy(update={"id": "N-2", "made_on": LATE})
    assert concluded(before, after, LATE).needs_approval
    assert not concluded(OWED, after, LATE).needs_approval


def test_another_invoice_or_a_kept_promise_needs_no_approval() -> None:
    """A broken promise about another invoice, a kept one and an offer not taken up weigh nothing."""
    later = promise("2026-05-10", "2026-04-20", id="P-2")
    assert not concluded(agreed(OWED, promise(invoices=("F-2",))), later, LATE).needs_approval
    paid = payment("40.00", F_1="40.00", on="2026-04-02")
    kept = agreed(OWED, promise(amount="40.00")).having(payments=(paid,))
    assert not concluded(kept, later, LATE).needs_approval
    assert not concluded(agreed(OWED, settlement()), later, LATE).needs_approval


def test_a_document_stands_for_its_maturities() -> None:
    """A promise takes all maturities; a dispute becomes one for each, the oldest contested first."""
    split = account(
        RULES,
        invoice("X/1", "2026-03-31", "60.00", document="X"),
        invoice("X/2", "2026-04-30", "40.00", document="X"),
        credit_notes=(credit_note("10.00", invoice="X/1"),),
    )
    numbers = ("X/1", "X/2")
    (whole,) = divided(split, promise(invoices=("X",)), numbers)
    assert (whole.id, whole.invoices) == ("P-1", numbers)
    parts = divided(split, dispute(invoices=("X",), amount="70.00"), numbers)
    assert [(one.id, one.invoices, one.model_dump(mode="json")["amount"]) for one in parts] == [
        ("D-1/1", ("X/1",), "50.00"),
        ("D-1/2", ("X/2",), "20.00"),
    ]
    assert [one.id for one in divided(split, dispute(invoices=("X",), amount="50.00"), numbers)] == ["D-1/1"]
    assert [one.id for one in divided(split, dispute(invoices=("X",)), numbers)] == ["D-1/1", "D-1/2"]
    assert [one.id for one in divided(split, dispute(invoices=("X/2",)), ("X/2",))] == ["D-1"]


def test_the_money_come_and_what_comes_next() -> None:
    """Of a plan of four times 25, 30 have come: the second instalment is next, until its grace is over."""
    owed = agreed(OWED, plan()).having(payments=(payment("30.00", on="2026-04-08", F_1="30.00"),))
    (made,) = owed.agreements
    assert came(owed, made, day("2026-04-07")) == money("0.00")
    assert came(owed, made, day("2026-04-09")) == money("30.00")
    duty = next_duty(owed, made)
    assert duty is not None
    assert (str(duty.amount), str(duty.by)) == ("50.00", "2026-04-20")
    assert owed.standing(made, day("2026-04-20")) is Standing.RUNNING


def test_an_agreement_turns_on_its_last_days() -> None:
    """A standing can change by itself after the last day of a dispute, of the grace, or of the deciding."""
    (offered,) = agreed(OWED, settlement()).agreements
    (planned,) = agreed(OWED, plan(count=2)).agreements
    assert turns(dispute(), 3) == (day("2026-05-01"),)
    assert turns(promise(), 3) == (day("2026-04-13"),)
    assert turns(offered, 3) == (day("2026-04-08"),)
    assert turns(planned, 3) == (day("2026-04-13"), day("2026-04-20"))
