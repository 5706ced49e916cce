"""What follows from a mail: holds, tasks, marks and entries, each once, and nothing for a stranger."""

import asyncio

import pytest

from audit.auditing import audit
from correspondence.email import message_id
from domain.account import Account
from domain.actions import Because, Outcome, Rule
from domain.faults import InputRefused, NotFound
from domain.gate import Refusal, judge
from domain.receivable import Contact
from domain.reminder import Reminder
from intake.mailbox import reading
from intake.mailbox.taking import State, hold_id, take
from intake.readers.mail import read
from ledger.database import Database
from tests.domain import build
from tests.intake.conftest import CATALOGUE
from tests.mailbox import samples
from tests.mailbox.conftest import Office
from tests.mailbox.samples import DEBTOR, mail, recipient, report

UNREACHABLE = Because(rule=Rule.UNREACHABLE)


def reply(reminder: Reminder, text: str = "C'est payé.\n", **fields: str) -> bytes:
    """Writes a reply to a reminder."""
    return samples.reply(text, message_id(reminder), **fields)


def bounce(reminder: Reminder, *recipients: str, **fields: str) -> bytes:
    """Writes a report on a reminder."""
    returned = samples.original(message_id(reminder), str(reminder.id))
    return report(*recipients, returned=returned, **fields)


def marks(account: Account) -> dict[str | None, str | None]:
    """Lists the days on which addresses bounced."""
    return {one.email: str(one.bounced_on or "") or None for one in account.debtor.contacts}


async def test_u28_a_reply_holds_the_next_step_for_a_bounded_time(office: Office) -> None:
    """A reply that nobody reads holds the debtor for five business days; then dunning resumes by itself."""
    reminder = await office.remind()
    assert await office.get(reply(reminder)) is State.OPEN
    (hold,) = await office.holds()
    assert (hold.scope.value, hold.reason) == ("debtor", "reply to read")
    # Thursday 2 April; Good Friday is a business day in Lyon, Easter Monday is not.
    assert (hold.starts_on, hold.until) == (build.day("2026-04-02"), build.day("2026-04-10"))
    (task,) = await office.tasks("reply")
    assert (task.invoice, task.due_on) == ("F-1", build.day("2026-04-03"))
    (entry,) = await office.entries("mail.replied")
    assert entry.invoice == "F-1"
    assert (await office.next()).kind == "take"


async def test_a_held_step_waits_for_the_end_of_the_hold(office: Office) -> None:
    """A step that falls into the hold is taken on the first day after it."""
    reminder = await office.remind(when="2026-03-20 10:00")
    office.now = build.at("2026-03-26 18:00")
    await office.get(reply(reminder))
    plan = await office.next()
    assert (plan.because.rule, plan.day) == (Rule.HOLD, build.day("2026-04-03"))


async def test_a_reply_that_is_read_lets_go(office: Office) -> None:
    """Reading a reply closes its task and ends its hold at once; reading it twice changes nothing."""
    reminder = await office.remind()
    await office.get(reply(reminder))
    (kept,) = await office.unread()
    assert (kept.text, kept.sender, kept.invoices) == ("C'est payé.", DEBTOR, ("F-1",))
    again = [await office.read(kept.id[:8]) for _ in range(2)]
    assert again == [True, False]
    assert await office.tasks("reply") == []
    assert [hold.lifted_on for hold in await office.holds()] == [build.day("2026-04-02")]
    assert await office.unread() == []


async def test_reading_late_lifts_nothing(office: Office) -> None:
    """A reply read after its hold has ended leaves the hold as it was."""
    reminder = await office.remind()
    await office.get(reply(reminder))
    (kept,) = await office.unread()
    office.now = build.at("2026-04-20 10:00")
    assert await office.read(kept.id)
    assert [hold.lifted_on for hold in await office.holds()] == [None]


async def test_an_unknown_mail_cannot_be_read(office: Office) -> None:
    """An id of no mail, or one too short to be sure, is refused."""
    await office.get(mail())
    for name in ("0" * 64, "0"):
        with pytest.raises(NotFound, match="no mail"):
            await office.read(name)


