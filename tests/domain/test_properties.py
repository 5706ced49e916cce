"""What holds for any policy, any account and any course of events."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.account import Account
from domain.actions import Ending, Outcome, Rule, StepTaken
from domain.calendars import Agenda, is_business_day
from domain.fact import ZERO, Fact
from domain.gate import Refusal, judge
from domain.policy import DunningPolicy, Roll, SendingWindow, Tone
from domain.reminder import Reminder
from domain.schedule import calendar, next_action, planned_day
from domain.simulation import simulate
from tests.domain.arbitrary import PLACES, WINDOWS, Life, Portfolio, instants, lives, policies, portfolios
from tests.domain.build import FAR, creditor, day, debtor, shelf

quick = settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def climbs(life: Life) -> list[tuple[str, tuple[StepTaken, ...]]]:
    """Lists the steps that each invoice took in its life, in their order."""
    (account,) = life.story.accounts
    return [(case.invoice.number, case.taken) for case in account.cases]


@quick
@given(lives())
def test_no_step_is_taken_before_its_day(life: Life) -> None:
    """A step is taken on its planned day or later, and one from before the due date never from it on."""
    agenda = Agenda.of(life.account.creditor, life.account.debtor)
    for number, taken in climbs(life):
        invoice = life.account.case(number).invoice
        for one in taken:
            rung = life.rules.step(one.step)
            assert one.day >= planned_day(rung, invoice, life.rules, agenda)
            assert not rung.lapses_when_due or one.day < invoice.due_date


@quick
@given(lives())
def test_steps_of_one_invoice_keep_their_distance(life: Life) -> None:
    """No two steps of one invoice share a day: they keep the spacing and the printed deadline."""
    for _, taken in climbs(life):
        for before, after in pairwise(taken):
            assert (after.day - before.day).days >= life.rules.spacing_days
            assert before.deadline is None or after.day > before.deadline


@quick
@given(lives())
def test_no_required_step_is_jumped_over(life: Life) -> None:
    """Whatever step was taken, every required one below it was taken before."""
    for _, taken in climbs(life):
        rungs = [life.rules.index(one.step) for one in taken]
        required = {rung for rung, one in enumerate(life.rules.steps) if life.rules.must_take(one)}
        assert rungs == sorted(set(rungs))
        assert {rung for rung in required if rungs and rung < rungs[-1]} <= set(rungs)


@quick
@given(lives())
def test_severity_never_falls(life: Life) -> None:
    """Along the steps that one invoice took, the tone never softens."""
    for _, taken in climbs(life):
        tones = [life.rules.step(one.step).tone for one in taken]
        assert tones == sorted(tones)


@quick
@given(lives())
def test_messages_keep_the_contact_cap(life: Life) -> None:
    """Below the formal ones, no message follows another to the same debtor sooner than the cap allows."""
    for before, after in pairwise(life.story.messages):
        if after.tone < Tone.FORMAL:
            assert (after.day - before.day).days >= life.account.contact_cap_days


@quick
@given(lives())
def test_every_message_leaves_in_its_window(life: Life) -> None:
    """A message leaves in the debtor's hours and, unless days stay where they are, on a day both work."""
    account, window = life.account, life.rules.window
    zone, home = ZoneInfo(account.debtor.time_zone or ""), ZoneInfo(account.creditor.time_zone)
    for entry in life.story.entries:
        if entry.what not in {Outcome.SENT, Outcome.TASK, Outcome.HANDED_OFF}:
            continue
        local, at_home = entry.at.astimezone(zone), entry.at.astimezone(home)
        assert window.opens <= local.time() < window.closes
        if life.rules.roll is not Roll.NONE:
            assert at_home.isoweekday() in window.days
            for when in (local.date(), at_home.date()):
                assert is_business_day(when, account.creditor.country)
                assert is_business_day(when, account.debtor.country)
    for message in life.story.messages:
        assert message.planned_at.astimezone(home).date() == message.day


