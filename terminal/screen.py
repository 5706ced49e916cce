"""What a command answers: readable for people, one JSON document for machines.

In: standard output, warnings, errors, tables, and the cleaning of texts from outside.
Not in: logs (standard error, config/logs.py), and what is said (the modules of the commands).
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from correspondence.formats import one_line
from domain.faults import InputRefused, RelanceError
from domain.policy import Tone

PLAIN_WIDTH = 140
"""How wide tables are where no terminal says otherwise, in characters."""

View = Callable[[Console], None]
"""Shows an answer to a person."""


def console(*, error: bool = False) -> Console:
    """Opens the terminal; without one, lines are wide enough not to cut a table."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def give(document: Mapping[str, Any] | list[Any], view: View, *, machine: bool) -> None:
    """Gives the answer of a command: the document to a machine, the view to a person."""
    if machine:
        sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False, indent=2) + "\n")
    else:
        view(console())


def say(*sentences: str) -> View:
    """Makes a view of plain sentences."""

    def view(screen: Console) -> None:
        for sentence in sentences:
            screen.print(clean(sentence), soft_wrap=True)

    return view


def warn(sentence: str) -> None:
    """Warns on standard error; the command goes on."""
    console(error=True).print(clean(f"warning: {sentence}"), style="yellow", soft_wrap=True)


def complain(fault: RelanceError, *, machine: bool) -> None:
    """Says what went wrong in one sentence, and to a machine as a document."""
    if machine:
        give({"error": problem(fault), "exit_code": fault.exit_code}, say(), machine=True)
    console(error=True).print(clean_lines(f"error: {fault}"), style="red", soft_wrap=True)


def report(sentence: str, kind: str, exit_code: int, *, machine: bool) -> None:
    """Says in one line that something happened which nobody foresaw, and to a machine as a document."""
    if machine:
        give({"error": {"kind": kind, "message": sentence}, "exit_code": exit_code}, say(), machine=True)
    console(error=True).print(clean(f"error: {sentence}"), style="red", soft_wrap=True)


def problem(fault: RelanceError) -> dict[str, Any]:
    """Writes a fault out as a document."""
    document: dict[str, Any] = {"kind": type(fault).__name__, "message": str(fault)}
    if isinstance(fault, InputRefused):
        document |= {"field": fault.field, "value": fault.value, "remedy": fault.remedy, "line": fault.line}
    return document


def table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, right: Iterable[int] = ()
) -> Table:
    """Makes a table; the columns at the places in `right` hold figures."""
    figures = set(right)
    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
    )
    for place, column in enumerate(columns):
        made.add_column(column, justify="right" if place in figures else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean(cell)) for cell in row))
    return made


def clean(text: object) -> str:
    """Makes a text from outside safe for a terminal: one line, without control or direction marks."""
    return "" if text is None else one_line(str(text))


def clean_lines(text: str) -> str:
    """Makes a text of several lines safe for a terminal."""
    return "\n".join(clean(line) if line.strip() else "" for line in text.splitlines())


def _plain(value: object) -> object:
    """Writes a value as JSON can carry it."""
    match value:
        case BaseModel():
            plain: object = value.model_dump(mode="json")
        case Tone():
            plain = value.name.lower()
        case datetime() | date():
            plain = value.isoformat()
        case Decimal():
            plain = f"{value:.2f}"
        case _:
            plain = str(value)
    return plain
