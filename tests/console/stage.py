"""The stage of browser tests: the production rooms with a lived portfolio, served, and a real Chromium.

In: one stage for the session (Temporal, worker, mail sink, record, HTTP server), people of every role, pages
that have signed in, axe, screenshots.
Not in: what a page must show (test_*.py).

The portfolio has three creditors. Acme's customers have lived through fifty days; `stage.bill` adds an
invoice of a test's own, so that tests do not disturb one another. Beta is there not to be seen, Gamma for
the morning of an operator alone. Time stands at `stage.now`.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.links import links_of
from config.sections import Console, Folders, Smtp
from config.settings import Settings
from console import people
from console.application import build
from console.listening import listening
from console.office import Office
from console.seats import COOKIE
from correspondence.wording import Wording
from domain.actions import CaseRef
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated
from ledger import people as record
from ledger.database import Database
from ledger.people import Person, Role
from tests.domain import build as facts
from trial.mail import MailSink, mail_sink
from trial.servers import free_port, temporal_dev_server
from trial.world import World, real_now, world

AXE = Path(__file__).parent / "vendored" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DAY = timedelta(days=1)
SPAN = 50 * DAY
PASSWORD = "a few words are good"
SHOTS = os.environ.get("RELANCE_TEST_SHOTS")
"""Where screenshots are kept, when somebody wants to look at them."""

FINDINGS = """async () => (await axe.run(document, {runOnly: {type: 'tag', values:
  ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}})).violations
  .map(one => one.id + ': ' + one.nodes.map(node => node.target.join(' ')).join(', '))"""


@dataclass
class Stage:
    """Holds what a browser test plays with."""

    lives: World
    office: Office
    sink: MailSink
    address: str
    now: datetime
    browser: Browser
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """Gives the day on which the stage stands."""
        return self.now.date()

    async def bill(self, number: str, *, debtor: str | None = None, due: int = 0, **more: Any) -> CaseRef:
        """Imports an invoice of Acme that falls due so many days from today, its customer first."""
        debtor = debtor or f"d-{number.lower()}"
        contact = ({"email": f"compta@{debtor}.example"},)
        known = facts.debtor(
            creditor="acme", id=debtor, legal_name=f"{debtor.title()} SARL", contacts=contact
        )
        await self.office.admit(DebtorRegistered(debtor=known), self.now, "test")
        day = self.today + due * DAY
        dated = {"issue_date": day - 30 * DAY, "due_date": day, "total": "1200.00"}
        await self.office.admit(billed("acme", number, debtor, dated | more), self.now, "test")
        return CaseRef(creditor="acme", number=number)

    async def caught_up(self, case: CaseRef) -> None:
        """Brings the clock of a case's run to the stage's day: what was due until now is taken."""
        await self.lives.advance([case], self.now)
        await self.lives.deliver()

    @asynccontextmanager
    async def seat(
        self,
        role: str = "operator",
        *,
        language: str = "en",
        width: int = 1280,
        dark: bool = False,
        only: tuple[str, ...] | None = None,
    ) -> AsyncIterator[Page]:
        """Opens a browser window in which somebody of a role has signed in; errors of its pages fail.

        `only` narrows what they may see to some creditors.
        """
        who = f"{role}-{language}-{'-'.join(only or ())}@acme.example"
        if who not in self.sessions:
            database, lasts = self.office.database, timedelta(hours=12)
            person = Person(
                id=who, name=role.title(), role=Role[role.upper()], creditors=only, language=language
            )
            async with database.writing() as conn:
                await record.save(conn, person, self.now)
            self.sessions[who] = await people.open_session(database, person, real_now(), lasts)
        cookie: Any = {"name": COOKIE, "value": self.sessions[who], "url": self.address}
        async with self.window(width=width, dark=dark, language=language) as page:
            await page.context.add_cookies([cookie])
            yield page

    @asynccontextmanager
    async def window(
        self, *, width: int = 1280, dark: bool = False, language: str = "en"
    ) -> AsyncIterator[Page]:
        """Opens a browser window of nobody; what its pages complain of fails the test."""
        context = await self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": 844 if width < 500 else 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",  # colours are judged where they stand, not half-way
            locale="fr-FR" if language == "fr" else "en-GB",
        )
        complaints: list[str] = []
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.on("console", lambda said: complaints.append(said.text) if _matters(said) else None)
        try:
            yield page
        finally:
            await context.close()
        assert complaints == []


def _matters(said: Any) -> bool:
    """Keeps what pages complain of; an answer of 4xx is for the test to judge."""
    return said.type in {"error", "warning"} and not re.search(r"status of 4\d\d", said.text)


async def inspected(page: Page, name: str) -> None:
    """Checks a page for accessibility and for width, and keeps its picture where one is wanted."""
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(FINDINGS) == [], name
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px wider than the window"
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> AsyncIterator[Stage]:
    """Sets the stage once for the session, on a Temporal server of its own: its runs bear common names."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: on Debian, apt-get install chromium")
    folder, port = tmp_path_factory.mktemp("stage"), free_port()
    shutil.copyfile(sqlite_template, folder / "relance.sqlite3")
    async with (
        temporal_dev_server(None, 0, None, folder / "temporal.log") as server,
        mail_sink(folder / "mail" / "Maildir", 0) as sink,
        await Database.open(f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}") as database,
    ):
        address = f"http://127.0.0.1:{port}"
        settings = Settings(
            folders=Folders(var=folder / "var"),
            database_url=f"sqlite+aiosqlite:///{folder / 'relance.sqlite3'}",
            smtp=Smtp(port=sink.port),
            task_queue=f"stage-{uuid4().hex[:8]}",
            console=Console(bind=f"127.0.0.1:{port}", public_url=address),
        )
        wording = Wording.load(settings.folders.wording, links_of(settings))
        temporal = await Client.connect(server.address, data_converter=pydantic_data_converter)
        async with world(temporal, settings, database, wording) as lives, _chromium() as browser:
            now = await _lived(lives)
            office = Office(settings, database, lives.policies, clock=lambda: now)
            office.use(lives.skipper.client)
            async with listening(build(office), "127.0.0.1", port):
                yield Stage(lives, office, sink, address, now, browser)


