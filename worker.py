"""The worker: the durable side of Relance as one process.

In: putting the rooms together, health, graceful shutdown.
Not in: the command line (starter.py), servers for a trial (standalone.py).

It connects as the environment says (TEMPORAL_* or a profile file, RELANCE_* or relance.toml), delivers
the outbox, and works until SIGTERM or SIGINT: then it takes nothing new, finishes what is being handed
over, and leaves. `GET /health` answers 200 while the database answers and the worker polls.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog

from activities.assembly import Hands, assemble
from activities.courier import HttpCourier, courier_worker
from activities.deployment import without_work
from activities.links import links_of
from config import logs
from config.catalogue import load_policies
from config.settings import Settings, load
from correspondence.postbook import PostBook
from correspondence.wording import Wording
from domain.faults import RelanceError
from intake import batches
from intake.announcing import Announcer
from intake.door import Door
from intake.mailbox.imap import ImapMailbox
from intake.mailbox.watching import keep_looking
from intake.noticing import keep_noticing
from intake.reconciling import Reconciler, refuse_if_ahead
from intake.relay import Relay
from intake.resuming import keep_resuming
from intake.temporal import connect
from ledger.database import Database

log = structlog.get_logger("worker")


async def main() -> None:
    """Works until told to stop; raises a RelanceError where it cannot begin."""
    settings = load()
    logs.configure(settings.log_format, settings.log_level)
    wording = Wording.load(settings.folders.wording, links_of(settings))
    policies = load_policies(settings.folders.policies)
    for policy in policies.values():
        wording.check(policy)
    client = await connect(runtime=logs.telemetry(settings))
    async with await Database.open(settings.database_url) as database:
        await database.migrate()
        book, now = PostBook(settings.folders.evidence), datetime.now(UTC)
        await refuse_if_ahead(database, book, now)
        await Reconciler(database, book, "relance", now, now).complete()
        worker = assemble(
            client, settings, Hands.of(settings, database, wording), interceptors=(logs.LogContext(),)
        )
        courier = HttpCourier(database, private=settings.webhooks.private)
        deliveries = courier_worker(client, settings, courier, interceptors=(logs.LogContext(),))
        relay = Relay(database, client, settings.task_queue)
        stop = _told_to_stop()

        async def healthy() -> bool:
            async with database.reading():
                return worker.is_running and deliveries.is_running

        async with worker, deliveries, _health(settings, healthy):
            log.info("worker_started", task_queue=settings.task_queue, namespace=client.namespace)
            idle = await without_work(client, settings)
            if idle is not None:
                log.warning("worker_without_work", reason=idle)
            await asyncio.gather(
                relay.run(stop),
                keep_resuming(database, stop),
                keep_noticing(database, stop),
                batches.keep_working(Door(database, policies), stop),
                Announcer(database, client, settings.task_queue).run(stop),
                *_watching(settings, database, stop),
            )
            log.info("worker_stopping")
    log.info("worker_stopped")


def _watching(settings: Settings, database: Database, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    """Reads what comes back by e-mail, where the settings name a mailbox."""
    if settings.imap.host is None:
        return []
    return [keep_looking(ImapMailbox(settings.imap), database, stop, settings.imap.every_seconds)]


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _health(settings: Settings, healthy: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Answers health checks over HTTP while the block runs, where the settings give an address."""
    if settings.health_bind is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        try:
            well = await asyncio.wait_for(healthy(), 5)
        except (RelanceError, TimeoutError):
            well = False
        body = b"ok\n" if well else b"not ready\n"
        status = b"200 OK" if well else b"503 Service Unavailable"
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        writer.write(head % (status, len(body)) + body)
        await writer.drain()
        writer.close()

    host, _, port = settings.health_bind.rpartition(":")
    async with await asyncio.start_server(answer, host, int(port)):
        yield


def run() -> int:
    """Runs the worker and gives the exit code of the process."""
    try:
        asyncio.run(main())
    except RelanceError as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


if __name__ == "__main__":
    code = run()
    # The interpreter may die while Temporal's threads still hold its lock (sdk-python issue 300).
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
