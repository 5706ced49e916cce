"""The page of an invoice: what it shows, what its commands do, what it says while the run is away.

In: a real browser on the stage; the routes without a browser on both databases, with Temporal away.
Not in: the rules behind it (tests/domain, tests/ledger), how a run obeys (tests/workflows/test_orders.py).
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from config.catalogue import load_policies
from config.sections import Console, Folders
from config.settings import Settings
from console import people
from console.application import build as application
from console.office import Office, wall_clock
from console.seats import COOKIE
from domain.actions import CaseRef
from domain.agreements import Dispute
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated
from ledger import people as record
from ledger import queries
from ledger.database import Database
from ledger.people import Person, Role
from ledger.queries import CaseFile
from tests.console.stage import DAY, Stage, billed, inspected
from tests.domain import build
from trial.servers import free_port

NOW = build.at("2026-04-01 10:00")
PATIENCE = 30_000
"""Milliseconds that a window may take on a machine that is busy with other tests."""

expect.set_options(timeout=PATIENCE)


async def _on_record(office: Office, case: CaseRef) -> CaseFile:
    async with office.database.reading() as conn:
        return await queries.case_file(conn, case)


async def _opened(page: Page, name: str) -> None:
    """Opens the form of a command from the buttons, or from the menu beside them."""
    button = page.locator(".commands > a", has_text=name)
    if not await button.count():
        await page.locator(".commands summary").click()
        button = page.locator(".commands .more a", has_text=name)
    await button.click()
    await expect(page.locator("dialog#desk[open]")).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("fr", 390)])
async def test_the_page_tells_what_was_and_what_will_be(stage: Stage, language: str, width: int) -> None:
    """The line holds what left, today and what is planned; a day is explained; nothing is inaccessible."""
    async with stage.seat(language=language, width=width, dark=language == "fr") as page:
        await page.goto("/invoices/acme/F-4")
        points = page.locator("ol.line > li")
        await expect(points.filter(has=page.locator("a[href^='/messages/']")).first).to_have_class("past")
        await expect(page.locator("ol.line > li.today")).to_have_count(1)
        await expect(page.locator("ol.line > li.future").first).to_be_visible()
        await inspected(page, f"invoice-{language}-{width}")
        await page.locator("#day").fill((stage.today + 30 * DAY).isoformat())
        await page.locator("#why button").click()
        await expect(page.locator(".answer")).to_be_visible()
        await inspected(page, f"invoice-day-{language}-{width}")


async def test_a_message_is_shown_as_it_left_and_can_do_nothing(stage: Stage) -> None:
    """The evidence stands in a frame of its own, in which nothing runs; its bytes are there to keep."""
    async with stage.seat() as page:
        await page.goto("/invoices/acme/F-1")
        await page.locator("ol.line a[href^='/messages/']").first.click()
        frame = page.frame_locator("iframe.message")
        await expect(frame.locator("body")).to_contain_text("F-1")
        await inspected(page, "message")
        address = await page.locator("iframe.message").get_attribute("src")
        shown = await page.request.get(str(address))
        assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        kept = await page.request.get(str(address).removesuffix("text") + "file")
        assert kept.headers["content-disposition"].startswith("attachment")
        assert b"Message-ID" in await kept.body()


async def test_the_next_message_is_shown_before_it_leaves(stage: Stage) -> None:
    """The preview speaks the customer's language, whatever the operator's, and names its day."""
    case = await stage.bill("C-10", debtor="preview", due=20)
    async with stage.seat() as page:
        await page.goto("/invoices/acme/C-10")
        await page.get_by_role("link", name="Preview it").click()
        await expect(page.frame_locator("iframe.message").locator("body")).to_contain_text("facture")
        await expect(page.locator("dl.facts")).to_contain_text("French")
        await inspected(page, "next-message")
    assert (await _on_record(stage.office, case)).messages == ()


async def test_marked_paid_in_one_window_is_seen_in_another(stage: Stage) -> None:
    """A mistake stands beside its field with what was typed; once mended, the other window knows too."""
    case = await stage.bill("C-11", due=-5)
    async with stage.seat() as page, stage.seat("viewer") as other:
        await other.goto("/invoices/acme/C-11")
        await expect(other.locator(".commands")).to_have_count(0)
        await page.goto("/invoices/acme/C-11")
        await _opened(page, "Mark paid")
        await page.get_by_label("Amount").fill("12,345")
        await page.get_by_role("button", name="Record the payment").click()
        await expect(page.locator("dialog .mistake")).to_contain_text("write it with two decimals")
        await expect(page.get_by_label("Amount")).to_have_value("12,345")
        await inspected(page, "payment-mistake")
        await page.get_by_label("Amount").fill("1 200,00")
        await page.get_by_role("button", name="Record the payment").click()
        await expect(page.get_by_role("status").filter(has_text="the invoice is paid")).to_be_visible()
        await expect(other.locator("h1")).to_contain_text("paid")
    file = await _on_record(stage.office, case)
    assert [one.amount for one in file.account.payments] == [build.money("1200.00")]


async def test_a_hold_reaches_the_run_with_its_author(stage: Stage) -> None:
    """By keyboard alone: held until a day, with a reason; then lifted; the journal has the author of each."""
    case = await stage.bill("C-12", due=30)
    until = stage.today + 10 * DAY
    async with stage.seat() as page:
        await page.goto("/invoices/acme/C-12")
        await page.locator(".commands > a", has_text="Hold").press("Enter")
        await expect(page.get_by_label("Until")).to_be_focused()
        await page.get_by_label("Until").fill(until.isoformat())
        await page.keyboard.press("Tab")
        await page.get_by_label("Reason").fill("they asked for time")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("on hold")
        await _opened(page, "Resume")
        await page.get_by_role("button", name="Lift the hold").click()
        await expect(page.locator("h1")).not_to_contain_text("on hold")
    entries = (await _on_record(stage.office, case)).entries
    authors = [one.facts["author"].partition("-")[0] for one in entries if one.kind.startswith("hold.")]
    assert authors == ["operator", "operator"]


async def test_a_step_that_is_not_next_any_more_is_left_alone(stage: Stage) -> None:
    """An order names the step that the person saw: where another has come next, it is refused in words."""
    case = await stage.bill("C-13", due=30)
    async with stage.seat() as page:
        await page.goto("/invoices/acme/C-13")
        await _opened(page, "Skip the next step")
        async with stage.seat("manager") as faster:
            await faster.goto("/invoices/acme/C-13/skip")
            await faster.get_by_label("Reason").fill("known well")
            await faster.get_by_role("button", name="Leave it out").click()
            await expect(faster.get_by_role("status").first).to_contain_text("left out")
        await page.get_by_label("Reason").fill("no need")
        await page.get_by_role("button", name="Leave it out").click()
        await expect(page.locator("dialog [role=alert]")).to_contain_text("is not next")
        await expect(page.get_by_label("Reason")).to_have_value("no need")
    assert len((await _on_record(stage.office, case)).account.case("C-13").taken) == 1


async def test_a_settlement_is_approved_by_somebody_else(stage: Stage) -> None:
    """Who proposed it may not approve it, manager or not; another may, and its terms stand on the page."""
    case = await stage.bill("C-14", due=-10)
    async with stage.seat("manager") as page, stage.seat("administrator") as boss:
        await page.goto("/invoices/acme/C-14")
        await _opened(page, "Settlement")
        await page.get_by_label("Amount that settles it").fill("900.00")
        await page.get_by_label("Pays by").fill((stage.today + 7 * DAY).isoformat())
        await page.get_by_role("button", name="Propose it").click()
        agreed = page.locator(".agreement")
        await expect(agreed).to_contain_text("waits for approval")
        await agreed.get_by_role("link", name="Approve").click()
        await page.locator("dialog").get_by_role("button", name="Approve").click()
        await expect(page.locator("dialog [role=alert]")).to_contain_text("you proposed this yourself")
        await boss.goto("/invoices/acme/C-14")
        await boss.locator(".agreement").get_by_role("link", name="Approve").click()
        await boss.locator("dialog").get_by_role("button", name="Approve").click()
        await expect(boss.locator(".agreement")).to_contain_text("running")
        await inspected(boss, "settlement")
    assert (await _on_record(stage.office, case)).account.agreements[0].approved


class Alone:
    """Speaks to the console as one person, without a browser; no Temporal answers."""

    def __init__(self, office: Office, client: httpx2.AsyncClient, case: CaseRef) -> None:
        """Takes the office, the way to its pages, and the invoice it is about."""
        self.office, self.client, self.case = office, client, case
        self.home = "/invoices/acme/F-1%2F1"

    async def seat(self, role: Role, *creditors: str) -> None:
        """Sits down as somebody of a role."""
        who = Person(id=f"{role.key}@acme.example", name="A", role=role, creditors=creditors or None)
        async with self.office.database.writing() as conn:
            await record.save(conn, who, NOW)
        token = await people.open_session(self.office.database, who, wall_clock(), timedelta(hours=1))
        self.client.cookies.set(COOKIE, token)

    async def give(self, command: str, **fields: object) -> httpx2.Response:
        """Posts the form of a command."""
        return await self.client.post(f"{self.home}/{command}", data=fields)

    async def file(self) -> CaseFile:
        """Reads the case."""
        return await _on_record(self.office, self.case)


@pytest_asyncio.fixture(loop_scope="session")
async def alone(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """Serves the pages on a fresh database, with one maturity of an invoice on it and Temporal away."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    console = Console(temporal_ui="http://127.0.0.1:8233/")
    settings = Settings(folders=Folders(var=tmp_path), console=console)
    office = Office(settings, database, load_policies(settings.folders.policies), clock=lambda: NOW)
    opened = build.at("2026-02-20 10:00")
    await office.door.admit(CreditorRegistered(creditor=build.creditor(policy="french-b2b")), now=opened)
    await office.door.admit(DebtorRegistered(debtor=build.debtor()), now=opened)
    await office.door.admit(_invoice("F-1", opened), now=opened)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(application(office)), base_url="http://console.example"
    ) as client:
        it = Alone(office, client, CaseRef(creditor="acme", number="F-1/1"))
        await it.seat(Role.OPERATOR)
        yield it


