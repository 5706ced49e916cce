"""The handover: a claimed message is prepared, leaves once, and what became of it is written down.

In: rendering, the last word before the body, the post book, the outcome in the record.
Not in: whether a step may be taken (gate.py), the channels (dispatch.py, mail.py).

The last word moves the message from reserved to handing_over, in a transaction that nothing has
overtaken, and opens its page in the post book; only then is the body handed over. The server's answer
goes into the post book before it goes into the record: what the record could not be told, because the
process or the database died, is found there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.answers import answer, refuse
from activities.desk import Desk
from activities.dispatch import Dispatch, Parcel, Unattachable
from activities.mail import Delivery, Fate
from correspondence.postbook import PostEntry
from domain.actions import Because, CaseRef, GateAnswer, Outcome, Rule, StepOutcome
from domain.faults import ConfigurationFault, RelanceError, Unavailable
from domain.gate import Refusal
from domain.policy import Channel
from domain.reminder import Reminder
from ledger import claims, departures, tasks
from ledger.accounts import Loaded
from ledger.book import Book
from ledger.messages import MessageRecord

log = structlog.get_logger()

STUBBORN = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to write down what became of a message that was handed over."""

PATIENT_ATTEMPTS = 5
"""Attempts at the mail server after which a person is told; the attempts go on."""

FORGOTTEN = "the post book shows that it left, or may have, though the record says otherwise"
DIED = "the process died while the message was being handed over"


@dataclass(frozen=True)
class Claimed:
    """Holds a message that this attempt, and no other, may hand over; `known` is the account by then."""

    message: str
    reminder: Reminder
    claim: str
    revision: int
    known: Loaded | None = None

    def line_of(self, number: str) -> str:
        """Names the step that the message takes for an invoice."""
        return next(line.step for line in self.reminder.lines if line.number == number)

    @property
    def numbers(self) -> frozenset[str]:
        """Names the invoices that the message speaks for."""
        return frozenset(line.number for line in self.reminder.lines)


