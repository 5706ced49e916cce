"""The overview: its figures on either database, whose they are, and how it looks.

In: sums against a small portfolio, the invoices behind each figure, the page in a browser.
Not in: the formulas (tests/domain/test_dso.py, test_forecast.py).
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from domain.agreements import PromiseToPay
from domain.events import (
    AgreementMade,
    CreditNoteIssued,
    CreditorRegistered,
    DebtorRegistered,
    InvoiceCreated,
    PaymentReceived,
)
from domain.standing import Standing
from ledger.database import Database
from ledger.views import figures
from tests.console.desks import Desk, desk
from tests.console.stage import Stage, inspected
from tests.domain import build

NOW = build.at("2026-11-24 10:00")
TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
ALL = None


def billed(number: str, due_in: int, total: str, owner: str = "acme", **more: object) -> InvoiceCreated:
    """States an invoice that falls due in so many days, thirty after its issue."""
    due = TODAY + due_in * DAY
    facts = {"creditor": owner, "number": number, "debtor": "dubois", "total": total}
    dated = {"issue_date": due - 30 * DAY, "due_date": due}
    return InvoiceCreated.model_validate(facts | dated | more)


@pytest_asyncio.fixture(loop_scope="session")
async def portfolio(database: Database, tmp_path: Path) -> Desk:
    """Gives a console with two creditors, two currencies, a payment, a credit note and a promise."""
    found = desk(database, tmp_path, NOW)
    for owner in ("acme", "beta"):
        named = build.creditor(id=owner, legal_name=f"{owner.title()} SAS", policy="seed")
        await found.take(
            CreditorRegistered(creditor=named), DebtorRegistered(debtor=build.debtor(creditor=owner))
        )
    await found.take(
        billed("F-1", 10, "100.00"),
        billed("F-2", 0, "20.00"),
        billed("F-3", -1, "3.00"),
        billed("F-4", -31, "0.40"),
        billed("F-5", -91, "5000.00"),
        billed("F-6", -20, "600.00"),
        billed("F-7", -2, "9.99", currency="USD"),
        billed("B-1", -1, "70.00", owner="beta"),
        payment("F-6", "400.00", -15),
        CreditNoteIssued.model_validate(
            {"creditor": "acme", "number": "A-1", "invoice": "F-6", "total": "50.00"}
            | {"issue_date": TODAY - 3 * DAY}
        ),
        promise("F-5", 9),
    )
    return found


def payment(number: str, amount: str, days: int) -> PaymentReceived:
    """States that money came for an invoice, so many days from today."""
    facts = {"creditor": "acme", "reference": f"VIR-{number}", "amount": amount, "invoice": number}
    return PaymentReceived.model_validate(facts | {"received_on": TODAY + days * DAY})


def promise(number: str, days: int) -> AgreementMade:
    """States that all of an invoice was promised for a day."""
    made = {"id": f"P-{number}", "invoices": (number,), "made_on": TODAY, "pay_by": TODAY + days * DAY}
    return AgreementMade(creditor="acme", agreement=PromiseToPay.model_validate(made))


async def test_the_aged_balance_adds_up_to_what_is_owed(portfolio: Desk) -> None:
    """Each age holds its invoices to the cent, day 0 is not due, and together they are the outstanding."""
    async with portfolio.seat(creditors=("acme",)) as client:
        text = plain((await client.get("/overview?currency=EUR")).text)
    assert "Outstanding €5,273.40 6 invoices" in text
    assert "Overdue €5,153.40 4 invoices" in text
    aged = text.split("Aged balance")[1].split("Cash by week")[0]
    assert re.findall(r"(Not due|1-30|31-60|61-90|Over 90) (€[\d.,]+) [\d.]+% (\d)", aged) == [
        ("Not due", "€120.00", "2"),
        ("1-30", "€153.00", "2"),
        ("31-60", "€0.40", "1"),
        ("61-90", "€0.00", "0"),
        ("Over 90", "€5,000.00", "1"),
    ]


async def test_currencies_are_never_mixed(portfolio: Desk) -> None:
    """Each currency has figures of its own; one that nobody uses shows the first."""
    async with portfolio.seat(creditors=("acme",)) as client:
        dollars = plain((await client.get("/overview?currency=USD")).text)
        unknown = plain((await client.get("/overview?currency=XXX")).text)
    assert "Outstanding $9.99 1 invoice" in dollars
    assert "€" not in dollars
    assert "Outstanding €5,273.40" in unknown


async def test_figures_are_of_those_one_may_see(portfolio: Desk) -> None:
    """Who sees both creditors chooses one or has both; a stranger's creditor does not exist."""
    async with portfolio.seat() as client:
        both = plain((await client.get("/overview")).text)
        one = plain((await client.get("/overview?creditor=beta")).text)
    async with portfolio.seat("manager", creditors=("beta",)) as client:
        mine = (await client.get("/overview")).text
        other = await client.get("/overview?creditor=acme")
        lines = await client.get("/overview/collected?currency=EUR")
    assert "Outstanding €5,343.40" in both
    assert "Outstanding €70.00" in one
    assert "Outstanding €70.00" in plain(mine)
    assert "Acme" not in mine
    assert other.status_code == 404
    assert "F-6" not in lines.text