def _invoice(number: str, opened: datetime) -> InvoiceCreated:
    parts = ({"due_date": "2026-03-25", "amount": "700.00"}, {"due_date": "2026-05-25", "amount": "500.00"})
    dated = {"issue_date": opened.date(), "maturities": parts, "total": "1200.00"}
    return billed("acme", number, "dubois", dated)


async def test_a_fact_is_kept_while_temporal_is_away(alone: Alone) -> None:
    """A payment is written down at once, in part; the notice and the page say that the run hears later."""
    given = await alone.give("pay", amount="200,00", received_on="2026-04-01")
    assert (given.status_code, given.headers["location"]) == (303, alone.home)
    shown = await alone.client.get(alone.home)
    assert "€500.00 are still open" in shown.text
    assert "has not heard of the latest facts yet" in shown.text
    assert "http://127.0.0.1:8233/namespaces/default/workflows/invoice%3Aacme%3AF-1%2F1" in shown.text
    again = await alone.give("pay", amount="200,00", received_on="2026-04-01")
    assert again.status_code == 303
    file = await alone.file()
    assert [one.amount for one in file.account.payments] == [build.money("200.00")]


async def test_an_order_is_not_lost_while_temporal_is_away(alone: Alone) -> None:
    """The run is needed: the form comes back filled, says why, and nothing was changed."""
    given = await alone.give("hold", until="2026-04-20", reason="a <b>bold</b> reason")
    assert given.status_code == 503
    assert "Temporal does not answer, and this order needs the run" in given.text
    assert 'value="a &lt;b&gt;bold&lt;/b&gt; reason"' in given.text
    assert 'value="2026-04-20"' in given.text
    assert (await alone.file()).account.holds == ()


