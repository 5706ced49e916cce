"""Hindsight: an account as it stood at earlier instants, told by its journal alone.

In: living through the entries in order, and giving the account as it stood between two of them.
Not in: reading the journal (journal.py), what was to be done then (domain/schedule.py).

The journal of the account, its creditor's and that of the whole installation tell everything that the
rules ask about, but for the days up to which bank statements were known.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.account import Account, Case, Contacted, Underway
from domain.actions import Because, Ending, StepOutcome, StepTaken
from domain.agreements import AGREEMENT, Agreement, Hold, Stop
from domain.receivable import Allocation, CreditNote, Creditor, Debtor, Invoice, Payment
from ledger.journal import Entry


def accounts_at(entries: Iterable[Entry], instants: Sequence[datetime]) -> Iterator[Account | None]:
    """Gives the account as it stood at each of some instants, which are in order.

    `entries` are of one account, its creditor and the installation. None stands for an instant at which
    nobody knew the account yet. What happened at the very instant is part of it.
    """
    told = _Telling()
    ordered = iter(sorted(entries, key=lambda one: (one.at, one.debtor != "", one.revision)))
    entry = next(ordered, None)
    for instant in instants:
        while entry is not None and entry.at <= instant:
            told.hear(entry)
            entry = next(ordered, None)
        yield told.account()


@dataclass
class _Telling:
    """Holds what the entries heard so far say."""

    creditor: Creditor | None = None
    debtor: Debtor | None = None
    cases: dict[str, Case] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    notes: dict[str, CreditNote] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    left: dict[str, Contacted] = field(default_factory=dict)
    underway: dict[str, Underway] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, datetime] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)
    payments_as_of: datetime | None = None
    revision: int = 0

    def account(self) -> Account | None:
        if self.creditor is None or self.debtor is None:
            return None
        return Account(
            creditor=self.creditor,
            debtor=self.debtor,
            cases=tuple(self.cases[number] for number in sorted(self.cases)),
            credit_notes=tuple(self.notes[name] for name in sorted(self.notes)),
            payments=tuple(self.payments[name] for name in sorted(self.payments)),
            holds=tuple(self.holds[name] for name in sorted(self.holds)),
            agreements=tuple(self.agreements[name] for name in sorted(self.agreements)),
            contacts=tuple(sorted(self.left.values(), key=lambda one: (one.at, one.message))),
            underway=tuple(self.underway[name] for name in sorted(self.underway)),
            payments_as_of=self.payments_as_of,
            stops=tuple(self.stops.values()),
            revision=self.revision,
        )

    def hear(self, entry: Entry) -> None:
        """Takes an entry in; kinds that change nothing of what the rules ask are passed over."""
        if entry.debtor:
            self.revision = entry.revision
        about, _, what = entry.kind.partition(".")
        hearing = getattr(self, f"_{about}", None)
        if hearing is not None:
            hearing(what, entry, entry.facts)

    def _day(self, entry: Entry) -> date:
        zone = self.creditor.time_zone if self.creditor is not None else "UTC"
        return entry.at.astimezone(ZoneInfo(zone)).date()

    def _change(self, number: str | None, **changes: Any) -> None:
        if number in self.cases:
            self.cases[number] = self.cases[number].model_copy(update=changes)

    # One method for the first word of each kind

    def _creditor(self, _what: str, _entry: Entry, facts: dict[str, Any]) -> None:
        self.creditor = Creditor.model_validate(facts["stated"])

    def _debtor(self, _what: str, _entry: Entry, facts: dict[str, Any]) -> None:
        self.debtor = Debtor.model_validate(facts.get("stated") or facts["debtor"])

    def _payments(self, _what: str, _entry: Entry, facts: dict[str, Any]) -> None:
        self.payments_as_of = datetime.fromisoformat(facts["as_of"])

    def _sending(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        stop = Stop(creditor=entry.creditor or None, policy=facts.get("policy"), channel=facts.get("channel"))
        if what == "stopped":
            self.stops[stop.model_dump_json()] = stop
        else:
            self.stops.pop(stop.model_dump_json(), None)

    def _invoice(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        number = entry.invoice or ""
        match what:
            case "opened":
                invoice = Invoice.model_validate(facts["stated"])
                self.cases[number] = Case(invoice=invoice, policy=facts["policy"])
            case "revised":
                self._change(number, invoice=Invoice.model_validate(facts["stated"]))
            case "written_off":
                self._change(number, ending=Ending.WRITTEN_OFF, hurried=None)
            case "reinstated":
                self._change(number, ending=None)

    def _case(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        number = entry.invoice
        match what:
            case "closed":
                self._change(number, ending=Ending(facts["ending"]), hurried=None)
            case "reopened":
                self._change(number, ending=None, blocked=None)
            case "blocked":
                self._change(number, blocked=Because.model_validate(facts["because"]))
            case "unblocked":
                self._change(number, blocked=None)
            case "policy_moved":
                self._change(number, policy=facts["policy"])
            case "postponed":
                for one in facts["invoices"]:
                    self._change(one, postponed_to=date.fromisoformat(facts["to"]))

    def _step(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        number = entry.invoice or ""
        match what:
            case "approved":
                self._change(number, approved=(*self.cases[number].approved, facts["step"]))
            case "hurried":
                self._change(number, hurried=facts["step"])
            case "taken":
                self._take(number, StepTaken.model_validate(facts["taken"]))
            case "skipped":
                self._take(
                    number,
                    StepTaken(
                        step=facts["step"],
                        cycle=facts["cycle"],
                        outcome=StepOutcome.SKIPPED,
                        day=self._day(entry),
                    ),
                )

    def _take(self, number: str, taken: StepTaken) -> None:
        case = self.cases.get(number)
        if case is not None:
            hurried = None if case.hurried == taken.step else case.hurried
            self._change(number, taken=(*case.taken, taken), hurried=hurried, postponed_to=None)

    def _payment(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        match what:
            case "received":
                payment = Payment.model_validate(facts["stated"])
                payment = payment.model_copy(update={"recorded_at": entry.at})
            case "allocated":
                parts = tuple(Allocation.model_validate(part) for part in facts["allocations"])
                payment = self.payments[facts["reference"]].model_copy(update={"allocations": parts})
            case _:
                payment = self.payments[facts["reference"]].model_copy(update={"reversed": True})
        self.payments[payment.reference] = payment

    def _credit_note(self, what: str, _entry: Entry, facts: dict[str, Any]) -> None:
        if what == "issued":
            note = CreditNote.model_validate(facts["stated"])
        else:
            note = self.notes[facts["number"]].model_copy(update={"cancelled": True})
        self.notes[note.number] = note

    def _hold(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        if what == "placed":
            hold = Hold.model_validate(facts["hold"])
        else:
            hold = self.holds[facts["hold"]].model_copy(update={"lifted_on": self._day(entry)})
        self.holds[hold.id] = hold

    def _agreement(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        match what:
            case "made":
                agreement = AGREEMENT.validate_python(facts["agreement"])
            case "approved":
                agreement = self.agreements[facts["agreement"]].model_copy(update={"approved": True})
            case "ended":
                ended = {"ended_on": self._day(entry), "ended_how": facts["how"]}
                known = self.agreements[facts["agreement"]]
                agreement = AGREEMENT.validate_python(known.model_dump() | ended)
            case _:
                return  # what became of it follows from the money
        self.agreements[agreement.id] = agreement

    def _message(self, what: str, entry: Entry, facts: dict[str, Any]) -> None:
        name = facts.get("message", "")
        match what:
            case "reserved" | "restored":
                self._reserve(name, facts)
                if what == "restored" and facts.get("beside") is not None:
                    self._settle(name, facts["beside"], entry.at)
            case "sent":
                self._settle(name, "sent", datetime.fromisoformat(facts["evidence"]["sent_at"]))
            case "ambiguous":
                self.asked[name] = entry.at
                self._mark(name, StepOutcome.AMBIGUOUS)
            case "judged" if facts["delivered"]:
                self._settle(name, "sent", self.asked.get(name, entry.at))
            case "failed" | "voided":
                self._settle(name, what, entry.at)

    def _reserve(self, name: str, facts: dict[str, Any]) -> None:
        reminder = self.said[name] = facts["reminder"]
        self.underway[name] = Underway(message=name, day=reminder["day"])
        for line in reminder["lines"]:
            taken = {
                "step": line["step"],
                "cycle": line["cycle"],
                "outcome": StepOutcome.RESERVED,
                "day": reminder["day"],
                "deadline": reminder["deadline"],
                "message": name,
                "late_days": line["late_days"],
            }
            case = self.cases.get(line["number"])
            if case is not None and not any(one.message == name for one in case.standing):
                self._change(line["number"], taken=(*case.taken, StepTaken.model_validate(taken)))

    def _settle(self, name: str, how: str, at: datetime) -> None:
        """Notes what became of a message: sent, failed, or voided after it was sent."""
        self.underway.pop(name, None)
        if how == "failed":
            self._drop(name)
            return
        self._mark(name, StepOutcome(how))
        if name not in self.left and name in self.said:
            reminder = self.said[name]
            self.left[name] = Contacted(
                message=name,
                day=reminder["day"],
                at=at,
                channel=reminder["channel"],
                tone=reminder["tone"],
                wording=reminder["wording"],
                invoices=tuple(line["number"] for line in reminder["lines"]),
                overdue=any(line["days_overdue"] > 0 for line in reminder["lines"]),
            )

    def _drop(self, name: str) -> None:
        """Takes back the steps of a message that did not leave."""
        for number, case in self.cases.items():
            if any(one.message == name and one.outcome is not StepOutcome.VOIDED for one in case.taken):
                kept = (one for one in case.taken if one.message != name or one.outcome is StepOutcome.VOIDED)
                self._change(number, taken=tuple(kept))

    def _mark(self, name: str, outcome: StepOutcome) -> None:
        """Notes what came of the steps of a message, and that what was asked for at once is done."""
        for number, case in self.cases.items():
            mine = {one.step for one in case.standing if one.message == name}
            if not mine:
                continue
            taken = tuple(
                one.model_copy(update={"outcome": outcome})
                if one.message == name and one.outcome is not StepOutcome.VOIDED
                else one
                for one in case.taken
            )
            voided = mine if outcome is StepOutcome.VOIDED else frozenset()
            self._change(
                number,
                taken=taken,
                approved=tuple(one for one in case.approved if one not in voided),
                hurried=None if case.hurried in mine else case.hurried,
                postponed_to=None,
            )