@dataclass
class Handover:
    """Hands claimed messages over; `lease` is how long a claim is believed to be alive."""

    desk: Desk
    dispatch: Dispatch
    lease: timedelta
    clock: Callable[[], datetime]

    async def send(self, claimed: Claimed, case: CaseRef, now: datetime) -> GateAnswer | frozenset[str]:
        """Renders, hands over and confirms a claimed message.

        Where it cannot be prepared because of other invoices than the one that asks, it is released, and
        those are named: the others are not kept waiting by them.
        """
        try:
            parcel = await self._prepare(claimed, case, now)
        except Unattachable as missing:
            return missing.numbers
        page: list[PostEntry] = []
        unwritten: list[str] = []

        async def may_leave() -> bool:
            """Speaks the last word."""
            known = self.dispatch.postbook.find(claimed.message)
            wall = self.clock()
            async with self.desk.database.writing() as conn:
                attempt = await claims.begin_hand_over(
                    conn,
                    claimed.message,
                    claimed.claim,
                    wall + self.lease,
                    wall=wall,
                    revision=claimed.revision,
                    owner_head=claimed.known.owner_head if claimed.known else None,
                )
            if attempt is None:
                return False
            if known is not None and (known.left or (known.attempt >= attempt and known.may_have_left)):
                page.append(known)
                return False
            try:
                self.dispatch.postbook.write(_page(claimed, parcel, attempt, now))
            except OSError as fault:
                unwritten.append(type(fault).__name__)
                return False
            page.append(_page(claimed, parcel, attempt, now))
            return True

        delivery = await self.dispatch.hand_over(parcel, may_leave)
        if unwritten:
            delivery = Delivery(Fate.NOT_NOW, unwritten[0])
        if delivery.fate is Fate.WITHDRAWN:
            if not page:
                raise try_again("ClaimLost", "the facts have changed since the message was reserved")
            return await self._believe(page[0], claimed, case, now)
        entry = self._note(page[0], delivery, now) if page else None
        told = await self._write_down(case, claimed, entry, delivery, now)
        if told is None:
            raise try_again("NotNow", f"the mail server does not take messages now: {delivery.answer}")
        return told

    async def _believe(self, entry: PostEntry, claimed: Claimed, case: CaseRef, now: datetime) -> GateAnswer:
        """Heeds a page that says more than the record: what was accepted has left, whatever was judged."""
        async with self.desk.book(case, now) as book:
            if entry.left:
                delivery = Delivery(Fate.ACCEPTED, entry.answer or "")
                told = await _conclude(book, case.number, claimed, entry, delivery, entry.answered_at or now)
                if told is not None:
                    return told
            await book.mark_ambiguous(claimed.message, FORGOTTEN)
            await departures.catch_up(book.conn, claimed.message, entry.attempt)
            return await _ambiguous(book, case.number, claimed.line_of(case.number))

    def _note(self, entry: PostEntry, delivery: Delivery, now: datetime) -> PostEntry:
        """Writes the server's answer into the post book; the record is told next in any case."""
        answered = entry.model_copy(
            update={"fate": delivery.fate.value, "answer": delivery.answer, "answered_at": now}
        )
        try:
            self.dispatch.postbook.write(answered)
        except OSError as fault:
            log.warning("postbook_not_written", message=entry.message, fault=type(fault).__name__)
        return answered

    async def _prepare(self, claimed: Claimed, case: CaseRef, now: datetime) -> Parcel:
        """Renders a message; one that cannot be rendered is released, and a person is told."""
        try:
            return self.dispatch.prepare(claimed.reminder, claimed.message, now)
        except (RelanceError, OSError) as fault:
            of_others = isinstance(fault, Unattachable) and case.number not in fault.numbers
            async with self.desk.book(case, now) as book:
                await book.release(claimed.message, type(fault).__name__)
                if of_others:
                    await book.settle(quiet=frozenset({case.number}))
                    raise
                problem = {"problem": str(fault)}
                await tasks.ask_again(book, "mend", _mend_key(claimed), case.number, book.today, problem)
                await book.settle(quiet=frozenset({case.number}))
            # The fault may name people: it is kept with the task, and stays out of the history.
            raise try_again(
                "NotPrepared", f"the message cannot be prepared: {type(fault).__name__}"
            ) from None

    async def take_up(self, book: Book, number: str, record: MessageRecord) -> GateAnswer | None:
        """Answers for a message whose process died while handing it over; None where it may be judged anew.

        The post book knows more than the record where the answer of the mail server reached it. What it
        does not say is not known: it may lie on another machine, or have been torn.
        """
        try:
            entry = self.dispatch.postbook.find(record.id)
        except ConfigurationFault as torn:
            log.warning("postbook_not_read", message=record.id, fault=type(torn).__name__)
            entry = None
        fate = entry.fate if entry is not None and entry.claim == record.claim else None
        if entry is None or fate in {None, "unknown"}:
            await book.mark_ambiguous(record.id, DIED)
            step = next(line.step for line in record.reminder.lines if line.number == number)
            return await _ambiguous(book, number, step)
        claimed = Claimed(record.id, record.reminder, record.claim, book.account.revision)
        delivery = Delivery(Fate(fate), entry.answer or "")
        return await _conclude(book, number, claimed, entry, delivery, entry.answered_at or book.now)

    async def _write_down(
        self, case: CaseRef, claimed: Claimed, entry: PostEntry | None, delivery: Delivery, now: datetime
    ) -> GateAnswer | None:
        """Writes down what became of a message, stubbornly: forgetting it would make it ambiguous."""
        for pause in (*STUBBORN, None):
            try:
                async with self.desk.book(case, now, claimed.known) as book:
                    return await _conclude(book, case.number, claimed, entry, delivery, now)
            except Unavailable:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return None


