"""The morning of an operator: from signing in to an empty list.

In: the list of the day and each task in it, in a real browser, on the real engine.
Not in: other pages.
"""

from datetime import timedelta

from playwright.async_api import Page, expect

from console import people
from ledger import journal, queries
from ledger import people as record
from ledger.people import Person, Role
from tests.console.stage import PASSWORD, Stage, inspected
from tests.patience import until

MORNING = ("gamma",)


async def _kind(page: Page) -> str:
    return (await page.locator("h1").inner_text()).split("\n")[0]


async def test_the_morning_of_a_manager(stage: Stage) -> None:
    """She signs in, calls, approves, mends a contact, each moving on to the next, until nothing waits."""
    who = Person(id="lea@gamma.example", name="Léa", role=Role.MANAGER, creditors=MORNING)
    mixed = await people.hashed(PASSWORD)
    async with stage.office.database.writing() as conn:
        await record.save(conn, who, stage.now, password=mixed)
    async with stage.window() as page:
        await page.goto("/")
        await page.get_by_label("E-mail address").fill(who.id)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()
        await inspected(page, "today")
        done: list[str] = []
        await page.get_by_role("link", name="Begin with the first").click()
        while "/tasks/" in page.url:
            await inspected(page, f"task-{len(done)}")
            done.append(await _settle(page, stage))
            assert len(done) < 12, done
        await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert {"Call", "Approve a step", "Nobody to write to"} <= set(done)
    async with stage.office.database.reading() as conn:
        entries = [one for name in ("matin", "aube") for one in await journal.entries(conn, "gamma", name)]
    approved = [one.facts["author"] for one in entries if one.kind == "step.approved"]
    made = [one for one in entries if one.kind == "agreement.made"]
    assert approved == [who.id]
    assert made
    assert {one.facts["author"] for one in made} == {who.id}


async def _settle(page: Page, stage: Stage) -> str:
    """Settles the task that is shown; gives what it was called."""
    heading, address = await page.locator("h1").inner_text(), page.url
    kind = heading.split(" for ")[0].rsplit(" ", 3)[0] if "late" in heading else heading.split(" for ")[0]
    form = page.locator("details[open] form")
    if kind == "Call":
        await form.get_by_label("By").fill((stage.today + timedelta(days=5)).isoformat())
        await form.get_by_label("Amount").fill("450,00")
    elif kind == "Nobody to write to":
        await form.get_by_label("E-mail address").fill("compta@muet.example")
    elif await form.get_by_label("What came of it").count():
        await form.get_by_label("What came of it").fill("done by hand")
    await form.get_by_role("button").click()
    await page.wait_for_url(lambda url: url != address)
    return kind


async def test_a_mistake_stands_beside_its_field(stage: Stage) -> None:
    """What was typed stays, what is wrong is said beside it, and nothing is written."""
    async with stage.seat() as page:
        await page.goto("/?group=calls")
        await page.locator(".work a").first.click()
        form = page.locator("details[open] form")
        await form.get_by_label("By").fill((stage.today + timedelta(days=3)).isoformat())
        await form.get_by_label("Amount").fill("1.250")
        await form.get_by_role("button").click()
        await expect(page.get_by_text("could be thousands or decimals")).to_be_visible()
        await expect(page.locator("details[open]").get_by_label("Amount")).to_have_value("1.250")
        await inspected(page, "task-mistake")


async def test_what_happens_elsewhere_appears(stage: Stage) -> None:
    """A task done in one window leaves the list of another without a reload."""
    case = await stage.bill("LIVE-1", due=-20)
    await stage.caught_up(case)

    async def given() -> bool:
        async with stage.office.database.reading() as conn:
            return any(one.invoice == case.number for one in await queries.open_tasks(conn))

    async with stage.seat() as page, stage.seat("manager") as other:
        await page.goto("/")
        await other.goto("/")
        if not await given():
            async with stage.office.book("acme", "d-live-1", stage.now) as book:
                await book.open_task(
                    "call",
                    "call:LIVE-1",
                    case.number,
                    stage.today,
                    {"step": "call", "script": "", "phones": ""},
                )
        await until(given, 10)
        await expect(page.locator(".work").get_by_text("LIVE-1")).to_be_visible()
        await other.locator(".work a", has_text="LIVE-1").click()
        await other.locator("summary", has_text="ask me again").click()
        await other.locator("details[open]").get_by_role("button").click()
        await expect(page.locator(".work li", has_text="LIVE-1").get_by_text("for ")).to_be_visible()


async def test_tasks_of_others_are_not_there(stage: Stage) -> None:
    """Whoever may not see a creditor finds neither its tasks nor their pages, and may command nothing."""
    async with stage.office.database.reading() as conn:
        hidden = next(one for one in await queries.open_tasks(conn) if one.creditor == "acme")
    async with stage.seat("administrator", only=("gamma",)) as page:
        shown = await page.goto(f"/tasks/{hidden.id}")
        assert shown is not None
        assert shown.status == 404
        answer = await page.request.post(f"/tasks/{hidden.id}", form={"answer": "close", "resolution": "x"})
        assert answer.status == 404
    async with stage.seat("viewer") as page:
        answer = await page.request.post(f"/tasks/{hidden.id}", form={"answer": "close", "resolution": "x"})
        assert answer.status == 403


async def test_a_command_from_another_site_is_refused(stage: Stage) -> None:
    """A post that says it comes from elsewhere is refused, with the right cookie too."""
    async with stage.seat() as page:
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            answer = await page.request.post("/sign-out", headers=headers)
            assert answer.status == 403


async def test_phone_and_french(stage: Stage) -> None:
    """The list and a task read well in French on a phone, in the dark."""
    async with stage.seat("viewer", language="fr", width=390, dark=True) as page:
        await page.goto("/")
        await expect(page.get_by_role("heading", name="Ce qui vous attend")).to_be_visible()
        await inspected(page, "today-phone-fr")
        await page.locator(".work a").first.click()
        await inspected(page, "task-phone-fr")