async def test_a_mail_is_taken_once(office: Office) -> None:
    """The same bytes, and another copy that came by another way, change nothing."""
    reminder = await office.remind()
    assert await office.get(reply(reminder)) is State.OPEN
    before = await office.written()
    assert await office.get(reply(reminder)) is None
    assert await office.get(reply(reminder, Received="by another server")) is None
    assert await office.written() == before
    assert await office.kept() == 1


async def test_a_message_id_alone_is_no_identity(office: Office) -> None:
    """Two mails with the same Message-ID and another subject are two: a broken program must not lose one."""
    reminder = await office.remind()
    assert await office.get(reply(reminder)) is State.OPEN
    assert await office.get(reply(reminder, Subject="Litige F-1")) is State.OPEN
    assert len(await office.tasks("reply")) == 2


async def test_a_reply_to_one_debtor_holds_no_other(office: Office) -> None:
    """A reply holds the debtor whose message it answers, whoever wrote it."""
    reminder = await office.remind()
    await office.get(reply(reminder, From="someone@elsewhere.example"))
    assert len(await office.holds("dubois")) == 1
    assert await office.holds("martin") == ()


async def test_what_is_answered_most_directly_wins(office: Office) -> None:
    """A mail that names messages to two debtors belongs to the one that it replies to."""
    first, second = await office.remind(), await office.remind("F-2", debtor="martin")
    both = f"{message_id(first)} {message_id(second)}"
    await office.get(reply(second, References=both))
    assert (await office.holds("dubois"), len(await office.holds("martin"))) == ((), 1)


async def test_a_subject_and_a_sender_find_the_case(office: Office) -> None:
    """A new mail is known by an invoice's number in its subject, if the sender is that debtor's contact."""
    assert await office.get(mail(Subject="Question : facture f-1, svp", Message_ID="<1@x>")) is State.OPEN
    assert len(await office.holds()) == 1
    for number, stranger in enumerate(
        [
            {"Subject": "F-2"},
            {"Subject": "F-1", "From": "someone@elsewhere.example"},
            {"Subject": "F-1", "From": "", "Reply_To": DEBTOR},
            {"Subject": "Facture"},
        ]
    ):
        assert await office.get(mail(**(stranger | {"Message_ID": f"<{number}@y>"}))) is State.UNKNOWN
    assert len(await office.holds()) == 1
    assert len(await office.unread()) == 5


async def test_numbers_of_several_words_and_maturities_are_found(office: Office) -> None:
    """A number with spaces, and that of a document payable in parts, lead to their account."""
    await office.bill("FA 2026 17")
    parts = [{"due_date": day, "amount": "50.00"} for day in ("2026-03-31", "2026-04-30")]
    await office.bill("F-9", due=None, maturities=parts)
    await office.get(mail(Subject="TR: Votre facture FA 2026 17", Message_ID="<1@x>"))
    await office.get(mail(Subject="[F-9]", Message_ID="<2@x>"))
    assert {one.invoices for one in await office.unread()} == {("FA 2026 17",), ("F-9/1",)}


async def test_an_ambiguous_subject_is_for_a_person(office: Office) -> None:
    """A number that two creditors have, with the same contact, leads nowhere."""
    other = build.creditor(id="other", legal_name="Other SAS")
    await office.take("creditor.registered", creditor=other.model_dump(mode="json"))
    await office.take_debtor("dubois", creditor="other")
    await office.bill("F-1", creditor="other")
    assert await office.get(mail(Subject="F-1")) is State.UNKNOWN


async def test_a_mail_of_a_stranger_waits_for_a_person(office: Office) -> None:
    """A mail of which nobody can tell whose it is changes no account, is listed, and can be read."""
    before = (await office.written())[1]
    assert await office.get(mail(Subject="Hello")) is State.UNKNOWN
    assert (await office.written())[1] == before
    (kept,) = await office.unread()
    assert await office.read(kept.id)
    assert await office.unread() == []


