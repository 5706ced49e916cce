"""A command line with a record, as the tests of the terminal have it."""

from tests.terminal.conftest import kept, loaded, terminal

__all__ = ["kept", "loaded", "terminal"]
