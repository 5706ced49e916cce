"""After a restore: what left and was forgotten, at the gate's own level, on each kind of database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from config.catalogue import load_policies
from config.sections import Folders, Smtp
from config.settings import Settings
from correspondence.postbook import PostBook, PostEntry
from correspondence.wording import Wording
from domain.actions import Outcome, Rule
from domain.faults import ConfigurationFault
from domain.gate import judge
from domain.policy import DunningPolicy
from domain.reminder import Reminder
from intake.forgotten import Forgotten
from intake.reconciling import Reconciler, refuse_if_ahead
from ledger import desk, journal
from ledger.book import Book
from ledger.database import Database
from ledger.messages import State
from ledger.policies import Shelf
from tests.databases import Server
from tests.gate.house import House
from tests.intake.copies import Copies
from trial.mail import Fault, mail_sink

ADDRESS = {"lines": ["3 quai du Pont"], "postcode": "38000", "city": "Grenoble"}


@pytest.fixture(scope="module")
def wording() -> Wording:
    """Loads the wording that is shipped."""
    return Wording.load(Folders().wording)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, DunningPolicy]:
    """Loads the policies that are shipped."""
    return load_policies(Folders().policies)


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    database: Database,
    database_url: str,
    tmp_path: Path,
    wording: Wording,
    catalogue: dict[str, DunningPolicy],
) -> AsyncIterator[House]:
    """Gives a house with a mailbox of its own."""
    async with mail_sink(tmp_path / "mail" / "Maildir", 0) as sink:
        settings = Settings(
            folders=Folders(var=tmp_path / "var"),
            database_url=database_url,
            smtp=Smtp(port=sink.port, timeout_seconds=5),
            lease_seconds=10,
        )
        yield House(database, settings, wording, catalogue, sink)


@pytest.fixture
def copies(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Copies:
    """Makes copies of this kind of database."""
    server: Server | None = None
    if database_kind == "postgresql":
        server = request.getfixturevalue("postgres_server")
    return Copies(tmp_path, server)


@asynccontextmanager
async def restored(house: House, copies: Copies, copy: Path) -> AsyncIterator[House]:
    """Gives the house with the record of the copy, and everything else as it is now."""
    async with copies.put_back(copy) as (database, url):
        settings = house.settings.model_copy(update={"database_url": url})
        back = House(database, settings, house.wording, house.catalogue, house.sink, house.now, house.wall)
        back._asked = house._asked
        yield back


def reconciler(house: House, *, rehearsal: bool = False) -> Reconciler:
    """Reconciles the house's record with its post book."""
    book = PostBook(house.settings.folders.evidence)
    return Reconciler(house.database, book, "anna", house.now, house.wall, rehearsal)


async def reconcile(house: House) -> list[Forgotten]:
    """Restores what was forgotten, and says what that was."""
    return (await reconciler(house).restore())[1]


async def is_ahead(house: House) -> bool:
    """Tells whether a worker would refuse to start."""
    try:
        await refuse_if_ahead(house.database, PostBook(house.settings.folders.evidence), house.wall)
    except ConfigurationFault as fault:
        assert "starter.py reconcile" in str(fault)  # noqa: PT017 - the fault is the answer
        return True
    return False


async def is_whole(house: House) -> bool:
    """Checks the journal."""
    async with house.database.reading() as conn:
        return [one async for one in journal.verify(conn)] == []


async def states(house: House) -> list[State]:
    """Lists the states of all messages."""
    return [one.state for one in await house.messages()]


async def test_what_left_after_the_copy_is_sent_and_stays_so(house: House, copies: Copies) -> None:
    """A message that the record forgot is restored with its steps and proof; the next step is the next."""
    await house.register()
    await house.bill("F-1", "F-2")
    copy = await copies.make(house.settings.database_url)
    assert not await is_ahead(house)
    answer = await house.knock("F-1")
    before = await house.messages()
    assert answer.outcome in {Outcome.SENT, Outcome.COVERED}
    async with restored(house, copies, copy) as back:
        assert await is_ahead(back)
        assert (await back.next("F-1")).step == "D+2"
        assert [(one.becomes, set(one.numbers)) for one in await reconcile(back)] == [
            ("sent", {"F-1", "F-2"})
        ]
        after = await back.messages()
        assert [one.model_dump(exclude={"leased_until"}) for one in after] == [
            one.model_dump(exclude={"leased_until"}) for one in before
        ]
        assert [(await back.next(number)).step for number in ("F-1", "F-2")] == ["D+30", "D+30"]
        assert (await back.account()).contacts == (await house.account()).contacts
        assert await reconcile(back) == []
        assert not await is_ahead(back)
        await back.knock("F-2")
        assert len(house.sink.received) == 2
        assert await is_whole(back)


