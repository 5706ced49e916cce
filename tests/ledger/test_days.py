"""Why a customer was, or was not, contacted about an invoice on any day, past or to come.

In: the answer from the journal for past days, from the calendar for days to come, on both databases.
Not in: how it reads (tests/console), the account it is concluded from (test_hindsight.py).
"""

from datetime import date

from domain.actions import Rule
from domain.schedule import calendar
from ledger.queries import find_case
from ledger.views import case as reading
from ledger.views.case import CaseView
from ledger.views.days import Day, on_day, passed_over
from tests.domain import build
from tests.ledger.conftest import Clerk


async def _asked(clerk: Clerk, *days: str) -> list[Day]:
    async with clerk.database.reading() as conn:
        line = await find_case(conn, "F-1")
        view = await reading.view(conn, line, clerk.shelf)
        chain = await reading.chain(conn, line, clerk.shelf)
    return [on_day(view, chain, date.fromisoformat(one), clerk.now) for one in days]


async def test_a_past_day_is_answered_by_what_was_known_then(clerk: Clerk) -> None:
    """The rules are asked with the facts of that evening: before, held, sent, caught up, paid later."""
    await clerk.bill(build.invoice("F-1", due="2026-03-31"))
    clerk.now = build.at("2026-03-19 10:00")
    async with clerk.book() as book:
        await book.place_hold(build.hold("2026-03-19", "2026-03-24"), "anna")
    sent = await clerk.send("F-1", "2026-03-25 10:00")
    clerk.now = build.at("2026-03-26 12:00")
    async with clerk.book() as book:
        await book.put_payment(build.payment("100.00", F_1="100.00", on="2026-03-26"))
    clerk.now = build.at("2026-05-04 12:00")
    unknown, early, held, left, after, paid = await _asked(
        clerk, "2026-02-27", "2026-03-18", "2026-03-21", "2026-03-25", "2026-03-26", "2026-04-02"
    )
    assert (unknown.known, unknown.quiet) == (False, True)
    assert early.then is not None
    assert (early.then.because.rule, early.then.day) == (Rule.ROLLED, build.day("2026-03-20"))
    assert held.then is not None
    assert (held.then.because.rule, held.then.because.until) == (Rule.HOLD, build.day("2026-03-24"))
    assert (held.quiet, held.works) == (True, False)
    assert [one.id for one in left.messages] == [sent]
    assert not left.quiet
    assert after.then is not None
    assert after.then.because.rule is Rule.PAID
    assert [entry.kind for entry in after.entries] == ["payment.received", "case.closed"]
    assert paid.then == after.then


async def test_a_day_to_come_is_answered_by_the_calendar(clerk: Clerk) -> None:
    """A step falls on it, something keeps it free until then, or the next step comes later."""
    await clerk.bill(build.invoice("F-1", due="2026-03-31"))
    clerk.now = build.at("2026-04-01 07:00")
    async with clerk.book() as book:
        await book.place_hold(build.hold("2026-04-01", "2026-04-08"), "anna")
    held, first, between, end = await _asked(clerk, "2026-04-03", "2026-04-09", "2026-04-20", "2027-04-20")
    assert held.suspended is not None
    assert (held.quiet, held.suspended.until) == (True, build.day("2026-04-08"))
    assert first.planned is not None
    assert (first.planned.step, first.planned.because.rule) == ("D+2", Rule.HOLD)
    assert between.upcoming is not None
    assert (between.quiet, between.upcoming.step) == (True, "D+30")
    assert (end.quiet, end.upcoming, end.then) == (True, None, None)


def _passed(view: CaseView, clerk: Clerk) -> list[tuple[str, str]]:
    coming = calendar(view.account, "F-1", view.policy, clerk.now)
    return [(step.key, day.isoformat()) for step, day in passed_over(view, coming, clerk.now)]


async def test_steps_that_were_passed_over_are_listed(clerk: Clerk) -> None:
    """What came too late to be sent is listed with its day, until the invoice is closed."""
    await clerk.bill(build.invoice("F-1", due="2026-03-10"))
    clerk.now = build.at("2026-03-05 12:00")
    async with clerk.database.reading() as conn:
        view = await reading.view(conn, await find_case(conn, "F-1"), clerk.shelf)
    assert _passed(view, clerk) == []
    clerk.now = build.at("2026-03-11 12:00")
    assert _passed(view, clerk) == [("D-10", "2026-02-27"), ("D-3", "2026-03-06")]
