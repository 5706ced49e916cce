"""Settings: who may change what, what is refused, and what the journal says of it.

In: every page without a browser, on SQLite; creditors, people, stops, refused rows, cases that fail; the
pages in a browser.
Not in: keys and webhooks (test_keys.py), the identity provider (test_oidc.py).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from httpx2 import AsyncClient
from playwright.async_api import expect

from audit.auditing import audit
from console import people as passwords
from domain.actions import CaseRef
from domain.agreements import Stop
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated, PaymentReceived
from ledger import desk as quarantine
from ledger import journal, people, queries, switches, troubles
from ledger.database import Database
from ledger.people import Role
from ledger.views import creditors
from tests.console.desks import Desk, desk
from tests.console.stage import Stage, inspected
from tests.domain import build

NOW = build.at("2026-11-24 10:00")
IBAN = "FR1420041010050500013M02606"
RAW = '{"type": "payment.received", "creditor": "acme", "reference": "V-1", "amount": 5, "invoice": "F-1"}'


@pytest.fixture
def database_kind() -> str:
    """Takes one kind of database: what these pages read and write is tested on both elsewhere."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def office(database: Database, tmp_path: Path) -> Desk:
    """Gives a console with two creditors; Acme has two open invoices, one of them due for a reminder."""
    found = desk(database, tmp_path, NOW)
    for owner in ("acme", "beta"):
        named = build.creditor(id=owner, legal_name=f"{owner.title()} SAS", policy="seed")
        known = build.debtor(creditor=owner)
        await found.take(CreditorRegistered(creditor=named), DebtorRegistered(debtor=known))
    for number, due in (("F-1", "2026-11-22"), ("F-2", "2027-01-31")):
        facts = {"creditor": "acme", "number": number, "debtor": "dubois", "total": "100.00"}
        dated = {"issue_date": "2026-10-20", "due_date": due}
        await found.take(InvoiceCreated.model_validate(facts | dated))
    return found


def plain(page: str) -> str:
    """Takes the tags out of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{EN DASH}", "-")


def hidden(page: str) -> dict[str, str]:
    """Reads the hidden fields of a page's last form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


async def told(kept: Desk, creditor: str = "") -> list[Mapping[str, Any]]:
    """Reads the journal of a creditor, or of the installation, as kinds with their facts."""
    async with kept.office.database.reading() as conn:
        return [{"kind": one.kind, **one.facts} for one in await journal.entries(conn, creditor, "")]


PAGES = ("", "/creditors", "/creditors/acme", "/stops", "/refused", "/troubles", "/people")
ADMINISTERED = ("/creditors/new", "/creditors/acme/banks/new", "/people/new")
COMMANDS = {
    "manager": ("/stops", "/stops/resume", "/troubles/retry", "/troubles/deliver", "/refused/1"),
    "administrator": (
        *("/creditors/new", "/creditors/acme", "/creditors/acme/banks/new", "/creditors/acme/banks/x/remove"),
        *("/people/new", "/people/x@y.z", "/people/x@y.z/password", "/people/x@y.z/disable"),
    ),
}


async def test_managers_read_and_administrators_change(office: Desk) -> None:
    """Operators see nothing of it, managers all pages and their own commands, administrators the rest."""
    async with office.seat("operator") as client:
        for path in (*PAGES, *ADMINISTERED):
            assert (await client.get(f"/settings{path}")).status_code == 403, path
        for path in (*COMMANDS["manager"], *COMMANDS["administrator"]):
            assert (await client.post(f"/settings{path}")).status_code == 403, path
    async with office.seat("manager") as client:
        for path in PAGES:
            assert (await client.get(f"/settings{path}")).status_code == 200, path
        for path in ADMINISTERED:
            assert (await client.get(f"/settings{path}")).status_code == 403, path
        for path in COMMANDS["administrator"]:
            assert (await client.post(f"/settings{path}")).status_code == 403, path
    async with office.stranger() as client:
        assert (await client.post("/settings/stops")).headers["location"].startswith("/sign-in")