@pytest.mark.parametrize(
    ("command", "fields", "field", "says"),
    [
        ("pay", {"amount": "0"}, "amount", "greater than 0"),
        ("pay", {"amount": "10.00", "received_on": "2026-04-09"}, "received_on", "lies ahead"),
        ("credit", {"amount": "10.00"}, "note", "this is needed"),
        ("dispute", {"until": "2026-04-20"}, "reason", "this is needed"),
        ("dispute", {"reason": "price", "until": "2026-03-20"}, "until", "This day is over"),
        ("dispute", {"reason": "price", "until": "2026-04-20", "amount": "701.00"}, "amount", "more than"),
        ("promise", {"pay_by": "tomorrow"}, "pay_by", "give a day"),
        ("promise", {"pay_by": "2026-04-20", "invoices": "X-9"}, "invoices", "is not an open invoice"),
        ("plan", {"first": "2026-04-20"}, "instalments", "Say how many"),
        ("plan", {"given": "2026-04-20 100.00\nsoon 20"}, "given", "Line 2 cannot be read"),
        ("hold", {"until": "2030-01-01", "reason": "long"}, "until", "at most 730 days"),
        ("settle", {"amount": "700.00", "pay_by": "2026-04-20"}, "amount", "lets nothing go"),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_is_wrong_stands_beside_its_field(
    alone: Alone, command: str, fields: dict[str, str], field: str, says: str
) -> None:
    """A form comes back with a sentence at its field and what was typed; nothing is written."""
    before = len((await alone.file()).entries)
    given = await alone.give(command, **fields)
    assert given.status_code == 422
    mistake = given.text.partition(f'id="{field}-mistake"')[2].partition("</p>")[0]
    assert says in mistake, given.text
    for value in fields.values():
        assert value.partition("\n")[0] in given.text
    assert len((await alone.file()).entries) == before


async def test_agreements_are_made_and_ended_from_the_page(alone: Alone) -> None:
    """A dispute over lines, a promise for two maturities, a plan as given: once each, with their author."""
    dispute = {"reason": "quality", "until": "2026-04-20", "amount": "100.00", "lines": "2 chairs\n1 table"}
    for _ in range(2):
        assert (await alone.give("dispute", **dispute)).status_code == 303
    (made,) = (await alone.file()).account.agreements
    assert isinstance(made, Dispute)
    assert made.lines == ("2 chairs", "1 table")
    ended = {"agreement": made.id, "how": "rejected", "reason": "all were delivered"}
    assert (await alone.give("end", **ended)).status_code == 303
    both = {"pay_by": "2026-04-20", "invoices": ["F-1/2"], "amount": "1 000,00"}
    assert (await alone.give("promise", **both)).status_code == 303
    promise = next(one for one in (await alone.file()).account.agreements if one.kind == "promise")
    assert promise.invoices == ("F-1/1", "F-1/2")
    assert (await alone.give("end", agreement=promise.id, reason="taken back")).status_code == 303
    plan = {"given": "15/04/2026 300,00\n2026-05-15 400.00"}
    assert (await alone.give("plan", **plan)).status_code == 303
    file = await alone.file()
    authors = {one.facts["author"] for one in file.entries if one.kind.startswith("agreement.")}
    assert authors == {"operator@acme.example"}
    page = (await alone.client.get(alone.home)).text
    assert "Instalment of €300.00" in page
    assert "2 chairs" in page


async def test_facts_of_a_manager_and_their_undoing(alone: Alone) -> None:
    """An operator may not give an invoice up, a manager may, and may take that back; a credit counts once."""
    assert (await alone.give("write-off", reason="too small")).status_code == 403
    await alone.seat(Role.MANAGER)
    for _ in range(2):
        assert (await alone.give("credit", note="A-1", amount="50.00")).status_code == 303
    assert (await alone.give("write-off", reason="too small")).status_code == 303
    assert (await alone.file()).line.ending == "written_off"
    assert "Take the write-off back" in (await alone.client.get(alone.home)).text
    assert (await alone.give("reinstate", reason="not so small")).status_code == 303
    file = await alone.file()
    assert (file.line.ending, file.line.open) == (None, build.money("650.00"))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_others_invoices_are_not_there(alone: Alone) -> None:
    """Who may not see a creditor finds no page, no document, no message and no command of theirs."""
    await alone.seat(Role.ADMINISTRATOR, "beta")
    for path in ("", "/next", "/preview", "/document", "/hold"):
        assert (await alone.client.get(alone.home + path)).status_code == 404
    assert (await alone.give("pay", amount="1.00")).status_code == 404
    await alone.seat(Role.VIEWER)
    assert (await alone.client.get(alone.home)).status_code == 200
    assert (await alone.give("pay", amount="1.00")).status_code == 403
    for path in ("/secret", "/hold/again"):
        assert (await alone.client.get(alone.home + path)).status_code == 404
    assert (await alone.file()).account.payments == ()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_day_that_is_none_is_said_to_be_none(alone: Alone) -> None:
    """The question keeps what was typed and says how a day is written; a good one is answered."""
    wrong = (await alone.client.get(alone.home, params={"day": "yesterday"})).text
    assert 'id="day-mistake"' in wrong
    assert 'value="yesterday"' in wrong
    early = (await alone.client.get(alone.home, params={"day": "2026-02-19"})).text
    assert "The invoice was not on record yet." in early
    held = (await alone.client.get(alone.home, params={"day": "2026-04-12"})).text
    assert "It is not a day on which messages leave." in held