async def test_sales_are_counted_less_credit_notes(portfolio: Desk) -> None:
    """What was invoiced counts on its issue date, and a credit note takes off on its own."""
    async with portfolio.office.database.reading() as conn:
        sold = await figures.sold(conn, ("acme",), TODAY - 90 * DAY, TODAY)
    assert sold["EUR"] == {
        TODAY - 20 * DAY: Decimal("100.00"),
        TODAY - 30 * DAY: Decimal("20.00"),
        TODAY - 31 * DAY: Decimal("3.00"),
        TODAY - 61 * DAY: Decimal("0.40"),
        TODAY - 50 * DAY: Decimal("600.00"),
        TODAY - 3 * DAY: Decimal("-50.00"),
    }
    assert sold["USD"] == {TODAY - 32 * DAY: Decimal("9.99")}


async def test_money_is_told_by_the_step_before_it(portfolio: Desk) -> None:
    """Money that came before any step, and the invoices behind it, are told apart; how late it came, too."""
    async with portfolio.office.database.reading() as conn:
        came = await figures.collected(conn, ALL, TODAY - 89 * DAY, TODAY)
        delays = await figures.delays(conn, ALL, TODAY)
    assert [(one.currency, one.step, one.times, one.amount) for one in came] == [
        ("EUR", None, 1, Decimal("400.00"))
    ]
    assert delays == {"EUR": Decimal(5)}
    async with portfolio.seat() as client:
        behind = plain((await client.get("/overview/collected?currency=EUR")).text)
    assert "F-6 Dubois SARL 9 Nov 2026 €400.00" in behind


async def test_promises_are_told_by_what_became_of_them(portfolio: Desk) -> None:
    """A promise that runs is counted with its money, expected on its day, and leads to its invoice."""
    async with portfolio.office.database.reading() as conn:
        words = await figures.promises(conn, ALL, TODAY - 90 * DAY)
        expected = await figures.promised(conn, ALL, TODAY)
    assert [(one.standing, one.times, one.amount) for one in words] == [
        (Standing.RUNNING, 1, Decimal("5000.00"))
    ]
    assert [(one.pay_by, one.amount) for one in expected] == [(TODAY + 9 * DAY, Decimal("5000.00"))]
    async with portfolio.seat() as client:
        behind = plain((await client.get("/overview/promises?currency=EUR&standing=running")).text)
    assert "F-5 Dubois SARL 24 Nov 2026 €5,000.00" in behind


async def test_the_steps_of_a_day_lead_to_their_invoices(portfolio: Desk) -> None:
    """Each count of the work ahead that a next step makes up has a page that lists just those invoices."""
    async with portfolio.seat(creditors=("acme",)) as client:
        overview = (await client.get("/overview")).text
        links = re.findall(r'href="(/overview/ahead[^"]+)">(\d+)<', overview)
        behind = {to: (await client.get(to.replace("&amp;", "&"))).text for to, _ in links}
    assert links
    first, count = links[0]
    assert behind[first].count("<tr>") == int(count) + 1


@pytest.mark.parametrize(
    "address",
    ["/overview/ahead?day=soon&channel=email", "/overview/promises?currency=EUR&standing=x"],
)
async def test_an_address_that_cannot_be_meant_is_refused(portfolio: Desk, address: str) -> None:
    """A day, a channel or a standing that there is none of is 422 and changes nothing."""
    async with portfolio.seat() as client:
        assert (await client.get(address)).status_code == 422


def plain(page: str) -> str:
    """Takes the tags out of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{EN DASH}", "-")


async def test_the_overview_reads_well_everywhere(stage: Stage) -> None:
    """In both languages, light and dark, wide and on a phone, the page is accessible and fits."""
    for language, width, dark in (("en", 1280, False), ("fr", 390, True)):
        async with stage.seat("viewer", language=language, width=width, dark=dark) as page:
            await page.goto("/overview")
            await page.locator("details", has=page.locator("table")).first.locator("summary").click()
            await inspected(page, f"overview-{language}-{width}")
    async with stage.seat("viewer") as page:
        await page.goto("/overview")
        await page.get_by_role("link", name=re.compile("^1.30$")).click()
        await expect(page).to_have_url(re.compile(r"/invoices\?state=open&currency=EUR&due_from=.*&due_to="))
