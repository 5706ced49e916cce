"""What a dunning run is told and what it tells: where it begins, wake-ups, its state, its end.

In: the models of the run's input, signals, query and result.
Not in: what it asks of the world (ports.py). They lie in a module of their own because the sandbox makes
the module of a workflow anew for every run, and models with it.
"""

from domain.actions import CaseRef, Ending, NextAction, Wire
from workflows.ports import PaymentNote


class Told(Wire):
    """Recalls one thing that happened to a case, without any personal data."""

    at: str
    what: str


class DunningRun(Wire):
    """States where a run begins: with a new case, or with one that carries on."""

    case: CaseRef
    revision: int
    next: NextAction
    story: tuple[Told, ...] = ()
    reports: tuple[PaymentNote, ...] = ()
    reported: int = 0


class Wake(Wire):
    """Tells a run that the facts have changed; with a plan, or bare to make it ask for one."""

    revision: int = 0
    next: NextAction | None = None


class CaseState(Wire):
    """Shows where a case stands."""

    case: CaseRef
    revision: int
    next: NextAction
    story: tuple[Told, ...]


class CaseEnded(Wire):
    """Says how a case ended, as of which revision of its account."""

    ending: Ending | None
    revision: int