async def _conclude(
    book: Book, number: str, claimed: Claimed, entry: PostEntry | None, delivery: Delivery, now: datetime
) -> GateAnswer | None:
    """Writes down what became of a message; None where it is to be tried again."""
    step, numbers = claimed.line_of(number), claimed.numbers
    doubted = any(
        one.message == claimed.message and one.outcome is StepOutcome.AMBIGUOUS
        for one in book.case(number).standing
    )
    if entry is None and (await book.message(claimed.message)).claim != claimed.claim:
        return None  # another attempt has taken it over: it is not ours to release
    match delivery.fate:
        case Fate.ACCEPTED if entry is not None:
            await book.confirm(
                claimed.message,
                sent_at=now,
                sha256=entry.sha256,
                digest=entry.digest,
                evidence_path=entry.evidence,
                message_id_header=entry.header,
            )
            if doubted:
                await book.settle()  # another attempt has answered the run: this answer is not waited for
            await tasks.close_if_open(book, _mend_key(claimed), "mended", "relance")
            await _follow_up(book, claimed, entry, delivery)
            outcome = Outcome.SENT if claimed.reminder.lead == number else Outcome.COVERED
            # Runs whose step was due knock by themselves; one that waited must hear of it.
            knocking = frozenset(one for one in numbers if book.plan(one).next.kind == "take")
            return await answer(book, number, step, outcome, quiet=knocking)
        case Fate.UNKNOWN:
            await book.mark_ambiguous(claimed.message, f"no answer after the body ({delivery.answer})")
            return await _ambiguous(book, number, step)
        case Fate.REFUSED:
            await book.release(claimed.message, f"refused ({delivery.answer})")
            if doubted:
                await book.settle()
            refusal = Refusal(outcome=Outcome.UNREACHABLE, because=Because(rule=Rule.UNREACHABLE))
            for other in numbers - {number}:
                if book.case(other).ending is None:
                    await book.block(other, refusal.because)
            return await refuse(book, number, step, refusal)
        case _:
            await book.release(claimed.message, f"not now ({delivery.answer})")
            if activity.info().attempt >= PATIENT_ATTEMPTS:
                problem = {"problem": f"the mail server does not take the message: {delivery.answer}"}
                await tasks.ask_again(book, "mend", _mend_key(claimed), number, book.today, problem)
            await book.settle(quiet=frozenset() if doubted else frozenset({number}))
            return None


async def _ambiguous(book: Book, number: str, step: str) -> GateAnswer:
    return await answer(book, number, step, Outcome.AMBIGUOUS, Because(rule=Rule.AMBIGUOUS))


def _page(claimed: Claimed, parcel: Parcel, attempt: int, now: datetime) -> PostEntry:
    """Opens the page of a message that is about to leave."""
    return PostEntry(
        message=claimed.message,
        attempt=attempt,
        claim=claimed.claim,
        reminder=claimed.reminder,
        channel=parcel.channel,
        evidence=parcel.evidence.name,
        sha256=parcel.sha256,
        digest=parcel.digest,
        header=parcel.header,
        prepared_at=now,
    )


async def _follow_up(book: Book, claimed: Claimed, entry: PostEntry, delivery: Delivery) -> None:
    """Gives people what a message leaves them to do: a letter to post, an address to mend."""
    reminder = claimed.reminder
    if reminder.channel is Channel.LETTER:
        detail = {"step": reminder.step, "file": entry.evidence, "message": claimed.message}
        await book.open_task("post", f"post:{claimed.message}", reminder.lead, reminder.day, detail)
    if delivery.refused:
        detail = {"message": claimed.message, "refused": ", ".join(delivery.refused)}
        await book.open_task("contact", f"contact:{claimed.message}", reminder.lead, reminder.day, detail)


def _mend_key(claimed: Claimed) -> str:
    return f"mend:{claimed.message}"


def try_again(kind: str, why: str) -> ApplicationError:
    """Makes a fault that Temporal tries again, by the run's retry policy."""
    return ApplicationError(why, type=kind)
