"""News on its way: what is announced, who hears it, how it is signed, and what is never called."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook as Signature
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.courier import HEARD, HttpCourier, courier_worker
from config.settings import Settings
from domain.actions import StepOutcome, StepTaken
from domain.events import CreditorRegistered
from domain.faults import InputRefused
from domain.outside import check_endpoint, may_call
from intake.announcing import Announcer
from intake.noticing import notice
from ledger import access, webhooks
from ledger.database import Database
from ledger.webhooks import Delivery, News, State, Webhook
from tests.api.conftest import ON_ONE_DATABASE, Interface, absent_temporal
from tests.api.listener import Listener, listening
from tests.api.test_events import problem
from tests.domain import build
from tests.mailbox.conftest import Office
from tests.patience import until
from workflows.webhooks import ATTEMPTS, DeliveryEnd, DeliveryOrder

PRIVATE = ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "198.18.0.1")
NOBODYS = (
    "169.254.169.254",
    "fe80::1",
    "::ffff:169.254.169.254",
    "0.0.0.0",  # noqa: S104 - nobody binds to it
    "224.0.0.1",
    "255.255.255.255",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "::",
)


class Agency(Office):
    """Does what is news, on a record to which endpoints listen."""

    async def listen(self, url: str = "https://erp.example/hear", **more: Any) -> Webhook:
        """Adds an endpoint for all news, unless it says otherwise."""
        kinds: Iterable[News] = more.get("kinds", tuple(News))
        secret = access.signing_secret()
        async with self.database.writing() as conn:
            return await webhooks.make(conn, url, kinds, more.get("creditors"), secret, "ann", self.now)

    async def announce(self) -> list[tuple[str, dict[str, Any]]]:
        """Makes the deliveries of all that is news, and gives what each says."""
        announcer = Announcer(self.database, await absent_temporal(), "q")
        while await announcer.make():
            pass
        async with self.database.reading() as conn:
            found = [await webhooks.parcel(conn, one.id) for one in await webhooks.waiting(conn, 100)]
        said = [json.loads(one.payload) for one in found]
        return [(one["type"], one["data"]) for one in said]

    async def delivery(self, name: str) -> Delivery:
        """Reads how far a delivery is."""
        async with self.database.reading() as conn:
            return (await webhooks.parcel(conn, name)).delivery

    async def first(self) -> Delivery:
        """Makes the deliveries of what was marked, and gives the first."""
        await self.announce()
        async with self.database.reading() as conn:
            return (await webhooks.waiting(conn, 1))[0]


@pytest_asyncio.fixture(loop_scope="session")
async def agency(database: Database) -> Agency:
    """Gives an office with Acme, two debtors and their invoices, on each kind of database."""
    agency = Agency(database)
    await agency.admit(CreditorRegistered(creditor=build.creditor()))
    await agency.take_debtor("dubois")
    await agency.take_debtor("martin", contacts=({"email": "compta@martin.example"},))
    await agency.bill("F-1")
    await agency.bill("F-2", debtor="martin")
    return agency


async def test_what_happens_is_announced_once(agency: Agency) -> None:
    """Steps, promises, disputes and payments are news, by ids and amounts and never by names."""
    endpoint = await agency.listen()
    await agency.remind("F-1")
    promise = {"kind": "promise", "id": "P-1", "invoices": ["F-2"], "made_on": "2026-04-02"}
    await agency.take("agreement.made", agreement=promise | {"pay_by": "2026-04-10", "note": "said Zoé"})
    dispute = {"kind": "dispute", "id": "L-1", "invoices": ["F-1"], "made_on": "2026-04-02"}
    more = {"until": "2026-04-30", "reason": "price", "amount": "10.00", "lines": ["bolts"], "owner": "Zoé"}
    await agency.take("agreement.made", agreement=dispute | more)
    await agency.pay("100.00", invoice="F-1", debtor=None)
    agency.now = build.at("2026-04-20 09:00")
    await notice(agency.database, agency.shelf, agency.now)
    news = dict(await agency.announce())
    assert set(news) == {"step.sent", "promise.made", "dispute.opened", "invoice.paid", "promise.broken"}
    assert news["step.sent"]["invoices"] == [{"number": "F-1", "step": "D+2", "open": "100.00"}]
    assert news["promise.made"]["pay_by"] == "2026-04-10"
    assert news["promise.broken"]["came"] == "0.00"
    assert news["dispute.opened"]["amount"] == "10.00"
    assert (news["invoice.paid"]["number"], news["invoice.paid"]["open"]) == ("F-1", "0.00")
    told = json.dumps(news)
    for secret in ("Zoé", "bolts", "Dubois", "@", "Acme SAS"):
        assert secret not in told
    async with agency.database.reading() as conn:
        assert len(await webhooks.sent_to(conn, endpoint.id)) == 5
    assert len(await agency.announce()) == 5


async def test_a_case_handed_over_is_news(agency: Agency) -> None:
    """The end of a case at the agency's is news, by what is still open."""
    await agency.listen(kinds=[News.INVOICE_HANDED_OFF])
    agency.now = build.at("2026-06-02 10:00")
    async with agency.book() as book:
        last = book.policies[book.case("F-1").policy].steps[-1].key
        taken = StepTaken(step=last, outcome=StepOutcome.HANDED_OFF, day=build.day("2026-06-02"))
        await book.take_step("F-1", taken)
    ((kind, data),) = await agency.announce()
    assert (kind, data["number"], data["open"]) == ("invoice.handed_off", "F-1", "100.00")


