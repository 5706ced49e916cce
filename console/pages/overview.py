"""The overview: what is owed, how old it is, how it is collected, what lies ahead.

In: the page: its figures, tables and charts.
Not in: whose figures they are (console/scope.py), the sums (ledger/views/figures.py), the
formulas (domain/dso.py, ageing.py, forecast.py), the invoices behind a figure that no list names (behind.py).

Everything is of one currency, the one chosen; sums of several are never made.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from console.charts import Columns, columns, share
from console.scope import PERIOD, Scope, scope_of
from console.screen import page
from console.seats import Seat, Viewer
from console.speech import day as written_day
from domain.ageing import Age, age, due_dates
from domain.calendars import ONE_DAY, Agenda
from domain.dso import counted_back, months_back, simple
from domain.fact import ZERO
from domain.forecast import Awaiting, Cash, Due, cash, steps_ahead
from domain.policy import Channel, DunningPolicy
from domain.receivable import Creditor, Debtor
from domain.standing import Standing
from ledger.views import figures

router = APIRouter()

YEAR = timedelta(days=365)
DAYS_AHEAD, WEEKS_AHEAD = 14, 8
JUDGED = (Standing.KEPT, Standing.PARTLY, Standing.BROKEN, Standing.RUNNING)
CHANNELS = (Channel.EMAIL, Channel.LETTER, Channel.CALL, Channel.HANDOFF)


@router.get("/overview")
async def overview(seat: Viewer, request: Request, creditor: str = "", currency: str = "") -> Response:
    """Shows the figures of the portfolio, or of one creditor's, in one currency."""
    scope = await scope_of(seat, creditor, currency)
    async with seat.office.database.reading() as conn:
        owed = await figures.owed(conn, scope.narrowed)
        away = await figures.given_away(conn, scope.narrowed)
        sold = await figures.sold(conn, scope.narrowed, scope.today - YEAR, scope.today)
        delays = await figures.delays(conn, scope.narrowed, scope.today)
        came = await figures.collected(conn, scope.narrowed, scope.since, scope.today)
        words = await figures.promises(conn, scope.narrowed, scope.since)
        promised = await figures.promised(conn, scope.narrowed, scope.today)
        awaiting = await awaiting_in(conn, scope)
        policies = await seat.office.shelf.get_all(conn, {one.policy for one in awaiting})
    cases: dict[str, int] = {}
    for one in owed:
        cases[one.currency] = cases.get(one.currency, 0) + one.cases
    currencies = sorted({*cases, *sold, *away}, key=lambda money: (-cases.get(money, 0), money))
    money = scope.currency if scope.currency in currencies else (currencies or ["EUR"])[0]
    mine = [one for one in owed if one.currency == money]
    delay = delays.get(money)
    late = timedelta(days=max(0, round(delay))) if delay is not None else timedelta()
    expected = cash(mine, (one for one in promised if one.currency == money), late, scope.today, WEEKS_AHEAD)
    return page(
        seat,
        request,
        "overview/overview.html",
        scope=scope,
        creditors=scope.known,
        currencies=[(one, cases.get(one, 0)) for one in currencies],
        currency=money,
        owed=_sum(mine),
        overdue=_sum(one for one in mine if one.due_date < scope.today),
        away=away.get(money),
        ages=_ages(mine, scope, money),
        dso=_dso(mine, sold.get(money, {}), scope.today),
        cash=expected,
        cash_chart=_cash_chart(expected, seat.language),
        delay=delay,
        late=late,
        collected=_collected([one for one in came if one.currency == money], policies, seat, scope),
        promises=_promises([one for one in words if one.currency == money], scope),
        ahead=_ahead(awaiting, policies, scope, seat.language),
        channels=CHANNELS,
        period=PERIOD.days,
    )


async def awaiting_in(conn: AsyncConnection, scope: Scope) -> list[Awaiting]:
    """Counts the steps that cases take next in the coming days."""
    days = [scope.today + turn * ONE_DAY for turn in range(DAYS_AHEAD)]
    return await figures.awaiting(
        conn, scope.narrowed, [(scope.midnight(one + ONE_DAY), one) for one in days]
    )


def _sum(owed: Iterable[Due]) -> tuple[int, Decimal]:
    parts = list(owed)
    return sum(one.cases for one in parts), sum((one.amount for one in parts), ZERO)


