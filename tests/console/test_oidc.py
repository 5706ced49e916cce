"""Signing in by an identity provider: the whole flow against a local one, and every way to forge it.

In: state, nonce, PKCE, signatures, claims, who is let in, roles by claims.
Not in: passwords (test_entrance.py).
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from httpx2 import AsyncClient, Response
from joserfc.jwk import OctKey, RSAKey

from config.sections import Console, Oidc
from console.seats import COOKIE
from ledger import journal, people
from ledger.database import Database
from ledger.people import Person, Role
from tests.console.desks import ADDRESS, Desk, desk
from tests.console.provider import CLIENT, SECRET, LocalProvider, local_provider
from tests.domain import build
from trial.servers import free_port

NOW = build.at("2026-11-24 10:00")
WHO = "ann@acme.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider() -> AsyncIterator[LocalProvider]:
    """Runs a provider for these tests."""
    async with local_provider(free_port()) as found:
        yield found


@pytest.fixture
def database_kind() -> str:
    """Takes one kind of database: people are read alike from both (tests of the settings)."""
    return "sqlite"


class Flow:
    """Walks somebody through the sign-in."""

    def __init__(self, kept: Desk, provider: LocalProvider, client: AsyncClient) -> None:
        """Takes the console, the provider and a browser."""
        self.desk = kept
        self.provider = provider
        self.client = client

    async def begin(self, then: str = "/overview") -> str:
        """Asks to sign in; gives the address to which the browser is sent."""
        answer = await self.client.get("/sign-in/provider", params={"then": then})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def back(self, answer: dict[str, str]) -> Response:
        """Comes back with what the provider said."""
        return await self.client.get("/sign-in/provider/back", params=answer)

    async def whole(self, **claims: Any) -> Response:
        """Signs in as the provider vouches."""
        return await self.back(self.provider.grant(await self.begin(), **({"email": WHO} | claims)))

    async def everybody(self) -> dict[str, Person]:
        """Reads who is known."""
        async with self.desk.office.database.reading() as conn:
            return {one.id: one for one in await people.everybody(conn)}


@pytest_asyncio.fixture(loop_scope="session")
async def flow(
    provider: LocalProvider, database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Flow]:
    """Opens a console that knows the provider; the settings beyond that are the test's parameter."""
    more = getattr(request, "param", {})
    oidc = Oidc.model_validate(
        {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, "title": "Acme ID"} | more
    )
    kept = desk(database, tmp_path, NOW, oidc=oidc, console=Console(public_url=None))
    async with database.writing() as conn:
        known = {WHO: Role.OPERATOR, "gone@acme.example": Role.MANAGER}
        for name, role in known.items():
            gone = NOW if name.startswith("gone") else None
            await people.save(conn, Person(id=name, name="Ann", role=role, disabled_at=gone), NOW)
    provider.signing, provider.algorithm = provider.key, "RS256"
    async with kept.stranger() as client:
        yield Flow(kept, provider, client)


def refused(answer: Response) -> bool:
    """Tells whether nobody was let in."""
    return answer.status_code == 401 and COOKIE not in answer.cookies


async def test_whom_the_provider_vouches_for_is_signed_in(flow: Flow) -> None:
    """The flow with PKCE, state and nonce ends where it was begun, with a session of the console's own."""
    page = await flow.client.get("/sign-in")
    assert "Sign in by Acme ID" in page.text
    address = await flow.begin("/overview?currency=EUR")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == [f"{ADDRESS}/sign-in/provider/back"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    answer = await flow.back(flow.provider.grant(address, email=WHO.upper(), email_verified=True))
    assert answer.headers["location"] == "/overview?currency=EUR"
    assert (await flow.client.get("/overview")).status_code == 200
    assert set(await flow.everybody()) == {WHO, "gone@acme.example"}


async def test_the_way_back_stays_within_the_console(flow: Flow) -> None:
    """An address of elsewhere as the way back becomes the first page."""
    answer = await flow.back(flow.provider.grant(await flow.begin("//evil.example"), email=WHO))
    assert answer.headers["location"] == "/"


async def test_a_forged_or_foreign_state_lets_nobody_in(flow: Flow) -> None:
    """An answer that this browser did not ask for is refused, and so is one that comes twice."""
    answer = flow.provider.grant(await flow.begin(), email=WHO)
    forged = await flow.back(answer | {"state": "forged"})
    assert refused(forged)
    assert "did not begin here" in forged.text
    assert refused(await flow.back(answer))  # the cookie is gone: what was begun is over
    again = flow.provider.grant(await flow.begin(), email=WHO)
    async with flow.desk.stranger() as other:
        assert refused(await other.get("/sign-in/provider/back", params=again))
    assert (await flow.back(again)).status_code == 303


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"azp": "somebody else"},
        {"email_verified": False},
        {"email": None},
        {"email": "nobody@acme.example"},
        {"email": "gone@acme.example"},
    ],
)
async def test_a_token_that_says_something_else_lets_nobody_in(flow: Flow, lie: dict[str, Any]) -> None:
    """Nonce, audience, issuer, time, a verified and known address: each is checked."""
    assert refused(await flow.whole(**lie))


