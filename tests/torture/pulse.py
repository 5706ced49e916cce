"""The pulse: how many accounts this machine can let live at a time.

In: the idle share of its processors, how long a step takes, the number that follows from both.
Not in: the accounts (walker.py).

Accounts wait for servers more than they work, so that many are needed to make use of a machine; but one
that is asked for too much lets every attempt run into its timeout, and gets nothing done.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

TIRED = 12.0
"""Seconds of real time that a step takes where the machine is asked for too much."""

IDLE, BUSY = 0.2, 0.05
"""Shares of idle time above which there may be more accounts, below which there may have to be fewer."""

FEWEST, MOST = 16, 80
EVERY = 2.0


@dataclass
class Pulse:
    """Feels the machine, and says how many accounts may live at a time."""

    accounts: int = 24
    seconds: float = 3.0
    closing: bool = False
    """Whether what remains is to be paid, so that every life ends now."""

    def feel(self, seconds: float) -> None:
        """Takes the time that one step took into account."""
        self.seconds = 0.95 * self.seconds + 0.05 * seconds

    async def run(self) -> None:
        """Adjusts the number until cancelled; it stays as it is where the machine cannot be felt."""
        idle, total = _ticks()
        while total:
            await asyncio.sleep(EVERY)
            (was, before), (idle, total) = (idle, total), _ticks()
            share = (idle - was) / max(1, total - before)
            if share > IDLE:
                self.accounts = min(self.accounts + 2, MOST)
            elif share < BUSY and self.seconds > TIRED:
                self.accounts = max(self.accounts - 1, FEWEST)


def _ticks() -> tuple[int, int]:
    """Reads the idle and the total time of all processors; (0, 0) where there is no /proc."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split()[1:9]]
    except OSError:
        return 0, 0
    return fields[3] + fields[4], sum(fields)