async def test_who_sees_one_creditor_sees_nothing_of_others(office: Desk) -> None:
    """Another's creditor, stop and refused rows do not exist; stopping everybody is not theirs to do."""
    async with office.office.database.writing() as conn:
        await switches.stop(conn, Stop(creditor="beta"), "ann", "secret reason", NOW)
        await quarantine.set_aside(conn, "x.csv", 1, "secret row", {"field": "a", "remedy": "b"}, NOW)
    async with office.seat("administrator", creditors=("acme",)) as client:
        for path in PAGES:
            text = (await client.get(f"/settings{path}")).text
            assert "Beta" not in text, path
            assert "secret" not in text, path
        assert (await client.get("/settings/creditors/beta")).status_code == 404
        assert (await client.get("/settings/refused/1")).status_code == 403
        for form in ({}, {"channel": "letter"}):
            assert (await client.post("/settings/stops", data=form | {"reason": "x"})).status_code == 403
        theirs = await client.post("/settings/stops", data={"creditor": "beta", "reason": "x"})
        assert theirs.status_code == 404
        mine = await client.post("/settings/stops", data={"creditor": "acme", "reason": "wrong logo"})
        assert mine.status_code == 303


# Creditors


async def form_of(client: AsyncClient, creditor: str) -> dict[str, str]:
    """Reads the form of a creditor as a browser would send it back."""
    text = (await client.get(f"/settings/creditors/{creditor}")).text
    fields = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', text)) | hidden(text)
    chosen = re.findall(r'<select id="(\w+)".*?<option value="([^"]*)" selected', text, re.DOTALL)
    areas = re.findall(r'<textarea id="(\w+)"[^>]*>([^<]*)<', text)
    return {name: value for name, value in (*fields.items(), *chosen, *areas) if name != "q"}


async def test_a_creditor_changes_after_a_look(office: Desk) -> None:
    """What would change is shown with its effect and written only then, with its author."""
    async with office.seat("administrator") as client:
        form = await form_of(client, "acme")
        look = await client.post(
            "/settings/creditors/acme", data=form | {"iban": "FR14 2004 1010 0505 0001 3M02 606"}
        )
        async with office.office.database.reading() as conn:
            assert (await creditors.find(conn, "acme")).iban is None
        text = plain(look.text)
        assert f"IBAN - {IBAN}" in text
        assert "asks for money on another account" in text
        assert "2 open cases are planned anew" in text
        assert "Legal name" not in text
        answer = await client.post("/settings/creditors/acme", data=hidden(look.text) | {"confirmed": "true"})
        assert answer.headers["location"] == "/settings/creditors/acme"
        same = await client.post("/settings/creditors/acme", data=await form_of(client, "acme"))
        assert "Nothing would change" in same.text
    async with office.office.database.reading() as conn:
        known = await creditors.find(conn, "acme")
    assert known == build.creditor(id="acme", legal_name="Acme SAS", policy="seed", iban=IBAN)
    last = (await told(office, "acme"))[-1]
    assert (last["kind"], last["author"]) == ("creditor.revised", "administrator@acme.example")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("iban", "FR1420041010050500013M02607", "check digits do not add up"),
        ("siren", "123456789", "is not a SIREN"),
        ("email", "nobody", "is not an e-mail address"),
        ("time_zone", "Mars/Olympus", "is not a time zone"),
        ("legal_name", "", "this is needed"),
        ("contact_cap_days", "often", "write a whole number"),
        ("country", "France", "pattern"),
        ("cents", "7.00", "less than or equal to 5"),
        ("policy", "nope", "choose one of the policies"),
    ],
)
async def test_a_mistake_stands_beside_its_field(office: Desk, field: str, value: str, said: str) -> None:
    """What cannot be meant is said at its field, what was typed stays, nothing is written."""
    async with office.seat("administrator") as client:
        form = await form_of(client, "acme")
        answer = await client.post("/settings/creditors/acme", data=form | {"signatory": "Zoé", field: value})
    assert answer.status_code == 422
    beside = re.search(rf'id="{field}-mistake">(.*?)</p>', answer.text)
    assert beside is not None
    assert said in beside[1]
    assert 'value="Zoé"' in answer.text
    assert [one["kind"] for one in await told(office, "acme")] == ["creditor.registered"]