async def test_a_token_signed_by_another_lets_nobody_in(flow: Flow) -> None:
    """A signature by a key that the provider does not publish is not believed."""
    flow.provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    answer = await flow.whole()
    assert refused(answer)
    assert "cannot be believed" in answer.text


async def test_a_secret_that_both_sides_know_signs_nothing(flow: Flow) -> None:
    """A token signed with the client's own secret is not believed: whoever knows it could forge it."""
    flow.provider.signing, flow.provider.algorithm = OctKey.import_key(SECRET * 4, {"kid": "one"}), "HS256"
    assert refused(await flow.whole())


async def test_a_code_taken_by_another_is_worth_nothing(flow: Flow) -> None:
    """Whoever intercepts a code lacks the verifier: the provider gives no token for it."""
    mine = flow.provider.grant(await flow.begin(), email=WHO)
    await flow.begin()  # another sign-in, with secrets of its own, replaces the first
    theirs = parse_qs(urlsplit(await flow.begin()).query)["state"][0]
    assert refused(await flow.back(mine | {"state": theirs}))


async def test_an_error_of_the_provider_is_said(flow: Flow) -> None:
    """Who is turned away at the provider's is told so, and may use a password."""
    state = parse_qs(urlsplit(await flow.begin()).query)["state"][0]
    answer = await flow.back({"error": "access_denied", "state": state})
    assert refused(answer)
    assert "let nobody in" in answer.text


@pytest.mark.parametrize("flow", [{"default_role": "viewer"}], indirect=True)
async def test_strangers_are_registered_only_where_a_setting_says_so(flow: Flow) -> None:
    """With a default role somebody new is let in with it, and the journal says by whom."""
    assert (await flow.whole(email="Bob@acme.example", name="Bob")).status_code == 303
    bob = (await flow.everybody())["bob@acme.example"]
    assert (bob.name, bob.role) == ("Bob", Role.VIEWER)
    async with flow.desk.office.database.reading() as conn:
        entry = (await journal.entries(conn, "", ""))[-1]
    assert (entry.kind, entry.facts["author"]) == ("person.changed", "identity provider")
    assert (await flow.whole()).status_code == 303
    assert (await flow.everybody())[WHO].role is Role.OPERATOR


@pytest.mark.parametrize("flow", [{"role_claim": "realm.roles"}], indirect=True)
async def test_a_claim_decides_the_role(flow: Flow) -> None:
    """The highest role of the claim counts at every sign-in; without any, nobody is let in."""
    assert (await flow.whole(realm={"roles": ["viewer", "manager", "cook"]})).status_code == 303
    assert (await flow.everybody())[WHO].role is Role.MANAGER
    assert (await flow.whole(realm={"roles": "viewer"})).status_code == 303
    assert (await flow.everybody())[WHO].role is Role.VIEWER
    assert refused(await flow.whole(realm={"roles": ["cook"]}))
    assert refused(await flow.whole(realm=7))


async def test_a_provider_that_is_away_is_said(flow: Flow) -> None:
    """Where the provider cannot be reached, or is another one, the page says so and passwords go on."""
    there = flow.desk.office.settings.oidc
    for issuer in ("http://127.0.0.1:9", flow.provider.issuer.replace("127.0.0.1", "localhost")):
        moved = there.model_copy(update={"issuer": issuer})
        flow.desk.office.settings = flow.desk.office.settings.model_copy(update={"oidc": moved})
        flow.desk.app.state.provider = None
        answer = await flow.client.get("/sign-in/provider")
        assert answer.status_code == 503
        assert "use a password" in answer.text


async def test_without_a_provider_there_is_no_such_way(database: Database, tmp_path: Path) -> None:
    """Where none is set, the sign-in offers none and its addresses are not found."""
    async with desk(database, tmp_path, NOW).stranger() as client:
        assert "/sign-in/provider" not in (await client.get("/sign-in")).text
        assert (await client.get("/sign-in/provider")).status_code == 404
