"""What agreements do to an invoice's calendar, judged on money by the day it was received."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account, Case
from domain.actions import Rule
from domain.agreements import (
    Agreement,
    Dispute,
    DisputeReason,
    InstalmentPlan,
    PromiseToPay,
    Rhythm,
    Settlement,
    equal_instalments,
)
from domain.fact import ZERO
from domain.policy import Catchup, Channel, DunningPolicy, DunningStep, Tone
from domain.receivable import (
    Allocation,
    Contact,
    Creditor,
    Debtor,
    Invoice,
    Payment,
    PostalAddress,
)
from domain.schedule import next_action
from domain.standing import Standing

POLICY = DunningPolicy(
    id="test",
    title={"en": "Test"},
    spacing_days=5,
    catch_up=Catchup.NEXT_REQUIRED,
    steps=(
        DunningStep(key="D+2", offset_days=2, channel=Channel.EMAIL, tone=Tone.COURTEOUS, message="overdue"),
        DunningStep(key="D+30", offset_days=30, channel=Channel.EMAIL, tone=Tone.FINAL, message="overdue"),
        DunningStep(
            key="notice", offset_days=60, channel=Channel.LETTER, tone=Tone.FORMAL, message="formal-notice"
        ),
    ),
)
CREDITOR = Creditor(
    id="maree",
    legal_name="Marée SAS",
    address=PostalAddress(lines=("1 quai",), postcode="33000", city="Bordeaux"),
    email="compta@maree.example",
)
DEBTOR = Debtor(
    creditor="maree", id="verger", legal_name="Verger SARL", contacts=(Contact(email="f@verger.example"),)
)
DUE = date(2026, 3, 2)  # a Monday


def account(*agreements: Agreement, payments: tuple[Payment, ...] = (), total: str = "1000.00") -> Account:
    """Gives an account with one invoice due on 2 March 2026."""
    invoice = Invoice(
        creditor="maree",
        number="F-1",
        debtor="verger",
        issue_date=DUE - timedelta(days=30),
        due_date=DUE,
        total=Decimal(total),
    )
    return Account(
        creditor=CREDITOR,
        debtor=DEBTOR,
        cases=(Case(invoice=invoice, policy=POLICY.version),),
        agreements=agreements,
        payments=payments,
    )


def paid(amount: str, day: date, reference: str = "P-1") -> Payment:
    """Gives a payment of the invoice."""
    return Payment(
        creditor="maree",
        reference=reference,
        debtor="verger",
        received_on=day,
        amount=Decimal(amount),
        allocations=(Allocation(invoice="F-1", amount=Decimal(amount)),),
    )


def promise(amount: str | None = None, **more: object) -> PromiseToPay:
    """Gives a promise made on 5 March to pay by the 16th; grace ends on the 19th."""
    facts = {"amount": Decimal(amount) if amount else None, "owed": Decimal("1000.00")} | more
    return PromiseToPay(
        id="pr-1", invoices=("F-1",), made_on=date(2026, 3, 5), pay_by=date(2026, 3, 16), **facts
    )


def noon(day: date) -> datetime:
    """Gives noon of a day."""
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)


def planned(of: Account, day: date) -> tuple[str | None, date | None, Rule]:
    """Tells the step that comes next, its day and the rule that decided."""
    action = next_action(of, "F-1", POLICY, noon(day))
    return action.step, action.day, action.because.rule


def test_a_promise_suspends_until_its_grace_is_over() -> None:
    """A promise for the 16th holds every step until the 19th, and the next one comes on the 20th."""
    assert planned(account(promise()), date(2026, 3, 6)) == ("D+2", date(2026, 3, 20), Rule.PROMISED)


def test_a_promise_kept_in_part_early_frees_nothing() -> None:
    """Half of what was promised, received in time, leaves the promise running and then kept in part."""
    half = account(promise(), payments=(paid("500.00", date(2026, 3, 10)),))
    assert half.standing(half.agreements[0], date(2026, 3, 12)) is Standing.RUNNING
    assert half.standing(half.agreements[0], date(2026, 3, 20)) is Standing.PARTLY


def test_a_promise_of_a_part_that_is_kept_frees_the_rest() -> None:
    """Once the promised 400 have come, the remaining 600 go their way without waiting."""
    kept = account(promise("400.00"), payments=(paid("400.00", date(2026, 3, 10)),))
    assert kept.standing(kept.agreements[0], date(2026, 3, 11)) is Standing.KEPT
    assert planned(kept, date(2026, 3, 11))[1] == date(2026, 3, 11)


def test_what_came_in_time_counts_however_late_it_is_told() -> None:
    """Money received on the 18th keeps the promise of the 16th, on whatever day the file arrives."""
    kept = account(promise(), payments=(paid("1000.00", date(2026, 3, 18)),))
    assert kept.standing(kept.agreements[0], date(2026, 4, 1)) is Standing.KEPT


def test_late_money_does_not_mend_a_broken_promise() -> None:
    """Money received on the 20th leaves the promise of the 16th broken."""
    late = account(promise(), payments=(paid("900.00", date(2026, 3, 20)),))
    assert late.standing(late.agreements[0], date(2026, 4, 1)) is Standing.BROKEN


def test_a_broken_promise_brings_the_next_step_forward() -> None:
    """After D+2 the step of D+30 leaves on the first business day after the grace, not on 1 April."""
    from domain.schedule import taken, with_step  # noqa: PLC0415 - only here

    reminded = with_step(account(promise()), "F-1", taken(POLICY.step("D+2"), date(2026, 3, 4)))
    assert planned(reminded, date(2026, 3, 20)) == ("D+30", date(2026, 3, 20), Rule.BROKEN)
    said = with_step(reminded, "F-1", taken(POLICY.step("D+30"), date(2026, 3, 20)))
    assert planned(said, date(2026, 3, 21)) == ("notice", date(2026, 5, 1) + timedelta(days=3), Rule.ROLLED)


def test_a_dispute_over_a_part_lets_the_rest_be_asked_for() -> None:
    """Of 1,000, 300 are contested: 700 can be claimed now, 1,000 once the dispute has run out."""
    dispute = Dispute(
        id="d-1",
        invoices=("F-1",),
        made_on=date(2026, 3, 3),
        until=date(2026, 4, 2),
        reason=DisputeReason.PRICE,
        amount=Decimal("300.00"),
    )
    part = account(dispute)
    assert planned(part, date(2026, 3, 4)) == ("D+2", date(2026, 3, 4), Rule.CALENDAR)
    assert part.claimable("F-1", date(2026, 4, 2)) == Decimal("700.00")
    assert part.claimable("F-1", date(2026, 4, 3)) == Decimal("1000.00")


@pytest.mark.parametrize(("day", "waived"), [("2026-03-19", "400.00"), ("2026-03-20", "0.00")])
def test_a_settlement_waives_only_what_was_paid_for_in_time(day: str, waived: str) -> None:
    """600 of 1,000 received within the grace close the invoice; a day later 400 stay owed."""
    offer = Settlement(
        id="s-1",
        invoices=("F-1",),
        made_on=date(2026, 3, 5),
        owed=Decimal("1000.00"),
        amount=Decimal("600.00"),
        pay_by=date(2026, 3, 16),
        approved=True,
    )
    settled = account(offer, payments=(paid("600.00", date.fromisoformat(day)),))
    assert settled.balance("F-1").waived == Decimal(waived)
    assert (settled.settlement("F-1") is Rule.WAIVED) == (waived != "0.00")


def test_a_settlement_nobody_approved_waives_nothing() -> None:
    """Without approval the offer suspends for a week and lets nothing go."""
    offer = Settlement(
        id="s-1",
        invoices=("F-1",),
        made_on=date(2026, 3, 5),
        owed=Decimal("1000.00"),
        amount=Decimal("600.00"),
        pay_by=date(2026, 3, 16),
    )
    pending = account(offer, payments=(paid("600.00", date(2026, 3, 10)),))
    assert pending.balance("F-1").open == Decimal("400.00")
    assert planned(account(offer), date(2026, 3, 6)) == ("D+2", date(2026, 3, 13), Rule.UNDECIDED)


def test_a_plan_goes_from_instalment_to_instalment() -> None:
    """Each instalment met carries the suspension to the next one; the first one missed ends the plan."""
    parts = equal_instalments(Decimal("1000.00"), 3, date(2026, 3, 31), Rhythm.MONTHLY)
    assert [(str(part.pay_by), str(part.amount)) for part in parts] == [
        ("2026-03-31", "333.33"),
        ("2026-04-30", "333.33"),
        ("2026-05-31", "333.34"),
    ]
    plan = InstalmentPlan(
        id="pl-1", invoices=("F-1",), made_on=date(2026, 3, 5), owed=Decimal("1000.00"), instalments=parts
    )
    assert planned(account(plan), date(2026, 3, 6))[1:] == (date(2026, 4, 7), Rule.INSTALMENTS)
    met = account(plan, payments=(paid("333.33", date(2026, 3, 30)),))
    assert planned(met, date(2026, 4, 7))[1:] == (date(2026, 5, 4), Rule.INSTALMENTS)
    assert met.standing(plan, date(2026, 5, 4)) is Standing.PARTLY


@given(
    total=st.decimals("1.00", "99999.99", places=2),
    count=st.integers(1, 60),
    first=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    rhythm=st.sampled_from(Rhythm),
)
def test_instalments_make_the_total(total: Decimal, count: int, first: date, rhythm: Rhythm) -> None:
    """Equal instalments sum to the total, differ by cents only and follow one another."""
    parts = equal_instalments(total, count, first, rhythm)
    assert sum(part.amount for part in parts) == total
    assert {part.amount for part in parts[:-1]} <= {parts[0].amount}
    assert [part.pay_by for part in parts] == sorted({part.pay_by for part in parts})


@given(
    came=st.lists(st.tuples(st.decimals("0.01", "400.00", places=2), st.integers(-20, 40)), max_size=4),
    contested=st.decimals("0.01", "2000.00", places=2),
    day=st.integers(-5, 60),
)
def test_what_can_be_claimed_is_never_more_than_what_is_owed(
    came: list[tuple[Decimal, int]], contested: Decimal, day: int
) -> None:
    """Whatever was paid and whatever is contested: 0 <= claimable <= net <= open <= total."""
    payments = tuple(
        paid(str(amount), DUE + timedelta(days=offset), f"P-{turn}")
        for turn, (amount, offset) in enumerate(came)
    )
    dispute = Dispute(
        id="d-1",
        invoices=("F-1",),
        made_on=DUE,
        until=DUE + timedelta(days=30),
        reason=DisputeReason.OTHER,
        amount=contested,
    )
    of = account(dispute, promise(), payments=payments)
    balance = of.balance("F-1")
    claimable = of.claimable("F-1", DUE + timedelta(days=day))
    assert ZERO <= claimable <= balance.net <= balance.open <= balance.total
