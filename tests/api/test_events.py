"""Events by HTTP: what is taken, what is known, what is refused and where it waits."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from console.api.bodies import LARGEST_BODY
from console.api.description import EXAMPLES
from intake import batches
from intake.loading import retry
from ledger import access, received
from ledger.access import Right
from ledger.schema import debtors
from tests.api.conftest import BATCHED, ON_ONE_DATABASE, STRUCTURED, Interface, event


async def kinds(interface: Interface) -> list[str]:
    """Lists the numbers of the invoices on Dubois's account."""
    return [case.invoice.number for case in (await interface.account()).cases]


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """Expects a problem of a kind and gives it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"urn:relance:problem:{kind}"
    assert found["status"] == status
    return found


async def test_an_event_is_taken_and_answered_with_what_it_did(interface: Interface) -> None:
    """A CloudEvent opens an invoice, and the answer says so; the runs' errands lie in the outbox."""
    answer = await interface.send(event("F-1"))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["status"], said["invoices"], said["creditor"]) == ("taken", ["F-1"], "acme")
    assert "F-1 opened" in said["what"]
    assert await interface.errands() == [("start", "F-1")]


async def test_an_event_counts_once_by_its_source_and_id(interface: Interface) -> None:
    """The same event again is known, whatever its spacing; the same id with other facts is a conflict."""
    await interface.send(event("F-1"))
    before = await interface.written()
    again = await interface.send(json.dumps(event("F-1"), indent=4).encode())
    assert again.json()["status"] == "known"
    other = await interface.send(event("F-1", total="90.00"))
    found = problem(other, 409, "conflict")
    assert found["errors"][0]["pointer"] == "/id"
    assert await interface.written() == before


@ON_ONE_DATABASE
async def test_what_should_be_looked_at_is_said_each_time(interface: Interface) -> None:
    """An event with a term that needs a clause is taken, and its warning is told again when it is known."""
    billed = event("F-1", due_date="2026-05-15")
    first, again = [(await interface.send(billed)).json() for _ in range(2)]
    assert (first["status"], again["status"]) == ("taken", "known")
    assert first["warnings"][0]["sentences"]["en"]
    assert again["warnings"] == first["warnings"]
    batch = [billed, event("F-2", due_date="2026-05-15")]
    told = (await interface.send(batch, BATCHED)).json()["results"]
    assert [len(one["warnings"]) for one in told] == [1, 1]


@ON_ONE_DATABASE
async def test_another_sender_has_ids_of_its_own(interface: Interface) -> None:
    """What one key sent under an id does not take that id from another key."""
    await interface.send(event("1", number="F-1"))
    other = await interface.send(event("1", number="F-2"), **await interface.key(Right.EVENTS))
    assert other.json()["status"] == "taken"


async def test_what_the_record_contradicts_waits_in_quarantine(interface: Interface) -> None:
    """A refused event is kept once, the answer says where, and it can be mended there."""
    headers = await interface.key(Right.EVENTS)
    stranger = event("F-1", debtor="nobody")
    found = problem(await interface.send(stranger, **headers), 422, "refused")
    assert found["errors"][0]["pointer"] == "/data/debtor"
    (kept,) = await interface.aside()
    assert found["kept"] == kept.id
    again = problem(await interface.send(stranger, **headers), 422, "refused")
    assert again["kept"] == kept.id
    mended = kept.raw.replace("nobody", "dubois")
    assert (await retry(interface.door, kept.id, mended, now=interface.now)).numbers == ("F-1",)


async def test_a_refused_event_is_tried_again_when_it_comes_again(interface: Interface) -> None:
    """What an event lacked may have come meanwhile: it is taken, and leaves the quarantine."""
    headers = await interface.key(Right.EVENTS)
    early = event("F-1", debtor="late")
    problem(await interface.send(early, **headers), 422, "refused")
    await interface.take_debtor("late")
    answer = await interface.send(early, **headers)
    assert answer.json()["status"] == "taken"
    assert await interface.aside() == []
    assert (await interface.send(early, **headers)).json()["status"] == "known"


