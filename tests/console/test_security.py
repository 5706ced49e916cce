"""What nobody may reach: strangers, other roles, other creditors' objects, hostile names.

In: every address of the pages, asked without and with the wrong rights; names that want to be code.
Not in: signatures of events (tests/api), links of debtors (tests/answers).
"""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from fastapi.routing import APIRoute
from playwright.async_api import expect

from console.application import build
from console.live import router as live
from console.pages import ROUTERS
from console.seats import COOKIE
from domain.actions import CaseRef
from domain.events import DebtorRegistered
from ledger import queries
from tests.console.stage import Stage
from tests.domain import build as facts

OPEN_TO_ALL = {"/sign-in", "/sign-in/provider", "/sign-in/provider/back", "/sign-out"}
HOSTILE = "<img src=x onerror=alert(1)>{{ 7*7 }} \"'><script>alert(2)</script>"


def addresses() -> list[tuple[str, str]]:
    """Lists every address of the pages with its methods."""
    routes = [one for router in (live, *ROUTERS) for one in router.routes if isinstance(one, APIRoute)]
    return sorted(
        (method, one.path) for one in routes for method in one.methods or () if one.path not in OPEN_TO_ALL
    )


def filled(path: str) -> str:
    """Puts a hidden creditor's names where an address wants names."""
    known = {"creditor": "beta", "rest": "SECRET-1", "number": "SECRET-1", "debtor": "secret"}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known.get(found[1], "x"), path)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    """Gives a client without a cookie."""
    async with httpx2.AsyncClient(base_url=stage.address, timeout=30) as client:
        yield client


async def test_a_stranger_sees_nothing(visitor: httpx2.AsyncClient) -> None:
    """Every address leads somebody without a session to the sign-in, or is not there."""
    assert len(addresses()) > 30
    for method, path in addresses():
        answer = await visitor.request(method, filled(path))
        assert answer.status_code == 303, (method, path, answer.status_code)
        assert answer.headers["location"].startswith("/sign-in?then="), (method, path)


async def test_a_viewer_commands_nothing(stage: Stage, visitor: httpx2.AsyncClient) -> None:
    """Whoever may only look changes nothing by any address, but their own language and password."""
    async with stage.seat("viewer"):
        token = stage.sessions["viewer-en-@acme.example"]
    visitor.cookies.set(COOKIE, token)
    for method, path in addresses():
        if method == "POST" and not path.startswith("/me/"):
            known = re.sub(r"\{creditor\}/\{rest:path\}", "acme/F-1/hold", path)
            known = re.sub(r"\{creditor\}", "acme", re.sub(r"\{debtor\}", "martin", known))
            answer = await visitor.post(filled(known), data={"reason": "x"})
            assert answer.status_code in {403, 404}, (path, answer.status_code, answer.text[:300])


async def test_other_creditors_are_not_there(stage: Stage, visitor: httpx2.AsyncClient) -> None:
    """A person of one creditor finds nothing of another, in no list, export, page, or message."""
    async with stage.seat("administrator", only=("acme",)):
        token = stage.sessions["administrator-en-acme@acme.example"]
    visitor.cookies.set(COOKIE, token)
    async with stage.office.database.reading() as conn:
        hidden = CaseRef(creditor="beta", number="SECRET-1")
        messages = [one.id for one in (await queries.case_file(conn, hidden)).messages]
    assert messages
    paths = [filled(path) for method, path in addresses() if method == "GET" and path != "/live"]
    paths += [path.replace("/x", f"/{messages[0]}") for path in paths if path.startswith("/messages/")]
    paths += ["/invoices?q=SECRET", "/invoices.csv", "/debtors?q=secret", "/invoices?creditor=beta"]
    for path in paths:
        answer = await visitor.get(path)
        assert answer.status_code < 500, path
        typed = {"q=SECRET", "q=secret"}
        if not any(one in path for one in typed) and answer.status_code == 200:
            assert "SECRET-1" not in answer.text, path
            assert "Secret &amp; Fils" not in answer.text, path
        elif answer.status_code == 200:
            assert "/invoices/beta/" not in answer.text, path


async def test_a_name_is_never_code(stage: Stage) -> None:
    """A customer's name that wants to be a script, a tag or a template is shown as it is, on every page."""
    case = await stage.bill("EVIL-1", debtor="evil", due=10)
    known = facts.debtor(
        creditor="acme", id="evil", legal_name=HOSTILE, contacts=({"email": "x@evil.example"},)
    )
    await stage.office.admit(DebtorRegistered(debtor=known), stage.now, "test")
    async with stage.seat("administrator") as page:
        opened: list[str] = []
        page.on("dialog", lambda dialog: opened.append(dialog.message))
        for path in (
            "/invoices?q=EVIL",
            f"/invoices/acme/{case.number}",
            "/debtors/acme/evil",
            "/debtors?q=7*7",
        ):
            await page.goto(path)
            await expect(page.get_by_text("{{ 7*7 }}").first).to_be_visible()
            assert await page.locator("img[src=x]").count() == 0, path
        assert opened == []
        table = await page.request.get("/invoices.csv?q=EVIL")
        assert "{{ 7*7 }}" in await table.text()


async def test_every_page_is_strict(stage: Stage, visitor: httpx2.AsyncClient) -> None:
    """No page allows scripts or styles of others or inline, frames of others, or to be kept by a browser."""
    answer = await visitor.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script>" not in re.sub(r'<script src="/static/[^"]+" defer></script>', "", answer.text)
    assert build(stage.office).openapi_url is None
