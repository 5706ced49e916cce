"""Policies in the console: shown, tried, compared, moved to; files that cannot be used.

In: pages over HTTP on both kinds of database; what they look like in a real browser.
Not in: the rules (tests/domain), what moving does to a case (tests/terminal/test_moving.py).
"""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from httpx2 import AsyncClient
from playwright.async_api import expect

from config.catalogue import load_policies
from config.sections import Folders
from config.settings import Settings
from domain.events import CreditorRegistered, DebtorRegistered
from ledger import journal
from ledger.database import Database
from tests.console.desks import Alone, Desk
from tests.console.stage import Stage, billed, inspected
from tests.domain import build as facts

NOON = facts.at("2026-11-24 12:00")
MOVE = "/policies/move"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Gives a folder with the policies that come along."""
    return Path(shutil.copytree(Folders().policies, tmp_path / "policies"))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: Database, folder: Path) -> Desk:
    """Opens a console where acme and beta each have invoices under the seed."""
    settings = Settings(folders=Folders(var=folder.parent, policies=folder))
    found = Desk(Alone(settings, database, load_policies(folder), clock=lambda: NOON))
    for owner, numbers in {"acme": ("F-1", "F-2"), "beta": ("SECRET-1",)}.items():
        await found.take(CreditorRegistered(creditor=facts.creditor(id=owner, policy="seed")))
        for number in numbers:
            known = facts.debtor(creditor=owner, id=f"d-{number}", legal_name=f"{number} SARL")
            dates = {"issue_date": "2026-11-20", "due_date": "2026-12-20", "total": "900.00"}
            await found.take(DebtorRegistered(debtor=known), billed(owner, number, f"d-{number}", dates))
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def viewer(desk: Desk) -> AsyncIterator[AsyncClient]:
    """Seats somebody who may only look."""
    async with desk.seat("viewer") as client:
        yield client


async def test_policies_are_listed_with_their_cases(desk: Desk, viewer: AsyncClient) -> None:
    """Each policy says how many open cases run on it, of the creditors that one may see."""
    assert re.search(r"Baseline calendar.*?3 open cases", (await viewer.get("/policies")).text, re.DOTALL)
    async with desk.seat("manager", creditors=("acme",)) as page:
        assert re.search(r"Baseline calendar.*?2 open cases", (await page.get("/policies")).text, re.DOTALL)


async def test_a_file_that_cannot_be_used_says_where_it_is_wrong(viewer: AsyncClient, folder: Path) -> None:
    """A fault of a file, or a missing text, stands beside its policy; the others are shown all the same."""
    (folder / "broken.toml").write_text('id = "broken"\nspacing = 3\n', "utf-8")
    seed = (folder / "seed.toml").read_text("utf-8")
    silent = seed.replace('id = "seed"', 'id = "silent"').replace('"due-soon"', '"unwritten"')
    (folder / "silent.toml").write_text(silent, "utf-8")
    shown = (await viewer.get("/policies")).text
    assert "there is no such field; did you mean" in shown
    assert "unwritten/subject.txt is missing" in shown
    assert "Baseline calendar" in shown
    assert "did you mean" in (await viewer.get("/policies/broken")).text
    assert "unwritten" in (await viewer.get("/policies/silent")).text
    assert (await viewer.get("/policies/nothing")).status_code == 404


async def test_a_due_date_is_tried_with_its_weekends_and_holidays(viewer: AsyncClient) -> None:
    """The steps fall on real days: Whit Monday of 2027 is nobody's; in Moselle, neither is Good Friday."""
    plain = "/policies/seed?due=2027-05-15&country=FR"
    shown = (await viewer.get(plain)).text
    assert "Tuesday, 18 May 2027" in shown
    good_friday = "/policies/seed?due=2027-03-24&country=FR"
    assert "Friday, 26 March 2027" in (await viewer.get(good_friday)).text
    assert "Tuesday, 30 March 2027" in (await viewer.get(f"{good_friday}&postcode=57000")).text
    little = (await viewer.get("/policies/french-b2b?due=2027-03-24&amount=14,99")).text
    assert "nobody is reminded of less than €15.00" in little


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("due=soon", "give a day, such as 2026-12-24"),
        ("due=2027-01-10&issued=2027-02-01", "it lies after the due date"),
        ("due=2027-01-10&amount=1.250", "could be thousands or decimals"),
    ],
)
async def test_what_cannot_be_tried_is_said_beside_its_field(
    viewer: AsyncClient, given: str, said: str
) -> None:
    """A day that is none, or an amount that could mean two things, is kept as typed and explained."""
    shown = await viewer.get(f"/policies/seed?{given}")
    assert (shown.status_code, said in shown.text) == (422, True)
    assert 'aria-invalid="true"' in shown.text


