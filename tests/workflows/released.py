"""Other releases of the run, for the tests that deploy them: one more command before each step.

In: the change guarded as it must be, guarded in vain, not guarded at all; and a release from before the gate
had a queue of its own. Not in: anything that is ever deployed.
"""

from temporalio import workflow

from workflows.invoice import ATTEMPT, PATIENT, InvoiceDunning
from workflows.ports import Collector, StepOrder
from workflows.told import CaseEnded, DunningRun


@workflow.defn(name="InvoiceDunning")
class Asking(InvoiceDunning):
    """Asks the planner before each step; the change has an id of its own for each step."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as production does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as production does, but for the question before each step."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        if workflow.patched(f"ask-before-knocking:{self.next.step}"):
            await self._plan_anew()
            if self.next.kind != "take" or not self._is_due():
                return
        await super()._knock_at_the_gate()


@workflow.defn(name="InvoiceDunning")
class AskingOnce(InvoiceDunning):
    """Asks the planner before each step, guarded by one id for all of them: a run keeps its first answer."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as production does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as production does, but for the question before each step."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        if workflow.patched("ask-before-knocking"):
            await self._plan_anew()
            if self.next.kind != "take" or not self._is_due():
                return
        await super()._knock_at_the_gate()


@workflow.defn(name="InvoiceDunning")
class Careless(InvoiceDunning):
    """Asks the planner before each step without any guard: a sleeping run cannot be replayed."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as production does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as production does, but for the question before each step."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        await self._plan_anew()
        if self.next.kind == "take" and self._is_due():
            await super()._knock_at_the_gate()


@workflow.defn(name="InvoiceDunning")
class OneQueue(InvoiceDunning):
    """Knocks on the queue of the runs, as 0.1.0 did."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as production does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as production does, but for the queue."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        order = StepOrder(
            case=self.case,
            step=self.next.step or "",
            planned_at=self.next.at or workflow.now(),
            as_of=workflow.now(),
        )
        answer = await workflow.execute_activity_method(
            Collector.take, order, start_to_close_timeout=ATTEMPT, retry_policy=PATIENT
        )
        self._recall(f"{answer.step} {answer.outcome}")
        self._adopt(answer)
