"""What the tables say of an account, compared with what its journal tells.

In: messages, steps, cases, money, agreements and holds on both sides; messages that nobody decides; kept
    evidence.
Not in: cases that nobody comes back to (waiting.py), and how bank entries and payments fit (banking.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from audit.banking import misbooked
from audit.creditors import Owner, bare
from audit.findings import Kind, Tally
from audit.money import ZERO, Part
from audit.story import Story
from audit.tables import Row, Rows

LEASE_GRACE = timedelta(hours=1)
"""How long after the end of its claim a message may be undecided."""

UNDECIDED = {"reserved", "handing_over"}


@dataclass(frozen=True)
class Comparison:
    """Compares one account's rows with its story."""

    creditor: str
    debtor: str
    rows: Rows
    story: Story
    tally: Tally

    def _find(self, kind: Kind, sentence: str, **where: Any) -> None:
        self.tally.find(kind, sentence, creditor=self.creditor, debtor=self.debtor, **where)

    def compare(self) -> None:
        """Compares everything; only a chain that adds up is worth it."""
        untold = set(self._messages())
        self._steps(untold)
        self._cases()
        self._money()
        for sentence in misbooked(self.rows.bank_entries, self.story.money.receipts):
            self._find(Kind.MISBOOKED, sentence)
        self._holds()
        self._agreements()
        if self.rows.account.facts != self.story.debtor:
            self._find(Kind.DIFFERS, "the debtor's facts are not those that were stated last")

    def _messages(self) -> Iterator[str]:
        """Compares the states of messages; yields those that differ."""
        on_record = {row.id: row for row in self.rows.messages}
        for name, row in on_record.items():
            told = self.story.messages.get(name)
            state = "reserved" if row.state == "handing_over" else row.state
            if told is not None and told.state == state:
                continue
            by_journal = f"the journal tells of {told.state}" if told else "the journal does not know it"
            sentence = f"the message is {row.state} on record, {by_journal}"
            self._find(Kind.UNTOLD, sentence, invoice=row.lead, step=row.step, message=name, at=row.sent_at)
            yield name
        for name in self.story.messages.keys() - on_record.keys():
            lost = self.story.messages[name]
            sentence = f"the journal tells of a message that is {lost.state}, the record does not have it"
            self._find(
                Kind.UNTOLD,
                sentence,
                invoice=lost.lead,
                step=lost.step,
                message=name,
                revision=lost.revision,
            )
            yield name

    def _steps(self, untold: set[str]) -> None:
        """Compares the steps that stand; a lost one under a later one was forgotten."""
        on_record = {(row.invoice, row.step, row.cycle): row for row in self.rows.steps if row.void == 0}
        for key, row in on_record.items():
            told = self.story.standing.get(key)
            if row.message in untold or (told is not None and told.outcome == row.outcome):
                continue
            by_journal = f"the journal tells of {told.outcome}" if told else "the journal does not"
            sentence = f"step {row.step} is {row.outcome} on record, {by_journal}"
            self._find(Kind.DIFFERS, sentence, invoice=row.invoice, step=row.step, message=row.message)
        for key, told in self.story.standing.items():
            if key in on_record or told.message in untold:
                continue
            later = self._standing_later(key, on_record)
            kind = Kind.FORGOTTEN if later else Kind.DIFFERS
            beside = f", although step {later} stands" if later else ""
            sentence = f"step {key[1]} ({told.outcome} by the journal) has no record{beside}"
            self._find(kind, sentence, invoice=key[0], step=key[1], message=told.message)

    def _standing_later(
        self, key: tuple[str, str, int], on_record: Mapping[tuple[str, str, int], Row]
    ) -> str | None:
        """Finds a step on record that was taken after the lost one."""
        order = list(self.story.standing)
        after = order[order.index(key) + 1 :]
        same = (one[1] for one in after if (one[0], one[2]) == (key[0], key[2]) and one in on_record)
        return next(same, None)

    def _cases(self) -> None:
        net = self.story.net(self.story.money.debts)
        for row in self.rows.invoices:
            case = self.story.cases.get(row.number)
            if case is None:
                self._find(Kind.DIFFERS, "the journal does not know this invoice", invoice=row.number)
                continue
            sides = {
                "facts": (row.facts, case.stated),
                "total": (f"{row.total:.2f}", case.stated["total"]),
                "due date": (row.due_date.isoformat(), case.stated["due_date"]),
                "policy": (row.policy, case.policy),
                "version": (row.version, case.version),
                "ending": (row.ending, case.ending),
                "open amount": (row.open, self.story.open(row.number)),
                "net amount": (row.net, max(ZERO, net[row.number])),
            }
            self._sides(sides, row.number)
        for number in self.story.cases.keys() - {row.number for row in self.rows.invoices}:
            self._find(Kind.DIFFERS, "the invoice of the journal is not on record", invoice=number)

    def _money(self) -> None:
        money = self.story.money
        for row in self.rows.payments:
            receipt = money.receipts.get(row.reference)
            parts = Counter(
                Part(part.invoice, part.amount, part.allowed or ZERO)
                for part in self.rows.parts[row.reference]
            )
            if receipt is None:
                self._find(Kind.DIFFERS, "the record has a payment that the journal does not know")
            elif (row.amount, row.currency, row.received_on, row.reversed, parts) != (
                receipt.amount,
                receipt.currency,
                receipt.received_on,
                receipt.reversed,
                Counter(receipt.parts),
            ):
                self._find(Kind.DIFFERS, "a payment's amount, parts or return are not those of the journal")
        notes = {row.number: row.cancelled for row in self.rows.credit_notes}
        if notes != {number: note.cancelled for number, note in money.credits.items()}:
            self._find(Kind.DIFFERS, "the credit notes are not those of the journal")
        if money.receipts.keys() - {row.reference for row in self.rows.payments}:
            self._find(Kind.DIFFERS, "a payment of the journal is not on record")

    def _holds(self) -> None:
        on_record = {row.id: (row.facts, row.lifted_on is not None) for row in self.rows.holds}
        told = {name: (hold, name in self.story.lifted) for name, hold in self.story.holds.items()}
        if on_record != told:
            self._find(Kind.DIFFERS, "the holds are not those of the journal")

    def _agreements(self) -> None:
        on_record = {
            row.id: (row.facts, row.approved, row.ended_how, row.standing) for row in self.rows.agreements
        }
        told = {
            name: (pact.facts, pact.approved, pact.ended, pact.told)
            for name, pact in self.story.pacts.made.items()
        }
        if on_record != told:
            self._find(Kind.DIFFERS, "the agreements are not those of the journal")

    def _sides(self, sides: Mapping[str, tuple[Any, Any]], number: str) -> None:
        different = [name for name, (on_record, told) in sides.items() if on_record != told]
        if different:
            sentence = f"on record with another {', '.join(different)} than by the journal"
            self._find(Kind.DIFFERS, sentence, invoice=number)