async def test_texts_are_shown_where_they_can_do_nothing(viewer: AsyncClient) -> None:
    """An e-mail is framed under a policy of its own, a letter is a PDF, in every language."""
    for language, word in (("fr", "Bonjour"), ("en", "Hello")):
        address = f"/policies/french-b2b/texts/shown?step=D%2B2&language={language}"
        mail = await viewer.get(address)
        assert word in mail.text or "Dear" in mail.text
        assert mail.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        letter = await viewer.get(f"{address}&channel=letter")
        assert letter.content.startswith(b"%PDF-")
    page = (await viewer.get("/policies/french-b2b/texts?step=D-10")).text
    assert 'sandbox=""' in page
    assert "disputed" not in page
    assert (await viewer.get("/policies/french-b2b/texts?step=D%2B15&language=en")).status_code == 200


async def test_two_policies_are_compared_in_words(viewer: AsyncClient) -> None:
    """Steps stand beside one another; what differs is named, what stands alone is said to."""
    shown = (await viewer.get("/policies/compare?a=french-b2b&b=seed&due=2027-02-07")).text
    assert shown.count("only on the left") == 3
    assert "days between steps" in shown
    assert "here on Thursday, 28 January 2027" in shown
    assert "nothing differs" in (await viewer.get("/policies/compare?a=seed&b=seed")).text
    assert (await viewer.get("/policies/compare?a=seed&b=seed&due=never")).status_code == 422


async def test_only_a_manager_moves_cases_and_only_their_creditors(desk: Desk) -> None:
    """The preview writes nothing; the move takes each case of one's creditors over, in one's own name."""
    async with desk.seat("operator") as page:
        assert (await page.get(MOVE)).status_code == 403
        assert (await page.post(MOVE, data={"source": "seed", "target": "french-b2b"})).status_code == 403
    async with desk.seat("manager", creditors=("acme",)) as page:
        shown = (await page.get(f"{MOVE}?source=seed&target=french-b2b")).text
        assert "F-1" in shown
        assert "SECRET-1" not in shown
        assert set(await under(desk)) == {"seed"}
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
        stale = await page.post(MOVE, data=form | {"version": "french-b2b@000000000000"})
        assert (stale.status_code, set(await under(desk))) == (409, {"seed"})
        assert (await page.post(MOVE, data=form | {"creditor": "beta"})).status_code == 404
        moved = await page.post(MOVE, data=form)
        assert "2 cases were moved" in (await page.get(moved.headers["location"])).text
    assert sorted(await under(desk)) == ["french-b2b", "french-b2b", "seed"]
    async with desk.office.database.reading() as conn:
        entries = await journal.entries(conn, "acme", "d-F-1")
    assert [one.facts["author"] for one in entries if one.kind == "case.policy_moved"] == [
        "manager@acme.example"
    ]


async def under(desk: Desk) -> list[str]:
    """Names the policy of each case."""
    found = []
    for owner, debtor in (("acme", "d-F-1"), ("acme", "d-F-2"), ("beta", "d-SECRET-1")):
        async with desk.office.book(owner, debtor, NOON) as book:
            found += [case.policy.partition("@")[0] for case in book.account.cases]
    return found


async def test_policies_in_a_browser(stage: Stage) -> None:
    """Every page of policies is accessible, wide and on a phone, in both languages, light and dark."""
    async with stage.seat("manager") as page:
        await page.goto("/policies")
        await inspected(page, "policies")
        await page.get_by_role("link", name="French business customers").click()
        await page.get_by_role("textbox", name="Due date").fill("2027-05-15")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("table", name="What would leave")).to_be_visible()
        await inspected(page, "policy")
        await page.get_by_role("link", name="Texts").click()
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_text("Atelier Martin SAS").first).to_be_visible()
        await inspected(page, "policy-texts")
        await page.get_by_role("link", name="Compare", exact=True).click()
        await inspected(page, "policies-compared")
    async with stage.seat("manager", language="fr", width=390, dark=True) as page:
        for name in ("", "/french-b2b", "/french-b2b/texts?step=formal-notice", "/compare", "/move"):
            await page.goto(f"/policies{name}")
            await inspected(page, f"policies-phone{re.sub(r'[^a-z0-9]+', '-', name)}")
        await page.goto("/policies/move?source=french-b2b&target=seed")
        await inspected(page, "policies-move-phone")
