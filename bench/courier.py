"""The worker of the floor: one activity that hands a fixed e-mail over, and nothing else.

In: the process, its one activity. Not in: a database, a claim, rendering; the workflow (skeleton.py).

    python -m bench.courier ADDRESS PORT|stub

It prints a line once it works. With a port it hands over to the mail server there, one connection a
message; with `stub` it sends nothing.
"""

import asyncio
import signal
import sys
from datetime import timedelta

import aiosmtplib
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.journey import Courier, Done, Errand
from bench.skeleton import Skeleton
from trial.servers import LOCAL

QUEUE = "floor"
LENGTH = 14_000
"""Bytes of the e-mail: about those of a reminder with its payment code."""

CACHED = 5000
AT_ONCE = 50
THROUGH = ("domain", "bench.journey")
"""Modules that pass through the sandbox, as Relance's own do."""


def letter(name: str) -> bytes:
    """Gives the e-mail's bytes; only its Message-ID is its own."""
    head = (
        "From: compta@acme.example\r\nTo: factures@dubois.example\r\nSubject: Facture\r\n"
        f"Message-ID: <{name}@acme.example>\r\nContent-Type: text/plain\r\n\r\n"
    )
    line = "x" * 76 + "\r\n"
    return head.encode() + (line * (LENGTH // len(line))).encode()


class Postman(Courier):
    """Hands the e-mail over, or does nothing at all."""

    def __init__(self, port: int | None) -> None:
        """Takes the port of the mail server; None sends nothing."""
        self._port = port

    @activity.defn(name="Courier.carry")
    async def carry(self, errand: Errand) -> Done:
        """Sends one message."""
        if errand.sends and self._port is not None:
            await aiosmtplib.send(
                letter(f"{errand.number}.{errand.step}"),
                sender="compta@acme.example",
                recipients=["factures@dubois.example"],
                hostname=LOCAL,
                port=self._port,
                start_tls=False,
            )
        return Done(step=errand.step, outcome="sent" if errand.sends else "done")


async def main(address: str, mailbox: str) -> None:
    """Works until it is told to stop."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    port = None if mailbox == "stub" else int(mailbox)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Skeleton],
        activities=[Postman(port).carry],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*THROUGH)
        ),
        max_cached_workflows=CACHED,
        max_concurrent_activities=AT_ONCE,
        graceful_shutdown_timeout=timedelta(seconds=25),
    )
    async with worker:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
