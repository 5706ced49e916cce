"""The gate's judgement: may this step be taken now, and for which invoices does one message speak.

In: the verdicts, in the order in which the questions are asked; the gathering of what is due today.
Not in: the claim that makes a message leave once (ledger/), and the sending (activities/).

The questions: is sending stopped; is anything still owed; is the case held; is it time, by the
calendar, the spacing and the contact cap; must a person approve; is the payment data fresh; can the
debtor be reached. The first that stands in the way is the answer.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from domain.account import Account, Case
from domain.actions import Because, NextAction, Outcome, Rule
from domain.calendars import Agenda, is_business_day, subdivision_of
from domain.fact import ZERO, Fact, Instant
from domain.policy import Channel, DunningPolicy, DunningStep, Tone
from domain.receivable import BankSource, Creditor, Debtor
from domain.reminder import Earlier, Reminder, ReminderLine
from domain.schedule import next_action, taken, usable_channel

Policies = Mapping[str, DunningPolicy]
"""Policies by their version."""


SUSPENDS = frozenset(
    {
        Rule.HOLD,
        Rule.DISPUTED,
        Rule.PROMISED,
        Rule.INSTALMENTS,
        Rule.SETTLING,
        Rule.UNDECIDED,
        Rule.DIRECT_DEBIT,
    }
)
"""The rules by which people or agreements suspend an invoice for a while."""


class Refusal(Fact):
    """Says that nothing is to be done now, why, and until when where time alone will tell."""

    outcome: Outcome
    because: Because
    until: Instant | None = None


class Call(Fact):
    """Permits a telephone call, which a person makes; the reminder holds what the script speaks of."""

    number: str
    step: str
    day: date
    late_days: int
    reminder: Reminder


class Approval(Fact):
    """Says that a person must approve the step first."""

    number: str
    step: str


class Handoff(Fact):
    """Permits the handoff of a case to the recovery agency."""

    number: str
    step: str
    day: date
    late_days: int


Verdict = Reminder | Call | Approval | Handoff | Refusal


def judge(
    account: Account, number: str, policies: Policies, now: datetime, apart: frozenset[str] = frozenset()
) -> Verdict:
    """Judges whether the next step of an invoice may be taken at this instant.

    `policies` holds the policy of every case of the account by its version. The verdict for a written
    step is the same whichever of the invoices due today asks: they are spoken for together, but for those
    set `apart`, which cannot be spoken for now.
    """
    case = account.case(number)
    policy = policies[case.policy]
    action = next_action(account, number, policy, now)
    refusal = _not_now(action, now)
    if refusal is not None or action.step is None or action.day is None:
        return refusal or Refusal(outcome=Outcome.HELD, because=action.because)
    step = policy.step(action.step)
    if _awaits_approval(account, case, step):
        return Approval(number=number, step=step.key)
    stale = staleness(account, now)
    if stale is not None:
        return stale
    if step.channel is Channel.CALL:
        return _call(account, (_due(case, step, action, policy),), policies, now)
    if step.channel is Channel.HANDOFF:
        return Handoff(number=number, step=step.key, day=action.day, late_days=action.late_days)
    return _write(account, number, policies, now, apart)


def _not_now(action: NextAction, now: datetime) -> Refusal | None:
    """Refuses while nothing is owed, all is stopped, the case waits, or its time has not come."""
    if action.closes:
        return Refusal(outcome=Outcome.SETTLED, because=action.because)
    if action.at is None or action.kind == "wait":
        return Refusal(outcome=Outcome.HELD, because=action.because, until=action.at)
    if action.at > now:
        outcome = Outcome.HELD if action.because.rule in SUSPENDS else Outcome.DEFERRED
        return Refusal(outcome=outcome, because=action.because, until=action.at)
    return None


def staleness(account: Account, now: datetime) -> Refusal | None:
    """Refuses when the payment data is older than the creditor's bound, or one of its banks is not read."""
    late = stale_source(account, now)
    if late is not None:
        because = Because(rule=Rule.STALE, until=account.booked_to.get(late.key), reference=late.key)
        return Refusal(outcome=Outcome.HELD, because=because)
    hours = account.creditor.payment_freshness_hours
    if hours is None:
        return None
    if account.payments_as_of is not None and now - account.payments_as_of <= timedelta(hours=hours):
        return None
    return Refusal(outcome=Outcome.HELD, because=Because(rule=Rule.STALE, days=hours // 24 or None))


def stale_source(account: Account, now: datetime) -> BankSource | None:
    """Finds a bank account of the creditor whose last booked day is older than its rhythm allows.

    A day counts as unseen once it is over; days on which the creditor's country does not work do not count.
    """
    creditor = account.creditor
    today = Agenda.of(creditor, account.debtor).today(now)
    for source in creditor.banks:
        booked_to = account.booked_to.get(source.key)
        if booked_to is None or unseen_days(creditor, booked_to, today) > source.fresh_within_days:
            return source
    return None


def unseen_days(creditor: Creditor, booked_to: date, today: date) -> int:
    """Counts the business days after the last booked one that are over."""
    place = subdivision_of(creditor.country, creditor.address.postcode, creditor.subdivision)
    after = (booked_to + timedelta(days=day) for day in range(1, (today - booked_to).days))
    return sum(1 for day in after if is_business_day(day, creditor.country, place))


def needs_approval(account: Account, number: str, step: DunningStep) -> bool:
    """Tells whether a person approves a step: the policy says so, or it is grave and a dispute is open."""
    return step.approval or (step.tone >= Tone.FORMAL and account.contested(number))


def _awaits_approval(account: Account, case: Case, step: DunningStep) -> bool:
    return step.key not in case.approved and needs_approval(account, case.invoice.number, step)


class _Due(Fact):
    """Pairs a case whose written step is due today with that step."""

    case: Case
    step: DunningStep
    action: NextAction
    rung: int

    @property
    def sternness(self) -> tuple[Tone, int, int, str]:
        """Orders by tone, then by rung, then by age; the number breaks ties."""
        return (self.step.tone, self.rung, -self.case.invoice.due_date.toordinal(), self.case.invoice.number)

    @property
    def policy_id(self) -> str:
        """Names the policy, whatever its version."""
        return self.case.policy.partition("@")[0]

    @property
    def kind(self) -> tuple[str, bool]:
        """Tells which steps one message can speak for: those in one currency, formal ones by themselves."""
        return (self.case.invoice.currency, self.step.tone >= Tone.FORMAL)


def _due(case: Case, step: DunningStep, action: NextAction, policy: DunningPolicy) -> _Due:
    return _Due(case=case, step=step, action=action, rung=policy.index(step.key))


def _call(account: Account, due: tuple[_Due, ...], policies: Policies, now: datetime) -> Call:
    today = Agenda.of(account.creditor, account.debtor).today(now)
    return _called(_compose(account, due, policies, now, today))


def _called(reminder: Reminder) -> Call:
    line = next(line for line in reminder.lines if line.number == reminder.lead)
    return Call(
        number=reminder.lead, step=line.step, day=reminder.day, late_days=line.late_days, reminder=reminder
    )


def _write(
    account: Account, number: str, policies: Policies, now: datetime, apart: frozenset[str]
) -> Verdict:
    today = Agenda.of(account.creditor, account.debtor).today(now)
    due = [one for one in _due_today(account, policies, now, today) if one.case.invoice.number not in apart]
    chosen = _spoken_for_together(account, due)
    if all(one.case.invoice.number != number for one in chosen):
        cap = account.contact_cap_days
        until = Agenda.of(account.creditor, account.debtor).midnight(today + timedelta(days=cap))
        because = Because(rule=Rule.CONTACT_CAP, days=cap)
        return Refusal(outcome=Outcome.DEFERRED, because=because, until=until)
    return _address(account, _compose(account, tuple(chosen), policies, now, today), chosen)


def _spoken_for_together(account: Account, due: list[_Due]) -> list[_Due]:
    """Chooses the steps that one message speaks for: those of the sternest one's kind.

    A stop of one policy's e-mails keeps its invoices out of the e-mails of another one too.
    """
    lead = due[0]
    channel = usable_channel(lead.step, account.debtor)
    return [
        one
        for one in due
        if one.kind == lead.kind and (one is lead or not account.stopped(one.policy_id, channel))
    ]


def _due_today(account: Account, policies: Policies, now: datetime, today: date) -> list[_Due]:
    """Gathers every written step of the debtor that is due by the end of today, the sternest first."""
    due: list[_Due] = []
    for number in account.open_numbers():
        case = account.case(number)
        policy = policies[case.policy]
        action = next_action(account, number, policy, now)
        if action.kind != "take" or action.step is None or action.day is None or action.day > today:
            continue
        step = policy.step(action.step)
        if step.channel.writes and not _awaits_approval(account, case, step):
            due.append(_due(case, step, action, policy))
    return sorted(due, key=lambda one: one.sternness, reverse=True)


def _compose(
    account: Account, due: tuple[_Due, ...], policies: Policies, now: datetime, today: date
) -> Reminder:
    lead = due[0]
    policy = policies[lead.case.policy]
    lines = tuple(
        _line(account, one, today) for one in sorted(due, key=lambda one: one.case.invoice.due_date)
    )
    tone, wording = lead.step.tone, lead.step.message
    remembered = account.remembered(today, policy.tone_memory_days)
    if remembered is not None and remembered.tone > tone and any(line.overdue for line in lines):
        tone, wording = remembered.tone, remembered.wording
    received = sum((account.balance(line.number).presumed for line in lines), ZERO)
    numbers = {line.number for line in lines}
    agenda = Agenda.of(account.creditor, account.debtor)
    return Reminder(
        creditor=account.creditor,
        debtor=account.debtor,
        policy=lead.case.policy,
        lead=lead.case.invoice.number,
        step=lead.step.key,
        cycle=lead.case.cycle,
        channel=lead.step.channel,
        wording=wording,
        tone=tone,
        language=_language(account.creditor, account.debtor, policy),
        currency=lead.case.invoice.currency,
        lines=lines,
        received=received,
        asked=sum((line.open - line.disputed for line in lines), ZERO) - received,
        day=today,
        planned_at=agenda.window_on(today, policy.window)[0],
        known_on=agenda.today(account.now_known(now)),
        deadline=taken(lead.step, today).deadline,
        earlier=tuple(
            Earlier(day=contact.day, channel=contact.channel, tone=contact.tone)
            for contact in sorted(account.contacts, key=lambda contact: contact.at)
            if numbers & set(contact.invoices)
        ),
    )


def _line(account: Account, due: _Due, today: date) -> ReminderLine:
    invoice = due.case.invoice
    balance = account.balance(invoice.number)
    return ReminderLine(
        number=invoice.number,
        document=invoice.of_document,
        step=due.step.key,
        cycle=due.case.cycle,
        rung=due.rung,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        total=invoice.total,
        open=balance.open,
        disputed=balance.net - account.claimable(invoice.number, today),
        days_overdue=(today - invoice.due_date).days,
        late_days=due.action.late_days,
        order_reference=invoice.order_reference,
        delivery_reference=invoice.delivery_reference,
        pdf=invoice.pdf,
    )


def _language(creditor: Creditor, debtor: Debtor, policy: DunningPolicy) -> str:
    for language in (debtor.language, creditor.language):
        if language in policy.languages:
            return language
    return policy.languages[0]


def _address(account: Account, reminder: Reminder, due: list[_Due]) -> Verdict:
    """Addresses the message, falling back to the lead step's second channel; fails closed."""
    debtor = account.debtor
    match usable_channel(due[0].step, debtor):
        case Channel.EMAIL as channel:
            return reminder.model_copy(update={"channel": channel, "recipients": debtor.emails})
        case Channel.LETTER as channel:
            return reminder.model_copy(update={"channel": channel, "recipients": ()})
        case Channel.CALL:
            return _called(reminder)
        case _:
            return Refusal(outcome=Outcome.UNREACHABLE, because=Because(rule=Rule.UNREACHABLE))
