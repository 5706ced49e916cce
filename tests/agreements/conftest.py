"""What the tests of agreements share: the fixtures of the rooms that agreements pass through."""

from tests.gate.conftest import catalogue, house, settings, sink, wording
from tests.intake.conftest import porter
from tests.ledger.conftest import clerk
from tests.terminal.conftest import kept, loaded, terminal

__all__ = [
    "catalogue",
    "clerk",
    "house",
    "kept",
    "loaded",
    "porter",
    "settings",
    "sink",
    "terminal",
    "wording",
]