async def test_a_payment_before_its_invoice_waits(interface: Interface) -> None:
    """A payment whose invoice is not known yet is answered with `waiting`, and applied when it comes."""
    paid = event("P-1", "relance.payment.received", reference="V", amount="100.00", invoice="F-1")
    paid["data"]["received_on"] = "2026-03-02"
    assert (await interface.send(paid)).json()["status"] == "waiting"
    said = (await interface.send(event("F-1"))).json()
    assert "1 that waited for it applied" in said["what"]


@ON_ONE_DATABASE
async def test_attributes_may_travel_in_headers(interface: Interface) -> None:
    """Binary mode: the attributes are ce- headers, percent-encoded, and the body is the data."""
    stated = event("F-1")
    headers = {f"ce-{name}": str(value) for name, value in stated.items() if name != "data"}
    answer = await interface.send(
        json.dumps(stated["data"]).encode(), "application/json", **headers | {"ce-id": "F%2D1"}
    )
    assert (answer.json()["status"], answer.json()["id"]) == ("taken", "F-1")


async def test_one_bad_event_never_stops_the_rest(interface: Interface) -> None:
    """Each event of a batch has its own answer; a bad one points at its field."""
    batch = [event("F-1"), event("F-2", total=100.0), event("F-3", "relance.invoice.creatd"), event("F-4")]
    answer = await interface.send(batch, BATCHED)
    said = answer.json()
    assert said["counts"] == {"taken": 2, "unread": 2}
    assert [one["status"] for one in said["results"]] == ["taken", "unread", "unread", "taken"]
    assert said["results"][1]["problem"]["errors"][0]["pointer"] == "/data/total"
    assert "did you mean relance.invoice.created?" in said["results"][2]["problem"]["detail"]
    assert await kinds(interface) == ["F-1", "F-4"]


BAD = {
    "number for money": (json.dumps(event("F-1", total=100)), 422, "unread", "/data/total"),
    "tiny number for money": (json.dumps(event("F-1", total=5e-324)), 422, "unread", "/data/total"),
    "unknown type": (json.dumps(event("F-1", "relance.invoice.eaten")), 422, "unread", "/type"),
    "no id": (json.dumps(event("F-1") | {"id": ""}), 422, "unread", "/id"),
    "long id": (json.dumps(event("F-1") | {"id": "x" * 201}), 422, "unread", "/id"),
    "control character in the source": (
        json.dumps(event("F-1") | {"source": "a\0"}),
        422,
        "unread",
        "/source",
    ),
    "half a surrogate": (
        json.dumps(event("F-1", order_reference="\ud800")),
        422,
        "unread",
        "/data/order_reference",
    ),
    "other specification": (json.dumps(event("F-1") | {"specversion": "0.3"}), 422, "unread", "/specversion"),
    "no instant": (json.dumps(event("F-1") | {"time": "yesterday"}), 422, "unread", "/time"),
    "no data": (json.dumps(event("F-1") | {"data": None}), 422, "unread", "/data"),
    "other type within": (json.dumps(event("F-1", type="payment.received")), 422, "unread", "/data/type"),
    "unknown field": (json.dumps(event("F-1", totl="1.00")), 422, "unread", "/data/totl"),
    "duplicate key": (
        json.dumps(event("F-1")).replace('"total"', '"total": "1.00", "total"'),
        422,
        "unread",
        "/data/total",
    ),
    "NaN": (json.dumps(event("F-1", total=float("nan"))), 422, "unread", "/data/total"),
    "huge number": (json.dumps(event("F-1")).replace('"100.00"', "1" * 5000), 422, "unread", "/data/total"),
    "infinite number": (json.dumps(event("F-1")).replace('"100.00"', "1e999"), 422, "unread", "/data/total"),
    "broken JSON": ('{"specversion": ', 400, "malformed", ""),
    "deep JSON": ("[" * 100_000, 400, "malformed", ""),
    "empty": ("", 400, "malformed", ""),
    "no object": ("12", 422, "unread", ""),
    "correction without version": (
        json.dumps(event("F-1", "relance.invoice.updated")),
        422,
        "unread",
        "/data/version",
    ),
    "contradicting kind": (
        json.dumps(event("L", "relance.dispute.opened", agreement={"kind": "promise"})),
        422,
        "unread",
        "/data/agreement/kind",
    ),
}


