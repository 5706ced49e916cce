"""What happened to an invoice on one day, past or to come, and why nothing else did.

In: what left, what was given to people, what is planned, and the reason of the rules for everything else.
Not in: how the answer reads (console/), the rules themselves (domain/).

A past day is answered from the journal: the account is rebuilt as it stood at the end of that day, and the
rules of the live run are asked what they said then. A day to come is answered from the calendar.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from domain.actions import NextAction, StepTaken
from domain.calendars import ONE_DAY, Agenda
from domain.fact import Fact
from domain.policy import DunningStep
from domain.schedule import PlannedStep, calendar, next_action, planned_day
from domain.standing import Suspension
from ledger.hindsight import accounts_at
from ledger.journal import Entry
from ledger.messages import MessageRecord
from ledger.views.case import CaseView, Chain

INSTANT = timedelta(microseconds=1)


class Day(Fact):
    """Answers for one day of an invoice.

    `messages` left on that day, or may have; `steps` were taken without one. `planned` is what will leave
    on a day to come. Where nothing leaves, `then` is what the rules said at the end of the day (None while
    the invoice was not on record), or `suspended` what keeps a day to come free, and `upcoming` what comes
    after it. `works` tells whether messages may leave on such a day at all.
    """

    day: date
    tense: Literal["past", "today", "future"]
    works: bool
    known: bool = True
    messages: tuple[MessageRecord, ...] = ()
    steps: tuple[StepTaken, ...] = ()
    planned: PlannedStep | None = None
    then: NextAction | None = None
    suspended: Suspension | None = None
    upcoming: PlannedStep | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def quiet(self) -> bool:
        """Tells whether nobody was, or will be, contacted on that day about the invoice."""
        return not (self.messages or self.steps or self.planned)


def end_of(agenda: Agenda, day: date) -> datetime:
    """Gives the last instant of a civil day."""
    return agenda.midnight(day + ONE_DAY) - INSTANT


def on_day(view: CaseView, chain: Chain, day: date, now: datetime) -> Day:
    """Answers for any day; `now` is an aware instant."""
    number, agenda = view.line.number, Agenda.of(view.account.creditor, view.account.debtor)
    today = agenda.today(now)
    answer = Day(
        day=day,
        tense="past" if day < today else "today" if day == today else "future",
        works=agenda.works_on(day, view.policy.window),
        messages=tuple(one for one in view.messages if one.reminder.day == day),
        steps=tuple(one for one in view.case.taken if one.message is None and one.day == day),
        entries=tuple(one for one in view.entries if agenda.today(one.at) == day),
    )
    if day < today:
        (then,) = said_then(chain, number, [end_of(agenda, day)])
        return answer.model_copy(update={"then": then, "known": then is not None})
    lines = calendar(view.account, number, view.policy, now)
    after = (line for line in lines if line.day > day)
    return answer.model_copy(
        update={
            "planned": next((line for line in lines if line.day == day), None),
            "then": None if lines else next_action(view.account, number, view.policy, now),
            "suspended": view.account.suspended_on(number, day),
            "upcoming": next(after, None),
        }
    )


def said_then(chain: Chain, number: str, instants: Sequence[datetime]) -> list[NextAction | None]:
    """Tells what the rules said came next at each of some instants, which are in order.

    None stands for an instant at which the invoice was not on record.
    """
    found: list[NextAction | None] = []
    for instant, account in zip(instants, accounts_at(chain.entries, instants), strict=True):
        case = next((one for one in account.cases if one.invoice.number == number), None) if account else None
        if account is None or case is None:
            found.append(None)
        else:
            found.append(next_action(account, number, chain.policies[case.policy], instant))
    return found


def passed_over(
    view: CaseView, coming: Sequence[PlannedStep], now: datetime
) -> list[tuple[DunningStep, date]]:
    """Lists the steps whose day is over and that were never taken, each with its day.

    `coming` is the calendar of what is still to come.
    """
    agenda = Agenda.of(view.account.creditor, view.account.debtor)
    closed = view.line.closed_at
    end = min(agenda.today(now), agenda.today(closed) if closed is not None else date.max)
    still = {line.step for line in coming}
    days = ((step, planned_day(step, view.case.invoice, view.policy, agenda)) for step in view.policy.steps)
    return [
        (step, day)
        for step, day in days
        if day < end and step.key not in still and not view.case.has_taken(step.key)
    ]
