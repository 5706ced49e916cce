"""What the floor's runs are told and ask for: a life known from the start, and one send.

In: the models, the activity's name. Not in: the workflow (skeleton.py).

They stand apart from the workflow so that the sandbox lets them through: models built anew for every run
would make the floor lower than it need be.
"""

from temporalio import activity

from domain.actions import Wire
from domain.fact import Instant


class Leg(Wire):
    """States one step: when it is due, and whether anything is sent."""

    step: str
    at: Instant
    sends: bool = True


class Journey(Wire):
    """States a whole life, known from the start."""

    number: str
    legs: tuple[Leg, ...]


class Errand(Wire):
    """Asks for one send."""

    number: str
    step: str
    sends: bool
    as_of: Instant


class Done(Wire):
    """Says that a step was done."""

    step: str
    outcome: str


class Courier:
    """Stands for the one activity; floor.py does the sending."""

    @activity.defn(name="Courier.carry")
    async def carry(self, errand: Errand) -> Done:
        """Sends one message."""
        raise NotImplementedError