async def test_two_who_change_a_creditor_do_not_overwrite_one_another(office: Desk) -> None:
    """Whoever confirms what somebody else has changed meanwhile is told to look again."""
    async with office.seat("administrator") as client:
        mine = hidden(
            (
                await client.post(
                    "/settings/creditors/acme", data=await form_of(client, "acme") | {"phone": "1"}
                )
            ).text
        )
        await office.take(CreditorRegistered(creditor=build.creditor(id="acme", policy="seed", phone="2")))
        answer = await client.post("/settings/creditors/acme", data=mine | {"confirmed": "true"})
    assert answer.status_code == 422
    assert "changed this creditor meanwhile" in answer.text


async def test_a_creditor_is_registered_once(office: Desk) -> None:
    """A new one is looked at, then registered; a key that is taken is refused."""
    facts = {
        "id": "gamma",
        "legal_name": "Gamma SA",
        "lines": "1 quai Bas\nBât. B",
        "postcode": "69003",
        "city": "Lyon",
    }
    facts |= {"country": "FR", "email": "compta@gamma.example", "policy": "seed"}
    async with office.seat("administrator") as client:
        look = await client.post("/settings/creditors/new", data=facts)
        assert "Gamma SA" in look.text
        answer = await client.post("/settings/creditors/new", data=hidden(look.text) | {"confirmed": "true"})
        assert answer.headers["location"] == "/settings/creditors/gamma"
        again = await client.post("/settings/creditors/new", data=facts | {"id": "acme"})
        assert "this creditor is known already" in again.text
    async with office.office.database.reading() as conn:
        assert (await creditors.find(conn, "gamma")).address.lines == ("1 quai Bas", "Bât. B")


async def test_bank_sources_are_declared_changed_and_taken_away(office: Desk) -> None:
    """Each source has a rhythm and somebody to ask; two of one account are refused."""
    where = "/settings/creditors/acme/banks"
    source = {"key": "main", "account": IBAN, "currency": "EUR", "fresh_within_days": "2", "owner": "Zoé"}
    async with office.seat("administrator") as client:
        assert (await client.post(f"{where}/new", data=source)).status_code == 303
        twice = await client.post(f"{where}/new", data=source | {"key": "other"})
        assert twice.status_code == 422
        assert "declared twice" in twice.text
        bad = await client.post(f"{where}/main", data=source | {"fresh_within_days": "99"})
        assert 'id="fresh_within_days-mistake"' in bad.text
        assert (
            await client.post(f"{where}/main", data=source | {"fresh_within_days": "5"})
        ).status_code == 303
        page = plain((await client.get("/settings/creditors/acme")).text)
        assert f"main {IBAN} 5 business days not yet - Zoé" in page
        assert (await client.post(f"{where}/main/remove")).status_code == 303
        assert (await client.post(f"{where}/main/remove")).status_code == 404


# Stops


async def test_sending_stops_and_goes_on(office: Desk) -> None:
    """What is about to leave is listed, a stop wants a reason, each command carries its author."""
    async with office.seat("manager") as client:
        look = plain((await client.get("/settings/stops?creditor=acme&look=1")).text)
        assert "1 step of the next 24 hours would be held back" in look
        assert "F-1 Dubois SARL" in look
        assert "F-2" not in look
        nothing = plain((await client.get("/settings/stops?channel=letter")).text)
        assert "0 steps of the next 24 hours would be held back" in nothing
        none = await client.post("/settings/stops", data={"creditor": "acme", "reason": " "})
        assert none.status_code == 422
        assert 'id="reason-mistake"' in none.text
        unknown = await client.post("/settings/stops", data={"policy": "sead", "reason": "x"})
        assert unknown.status_code == 404
        await client.post("/settings/stops", data={"creditor": "acme", "reason": "wrong logo"})
        stopped = plain((await client.get("/settings/stops")).text)
        assert "1 steps of the next 24 hours are held back" in stopped
        assert "creditor acme wrong logo" in stopped
        await client.post("/settings/stops/resume", data={"creditor": "acme"})
        assert "Nothing is stopped" in (await client.get("/settings/stops")).text
    async with office.office.database.reading() as conn:
        assert await switches.stopped(conn) == []
    kinds = [(one["kind"], one.get("author")) for one in await told(office, "acme")][1:]
    by = "manager@acme.example"
    assert kinds == [("sending.stopped", by), ("sending.resumed", by)]


# What could not be taken in


