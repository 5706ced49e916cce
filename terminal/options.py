"""The options that many commands share, so that they read the same everywhere.

In: their names, help texts and the reading of dates and amounts from the command line.
Not in: what the commands do with them.
"""

import getpass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

MACHINE = "relance.machine"


def _noted(context: typer.Context, machine: bool) -> bool:  # noqa: FBT001 - Typer's way of calling
    """Remembers early that a machine reads the answer, so that an error is JSON too."""
    context.find_root().meta[MACHINE] = machine
    return machine


def day(text: str) -> date:
    """Reads a date as 2026-03-31 or 31/03/2026."""
    try:
        if "/" in text:
            numbers = [int(part) for part in text.split("/")]
            return date(numbers[2], numbers[1], numbers[0])
        return date.fromisoformat(text)
    except (ValueError, IndexError):
        msg = f"{text!r} is not a date; write it as 2026-03-31 or 31/03/2026"
        raise typer.BadParameter(msg) from None


def amount(text: str) -> Decimal:
    """Reads an amount above zero with two decimals at most: 1234.56, or 1 234,56."""
    bare = "".join(text.split()).replace("\N{NARROW NO-BREAK SPACE}", "").replace("\N{NO-BREAK SPACE}", "")
    try:
        value = Decimal(bare.replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0 or value != round(value, 2):
        msg = f"{text!r} is not an amount; write it as 1234.56, above zero and with two decimals at most"
        raise typer.BadParameter(msg)
    return value.quantize(Decimal("0.01"))


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


class Speech(StrEnum):
    """Names the languages of the answers."""

    EN = "en"
    FR = "fr"


Machine = Annotated[
    bool,
    typer.Option("--json", callback=_noted, is_eager=True, help="Answer in JSON, for programs."),
]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The invoice's number.", show_default=False)]
OfCreditor = Annotated[
    str | None,
    typer.Option(
        "--creditor",
        metavar="ID",
        help="Who is owed; needed only where two share a number.",
        show_default=False,
    ),
]
Author = Annotated[
    str,
    typer.Option("--as", metavar="NAME", default_factory=_author, help="Who decides this; by default you."),
]
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why; it is kept in the record.", show_default=False),
]
Lang = Annotated[Speech, typer.Option("--lang", help="The language of the answer.")]
Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="JSON, NDJSON or CSV files.", show_default=False),
]


def day_option(name: str, text: str) -> typer.models.OptionInfo:
    """Makes an option that takes a date."""
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="DATE", parser=day, help=text, show_default=False
    )
    return option
