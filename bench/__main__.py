"""The bench: `make bench`, or `python -m bench`.

In: which sections run, at which size, over which database; the table, the file of results, the plot.
Not in: the measurements (sections.py).

    SIZE=small|full      full by default; small takes about two minutes and proves that everything runs
    ONLY=drain,...       some sections only
    DATABASE=postgresql  the ledger on a PostgreSQL server of its own, SQLite by default
    NAME=latest          the name of the files under bench/results

Every server is started by the bench and ends with it; settings of RELANCE_* and TEMPORAL_* are not heeded.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from bench.findings import Findings
from bench.ledgers import ledgers
from bench.results import machine, write
from bench.sections import SECTIONS
from bench.sizes import SIZES
from bench.stage import server_version, stage
from bench.table import lines
from config import logs
from config.settings import LogFormat
from domain.faults import InputRefused, RelanceError

Known = TypeVar("Known")


def say(sentence: str) -> None:
    """Tells the person at the terminal."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


async def main() -> None:
    """Measures what is asked for and writes it down."""
    size_name = os.environ.get("SIZE", "full")
    kind = os.environ.get("DATABASE", "sqlite")
    chosen = _chosen(os.environ.get("ONLY", ""))
    size = _named("SIZE", size_name, SIZES)
    found = Findings()
    with ledgers(kind) as ledger:
        async with stage() as probe:
            server = await server_version(probe.client)
        for name in chosen:
            say(f"\n{name}")
            more = await SECTIONS[name](size, ledger)
            found.add(more)
            for line in lines(more.rows):
                say(line)
    if len(chosen) > 1:
        say("\nthe whole table")
        for line in lines(found.rows):
            say(line)
    described = {"size": size_name, "ledger": kind, "machine": machine(server)}
    for path in write(os.environ.get("NAME", "latest"), described, found):
        say(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")


def _chosen(only: str) -> list[str]:
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        _named("ONLY", name, SECTIONS)
    return names or list(SECTIONS)


def _named(variable: str, name: str, known: Mapping[str, Known]) -> Known:
    if name not in known:
        remedy = f"write one of {', '.join(known)}"
        raise InputRefused(variable, name, remedy)
    return known[name]


def run() -> int:
    """Runs the bench and gives the exit code of the process."""
    logs.configure(LogFormat.JSON, "warning")
    try:
        asyncio.run(main())
    except RelanceError as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter may die while Temporal's threads still hold its lock (sdk-python issue 300).
    os._exit(code)
