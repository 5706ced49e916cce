"""The dunning policy: which steps an invoice climbs, when, through which channel, in which tone.

In: the model of a policy and everything that makes one refused.
Not in: dates (schedule.py), and the reading of TOML files (config/).
"""

import hashlib
import re
from datetime import time
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from domain.fact import Amount, Fact, Language

EARLIEST_DAY = -90
LATEST_DAY = 730


class Channel(StrEnum):
    """Names the way in which a step reaches the debtor."""

    EMAIL = "email"
    LETTER = "letter"
    CALL = "call"
    HANDOFF = "handoff"

    @property
    def writes(self) -> bool:
        """Tells whether the channel carries a written message."""
        return self in {Channel.EMAIL, Channel.LETTER}


class Tone(IntEnum):
    """Orders the severity of a step; a policy may stay on a rung but never go down."""

    COMMERCIAL = 0
    COURTEOUS = 1
    FIRM = 2
    FINAL = 3
    FORMAL = 4
    RECOVERY = 5


def _tone(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return Tone[value.upper()]
        except KeyError:
            msg = f"tone {value!r} is unknown; use one of {', '.join(tone.name.lower() for tone in Tone)}"
            raise ValueError(msg) from None
    return value


NamedTone = Annotated[
    Tone, BeforeValidator(_tone), PlainSerializer(lambda tone: Tone(tone).name.lower(), return_type=str)
]
"""A tone written by its name, as policies and JSON carry it."""


class Roll(StrEnum):
    """Tells where a step goes whose day is not a business day; due dates themselves never move."""

    OUTWARD = "outward"
    NEXT = "next"
    PREVIOUS = "previous"
    NONE = "none"


class Anchor(StrEnum):
    """Names the date of the invoice from which a step counts its days."""

    DUE = "due"
    ISSUE = "issue"


class Catchup(StrEnum):
    """Tells what happens when several steps are overdue at once (an outage, a late import).

    NEXT_REQUIRED takes the next required step alone and spaces the others after it. CONTEXTUAL takes
    the last step whose day has come; it makes steps optional unless they say `required = true`, and a
    step that says so is never jumped over in either mode.
    """

    NEXT_REQUIRED = "next_required"
    CONTEXTUAL = "contextual"


class Condition(Fact):
    """Limits a step to accounts that meet every bound given; bounds are inclusive."""

    min_balance: Amount | None = None
    max_balance: Amount | None = None
    min_days_late: int | None = Field(default=None, ge=0, le=LATEST_DAY)
    min_open_invoices: int | None = Field(default=None, ge=0)
    tag: str | None = None


class Repeat(Fact):
    """Repeats a step a bounded number of times."""

    every_days: int = Field(ge=1, le=90)
    times: int = Field(ge=1, le=24)


class DunningStep(Fact):
    """States one rung of the ladder.

    `offset_days` counts from the anchor: -10 is ten days before, 2 two days after.
    `payment_period_days` is printed in the message as a deadline; the next step waits until the day
    after it. `message` names the wording folder. A step before the due date lapses on that date.
    """

    key: str = Field(pattern=r"^[A-Za-z0-9+_-]{1,32}$")
    offset_days: int = Field(ge=EARLIEST_DAY, le=LATEST_DAY)
    anchor: Anchor = Anchor.DUE
    channel: Channel
    fallback: Channel | None = None
    tone: NamedTone
    message: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    title: dict[Language, str] = Field(default_factory=dict)
    roll: Roll | None = None
    required: bool | None = None
    approval: bool = False
    payment_period_days: int | None = Field(default=None, ge=1, le=90)
    when: Condition | None = None
    owner: str | None = None
    repeat: Repeat | None = None

    @property
    def lapses_when_due(self) -> bool:
        """Tells whether the step only makes sense before the due date."""
        return self.anchor is Anchor.DUE and self.offset_days < 0

    def named(self, language: str) -> str:
        """Gives the step's title in a language, or its key."""
        return self.title.get(language) or self.key


class SendingWindow(Fact):
    """States when messages may leave, in the debtor's local time.

    `spread_minutes` spreads debtors over that many minutes after the opening, each always at the same
    minute, so that the opening is not a spike.
    """

    opens: time = time(9, 0)
    closes: time = time(17, 0)
    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    spread_minutes: int = Field(default=0, ge=0, le=480)

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            msg = f"window opens at {self.opens:%H:%M} and closes at {self.closes:%H:%M}; close it later"
            raise ValueError(msg)
        length = (self.closes.hour - self.opens.hour) * 60 + self.closes.minute - self.opens.minute
        if self.spread_minutes >= length:
            msg = (
                f"window.spread_minutes {self.spread_minutes} does not fit into a window of {length} minutes"
            )
            raise ValueError(msg)
        if not set(self.days) & {1, 2, 3, 4, 5}:
            msg = "window.days never meets a business day: name ISO weekdays, Monday is 1"
            raise ValueError(msg)
        return self


class DunningPolicy(Fact):
    """States a whole ladder; one that does not climb is refused.

    `minimum` is the least balance per currency for which anybody is reminded, inclusive.
    `spacing_days` is the least number of days between two steps of one invoice.
    `tone_memory_days` is how long a debtor who still owes is not spoken to more softly again.
    """

    id: str = Field(pattern=r"^[a-z0-9-]{1,48}$")
    title: dict[Language, str] = Field(min_length=1)
    languages: tuple[Language, ...] = ("fr", "en")
    minimum: dict[str, Amount] = Field(default_factory=dict)
    spacing_days: int = Field(ge=1, le=90)
    catch_up: Catchup
    roll: Roll = Roll.OUTWARD
    tone_memory_days: int = Field(default=30, ge=0, le=365)
    window: SendingWindow = SendingWindow()
    steps: tuple[DunningStep, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="before")
    @classmethod
    def _unroll(cls, data: Any) -> Any:
        """Writes out repeated steps, so that nothing downstream knows of repetition."""
        if not isinstance(data, dict) or not isinstance(data.get("steps"), list | tuple):
            return data
        return data | {"steps": [copy for step in data["steps"] for copy in _repetitions(step)]}

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        seen: set[str] = set()
        latest: dict[Anchor, DunningStep] = {}
        for step in self.steps:
            _check_step(step)
            if step.key in seen:
                msg = f"step {step.key!r} appears twice; keys are unique within a policy"
                raise ValueError(msg)
            seen.add(step.key)
            lower = latest.get(step.anchor)
            if lower is not None and step.offset_days <= lower.offset_days:
                msg = (
                    f"step {step.key!r} (day {step.offset_days:+d}) must come after step {lower.key!r} "
                    f"(day {lower.offset_days:+d}); order the steps by their day"
                )
                raise ValueError(msg)
            latest[step.anchor] = step
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.tone < before.tone:
                msg = (
                    f"step {after.key!r} is {after.tone.name.lower()}, softer than {before.key!r} "
                    f"({before.tone.name.lower()}); severity never falls along a policy"
                )
                raise ValueError(msg)
            if before.channel is Channel.HANDOFF:
                msg = f"step {after.key!r} follows the handoff {before.key!r}; our own reminders stop there"
                raise ValueError(msg)
        return self

    @cached_property
    def version(self) -> str:
        """Names this exact content: `id@` and the first twelve digits of its SHA-256."""
        return f"{self.id}@{hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]}"

    def step(self, key: str) -> DunningStep:
        """Finds a step by its key; raises KeyError where the policy has none."""
        return self.steps[self.index(key)]

    def index(self, key: str) -> int:
        """Tells the rung of a step; raises KeyError where the policy has none."""
        for rung, step in enumerate(self.steps):
            if step.key == key:
                return rung
        raise KeyError(key)

    def must_take(self, step: DunningStep) -> bool:
        """Tells whether a step may never be jumped over."""
        if step.required is not None:
            return step.required
        return not step.lapses_when_due and self.catch_up is Catchup.NEXT_REQUIRED

    def minimum_for(self, currency: str) -> Decimal | None:
        """Gives the least balance worth a reminder in that currency, if the policy sets one."""
        return self.minimum.get(currency)


def _check_step(step: DunningStep) -> None:
    if step.lapses_when_due and step.required:
        msg = f"step {step.key!r} comes before the due date and lapses on it: it cannot be required"
        raise ValueError(msg)
    if step.lapses_when_due and step.tone > Tone.COURTEOUS:
        msg = f"step {step.key!r} comes before the due date: make its tone commercial or courteous"
        raise ValueError(msg)
    if step.channel.writes and not step.message:
        msg = (
            f"step {step.key!r} is sent by {step.channel.value} but names no message; give the wording folder"
        )
        raise ValueError(msg)
    if step.fallback is not None and (
        not step.channel.writes or step.fallback is step.channel or step.fallback is Channel.HANDOFF
    ):
        msg = f"step {step.key!r} cannot fall back from {step.channel.value} to {step.fallback.value}"
        raise ValueError(msg)
    if (step.channel is Channel.HANDOFF) != (step.tone is Tone.RECOVERY):
        msg = f"step {step.key!r}: the handoff, and only the handoff, has the tone recovery"
        raise ValueError(msg)


def _repetitions(step: Any) -> list[Any]:
    if not isinstance(step, dict) or not step.get("repeat") or not {"key", "offset_days"} <= step.keys():
        return [step]
    repeat = Repeat.model_validate(step["repeat"])
    plain = {name: value for name, value in step.items() if name != "repeat"}
    copies = [plain]
    for turn in range(1, repeat.times + 1):
        day = int(step["offset_days"]) + turn * repeat.every_days
        key = re.sub(r"-r\d+$", "", str(step["key"])) + f"-r{turn}"
        copies.append(plain | {"offset_days": day, "key": key})
    return copies
