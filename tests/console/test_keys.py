"""Keys, senders and webhooks in the settings: secrets shown once, whose invoices they cover, deliveries.

In: the pages without a browser, and in one for how they look.
Not in: what a key opens (tests/api), deliveries themselves (tests/api/test_deliveries.py).
"""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from domain.events import CreditorRegistered
from ledger import access, journal, webhooks
from ledger.access import Right
from ledger.database import Database
from ledger.webhooks import Delivery, News, State
from tests.console.desks import Desk, desk
from tests.console.stage import Stage, inspected
from tests.domain import build

NOW = build.at("2026-11-24 10:00")
BY = "administrator@acme.example"
MINE = {"sees": "some", "creditors": ["acme"]}
URL = "https://erp.example/hook"


@pytest.fixture
def database_kind() -> str:
    """Takes one kind of database: the tables are tested on both by the API."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def office(database: Database, tmp_path: Path) -> Desk:
    """Gives a console with two creditors."""
    found = desk(database, tmp_path, NOW)
    for owner in ("acme", "beta"):
        await found.take(CreditorRegistered(creditor=build.creditor(id=owner, policy="seed")))
    return found


def secret_of(page: str) -> str:
    """Reads the secret that a page shows."""
    shown = re.search(r'class="secret">([^<]+)<', page)
    assert shown is not None, page
    return shown[1]


async def written(kept: Desk) -> list[str]:
    """Reads the kinds of the installation's journal, each by the administrator."""
    async with kept.office.database.reading() as conn:
        entries = await journal.entries(conn, "", "")
        assert [one async for one in journal.verify(conn)] == []
    assert {one.facts["author"] for one in entries} <= {BY}
    return [one.kind for one in entries]


async def test_a_key_is_made_shown_once_and_ended(office: Desk) -> None:
    """The token that is shown opens what was ticked, appears nowhere again, and opens nothing once ended."""
    async with office.seat("administrator") as client:
        form = MINE | {"name": "<b>ERP</b>", "rights": ["events", "read"]}
        token = secret_of((await client.post("/settings/keys", data=form)).text)
        async with office.office.database.reading() as conn:
            key = await access.key_of(conn, token)
        assert key is not None
        assert (set(key.rights), key.creditors, key.made_by) == ({Right.EVENTS, Right.READ}, ("acme",), BY)
        listed = (await client.get("/settings/keys")).text
        assert token not in listed
        assert "&lt;b&gt;ERP" in listed
        assert (await client.post(f"/settings/keys/{key.id}/end")).status_code == 303
        assert (await client.post(f"/settings/keys/{key.id}/end")).status_code == 404
    async with office.office.database.reading() as conn:
        assert await access.key_of(conn, token) is None
    assert await written(office) == ["key.made", "key.ended"]


async def test_a_sender_signs_with_the_secret_that_was_shown(office: Desk) -> None:
    """A second secret stands beside the first; a name that is taken, or is none, is refused."""
    async with office.seat("administrator") as client:
        form = {"sender": "shop", "sees": "all"}
        first = secret_of((await client.post("/settings/keys/senders", data=form)).text)
        second = secret_of((await client.post("/settings/keys/senders/shop/secret")).text)
        async with office.office.database.reading() as conn:
            found = await access.sender_of(conn, "shop")
        assert found is not None
        assert found[1] == (second, first)
        for name in ("shop", "a b\\c?"):
            again = await client.post("/settings/keys/senders", data=form | {"sender": name})
            assert again.status_code == 422
            assert 'id="sender-mistake"' in again.text
        assert (await client.post("/settings/keys/senders/shop/end")).status_code == 303
    assert await written(office) == ["sender.made", "sender.changed", "sender.ended"]


@pytest.mark.parametrize(
    ("url", "said"),
    [("ftp://erp.example", "is not protected"), ("https://10.0.0.1/x", "private network"), ("x y", "no URL")],
)
async def test_news_goes_only_where_it_may(office: Desk, url: str, said: str) -> None:
    """An endpoint of a private network, or without https, is refused beside its field."""
    async with office.seat("administrator") as client:
        answer = await client.post(
            "/settings/webhooks", data={"url": url, "kinds": ["invoice.paid"], "sees": "all"}
        )
    assert answer.status_code == 422
    beside = re.search(r'id="url-mistake">(.*?)</p>', answer.text)
    assert beside is not None
    assert said in beside[1]


async def delivered(kept: Desk, webhook: str, name: str, state: State) -> None:
    """Keeps a delivery to an endpoint."""
    one = Delivery(
        id=name,
        webhook=webhook,
        kind=News.INVOICE_PAID,
        creditor="acme",
        at=NOW,
        round=0,
        state=state,
        attempts=2,
        last_at=NOW,
        last_status=500,
        last_answer="<script>alert(1)</script>",
    )
    async with kept.office.database.writing() as conn:
        await webhooks.put(conn, one, "{}")


