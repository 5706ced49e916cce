"""Lists narrowed by their address: filters, the order, the page; what is shown can be shared as a link.

In: reading the filters of an address, links that change one of them.
Not in: what the filters mean (ledger/views/), what a list shows (pages/).

A filter that cannot be read is said beside its field, and nothing is listed: what is done to a list must
never be done to more than was meant.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from console.forms import sentence_of

PER_PAGE = 50
FURTHEST = 100_000

Wanted = TypeVar("Wanted", bound=BaseModel)


class Narrowed(Generic[Wanted]):
    """Holds what an address asks of a list: filters, sort, page, and what is wrong with them."""

    def __init__(self, path: str, typed: Mapping[str, str], model: type[Wanted], sort: str) -> None:
        """Reads the fields of an address; `sort` is the order where none is asked for."""
        self.path = path
        self.typed = {name: value.strip() for name, value in typed.items() if value.strip()}
        self.sort = self.typed.get("sort", sort)
        page = self.typed.get("page", "1")
        self.page = max(1, min(int(page), FURTHEST)) if page.isdecimal() and page.isascii() else 1
        self.mistakes: dict[str, str] = {}
        self.sought: Wanted | None = None
        known = {name: value for name, value in self.typed.items() if name in model.model_fields}
        try:
            self.sought = model.model_validate(known)
        except ValidationError as refused:
            self.mistakes = {str(one["loc"][0]): sentence_of(one) for one in refused.errors()}
        self.filters = {name: value for name, value in known.items() if name not in self.mistakes}

    @property
    def offset(self) -> int:
        """Tells how many rows lie before the page."""
        return (self.page - 1) * PER_PAGE

    @property
    def query(self) -> str:
        """Writes the filters and the order, to give them on."""
        return urlencode(self.filters | {"sort": self.sort})

    def link(self, to: str | None = None, **changes: str) -> str:
        """Gives the address with some fields changed; an empty one is left out. The page begins anew."""
        fields = {name: value for name, value in self.typed.items() if name != "page"} | changes
        # An address without any field would show what is usual, not everything.
        kept = {name: value for name, value in fields.items() if value} or {"state": ""}
        return f"{to or self.path}?{urlencode(kept)}"

    def uses(self, *names: str) -> bool:
        """Tells whether one of some fields is filled in."""
        return any(name in self.typed for name in names)

    def by(self, column: str) -> str:
        """Gives the address that sorts by a column, or by the same one the other way."""
        return self.link(sort=f"-{column}" if self.sort == column else column)

    def sorted(self, column: str) -> str:
        """Says how a column is sorted, as aria-sort does."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "none")