@pytest_asyncio.fixture(loop_scope="session")
async def row(office: Desk) -> int:
    """Keeps a refused payment, and a payment that waits for its invoice."""
    async with office.office.database.writing() as conn:
        problem = {"field": "amount", "value": "5", "remedy": "write it as a string <b>", "creditor": None}
        kept = await quarantine.set_aside(conn, "bank.json", 3, RAW, problem, NOW)
    facts = {"creditor": "acme", "reference": "V-2", "amount": "7.00", "invoice": "F-9"}
    await office.take(PaymentReceived.model_validate(facts | {"received_on": "2026-11-20"}))
    return kept


async def test_a_refused_row_is_mended_and_taken_in(office: Desk, row: int) -> None:
    """The row shows its problem; wrong again it stays with what was typed, mended it is taken, once."""
    async with office.seat("manager") as client:
        listed = await client.get("/settings/refused")
        assert "write it as a string &lt;b&gt;" in listed.text
        assert "F-9 acme payment" in plain(listed.text)
        page = (await client.get(f"/settings/refused/{row}")).text
        assert "bank.json, line 3" in plain(page)
        as_it_is = await client.post(f"/settings/refused/{row}")
        assert as_it_is.status_code == 422
        mended = RAW.replace("5,", '"5.00", "received_on": "2026-11-20",')
        wrong = await client.post(f"/settings/refused/{row}", data={"text": mended.replace("5.00", "5.001")})
        assert wrong.status_code == 422
        assert "5.001" in wrong.text
        done = await client.post(f"/settings/refused/{row}", data={"text": mended})
        assert done.status_code == 303
        assert (await client.get(f"/settings/refused/{row}")).status_code == 404
        assert (await client.post(f"/settings/refused/{row}", data={"text": mended})).status_code == 404
    async with office.office.database.reading() as conn:
        assert (await queries.find_case(conn, "F-1")).open == 95


async def test_a_refused_row_is_dropped_with_a_reason(office: Desk, row: int) -> None:
    """Without a reason nothing is dropped; with one the row leaves the list."""
    async with office.seat("manager") as client:
        assert (await client.post(f"/settings/refused/{row}/drop", data={"reason": ""})).status_code == 422
        assert (
            await client.post(f"/settings/refused/{row}/drop", data={"reason": "a test"})
        ).status_code == 303
        assert "Everything could be taken in" in (await client.get("/settings/refused")).text


async def test_cases_that_fail_are_listed_while_temporal_is_away(office: Desk) -> None:
    """What is on record is shown with its remedy; trying again says that Temporal is away."""
    async with office.office.database.writing() as conn:
        facts = {"doing": "Collector.take", "step": "D+2", "fault": "NotPrepared", "attempts": 3}
        case = CaseRef(creditor="acme", number="F-1")
        await troubles.note(conn, case, detail="there is no PDF <scan.pdf>", now=NOW, **facts)  # type: ignore[arg-type]
    async with office.seat("manager") as client:
        text = (await client.get("/settings/troubles")).text
        assert "there is no PDF &lt;scan.pdf&gt;" in text
        assert "Mend what the fault names" in text
        assert "Temporal is away" in text
        again = await client.post("/settings/troubles/retry", data={"creditor": "acme", "number": "F-1"})
        assert again.status_code == 503
        await client.post("/settings/troubles/deliver")
        assert "delivered once it is back" in (await client.get("/settings/troubles")).text


# People


async def known_people(kept: Desk) -> dict[str, people.Person]:
    """Reads who is known."""
    async with kept.office.database.reading() as conn:
        return {one.id: one for one in await people.everybody(conn)}