@ON_ONE_DATABASE
async def test_each_endpoint_hears_what_it_asked_for(agency: Agency) -> None:
    """Kinds and creditors narrow what is told; a disabled endpoint hears nothing."""
    wanted = await agency.listen(kinds=[News.INVOICE_PAID], creditors=["acme"])
    others = [
        await agency.listen(kinds=[News.STEP_SENT]),
        await agency.listen(creditors=["other"]),
        await agency.listen(),
    ]
    async with agency.database.writing() as conn:
        await webhooks.disable(conn, others[-1].id, "by ann", agency.now)
    await agency.pay("100.00", invoice="F-1")
    assert [kind for kind, _ in await agency.announce()] == ["invoice.paid"]
    async with agency.database.reading() as conn:
        assert len(await webhooks.sent_to(conn, wanted.id)) == 1


@ON_ONE_DATABASE
async def test_nothing_is_kept_for_nobody(agency: Agency) -> None:
    """Where nobody listens the record keeps no news."""
    await agency.pay("100.00", invoice="F-1")
    async with agency.database.reading() as conn:
        assert await webhooks.announced(conn, 10) == []


@ON_ONE_DATABASE
async def test_news_is_delivered_by_temporal_and_tried_again(agency: Agency, temporal: Client) -> None:
    """A delivery is signed, tried again after a failure, and visible; its history holds ids alone."""
    settings = Settings(task_queue=f"news-{build.at('2026-01-01').timestamp()}-{agency.database.dialect}")
    courier = HttpCourier(agency.database, private=True)
    async with listening() as listener, courier_worker(temporal, settings, courier):
        listener.answers.insert(0, b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\nbusy")
        endpoint = await agency.listen(listener.url)
        await agency.pay("100.00", invoice="F-1")
        delivery = await agency.first()
        announcer = Announcer(agency.database, temporal, settings.task_queue)
        assert await announcer.start() == 1
        assert await announcer.start() == 0

        async def failed() -> bool:
            return (await agency.delivery(delivery.id)).attempts == 1

        await until(failed)
        seen = await agency.delivery(delivery.id)
        assert (seen.state, seen.last_status, seen.last_answer) == (State.TRYING, 500, "busy")
        handle = temporal.get_workflow_handle(f"webhook:{delivery.id}:0")
        assert await handle.result() == {"how": "delivered", "attempts": 2}
        history = await handle.fetch_history()
    seen = await agency.delivery(delivery.id)
    assert (seen.state, seen.attempts, seen.last_status) == (State.DELIVERED, 2, 204)
    async with agency.database.reading() as conn:
        secret = (await webhooks.parcel(conn, delivery.id)).secret
    first, second = listener.heard
    assert first.body == second.body
    Signature(secret).verify(second.body, second.headers)
    assert second.headers["webhook-id"] == delivery.id
    assert second.headers["host"] == listener.url.split("/")[2]
    text = history.to_json()
    for word in (listener.url, "F-1", "acme", "100.00", endpoint.id):
        assert word not in text


async def attempt(
    agency: Agency, delivery: Delivery, number: int = 1, *, private: bool = True
) -> DeliveryEnd:
    """Makes one attempt as a worker does."""
    environment = ActivityEnvironment()
    environment.info = environment.info.__class__(**{**environment.info.__dict__, "attempt": number})
    courier = HttpCourier(agency.database, private=private, clock=lambda: datetime.now(UTC))
    order = DeliveryOrder(delivery=delivery.id, round=delivery.round)
    end: DeliveryEnd = await environment.run(courier.deliver, order)
    return end


async def ready(agency: Agency, listener: Listener) -> Delivery:
    """Gives a delivery to a listener."""
    await agency.listen(listener.url)
    await agency.pay("100.00", invoice="F-1")
    return await agency.first()


@ON_ONE_DATABASE
async def test_redirects_are_not_followed_and_answers_are_bounded(agency: Agency) -> None:
    """A redirect is a failure that says so; of an answer only the beginning is read and kept."""
    async with listening() as listener:
        delivery = await ready(agency, listener)
        listener.answers = [
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 503 Busy\r\ncontent-length: 9000000\r\n\r\n" + b"x\x00" * HEARD * 1000,
        ]
        for status, begins in ((302, "redirects are not followed"), (503, "x x x")):
            with pytest.raises(ApplicationError, match=str(status)):
                await attempt(agency, delivery)
            seen = await agency.delivery(delivery.id)
            assert seen.last_status == status
            assert seen.last_answer is not None
            assert seen.last_answer.startswith(begins)
            assert len(seen.last_answer) <= 300
    assert len(listener.heard) == 2


@ON_ONE_DATABASE
async def test_an_endpoint_that_is_gone_is_disabled(agency: Agency) -> None:
    """410 ends the delivery and disables the endpoint; enabled again, people can have it sent once more."""
    async with listening() as listener:
        delivery = await ready(agency, listener)
        listener.answers = [b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"]
        assert (await attempt(agency, delivery)).how == "given_up"
        async with agency.database.writing() as conn:
            (endpoint,) = await webhooks.endpoints(conn)
            assert endpoint.why_disabled == "it answered 410 Gone"
            await webhooks.enable(conn, endpoint.id)
            again = await webhooks.again(conn, delivery.id)
        listener.answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
        assert (await attempt(agency, delivery)).how == "superseded"
        assert (await attempt(agency, again)).how == "delivered"
        assert (await attempt(agency, again)).how == "superseded"
    assert listener.heard[0].body == listener.heard[1].body


@ON_ONE_DATABASE
async def test_the_last_attempt_gives_up(agency: Agency) -> None:
    """After the last attempt the delivery is given up, and stays visible with its last answer."""
    async with listening() as listener:
        delivery = await ready(agency, listener)
    assert (await attempt(agency, delivery, ATTEMPTS)).how == "given_up"
    seen = await agency.delivery(delivery.id)
    assert (seen.state, seen.last_status) == (State.GIVEN_UP, None)
    assert "ConnectError" in (seen.last_answer or "")


@ON_ONE_DATABASE
async def test_a_private_network_is_not_called(agency: Agency) -> None:
    """A name that leads into a private network is not called, unless the settings allow it."""
    async with listening() as listener:
        listener.url = listener.url.replace("127.0.0.1", "localhost").replace("http:", "https:")
        delivery = await ready(agency, listener)
        with pytest.raises(ApplicationError):
            await attempt(agency, delivery, private=False)
    assert listener.heard == []
    assert "private network" in ((await agency.delivery(delivery.id)).last_answer or "")


def test_which_addresses_may_be_called() -> None:
    """Private addresses need a setting; link-local, multicast and wrapped ones are never called."""
    for address in PRIVATE:
        assert not may_call(address, private=False), address
        assert may_call(address, private=True), address
    for address in NOBODYS:
        assert not may_call(address, private=True), address
    for address in ("1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"):
        assert may_call(address, private=False), address


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example/hear",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:word@erp.example/",
        "https://erp.example/#part",
        "https://",
        "https://erp.example:0/",
        "https://erp.example:99999/",
        "https://[bad/",
        "ftp://erp.example/",
        "https://érp.example/",
        "https://erp.example/a b\n",
        "https://erp.example/" + "x" * 2000,
    ],
)
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    """Only https on the internet is an endpoint; anything else is refused with the field."""
    with pytest.raises(InputRefused) as refused:
        check_endpoint(url, private=False)
    assert refused.value.field == "url"


