"""The daily cap: how many messages leave in a creditor's name on one day, and who has a place on which.

In: the place of a message among those of its day, or of the first day that has one.
Not in: what it says, and the days between two messages to one debtor (domain/).

Who is turned away gets a place on a later day and keeps it, before those who come new that day: so
nobody waits for ever behind others. A place counts once a debtor, for one message speaks for all of
the debtor's invoices; it is free again once the case is closed or the step is taken.
"""

from datetime import date

import sqlalchemy as sa

from domain.calendars import ONE_DAY, Agenda
from domain.policy import Roll
from domain.reminder import Reminder
from ledger.folio import Folio
from ledger.schema import invoices, messages

COUNTED = ("reserved", "handing_over", "sent", "ambiguous", "voided")
"""States of a message that takes, or took, one of the day's places."""

PLACES = 7_203_404
"""The space of PostgreSQL's advisory locks in which messages of one creditor take their places."""


async def place(folio: Folio, reminder: Reminder) -> date:
    """Finds the day on which a message has its place: today, or the first later day with a free one.

    What an operator asked for at once goes beyond the cap, and is counted.
    """
    cap, today = folio.account.creditor.daily_cap, reminder.day
    cases = [folio.case(number) for number in (line.number for line in reminder.lines)]
    if cap is None or any(case.hurried for case in cases):
        return today
    await _take_turn(folio)
    left = await _left(folio, today)
    promised = await _promised(folio, today)
    has_place = any(case.postponed_to == today for case in cases)
    if left + (0 if has_place else promised.get(today, 0)) < cap:
        return today
    agenda = Agenda.of(folio.account.creditor, folio.account.debtor)
    window = folio.policies[cases[0].policy].window
    day = agenda.roll(today + ONE_DAY, Roll.NEXT, window, before_due=False)
    while promised.get(day, 0) >= cap:
        day = agenda.roll(day + ONE_DAY, Roll.NEXT, window, before_due=False)
    return day


async def postpone(folio: Folio, reminder: Reminder, day: date) -> None:
    """Gives the cases that a message would have spoken for their place on a later day."""
    for line in reminder.lines:
        await folio.write_case(line.number, {"postponed_to": day})
        folio.amend_case(line.number, postponed_to=day)
    numbers = [line.number for line in reminder.lines]
    await folio.log("case.postponed", reminder.lead, to=day.isoformat(), invoices=numbers)


async def _take_turn(folio: Folio) -> None:
    """Waits until no other transaction is counting this creditor's places; SQLite has one writer anyway."""
    if folio.conn.dialect.name == "postgresql":
        lock = sa.text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
        await folio.conn.execute(lock, {"space": PLACES, "key": folio.creditor})


async def _left(folio: Folio, day: date) -> int:
    """Counts the messages of a day that left, or are leaving."""
    query = sa.select(sa.func.count()).where(
        messages.c.creditor == folio.creditor, messages.c.day == day, messages.c.state.in_(COUNTED)
    )
    return int((await folio.conn.execute(query)).scalar_one())


async def _promised(folio: Folio, since: date) -> dict[date, int]:
    """Counts, for each day from one on, the other debtors who have a place then."""
    query = (
        sa.select(invoices.c.postponed_to, sa.func.count(invoices.c.debtor.distinct()).label("debtors"))
        .where(
            invoices.c.creditor == folio.creditor,
            invoices.c.postponed_to >= since,
            invoices.c.ending.is_(None),
            invoices.c.debtor != folio.debtor,
        )
        .group_by(invoices.c.postponed_to)
    )
    return {row.postponed_to: row.debtors for row in await folio.conn.execute(query)}
