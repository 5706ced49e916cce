"""What a window does by itself: it hears of changes, keeps what a person opened, says what could not be done.

In: a real browser on the stage, whose network a test slows down or breaks.
Not in: what is told to windows (test_live.py), what a page shows (test_case.py and its neighbours).
"""

import asyncio

from playwright.async_api import Page, Route, expect

from tests.console.stage import Stage, inspected

PATIENCE = 30_000
"""Milliseconds that a window may take on a machine that is busy with other tests."""

expect.set_options(timeout=PATIENCE)


async def _form(page: Page) -> None:
    await page.locator(".commands > a", has_text="Mark paid").click()
    await page.get_by_label("Amount").fill("1 200,00")


async def test_a_window_listens_however_late_its_scripts_come(stage: Stage) -> None:
    """On a slow line the part that listens comes last; the window hears of changes all the same."""

    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await stage.bill("W-1", due=-5)
    async with stage.seat() as page:
        await page.route("**/hx-sse.min.js*", late)
        await page.route("**/console.js*", late)
        async with page.expect_request("**/live?since=*", timeout=PATIENCE):
            await page.goto("/invoices/acme/W-1")


async def test_a_menu_stays_open_while_the_page_renews_itself(stage: Stage) -> None:
    """What somebody opened is not closed by what happens elsewhere."""
    await stage.bill("W-2", debtor="d-windows", due=-5)
    async with stage.seat() as page:
        await page.goto("/invoices/acme/W-2")
        await page.locator(".commands summary").click()
        async with page.expect_response("**/invoices/acme/W-2", timeout=PATIENCE) as renewed:
            await stage.bill("W-3", debtor="d-windows", due=-5)
        await (await renewed.value).finished()
        await expect(page.locator(".commands .more a").first).to_be_visible()
        assert await page.locator(".commands details[open]").count() == 1


async def test_what_could_not_be_done_leaves_what_was_typed(stage: Stage) -> None:
    """A form whose order met a fault, or nobody, says so in place; its fields are as they were."""
    await stage.bill("W-4", due=-5)
    trouble = "<main><h1>Not reachable just now</h1><p>the database was busy: try again</p></main>"
    async with stage.seat() as page:
        await page.goto("/invoices/acme/W-4")
        await _form(page)

        async def busy(route: Route) -> None:
            await route.fulfill(status=409, content_type="text/html", body=trouble)

        await page.route("**/W-4/pay", busy)
        await page.get_by_role("button", name="Record the payment").click()
        await expect(page.locator("dialog .mistakes")).to_have_text("the database was busy: try again")
        await expect(page.get_by_label("Amount")).to_have_value("1 200,00")
        await page.unroute("**/W-4/pay", busy)
        await inspected(page, "form-met-a-fault")
        await page.get_by_role("button", name="Record the payment").click()
        await expect(page.get_by_role("status").filter(has_text="the invoice is paid")).to_be_visible()


async def test_a_part_of_a_page_that_cannot_renew_itself_stays(stage: Stage) -> None:
    """Where the renewal meets a refusal the page keeps what it shows and offers to be shown anew."""
    await stage.bill("W-5", debtor="d-stays", due=-5)
    async with stage.seat() as page:
        await page.goto("/invoices/acme/W-5")

        async def refused(route: Route) -> None:
            await route.fulfill(status=404, content_type="text/html", body="<main></main>")

        await page.route("**/invoices/acme/W-5", refused)
        await stage.bill("W-6", debtor="d-stays", due=-5)
        await expect(page.locator("#news")).to_be_visible()
        await expect(page.locator("h1")).to_contain_text("W-5")
