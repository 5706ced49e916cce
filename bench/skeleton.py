"""The floor: the least that a Temporal workflow must do to make the same timers and the same sends.

In: the bare workflow. Not in: what it is told (journey.py), its worker (courier.py), any rule.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from bench.journey import Courier, Errand, Journey, Leg

ATTEMPT = timedelta(seconds=60)
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10))


@workflow.defn(name="Skeleton")
class Skeleton:
    """Waits for each step or for the word that it is paid, and has each step done."""

    def __init__(self) -> None:
        """Is not paid yet."""
        self.paid = False

    @workflow.run
    async def run(self, journey: Journey) -> str:
        """Goes through the steps."""
        for leg in journey.legs:
            if await self._paid_before(leg):
                return "paid"
            errand = Errand(number=journey.number, step=leg.step, sends=leg.sends, as_of=workflow.now())
            await workflow.execute_activity_method(
                Courier.carry, errand, start_to_close_timeout=ATTEMPT, retry_policy=PATIENT
            )
        return "finished"

    async def _paid_before(self, leg: Leg) -> bool:
        wait = leg.at - workflow.now()
        if self.paid or wait <= timedelta():
            return self.paid
        try:
            await workflow.wait_condition(lambda: self.paid, timeout=wait)
        except TimeoutError:
            return False
        return True

    @workflow.signal
    def pay(self) -> None:
        """Notes that it is paid."""
        self.paid = True
