"""Whether a step might be taken: judged anew, at its entry of the journal, from what stands before it.

In: what was owed, held, stopped or stale then; duplicates, the contact cap, steps that were jumped over.
Not in: how the facts are gathered (story.py, money.py, creditors.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from audit.chains import Entry
from audit.creditors import Owner
from audit.findings import Kind, Tally
from audit.money import ZERO
from audit.policies import Ladder
from audit.story import StepKey, Story

CHANNELS = {"task": "call", "handed_off": "handoff"}
"""By which channel a step goes that no message is written for."""


@dataclass(frozen=True)
class Setting:
    """Holds what lies around an account: its creditor, the installation, the policies, the tally."""

    creditor: str
    owner: Owner
    everybody: Owner
    ladders: Mapping[str, Ladder]
    tally: Tally

    def is_stopped(self, entry: Entry, policies: set[str], channel: str) -> bool:
        """Tells whether sending was stopped, here or everywhere."""
        return any(one.is_stopped(entry.at, policies, channel) for one in (self.owner, self.everybody))


@dataclass
class Judge:
    """Judges one account's entries before the story takes them in."""

    debtor: str
    setting: Setting
    story: Story = field(default_factory=Story)
    _left: dict[StepKey, str] = field(default_factory=dict)
    _jumped: set[StepKey] = field(default_factory=set)

    def read(self, entry: Entry) -> None:
        """Judges an entry, then takes it in; raises KeyError for one that makes no sense where it stands."""
        facts = entry.facts
        match entry.kind:
            case "message.reserved":
                self._message(entry, facts["reminder"])
            case "step.taken":
                self._step(entry, facts["taken"])
        self.story.read(entry)
        match entry.kind:
            case "message.sent" | "message.ambiguous":
                self._leaves(entry)
            case "message.judged" if facts["delivered"]:
                self._leaves(entry)
            case "message.failed" | "message.voided":
                self._left = {key: one for key, one in self._left.items() if one != facts["message"]}

    def _find(self, kind: Kind, sentence: str, entry: Entry, key: StepKey, **where: Any) -> None:
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
            **where,
        )

    def _message(self, entry: Entry, reminder: Mapping[str, Any]) -> None:
        keys = [(line["number"], line["step"], line["cycle"]) for line in reminder["lines"]]
        lead = (reminder["lead"], reminder["step"], reminder["cycle"])
        net = self.story.money.net(number for number, _, _ in keys)
        self._facts(entry, keys, lead, net, reminder["channel"])
        self._claims(entry, reminder, lead, net)
        self._crowding(entry, keys, lead)

    def _step(self, entry: Entry, taken: Mapping[str, Any]) -> None:
        key = (entry.invoice or "", taken["step"], taken["cycle"])
        net = self.story.money.net([key[0]])
        self._facts(entry, [key], key, net, CHANNELS.get(taken["outcome"], taken["outcome"]))

    def _facts(
        self, entry: Entry, keys: list[StepKey], lead: StepKey, net: Mapping[str, Decimal], channel: str
    ) -> None:
        """Asks of each invoice whether anything stood in the way."""
        owner = self.setting.owner
        day = entry.at.astimezone(owner.zone(entry.at)).date()
        held = owner.holds_on(entry.at, day)
        for key in keys:
            number, step, _ = key
            case = self.story.cases[number]
            if net[number] <= ZERO:
                self._find(Kind.PAID, f"step {step} was taken although nothing was owed", entry, key)
            elif case.ending is not None:
                sentence = f"step {step} was taken although the case was closed ({case.ending})"
                self._find(Kind.CLOSED, sentence, entry, key)
            if held or self.story.is_held(number, day):
                self._find(Kind.HELD, f"step {step} was taken on {day} although it was held", entry, key)
            self._jumps(entry, key)
        policies = {self.story.cases[number].policy.partition("@")[0] for number, _, _ in keys}
        if self.setting.is_stopped(entry, policies, channel):
            self._find(Kind.STOPPED, f"step {lead[1]} was taken although sending was stopped", entry, lead)
        old = owner.too_old(entry.at)
        if old is not None:
            self._find(Kind.STALE, f"step {lead[1]} was taken although {old}", entry, lead)

    def _claims(
        self, entry: Entry, reminder: Mapping[str, Any], lead: StepKey, net: Mapping[str, Decimal]
    ) -> None:
        """Compares what is asked for with what was owed; what nothing was owed of is found already."""
        excessive = False
        for line in reminder["lines"]:
            number, claimed = line["number"], Decimal(line["open"])
            owed = self.story.money.open(number)
            if net[number] > ZERO and claimed > owed:
                excessive = True
                key = (number, line["step"], line["cycle"])
                sentence = f"{claimed:.2f} is shown as open, {owed:.2f} was"
                self._find(Kind.CLAIMED_MORE, sentence, entry, key)
        asked, honest = Decimal(reminder["asked"]), sum(net.values(), ZERO)
        if not excessive and asked > honest and all(one > ZERO for one in net.values()):
            self._find(Kind.CLAIMED_MORE, f"{asked:.2f} is asked for, {honest:.2f} was owed", entry, lead)

    def _crowding(self, entry: Entry, keys: list[StepKey], lead: StepKey) -> None:
        """Asks whether the debtor was written to before the contact cap allowed it."""
        ladder = self.setting.ladders.get(self.story.cases[lead[0]].policy)
        hurried = any(key[:2] in self.story.hurried for key in keys)
        if hurried or ladder is None or lead[1] not in ladder.rungs or lead[1] in ladder.grave:
            return
        day = entry.at.astimezone(self.setting.owner.zone(entry.at)).date()
        cap = self.story.debtor.get("contact_cap_days") or self.setting.owner.contact_cap(entry.at)
        earlier = [
            one
            for one in self.story.messages.values()
            if one.state != "failed" and timedelta() <= day - one.day < timedelta(days=cap)
        ]
        if earlier:
            last = max(earlier, key=lambda one: one.day)
            sentence = f"written to on {day}, after {last.day}: at most once in {cap} day(s) is allowed"
            self._find(Kind.CROWDED, sentence, entry, lead)

    def _jumps(self, entry: Entry, key: StepKey) -> None:
        number, step, cycle = key
        ladder = self.setting.ladders.get(self.story.cases[number].policy)
        if ladder is None or key in self._jumped:
            return
        recorded = self.story.recorded(number, cycle)
        missed = ladder.jumped(step, recorded, self.story.standing_steps(number, cycle))
        if missed:
            self._jumped.add(key)
            sentence = (
                f"step {step} was taken, but what is required before it has no record: {', '.join(missed)}"
            )
            self._find(Kind.FORGOTTEN, sentence, entry, key)

    def _leaves(self, entry: Entry) -> None:
        """Notes that a message left, or may have; each step leaves once."""
        message = self.story.messages[entry.facts["message"]]
        net = self.story.money.net(number for number, _, _ in message.keys if number in self.story.cases)
        if message.state == "sent":
            self.setting.tally.counts["sent"] += 1
            self.setting.tally.counts["crossed"] += any(one <= ZERO for one in net.values())
        else:
            self.setting.tally.counts["ever_ambiguous"] += message.state == "ambiguous"
        for key in message.keys:
            other = self._left.setdefault(key, message.id)
            if other != message.id:
                sentence = f"step {key[1]} left by this message and by {other}"
                self._find(Kind.DUPLICATE, sentence, entry, key)