def billed(creditor: str, number: str, debtor: str, stated: Mapping[str, Any]) -> InvoiceCreated:
    """States an invoice as an event."""
    named = {"creditor": creditor, "number": number, "debtor": debtor}
    return InvoiceCreated.model_validate(named | dict(stated))


async def _lived(lives: World) -> datetime:
    """Lives through the portfolio's days; gives the instant at which it stands."""
    begin = real_now()
    today = begin.date()
    for owner in ("acme", "beta", "gamma", "delta"):
        creditor = facts.creditor(
            id=owner,
            legal_name=f"{owner.title()} SAS",
            policy="french-b2b",
            iban="FR7630006000011234567890189",
        )
        await lives.admit(CreditorRegistered(creditor=creditor), begin)
    customers = {"martin": "fr", "dubois": "fr", "miller": "en"}
    mornings = {"matin": "fr", "aube": "fr"}
    answering = {"roux": "fr", "reed": "en"}
    owners = {"acme": customers, "beta": {"secret": "fr"}, "gamma": mornings, "delta": answering}
    for owner, names in owners.items():
        for name, language in names.items():
            known = facts.debtor(
                creditor=owner,
                id=name,
                legal_name=f"{name.title()} & Fils" if language == "fr" else f"{name.title()} Ltd",
                language=language,
                contacts=({"email": f"compta@{name}.example", "phone": "+33123456789"},),
            )
            await lives.admit(DebtorRegistered(debtor=known), begin)
    portfolio = {"F-1": ("martin", 12), "F-2": ("martin", 25), "F-3": ("dubois", 5), "F-4": ("miller", 38)}
    for number, (debtor, due) in portfolio.items():
        dated = {"issue_date": today, "due_date": today + due * DAY, "total": "1200.00"}
        await lives.admit(billed("acme", number, debtor, dated), begin)
    hidden = {"issue_date": today, "due_date": today + 10 * DAY, "total": "77.00"}
    await lives.admit(billed("beta", "SECRET-1", "secret", hidden), begin)
    alone = facts.debtor(creditor="gamma", id="muet", legal_name="Muet SARL", contacts=())
    await lives.admit(DebtorRegistered(debtor=alone), begin)
    for number, debtor, due in (("G-1", "matin", 5), ("G-2", "aube", 32), ("G-3", "muet", 32)):
        dated = {"issue_date": today, "due_date": today + due * DAY, "total": "900.00"}
        await lives.admit(billed("gamma", number, debtor, dated), begin)
    for number, debtor, due in (("D-1", "roux", 20), ("D-2", "roux", 44), ("D-3", "reed", 30)):
        dated = {"issue_date": today, "due_date": today + due * DAY, "total": "480.00"}
        await lives.admit(billed("delta", number, debtor, dated), begin)
    now = begin + SPAN
    await lives.live((), now)
    return now


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()