@pytest.mark.parametrize("fields", [{"Auto_Submitted": "auto-replied"}, {"X_Autoreply": "yes"}])
async def test_an_automatic_answer_is_an_entry_alone(office: Office, fields: dict[str, str]) -> None:
    """An automatic answer is written into the journal; it holds nothing and asks nobody."""
    reminder = await office.remind()
    assert await office.get(reply(reminder, **fields)) is State.READ
    assert len(await office.entries("mail.automatic")) == 1
    assert (await office.holds(), await office.tasks("reply"), await office.unread()) == ((), [], [])


async def test_a_complaint_is_read_as_a_reply_is(office: Office) -> None:
    """A mail of which only whose it is can be told holds and asks: in doubt nothing leaves."""
    reminder = await office.remind()
    complaint = 'multipart/report; report-type=feedback-report; boundary="b"'
    assert await office.get(reply(reminder, Content_Type=complaint)) is State.OPEN
    assert len(await office.holds()) == len(await office.tasks("reply")) == 1


async def test_u29_a_bounce_marks_the_address_and_asks_for_another(office: Office) -> None:
    """An address refused for good is written to no more, and a person is asked for a better one."""
    reminder = await office.remind()
    assert await office.get(bounce(reminder)) is State.READ
    account = await office.account()
    assert marks(account) == {DEBTOR: "2026-04-02"}
    assert account.debtor.emails == ()
    (task,) = await office.tasks("bounce")
    assert task.detail["message"] == str(reminder.id)
    assert task.detail["address"] == DEBTOR
    (entry,) = await office.entries("message.bounced")
    assert (entry.facts["message"], entry.facts["status"]) == (str(reminder.id), "5.1.1")
    assert DEBTOR not in str(entry.facts)


async def test_nobody_left_to_be_written_to_is_unreachable(office: Office) -> None:
    """Where the only address bounced, the next e-mail is refused by the rule for debtors without one."""
    reminder = await office.remind(when="2026-03-20 10:00")
    await office.get(bounce(reminder))
    rules = {policy.version: policy for policy in CATALOGUE.values()}
    verdict = judge(await office.account(), "F-1", rules, build.at("2026-04-02 10:00"))
    assert isinstance(verdict, Refusal)
    assert verdict.outcome is Outcome.UNREACHABLE


async def test_a_second_bounce_of_an_address_asks_nobody_again(office: Office) -> None:
    """What bounces at an address already marked is an entry; nobody is asked twice."""
    first = await office.remind(when="2026-03-20 10:00")
    second = await office.remind()
    await office.get(bounce(first))
    await office.get(bounce(second, Message_ID="<2@mx>"))
    assert len(await office.tasks("bounce")) == 1
    assert len(await office.entries("message.bounced")) == 2


@pytest.mark.parametrize(
    "said",
    [
        *(recipient(status) for status in ("5.7.1", "5.2.2", "5.3.4", "")),
        recipient(address="boss@dubois.example"),
    ],
)
async def test_a_refusal_for_another_reason_marks_nothing(office: Office, said: str) -> None:
    """A message too large, a sender not trusted, an address never written to: a task, and no mark."""
    reminder = await office.remind()
    await office.get(bounce(reminder, said))
    assert marks(await office.account()) == {DEBTOR: None}
    assert len(await office.tasks("bounce")) == 1


@pytest.mark.parametrize("said", [recipient("4.2.2"), recipient("4.4.1", "delayed")])
async def test_a_passing_trouble_is_an_entry_alone(office: Office, said: str) -> None:
    """What was refused for now, or is late, marks nothing and asks nobody."""
    reminder = await office.remind()
    await office.get(bounce(reminder, said))
    assert marks(await office.account()) == {DEBTOR: None}
    assert await office.tasks("bounce") == []
    assert len(await office.entries("message.")) == 3  # reserved, sent, and bounced or delayed