async def test_people_are_added_changed_and_shut_out(office: Desk) -> None:
    """A password is shown once and works; a change of role counts at once; who is disabled is signed out."""
    bob = {"email": "Bob@acme.example", "name": "Bob <b>", "role": "operator", "language": "fr"}
    lasts = NOW - build.at("2026-11-23 10:00")
    async with office.seat("administrator") as client:
        answer = await client.post("/settings/people/new", data=bob | {"sees": "some", "creditors": ["acme"]})
        shown = re.search(r'class="secret">([^<]+)<', answer.text)
        assert shown is not None
        assert "Bob &lt;b&gt;" in answer.text
        await passwords.sign_in(office.office.database, "bob@acme.example", shown[1], NOW, lasts)
        assert shown[1] not in (await client.get("/settings/people/bob@acme.example")).text
        twice = await client.post("/settings/people/new", data=bob | {"sees": "all"})
        assert "known already" in twice.text
        where = "/settings/people/bob@acme.example"
        await client.post(where, data=bob | {"role": "manager", "sees": "all"})
        assert (await known_people(office))["bob@acme.example"].role is Role.MANAGER
        assert (await known_people(office))["bob@acme.example"].creditors is None
        async with office.seat("manager", id="bob@acme.example") as his:
            assert (await his.get("/settings")).status_code == 200
            await client.post(f"{where}/disable")
            assert (await his.get("/settings")).status_code == 303
        await client.post(f"{where}/enable")
        assert (await known_people(office))["bob@acme.example"].disabled_at is None
        assert "secret" in (await client.post(f"{where}/password")).text
    done = [(one["person"], one["what"], one["author"]) for one in await told(office)]
    assert [what for _, what, _ in done] == ["added", "changed", "disabled", "enabled", "given a password"]
    assert {(who, author) for who, _, author in done} == {("bob@acme.example", "administrator@acme.example")}
    async with office.office.database.reading() as conn:
        assert [one async for one in journal.verify(conn)] == []
    assert (await audit(office.office.database, now=NOW)).clean


async def test_somebody_who_can_administer_is_always_left(office: Desk) -> None:
    """The last administrator can be neither disabled nor given a lesser role, not even by themselves."""
    me = "/settings/people/administrator@acme.example"
    async with office.seat("administrator") as client:
        facts = {"name": "Me", "language": "en", "sees": "all"}
        lesser = await client.post(me, data=facts | {"role": "viewer"})
        gone = await client.post(f"{me}/disable")
    for answer in (lesser, gone):
        assert answer.status_code == 422
        assert "somebody must be left" in answer.text
    assert (await known_people(office))["administrator@acme.example"].role is Role.ADMINISTRATOR


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "nobody"), ("role", "king"), ("language", "xx"), ("name", ""), ("creditors", None)],
)
async def test_somebody_who_cannot_be_meant_is_refused(office: Desk, field: str, value: str | None) -> None:
    """Each mistake stands beside its field, and nobody is added."""
    facts = {"email": "b@c.de", "name": "B", "role": "viewer", "language": "fr", "sees": "all"}
    wrong = facts | ({"sees": "some"} if value is None else {field: value})
    async with office.seat("administrator") as client:
        answer = await client.post("/settings/people/new", data=wrong)
    assert answer.status_code == 422
    assert f'id="{field}-mistake"' in answer.text
    assert set(await known_people(office)) == {"administrator@acme.example"}


# In a browser


async def test_the_settings_read_well_everywhere(stage: Stage) -> None:
    """Every page is accessible and fits, in both languages, light and dark, wide and on a phone."""
    for language, width, dark in (("en", 1280, False), ("fr", 390, True)):
        async with stage.seat("administrator", language=language, width=width, dark=dark) as page:
            for path in (
                "",
                "/creditors",
                "/creditors/acme",
                "/stops?look=1",
                "/refused",
                "/troubles",
                "/people/new",
            ):
                await page.goto(f"/settings{path}")
                await expect(page.locator("h1")).to_have_count(1)
                name = path.strip("/").replace("/", "-").split("?")[0] or "state"
                await inspected(page, f"settings-{name}-{language}-{width}")


async def test_what_runs_is_within_reach(stage: Stage) -> None:
    """With Temporal, worker and mail server up, the state of things says so."""
    async with stage.seat("manager") as page:
        await page.goto("/settings")
        for name in ("Database", "Temporal", "Worker", "Mail server"):
            await expect(page.get_by_role("row", name=name)).to_contain_text("yes")


async def test_a_stop_is_made_and_lifted_by_keyboard(stage: Stage) -> None:
    """The kill switch needs no mouse: a reason, Enter, and one button to go on."""
    async with stage.seat("manager") as page:
        await page.goto("/settings/stops")
        await page.get_by_label("Channel").select_option("letter")
        await page.get_by_label("Why").fill("the printer is on fire")
        await page.get_by_role("button", name="Stop sending").press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Sending is stopped.")
        row = page.get_by_role("row", name="the printer is on fire")
        await expect(row).to_contain_text("Letter")
        await row.get_by_role("button").press("Enter")
        await expect(page.get_by_text("Nothing is stopped.")).to_be_visible()
