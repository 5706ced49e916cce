"""The one place where time is decided: what comes next for an invoice, and when.

In: the day of every step, the choice of the next one, the calendar of an invoice as a preview.
Not in: whether a message may really leave (gate.py); days and hours themselves (calendars.py).

The rules, in order. A settled case closes. A blocked one waits for a fact. Of the steps above the last
one taken, the first that still makes sense is next: a step before the due date lapses on that date, and
an optional step lapses once a later one is due; a required step is never jumped over. It is taken on
its day, rolled onto a business day, or later: after the spacing, the printed deadline, the debtor's
contact cap and all that suspends it; or earlier, where a promise was broken.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.account import Account, Case, Contacted
from domain.actions import Because, Ending, NextAction, Rule, StepOutcome, StepTaken
from domain.agreements import Dispute
from domain.calendars import ONE_DAY, Agenda
from domain.fact import ZERO, Fact
from domain.policy import Anchor, Channel, DunningPolicy, DunningStep, Roll, Tone
from domain.receivable import Debtor, Invoice
from domain.standing import Suspension

STOPPED = NextAction(kind="wait", because=Because(rule=Rule.SENDING_STOPPED))

ENDINGS = {Rule.PAID: Ending.PAID, Rule.WAIVED: Ending.PAID, Rule.CREDITED: Ending.CREDITED}

READ_FIRST = timedelta(days=3)
"""How long a debtor has had an invoice before the first word after its due date."""


def step_day(step: DunningStep, invoice: Invoice) -> date:
    """Gives the day a step falls on before any rolling: its anchor plus its offset, in civil days."""
    anchor = invoice.due_date if step.anchor is Anchor.DUE else invoice.issue_date
    return anchor + timedelta(days=step.offset_days)


def planned_day(step: DunningStep, invoice: Invoice, policy: DunningPolicy, agenda: Agenda) -> date:
    """Gives the day a step is planned for, rolled onto a business day."""
    how = step.roll or policy.roll
    return agenda.roll(step_day(step, invoice), how, policy.window, before_due=step.lapses_when_due)


def next_action(account: Account, number: str, policy: DunningPolicy, now: datetime) -> NextAction:
    """Says what comes next for one invoice, and why. `now` is an aware instant."""
    case = account.case(number)
    decided = _over(account, case) or _waits(account, case, policy)
    if decided is not None:
        return decided
    agenda = Agenda.of(account.creditor, account.debtor)
    action = _climb(account, case, policy, agenda, now)
    if action is None:
        return NextAction(kind="close", ending=Ending.EXHAUSTED, because=Because(rule=Rule.LADDER_FINISHED))
    if action.step is not None:
        step = policy.step(action.step)
        if account.stopped(policy.id, usable_channel(step, account.debtor) or step.channel):
            return STOPPED
    return action


def usable_channel(step: DunningStep, debtor: Debtor) -> Channel | None:
    """Chooses the step's channel or, where the debtor cannot be reached by it, the one it falls back to."""
    for channel in (step.channel, step.fallback):
        if channel is Channel.EMAIL and debtor.emails:
            return channel
        if channel is Channel.LETTER and debtor.address is not None:
            return channel
        if channel in {Channel.CALL, Channel.HANDOFF}:
            return channel
    return None


def _over(account: Account, case: Case) -> NextAction | None:
    if case.ending is Ending.WRITTEN_OFF:
        return NextAction(kind="close", ending=case.ending, because=Because(rule=Rule.WRITTEN_OFF))
    settled = account.settlement(case.invoice.number)
    if settled is not None:
        return NextAction(kind="close", ending=ENDINGS[settled], because=Because(rule=settled))
    if any(taken.outcome is StepOutcome.HANDED_OFF for taken in case.standing):
        return NextAction(kind="close", ending=Ending.HANDED_OFF, because=Because(rule=Rule.HANDED_OFF))
    return None


def _waits(account: Account, case: Case, policy: DunningPolicy) -> NextAction | None:
    """Says what a case waits for that only a new fact can bring."""
    if account.stopped(policy.id):
        return STOPPED
    if case.blocked is not None:
        return NextAction(kind="wait", because=case.blocked)
    if any(one.outcome is StepOutcome.AMBIGUOUS for one in case.standing):
        return NextAction(kind="wait", because=Because(rule=Rule.AMBIGUOUS))
    if account.balance(case.invoice.number).net <= ZERO:
        return NextAction(kind="wait", because=Because(rule=Rule.ALLOCATE))
    return None


def _climb(
    account: Account, case: Case, policy: DunningPolicy, agenda: Agenda, now: datetime
) -> NextAction | None:
    below_minimum = False
    for step in steps_above(case, policy):
        action = _arrange(account, case, step, policy, agenda, now)
        if action.day is None or _lapses(case, step, policy, agenda, action.day):
            continue
        if not _applies(account, case, step, action.day):
            continue
        if not _worth_it(account, case, policy, action.day):
            below_minimum = True
            if policy.must_take(step):
                break
            continue
        return action
    if below_minimum:
        return NextAction(
            kind="wait",
            at=_enough_owed(account, case, policy, agenda, now),
            because=Because(rule=Rule.BELOW_MINIMUM),
        )
    return None


