"""What leaves by other ways than mail: letters, calls, approvals, the handoff; what stops everything."""

import hashlib
import json
from datetime import timedelta

import pytest

from domain.actions import Ending, Outcome, Rule, StepOutcome
from domain.agreements import Stop
from ledger import switches
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House
from workflows.ports import Verb

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
B2B = {"policy": "french-b2b"}


async def climb(house: House, to: str) -> None:
    """Takes steps until the one named is next."""
    while (await house.next()).step != to:
        await house.knock()


async def test_a_letter_lies_in_the_outbox_with_a_task_to_post_it(house: House) -> None:
    """A debtor without an e-mail address gets a letter: a file, its evidence, a task; a retry adds none."""
    await house.register(creditor=B2B, contacts=())
    await house.bill("F-1")
    assert (await house.knock()).outcome is Outcome.SENT
    assert (await house.knock(attempt=2)).outcome is Outcome.SENT
    (letter,) = house.settings.folders.letters.iterdir()
    (record,) = await house.messages()
    assert letter.read_bytes().startswith(b"%PDF")
    assert hashlib.sha256(letter.read_bytes()).hexdigest() == record.sha256
    assert house.evidence(record).read_bytes() == letter.read_bytes()
    (task,) = await house.tasks()
    assert (task.kind, task.detail["file"], task.detail["message"]) == ("post", letter.name, record.id)
    assert house.sink.received == []


async def test_a_letter_is_filed_again_after_the_disk_was_full(house: House) -> None:
    """While the outbox folder cannot be written to the attempt is tried again; then there is one letter."""
    await house.register(creditor=B2B, contacts=())
    await house.bill("F-1")
    blocked = house.settings.folders.letters
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file in the way")
    with pytest.raises(Exception, match="does not take messages"):
        await house.knock()
    assert [record.state for record in await house.messages()] == [State.FAILED]
    blocked.unlink()
    assert (await house.knock(attempt=2)).outcome is Outcome.SENT
    assert len(list(blocked.iterdir())) == 1


async def test_a_call_is_a_task_with_its_script(house: House) -> None:
    """A call goes to the worklist of its owner with a script and the numbers, and the ladder goes on."""
    await house.register(
        creditor=B2B, contacts=({"email": "compta@dubois.example", "phone": "+33 4 78 00 00 01"},)
    )
    await house.bill("F-1")
    await climb(house, "D+15")
    answer = await house.knock()
    assert (answer.outcome, answer.next.step) == (Outcome.TASK, "D+30")
    assert (await house.knock("F-1", attempt=2)).outcome is Outcome.TASK
    (task,) = await house.tasks()
    assert (task.kind, task.detail["owner"]) == ("call", "collections")
    assert "F-1" in task.detail["script"]
    assert task.detail["phones"] == "+33 4 78 00 00 01"
    assert len(house.sink.received) == 2


async def test_an_approval_waits_and_goes_on(house: House) -> None:
    """A step that needs approval waits with a task; the operator's approval lets it leave, once."""
    await house.register(creditor=B2B)
    await house.bill("F-1")
    await climb(house, "formal-notice")
    letters = house.settings.folders.letters
    answer = await house.knock()
    assert (answer.outcome, answer.next.kind, answer.next.because.rule) == (
        Outcome.HELD,
        "wait",
        Rule.APPROVAL,
    )
    assert not letters.exists()
    assert "approve" in await house.kinds()
    plan = await house.obey(Verb.APPROVE)
    assert plan.next.step == "formal-notice"
    assert "approve" not in await house.kinds()
    assert (await house.knock()).outcome is Outcome.SENT
    assert len(list(letters.iterdir())) == 1
    assert (await house.next()).step == "handoff"


async def test_the_handoff_is_written_once(house: House) -> None:
    """The handoff's manifest holds the hash of every message as it left; a retry finds it written."""
    await house.register()
    await house.bill("F-1")
    await climb(house, "handoff")
    answer = await house.knock()
    assert (answer.outcome, answer.next.ending) == (Outcome.HANDED_OFF, Ending.HANDED_OFF)
    (folder,) = house.settings.folders.handoffs.iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.HANDED_OFF
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    assert len(list(house.settings.folders.handoffs.iterdir())) == 1
    delivered = {hashlib.sha256(received.content).hexdigest() for received in house.sink.received}
    assert delivered
    text = json.dumps(manifest)
    assert all(digest in text for digest in delivered)
    assert await house.kinds() == ["handoff"]


async def test_a_handoff_cut_short_is_completed(house: House) -> None:
    """A process that dies between the record and the folder leaves a handoff that the retry completes."""
    await house.register()
    await house.bill("F-1")
    await climb(house, "handoff")
    blocked = house.settings.folders.handoffs
    blocked.write_text("a file in the way")
    with pytest.raises(FileExistsError):
        await house.knock()
    assert (await house.account()).case("F-1").standing[-1].outcome is StepOutcome.HANDED_OFF
    blocked.unlink()
    assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.HANDED_OFF
    (folder,) = blocked.iterdir()
    assert (folder / "manifest.json").exists()
    assert await house.kinds() == ["handoff"]


@pytest.mark.parametrize("scope", ["acme", None])
async def test_stopped_sending_holds_everything(house: House, scope: str | None) -> None:
    """While sending is stopped nothing leaves and the case waits; it goes on when sending is resumed."""
    await house.register()
    await house.bill("F-1")
    async with house.database.writing() as conn:
        await switches.stop(conn, Stop(creditor=scope), "ann", "wrong file", house.now)
    answer = await house.knock()
    assert (answer.outcome, answer.next.kind) == (Outcome.HELD, "wait")
    assert answer.because is not None
    assert answer.because.rule is Rule.SENDING_STOPPED
    assert house.sink.received == []
    async with house.database.writing() as conn:
        await switches.resume(conn, Stop(creditor=scope), "ann", house.now)
    async with house.hands.gate._desk.book(house.case("F-1"), house.now) as book:
        await book.unblock("F-1")
        await book.settle()
    assert ("wake", "F-1") in await house.errands()
    assert (await house.knock()).outcome is Outcome.SENT


async def test_a_hold_reaches_the_gate_although_no_wake_did(house: House) -> None:
    """A hold whose wake-up was lost still keeps the step from being taken: the gate reads the record."""
    await house.register()
    await house.bill("F-1")
    order = await house.order()
    await house.obey(Verb.HOLD, until=house.now.date() + timedelta(days=5))
    answer = await house.environment("run").run(house.hands.gate.take, order)
    assert (answer.outcome, answer.because and answer.because.rule) == (Outcome.HELD, Rule.HOLD)
    assert answer.next.at == build.at("2026-04-08 09:00")
    assert house.sink.received == []
