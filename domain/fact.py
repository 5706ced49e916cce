"""The base of every fact, and the few types that facts are made of.

In: the frozen model, money amounts, currency codes, identifiers, aware instants.
Not in: any particular fact (receivable.py, policy.py, agreements.py, events.py).
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


class Fact(BaseModel):
    """States something that does not change: a frozen model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _exact(value: Any) -> Any:
    """Refuses the binary numbers that cannot hold money exactly."""
    if isinstance(value, bool | int | float):
        msg = f'write the amount as a string such as "{value:.2f}": a JSON number is not exact money'
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError, not TypeError, into a field error
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(max_digits=14, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]
"""An amount of money in units of its currency, two decimals at most; a string in JSON."""

PositiveAmount = Annotated[Amount, Field(gt=0)]
"""An amount above zero."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code; which codes are taken in is decided by intake."""

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._/#-]{0,62}[A-Za-z0-9])?$")]
"""An opaque or public identifier (creditor, debtor, invoice number): it appears in workflow ids."""

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""An ISO 3166-1 alpha-2 code."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
"""An ISO 639-1 code."""

Instant = AwareDatetime
"""A moment with its offset; naive times are refused."""


def cents(amount: Decimal) -> Decimal:
    """Rounds an amount half up to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)