@ON_ONE_DATABASE
async def test_what_is_no_event_writes_nothing(interface: Interface) -> None:
    """What cannot be read is refused with the place, counted, and leaves no trace in the record."""
    before = await interface.written()
    for name, (body, status, kind, pointer) in BAD.items():
        found = problem(await interface.send(body.encode()), status, kind)
        assert [one["pointer"] for one in found["errors"]] == [pointer], name
        assert found["errors"][0]["remedy"]
    assert await interface.written() == before
    assert interface.desk.tally.events == {"unread": len(BAD)}


@ON_ONE_DATABASE
async def test_bytes_that_are_no_text_are_malformed(interface: Interface) -> None:
    """What is not UTF-8 is refused with the place of the byte."""
    found = problem(await interface.send(b'{"id": "\xff"}'), 400, "malformed")
    assert "byte 8" in found["detail"]


@ON_ONE_DATABASE
async def test_ten_megabytes_are_the_most(interface: Interface) -> None:
    """A larger body is refused, whether its length is stated or only found out."""
    body = b" " * (LARGEST_BODY + 1)
    problem(await interface.send(body), 413, "too-large")

    async def parts() -> Any:
        for _ in range(11):
            yield b" " * (1024 * 1024)

    headers = await interface.key(Right.EVENTS) | {"Content-Type": STRUCTURED}
    answer = await interface.client.post("/events", headers=headers, content=parts())
    problem(answer, 413, "too-large")
    assert interface.desk.tally.refusals == {"too-large": 2}


@ON_ONE_DATABASE
async def test_other_media_types_are_refused(interface: Interface) -> None:
    """Plain JSON without ce- headers, and a compressed body, are refused with what to send."""
    answer = await interface.send(event("F-1"), "application/json")
    problem(answer, 415, "media-type")
    assert STRUCTURED in answer.headers["accept-post"]
    problem(await interface.send(b"x", **{"Content-Encoding": "gzip"}), 415, "media-type")


async def test_only_a_hash_of_a_key_is_kept(interface: Interface) -> None:
    """Without a key, with a wrong one or an ended one nothing is let in; the token stands nowhere."""
    problem(
        await interface.client.post("/events", headers={"Content-Type": STRUCTURED}), 401, "no-credentials"
    )
    for token in ("relance_x_y", "x", "relance__", "relance_" + "é" * 20, "r" * 5000):
        wrong = {b"Authorization": f"Bearer {token}".encode(), b"Content-Type": STRUCTURED.encode()}
        answer = await interface.client.post("/events", headers=wrong, json=event("F-1"))
        problem(answer, 401, "wrong-key")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    shown = await interface.key(Right.EVENTS)
    secret = shown["Authorization"].rpartition("_")[2]
    async with interface.database.writing() as conn:
        (key,) = await access.keys(conn)
        rows = (await conn.execute(access.api_keys.select())).all()
        await access.end_key(conn, key.id, interface.now)
    assert secret not in str(rows)
    problem(await interface.send(event("F-1"), **shown), 401, "wrong-key")


async def test_a_key_is_good_for_its_rights_and_creditors(interface: Interface) -> None:
    """A key to read hands nothing in, and one for another creditor states no facts of Acme's."""
    problem(await interface.send(event("F-1"), **await interface.key(Right.READ)), 403, "forbidden")
    narrow = await interface.key(Right.EVENTS, creditors=["other"])
    found = problem(await interface.send(event("F-1"), **narrow), 403, "forbidden")
    assert found["errors"][0]["pointer"] == "/data/creditor"
    assert await interface.aside() == []
    assert await kinds(interface) == []
    owner = EXAMPLES["creditor"]
    for right in (Right.EVENTS, Right.WRITE):
        key = await interface.key(Right.EVENTS, right)
        assert (
            problem(await interface.send(owner, **key), 403, "forbidden")["errors"][0]["pointer"] == "/type"
        )
    assert (
        await interface.send(owner, **await interface.key(Right.EVENTS, Right.CREDITORS))
    ).status_code == 200


def signed(secret: str, body: str, when: datetime | None = None, name: str = "msg_1") -> dict[str, str]:
    """Signs a body as Standard Webhooks does."""
    at = when or datetime.now(UTC)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, body),
        "Content-Type": STRUCTURED,
    }


