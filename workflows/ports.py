"""What a dunning run asks of the world: the table of contents of its activities.

Each method is an activity; activities/ subclasses and implements, tests subclass with fakes.
"""

from datetime import date
from enum import StrEnum

from pydantic import ConfigDict
from temporalio import activity

from domain.actions import CaseRef, GateAnswer, Plan, Wire
from domain.fact import Instant


def gate_queue(task_queue: str) -> str:
    """Names the queue on which the gate works, beside that of the runs: what leaves has its own pace."""
    return f"{task_queue}-gate"


class StepOrder(Wire):
    """Asks the gate to take a step that is due."""

    case: CaseRef
    step: str
    planned_at: Instant
    as_of: Instant


class PlanQuery(Wire):
    """Asks what comes next for a case."""

    case: CaseRef
    as_of: Instant


class PaymentNote(Wire):
    """Reports a payment to a run directly; the ledger validates it before anything is acted upon.

    `amount` is a decimal string; without it the whole open balance is meant. `received_on` is an ISO
    date and defaults to the day of the report. The same `reference` counts once. The fields are loose
    on purpose: a signal that fails to decode would be lost without a trace.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    reference: str | None = None
    amount: str | float | None = None
    currency: str | None = None
    received_on: str | None = None


class PaymentReport(Wire):
    """Carries a payment note from the run to the ledger."""

    case: CaseRef
    note: PaymentNote
    as_of: Instant


class Verb(StrEnum):
    """Names what an operator can tell a run to do."""

    HOLD = "hold"
    RESUME = "resume"
    SKIP = "skip"
    SEND_NOW = "send_now"
    APPROVE = "approve"


class OperatorOrder(Wire):
    """States an operator's order; `note` points to the author and the reason in the ledger.

    `until` is the last day of a hold, inclusive; `step` the step to skip, send or approve, by default
    the next one.
    """

    note: str = ""
    step: str | None = None
    until: date | None = None


class OperatorCommand(Wire):
    """Carries an operator's order from the run to the ledger."""

    case: CaseRef
    verb: Verb
    order: OperatorOrder
    as_of: Instant


class Ledger:
    """Writes facts down and says what follows from them."""

    @activity.defn(name="Ledger.record_payment")
    async def record_payment(self, report: PaymentReport) -> Plan:
        """Records a payment reported by signal, once by its reference, and plans anew."""
        raise NotImplementedError

    @activity.defn(name="Ledger.obey")
    async def obey(self, command: OperatorCommand) -> Plan:
        """Carries out an operator's hold, resume, skip, send-now or approve, and plans anew."""
        raise NotImplementedError


class Planner:
    """Plans where no plan came along."""

    @activity.defn(name="Planner.next")
    async def next(self, query: PlanQuery) -> Plan:
        """Says what comes next for a case, from the facts as they stand."""
        raise NotImplementedError


class Collector:
    """Guards the only way for anything to leave."""

    @activity.defn(name="Collector.take")
    async def take(self, order: StepOrder) -> GateAnswer:
        """Takes a step if it may be taken: claims it, renders, hands over, confirms."""
        raise NotImplementedError
