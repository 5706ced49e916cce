"""Whole lives without a fault, judged by the auditor: what the rules let happen, it finds right."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.auditing import audit
from audit.mailbox import audit_mailbox
from tests.gate.house import House
from tests.torture.quiet import Life
from tests.torture.stories import tell

BEGUN = datetime(2026, 11, 23, 9, tzinfo=UTC)
LIVES = 12


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", [1])
async def test_whole_lives(house: House, tmp_path: Path, seed: int) -> None:
    """Whatever is billed, agreed, contested, paid by a bank and steered: nothing that was done was wrong."""
    last = BEGUN
    for place in range(LIVES):
        life = Life(house, tell(seed, f"d{place:05d}"), tmp_path, BEGUN)
        try:
            await life.live()
        finally:
            last = max(last, life.now)
            flaws = await life.deeds.flaws()
        while await house.errands():
            pass
        report = await audit(house.database, now=last + timedelta(days=2), all_closed=True)
        found = [one for one in report.findings if one.debtor in {None, life.story.debtor.id}]
        assert (found, flaws) == ([], []), "\n".join(life.told)
    received = ((str(one.message["Message-ID"]), one.content) for one in house.sink.received)
    assert (await audit_mailbox(house.database, received, now=last)).clean