async def test_a_bounce_in_words_is_a_task_alone(office: Office) -> None:
    """A bounce that names no address in a form that can be trusted asks a person, and marks nothing."""
    reminder = await office.remind()
    await office.get(samples.qmail(message_id(reminder)))
    assert marks(await office.account()) == {DEBTOR: None}
    assert len(await office.tasks("bounce")) == 1


async def test_one_of_two_addresses_bounces(office: Office) -> None:
    """Where another address is left the debtor is still written to, at that one."""
    contacts = ({"email": "Factures@Dubois.example"}, {"email": "paul@dubois.example"})
    await office.take_debtor("dubois", contacts=contacts)
    reminder = await office.remind(when="2026-03-20 10:00")
    assert len(reminder.recipients) == 2
    await office.get(bounce(reminder))
    again = await office.remind()
    assert again.recipients == ("paul@dubois.example",)


async def test_a_bounce_after_a_lost_confirmation_is_known_by_its_key(office: Office) -> None:
    """A report on a message whose Message-ID was never recorded leads to it by the key in its header."""
    reminder = await office.remind()
    returned = samples.original("<rewritten@relay.example>", str(reminder.id))
    await office.get(report(returned=returned))
    assert marks(await office.account()) == {DEBTOR: "2026-04-02"}


async def test_the_mark_outlives_a_new_statement_of_the_debtor(office: Office) -> None:
    """The same address stated anew stays marked; another one is written to, and sets the cases going."""
    reminder = await office.remind()
    await office.get(bounce(reminder))
    async with office.book() as book:
        await book.block("F-1", UNREACHABLE)
    known = await office.take_debtor("dubois")
    assert known.status.value == "known"
    assert (await office.account()).debtor.emails == ()
    contacts = ({"email": DEBTOR}, {"email": "new@dubois.example"})
    revised = await office.take_debtor("dubois", contacts=contacts)
    assert revised.numbers == ("F-1",)
    account = await office.account()
    assert account.debtor.emails == ("new@dubois.example",)
    assert marks(account) == {DEBTOR: "2026-04-02", "new@dubois.example": None}


async def test_an_address_that_works_again_is_used_again(office: Office) -> None:
    """A person takes the mark off, once; what could not reach anybody goes on, and the task is done."""
    reminder = await office.remind()
    await office.get(bounce(reminder))
    async with office.book() as book:
        await book.block("F-1", UNREACHABLE)
        assert await reading.use_again(book, DEBTOR.upper())
        assert not await reading.use_again(book, DEBTOR)
    account = await office.account()
    assert account.debtor.contacts == (Contact(email=DEBTOR),)
    assert account.case("F-1").blocked is None
    assert await office.tasks("bounce") == []


async def test_the_whole_is_one_transaction(office: Office) -> None:
    """A mail is kept together with what follows from it, or not at all."""
    reminder = await office.remind()
    taken = hold_id(read(reply(reminder)).id)
    async with office.book() as book:  # somebody placed a hold of the same id: what follows is refused
        await book.place_hold(build.hold("2026-04-01", "2026-04-01", id=taken), "ann")
    before = await office.written()
    with pytest.raises(InputRefused, match="taken by another hold"):
        await office.get(reply(reminder))
    assert await office.written() == before
    assert await office.kept() == 0


async def test_two_workers_take_a_mail_once(office: Office, database: Database) -> None:
    """Two workers that fetch the same mail at the same moment take it once between them."""
    reminder = await office.remind()
    found = read(reply(reminder))
    taken = await asyncio.gather(*(take(database, office.shelf, found, office.now) for _ in range(4)))
    assert sorted(map(str, taken)) == ["None", "None", "None", "open"]
    assert len(await office.holds()) == 1


async def test_an_audit_finds_nothing_amiss(office: Office) -> None:
    """Whatever mails bring about, the auditor works out the same from the journal as the tables say."""
    first, second = await office.remind(), await office.remind("F-2", debtor="martin")
    await office.get(reply(first))
    await office.get(bounce(second, recipient(address="compta@martin.example")))
    (kept,) = await office.unread()
    await office.read(kept.id)
    await office.errands()
    found = await audit(office.database, now=office.now)
    assert found.findings == ()