def _enough_owed(
    account: Account, case: Case, policy: DunningPolicy, agenda: Agenda, now: datetime
) -> datetime | None:
    """Finds the first midnight at which what falls due, or is contested no more, lifts the sum enough."""
    days = {other.invoice.due_date + ONE_DAY for other in account.cases if other.ending is None}
    days |= {one.until + ONE_DAY for one in account.agreements if isinstance(one, Dispute)}
    lifted = (day for day in days if day > agenda.today(now) and _worth_it(account, case, policy, day))
    first = min(lifted, default=None)
    return agenda.midnight(first) if first is not None else None


def steps_above(case: Case, policy: DunningPolicy) -> tuple[DunningStep, ...]:
    """Lists the steps that the case has not reached, lowest first; voided steps are reopened."""
    keys = [step.key for step in policy.steps]
    rungs = [keys.index(taken.step) for taken in case.standing if taken.step in keys]
    return policy.steps[max(rungs, default=-1) + 1 :]


def _lapses(case: Case, step: DunningStep, policy: DunningPolicy, agenda: Agenda, day: date) -> bool:
    if step.lapses_when_due and day >= case.invoice.due_date:
        return True
    if policy.must_take(step):
        return False
    later = policy.steps[policy.index(step.key) + 1 :]
    return any(planned_day(other, case.invoice, policy, agenda) <= day for other in later)


def _applies(account: Account, case: Case, step: DunningStep, day: date) -> bool:
    when = step.when
    if when is None:
        return True
    net = account.claimable(case.invoice.number, day)
    unpaid = sum(1 for number in account.open_numbers() if account.claimable(number, day) > ZERO)
    return (
        (when.min_balance is None or net >= when.min_balance)
        and (when.max_balance is None or net <= when.max_balance)
        and (when.min_days_late is None or (day - case.invoice.due_date).days >= when.min_days_late)
        and (when.min_open_invoices is None or unpaid >= when.min_open_invoices)
        and (when.tag is None or when.tag in account.debtor.tags)
    )


def _worth_it(account: Account, case: Case, policy: DunningPolicy, day: date) -> bool:
    """Compares what would be due on the day, over the debtor's invoices, with the minimum, inclusive."""
    minimum = policy.minimum_for(case.invoice.currency)
    return minimum is None or owed_on(account, case.invoice, day) >= minimum


def owed_on(account: Account, invoice: Invoice, day: date) -> Decimal:
    """Sums what the debtor owes in the invoice's currency: this invoice and all that are overdue."""
    return sum(
        (
            account.claimable(case.invoice.number, day)
            for case in account.cases
            if case.ending is None
            and case.invoice.currency == invoice.currency
            and (case.invoice.number == invoice.number or case.invoice.due_date < day)
        ),
        ZERO,
    )


def _arrange(
    account: Account, case: Case, step: DunningStep, policy: DunningPolicy, agenda: Agenda, now: datetime
) -> NextAction:
    """Finds the day and the instant of a step, and the rule that decided them."""
    planned = planned_day(step, case.invoice, policy, agenda)
    hurried = case.hurried == step.key
    earliest, because = max(
        _bounds(account, case, step, policy, agenda, planned, now)
        if not hurried
        else _at_once(agenda, planned, now),
        key=lambda bound: bound[0],
    )
    held: list[Suspension] = []

    def is_free(day: date) -> bool:
        suspended = account.suspended_on(case.invoice.number, day)
        held.extend([suspended] if suspended is not None else [])
        return suspended is None

    any_day = (step.roll or policy.roll) is Roll.NONE
    day, at = agenda.first_moment(earliest, now, policy.window, any_day=any_day, free=is_free)
    if held:
        last = max(held, key=lambda one: one.until)
        because = Because(rule=last.rule, planned=planned, until=last.until)
    elif day > earliest == agenda.today(now) and because.rule is not Rule.OPERATOR:
        because = Because(rule=Rule.WINDOW, planned=planned)
    return NextAction(
        kind="take", step=step.key, at=at, day=day, late_days=max(0, (day - planned).days), because=because
    )


def _at_once(agenda: Agenda, planned: date, now: datetime) -> list[tuple[date, Because]]:
    return [(agenda.today(now), Because(rule=Rule.OPERATOR, planned=planned))]


