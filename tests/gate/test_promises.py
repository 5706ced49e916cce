"""The acceptance cases of the gate: never about what is paid, never twice, never forgotten."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from correspondence.wording import Wording
from domain.actions import Ending, Outcome, Rule
from domain.faults import InputRefused
from ledger.messages import State
from tests.domain import build
from tests.gate.house import House
from trial.mail import Fault

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
NINE = build.at("2026-04-02 09:00")


async def test_ac42_paid_one_second_before_the_step(house: House) -> None:
    """A payment recorded at 08:59:59 lets no message leave at 09:00:00, and the case closes."""
    await house.register()
    await house.bill("F-1")
    order = await house.order()
    assert house.now == NINE
    house.now = NINE - timedelta(seconds=1)
    await house.pay("F-1")
    house.now = NINE
    answer = await house.environment("run").run(house.hands.gate.take, order)
    assert (answer.outcome, answer.next.ending) == (Outcome.SETTLED, Ending.PAID)
    assert house.sink.received == []
    assert await house.messages() == []


async def test_ac42_paid_while_the_message_leaves(house: House) -> None:
    """A payment recorded after the balance was read leaves one message with its snapshot; the case closes."""
    await house.register()
    await house.bill("F-1")
    house.room.before = lambda: house.pay("F-1")
    answer = await house.knock()
    assert (answer.outcome, answer.next.ending) == (Outcome.SENT, Ending.PAID)
    (record,) = await house.messages()
    assert (record.state, record.sent_at, record.crossed) == (State.SENT, NINE, True)
    assert record.reminder.lines[0].open == build.money("100.00")
    assert len(house.sink.received) == 1
    assert (await house.account()).case("F-1").ending is Ending.PAID
    assert "Si votre règlement nous a été adressé entre-temps" in text(house)


def text(house: House) -> str:
    """Reads the plain text of the latest message."""
    body = house.sink.received[-1].message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_ac42_stale_payment_data(house: House) -> None:
    """Payment data 26 hours old, where 24 are allowed, lets no message leave: held as stale, with a task."""
    await house.register(creditor={"payment_freshness_hours": 24})
    await house.bill("F-1")
    house.now = NINE - timedelta(hours=26)
    await house.take("payments.known", as_of=house.now.isoformat())
    answer = await house.knock()
    assert (answer.outcome, answer.because and answer.because.rule) == (Outcome.HELD, Rule.STALE)
    assert house.sink.received == []
    assert await house.kinds() == ["payments"]
    await house.errands()
    await house.take("payments.known", as_of=house.now.isoformat())
    assert await house.errands() == [("wake", "F-1")]
    assert (await house.knock()).outcome is Outcome.SENT


async def test_what_is_no_invoice_is_never_attached(house: House) -> None:
    """A link out of the documents folder, and a file that is no PDF, send nothing; people are told."""
    documents = house.settings.folders.documents
    documents.mkdir(parents=True)
    secret = documents.parent / "secret.pdf"
    secret.write_bytes(b"%PDF-1.7 of somebody else")
    (documents / "link.pdf").symlink_to(secret)
    (documents / "text.pdf").write_bytes(b"SQLite format 3")
    await house.register("dubois", "martin")
    await house.bill("F-1", pdf="link.pdf")
    await house.bill("F-2", debtor="martin", pdf="text.pdf")
    for number in ("F-1", "F-2"):
        with pytest.raises(ApplicationError, match="cannot be prepared"):
            await house.knock(number)
    assert house.sink.received == []
    assert [task.kind for task in await house.tasks()] == ["mend", "mend"]


async def test_ac69_exactly_one_mail_and_the_evidence_is_its_bytes(house: House) -> None:
    """One mail, to that contact only; the hash on record is of the bytes delivered and of the evidence."""
    documents = house.settings.folders.documents
    documents.mkdir(parents=True)
    (documents / "f1.pdf").write_bytes(b"%PDF-1.7 one")
    await house.register("dubois", "martin")
    await house.bill("F-1", pdf="f1.pdf")
    await house.bill("F-2", debtor="martin", due="2026-05-31")
    assert (await house.knock()).outcome is Outcome.SENT
    (received,) = house.sink.received
    assert received.recipients == ("compta@dubois.example",)
    assert received.message["To"] == "compta@dubois.example"
    assert "F-1" in received.message["Subject"]
    assert [part.get_filename() for part in received.message.iter_attachments()] == ["F-1.pdf"]
    (record,) = await house.messages()
    digest = hashlib.sha256(received.content).hexdigest()
    assert record.sha256 == digest
    assert hashlib.sha256(house.evidence(record).read_bytes()).hexdigest() == digest
    assert received.message["Message-ID"] == record.message_id
    assert received.message["X-Relance-Key"] == record.id
    assert (await house.knock(attempt=2)).outcome is Outcome.SENT
    assert len(house.sink.received) == 1
    assert (await house.messages())[0].attempts == 1


async def test_ac69_a_long_body_leaves_in_full(house: House, tmp_path: Path) -> None:
    """A body of more than 60,000 bytes is sent and kept to its last word."""
    folder = tmp_path / "wording"
    shutil.copytree(house.settings.folders.wording, folder)
    body = folder / "fr" / "overdue" / "body.txt"
    long = " ".join(f"mot{count}" for count in range(9000))
    body.write_text(body.read_text().replace("sans doute d", f"sans doute, {long}, d"))
    house.wording = Wording.load(folder)
    await house.register()
    await house.bill("F-1")
    await house.knock(hands=house.worker(house.database))
    (received,) = house.sink.received
    assert len(text(house)) > 60_000
    assert "mot8999" in text(house)
    (record,) = await house.messages()
    assert house.evidence(record).read_bytes() == received.content


async def test_ac70_an_outage_of_the_mail_server(house: House) -> None:
    """While the server is down every attempt is on record as failed, none ambiguous; then one mail leaves."""
    await house.register()
    await house.bill("F-1")
    house.sink.script(Fault.DEFER_RECIPIENT, times=2)
    for attempt in (1, 2):
        with pytest.raises(ApplicationError) as fault:
            await house.knock(attempt=attempt)
        assert fault.value.type == "NotNow"
        assert not fault.value.non_retryable
        (record,) = await house.messages()
        assert (record.state, record.attempts) == (State.FAILED, attempt)
        assert (await house.account()).case("F-1").taken == ()
        house.pass_time(minutes=10)
    assert (await house.knock(attempt=3)).outcome is Outcome.SENT
    (record,) = await house.messages()
    assert (record.state, record.attempts) == (State.SENT, 3)
    assert len(house.sink.received) == 1
    assert await house.kinds() == []


async def test_ac70_an_outage_over_night_is_judged_by_the_morning(house: House) -> None:
    """A step that could not leave before the window closed waits for the next morning, and leaves then."""
    await house.register()
    await house.bill("F-1")
    house.sink.script(Fault.DEFER_RECIPIENT, times=1)
    with pytest.raises(ApplicationError):
        await house.knock()
    house.now = build.at("2026-04-02 18:00")
    answer = await house.knock(attempt=2, wait=False)
    assert (answer.outcome, answer.next.at) == (Outcome.DEFERRED, build.at("2026-04-03 09:00"))
    assert (await house.knock()).outcome is Outcome.SENT


async def test_ac72_a_wording_that_fails_stops_one_invoice_alone(house: House) -> None:
    """An invoice whose message cannot be prepared has a task and goes on after the mend; others leave."""
    await house.register("dubois", "martin")
    await house.bill("F-1", pdf="missing.pdf")
    await house.bill("F-2", debtor="martin")
    with pytest.raises(ApplicationError) as fault:
        await house.knock("F-1")
    assert "missing" not in str(fault.value)
    assert (await house.knock("F-2")).outcome is Outcome.SENT
    (task,) = await house.tasks()
    assert (task.kind, task.invoice) == ("mend", "F-1")
    assert "missing.pdf" in task.detail["problem"]
    with pytest.raises(ApplicationError):
        await house.knock("F-1", attempt=2)
    assert len(await house.tasks()) == 1
    house.settings.folders.documents.mkdir(parents=True)
    (house.settings.folders.documents / "missing.pdf").write_bytes(b"%PDF-1.7")
    assert (await house.knock("F-1")).outcome is Outcome.SENT
    assert await house.tasks() == []
    assert len(house.sink.received) == 2


@pytest.mark.parametrize(
    "name",
    [
        "{{ 7*7 }} {% raise %}",
        "<script>alert(1)</script> & Fils",
        '#import "x" $€_ \\',
        "م\u202exyz",
        "\u0301" * 30,
    ],
)
async def test_ac72_poison_names_stop_nothing(house: House, name: str) -> None:
    """A name that is code to a template, to HTML or to the typesetter is printed, not run."""
    await house.register(legal_name=name)
    await house.bill("F-1")
    assert (await house.knock()).outcome is Outcome.SENT
    assert "49" not in house.subjects()[0]


async def test_ac73_fails_closed_on_recipients(house: House) -> None:
    """Without an address nothing leaves, nor to the creditor, nor to another debtor's contact: a task."""
    await house.register("martin")
    await house.debtor("dubois", contacts=(), address=None)
    await house.bill("F-1")
    answer = await house.knock()
    assert (answer.outcome, answer.next.kind) == (Outcome.UNREACHABLE, "wait")
    assert house.sink.received == []
    assert await house.messages() == []
    (task,) = await house.tasks()
    assert (task.kind, task.invoice) == ("unreachable", "F-1")


