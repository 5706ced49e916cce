"""A change that would break sleeping runs: one activity in the place of another.

In: the run that the replay tests must refuse. Not in: anything that ever runs.
"""

from temporalio import workflow

from workflows.invoice import InvoiceDunning
from workflows.told import CaseEnded, DunningRun


@workflow.defn(name="InvoiceDunning")
class Swapped(InvoiceDunning):
    """Asks the planner where the production run writes a payment down or knocks at the gate."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as production does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as production does, but for the activity that is asked."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        await self._plan_anew()

    async def _write_down_payment(self) -> None:
        self.reports.clear()
        await self._plan_anew()
