"""The page of a customer: who it is, what is owed, what is heard next, and what is done there.

In: the page and its commands in a real browser.
Not in: what follows from the facts (tests/domain/test_habits.py, tests/credit), lists (test_lists.py).
"""

import re

import pytest
from playwright.async_api import expect

from domain.account import Account
from domain.actions import Rule
from domain.events import DebtorRegistered, PaymentReceived
from ledger import accounts, journal
from tests.console.stage import DAY, Stage, inspected
from tests.domain import build as facts


async def account(stage: Stage, debtor: str) -> Account:
    """Reads the account as it stands."""
    async with stage.office.database.reading() as conn:
        return (await accounts.load(conn, "acme", debtor)).account


async def roles(stage: Stage, debtor: str, kind: str) -> list[str]:
    """Names the role of those who wrote entries of a kind."""
    async with stage.office.database.reading() as conn:
        entries = await journal.entries(conn, "acme", debtor)
    return [str(one.facts.get("author")).partition("-")[0] for one in entries if one.kind == kind]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_customer_is_told_on_one_page(stage: Stage, language: str) -> None:
    """Money by age, habits, letters and identity stand on one page, without a violation of WCAG."""
    said = {
        "en": ("The next message", "Aged balance", "Payment habits", "not known"),
        "fr": ("Le prochain message", "Balance âgée", "Habitudes de paiement", "inconnu"),
    }[language]
    wide = language == "en"
    async with stage.seat(language=language, width=1280 if wide else 390, dark=not wide) as page:
        await page.goto("/debtors/acme/martin")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Martin & Fils")
        for sentence in said:
            await expect(page.locator("main")).to_contain_text(sentence)
        await expect(page.locator(".mails a[href^='/messages/']").first).to_be_visible()
        await inspected(page, f"customer-{language}")


async def test_the_next_message_speaks_for_every_invoice_due_with_it(stage: Stage) -> None:
    """It is foreseen with its hour, its tone, its sum and each invoice's own step."""
    for number in ("N-1", "N-2"):
        await stage.bill(number, debtor="nestor", due=6, total="60.00")
    async with stage.seat() as page:
        await page.goto("/debtors/acme/nestor")
        coming = page.locator("section", has=page.get_by_role("heading", name="The next message"))
        await expect(coming).to_contain_text(re.compile(r"e-mail, in the tone: \w+, asking for €120\.00"))
        await expect(coming).to_contain_text("One message speaks for 2 invoices")
        await expect(coming.get_by_role("listitem")).to_have_count(2)


async def test_contacts_are_changed_and_mistakes_stay_beside_their_row(stage: Stage) -> None:
    """A wrong address is refused in its row with all that was typed; a right one stands in the record."""
    await stage.bill("K-1", debtor="kontor", due=9)
    async with stage.seat() as page:
        await page.goto("/debtors/acme/kontor/edit")
        await page.locator("#name-1").fill("Zoé Bertin")
        await page.locator("#role-1").fill("accounts payable")
        await page.locator("#email-1").fill("zoe at kontor")
        await page.get_by_label("Most that may be owed in all, EUR").fill("1 000,00")
        await page.get_by_role("button", name="Change", exact=True).click()
        await expect(page.locator("#email-1-mistake")).to_contain_text("write an e-mail address such as")
        await expect(page.locator("#role-1")).to_have_value("accounts payable")
        await inspected(page, "customer-edit")
        await page.locator("#email-1").fill("zoe@kontor.example")
        await page.get_by_role("button", name="Change", exact=True).click()
        await expect(page.get_by_role("status").first).to_contain_text("Changed.")
        await expect(page.locator("main")).to_contain_text("zoe@kontor.example")
        await page.get_by_label("An order to deliver on credit").fill("50")
        await page.get_by_role("button", name="May it be delivered?").click()
        await expect(page.locator("#credit")).to_contain_text("should not be delivered on credit")
    debtor = (await account(stage, "kontor")).debtor
    assert debtor.emails == ("compta@kontor.example", "zoe@kontor.example")
    assert (debtor.contacts[1].role, str(debtor.credit_limit)) == ("accounts payable", "1000.00")
    assert await roles(stage, "kontor", "debtor.revised") == ["operator"]