def undecided(rows: Rows, creditor: str, tally: Tally, now: datetime) -> None:
    """Looks for messages that nobody decides, and for ambiguous ones of which nobody is asked."""
    asked = {task.key for task in rows.tasks}
    for row in rows.messages:
        tally.counts["messages"] += 1
        where = {"creditor": creditor, "debtor": row.debtor, "invoice": row.lead, "step": row.step}
        if row.state in UNDECIDED and row.leased_until < now - LEASE_GRACE:
            sentence = f"{row.state} since its claim ended at {row.leased_until:%Y-%m-%d %H:%M}Z"
            tally.find(Kind.STRANDED, sentence, message=row.id, **where)
        if row.state == "ambiguous":
            tally.counts["ambiguous"] += 1
            if f"ambiguous:{row.id}" not in asked:
                sentence = "the message is ambiguous and no open task asks about it"
                tally.find(Kind.AMBIGUOUS_WITHOUT_TASK, sentence, message=row.id, **where)


def unproven(rows: Rows, creditor: str, tally: Tally, folder: Path) -> None:
    """Compares the bytes kept of each message that left with the hash on record."""
    for row in rows.messages:
        if row.state not in {"sent", "voided"} or row.sha256 is None:
            continue
        tally.counts["evidence"] += 1
        problem = _problem(folder / (row.evidence_path or ""), row.sha256)
        if problem is not None:
            tally.find(
                Kind.EVIDENCE,
                problem,
                at=row.sent_at,
                creditor=creditor,
                debtor=row.debtor,
                invoice=row.lead,
                step=row.step,
                message=row.id,
            )


def _problem(path: Path, expected: str) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as fault:
        return f"the bytes kept of the message cannot be read: {fault.strerror}"
    if sha256(content).hexdigest() != expected:
        return "the bytes kept of the message are not those that left"
    return None


def compare_owner(row: Row, owner: Owner, on_hold: Iterable[Row], banks: Iterable[Row], tally: Tally) -> None:
    """Compares a creditor's rows with its chain."""
    if not owner.stated or row.facts != owner.stated[-1][1]:
        tally.find(Kind.DIFFERS, "the creditor's facts are not those that were stated last", creditor=row.id)
    known = owner.known[-1][1] if owner.known else None
    if row.payments_as_of != known:
        sentence = "payments are known up to another moment than by the journal"
        tally.find(Kind.DIFFERS, sentence, creditor=row.id)
    read = {account: told[-1][1] for account, told in owner.booked.items()}
    if {bare(one.account): one.booked_to for one in banks} != read:
        sentence = "bank accounts are known up to other days than by the journal"
        tally.find(Kind.DIFFERS, sentence, creditor=row.id)
    told = {name: one.facts for name, one in owner.holds.current.items()}
    if {one.id: one.facts for one in on_hold if one.lifted_on is None} != told:
        tally.find(Kind.DIFFERS, "the holds on every debtor are not those of the journal", creditor=row.id)


def compare_stops(creditor: str, owner: Owner, switches: list[Row], tally: Tally) -> None:
    """Compares what is stopped with what the chain says."""
    on_record = {(row.policy, row.channel) for row in switches if row.creditor == creditor}
    if on_record != owner.stops.current.keys():
        sentence = "what is stopped on record is not what the journal says is stopped"
        tally.find(Kind.DIFFERS, sentence, creditor=creditor or None)