def _bounds(
    account: Account,
    case: Case,
    step: DunningStep,
    policy: DunningPolicy,
    agenda: Agenda,
    planned: date,
    now: datetime,
) -> Iterator[tuple[date, Because]]:
    """Yields every day before which the step may not be taken; the latest wins, the first at a tie."""
    last = max(case.standing, key=lambda taken: taken.day, default=None)
    broken = _broken(account, case, step, policy, agenda, last)
    if broken is not None and broken < planned:
        yield broken, Because(rule=Rule.BROKEN, planned=planned)
        planned = broken
    else:
        rolled = planned != step_day(step, case.invoice)
        yield planned, Because(rule=Rule.ROLLED if rolled else Rule.CALENDAR, planned=planned)
    if agenda.today(now) > planned:
        yield (
            agenda.today(now),
            Because(rule=Rule.LATE, planned=planned, days=(agenda.today(now) - planned).days),
        )
    if last is not None:
        yield from _after(last, policy, planned)
    if case.invoice.delivered_on is not None and not step.lapses_when_due:
        yield case.invoice.delivered_on + READ_FIRST, Because(rule=Rule.DELIVERY, planned=planned)
    contact = account.last_contact()
    if contact is not None and step.channel.writes and step.tone < Tone.FORMAL:
        cap = account.contact_cap_days
        yield contact + timedelta(days=cap), Because(rule=Rule.CONTACT_CAP, planned=planned, days=cap)
    daily_cap = account.creditor.daily_cap
    if daily_cap is not None and case.postponed_to is not None and step.channel.writes:
        yield case.postponed_to, Because(rule=Rule.DAILY_CAP, planned=planned, days=daily_cap)


def _broken(
    account: Account,
    case: Case,
    step: DunningStep,
    policy: DunningPolicy,
    agenda: Agenda,
    last: StepTaken | None,
) -> date | None:
    """Gives the day on which a broken promise brings the next step forward; never a grave one.

    Nothing comes forward to before the due date: until then nobody is late.
    """
    day = account.broken_on(case.invoice.number)
    if day is None or step.tone >= Tone.FORMAL or (last is not None and last.day >= day):
        return None
    if step.lapses_when_due:
        return None
    day = max(day, case.invoice.due_date + ONE_DAY)
    return agenda.roll(day, Roll.NEXT, policy.window, before_due=False)


def _after(last: StepTaken, policy: DunningPolicy, planned: date) -> Iterator[tuple[date, Because]]:
    spacing = policy.spacing_days
    yield last.day + timedelta(days=spacing), Because(rule=Rule.SPACING, planned=planned, days=spacing)
    if last.deadline is not None:
        yield (
            last.deadline + timedelta(days=1),
            Because(rule=Rule.DEADLINE, planned=planned, until=last.deadline),
        )


class PlannedStep(Fact):
    """States one line of an invoice's calendar."""

    step: str
    channel: Channel
    day: date
    at: datetime
    late_days: int
    because: Because


def calendar(account: Account, number: str, policy: DunningPolicy, now: datetime) -> tuple[PlannedStep, ...]:
    """Previews every step still to come if nothing else happens, in order, by the rule of the live run."""
    lines: list[PlannedStep] = []
    for _ in policy.steps:
        action = next_action(account, number, policy, now)
        if action.kind != "take" or action.step is None or action.at is None or action.day is None:
            break
        step = policy.step(action.step)
        lines.append(
            PlannedStep(
                step=step.key,
                channel=step.channel,
                day=action.day,
                at=action.at,
                late_days=action.late_days,
                because=action.because,
            )
        )
        now = max(now, action.at)
        account = with_step(account, number, taken(step, action.day))
        if step.channel.writes:
            foreseen = _foreseen(account, number, step, lines[-1])
            account = account.having(contacts=(*account.contacts, foreseen))
    return tuple(lines)


def _foreseen(account: Account, number: str, step: DunningStep, line: PlannedStep) -> Contacted:
    return Contacted(
        message=step.key,
        day=line.day,
        at=line.at,
        channel=step.channel,
        tone=step.tone,
        wording=step.message,
        invoices=(number,),
        overdue=account.case(number).invoice.due_date < line.day,
    )


def taken(step: DunningStep, day: date, cycle: int = 1) -> StepTaken:
    """Records a step as if it had been taken on a day."""
    period = step.payment_period_days
    outcome = {Channel.CALL: StepOutcome.TASK, Channel.HANDOFF: StepOutcome.HANDED_OFF}.get(
        step.channel, StepOutcome.SENT
    )
    deadline = day + timedelta(days=period) if period else None
    return StepTaken(step=step.key, cycle=cycle, outcome=outcome, day=day, deadline=deadline)


def with_step(account: Account, number: str, step: StepTaken) -> Account:
    """Gives the account as it stands once an invoice's step is on record."""
    return account.having(
        cases=tuple(
            case.model_copy(
                update={
                    "taken": (*case.taken, step.model_copy(update={"cycle": case.cycle})),
                    "hurried": None,
                }
            )
            if case.invoice.number == number
            else case
            for case in account.cases
        )
    )
