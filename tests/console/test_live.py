"""The live stream: who made a page at one beat hears of every later one.

In: the pulse on a real record. Not in: what windows do with it (test_morning.py).
"""

from collections.abc import AsyncIterator

from config.catalogue import load_policies
from config.sections import Folders
from console.live import Pulse
from domain.events import CreditorRegistered, DebtorRegistered
from intake.door import Door
from ledger.database import Database
from tests.domain import build


async def _first(heard: AsyncIterator[bool]) -> bool:
    return await anext(heard)


async def test_what_changed_before_one_listened_is_told(database: Database) -> None:
    """A fact written after a page was made and before its window listens is not lost."""
    door, pulse = Door(database, load_policies(Folders().policies)), Pulse(database)
    owner = build.creditor(policy="seed")
    await door.admit(CreditorRegistered(creditor=owner), now=build.at("2026-03-02"))
    before = pulse.beats(pulse.beat)
    assert await _first(before) is True  # the first of all listeners hears at once
    made = pulse.beat
    await door.admit(DebtorRegistered(debtor=build.debtor()), now=build.at("2026-03-02"))
    assert await _first(before) is True
    late = pulse.beats(made)
    assert await _first(late) is True
    assert pulse.beat == made + 1
