"""The book of one account: every way in which a fact or a decision is written down.

In: the table of contents of all writing; each method writes its rows and one entry of the journal.
Not in: how it is done (invoices.py, receipts.py, agreements.py, commands.py, messages.py...), facts about a
creditor as a whole (parties.py), and reading (queries.py).

A book is opened inside `Database.writing()`, which holds the account's lock until the transaction ends.
Methods change `book.account` in memory too; none plans. Call `settle()` once, last, before the commit.
Methods that return a bool answer False where the record already says so and nothing was written.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from domain.actions import Because, NextAction, Rule, StepOutcome, StepTaken
from domain.agreements import Agreement, Hold, HowEnded
from domain.faults import NotAllowed
from domain.receivable import Allocation, CreditNote, Debtor, Invoice, Payment
from domain.reminder import Reminder
from ledger import agreements, commands, invoices, messages, outcomes, quota, receipts, settling, tasks
from ledger.folio import Folio
from ledger.messages import MessageRecord

NOBODY: frozenset[str] = frozenset()

ANSWERS = {
    "approve": (Rule.APPROVAL, "approve the step, or skip it"),
    "allocate": (Rule.ALLOCATE, "allocate the money, or record what else became of it"),
    "payments": (Rule.STALE, "feed in the payments, or state up to when they are known"),
    "ambiguous": (Rule.AMBIGUOUS, "judge the message: delivered or not"),
}
"""Tasks that are answered by what they ask for, and close by themselves."""

FREES = {"unreachable": Rule.UNREACHABLE, "rejected": Rule.REJECTED, "factored": Rule.FACTORED}
"""Tasks whose end lets a case go on that was stopped by a rule."""


class Book(Folio):
    """Holds one account open for writing; see Folio for `account`, `policies`, `plan()` and `today`.

    `await Book.open(conn, creditor_id, debtor_id, now, shelf)` opens it.
    """

    async def settle(self, *, wake: bool = True, quiet: frozenset[str] = NOBODY) -> Mapping[str, NextAction]:
        """Plans every case anew, closes and reopens what has to be, and returns the plans that changed.

        Each change puts an errand in the outbox, except for the numbers in `quiet`, whose caller hands
        the plan over itself; with `wake=False` none is written at all.
        """
        return await settling.settle(self, wake=wake, quiet=quiet)

    # Parties and invoices

    async def put_debtor(self, debtor: Debtor, author: str = "intake") -> bool:
        """Replaces what is known of the debtor."""
        return await invoices.put_debtor(self, debtor, author)

    async def open_case(self, invoice: Invoice, policy: str, *, version: int = 1) -> bool:
        """Records a new invoice and its case under a version of a policy.

        A known number is treated by `revise_invoice`. Raises NotFound for a policy that was never
        stored, InputRefused for a number that belongs to another debtor.
        """
        return await invoices.open_case(self, invoice, policy, version)

    async def revise_invoice(self, invoice: Invoice, version: int) -> bool:
        """Replaces an invoice's facts by those of a later version; an earlier version changes nothing.

        Raises InputRefused where the same version says something else, or the currency changes.
        """
        return await invoices.revise_invoice(self, invoice, version)

    async def write_off(self, number: str, *, written_off: bool, reason: str) -> bool:
        """Gives an invoice up, or takes that back; raises NotFound."""
        return await invoices.write_off(self, number, written_off=written_off, reason=reason)

    async def move_policy(self, number: str, version: str, author: str) -> bool:
        """Moves a case to another version of a policy, where what was said stays said.

        Raises NotFound for a version never stored, NotAllowed while a message of the case is under way.
        """
        return await invoices.move_policy(self, number, version, author)

    # Money

    async def put_payment(self, payment: Payment) -> bool:
        """Records money received, once by its reference, and marks messages that it crossed.

        Raises NotFound for an allocation to an unknown invoice, InputRefused for another currency or
        for a reference that is known with other facts.
        """
        return await receipts.put_payment(self, payment)

    async def allocate(self, reference: str, allocations: tuple[Allocation, ...], author: str) -> bool:
        """Gives a payment's money to invoices, in place of what was said before."""
        return await receipts.allocate(self, reference, allocations, author)

    async def reverse_payment(self, reference: str, reason: str | None = None) -> bool:
        """Records that a payment came back; raises NotFound."""
        return await receipts.reverse_payment(self, reference, reason)

    async def put_credit_note(self, note: CreditNote) -> bool:
        """Records a credit note, once by its number; raises NotFound and InputRefused as put_payment does."""
        return await receipts.put_credit_note(self, note)

    async def cancel_credit_note(self, number: str) -> bool:
        """Records that a credit note no longer counts; raises NotFound."""
        return await receipts.cancel_credit_note(self, number)

    # What people agree

    async def put_agreement(self, agreement: Agreement, author: str) -> bool:
        """Records a dispute, a promise, a plan or a settlement, once by its id.

        What its invoices owed is filled in, and whether a person must approve it. Raises NotFound for an
        unknown invoice, InputRefused for what contradicts the account or is known with other facts.
        """
        return await agreements.put(self, agreement, author)

    async def approve_agreement(self, agreement: str, author: str) -> bool:
        """Lets an agreement take effect that waits for a person; raises NotFound and NotAllowed."""
        return await agreements.approve(self, agreement, author)

    async def end_agreement(self, agreement: str, how: HowEnded, reason: str, author: str) -> bool:
        """Ends an agreement before its time, or answers a dispute; raises NotFound and NotAllowed."""
        return await agreements.end(self, agreement, how, reason, author)

    # What operators decide

    async def place_hold(self, hold: Hold, author: str) -> bool:
        """Suspends an invoice or the whole account; raises NotAllowed for a creditor's hold (parties.py)."""
        return await commands.place_hold(self, hold, author)

    async def lift_hold(self, hold: str, author: str) -> bool:
        """Ends a hold today; raises NotFound."""
        return await commands.lift_hold(self, hold, author)

    async def skip_step(self, number: str, step: str, reason: str, author: str) -> bool:
        """Passes over a step without a message; raises NotAllowed for one already taken."""
        return await commands.skip_step(self, number, step, reason, author)

    async def approve_step(self, number: str, step: str, author: str) -> bool:
        """Lets a step leave that waits for approval, and closes the task that asked for it."""
        return await commands.approve_step(self, number, step, author)

    async def hurry(self, number: str, step: str, author: str) -> bool:
        """Asks for a step to be taken at once; raises NotAllowed for one already taken."""
        return await commands.hurry(self, number, step, author)

    async def block(self, number: str, because: Because) -> bool:
        """Records that a case cannot go on by itself, and why."""
        return await commands.block(self, number, because)

    async def unblock(self, number: str) -> bool:
        """Records that nothing stands in a case's way any more."""
        return await commands.unblock(self, number)

    async def take_step(self, number: str, taken: StepTaken) -> bool:
        """Records a step taken without a message: a task or a handoff; False where it stands already."""
        return await commands.take_step(self, number, taken)

    # Messages

    async def message(self, message: str) -> MessageRecord:
        """Reads a message of this account; raises NotFound."""
        return await messages.read(self, message)

    async def reserve(self, reminder: Reminder, claim: str, leased_until: datetime) -> str:
        """Reserves a message and every step it speaks for, and returns the message's id.

        Raises NotAllowed where one of the steps stands already.
        """
        return await messages.reserve(self, reminder, claim, leased_until)

    async def place(self, reminder: Reminder) -> date:
        """Finds the day on which a message has its place under the creditor's daily cap: today, or later."""
        return await quota.place(self, reminder)

    async def postpone(self, reminder: Reminder, day: date) -> None:
        """Gives the cases that a message would have spoken for their place on a later day."""
        await quota.postpone(self, reminder, day)

    async def release(self, message: str, error: str) -> None:
        """Records that a message did not leave, for certain, and frees its steps."""
        await outcomes.release(self, message, error)

    async def confirm(
        self,
        message: str,
        *,
        sent_at: datetime,
        sha256: str,
        digest: str,
        evidence_path: str,
        message_id_header: str,
    ) -> None:
        """Records that a message left, with the evidence; a second confirmation changes nothing."""
        evidence = outcomes.Evidence(
            sent_at=sent_at, sha256=sha256, digest=digest, path=evidence_path, header=message_id_header
        )
        await outcomes.confirm(self, message, evidence)

    async def mark_ambiguous(self, message: str, why: str) -> str:
        """Records that nobody can know whether a message left, and returns the task that asks a person."""
        return await outcomes.mark_ambiguous(self, message, why)

    async def judge_ambiguous(self, message: str, *, delivered: bool, reason: str, author: str) -> None:
        """Settles an ambiguous message by a person's word; raises NotAllowed for any other."""
        await outcomes.judge_ambiguous(self, message, delivered=delivered, reason=reason, author=author)

    async def void_message(self, message: str, reason: str, author: str) -> None:
        """Voids a sent message and reopens its steps.

        Raises NotAllowed for a message that was never sent or is void already, and while a later step
        of one of its invoices stands.
        """
        await outcomes.void(self, message, reason, author)

    # Tasks

    async def open_task(
        self, kind: str, key: str, number: str | None, due_on: date, detail: Mapping[str, Any]
    ) -> str:
        """Gives a task to people, once by its key, and returns its id."""
        return await tasks.open_task(self, kind, key, number, due_on, detail)

    async def close_task(self, task: str, resolution: str, by: str) -> bool:
        """Closes a task; raises NotFound, and NotAllowed for one that only its own command answers.

        Closing the question why a debtor cannot be reached asks for another attempt; closing what a debtor
        claimed ends what was held meanwhile.
        """
        kind, number = await tasks.kind_of(self, task)
        if kind in ANSWERS and ANSWERS[kind][0] in self._awaited():
            msg = f"closing this task would leave the case waiting: {ANSWERS[kind][1]}"
            raise NotAllowed(msg)
        closed = await tasks.close_task(self, task, resolution, by)
        if closed and (held := await tasks.held_by(self, task)):
            for hold in self.account.holds:
                if hold.id.partition("/")[0] == held and hold.lifted_on is None and hold.until >= self.today:
                    await self.lift_hold(hold.id, by)
        if closed and number is not None and kind in FREES:
            blocked = self.case(number).blocked
            if blocked is not None and blocked.rule is FREES[kind]:
                await self.unblock(number)
        return closed

    def _awaited(self) -> set[Rule]:
        """Gathers what the cases wait for, also behind a stop of sending, which hides it for a while."""
        waiting = {stored.next.because.rule for stored in self.stored.values() if stored.next is not None}
        for case in self.account.cases:
            if case.blocked is not None and case.ending is None:
                waiting.add(case.blocked.rule)
            if any(one.outcome is StepOutcome.AMBIGUOUS for one in case.standing):
                waiting.add(Rule.AMBIGUOUS)
        return waiting

    def open_invoices(self) -> Iterable[str]:
        """Lists the numbers of open cases, the oldest due date first."""
        return self.account.open_numbers()
