"""Coming in: the form, the cookie, wrong passwords, who sees what.

In: sign-in and sign-out in a real browser. Not in: the pages behind it.
"""

from playwright.async_api import expect

from tests.console.stage import Stage, inspected


async def test_a_stranger_is_asked_who_it_is(stage: Stage) -> None:
    """Every page leads a stranger to the sign-in, and says what is wrong without saying which part."""
    async with stage.window() as page:
        await page.goto("/me/password")
        await expect(page).to_have_url(f"{stage.address}/sign-in?then=%2Fme%2Fpassword")
        await page.get_by_label("E-mail address").fill("nobody@acme.example")
        await page.get_by_label("Password").fill("certainly not this")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("the address or the password is wrong")
        await expect(page.get_by_label("E-mail address")).to_have_value("nobody@acme.example")
        await inspected(page, "sign-in")


async def test_an_address_that_cannot_be_read_is_explained(stage: Stage) -> None:
    """A filter that is no number is answered by a page that names it, not by a fault."""
    async with stage.seat() as page:
        shown = await page.goto("/payments?after=first")
        assert shown is not None
        assert shown.status == 422
        await expect(page.get_by_text("after")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