async def test_ac73_a_new_contact_sets_the_case_going(house: House) -> None:
    """When a contact is added through the door the case wakes, and one message leaves, to that contact."""
    await house.register()
    await house.debtor("dubois", contacts=(), address=None)
    await house.bill("F-1")
    await house.knock()
    await house.errands()
    await house.debtor("dubois", contacts=({"email": "neu@dubois.example"},))
    assert await house.errands() == [("wake", "F-1")]
    assert (await house.knock()).outcome is Outcome.SENT
    assert [received.recipients for received in house.sink.received] == [("neu@dubois.example",)]


async def test_ac73_an_address_that_cannot_be_is_refused_at_the_door(house: House) -> None:
    """An address that no mail server would take never reaches the gate."""
    await house.register()
    with pytest.raises(InputRefused):
        await house.debtor("dubois", contacts=({"email": "compta@dübois@x"},))


async def test_ac76_one_mail_a_customer_and_day(house: House) -> None:
    """Two invoices of one customer due on one day make one mail, and a hurried step waits for the cap."""
    await house.register()
    await house.bill("F-1", "F-2")
    answers = await house.knock_together("F-1", "F-2")
    assert {answer.outcome for answer in answers} <= {Outcome.SENT, Outcome.COVERED}
    assert len(house.sink.received) == 1
    await house.bill("F-3")
    upcoming = await house.next("F-3")
    assert upcoming.at is not None
    assert upcoming.at >= build.at("2026-04-03 09:00")