async def test_deliveries_are_seen_and_sent_again(office: Desk) -> None:
    """Each delivery shows what was answered and may be sent once more; endpoints are shut and opened."""
    async with office.seat("administrator") as client:
        form = MINE | {"url": URL, "kinds": ["invoice.paid", "promise.broken"]}
        assert secret_of((await client.post("/settings/webhooks", data=form)).text).startswith("whsec_")
        async with office.office.database.reading() as conn:
            [hook] = await webhooks.endpoints(conn)
        assert (hook.creditors, set(hook.kinds)) == (("acme",), {News.INVOICE_PAID, News.PROMISE_BROKEN})
        await delivered(office, hook.id, "d-1", State.GIVEN_UP)
        await delivered(office, hook.id, "d-2", State.WAITING)
        where = f"/settings/webhooks/{hook.id}"
        text = (await client.get(where)).text
        assert "500 &lt;script&gt;" in text
        assert "d-1" not in (await client.get(f"{where}?state=waiting")).text
        assert (await client.post(f"{where}/deliveries/d-1")).status_code == 303
        assert (await client.post(f"{where}/deliveries/nothing")).status_code == 404
        await client.post(f"{where}/deliveries/d-2")
        assert "has not been tried yet" in (await client.get(where)).text
        await client.post(f"{where}/disable")
        assert BY in (await client.get(where)).text
        await client.post(f"{where}/enable")
        async with office.office.database.reading() as conn:
            assert (await webhooks.endpoint(conn, hook.id)).disabled_at is None
            assert (await webhooks.parcel(conn, "d-1")).delivery.round == 1
    kinds = ["webhook.made", "webhook.redelivered", "webhook.disabled", "webhook.enabled"]
    assert await written(office) == kinds


async def test_who_sees_one_creditor_gives_away_no_other(office: Desk) -> None:
    """Keys, endpoints and people beyond what the administrator sees can be neither made, seen nor changed."""
    async with office.office.database.writing() as conn:
        whole, _ = await access.make_key(conn, "whole", [Right.READ], None, "ann", NOW)
        await access.make_sender(conn, "wide", None, "ann", NOW)
        hook = await webhooks.make(conn, URL, [News.INVOICE_PAID], ("beta",), "whsec_x", "ann", NOW)
    async with office.seat("administrator", id="boss@acme.example"):
        pass
    async with office.seat("administrator", creditors=("acme",)) as client:
        for beyond in ({"sees": "all"}, {"sees": "some", "creditors": ["acme", "beta"]}):
            key = beyond | {"name": "x", "rights": ["read"]}
            assert (await client.post("/settings/keys", data=key)).status_code == 422
            sender = beyond | {"sender": "x"}
            assert (await client.post("/settings/keys/senders", data=sender)).status_code == 422
            endpoint = beyond | {"url": URL, "kinds": ["invoice.paid"]}
            assert (await client.post("/settings/webhooks", data=endpoint)).status_code == 422
            somebody = beyond | {"email": "a@b.cd", "name": "A", "role": "viewer", "language": "fr"}
            assert (await client.post("/settings/people/new", data=somebody)).status_code == 422
        for path in (f"keys/{whole.id}/end", "keys/senders/wide/secret", "keys/senders/wide/end"):
            assert (await client.post(f"/settings/{path}")).status_code == 404, path
        for path in ("disable", "enable", "deliveries/d"):
            assert (await client.post(f"/settings/webhooks/{hook.id}/{path}")).status_code == 404, path
        for path in ("password", "disable"):
            assert (await client.post(f"/settings/people/boss@acme.example/{path}")).status_code == 404, path
        seen = [(await client.get(f"/settings/{page}")).text for page in ("keys", "webhooks", "people")]
        for text in seen:
            assert not {"whole", "wide", URL, "boss@"} & set(re.findall(r"whole|wide|boss@|" + URL, text))


async def test_managers_look_and_nobody_else_changes(office: Desk) -> None:
    """Managers see the lists without any button; making and ending is for administrators."""
    commands = ("keys", "keys/x/end", "keys/senders", "keys/senders/x/secret", "keys/senders/x/end")
    hooks = ("webhooks", "webhooks/x/disable", "webhooks/x/enable", "webhooks/x/deliveries/y")
    async with office.seat("manager") as client:
        for page in ("keys", "webhooks"):
            answer = await client.get(f"/settings/{page}")
            assert answer.status_code == 200
            assert "New key" not in answer.text
        for path in (*commands, *hooks):
            assert (await client.post(f"/settings/{path}")).status_code == 403, path
    async with office.seat("operator") as client:
        assert (await client.get("/settings/keys")).status_code == 403


async def test_keys_and_webhooks_read_well_everywhere(stage: Stage) -> None:
    """Both pages, and a secret shown once, are accessible and fit."""
    for language, width, dark in (("en", 1280, True), ("fr", 390, False)):
        async with stage.seat("administrator", language=language, width=width, dark=dark) as page:
            await page.goto("/settings/webhooks")
            await inspected(page, f"webhooks-{language}-{width}")
            await page.goto("/settings/keys")
            await inspected(page, f"keys-{language}-{width}")
            await page.locator("#name").fill("ERP")
            await page.locator('input[name="rights"]').first.check()
            await page.locator('form[action="/settings/keys"] button.main').click()
            await expect(page.locator(".secret")).to_be_visible()
            await inspected(page, f"secret-{language}-{width}")
