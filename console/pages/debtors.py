"""Customers as a list, and the page of one: who he is, what he owes, how he pays, what he hears next.

In: GET /debtors, /debtors.csv, /debtors/{creditor}/{debtor} and its parts.
Not in: what is done on the page (debtor_commands.py), invoices (invoices.py, case.py).

The page is written from the record alone: it is the same while Temporal and the worker are away.
"""

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console import customer
from console.charts import columns, share
from console.commands import debtors as commands
from console.customer import Named, named
from console.forms import Mistakes
from console.narrowing import PER_PAGE, Narrowed
from console.screen import done, page
from console.seats import NotYours, Seat, Viewer
from console.sheets import Cell, sheet
from console.speech import speech
from domain.ageing import Age
from domain.credit import overdue
from domain.events import DebtorRegistered
from domain.faults import InputRefused, NotAllowed, NotFound
from domain.habits import by_month, lateness, paid, promises, year_back
from intake.telling import agreed, words
from intake.warnings import warnings
from ledger.views import creditors, debtors
from ledger.views.debtors import DebtorLine, DebtorsSought
from ledger.views.sought import asked

router = APIRouter()

FIRST_MAILS, MOST_MAILS = 20, 500


def narrowed(request: Request) -> Narrowed[DebtorsSought]:
    """Reads the filters of an address."""
    return Narrowed("/debtors", dict(request.query_params) or {"state": "owing"}, DebtorsSought, "-overdue")


@router.get("/debtors")
async def listed(request: Request, seat: Viewer) -> Response:
    """Lists customers."""
    asks, lines, found = narrowed(request), list[DebtorLine](), 0
    async with seat.office.database.reading() as conn:
        where = await asked(conn, seat.creditors, seat.now)
        if asks.sought is not None:
            keys, found = await debtors.debtor_keys(
                conn, asks.sought, where, sort=asks.sort, limit=PER_PAGE, offset=asks.offset
            )
            lines = await debtors.debtor_lines(conn, keys, where)
        known = await creditors.known(conn, seat.creditors)
    return page(
        seat,
        request,
        "debtors/list.html",
        status=422 if asks.mistakes else 200,
        asks=asks,
        typed=asks.typed,
        mistakes=asks.mistakes,
        lines=lines,
        found=found,
        creditors=known,
        last=asks.offset + len(lines),
    )


HEADS = (
    *(
        "Creditor",
        "Customer's id",
        "Customer",
        "Currency",
        "Open",
        "Overdue",
        "Days since the oldest due date",
    ),
    *("Next contact", "Next step", "Credit limit", "Average days late", "Promises not kept"),
)


@router.get("/debtors.csv")
async def export(request: Request, seat: Viewer) -> Response:
    """Sends every customer of the filtered list as a file, a line for each currency owed."""
    asks, said = narrowed(request), speech(seat.language)
    if asks.sought is None:
        return await listed(request, seat)
    sought = asks.sought

    async def rows() -> AsyncIterator[Iterable[list[Cell]]]:
        async with seat.office.database.reading() as conn:
            where = await asked(conn, seat.creditors, seat.now)
            async for some in debtors.all_debtors(conn, sought, where, asks.sort):
                yield [row for line in some for row in _rows(line)]

    heads = [said.gettext(head) for head in HEADS]
    return sheet(f"{said.gettext('customers')}-{seat.now:%Y-%m-%d}", heads, rows(), seat.language)


def _rows(line: DebtorLine) -> Iterable[list[Cell]]:
    debtor = line.debtor
    rest: list[Cell] = [
        line.oldest_days,
        line.next_at.date() if line.next_at is not None else None,
        line.next_step,
        debtor.credit_limit,
        line.late.plain if line.late is not None else None,
        line.broken,
    ]
    owed = [(one.currency, one.open, one.overdue) for one in line.owed]
    for currency, total, late in owed or [("", Decimal("0.00"), Decimal("0.00"))]:
        yield [debtor.creditor, debtor.id, debtor.legal_name, currency, total, late, *rest]


@router.get("/debtors/{creditor}/{rest:path}")
async def show(request: Request, seat: Viewer, address: Annotated[Named, Depends(named)]) -> Response:
    """Shows a customer, or the form of a command that the address names."""
    if address.asked in commands.COMMANDS:
        return await commands.form(seat, request, address)
    if address.asked:
        msg = f"a customer has no page {address.asked!r}"
        raise NotFound(msg)
    return await _page(seat, request, address)


@router.post("/debtors/{creditor}/{rest:path}")
async def command(request: Request, seat: Viewer, address: Annotated[Named, Depends(named)]) -> Response:
    """Carries a command out and goes back to the customer; its form comes back with what is wrong."""
    if address.asked not in commands.COMMANDS:
        msg = f"a customer has no command {address.asked!r}"
        raise NotFound(msg)
    if not seat.may("operator"):
        raise NotYours("operator")
    try:
        said = await commands.carry_out(seat, request, address)
    except Mistakes as mistakes:
        wrong, status = mistakes, 422
    except InputRefused as refusal:
        wrong, status = Mistakes.of(refusal, await commands.given(request), commands.FIELDS), 422
    except NotAllowed as refusal:
        wrong, status = Mistakes({"": str(refusal)}, await commands.given(request)), 409
    else:
        return done(customer.home(address), said)
    return await commands.form(seat, request, address, wrong, status)


async def _page(seat: Seat, request: Request, address: Named) -> Response:
    all_mails = request.query_params.get("mails") == "all"
    seen = await customer.read(seat, address, MOST_MAILS if all_mails else FIRST_MAILS)
    view, account, today = seen.view, seen.account, seen.today
    settled = paid(account)
    recent = tuple(one for one in settled if one.paid_on >= year_back(today))
    months = by_month(recent, today)
    aged = seen.aged()
    running = [
        one
        for one in account.agreements
        if account.standing(one, today).value in {"pending", "running", "expired"}
    ]
    answer, order, mistakes = seen.credit(request.query_params.get("order", ""))
    facts = DebtorRegistered(debtor=account.debtor)
    return page(
        seat,
        request,
        "debtors/show.html",
        seen=seen,
        view=view,
        account=account,
        debtor=account.debtor,
        creditor=account.creditor,
        today=today,
        home=customer.home(address),
        warned=[one.said(seat.language) for one in warnings(facts, account.creditor, account.debtor)],
        aged=aged,
        overdue=overdue(account, today),
        longest=max((amount for sums in aged.values() for amount in sums.values()), default=Decimal(0)),
        share=share,
        ages=list(Age),
        late=lateness(recent),
        ever=lateness(settled),
        months=months,
        trend=columns(_bars(months, seat)),
        kept=promises(account, today),
        agreements=[agreed.sentence(account, one, today, seat.language) for one in running],
        answer=answer,
        typed={"order": order},
        mistakes=mistakes,
        label=lambda key: words.label(str(key), seat.language),
        all_mails=all_mails,
    )


def _bars(months: Any, seat: Seat) -> list[tuple[str, list[list[tuple[str, Decimal]]]]]:
    """Draws how late each month's payments were; early ones lie on the line."""
    drawn = []
    for month in months:
        days = month.late.plain if month.late is not None else Decimal(0)
        kind = "bad" if days > customer.LATE_DAYS else "one"
        drawn.append((customer.month_name(month.first, seat.language), [[(kind, max(days, Decimal(0)))]]))
    return drawn
