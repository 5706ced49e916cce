"""The other way: a plain nightly script over the same ledger.

In: a loop over due invoices that sends each by SMTP and commits that it was sent, as a process.
Not in: anything that would keep it from sending twice after a crash: such scripts have nothing.

    python -m bench.scan URL PORT DAY

URL is the ledger's, DAY the day on which the reminders are due. It prints how many it sent and the seconds
that took, by the clock and of processor time.
"""

import asyncio
import sqlite3
import sys
import time
from datetime import date
from smtplib import SMTP

import asyncpg  # type: ignore[import-untyped]

from bench.courier import letter
from trial.servers import LOCAL

DUE = (
    "SELECT number FROM invoices WHERE ending IS NULL AND due_date <= {day} "
    "AND number NOT IN (SELECT number FROM scanned) ORDER BY number"
)
TABLE = "CREATE TABLE IF NOT EXISTS scanned (number VARCHAR(64) PRIMARY KEY, at DOUBLE PRECISION)"


def send(port: int, number: str) -> None:
    """Sends one reminder on a connection of its own."""
    with SMTP(LOCAL, port) as smtp:
        smtp.sendmail("compta@acme.example", ["factures@dubois.example"], letter(f"{number}.scan"))


def over_sqlite(path: str, port: int, day: str) -> tuple[int, float]:
    """Scans a SQLite ledger."""
    ledger = sqlite3.connect(path)
    ledger.execute(TABLE)
    ledger.commit()
    began = time.perf_counter()
    due = ledger.execute(DUE.format(day="?"), (day,)).fetchall()
    for (number,) in due:
        send(port, number)
        ledger.execute("INSERT INTO scanned VALUES (?, ?)", (number, time.time()))
        ledger.commit()
    return len(due), time.perf_counter() - began


async def over_postgresql(url: str, port: int, day: str) -> tuple[int, float]:
    """Scans a PostgreSQL ledger."""
    ledger = await asyncpg.connect(url.replace("+asyncpg", ""))
    await ledger.execute(TABLE)
    began = time.perf_counter()
    due = await ledger.fetch(DUE.format(day="$1"), date.fromisoformat(day))
    for (number,) in due:
        send(port, number)
        await ledger.execute("INSERT INTO scanned VALUES ($1, $2)", number, time.time())
    return len(due), time.perf_counter() - began


def main(url: str, port: int, day: str) -> None:
    """Scans once and says what it took."""
    if url.startswith("sqlite"):
        sent, seconds = over_sqlite(url.partition(":///")[2], port, day)
    else:
        sent, seconds = asyncio.run(over_postgresql(url, port, day))
    cpu = time.process_time()
    sys.stdout.write(f"{sent} {seconds:.6f} {cpu:.6f}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
