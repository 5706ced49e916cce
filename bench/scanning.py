"""The plain nightly scan, measured over a ledger that Relance has filled.

In: the measurement. Not in: the script itself (scan.py), the table (table.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from bench import portfolio
from bench.processes import Meter, environment, first_line, program
from bench.relance import Relance
from domain.faults import Unavailable


@dataclass(frozen=True)
class Scanned:
    """States how fast the script sent, and the processor time of one reminder."""

    per_second: float
    cpu_ms: float


async def scan(arm: Relance, count: int) -> Scanned:
    """Lets the script remind of so many invoices on the day they are due."""
    stage = arm.stage
    await arm.prepare(count)
    day = datetime.now(UTC).date() + portfolio.DUE_IN
    log = stage.folder / "scan.log"
    command = ("-m", "bench.scan", arm.url, str(stage.port), day.isoformat())
    meter = Meter(mailbox=stage.mailbox)
    async with program(*command, env=environment(), folder=stage.folder, log=log) as script:
        said = (await first_line(script, log, seconds=600)).split()
    sent, seconds, cpu = int(said[0]), float(said[1]), float(said[2])
    if sent != count or len(stage.arrivals()) != count:
        msg = f"the scan sent {sent} of {count} reminders, {len(stage.arrivals())} arrived"
        raise Unavailable(msg)
    return Scanned(sent / seconds, 1000 * (cpu + meter.read().cpu["mailbox"]) / sent)
