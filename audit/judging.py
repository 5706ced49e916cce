"""Whether a step might be taken: judged anew, at its entry of the journal, from what stands before it.

In: what was owed, held, agreed, contested, stopped, stale, unapproved or not yet due then; duplicates, the
    contact cap, steps that were jumped over; cases closed while money was owed, agreements misjudged.
Not in: how the facts are gathered (story.py, money.py, pacts.py, creditors.py), and the daily cap (pace.py).

What stood in the way when a message was reserved is told once it leaves, or may have left: the last word
may keep it back, and then nothing was done.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from audit.chains import Entry
from audit.creditors import Owner
from audit.findings import Kind, Tally
from audit.money import ZERO
from audit.pace import Pace
from audit.pacts import TOLD
from audit.policies import Ladder
from audit.reading import read
from audit.story import StepKey, Story

CHANNELS = {"task": "call", "handed_off": "handoff"}
"""By which channel a step goes that no message is written for."""

SETTLED = {"paid", "credited"}
"""The endings of cases of which nothing is owed any more."""


@dataclass(frozen=True)
class Setting:
    """Holds what lies around an account: its creditor, the installation, the policies, the tally."""

    creditor: str
    owner: Owner
    everybody: Owner
    ladders: Mapping[str, Ladder]
    tally: Tally
    pace: Pace = field(default_factory=Pace)

    def is_stopped(self, entry: Entry, policies: set[str], channel: str) -> bool:
        """Tells whether sending was stopped, here or everywhere."""
        return any(one.is_stopped(entry.at, policies, channel) for one in (self.owner, self.everybody))


class Suspicion(NamedTuple):
    """Holds what stood in the way of a step, to be told if the step was really taken."""

    kind: Kind
    sentence: str
    entry: Entry
    key: StepKey


@dataclass
class Reservation:
    """Holds what is to be told once a message leaves; `hurried` tells that it goes beyond the daily cap."""

    entry: Entry
    suspicions: list[Suspicion]
    hurried: bool


@dataclass
class Judge:
    """Judges one account's entries before the story takes them in."""

    debtor: str
    setting: Setting
    story: Story = field(default_factory=Story)
    _left: dict[StepKey, str] = field(default_factory=dict)
    _jumped: set[StepKey] = field(default_factory=set)
    _reserved: dict[str, Reservation] = field(default_factory=dict)
    """Reservations of which nobody knows yet what becomes of them."""

    def read(self, entry: Entry) -> None:
        """Judges an entry, then takes it in; raises KeyError for one that makes no sense where it stands."""
        facts = entry.facts
        self.story.day = self._day(entry)
        match entry.kind:
            case "message.reserved":
                self._reserved[facts["message"]] = self._message(entry, facts["reminder"])
            case "step.taken":
                self._tell(self._suspect(entry, lambda: self._step(entry, facts["taken"])))
            case "case.closed" if facts["ending"] in SETTLED:
                self._tell(self._suspect(entry, lambda: self._closing(entry)))
        read(self.story, entry)
        if entry.kind.startswith("agreement."):
            self._tell(self._suspect(entry, lambda: self._standing(entry)))
        match entry.kind:
            case "message.sent" | "message.ambiguous":
                self._leaves(entry)
            case "message.judged" if facts["delivered"]:
                self._leaves(entry)
            case "message.restored":
                # Another attempt left than the one that this record knows of.
                self._reserved.pop(facts["message"], None)
            case "message.failed" | "message.voided":
                self._reserved.pop(facts["message"], None)
                self._left = {key: one for key, one in self._left.items() if one != facts["message"]}

    def _find(self, kind: Kind, sentence: str, entry: Entry, key: StepKey) -> None:
        self.setting.tally.find(
            kind,
            sentence,
            at=entry.at,
            creditor=self.setting.creditor,
            debtor=self.debtor,
            invoice=key[0],
            step=key[1],
            revision=entry.revision,
            message=entry.facts.get("message"),
        )

    def _suspect(self, entry: Entry, ask: Callable[[], Iterable[Suspicion]]) -> list[Suspicion]:
        """Asks by each of the graces that may have been in force, and believes the one that clears most."""
        found: list[list[Suspicion]] = []
        graces = self.setting.owner.graces(entry.at)
        for grace in reversed(graces):
            self.story.grace = grace
            found.append(list(ask()))
        return min(found, key=len)

    def _tell(self, suspicions: list[Suspicion]) -> None:
        """Takes down what stood in the way of a step that was taken; a step is jumped over once."""
        for one in suspicions:
            if one.kind is not Kind.FORGOTTEN or one.key not in self._jumped:
                self._find(*one)
            if one.kind is Kind.FORGOTTEN:
                self._jumped.add(one.key)

    def _message(self, entry: Entry, reminder: Mapping[str, Any]) -> Reservation:
        keys = [(line["number"], line["step"], line["cycle"]) for line in reminder["lines"]]
        lead = (reminder["lead"], reminder["step"], reminder["cycle"])
        asked_for = {number for number, _ in self.story.hurried}

        def ask() -> Iterator[Suspicion]:
            net = self.story.net(number for number, _, _ in keys)
            yield from self._facts(entry, keys, lead, net, reminder["channel"])
            yield from self._claims(entry, reminder, lead, net)
            yield from self._crowding(entry, keys, lead)

        suspicions = self._suspect(entry, ask)
        return Reservation(entry, suspicions, hurried=any(number in asked_for for number, _, _ in keys))

    def _step(self, entry: Entry, taken: Mapping[str, Any]) -> Iterator[Suspicion]:
        key = (entry.invoice or "", taken["step"], taken["cycle"])
        net = self.story.net([key[0]])
        return self._facts(entry, [key], key, net, CHANNELS.get(taken["outcome"], taken["outcome"]))

    def _closing(self, entry: Entry) -> Iterator[Suspicion]:
        """Asks whether anything was owed of a case that was closed as settled."""
        owed = self.story.open(entry.invoice or "")
        if owed > ZERO:
            sentence = f"the case was closed ({entry.facts['ending']}) although {owed:.2f} was owed"
            yield Suspicion(Kind.CLOSED_OWING, sentence, entry, (entry.invoice or "", "", 0))

    def _standing(self, entry: Entry) -> Iterator[Suspicion]:
        """Compares how an agreement is noted to stand with what the money says."""
        if entry.kind == "agreement.made":
            return
        pact = self.story.pacts.made[entry.facts["agreement"]]
        told = entry.kind.removeprefix("agreement.")
        stands = pact.stands(self.story.day, self.story.money, self.story.grace)
        if told in TOLD and told != stands:
            sentence = f"a {pact.kind} is noted as {told}, by the money it is {stands}"
            yield Suspicion(Kind.MISJUDGED, sentence, entry, (pact.invoices[0], "", 0))

    def _facts(
        self, entry: Entry, keys: list[StepKey], lead: StepKey, net: Mapping[str, Decimal], channel: str
    ) -> Iterator[Suspicion]:
        """Asks of each invoice whether anything stood in the way."""
        owner, day = self.setting.owner, self.story.day
        held = owner.holds_on(entry.at, day)
        for key in keys:
            number, step, _ = key
            case = self.story.cases[number]
            if net[number] <= ZERO:
                yield Suspicion(Kind.PAID, f"step {step} was taken although nothing was owed", entry, key)
            elif case.ending is not None:
                sentence = f"step {step} was taken although the case was closed ({case.ending})"
                yield Suspicion(Kind.CLOSED, sentence, entry, key)
            if held or self.story.is_held(number, day):
                sentence = f"step {step} was taken on {day} although it was held"
                yield Suspicion(Kind.HELD, sentence, entry, key)
            if case.blocked is not None:
                sentence = f"step {step} was taken although the case could not go on ({case.blocked})"
                yield Suspicion(Kind.BLOCKED, sentence, entry, key)
            yield from self._agreed(entry, key)
            yield from self._rules(entry, key)
        policies = {self.story.cases[number].policy.partition("@")[0] for number, _, _ in keys}
        if self.setting.is_stopped(entry, policies, channel):
            sentence = f"step {lead[1]} was taken although sending was stopped"
            yield Suspicion(Kind.STOPPED, sentence, entry, lead)
        old = owner.too_old(entry.at) or owner.unread(entry.at)
        if old is not None:
            yield Suspicion(Kind.STALE, f"step {lead[1]} was taken although {old}", entry, lead)

    def _agreed(self, entry: Entry, key: StepKey) -> Iterator[Suspicion]:
        """Asks whether people, or a debit under way, had suspended an invoice."""
        (number, step, _), day = key, self.story.day
        pact = self.story.suspended_by(number, day)
        if pact is not None:
            kind = Kind.DISPUTED if pact.kind == "dispute" and not pact.undecided else Kind.AGREED
            until = f"a {pact.kind} of {pact.made_on}" + (", not decided yet," if pact.undecided else "")
            sentence = f"step {step} was taken on {day} although {until} suspended it"
            yield Suspicion(kind, sentence, entry, key)
        if self.story.is_debited(number, day):
            sentence = f"step {step} was taken on {day} although the direct debit could still arrive"
            yield Suspicion(Kind.DEBITED, sentence, entry, key)

    def _rules(self, entry: Entry, key: StepKey) -> Iterator[Suspicion]:
        """Asks whether the policy let a step be taken: approved, on its day, after those before it."""
        number, step, cycle = key
        case = self.story.cases[number]
        ladder = self.setting.ladders.get(case.policy)
        if ladder is None:
            return
        contested = step in ladder.grave and self.story.pacts.unanswered(number)
        if (step in ladder.approval or contested) and (number, step) not in self.story.approved:
            why = ", although the debtor contests the invoice" if contested else ""
            sentence = f"step {step} was taken, and nobody had approved it{why}"
            yield Suspicion(Kind.UNAPPROVED, sentence, entry, key)
        day, broken_on = self.setting.owner.last_day(entry.at), self.story.broken_on(number, cycle)
        first = ladder.earliest(step, case.stated, broken_on)
        if first is not None and day < first and (number, step) not in self.story.hurried:
            sentence = f"step {step} was taken on {day}: before {first} it was surely too early"
            yield Suspicion(Kind.EARLY, sentence, entry, key)
        missed = ladder.jumped(
            step, self.story.recorded(number, cycle), self.story.standing_steps(number, cycle)
        )
        if missed:
            sentence = (
                f"step {step} was taken, but what is required before it has no record: {', '.join(missed)}"
            )
            yield Suspicion(Kind.FORGOTTEN, sentence, entry, key)

    def _claims(
        self, entry: Entry, reminder: Mapping[str, Any], lead: StepKey, net: Mapping[str, Decimal]
    ) -> Iterator[Suspicion]:
        """Compares what is asked for with what was owed; what nothing was owed of is found already."""
        excessive = False
        for line in reminder["lines"]:
            number, claimed = line["number"], Decimal(line["open"])
            owed = self.story.open(number)
            if net[number] > ZERO and claimed > owed:
                excessive = True
                key = (number, line["step"], line["cycle"])
                sentence = f"{claimed:.2f} is shown as open, {owed:.2f} was"
                yield Suspicion(Kind.CLAIMED_MORE, sentence, entry, key)
        asked = Decimal(reminder["asked"])
        askable = [self.story.askable(number, self.story.day) for number in net]
        honest = sum(askable, ZERO)
        if not excessive and asked > honest and all(one > ZERO for one in askable):
            sentence = f"{asked:.2f} is asked for, {honest:.2f} could be"
            yield Suspicion(Kind.CLAIMED_MORE, sentence, entry, lead)

    def _crowding(self, entry: Entry, keys: list[StepKey], lead: StepKey) -> Iterator[Suspicion]:
        """Asks whether the debtor was written to before the contact cap allowed it."""
        ladder = self.setting.ladders.get(self.story.cases[lead[0]].policy)
        hurried = any(key[:2] in self.story.hurried for key in keys)
        if hurried or ladder is None or lead[1] not in ladder.rungs or lead[1] in ladder.grave:
            return
        day = self.story.day
        cap = self.story.debtor.get("contact_cap_days") or self.setting.owner.contact_cap(entry.at)
        earlier = [
            one
            for one in self.story.messages.values()
            if one.state != "failed" and timedelta() <= day - one.day < timedelta(days=cap)
        ]
        if earlier:
            last = max(earlier, key=lambda one: one.day)
            sentence = f"written to on {day}, after {last.day}: at most once in {cap} day(s) is allowed"
            yield Suspicion(Kind.CROWDED, sentence, entry, lead)

    def _day(self, entry: Entry) -> date:
        return entry.at.astimezone(self.setting.owner.zone(entry.at)).date()

    def _leaves(self, entry: Entry) -> None:
        """Notes that a message left, or may have; each step leaves once."""
        message = self.story.messages[entry.facts["message"]]
        reservation = self._reserved.get(message.id)
        if reservation is not None:
            self._tell(reservation.suspicions)
            reservation.suspicions = []
        net = self.story.net(number for number, _, _ in message.keys if number in self.story.cases)
        if message.state == "sent":
            self._reserved.pop(message.id, None)
            if reservation is not None and not reservation.hurried:
                self.setting.pace.count(self._day(reservation.entry), reservation.entry.at)
            self.setting.tally.counts["sent"] += 1
            self.setting.tally.counts["crossed"] += any(one <= ZERO for one in net.values())
        else:
            self.setting.tally.counts["ever_ambiguous"] += message.state == "ambiguous"
        for key in message.keys:
            other = self._left.setdefault(key, message.id)
            if other != message.id:
                sentence = f"step {key[1]} left by this message and by {other}"
                self._find(Kind.DUPLICATE, sentence, entry, key)