async def sender(interface: Interface, creditors: list[str] | None = None) -> str:
    """Makes a sender called erp and gives its secret."""
    async with interface.database.writing() as conn:
        return (await access.make_sender(conn, "erp", creditors, "ann", interface.now))[1]


async def test_a_signature_stands_in_place_of_a_key(interface: Interface) -> None:
    """A signed event is taken; the very same request again is harmless."""
    secret, body = await sender(interface), json.dumps(event("F-1"))
    headers = signed(secret, body)
    for status in ("taken", "known"):
        answer = await interface.client.post("/events?sender=erp", headers=headers, content=body)
        assert answer.json()["status"] == status


SPOILT = (
    {"webhook-signature": "v1,AAAA"},
    {"webhook-signature": "nonsense"},
    {"webhook-signature": "v1,***"},
    {"webhook-timestamp": "nan"},
    {"webhook-id": ""},
    {"webhook-id": "msg_2"},
)


@ON_ONE_DATABASE
async def test_a_wrong_signature_lets_nothing_in(interface: Interface) -> None:
    """A signature that is wrong, incomplete, old or from the future is refused and counted."""
    secret, body = await sender(interface), json.dumps(event("F-1"))
    before = await interface.written()
    for spoil in SPOILT:
        headers = signed(secret, body) | spoil
        problem(
            await interface.client.post("/events?sender=erp", headers=headers, content=body), 401, "signature"
        )
    for minutes in (-6, 6):
        headers = signed(secret, body, datetime.now(UTC) + timedelta(minutes=minutes))
        problem(
            await interface.client.post("/events?sender=erp", headers=headers, content=body), 401, "timestamp"
        )
    assert await interface.written() == before
    assert interface.desk.tally.refusals == {"signature": len(SPOILT), "timestamp": 2}


@ON_ONE_DATABASE
async def test_a_body_changed_on_the_way_is_refused(interface: Interface) -> None:
    """The signature covers every byte; an unknown sender and bytes that are no text are refused alike."""
    secret, body = await sender(interface), json.dumps(event("F-1"))
    headers, before = signed(secret, body), await interface.written()
    for content, name in ((body + " ", "erp"), (body, "eve"), (b"\xff", "erp"), (body, "")):
        answer = await interface.client.post(f"/events?sender={name}", headers=headers, content=content)
        problem(answer, 401, "signature")
    assert await interface.written() == before


@ON_ONE_DATABASE
async def test_a_secret_can_be_changed_without_a_gap(interface: Interface) -> None:
    """The secret before the newest still signs; the one before that does not."""
    first, body = await sender(interface), json.dumps(event("F-1"))
    for expected in (200, 401):
        async with interface.database.writing() as conn:
            await access.new_secret(conn, "erp")
        headers = signed(first, body)
        answer = await interface.client.post("/events?sender=erp", headers=headers, content=body)
        assert answer.status_code == expected


def customer(turn: int) -> dict[str, Any]:
    """Writes the event of a customer."""
    facts = {"creditor": "acme", "id": f"c-{turn}", "legal_name": f"Customer {turn}"}
    found = event(f"c-{turn}", "relance.customer.registered", debtor=facts)
    del found["data"]["creditor"]
    return found


async def customers(interface: Interface) -> int:
    """Counts the customers that batches have brought."""
    query = sa.select(sa.func.count()).where(debtors.c.id.startswith("c-"))
    async with interface.database.reading() as conn:
        return int((await conn.execute(query)).scalar_one())


