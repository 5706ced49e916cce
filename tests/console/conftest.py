"""What browser tests share: the stage."""

from tests.console.stage import stage

__all__ = ["stage"]