@quick
@given(lives())
def test_nothing_leaves_during_a_hold(life: Life) -> None:
    """No invoice takes a step on a day on which it is held, the last one included."""
    for number, taken in climbs(life):
        for one in taken:
            assert life.account.suspended_on(number, one.day) is None


@quick
@given(lives(paid=False))
def test_every_unpaid_invoice_comes_to_its_end(life: Life) -> None:
    """The walk through time ends, and every reachable debtor's unpaid invoice is handed off or exhausted."""
    hands_over = life.rules.steps[-1].channel.value == "handoff"
    (account,) = life.story.accounts
    for case in account.cases:
        assert case.ending is (Ending.HANDED_OFF if hands_over else Ending.EXHAUSTED)
    settled = [entry.invoice for entry in life.story.entries if entry.what is Outcome.SETTLED]
    assert sorted(settled) == sorted(case.invoice.number for case in account.cases)


@quick
@given(portfolios(paid=False), instants)
def test_the_preview_is_what_happens(portfolio: Portfolio, now: datetime) -> None:
    """For a debtor's only invoice the calendar announced is the life lived: equal steps at equal instants."""
    owed, rules = portfolio
    alone = owed.having(cases=owed.cases[:1])
    number = alone.cases[0].invoice.number
    announced = calendar(alone, number, rules, now)
    lived = simulate([alone], shelf(rules), [], now, now + FAR)
    happened = [(entry.step, entry.at) for entry in lived.entries if entry.step is not None]
    assert [(line.step, line.at) for line in announced] == happened


@quick
@given(portfolios(), instants, st.floats(0, 1))
def test_planning_again_changes_nothing(portfolio: Portfolio, now: datetime, share: float) -> None:
    """Planning twice, or again at any instant before the planned one, gives the same step and instant."""
    owed, rules = portfolio
    for case in owed.cases:
        first = next_action(owed, case.invoice.number, rules, now)
        assert next_action(owed, case.invoice.number, rules, now) == first
        if first.at is not None:
            again = next_action(owed, case.invoice.number, rules, now + (first.at - now) * share)
            assert (again.kind, again.step, again.day, again.at) == (
                first.kind,
                first.step,
                first.day,
                first.at,
            )


