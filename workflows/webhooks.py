"""One piece of news on its way to one endpoint, as a run: one activity, tried again for three days.

In: what it asks of the world, how often it is tried, how it ended, by ids alone.
Not in: what is said to whom (intake/announcing.py), and the call itself (activities/courier.py).
"""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from domain.actions import Wire

CALLING = timedelta(seconds=60)
AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=5), backoff_coefficient=2, maximum_interval=timedelta(hours=6)
)
ATTEMPTS = 24
"""The last attempt: with these intervals it comes after about three days."""


def webhook_queue(task_queue: str) -> str:
    """Names the queue of deliveries: a silent endpoint takes no place from those who remind."""
    return f"{task_queue}-webhooks"


class DeliveryOrder(Wire):
    """Names a delivery, and how often people have asked for it again."""

    delivery: str
    round: int = 0


class DeliveryEnd(Wire):
    """Says how a delivery ended: delivered, given up, or asked for again meanwhile."""

    how: str
    attempts: int


class Courier:
    """Takes news to endpoints."""

    @activity.defn(name="Courier.deliver")
    async def deliver(self, order: DeliveryOrder) -> DeliveryEnd:
        """Sends a delivery once; raises where it is to be tried again."""
        raise NotImplementedError


@workflow.defn(name="WebhookDelivery")
class WebhookDelivery:
    """Delivers one piece of news; an endpoint that never answers is its result, not its failure."""

    @workflow.run
    async def run(self, order: DeliveryOrder) -> DeliveryEnd:
        """Has it delivered."""
        return await workflow.execute_activity_method(
            Courier.deliver,
            order,
            start_to_close_timeout=CALLING,
            retry_policy=AGAIN,
            summary="news for an endpoint",
        )
