"""What is to be done next, and what came of it: the words that the rules and the workflow exchange.

In: the next action with its reason, the answer of the gate, the ways in which a case ends.
Not in: how they are found (schedule.py, gate.py).

These models travel through workflow histories. They carry ids, dates and codes only, never names,
addresses or texts, and they ignore unknown fields, so that an older worker can read a newer message.
"""

from datetime import date
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from domain.fact import Instant


class Wire(BaseModel):
    """Travels between processes: frozen, lenient towards fields it does not know, silent about none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_serializer(mode="wrap")
    def _said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what is not set: histories are read by people, and kept for months."""
        return {name: value for name, value in write(self).items() if value is not None}


class Rule(StrEnum):
    """Names the rule behind a decision; explanation.py says it in words."""

    CALENDAR = "calendar"
    ROLLED = "rolled"
    LATE = "late"
    SPACING = "spacing"
    DEADLINE = "deadline"
    CONTACT_CAP = "contact_cap"
    DAILY_CAP = "daily_cap"
    WINDOW = "window"
    OPERATOR = "operator"
    HOLD = "hold"
    BELOW_MINIMUM = "below_minimum"
    ALLOCATE = "allocate"
    STALE = "stale"
    APPROVAL = "approval"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"
    SENDING_STOPPED = "sending_stopped"
    DISPUTED = "disputed"
    PROMISED = "promised"
    BROKEN = "broken"
    INSTALMENTS = "instalments"
    SETTLING = "settling"
    UNDECIDED = "undecided"
    DIRECT_DEBIT = "direct_debit"
    DELIVERY = "delivery"
    REJECTED = "rejected"
    FACTORED = "factored"
    PAID = "paid"
    WAIVED = "waived"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"
    HANDED_OFF = "handed_off"
    LADDER_FINISHED = "ladder_finished"


class Because(Wire):
    """Gives the reason of a decision: its rule, and the figures that filled it in."""

    rule: Rule
    planned: date | None = None
    until: date | None = None
    days: int | None = None
    reference: str | None = None


class Ending(StrEnum):
    """Names the ways in which a case ends."""

    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"
    HANDED_OFF = "handed_off"
    EXHAUSTED = "exhausted"


class NextAction(Wire):
    """States what comes next for one invoice: take a step, wait, or close the case.

    `take` carries a step and the instant at which to knock at the gate; `wait` an instant at which to
    plan anew, or none where only a new fact can change anything; `close` the ending.
    """

    kind: Literal["take", "wait", "close"]
    step: str | None = None
    at: Instant | None = None
    day: date | None = None
    late_days: int = 0
    ending: Ending | None = None
    because: Because

    @property
    def closes(self) -> bool:
        """Tells whether the case is over."""
        return self.kind == "close"


class Outcome(StrEnum):
    """Names the answers of the gate."""

    SENT = "sent"
    COVERED = "covered"
    TASK = "task"
    HANDED_OFF = "handed_off"
    SETTLED = "settled"
    HELD = "held"
    DEFERRED = "deferred"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"


class Plan(Wire):
    """Says what comes next as of a revision of the account; the highest revision is the truth."""

    revision: int
    next: NextAction


class GateAnswer(Plan):
    """Says what came of knocking at the gate, and what comes next."""

    outcome: Outcome
    step: str
    because: Because | None = None


class CaseRef(Wire):
    """Names a case: the creditor's key and the invoice's number."""

    creditor: str
    number: str

    @property
    def workflow_id(self) -> str:
        """Gives the id of the case's workflow, which is also its idempotence key."""
        return f"invoice:{self.creditor}:{self.number}"

    @classmethod
    def from_workflow_id(cls, workflow_id: str) -> "CaseRef":
        """Reads a workflow id back; raises ValueError for one that names no case."""
        kind, creditor, number = workflow_id.split(":", 2)
        if kind != "invoice":
            msg = f"{workflow_id!r} is not the workflow of an invoice"
            raise ValueError(msg)
        return cls(creditor=creditor, number=number)


class StepOutcome(StrEnum):
    """Names what is on record about a step of an invoice."""

    RESERVED = "reserved"
    SENT = "sent"
    TASK = "task"
    HANDED_OFF = "handed_off"
    SKIPPED = "skipped"
    AMBIGUOUS = "ambiguous"
    VOIDED = "voided"


class StepTaken(Wire):
    """Records one rung of an invoice's ladder; a covered step names the message that spoke for it.

    `cycle` counts deliberate restarts of the ladder; (invoice, step, cycle) is unique.
    """

    step: str
    cycle: int = 1
    outcome: StepOutcome
    day: date
    deadline: date | None = None
    message: str | None = Field(default=None)
    late_days: int = 0
