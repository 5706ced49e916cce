"""Whether what Relance needs can be reached: the mail server, Temporal, a worker that asks for work.

In: one quick look at each, which changes nothing. Not in: the database (ledger/database.py).
"""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from config.sections import Smtp
from domain.faults import Unavailable

POLLED_WITHIN = timedelta(minutes=2)
"""A worker asks for work at least once in this time, even where there is none."""


async def mail(smtp: Smtp, patience: float) -> str | None:
    """Tells why the mail server does not answer within some seconds; only a connection is made."""
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(smtp.host, smtp.port)
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        return (
            f"no mail server answers at {smtp.host}:{smtp.port}: start it, or set RELANCE_SMTP__HOST, __PORT"
        )
    return None


async def worker(client: Client, queue: str, patience: float) -> datetime | None:
    """Tells when a worker last asked for work; None where none has lately. Raises Unavailable."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        answer = await client.workflow_service.describe_task_queue(
            request, timeout=timedelta(seconds=patience)
        )
    except RPCError as fault:
        msg = f"Temporal does not say who asks for work ({fault.status.name.lower()})"
        raise Unavailable(msg) from fault
    return max((one.last_access_time.ToDatetime(tzinfo=UTC) for one in answer.pollers), default=None)