async def test_a_customer_is_held_and_let_go(stage: Stage) -> None:
    """The hold covers every invoice under one's name and reason; lifting it lets them go on."""
    case = await stage.bill("HK-1", debtor="hulk", due=30)
    async with stage.seat() as page:
        await page.goto("/debtors/acme/hulk/hold")
        await page.get_by_label("Until, that day included").fill((stage.now + 40 * DAY).date().isoformat())
        await page.get_by_label("Reason").fill("a new contract")
        await page.get_by_role("button", name="Hold").click()
        await expect(page.locator("main")).to_contain_text("Held until")
        assert (await account(stage, "hulk")).suspended_on(case.number, stage.today) is not None
        await page.get_by_role("button", name="Lift").click()
        await expect(page.get_by_role("status").first).to_contain_text("The hold is lifted.")
    assert (await account(stage, "hulk")).suspended_on(case.number, stage.today) is None
    assert await roles(stage, "hulk", "hold.lifted") == ["operator"]


async def test_money_is_shared_out_over_invoices(stage: Stage) -> None:
    """Proposed for the oldest first; more than an invoice owes is refused beside it; what is left is said."""
    await stage.bill("S-1", debtor="sharp", due=1, total="100.00")
    await stage.bill("S-2", debtor="sharp", due=20, total="300.00")
    came = PaymentReceived(
        creditor="acme", reference="V/1 é", amount="250.00", received_on=stage.today, debtor="sharp"
    )
    await stage.office.admit(came, stage.now, "test")
    async with stage.seat(language="fr") as page:
        await page.goto("/debtors/acme/sharp")
        await page.get_by_role("link", name="Affecter").click()
        first, second = page.get_by_label("reçoit la facture S-1"), page.get_by_label("reçoit la facture S-2")
        await expect(first).to_have_value("100,00")
        await expect(second).to_have_value("150,00")
        await first.fill("100,01")
        await page.get_by_role("button", name="Affecter").click()
        await expect(page.locator("tr", has_text="S-1")).to_contain_text("Au plus 100,00")
        await inspected(page, "customer-share-fr")
        await first.fill("100")
        await second.fill("0")
        await page.get_by_role("button", name="Affecter").click()
        await expect(page.get_by_role("status").first).to_contain_text("il reste 150,00")
    known = await account(stage, "sharp")
    assert [(one.invoice, str(one.amount)) for one in known.payments[0].allocations] == [("S-1", "100.00")]
    assert known.settlement("S-1") is Rule.PAID
    assert await roles(stage, "sharp", "payment.allocated") == ["operator"]


async def test_an_address_that_bounced_is_marked_and_used_again(stage: Stage) -> None:
    """It is struck through with its day, in words too; one click says that it works again."""
    await stage.bill("X-1", debtor="hopper", due=15)
    bounced = {"email": "compta@hopper.example", "bounced_on": stage.today}
    known = facts.debtor(
        creditor="acme", id="hopper", legal_name="<b>Hopper</b> {{ 7*7 }}", contacts=(bounced,)
    )
    await stage.office.admit(DebtorRegistered(debtor=known), stage.now, "test")
    async with stage.seat() as page:
        await page.goto("/debtors/acme/hopper")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("<b>Hopper</b> {{ 7*7 }}")
        await expect(page.locator("main")).to_contain_text("came back on")
        await page.get_by_role("button", name="It works again").click()
        await expect(page.get_by_role("status").first).to_contain_text("The address is used again.")
    assert (await account(stage, "hopper")).debtor.emails == ("compta@hopper.example",)


async def test_who_may_not_is_told_so(stage: Stage) -> None:
    """A viewer sees no button and is refused; there is no page of somebody unknown."""
    async with stage.seat("viewer") as page:
        await page.goto("/debtors/acme/martin")
        await expect(page.get_by_role("link", name="Hold")).to_have_count(0)
        sent: dict[str, str | float | bool] = {"until": "2030-01-01", "reason": "no"}
        assert (await page.request.post("/debtors/acme/martin/hold", form=sent)).status == 403
        assert (await page.request.get("/debtors/acme/martin/edit")).status == 403
        assert (await page.request.get("/debtors/acme/nobody")).status == 404
        assert (await page.request.get("/debtors/acme/martin/burn")).status == 404