async def test_a_rehearsal_writes_nothing(house: House, copies: Copies) -> None:
    """A rehearsal names what it would restore, and leaves record and journal as they are."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    await house.knock()
    async with restored(house, copies, copy) as back:
        before = (await back.account()).revision
        found = (await reconciler(back, rehearsal=True).restore())[1]
        assert [one.becomes for one in found] == ["sent"]
        assert (await back.account()).revision == before
        assert await back.messages() == []


async def test_what_was_refused_is_nothing_to_restore(house: House, copies: Copies) -> None:
    """A message that the server refused did not leave: it is tried as if for the first time."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    house.sink.script(Fault.REFUSE_MESSAGE, times=1)
    assert (await house.knock()).outcome is Outcome.UNREACHABLE
    async with restored(house, copies, copy) as back:
        assert [one.fate for one in PostBook(back.settings.folders.evidence).newest(9)] == ["refused"]  # type: ignore[union-attr]
        assert not await is_ahead(back)
        assert await reconcile(back) == []
        assert (await back.knock()).outcome is Outcome.SENT
    assert len(house.sink.received) == 1


async def test_what_nobody_knows_is_asked_and_leaves_again_on_a_word(house: House, copies: Copies) -> None:
    """A message that may have left is restored with its task; "not delivered" lets it leave, once."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    house.sink.script(Fault.DROP_LOST, times=1)
    assert (await house.knock()).outcome is Outcome.AMBIGUOUS
    async with restored(house, copies, copy) as back:
        assert [one.becomes for one in await reconcile(back)] == ["ambiguous"]
        [record] = await back.messages()
        assert record.state is State.AMBIGUOUS
        assert (await back.next()).because.rule is Rule.AMBIGUOUS
        assert await back.kinds() == ["ambiguous"]
        async with back.database.writing() as conn:
            book = await Book.open(conn, "acme", "dubois", back.now, Shelf())
            await book.judge_ambiguous(record.id, delivered=False, reason="not there", author="anna")
            await book.settle()
        assert not await is_ahead(back)
        assert (await back.knock()).outcome is Outcome.SENT
        assert [one.attempts for one in await back.messages()] == [2]
        assert await reconcile(back) == []
        assert await is_whole(back)
    assert len(house.sink.received) == 1


class GoneError(BaseException):
    """Ends an attempt as a kill would: nothing is written down after it."""


def dies(house: House, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Lets the process of the house die at a point of the handover."""

    async def die(*_: object) -> None:
        raise GoneError

    def die_at_once(*_: object) -> None:
        raise GoneError

    point = die if where == "_write_down" else die_at_once
    monkeypatch.setattr(house.hands.gate._handover, where, point)


async def judge_undelivered(house: House) -> None:
    """Says of the only message that it did not leave."""
    [record] = await house.messages()
    async with house.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", house.now, Shelf())
        await book.judge_ambiguous(record.id, delivered=False, reason="not there", author="anna")
        await book.settle()


