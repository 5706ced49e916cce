"""The demonstration: what left is what was predicted, and every situation of the sample shows."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from config.catalogue import load_policies
from config.sections import Folders
from domain.actions import Ending, Outcome, Rule, StepOutcome
from domain.policy import Channel, Tone
from domain.simulation import Simulated
from ledger.messages import MessageRecord
from ledger.queries import CaseFile
from trial.comparing import Left, differences, left
from trial.demo import Lived, demonstration
from trial.foresight import Foresight
from trial.open_house import open_house
from trial.sample.company import company, write
from trial.sample.story import PARIS, day_of, tell
from trial.world import real_now

AWKWARD_DAYS = [
    date(2026, 2, 14),  # a Saturday, before Easter and the clock change
    date(2026, 4, 2),  # Good Friday, Easter and the holidays of May ahead
    date(2026, 7, 31),  # a Friday before the holidays of August
    date(2026, 12, 20),  # a Sunday before Christmas and New Year
    date(2027, 10, 27),  # the clock goes back on the Sunday
    date(2028, 2, 29),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lived]:
    """Lives through the sample once, on real servers."""
    async with demonstration(tmp_path_factory.mktemp("demo") / "demo", real_now()) as story:
        yield story


def file_of(lived: Lived, number: str) -> CaseFile:
    """Finds the file of an invoice."""
    return next(file for file in lived.files if file.line.number == number)


def spoke_for(lived: Lived, number: str) -> list[MessageRecord]:
    """Lists the messages that left and spoke for an invoice, in order."""
    return [record for record in lived.records if number in record.numbers]


def steps_of(lived: Lived, number: str) -> list[str]:
    """Lists the steps of an invoice that are on record, in order."""
    return [taken.step for taken in file_of(lived, number).account.case(number).taken]


def text_of(lived: Lived, record: MessageRecord) -> str:
    """Reads the plain text of a message as the mailbox has it, spaces made plain."""
    found = next(one.message for one in lived.sink.received if one.message["Message-ID"] == record.message_id)
    body = found.get_body(("plain",))
    assert body is not None
    return re.sub(r"\s", " ", str(body.get_content()))


async def test_ac_78_simulation_equals_reality(lived: Lived) -> None:
    """AC-78: the messages that left are the predicted ones: day, customer, step, channel, words, order."""
    assert lived.differences == []
    assert left(lived.records) == lived.foretold.messages
    # The open house below sends on in the same mailbox; its invoices have other numbers.
    story = [one for one in lived.sink.received if "FA-22" not in str(one.message["Subject"])]
    assert len(lived.records) == len(story) + 1 >= 50
    assert all(one.digest for one in lived.foretold.messages)


async def test_messages_leave_in_the_predicted_order_by_their_own_clock(lived: Lived) -> None:
    """Each customer's messages left on the predicted day, seconds after they were due, in order."""
    for record in lived.records:
        assert record.sent_at is not None
        assert day_of(record.sent_at) == record.reminder.day
    for debtor in {record.reminder.debtor.id for record in lived.records}:
        times = [record.sent_at for record in lived.records if record.reminder.debtor.id == debtor]
        assert times == sorted(time for time in times if time is not None)


async def test_the_sample_is_large_enough(lived: Lived) -> None:
    """At least 8 customers, 20 invoices and 90 days of dunning; the import refused nothing."""
    assert len({file.line.debtor for file in lived.files}) >= 8
    assert len(lived.files) >= 20
    assert lived.days >= 90
    assert (lived.imported.refused, lived.imported.waiting) == ((), 1)


async def test_paid_before_the_first_reminder(lived: Lived) -> None:
    """A customer who pays before the first reminder never hears from us."""
    assert spoke_for(lived, "FA-2101") == []
    assert file_of(lived, "FA-2101").line.ending is Ending.PAID


async def test_paid_after_two(lived: Lived) -> None:
    """A customer who pays after two messages gets no third."""
    assert steps_of(lived, "FA-2103") == ["D-10", "D-3"]
    assert len(spoke_for(lived, "FA-2103")) == 2
    assert file_of(lived, "FA-2103").line.ending is Ending.PAID


async def test_paid_one_second_before_a_send(lived: Lived) -> None:
    """A payment at 08:59:59, a second before a message of 09:00, keeps it from leaving."""
    paid = next(entry for entry in file_of(lived, "FA-2104").entries if entry.kind == "payment.received")
    assert f"{paid.at.astimezone(PARIS):%H:%M:%S}" == "08:59:59"
    assert steps_of(lived, "FA-2104") == ["D-10", "D-3"]
    told = lived.foretold.foresight
    unpaid = Foresight(told.events, told.catalogue, told.begin)
    assert unpaid.when("FA-2104", "D+2") - paid.at == timedelta(seconds=1)