@quick
@given(portfolios(), instants, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(portfolio: Portfolio, now: datetime, chance: Random) -> None:
    """Payments, credit notes, holds and invoices in any order give the same balances, plans and verdicts."""
    owed, rules = portfolio
    told = ("payments", "credit_notes", "holds", "cases")
    shuffled = owed.having(**{name: _shuffled(getattr(owed, name), chance) for name in told})
    for case in owed.cases:
        number = case.invoice.number
        assert shuffled.balance(number) == owed.balance(number)
        assert next_action(shuffled, number, rules, now) == next_action(owed, number, rules, now)
        assert judge(shuffled, number, shelf(rules), now) == judge(owed, number, shelf(rules), now)


def _shuffled(facts: Iterable[Fact], chance: Random) -> tuple[Fact, ...]:
    found = list(facts)
    chance.shuffle(found)
    return tuple(found)


@quick
@given(portfolios(), instants)
def test_the_message_is_the_same_whoever_knocks(portfolio: Portfolio, now: datetime) -> None:
    """Each invoice of a message is answered with that very message; other kinds wait for the cap."""
    owed, rules = portfolio
    numbers = [case.invoice.number for case in owed.cases]
    answers = {number: judge(owed, number, shelf(rules), now) for number in numbers}
    messages = [answer for answer in answers.values() if isinstance(answer, Reminder)]
    for message in messages:
        assert message == messages[0]
        assert all(answers[line.number] == message for line in message.lines)
    for number, answer in answers.items():
        if isinstance(answer, Refusal) and next_action(owed, number, rules, now).at == now:
            assert answer.because.rule is Rule.CONTACT_CAP
            assert answer.until is not None
            assert answer.until > now
            assert messages


@quick
@given(portfolios(), instants)
def test_nothing_is_asked_for_that_is_not_owed(portfolio: Portfolio, now: datetime) -> None:
    """A message asks for what its lines have open less what was received, and never for more than is owed."""
    owed, rules = portfolio
    for case in owed.cases:
        message = judge(owed, case.invoice.number, shelf(rules), now)
        if not isinstance(message, Reminder):
            continue
        assert message.asked == sum((line.open for line in message.lines), ZERO) - message.received
        everything = [
            owed.balance(one.invoice.number) for one in owed.cases if one.invoice.currency == message.currency
        ]
        still_open = sum((balance.open for balance in everything), ZERO)
        assert ZERO < message.asked <= still_open - min(_free(owed, message.currency), still_open)


@quick
@given(portfolios())
def test_no_more_is_presumed_than_was_received(portfolio: Portfolio) -> None:
    """Per currency, what is presumed paid is the free money and no more; no invoice falls below zero."""
    owed, _ = portfolio
    for currency in ("EUR", "CHF"):
        balances = [
            owed.balance(case.invoice.number) for case in owed.cases if case.invoice.currency == currency
        ]
        presumed = sum((balance.presumed for balance in balances), ZERO)
        still_open = sum((balance.open for balance in balances), ZERO)
        assert presumed == min(_free(owed, currency), still_open)
        assert all(ZERO <= balance.presumed <= balance.open and balance.net >= ZERO for balance in balances)


def _free(account: Account, currency: str) -> Decimal:
    """Counts the money of an account that no invoice has used: unallocated, or more than it needed."""
    free = sum((one.unallocated for one in account.payments if one.currency == currency), ZERO)
    free += sum(
        (
            note.total
            for note in account.credit_notes
            if note.invoice is None and not note.cancelled and note.currency == currency
        ),
        ZERO,
    )
    for case in account.cases:
        balance = account.balance(case.invoice.number)
        if case.invoice.currency == currency:
            free += max(ZERO, balance.credited + balance.paid - balance.total)
    return free


SWITCHES = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-09-27", "2026-10-25", "2026-11-01"]
"""The Sundays of 2026 on which America, Europe and New Zealand put their clocks forward or back."""


@quick
@given(
    st.sampled_from(SWITCHES),
    st.integers(-3, 3),
    st.sampled_from(sorted(PLACES)),
    st.sampled_from(["Europe/Paris", "America/Los_Angeles", "Pacific/Auckland"]),
    st.sampled_from(WINDOWS),
)
def test_local_hours_hold_across_daylight_saving(
    switch: str, shift: int, zone: str, home: str, hours: dict[str, object]
) -> None:
    """Around every switch of the clocks the window keeps the debtor's hours and the creditor's day."""
    window = SendingWindow.model_validate(hours)
    when = day(switch) + timedelta(days=shift)
    agenda = Agenda.of(creditor(time_zone=home), debtor(time_zone=zone))
    opens, closes = agenda.window_on(when, window)
    last = closes - timedelta(microseconds=1)
    assert opens < closes
    for instant in (opens, last):
        assert window.opens <= instant.astimezone(ZoneInfo(zone)).time() < window.closes
        assert instant.astimezone(ZoneInfo(home)).date() == when
    if zone == home and not window.spread_minutes:
        assert opens.astimezone(ZoneInfo(zone)).time() == window.opens
        assert closes.astimezone(ZoneInfo(zone)).time() == window.closes


@quick
@given(policies())
def test_a_policy_survives_json(rules: DunningPolicy) -> None:
    """Any policy written as JSON and read back is equal and has the same version."""
    again = DunningPolicy.model_validate_json(rules.model_dump_json())
    assert (again, again.version) == (rules, rules.version)


@quick
@given(policies(), st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.sampled_from(sorted(PLACES)))
def test_first_moments_are_never_early(rules: DunningPolicy, when: date, zone: str) -> None:
    """Wherever the debtor is, the first moment of a day is not before that day at the creditor's."""
    agenda = Agenda.of(creditor(), debtor(time_zone=zone))
    now = datetime(2025, 12, 31, tzinfo=UTC)
    found, at = agenda.first_moment(when, now, rules.window, any_day=True, free=lambda _: True)
    assert found == agenda.today(at) == when