async def test_webhooks_are_kept_by_the_api(interface: Interface) -> None:
    """An endpoint is added with a secret shown once, listed without it, disabled and enabled."""
    body = {"url": "https://erp.example/hear", "kinds": ["invoice.paid", "step.sent"]}
    made = await interface.post("/webhooks", body)
    assert made.status_code == 201
    said = made.json()
    assert said["secret"].startswith("whsec_")
    listed = (await interface.get("/webhooks")).json()["webhooks"]
    assert [one["id"] for one in listed] == [said["id"]]
    assert "secret" not in listed[0]
    path = f"/webhooks/{said['id']}"
    assert (await interface.post(f"{path}/disable")).json()["why_disabled"] == "by api:erp"
    assert (await interface.post(f"{path}/enable")).json()["disabled_at"] is None
    wrongs: list[dict[str, Any]] = [
        {"url": "http://10.0.0.1/"},
        {"kinds": ["gossip"]},
        {"kinds": []},
        {"creditors": []},
    ]
    for wrong in wrongs:
        problem(await interface.post("/webhooks", body | wrong), 422, "refused")


@ON_ONE_DATABASE
async def test_webhooks_keep_to_the_creditors_of_their_key(interface: Interface) -> None:
    """A key for one creditor sees and adds only endpoints for it."""
    everybody = (
        await interface.post("/webhooks", {"url": "https://a.example/", "kinds": ["step.sent"]})
    ).json()
    narrow = await interface.key(creditors=["acme"])
    body = {"url": "https://b.example/", "kinds": ["step.sent"]}
    made = (await interface.client.post("/webhooks", headers=narrow, json=body)).json()
    assert made["creditors"] == ["acme"]
    listed = (await interface.client.get("/webhooks", headers=narrow)).json()["webhooks"]
    assert [one["id"] for one in listed] == [made["id"]]
    hidden = f"/webhooks/{everybody['id']}/deliveries"
    problem(await interface.client.get(hidden, headers=narrow), 404, "not-found")
    other = await interface.client.post("/webhooks", headers=narrow, json=body | {"creditors": ["other"]})
    assert problem(other, 422, "refused")["errors"][0]["pointer"] == "/creditors"


