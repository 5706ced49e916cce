"""The sections of the bench: each measures all arms, one after the other, and gives its rows.

In: which arms, in which order, and what becomes a row.
Not in: the measurements (lifecycles.py, drain.py, payments.py...), the table (table.py).

The arms take turns on stages of their own, so that what else the machine does weighs on all alike.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median

from bench.console import serve_crowd
from bench.drain import Drain, drain
from bench.findings import Findings
from bench.floor import Floor
from bench.ledgers import NewLedger
from bench.lifecycles import Kept, Lives, live
from bench.opening import open_cases, start_bare
from bench.payments import Paid, pay
from bench.population import populate
from bench.portfolio import SENDS
from bench.relance import Relance
from bench.scanning import scan
from bench.sizes import Size
from bench.stage import stage
from bench.statements import import_statement
from bench.table import LESS, Row

KIB = 1024
CURVE = 50
"""Points of the curve of a drain."""


Section = Callable[[Size, NewLedger], Awaitable[Findings]]


@asynccontextmanager
async def _relance(ledger: NewLedger) -> AsyncIterator[Relance]:
    async with stage() as set_up, Relance.open(set_up, await ledger()) as arm:
        yield arm


@asynccontextmanager
async def _floor(*, stub: bool = False) -> AsyncIterator[Floor]:
    async with stage() as set_up:
        yield Floor(set_up, stub=stub)


async def starts(size: Size, ledger: NewLedger) -> Findings:
    """Measures new invoices: through the door, and the bare start of their runs."""
    async with _floor() as floor:
        bare = await start_bare(floor, size.starts)
    async with _relance(ledger) as relance:
        ours = await open_cases(relance, size.starts)
    return Findings(
        [
            Row("starts", "events through the door", "/s", ours.events_per_second),
            Row("starts", "events through the door, CPU each", "ms", ours.event_cpu_ms, better=LESS),
            Row("starts", "runs started from the outbox", "/s", ours.starts_per_second, bare),
            Row("starts", "ledger of an open invoice", "KiB", ours.ledger_bytes / KIB, better=LESS),
        ]
    )


async def lifecycles(size: Size, ledger: NewLedger) -> Findings:
    """Measures whole lives, their costs, their histories, and the audit of what they leave."""
    ours: list[Lives] = []
    bare: list[Lives] = []
    stubbed: list[Lives] = []
    kept: list[Kept] = []
    for _ in range(size.rounds):
        async with _floor() as floor:
            bare.append(await live(floor, size.lives))
        async with _relance(ledger) as relance:
            ours.append(await live(relance, size.lives))
            kept.append(await Kept.of(relance, size.lives))
        async with _floor(stub=True) as floor:
            stubbed.append(await live(floor, size.lives, sends=0))
    seconds = 1000 * kept[-1].audit_seconds
    rows = _rates(ours, bare, stubbed)
    rows += [
        _costs("all processes", ours, bare, stubbed),
        _costs("worker", ours, bare, stubbed),
        _costs("server", ours, bare, stubbed),
        _row("history of a life", "events", [ours, bare], lambda life: life.history.events),
        _row("history of a life", "bytes", [ours, bare], lambda life: life.history.size),
        _row("Temporal's file, a life", "KiB", [ours, bare], lambda life: life.temporal_bytes / KIB),
        Row("lifecycles", "ledger, a life", "KiB", kept[-1].ledger_bytes / KIB, better=LESS),
        Row("lifecycles", "evidence, a life", "KiB", kept[-1].evidence_bytes / KIB, better=LESS),
        Row("lifecycles", "audit, a thousand lives", "s", seconds, better=LESS),
    ]
    return Findings(rows)


def _rates(*arms: list[Lives]) -> list[Row]:
    rates = [median(life.per_second for life in lives) for lives in arms]
    capacity = [median(1000 / life.cpu_ms() for life in lives) for lives in arms]
    return [
        Row("lifecycles", "whole lifecycles", "/s", *rates),
        Row("lifecycles", "whole lifecycles, by processor time", "/core s", *capacity),
        Row("lifecycles", "reminders", "/s", *(SENDS * rate for rate in rates)),
    ]


def _row(figure: str, unit: str, arms: list[list[Lives]], of: Callable[[Lives], float]) -> Row:
    return Row(
        "lifecycles", figure, unit, *(median(of(life) for life in lives) for lives in arms), better=LESS
    )


def _costs(process: str, *arms: list[Lives]) -> Row:
    names = () if process == "all processes" else (process,)
    return _row(f"CPU of a life, {process}", "ms", list(arms), lambda life: life.cpu_ms(*names))


async def spike(size: Size, ledger: NewLedger) -> Findings:
    """Measures steps that fall due in the same second, with the worker up and after an outage."""
    found = Findings()
    for outage in (False, True):
        async with _floor() as floor:
            bare = await drain(floor, size.spike, outage=outage)
        async with _relance(ledger) as relance:
            ours = await drain(relance, size.spike, outage=outage)
        found.rows += _drained(f"{size.spike} due at once{', after an outage' if outage else ''}", ours, bare)
        suffix = ", after an outage" if outage else ""
        for name, drained in ((Relance.name, ours), (Floor.name, bare)):
            found.curves[f"{name}{suffix}"] = [drained.within(part / CURVE) for part in range(1, CURVE + 1)]
    return found


def _drained(what: str, ours: Drain, bare: Drain) -> list[Row]:
    def cpu(one: Drain) -> float:
        return 1000 * one.spent.total / len(one.waits)

    return [
        Row("drain", f"{what}: sent", "/s", ours.per_second, bare.per_second),
        Row("drain", f"{what}: p50", "s", ours.within(0.5), bare.within(0.5), better=LESS),
        Row("drain", f"{what}: p99", "s", ours.within(0.99), bare.within(0.99), better=LESS),
        Row("drain", f"{what}: CPU each", "ms", cpu(ours), cpu(bare), better=LESS),
    ]


async def mark_paid(size: Size, ledger: NewLedger) -> Findings:
    """Measures payments from one import, until the last run has ended."""
    async with _floor() as floor:
        bare = await pay(floor, size.payments)
    async with _relance(ledger) as relance:
        ours = await pay(relance, size.payments)

    def told(paid: Paid) -> float:
        return paid.count / paid.told

    return Findings(
        [
            Row("payments", f"{size.payments} payments, written and signalled", "/s", told(ours), told(bare)),
            Row("payments", "until the last run has ended", "/s", ours.per_second, bare.per_second),
        ]
    )


async def statements(size: Size, ledger: NewLedger) -> Findings:
    """Measures a bank statement, from the file until the last run has been woken."""
    async with _relance(ledger) as relance:
        done = await import_statement(relance, size.statements)
    entries = f"{done.count} entries, read, matched, booked, wake-ups written"
    return Findings(
        [
            Row("statements", entries, "s", done.wall, better=LESS),
            Row("statements", "until the last run has been woken", "s", done.told, better=LESS),
            Row("statements", "entries of a statement", "/s", done.count / done.wall),
            Row("statements", "CPU of an entry", "ms", 1000 * done.cpu / done.count, better=LESS),
            Row(
                "statements", f"memory for {done.count} entries", "MiB", done.memory / KIB / KIB, better=LESS
            ),
        ]
    )


async def population(size: Size, ledger: NewLedger) -> Findings:
    """Measures what sleeping invoices take."""
    async with _relance(ledger) as relance:
        grown = await populate(relance, size.populations)
    rows: list[Row] = []
    for one in grown:
        name = f"{one.count} open"
        rows += [
            Row(
                "population", f"{name}: server memory each", "KiB", one.server / one.count / KIB, better=LESS
            ),
            Row(
                "population", f"{name}: worker memory each", "KiB", one.worker / one.count / KIB, better=LESS
            ),
            Row("population", f"{name}: worker CPU of a start", "ms", one.start_cpu_ms, better=LESS),
            Row("population", f"{name}: worker memory", "MiB", one.worker / KIB / KIB, better=LESS),
            Row(
                "population",
                f"{name}: Temporal's file each",
                "KiB",
                one.temporal / one.count / KIB,
                better=LESS,
            ),
        ]
    return Findings(rows)


async def nightly(size: Size, ledger: NewLedger) -> Findings:
    """Measures the plain scan over the same ledger, beside the reminders of a spike of the same size."""
    async with _relance(ledger) as relance:
        scanned = await scan(relance, size.scanned)
    return Findings(
        [
            Row("scan", "reminders", "/s", scan=scanned.per_second),
            Row("scan", "CPU of a reminder, script and mailbox", "ms", scan=scanned.cpu_ms, better=LESS),
        ]
    )


async def console(size: Size, ledger: NewLedger) -> Findings:
    """Measures the console under people and programs at once; fails where one request did."""
    crowd = size.crowd
    async with _relance(ledger) as relance:
        load = await serve_crowd(relance, crowd)
    rows = [
        Row("console", f"events accepted, of {crowd.events_per_second} sent", "/s", load.events_per_second),
        Row("console", "events taken in, until the last", "/s", load.taken_per_second),
        Row("console", "large batches worked off after the last event", "s", load.behind, better=LESS),
        Row("console", f"requests of {crowd.operators} people and of events", "/s", load.requests_per_second),
        Row("console", "errors", "requests", float(load.waits.errors.total()), better=LESS),
    ]
    for kind in load.waits.seconds:
        rows += [
            Row("console", f"{kind}: {name}", "ms", load.waits.within(kind, part), better=LESS)
            for name, part in (("p50", 0.5), ("p99", 0.99))
        ]
    rows.append(Row("console", "console: memory at most", "MiB", load.memory / KIB / KIB, better=LESS))
    rows += [
        Row("console", f"{process}: processors busy", "cores", cpu / load.spent.wall, better=LESS)
        for process, cpu in load.spent.cpu.items()
    ]
    return Findings(rows)


SECTIONS: dict[str, Section] = {
    "starts": starts,
    "lifecycles": lifecycles,
    "drain": spike,
    "payments": mark_paid,
    "statements": statements,
    "population": population,
    "scan": nightly,
    "console": console,
}
