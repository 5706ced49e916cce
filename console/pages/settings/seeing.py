"""Whose invoices somebody or something may know: all creditors', or only some.

In: the part of forms that says so, and who may say it. Not in: what it is said of (people.py, keys.py).
"""

from typing import Literal

from console.forms import Form, Mistakes
from console.seats import Seat


class Seeing(Form):
    """States whose invoices may be known; `sees` says whether `creditors` bounds them."""

    sees: Literal["all", "some"]
    creditors: tuple[str, ...] = ()

    def bounds(self) -> tuple[str, ...] | None:
        """Gives the creditors, None for all of them; raises Mistakes where none is named."""
        if self.sees == "all":
            return None
        if not self.creditors:
            raise Mistakes({"creditors": "name at least one creditor, or all of them"}, {})
        return self.creditors

    def bounds_for(self, seat: Seat) -> tuple[str, ...] | None:
        """Gives the creditors as far as the person may give them away; raises Mistakes."""
        bounds = self.bounds()
        if not within(seat, bounds):
            raise Mistakes({"creditors": "name only creditors that you see yourself"}, {})
        return bounds


def within(seat: Seat, bounds: tuple[str, ...] | None) -> bool:
    """Tells whether what is bounded so lies within what the person may see."""
    return seat.creditors is None or (bounds is not None and set(bounds) <= set(seat.creditors))