async def test_a_persons_word_outlives_a_reconcile(
    house: House, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person has judged since its page was written is settled, though its claim is another one."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    with monkeypatch.context() as dying:
        dies(house, dying, "_note")
        with pytest.raises(GoneError):
            await house.knock()
    async with restored(house, copies, copy) as back:
        assert (await back.knock()).outcome is Outcome.AMBIGUOUS
        await judge_undelivered(back)
        assert not await is_ahead(back)
        assert await reconcile(back) == []
        assert await states(back) == [State.FAILED]
        assert (await back.knock()).outcome is Outcome.SENT
        assert await is_whole(back)


async def test_attempts_of_before_the_copy_are_asked_about_once(
    house: House, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three attempts that the record forgot, a single word lets the message leave."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    house.sink.script(Fault.DROP_LOST, times=2)
    for _ in range(2):
        assert (await house.knock()).outcome is Outcome.AMBIGUOUS
        await judge_undelivered(house)
    with monkeypatch.context() as dying:
        dies(house, dying, "_note")
        with pytest.raises(GoneError):
            await house.knock()
    assert [one.attempts for one in await house.messages()] == [3]
    async with restored(house, copies, copy) as back:
        assert (await back.knock()).outcome is Outcome.AMBIGUOUS
        await judge_undelivered(back)
        assert not await is_ahead(back)
        await reconciler(back).complete()
        assert await reconcile(back) == []
        assert (await back.knock()).outcome is Outcome.SENT
        assert [one.attempts for one in await back.messages()] == [4]


async def test_an_answer_that_the_record_was_never_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called ambiguous by one attempt and accepted by the page of its own: a worker starts and settles it."""
    await house.register()
    await house.bill("F-1")

    async def second() -> None:
        house.room.after = None
        house.pass_time(seconds=62)
        assert (await house.knock(attempt=2, wait=False)).outcome is Outcome.AMBIGUOUS

    house.room.after = second
    with monkeypatch.context() as dying:
        dies(house, dying, "_write_down")
        with pytest.raises(GoneError):
            await house.knock()
    assert (await states(house), await house.kinds()) == ([State.AMBIGUOUS], ["ambiguous"])
    assert not await is_ahead(house)
    found = (await reconciler(house, rehearsal=True).restore())[1]
    assert [one.becomes for one in found] == ["answered"]
    await house.errands()
    assert await reconciler(house).complete() == 1
    assert (await states(house), await house.kinds()) == ([State.SENT], [])
    assert (await house.next()).step == "D+30"
    assert await house.errands() == [("wake", "F-1")]
    assert await reconcile(house) == []
    assert await reconciler(house).complete() == 0
    assert await is_whole(house)


async def test_a_question_about_another_claim_is_left_to_the_person(house: House, copies: Copies) -> None:
    """Asked about under a claim of after the copy, it keeps no worker from starting, nor is it completed."""
    await house.register()
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    assert (await house.knock()).outcome is Outcome.SENT
    async with restored(house, copies, copy) as back:
        book = back.hands.gate._dispatch.postbook
        (page,) = [one for one in book.entries() if isinstance(one, PostEntry)]
        book.write(page.model_copy(update={"fate": None, "answer": None, "answered_at": None}))
        assert await is_ahead(back)
        assert (await back.knock(run="another")).outcome is Outcome.AMBIGUOUS
        assert not await is_ahead(back)
        assert await reconciler(back).complete() == 0
        assert (await states(back), await back.kinds()) == ([State.AMBIGUOUS], ["ambiguous"])
    assert len(house.sink.received) == 1


async def test_a_copy_made_while_a_message_was_leaving(house: House, copies: Copies) -> None:
    """Copied between claim and answer: the gate settles it by the post book, and nothing leaves twice."""
    await house.register()
    await house.bill("F-1")
    made: list[Path] = []

    async def copy() -> None:
        made.append(await copies.make(house.settings.database_url))

    house.room.before = copy
    assert (await house.knock()).outcome is Outcome.SENT
    async with restored(house, copies, made[0]) as back:
        assert await states(back) == [State.HANDING_OVER]
        back.pass_time(minutes=5)
        assert not await is_ahead(back)
        assert await reconcile(back) == []
        assert (await back.knock(run="another")).outcome is Outcome.SENT
        assert await states(back) == [State.SENT]
    assert len(house.sink.received) == 1


async def test_a_copy_made_between_reservation_and_claim(house: House, copies: Copies) -> None:
    """Copied while a message was reserved, under another lead: what left takes the reservation's steps."""
    await house.register()
    await house.bill("F-1")
    order = await house.order()
    async with house.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", house.now, Shelf())
        verdict = judge(book.account, "F-1", book.policies, house.now)
        assert isinstance(verdict, Reminder)
        await book.reserve(verdict, "run-F-1/1/1", house.wall + timedelta(seconds=10))
        await book.settle()
    copy = await copies.make(house.settings.database_url)
    house.pass_time(minutes=1)
    # The same step of an older invoice leads the message that really leaves.
    await house.bill("F-0", due="2026-03-25", issue_date="2026-02-02")
    env = house.environment("run-F-1", 2, 1)
    answer = await env.run(house.hands.gate.take, order.model_copy(update={"as_of": house.now}))
    assert answer.outcome in {Outcome.SENT, Outcome.COVERED}
    [left] = [one for one in await house.messages() if one.state is State.SENT]
    assert sorted(left.numbers) == ["F-0", "F-1"]
    async with restored(house, copies, copy) as back:
        assert await states(back) == [State.RESERVED]
        assert await is_ahead(back)
        assert [one.becomes for one in await reconcile(back)] == ["sent"]
        assert not await is_ahead(back)
        assert (await back.next("F-1")).step == "D+30"
        await back.bill("F-0", due="2026-03-25", issue_date="2026-02-02")
        assert all(one.step != left.reminder.step for one in [await back.next("F-0")])
        assert await is_whole(back)
    assert len(house.sink.received) == 1


async def test_an_invoice_of_after_the_copy_takes_its_message_back(house: House, copies: Copies) -> None:
    """The message waits for the invoice, and is applied in the instant in which it is imported again."""
    await house.register("dubois", "martin")
    await house.bill("F-1")
    copy = await copies.make(house.settings.database_url)
    await house.bill("F-2")
    await house.bill("M-1", debtor="martin")
    await house.knock("F-1")
    await house.knock("M-1")
    async with restored(house, copies, copy) as back:
        found = await reconcile(back)
        assert [(one.becomes, set(one.numbers)) for one in found] == [
            ("sent", {"F-1", "F-2"}),
            ("waiting", {"M-1"}),
        ]
        assert not await is_ahead(back)
        assert [one.becomes for one in await reconcile(back)] == []
        await back.bill("F-2")
        await back.bill("M-1", debtor="martin")
        for number in ("F-1", "F-2", "M-1"):
            assert (await back.next(number)).step == "D+30"
        assert await states(back) == [State.SENT, State.SENT]
        assert await is_whole(back)
    assert len(house.sink.received) == 2


async def test_a_record_that_is_lost_wholly(house: House, copies: Copies) -> None:
    """With nothing left but the post book, everything is imported again and nothing leaves again."""
    copy = await copies.make(house.settings.database_url)
    await house.register()
    await house.bill("F-1", "F-2")
    await house.knock("F-1")
    async with restored(house, copies, copy) as back:
        assert await is_ahead(back)
        assert [one.becomes for one in await reconcile(back)] == ["waiting"]
        assert not await is_ahead(back)
        await back.register()
        await back.bill("F-1", "F-2")
        assert [(await back.next(number)).step for number in ("F-1", "F-2")] == ["D+30", "D+30"]
    assert len(house.sink.received) == 1


async def test_an_invoice_that_comes_back_to_another_customer(house: House, copies: Copies) -> None:
    """A message to one customer takes no step from another: the row is set aside, for a person to see."""
    copy = await copies.make(house.settings.database_url)
    await house.register("dubois", "martin")
    await house.bill("F-1")
    await house.knock()
    async with restored(house, copies, copy) as back:
        await reconcile(back)
        await back.register("dubois", "martin")
        await back.bill("F-1", debtor="martin")
        assert (await back.next()).step == "D+2"
        async with back.database.reading() as conn:
            [row] = await desk.aside(conn)
        assert "went to dubois" in row.problem["remedy"]


async def test_what_was_voided_and_sent_again(house: House, copies: Copies) -> None:
    """Both messages are restored, the voided one as voided, whatever the record knew of the first."""
    await house.register()
    await house.bill("F-1")
    nothing = await copies.make(house.settings.database_url)
    await house.knock()
    first = await copies.make(house.settings.database_url)
    [record] = await house.messages()
    async with house.database.writing() as conn:
        book = await Book.open(conn, "acme", "dubois", house.now, Shelf())
        await book.void_message(record.id, "wrong amount", "anna")
        await book.settle()
    house.pass_time(days=5)
    assert (await house.knock()).outcome is Outcome.SENT
    expected = {(one.id, one.state) for one in await house.messages()}
    assert {state for _, state in expected} == {State.SENT, State.VOIDED}
    for copy, forgotten in ((nothing, 2), (first, 1)):
        async with restored(house, copies, copy) as back:
            assert len(await reconcile(back)) == forgotten
            assert {(one.id, one.state) for one in await back.messages()} == expected
            assert (await back.next()).step == "D+30"
            assert await reconcile(back) == []
            assert await is_whole(back)


async def test_a_letter_is_asked_to_be_posted_again(house: House, copies: Copies) -> None:
    """A letter that was filed is restored with the task to post it, which says that it may be done."""
    await house.register("dubois", contacts=(), address=ADDRESS)
    await house.bill("F-1", policy="french-b2b")
    copy = await copies.make(house.settings.database_url)
    for _ in range(9):
        if (await house.knock()).outcome is Outcome.SENT:
            break
    async with restored(house, copies, copy) as back:
        assert [one.becomes for one in await reconcile(back)] == ["sent"]
        [task] = [one for one in await back.tasks() if one.kind == "post"]
        assert "before the record was restored" in task.detail["restored"]


async def test_a_broken_page_is_reported_and_stops_nothing(house: House, copies: Copies) -> None:
    """An entry that cannot be read is named; the others are restored all the same."""
    await house.register("dubois", "martin")
    await house.bill("F-1")
    await house.bill("M-1", debtor="martin")
    copy = await copies.make(house.settings.database_url)
    await house.knock("F-1")
    await house.knock("M-1")
    broken = next(one for one in await house.messages() if one.reminder.lead == "M-1")
    page = house.settings.folders.evidence / "postbook" / broken.id[:2] / f"{broken.id}.json"
    page.write_text(page.read_text("utf-8")[:40], "utf-8")
    assert (await reconciler(house).restore())[1:] == ([], [])
    async with restored(house, copies, copy) as back:
        read, forgotten, unreadable = await reconciler(back).restore()
        assert (read, [one.becomes for one in forgotten]) == (2, ["sent"])
        assert [one.message for one in unreadable] == [broken.id]
