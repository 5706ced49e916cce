"""What would happen: a portfolio lived through in advance, by the very functions of the live run.

In: the walk through time over accounts and dated facts, and the list of what would leave.
Not in: rendering (correspondence/), and the reading of portfolios (intake/).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime

from domain.account import Account, Contacted
from domain.actions import Because, Ending, NextAction, Outcome, Rule, StepOutcome, StepTaken
from domain.fact import Fact, Instant
from domain.gate import Approval, Call, Handoff, Policies, Refusal, judge
from domain.policy import Channel
from domain.reminder import Reminder, ReminderLine
from domain.schedule import next_action, taken, with_step

Change = Callable[[Account], Account]
"""What a dated fact does to an account."""


class Entry(Fact):
    """States one thing that would happen to one invoice, in the order of time."""

    at: Instant
    debtor: str
    invoice: str
    step: str | None
    what: Outcome
    channel: Channel | None = None
    because: Because | None = None
    message: str | None = None
    ending: Ending | None = None


class Simulated(Fact):
    """Gives the story of a portfolio: its entries, and every message in the order of leaving."""

    entries: tuple[Entry, ...]
    messages: tuple[Reminder, ...]
    accounts: tuple[Account, ...]


class _Walk:
    """Walks one account through time: takes the earliest fact or action, applies it, plans anew."""

    def __init__(self, account: Account, policies: Policies) -> None:
        self.account = account
        self.policies = policies
        self.entries: list[Entry] = []
        self.messages: list[Reminder] = []
        self.over: set[str] = set()
        self.stuck: set[str] = set()
        self.deferred: dict[str, datetime] = {}

    def live(self, facts: list[tuple[datetime, Change]], now: datetime, end: datetime) -> None:
        """Lives through the time until the end; a fact at the very instant of a step comes first."""
        pending = sorted(facts, key=lambda fact: fact[0])[::-1]
        while True:
            action = self.upcoming(now)
            if pending and pending[-1][0] <= min(end, action[0] if action else end):
                at, change = pending.pop()
                now = max(now, at)
                self.account = change(self.account)
                self.retry()
            elif action is not None and action[0] <= end:
                now = max(now, action[0])
                if action[1] is not None:
                    self.knock(action[1], now)
            else:
                return

    def retry(self) -> None:
        """Lets every case that was refused for lack of a fact ask again, now that a fact has come."""
        for number in self.stuck:
            self.change_case(number, blocked=None)
        self.stuck.clear()

    def next_of(self, number: str, now: datetime) -> NextAction:
        return next_action(self.account, number, self.policies[self.account.case(number).policy], now)

    def upcoming(self, now: datetime) -> tuple[datetime, str | None] | None:
        """Finds the earliest action of any open case; closes those that are over on the way.

        At some instants nothing is done but to plan anew: those have no invoice.
        """
        found: list[tuple[datetime, str | None]] = []
        for case in self.account.cases:
            number = case.invoice.number
            action = self.next_of(number, now)
            if action.closes:
                self.close(number, action, now)
            else:
                if case.ending is not None:
                    self.over.discard(number)
                    self.change_case(number, ending=None)
                    return self.upcoming(now)
                if action.kind == "take" and action.at is not None:
                    found.append((max(action.at, self.deferred.get(number, action.at)), number))
                elif action.at is not None and action.at > now:
                    found.append((action.at, None))
        return min(found, key=lambda one: (one[0], one[1] or ""), default=None)

    def close(self, number: str, action: NextAction, now: datetime) -> None:
        if number not in self.over:
            self.over.add(number)
            self.note(now, number, None, Outcome.SETTLED, because=action.because, ending=action.ending)
            self.change_case(number, ending=action.ending)

    def change_case(self, number: str, **changes: object) -> None:
        self.account = self.account.having(
            cases=tuple(
                case.model_copy(update=changes) if case.invoice.number == number else case
                for case in self.account.cases
            )
        )

    def note(self, at: datetime, number: str, step: str | None, what: Outcome, **more: object) -> None:
        facts = {"at": at, "debtor": self.account.debtor.id, "invoice": number, "step": step, "what": what}
        self.entries.append(Entry.model_validate(facts | more))

    def knock(self, number: str, now: datetime) -> None:
        verdict = judge(self.account, number, self.policies, now)
        match verdict:
            case Reminder():
                self.write(verdict, now)
            case Call():
                self.step(verdict.number, verdict.step, verdict.day, now, Outcome.TASK)
            case Handoff():
                self.step(verdict.number, verdict.step, verdict.day, now, Outcome.HANDED_OFF)
            case Approval():
                self.note(now, number, verdict.step, Outcome.TASK)
                self.change_case(number, blocked=Because(rule=Rule.APPROVAL))
            case Refusal():
                self.refuse(number, verdict, now)

    def refuse(self, number: str, verdict: Refusal, now: datetime) -> None:
        self.note(now, number, None, verdict.outcome, because=verdict.because)
        if verdict.until is not None:
            self.deferred[number] = verdict.until
        else:
            self.stuck.add(number)
            self.change_case(number, blocked=verdict.because)

    def write(self, reminder: Reminder, now: datetime) -> None:
        self.messages.append(reminder)
        for line in reminder.lines:
            what = Outcome.SENT if line.number == reminder.lead else Outcome.COVERED
            self.note(now, line.number, line.step, what, channel=reminder.channel, message=reminder.key)
            self.account = with_step(self.account, line.number, recorded(reminder, line))
        self.account = self.account.having(contacts=(*self.account.contacts, contacted(reminder, now)))

    def step(self, number: str, key: str, day: date, now: datetime, what: Outcome) -> None:
        step = self.policies[self.account.case(number).policy].step(key)
        self.note(now, number, key, what, channel=step.channel)
        self.account = with_step(self.account, number, taken(step, day))


def recorded(reminder: Reminder, line: ReminderLine) -> StepTaken:
    """Records what a message means for one of the invoices it speaks for."""
    return StepTaken(
        step=line.step,
        cycle=line.cycle,
        outcome=StepOutcome.SENT,
        day=reminder.day,
        deadline=reminder.deadline,
        message=reminder.key,
        late_days=line.late_days,
    )


def contacted(reminder: Reminder, at: datetime) -> Contacted:
    """Records that a message left."""
    return Contacted(
        message=reminder.key,
        day=reminder.day,
        at=at,
        channel=reminder.channel,
        tone=reminder.tone,
        wording=reminder.wording,
        invoices=tuple(line.number for line in reminder.lines),
        overdue=bool(reminder.overdue_lines),
    )


def simulate(
    accounts: Iterable[Account],
    policies: Policies,
    facts: Iterable[tuple[datetime, str, Change]],
    start: datetime,
    end: datetime,
) -> Simulated:
    """Lives through the time from start to end and tells everything that would happen.

    `facts` are dated changes: (aware instant, debtor id, what it does to that debtor's account).
    Accounts do not touch one another, so each is walked alone and the stories are merged.
    """
    by_debtor: dict[str, list[tuple[datetime, Change]]] = defaultdict(list)
    for at, debtor, change in facts:
        by_debtor[debtor].append((at, change))
    walks = [_Walk(account, policies) for account in accounts]
    for walk in walks:
        walk.live(by_debtor[walk.account.debtor.id], start, end)
    return Simulated(
        entries=tuple(
            sorted((entry for walk in walks for entry in walk.entries), key=lambda entry: entry.at)
        ),
        messages=tuple(
            sorted(
                (message for walk in walks for message in walk.messages),
                key=lambda message: (message.planned_at, message.debtor.id),
            )
        ),
        accounts=tuple(walk.account for walk in walks),
    )
