"""The second release of the run: what every change to a living workflow looks like.

In: the production run with a command that the first release does not have, behind a patch.
Not in: the first release (workflows/invoice.py).
"""

from temporalio import workflow

from workflows.invoice import InvoiceDunning
from workflows.told import CaseEnded, DunningRun


@workflow.defn(name="InvoiceDunning")
class SecondRelease(InvoiceDunning):
    """Notes in the memo which step it is about to take, wherever the first release has not been before."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up as the first release does."""
        super().__init__(begin)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Runs as the first release does, but for the memo."""
        return await super().run(_begin)

    async def _knock_at_the_gate(self) -> None:
        step = self.next.step or ""
        if workflow.patched(f"story:{step}"):
            workflow.upsert_memo({"step": step})
        await super()._knock_at_the_gate()
