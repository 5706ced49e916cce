"""What holds for any account and whatever was agreed about it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.account import Account
from domain.agreements import (
    Agreement,
    Dispute,
    InstalmentPlan,
    PromiseToPay,
    Rhythm,
    Settlement,
    equal_instalments,
)
from domain.concluding import UNDER_WAY, came, concluded, turns
from domain.fact import ZERO
from domain.faults import InputRefused
from domain.gate import judge
from domain.reminder import Reminder
from domain.schedule import next_action
from domain.simulation import simulate
from domain.standing import Standing
from tests.domain.arbitrary import Portfolio, amounts, instants, portfolios
from tests.domain.build import FAR, day, shelf

quick = settings(max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

GRACE = timedelta(days=3)
moments = st.integers(0, 150).map(lambda count: day("2026-01-01") + timedelta(days=count))
lengths = st.integers(0, 40).map(lambda count: timedelta(days=count))


@st.composite
def _one(draw: st.DrawFn, numbers: list[str], name: str) -> Agreement:
    invoices = tuple(draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=2, unique=True)))
    made, length, amount = draw(moments), draw(lengths), Decimal(draw(amounts))
    basis = {"id": name, "made_on": made, "approved": draw(st.booleans())}
    match draw(st.sampled_from(["dispute", "promise", "plan", "settlement"])):
        case "dispute":
            one: Agreement = Dispute(
                **basis,
                invoices=invoices[:1],
                until=made + length,
                reason="price",
                amount=draw(st.none() | st.just(amount)),
            )
        case "promise":
            sum_ = draw(st.none() | st.just(amount))
            one = PromiseToPay(**basis, invoices=invoices, pay_by=made + length, amount=sum_)
        case "plan":
            total, count = max(amount, Decimal("0.10")), draw(st.integers(1, 5))
            parts = equal_instalments(total, count, made + length, Rhythm.WEEKLY)
            one = InstalmentPlan(**basis, invoices=invoices, instalments=parts)
        case _:
            one = Settlement(**basis, invoices=invoices, pay_by=made + length, amount=amount)
    return one


@st.composite
def agreeable(draw: st.DrawFn, *, paid: bool = True) -> Portfolio:
    """Draws an account on which people have agreed on as much as could be agreed on."""
    owed, rules = draw(portfolios(paid=paid))
    numbers = [case.invoice.number for case in owed.cases]
    for turn in range(draw(st.integers(1, 4))):
        stated = draw(_one(numbers, f"A-{turn}"))
        try:
            made = concluded(owed, stated, stated.made_on)
        except InputRefused:
            continue
        made = made.model_copy(update={"approved": stated.approved and made.needs_approval})
        owed = owed.having(agreements=(*owed.agreements, made))
    return Portfolio(owed, rules)


def silent(agreement: Agreement) -> tuple[date, date]:
    """Gives the days on which an agreement of which nothing was paid silences its invoices."""
    start = agreement.made_on
    if agreement.needs_approval and not agreement.approved:
        return start, start + timedelta(days=7)
    match agreement:
        case Dispute(amount=None):
            return start, agreement.until
        case PromiseToPay() | Settlement():
            return start, agreement.pay_by + GRACE
        case InstalmentPlan():
            return start, agreement.instalments[0].pay_by + GRACE
        case _:
            return start, start - timedelta(days=1)


@quick
@given(agreeable(paid=False), instants)
def test_nothing_leaves_while_it_is_agreed_that_nothing_does(portfolio: Portfolio, start: datetime) -> None:
    """No step of an invoice is taken on a day on which a dispute or a running agreement suspends it."""
    owed, rules = portfolio
    (lived,) = simulate([owed], shelf(rules), [], start, start + FAR).accounts
    for case in lived.cases:
        for agreement in lived.agreements:
            if case.invoice.number in agreement.invoices:
                begins, ends = silent(agreement)
                assert not [step for step in case.taken if begins <= step.day <= ends]


@quick
@given(agreeable(), moments)
def test_what_can_be_claimed_is_what_is_owed_at_most(portfolio: Portfolio, when: date) -> None:
    """Whatever was paid, waived and contested: 0 <= claimable <= net <= open <= total, on every day."""
    owed, _ = portfolio
    for case in owed.cases:
        number = case.invoice.number
        balance = owed.balance(number)
        assert ZERO <= owed.claimable(number, when) <= balance.net <= balance.open <= balance.total
        assert balance.waived >= ZERO


@quick
@given(agreeable(), instants)
def test_no_message_asks_for_what_is_contested(portfolio: Portfolio, now: datetime) -> None:
    """What a message asks for, and what is contested of its invoices on that day, is owed in all."""
    owed, rules = portfolio
    for case in owed.cases:
        message = judge(owed, case.invoice.number, shelf(rules), now)
        if not isinstance(message, Reminder):
            continue
        lines = {line.number for line in message.lines}
        contested = sum((_contested(owed, number, message.day) for number in lines), ZERO)
        assert ZERO < message.asked <= sum((owed.balance(number).net for number in lines), ZERO) - contested


def _contested(owed: Account, number: str, when: date) -> Decimal:
    """Sums what is contested of an invoice, as far as it is owed."""
    disputes = (
        one
        for one in owed.agreements
        if isinstance(one, Dispute) and number in one.invoices and one.made_on <= when <= one.until
    )
    net = owed.balance(number).net
    sums = (net if one.amount is None else one.amount for one in disputes if not one.needs_approval)
    return min(net, sum(sums, ZERO))


@quick
@given(agreeable(), instants, st.randoms(use_true_random=False))
def test_the_order_of_agreements_does_not_matter(portfolio: Portfolio, now: datetime, chance: Random) -> None:
    """Agreements and payments in any order give the same balances and plans."""
    owed, rules = portfolio
    agreements, payments = list(owed.agreements), list(owed.payments)
    chance.shuffle(agreements)
    chance.shuffle(payments)
    shuffled = owed.having(agreements=tuple(agreements), payments=tuple(payments))
    for case in owed.cases:
        number = case.invoice.number
        assert shuffled.balance(number) == owed.balance(number)
        assert next_action(shuffled, number, rules, now) == next_action(owed, number, rules, now)


@quick
@given(agreeable(), moments, lengths)
def test_a_standing_changes_on_its_days_alone(portfolio: Portfolio, when: date, later: timedelta) -> None:
    """Between two days on neither of which an agreement turns, it stands as it stood; it never revives."""
    owed, _ = portfolio
    for agreement in owed.agreements:
        before, after = owed.standing(agreement, when), owed.standing(agreement, when + later)
        turned = any(when <= last < when + later for last in turns(agreement, owed.creditor.grace_days))
        assert before is after or turned
        assert before in UNDER_WAY or after is before


@quick
@given(agreeable(), moments)
def test_what_was_kept_has_come(portfolio: Portfolio, when: date) -> None:
    """A promise is kept if what was promised came within its grace, and broken only if less did."""
    owed, _ = portfolio
    for agreement in owed.agreements:
        if isinstance(agreement, PromiseToPay) and (agreement.approved or not agreement.needs_approval):
            promised = agreement.amount or agreement.owed or ZERO
            in_time = came(owed, agreement, agreement.pay_by + GRACE)
            standing = owed.standing(agreement, when)
            assert (standing is Standing.KEPT) == (in_time >= promised)
            assert (standing is Standing.BROKEN) <= (in_time == ZERO)