async def test_partial_payment(lived: Lived) -> None:
    """After a payment in part the next message asks for the rest alone."""
    asked = [f"{record.reminder.asked:.2f}" for record in spoke_for(lived, "FA-2105")]
    assert asked == ["3600.00", "3600.00", "3600.00", "2000.00"]
    assert "2 000,00" in text_of(lived, spoke_for(lived, "FA-2105")[-1])
    assert file_of(lived, "FA-2105").line.ending is Ending.PAID


async def test_a_hold_that_ends_by_itself(lived: Lived) -> None:
    """A held invoice is left alone to the last day of the hold; then its next step comes by itself."""
    file = file_of(lived, "FA-2106")
    held = next(entry for entry in file.entries if entry.kind == "hold.placed")
    until = date.fromisoformat(held.facts["hold"]["until"])
    days = [taken.day for taken in file.account.case("FA-2106").taken]
    assert held.facts["author"] == "Hélène Carlier"
    assert not any(day_of(held.at) < day <= until for day in days)
    assert file.account.case("FA-2106").taken[-1].step == "D+10"
    assert until < days[-1] <= until + timedelta(days=7)
    reasons = {
        step: because.rule for (case, step), because in lived.reasons.items() if case.number == "FA-2106"
    }
    assert reasons["D+10"] is Rule.HOLD


async def test_one_message_speaks_for_three(lived: Lived) -> None:
    """One message speaks for three invoices; afterwards each is on its own rung, and each has its ladder."""
    together = [record for record in lived.records if len(record.numbers) == 3]
    assert [set(record.numbers) for record in together] == [{"FA-2108", "FA-2109", "FA-2110"}]
    rungs = {line.number: line.step for line in together[0].reminder.lines}
    assert rungs == {"FA-2108": "D-3", "FA-2109": "D-3", "FA-2110": "D-10"}
    assert steps_of(lived, "FA-2108") == ["D-10", "D-3"]
    assert steps_of(lived, "FA-2109") == ["D-10", "D-3", "D+2"]
    assert steps_of(lived, "FA-2110")[-1] == "D+10"


async def test_a_credit_note_larger_than_the_debt(lived: Lived) -> None:
    """The credit note settles its invoice, and its surplus is taken off what the other one asks for."""
    assert file_of(lived, "FA-2111").line.ending is Ending.CREDITED
    later = spoke_for(lived, "FA-2112")
    assert {f"{record.reminder.asked:.2f}" for record in later} == {"1790.00"}
    assert {f"{record.reminder.received:.2f}" for record in later} == {"120.00"}


async def test_never_paid_goes_through_every_step(lived: Lived) -> None:
    """An invoice that nobody pays takes every step of french-b2b: call, approved notice, handoff."""
    file = file_of(lived, "FA-2113")
    policy = lived.foretold.foresight.policies[file.line.policy]
    assert steps_of(lived, "FA-2113") == [step.key for step in policy.steps]
    assert file.line.ending is Ending.HANDED_OFF
    kinds = {task.kind: task for task in file.tasks}
    assert set(kinds) == {"call", "approve", "post", "handoff"}
    assert (kinds["approve"].resolution, kinds["approve"].closed_by) == ("approved", "Hélène Carlier")
    notice = spoke_for(lived, "FA-2113")[-1]
    assert (notice.reminder.channel, notice.reminder.tone) == (Channel.LETTER, Tone.FORMAL)
    letter = lived.settings.folders.letters / Path(notice.evidence_path or "").name
    assert letter.read_bytes().startswith(b"%PDF")
    folders = sorted(path.name[:7] for path in lived.settings.folders.handoffs.iterdir())
    assert folders == ["FA-2113", "FA-2118"]
    assert all((path / "manifest.json").exists() for path in lived.settings.folders.handoffs.iterdir())


async def test_the_seed_calendar_to_its_handoff(lived: Lived) -> None:
    """An invoice that nobody pays under the seeds' calendar gets four e-mails, then it is handed off."""
    assert steps_of(lived, "FA-2118") == ["D-10", "D-3", "D+2", "D+30", "handoff"]
    assert len(spoke_for(lived, "FA-2118")) == 4
    assert file_of(lived, "FA-2118").line.ending is Ending.HANDED_OFF


async def test_no_address_becomes_a_task(lived: Lived) -> None:
    """An invoice without any address makes a task and waits; nothing left, nobody else was stopped."""
    file = file_of(lived, "FA-2114")
    assert [task.kind for task in file.tasks if task.closed_at is None] == ["unreachable"]
    assert file.line.next is not None
    assert file.line.next.because.rule is Rule.UNREACHABLE
    assert spoke_for(lived, "FA-2114") == []


async def test_a_signal_from_a_plain_client(lived: Lived) -> None:
    """A `mark_paid` signal of a client that knows nothing of us is written down and ends the case."""
    file = file_of(lived, "FA-2115")
    assert [payment.reference for payment in file.account.payments if payment.allocated == 640] == [
        "VIR-SIGNAL-1"
    ]
    assert (file.line.ending, steps_of(lived, "FA-2115")) == (Ending.PAID, ["D-10", "D-3"])


