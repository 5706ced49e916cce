"""Invoices and customers as lists: what the address asks for, files for spreadsheets, many steered at once.

In: the pages in a real browser, their files, who may do what.
Not in: what filters find (tests/ledger/test_lists.py), what steering does (tests/intake/test_steering.py).
"""

from playwright.async_api import Page, expect

from domain.events import DebtorRegistered
from tests.console.stage import DAY, Stage, inspected
from tests.domain import build as facts

Sent = dict[str, str | float | bool]
"""What a form sends."""


async def numbers(page: Page) -> list[str]:
    """Reads the invoice numbers of the list."""
    return await page.locator("tbody th[scope=row] a").all_inner_texts()


async def test_a_list_is_narrowed_by_its_address(stage: Stage) -> None:
    """Filters stay in the address, in the links that sort and in the file; a mistake lists nothing."""
    await stage.bill("L-1", debtor="lists", due=-20, total="1500.00")
    await stage.bill("L-2", debtor="lists", due=10, total="80.00")
    async with stage.seat() as page:
        await page.goto("/invoices?q=L-")
        assert await numbers(page) == ["L-1", "L-2"]
        await page.get_by_text("More filters").click()
        await page.get_by_label("Open amount from").fill("1 000,00")
        await page.get_by_role("button", name="Narrow").click()
        assert await numbers(page) == ["L-1"]
        assert "amount_from=1+000%2C00" in page.url
        await page.get_by_role("link", name="Open", exact=True).click()
        await expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Open")
        assert "amount_from" in page.url
        await inspected(page, "invoices")
        await page.get_by_label("Open amount from").fill("some")
        await page.get_by_role("button", name="Narrow").click()
        await expect(page.locator("#amount_from-mistake")).to_contain_text("write an amount such as 1250.00")
        await expect(page.get_by_label("Open amount from")).to_have_value("some")
        await expect(page.get_by_text("Nothing is listed until the filter can be read.")).to_be_visible()


async def test_a_file_opens_in_a_spreadsheet_and_runs_nothing(stage: Stage) -> None:
    """It holds every page in UTF-8 with a mark for Excel; a hostile name is no formula."""
    await stage.bill("CSV-1", debtor="csv", due=-3)
    hostile = facts.debtor(creditor="acme", id="csv", legal_name='=HYPERLINK("http://evil.example";"Oui")')
    await stage.office.admit(DebtorRegistered(debtor=hostile), stage.now, "test")
    async with stage.seat(language="fr") as page:
        answer = await page.request.get("/invoices.csv?q=CSV-")
        text = (await answer.body()).decode("utf-8-sig")
        assert (await answer.body()).startswith(b"\xef\xbb\xbf")
        assert 'attachment; filename="factures-' in answer.headers["content-disposition"]
        head, line = text.splitlines()
        assert head.startswith("Créancier;Numéro;Client;")
        assert "acme;CSV-1;\"'=HYPERLINK(" in line
        assert ";EUR;1200,00;1200,00;" in line
        customers = (await (await page.request.get("/debtors.csv?q=csv")).body()).decode("utf-8-sig")
        assert "\"'=HYPERLINK(" in customers
        assert customers.count("\r\n") == 2


async def test_many_are_held_after_a_look_at_each(stage: Stage) -> None:
    """Ticked, previewed with the next action before and after, done under one's name, and shown again."""
    cases = [await stage.bill(f"B-{turn}", debtor="bulk", due=turn) for turn in (1, 2, 3)]
    until = (stage.now + 30 * DAY).date()
    async with stage.seat() as page:
        await page.goto("/invoices?q=B-&state=open")
        for number in ("B-1", "B-2"):
            await page.get_by_label(f"Tick invoice {number}").check()
        await expect(page.locator("[data-count]")).to_have_text("2")
        await page.get_by_role("button", name="Hold").click()
        await page.get_by_label("Until, that day included").fill("2020-01-01")
        await page.get_by_label("Reason").fill("the site is closed")
        await page.get_by_role("button", name="Show the effect").click()
        await expect(page.locator("#until-mistake")).to_contain_text("Give a day from today on")
        await expect(page.get_by_label("Reason")).to_have_value("the site is closed")
        await page.get_by_label("Until, that day included").fill(until.isoformat())
        await page.get_by_role("button", name="Show the effect").click()
        await expect(page.get_by_role("row", name="B-1")).to_contain_text("held until")
        await inspected(page, "bulk-preview")
        await page.get_by_role("button", name="Hold: 2 invoices").click()
        await expect(page.get_by_role("status").first).to_contain_text("Done for 2 invoices.")
        await inspected(page, "bulk-done")
        await page.get_by_role("link", name="Back to the list").click()
        await expect(page.get_by_text("On hold")).to_have_count(2)
    async with stage.office.book("acme", "bulk", stage.now) as book:
        held = sorted((one.invoice or "", one.reason) for one in book.account.holds)
    assert held == [(case.number, "the site is closed") for case in cases[:2]]


async def test_all_found_are_meant_where_that_is_ticked(stage: Stage) -> None:
    """What the filter finds is steered without a tick on each; nothing beyond it."""
    await stage.bill("A-1", debtor="all", due=5)
    await stage.bill("A-2", debtor="all", due=6)
    async with stage.seat() as page:
        sent: Sent = {
            "what": "skip",
            "every": "1",
            "where": "q=A-&state=open",
            "id": "1" * 36,
            "reason": "known",
        }
        answer = await page.request.post("/bulk", form=sent | {"id": "1" * 36})
        text = await answer.text()
        assert answer.status == 200
        assert "acme:A-1:" in text
        assert "acme:A-2:" in text
        assert "F-1:" not in text


async def test_roles_and_creditors_bound_what_a_list_does(stage: Stage) -> None:
    """A viewer ticks nothing, an operator approves nothing, nobody reaches another creditor's invoices."""
    pick: Sent = {"what": "resume", "pick": "beta:SECRET-1"}
    async with stage.seat("viewer") as page:
        await page.goto("/invoices")
        await expect(page.locator("input[name=pick]")).to_have_count(0)
        assert (await page.request.post("/bulk", form=pick)).status == 403
    async with stage.seat() as page:
        assert (await page.request.post("/bulk", form=pick | {"what": "approve"})).status == 403
        assert (await page.request.post("/bulk", form=pick | {"what": "burn"})).status == 422
    async with stage.seat(only=("acme",)) as page:
        for address in ("/invoices?state=", "/invoices.csv?state=", "/debtors?state=", "/debtors.csv?state="):
            assert "SECRET" not in (await (await page.request.get(address)).text()).upper(), address
        shown = await (await page.request.post("/bulk", form=pick)).text()
        assert "SECRET-1" not in shown.replace("beta:SECRET-1", "")
        assert (await page.request.get("/debtors/beta/secret")).status == 404
        assert (await page.request.post("/debtors/beta/secret/lift", form={"hold": "x"})).status == 404


async def test_customers_are_listed_in_french_on_a_phone(stage: Stage) -> None:
    """What each owes, how long, and when they hear next; dark, narrow, with no violation of WCAG."""
    async with stage.seat(language="fr", width=390, dark=True) as page:
        await page.goto("/debtors?q=martin&state=")
        await expect(page.get_by_role("link", name="Martin & Fils", exact=True)).to_be_visible()
        await expect(page.locator("tbody")).to_contain_text("jours de retard")
        await inspected(page, "customers-fr-phone")
        await page.goto("/invoices")
        await inspected(page, "invoices-fr-phone")
