"""The base of every fact, and the few types that facts are made of.

In: the frozen model, money amounts, currency codes, identifiers, aware instants.
Not in: any particular fact (receivable.py, policy.py, agreements.py, events.py).
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
PLAIN = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
FILE_NAME = re.compile(r"[^/\\:\x00-\x1f]{5,120}")


class Fact(BaseModel):
    """States something that does not change: a frozen model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _exact(value: Any) -> Any:
    """Refuses the binary numbers that cannot hold money exactly, and spellings that people misread."""
    if isinstance(value, bool | int | float):
        msg = 'write the amount as a string such as "1250.00": a JSON number is not exact money'
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError, not TypeError, into a field error
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        msg = 'write the amount with digits and a decimal point alone, such as "1250.00"'
        raise ValueError(msg)
    return value


def _plain_name(name: str) -> str:
    """Refuses a document that is not a PDF lying in the documents folder itself."""
    if not name.lower().endswith(".pdf") or name.startswith(".") or not FILE_NAME.fullmatch(name):
        msg = "name a PDF that lies in the documents folder, such as FA-2026-001.pdf, without any path"
        raise ValueError(msg)
    return name


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

DocumentName = Annotated[str, AfterValidator(_plain_name)]
"""The name of a PDF in the documents folder; never a path, because what it names is sent to debtors."""

Instant = AwareDatetime
"""A moment with its offset; naive times are refused."""


def cents(amount: Decimal) -> Decimal:
    """Rounds an amount half up to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)