async def test_a_payment_before_its_invoice(lived: Lived) -> None:
    """A deposit that came before its invoice waits for it: every message asks for the rest alone."""
    records = spoke_for(lived, "FA-2117")
    assert [record.reminder.step for record in records] == ["D-10", "D-3", "D+2"]
    assert {f"{record.reminder.asked:.2f}" for record in records} == {"1550.00"}


async def test_customers_abroad_are_written_to_in_english(lived: Lived) -> None:
    """Customers in Great Britain and Ireland get English messages, at nine or later by their own clock."""
    for number in ("FA-2120", "FA-2122"):
        records = spoke_for(lived, number)
        assert records
        assert {record.reminder.language for record in records} == {"en"}
        assert "Hello" in text_of(lived, records[0])
        assert {record.reminder.planned_at.hour for record in records} <= {8, 9}


async def test_no_step_leaves_twice(lived: Lived) -> None:
    """No step of an invoice is on record twice, and no message failed or is in doubt."""
    for file in lived.files:
        steps = [(taken.step, taken.cycle) for taken in file.account.case(file.line.number).taken]
        assert len(steps) == len(set(steps))
        assert all(taken.outcome is not StepOutcome.AMBIGUOUS for taken in file.account.cases[0].taken)
        assert not any(entry.kind in {"message.failed", "message.ambiguous"} for entry in file.entries)


@pytest.mark.parametrize("today", AWKWARD_DAYS, ids=str)
def test_every_situation_shows_on_any_day(today: date) -> None:
    """Whatever day the sample begins on, every situation shows, over at least 90 days."""
    foresight, whole = foretell(today)
    ended = {case.invoice.number: case.ending for account in whole.accounts for case in account.cases}
    assert [number for number, ending in ended.items() if ending is None] == ["FA-2112", "FA-2114"]
    assert [number for number, ending in ended.items() if ending is Ending.HANDED_OFF] == [
        "FA-2113",
        "FA-2118",
    ]
    assert max(len(message.lines) for message in whole.messages) == 3
    assert (max(entry.at for entry in whole.entries) - foresight.begin).days >= 90
    assert [entry.invoice for entry in whole.entries if entry.what is Outcome.UNREACHABLE] == ["FA-2114"]
    spoken = [line.number for message in whole.messages for line in message.lines]
    assert (spoken.count("FA-2101"), spoken.count("FA-2103"), spoken.count("FA-2104")) == (0, 2, 2)
    held = {message.day for message in whole.messages if message.lead == "FA-2106" and message.step == "D+10"}
    assert len(held) == 1


def foretell(today: date) -> tuple[Foresight, Simulated]:
    """Foretells the sample from a day."""
    begin = datetime(today.year, today.month, today.day, 10, 7, tzinfo=UTC)
    foresight = Foresight(company(today), load_policies(Folders().policies), begin)
    tell(foresight)
    return foresight, foresight.whole()


def test_the_comparison_can_fail() -> None:
    """A message with other words, a missing one and one too many are each named as a difference."""
    _, whole = foretell(AWKWARD_DAYS[0])
    one, two = (Left.of(message, "a" * 64) for message in whole.messages[:2])
    other = Left.of(whole.messages[0], "b" * 64)
    assert differences([one], [one]) == []
    assert len(differences([one], [other])) == 2
    assert differences([one, two], [one])[0].startswith("predicted, but did not leave")
    assert differences([one], [one, two])[0].startswith("left, but was not predicted")
    assert differences([one], [one, one]) == ["the same messages left in another number"]


def test_the_sample_file_is_an_import(tmp_path: Path) -> None:
    """The sample is written as one event per line, dated from the day given."""
    write(tmp_path / "sample.ndjson", date(2026, 3, 1))
    text = (tmp_path / "sample.ndjson").read_text("utf-8")
    assert '"due_date": "2026-04-10"' in text
    assert "day+" not in text
    assert len(text.splitlines()) == len(company(date(2026, 3, 1)))


async def test_the_open_house_lives_on(lived: Lived) -> None:
    """The console opens on a new season, and a week of its clock is a week on the real engine."""
    async with (
        open_house(lived) as (address, password),
        httpx2.AsyncClient(base_url=address, timeout=60) as visitor,
    ):
        typed = {"name": "admin@localhost", "password": password, "then": "/"}
        entered = await visitor.post("/sign-in", data=typed)
        assert entered.status_code == 303
        before = len(lived.sink.received)
        assert "Demonstration: it is" in (await visitor.get("/")).text
        for _ in range(2):
            moved = await visitor.post("/time", data={"by": "week", "then": "/"})
            assert (moved.status_code, moved.headers["location"]) == (303, "/")
        assert len(lived.sink.received) > before
        latest = lived.sink.received[-1].message.get_body(("plain",))
        assert latest is not None
        (link,) = re.findall(r"http://\S+/a/\S+", latest.get_content())
        assert (await visitor.get(link)).status_code == 200
        assert "FA-22" in "".join(str(one.message["Subject"]) for one in lived.sink.received[before:])
