"""The debtor's page in a real browser: from the e-mail's link to the effect on record and in the console.

In: French and English, a phone, the keyboard alone, light and dark, axe.
Not in: what is refused, and what an answer sets going (tests/answers).
"""

import re
from datetime import date, timedelta

import pytest
from playwright.async_api import Page, expect

from domain.account import Account
from domain.agreements import Dispute, PromiseToPay
from ledger import accounts
from tests.console.stage import Stage, inspected

LINK = re.compile(r"http://127\.0\.0\.1:\d+/a/[A-Za-z0-9_-]+")
KINDS = ("paid", "promise", "dispute", "instalments", "contact", "missing")
MANY_TABS = 40


def link(stage: Stage, debtor: str) -> str:
    """Takes the link out of the latest e-mail to a debtor, as a person does: it stands in text and HTML."""
    mails = [one.message for one in stage.sink.received if f"compta@{debtor}" in str(one.message["To"])]
    text, html = (mails[-1].get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    (found,) = LINK.findall(text.get_content())
    assert found in html.get_content()
    return str(found)


async def account(stage: Stage, debtor: str) -> Account:
    """Reads an account of Delta's."""
    async with stage.office.database.reading() as conn:
        return (await accounts.load(conn, "delta", debtor)).account


async def tab_to(page: Page, words: str) -> None:
    """Goes on with the Tab key until something is in focus that says or is labelled so."""
    told = "(document.activeElement.labels?.[0] ?? document.activeElement).innerText.trim()"
    for _ in range(MANY_TABS):
        await page.keyboard.press("Tab")
        if words in await page.evaluate(told):
            return
    pytest.fail(f"the Tab key does not come to {words!r}")


async def type_day(page: Page, day: date) -> None:
    """Types a day into the field in focus, in whichever order the browser writes its parts."""
    for order in ("%d%m%Y", "%m%d%Y", "%Y%m%d"):
        await page.keyboard.type(day.strftime(order))
        if await page.evaluate("document.activeElement.value") == day.isoformat():
            return
        for _ in range(3):
            await page.keyboard.press("ArrowLeft")
    pytest.fail("the day cannot be typed")


async def test_a_promise_by_keyboard_on_a_phone(stage: Stage) -> None:
    """In French, in the dark, on a phone, with the keyboard alone: from the e-mail to a promise on record."""
    async with stage.window(width=390, dark=True, language="fr") as page:
        await page.goto(link(stage, "roux"))
        await expect(page.get_by_role("heading", name="Votre relevé")).to_be_visible()
        await inspected(page, "answers-statement-fr-390-dark")
        await tab_to(page, "Je paierai à une date")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Je paierai au plus tard le")).to_be_visible()
        await tab_to(page, "Je paierai au plus tard le")
        pay_by = stage.today + timedelta(days=6)
        await type_day(page, pay_by)
        await tab_to(page, "Envoyer la réponse")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("votre promesse est notée")
        await expect(page.get_by_text("Vous paierez").first).to_be_visible()
        await inspected(page, "answers-promised-fr-390-dark")
        assert await page.context.cookies() == []
    (made,) = (await account(stage, "roux")).agreements
    assert isinstance(made, PromiseToPay)
    assert (made.pay_by, set(made.invoices), made.needs_approval) == (pay_by, {"D-1", "D-2"}, False)
    async with stage.seat("operator", only=("delta",)) as page:
        await page.goto("/invoices/delta/D-1")
        await expect(page.get_by_role("main")).to_contain_text("480.00")
        await inspected(page, "answers-promise-in-console")


async def test_a_dispute_with_a_file(stage: Stage) -> None:
    """In English: a mistake beside its field, then a dispute with a file, opened by the creditor."""
    async with stage.window(language="en") as page:
        await page.goto(link(stage, "reed"))
        await inspected(page, "answers-statement-en")
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        await page.get_by_role("link", name="Something is wrong with an invoice").click()
        await page.get_by_label("What is wrong").select_option("quantity")
        await page.get_by_label("In your words").fill("Two boxes are <missing> & the rest is late")
        await page.get_by_label("A document").set_input_files(
            {"name": "note.txt", "mimeType": "text/plain", "buffer": b"not a picture"}
        )
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_text("Only PDF, JPEG and PNG")).to_be_visible()
        await expect(page.get_by_label("In your words")).to_have_value(re.compile("Two boxes"))
        await inspected(page, "answers-mistake-en")
        await page.get_by_label("A document").set_input_files(
            {"name": "note.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 delivery note"}
        )
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.get_by_role("status")).to_contain_text("somebody will look into it")
        await inspected(page, "answers-disputed-en")
    (made,) = (await account(stage, "reed")).agreements
    assert isinstance(made, Dispute)
    async with stage.seat("operator", only=("delta",)) as page:
        await page.goto("/?group=disputes")
        await page.get_by_role("link", name=re.compile("dispute", re.IGNORECASE)).last.click()
        await expect(page.get_by_text("Two boxes are <missing>")).to_be_visible()
        got = await page.request.get(f"/answers/{made.document}")
        assert await got.body() == b"%PDF-1.7 delivery note"
        assert "sandbox" in got.headers["content-security-policy"]
        await inspected(page, "answers-dispute-in-console")
    async with stage.seat("operator", only=("gamma",)) as page:
        assert (await page.request.get(f"/answers/{made.document}")).status == 404


async def test_every_form_is_accessible(stage: Stage) -> None:
    """Each form, and what a stranger is shown, passes axe on a phone, in light and dark."""
    for language, dark, kinds in (("fr", False, KINDS), ("en", True, ("dispute",))):
        async with stage.window(width=390, dark=dark, language=language) as page:
            address = link(stage, "roux")
            for kind in kinds:
                await page.goto(f"{address}/{kind}?lang={language}")
                await inspected(page, f"answers-{kind}-{language}-390")
            await page.goto(f"{address}x")
            await expect(page.get_by_role("heading", name="This link is not valid")).to_be_visible()
            await inspected(page, f"answers-uninvited-{language}-390")