async def test_a_large_batch_is_kept_and_worked_off_in_order(interface: Interface) -> None:
    """101 events are answered with 202 and an address; worked off, every one has its answer there."""
    many = [customer(turn) for turn in range(96)] + [event("F-0")]
    bad = event("F-97", total=1)
    stranger = event("F-98", debtor="nobody")
    other = event("F-0", total="7.00")
    paid = event("P", "relance.payment.received", reference="V", amount="5.00", invoice="F-0")
    paid["data"]["received_on"] = "2026-03-02"
    body = json.dumps([*many, bad, stranger, other, paid]).encode()
    headers = await interface.key(Right.EVENTS)
    answer = await interface.send(body, BATCHED, **headers)
    assert answer.status_code == 202
    status = answer.json()
    assert answer.headers["location"] == status["href"]
    assert status["counts"] == {"pending": 100, "refused": 1}
    assert await kinds(interface) == []
    replayed = await interface.send(body, BATCHED, **headers)
    assert replayed.json()["id"] == status["id"]
    assert await batches.work_off(interface.door, lambda: interface.now, interface.office.deliver)
    assert not await batches.work_off(interface.door, lambda: interface.now, interface.office.deliver)
    seen = (await interface.client.get(status["href"], headers=headers, params={"limit": 1000})).json()
    assert seen["status"] == "finished"
    assert seen["counts"] == {"taken": 98, "refused": 3}
    said = [one["status"] for one in seen["results"]]
    assert said[-5:] == ["taken", "unread", "refused", "conflict", "taken"]
    assert len(await interface.aside()) == 1
    problem(
        await interface.client.get(status["href"], headers=await interface.key(Right.EVENTS)),
        404,
        "not-found",
    )


async def test_a_batch_is_gone_on_with_after_a_crash(interface: Interface) -> None:
    """What died in the middle of a batch is followed by another once its lease is over; nothing is twice."""
    await interface.send([customer(turn) for turn in range(120)], BATCHED)

    class Died(Exception):
        """Ends the first attempt."""

    async def die() -> None:
        raise Died

    with pytest.raises(Died):
        await batches.work_off(interface.door, lambda: interface.now, die)
    assert await customers(interface) == batches.CHUNK
    assert not await batches.work_off(interface.door, lambda: interface.now, interface.office.deliver)
    later = interface.now + batches.LEASE + timedelta(seconds=1)
    assert await batches.work_off(interface.door, lambda: later, interface.office.deliver)
    assert await customers(interface) == 120


async def test_what_was_received_is_forgotten_in_the_end(interface: Interface) -> None:
    """After 90 days the answers are swept; the door itself still knows the event by what it says."""
    headers = await interface.key(Right.EVENTS)
    await interface.send(event("F-1"), **headers)
    async with interface.database.writing() as conn:
        assert await received.sweep(conn, interface.now + received.KEPT_FOR + timedelta(days=1)) == 1
    assert (await interface.send(event("F-1"), **headers)).json()["status"] == "known"


async def test_the_examples_of_the_description_are_taken(interface: Interface) -> None:
    """Every example of the OpenAPI document is taken, in its order, and together they are known."""
    headers = await interface.usual()
    interface.office.clock = lambda: datetime(2026, 11, 23, 9, tzinfo=UTC)
    for name, example in EXAMPLES.items():
        answer = await interface.send(example, **headers)
        assert answer.json().get("status") == "taken", (name, answer.text)
    again = await interface.send(list(EXAMPLES.values()), BATCHED, **headers)
    assert again.json()["counts"] == {"known": len(EXAMPLES)}


@ON_ONE_DATABASE
async def test_problems_are_problems_everywhere(interface: Interface) -> None:
    """An unknown address, a wrong method and a wrong parameter are problem details, too."""
    problem(await interface.get("/nothing"), 404, "not-found")
    wrong = await interface.client.get("/events")
    problem(wrong, 405, "method")
    assert wrong.headers["allow"] == "POST"
    found = problem(await interface.get("/invoices", limit=0), 422, "refused")
    assert found["errors"][0]["pointer"] == "/query/limit"


@ON_ONE_DATABASE
async def test_what_nobody_foresaw_is_a_problem(interface: Interface) -> None:
    """A fault of the program is a problem that tells nothing of the inside; the log has it."""

    @interface.app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError(base64.b64encode(b"secret").decode())

    found = problem(await interface.get("/boom"), 500, "unforeseen")
    assert "c2VjcmV0" not in json.dumps(found)


@ON_ONE_DATABASE
async def test_what_came_in_is_counted(interface: Interface) -> None:
    """The counts are there for Prometheus, by outcome and by kind of problem."""
    await interface.send(event("F-1"))
    await interface.send(event("F-2", total=1))
    await interface.send(b"x", "text/plain")
    text = (await interface.get("/metrics")).text
    for line in (
        'relance_api_events_total{outcome="taken"} 1',
        'relance_api_events_total{outcome="unread"} 1',
        'relance_api_refusals_total{kind="media-type"} 1',
    ):
        assert line in text