async def test_deliveries_are_listed_and_sent_again(interface: Interface) -> None:
    """Deliveries show their state and last answer; one that is over can be asked for again."""
    made = (
        await interface.post("/webhooks", {"url": "https://a.example/", "kinds": ["invoice.paid"]})
    ).json()
    await interface.bill("F-1")
    await interface.pay(invoice="F-1")
    announcer = Announcer(interface.database, await absent_temporal(), "q")
    assert await announcer.make() == 1
    path = f"/webhooks/{made['id']}/deliveries"
    (found,) = (await interface.get(path)).json()["deliveries"]
    assert (found["state"], found["kind"]) == ("waiting", "invoice.paid")
    problem(await interface.post(f"{path}/{found['id']}/redeliver"), 409, "not-allowed")
    async with interface.database.writing() as conn:
        values = {"state": State.GIVEN_UP, "last_at": interface.now, "last_status": 500, "last_answer": "no"}
        await webhooks.tried(conn, found["id"], values)
    assert (await interface.get(path, state="delivered")).json()["deliveries"] == []
    again = (await interface.post(f"{path}/{found['id']}/redeliver")).json()
    assert (again["state"], again["round"], again["last_answer"]) == ("waiting", 1, "no")
    problem(await interface.post(f"{path}/nothing/redeliver"), 404, "not-found")