def _ages(owed: Iterable[Due], scope: Scope, money: str) -> list[dict[str, Any]]:
    """Gives each age with its sum, its share, its bar and the address of its invoices."""
    sums: dict[Age, tuple[int, Decimal]] = dict.fromkeys(Age, (0, ZERO))
    for one in owed:
        old = age(one.due_date, scope.today)
        cases, amount = sums[old]
        sums[old] = (cases + one.cases, amount + one.amount)
    amounts = [amount for _, amount in sums.values()]
    whole, highest = _total(amounts), max(amounts)
    return [
        {
            "age": one.value,
            "cases": cases,
            "amount": amount,
            "share": amount / whole if whole else ZERO,
            "bar": share(amount, highest),
            "to": scope.invoices(money, due_from=first, due_to=last),
        }
        for one, (cases, amount) in sums.items()
        for first, last in (due_dates(one, scope.today),)
    ]


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _dso(owed: Sequence[Due], sold: Mapping[date, Decimal], today: date) -> dict[str, Any]:
    """Gives the DSO by both methods, the best possible one, and what they are made of."""
    receivables = _total(one.amount for one in owed)
    current = _total(one.amount for one in owed if one.due_date >= today)
    sales = _total(amount for day, amount in sold.items() if day > today - PERIOD)
    plain, best = (simple(amount, sales, PERIOD.days) for amount in (receivables, current))
    return {
        "simple": plain,
        "best": best,
        "delay": None if plain is None or best is None else plain - best,
        "counted": counted_back(receivables, months_back(sold, today)) if sold else None,
        "receivables": receivables,
        "current": current,
        "sales": sales,
    }


def _cash_chart(expected: Cash, language: str) -> Columns:
    return columns(
        [
            (
                written_day(week.first, language, "d MMM"),
                (
                    [("soft", week.falls_due)],
                    [("good", week.promised), ("one", week.expected - week.promised)],
                ),
            )
            for week in expected.weeks
        ]
    )


def titles_of(seat: Seat, policies: Mapping[str, DunningPolicy]) -> dict[str, str]:
    """Names the steps of the policies on offer, and of those that cases follow."""
    return {
        step.key: step.named(seat.language)
        for policy in (*seat.office.catalogue.values(), *policies.values())
        for step in policy.steps
    }


def _collected(
    parts: Sequence[figures.Collected], policies: Mapping[str, DunningPolicy], seat: Seat, scope: Scope
) -> list[dict[str, Any]]:
    """Gives what came after each step, in the order of the policies' ladders."""
    amounts = [one.amount for one in parts]
    whole, highest = _total(amounts), max(amounts, default=ZERO)
    titles = titles_of(seat, policies)
    rungs = {step: rung for rung, step in enumerate([None, *titles])}
    return [
        {
            "step": one.step,
            "title": titles.get(one.step, one.step) if one.step is not None else None,
            "times": one.times,
            "amount": one.amount,
            "share": one.amount / whole if whole else ZERO,
            "bar": share(one.amount, highest),
            "to": scope.behind("collected", currency=one.currency, step=one.step),
        }
        for one in sorted(parts, key=lambda one: rungs.get(one.step, len(rungs)))
    ]


def _promises(parts: Sequence[figures.Kept], scope: Scope) -> list[dict[str, Any]]:
    found = {one.standing: one for one in parts}
    highest = max((one.amount for one in parts), default=ZERO)
    return [
        {
            "standing": standing.value,
            "times": one.times,
            "amount": one.amount,
            "bar": share(one.amount, highest),
            "to": scope.behind("promises", currency=one.currency, standing=standing.value),
        }
        for standing in JUDGED
        if (one := found.get(standing)) is not None
    ]


KINDS = dict(zip(CHANNELS, ("one", "good", "warn", "bad"), strict=True))


def _ahead(
    awaiting: Sequence[Awaiting], policies: Mapping[str, DunningPolicy], scope: Scope, language: str
) -> dict[str, Any]:
    """Gives the steps of the coming days by channel, as a chart and as rows."""
    last = scope.today + (DAYS_AHEAD - 1) * ONE_DAY
    agendas = {one.id: _agenda(one) for one in scope.known}
    counts = steps_ahead(awaiting, policies, agendas, last)
    days = [scope.today + turn * ONE_DAY for turn in range(DAYS_AHEAD)]
    rows = [
        {
            "day": one,
            "counts": [
                (counts[one, channel], scope.behind("ahead", day=one, channel=channel.value))
                for channel in CHANNELS
            ],
        }
        for one in days
    ]
    chart = columns(
        [
            (
                written_day(one, language, "EEEEE d"),
                ([(KINDS[channel], counts[one, channel]) for channel in CHANNELS],),
            )
            for one in days
        ]
    )
    return {"rows": rows, "chart": chart, "kinds": KINDS, "whole": sum(counts.values())}


def _agenda(creditor: Creditor) -> Agenda:
    """Makes the agenda of a creditor with a debtor of the same country."""
    somebody = Debtor(
        creditor=creditor.id, id="anybody", legal_name=creditor.legal_name, country=creditor.country
    )
    return Agenda.of(creditor, somebody)
