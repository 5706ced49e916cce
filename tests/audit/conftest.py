"""What the tests of the auditor share: a house with a record made by the real rooms, and a forger of it."""

import pytest_asyncio

from tests.audit.forging import Forger
from tests.gate.conftest import catalogue, house, settings, sink, wording
from tests.gate.house import House

__all__ = ["catalogue", "house", "settings", "sink", "wording"]


@pytest_asyncio.fixture(loop_scope="session")
async def forger(house: House) -> Forger:
    """Gives a house whose first reminder has left, and somebody who tampers with it."""
    await house.register()
    await house.bill("F-1")
    await house.knock()
    forger = Forger(house)
    forger.later(days=10)
    return forger
